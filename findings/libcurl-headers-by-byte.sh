#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: libcurl copies a request's headers, which costs next to nothing.
# Seen: it formats them a byte at a time, 85 to 90 instructions for each. On a
# warm connection a header of 1,000 bytes, as of a signed token, costs 89,000;
# all the rest of a request of the program curl costs 140,000.

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

debian curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15 python3 \
  valgrind=1:3.19.0-1
tools=$work/usr/libexec/valgrind # not there where the system has this version
[ ! -d "$tools" ] || export VALGRIND_LIB="$tools"
cat >"$work/server.py" <<'PY'
import socket, threading
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)

def answer(peer):
    data = b""
    while piece := peer.recv(65536):
        data += piece
        while b"\r\n\r\n" in data:
            data = data.split(b"\r\n\r\n", 1)[1]
            peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

while True:
    threading.Thread(target=answer, args=(listener.accept()[0],),
                     daemon=True).start()
PY
python3 "$work/server.py" >"$work/port" &
pids=$!
until [ -s "$work/port" ]; do sleep 0.1; done
url=http://127.0.0.1:$(cat "$work/port")/

# instructions BYTES REQUESTS: of one process that makes them on one connection,
# each with a header of that many bytes.
instructions() {
  value=$(head -c "$1" /dev/zero | tr '\0' a)
  # shellcheck disable=SC2046 # they are several words
  set -- $(seq "$2" | sed "s|.*|$url|")
  valgrind --tool=callgrind --callgrind-out-file=/dev/null \
    curl -q -sS --noproxy '*' -H "X-Token: $value" "$@" 2>"$work/said" ||
    fail "$(cat "$work/said")"
  sed -n 's/.*Collected : *//p' "$work/said"
}

few=$(instructions 10 10) many=$(instructions 10 60)
long_few=$(instructions 1010 10) long_many=$(instructions 1010 60)
request=$(((many - few) / 50))
header=$((((long_many - long_few) - (many - few)) / 50))
echo "instructions of a request: $request; of 1,000 bytes more: $header"
same "a byte costs more than 50" 1 $((header > 50000))
same "1,000 bytes cost more than half of a request" 1 $((2 * header > request))
