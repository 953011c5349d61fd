#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a request takes one idle connection from libcurl's pool, looks whether
# that is alive, and costs the same with one in the pool as with a hundred.
# Seen: once a second, at the start of a request, libcurl looks at each idle
# connection of the pool, a call of poll for each one. With 100 it makes 101 of
# them before it sends anything; within the same second, one. In a virtual
# machine 500 took 1 to 4 ms, in a loop that had 2 for its frame.

set -eu
[ "${BOUNDED-}" ] || BOUNDED=1 exec timeout -k 5 120 sh "$0"
work=$(mktemp -d) pids=
chmod 755 "$work"
leave() {
  code=$?
  kill $pids 2>/dev/null || :
  wait
  rm -rf "$work"
  [ "$code" = 0 ] || echo "$0: exit code $code" >&2
}
trap leave EXIT
trap 'exit 1' INT TERM
fail() { echo "FAIL: $*" >&2; exit 1; }
same() { [ "$2" = "$3" ] || fail "$1: expected '$2', saw '$3'"; echo "$1: $3"; }
debian() { # NAME=VERSION ...: unpacked in $work, with what they need
  mkdir -p "$work/debs/partial"
  set -- -qq -y -d --no-install-recommends --allow-downgrades \
    -o Debug::NoLocking=1 -o APT::Sandbox::User=root \
    -o Dir::Cache::archives="$work/debs" install "$@"
  apt-get "$@" >"$work/apt" 2>&1 ||
    { apt-get -qq update && apt-get "$@" >"$work/apt" 2>&1; } ||
    fail "not to be had in these versions: $(cat "$work/apt")"
  for deb in "$work"/debs/*.deb; do
    [ ! -e "$deb" ] || dpkg-deb -x "$deb" "$work"
  done
  libs=$(echo "$work"/usr/lib/*-linux-gnu "$work"/lib/*-linux-gnu | tr ' ' :)
  export PATH="$work/usr/sbin:$work/usr/bin:$PATH" LD_LIBRARY_PATH="$libs"
}

debian libcurl4=7.88.1-10+deb12u15 python3 strace=6.1-0.1
cat >"$work/pool.py" <<'PY'
import ctypes, os, socket, sys, threading, time
count = int(sys.argv[1])
curl = ctypes.CDLL("libcurl.so.4")
for name in "curl_easy_init", "curl_multi_init":
    getattr(curl, name).restype = ctypes.c_void_p
URL, MAXCONNECTS = 10002, 6
listener = socket.create_server(("127.0.0.1", 0), backlog=count)
all_here = threading.Barrier(count)

# Answers the first request of each connection when all have come.
def answer(peer):
    is_first = True
    while peer.recv(65536):
        if is_first:
            all_here.wait()
        is_first = False
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

def serve():
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],),
                         daemon=True).start()

threading.Thread(target=serve, daemon=True).start()
url = b"http://127.0.0.1:%d/" % listener.getsockname()[1]
multi = ctypes.c_void_p(curl.curl_multi_init())
curl.curl_multi_setopt(multi, MAXCONNECTS, ctypes.c_long(count))

def transfers(n):
    handles = [ctypes.c_void_p(curl.curl_easy_init()) for _ in range(n)]
    for each in handles:
        curl.curl_easy_setopt(each, URL, url)
        curl.curl_multi_add_handle(multi, each)
    running = ctypes.c_int(n)
    while running.value:
        curl.curl_multi_perform(multi, ctypes.byref(running))
        time.sleep(0.001)
    for each in handles:
        curl.curl_multi_remove_handle(multi, each)
        curl.curl_easy_cleanup(each)

transfers(count)
for label in "later", "at once":
    if label == "later":
        time.sleep(1.5)
    os.write(2, b"begin\n")
    transfers(1)
    os.write(2, b"end\n")
PY

# polls NUMBER: what the main thread calls until the request is sent, a line for
# each of the two requests.
polls() {
  strace -o "$work/trace" -e trace=poll,write,sendto \
    python3 "$work/pool.py" "$1" 2>"$work/said" || fail "$(cat "$work/said")"
  awk '/"begin/ { n = 0; counts = 1 } /^sendto/ && counts { print n; counts = 0 }
    /^poll/ && counts { n++ }' "$work/trace" | tr '\n' ' '
}

same "polls of a request with 1 idle, after 1.5 s and at once" "2 1 " "$(polls 1)"
same "the same with 100 idle" "101 1 " "$(polls 100)"
