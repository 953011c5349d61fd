#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: wget repeats downloads; a POST that may have been carried out it does
# not repeat unless told to.
# Seen: where the connection closes without an answer, wget sends the POST
# again, up to 20 times by default. An answer of 500 ends it at once.

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

debian wget=1.21.3-1+deb12u1 python3
same version "GNU Wget 1.21.3" "$(wget --version | head -n 1 |
  cut -d " " -f 1-3)"

# Takes three orders without an answer, and answers from the fourth on; /busy
# says 500.
cat >"$work/server.py" <<'PY'
import socketserver
class Handler(socketserver.StreamRequestHandler):
    orders = 0
    def handle(self):
        length, path = 0, self.rfile.readline().split(b" ")[1]
        for line in iter(self.rfile.readline, b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        print(self.rfile.read(length).decode(), end=" ", flush=True)
        Handler.orders += 1
        if path == b"/busy":
            self.wfile.write(b"HTTP/1.1 500 Busy\r\nContent-Length: 0\r\n\r\n")
        elif Handler.orders > 3:
            self.wfile.write(b"HTTP/1.1 201 Created\r\n"
                             b"Content-Length: 2\r\n\r\nok")
with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
PY
: >"$work/log"
python3 "$work/server.py" >"$work/log" & pids=$!
until [ -s "$work/log" ]; do sleep 0.1; done
url=http://127.0.0.1:$(head -n 1 "$work/log")

code=0
wget -q -O "$work/answer" --post-data=busy "$url/busy" || code=$?
same "the caller sees, of a 500" "exit 8" "exit $code"
code=0
wget -q -O "$work/answer" --post-data=order "$url/orders" || code=$?
same "the caller sees" "ok, exit 0" "$(cat "$work/answer"), exit $code"
same "the server took" "busy order order order " "$(tail -n 1 "$work/log")"
