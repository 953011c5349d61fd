#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: curl sends a POST once, unless --retry says otherwise.
# Seen: where a kept connection is closed after the whole request was read, curl
# opens another and sends the POST again. It reports one success; the server has
# taken the order twice.

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

debian curl=7.88.1-10+deb12u15 python3
same version "curl 7.88.1" "$(curl --version | head -n 1 | cut -d " " -f 1-2)"

# Answers, but not to the second request: there it closes the connection after
# the last byte of the body, as a server does that is restarted at that moment.
cat >"$work/server.py" <<'PY'
import socketserver
class Handler(socketserver.StreamRequestHandler):
    requests = 0
    def handle(self):
        while True:
            length, line = 0, self.rfile.readline()
            while line not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
                line = self.rfile.readline()
            body = self.rfile.read(length).decode()
            if not body:
                return
            Handler.requests += 1
            print(body, end=" ", flush=True)
            if Handler.requests == 2:
                return
            self.wfile.write(b"HTTP/1.1 201 Created\r\n"
                             b"Content-Length: 0\r\n\r\n")
with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
PY
: >"$work/log"
python3 "$work/server.py" >"$work/log" & pids=$!
until [ -s "$work/log" ]; do sleep 0.1; done
url=http://127.0.0.1:$(head -n 1 "$work/log")/orders

code=0
told=$(curl -s -S -d first -w '%{http_code} ' "$url" \
  --next -s -S -d second -w '%{http_code}' "$url") || code=$?
same "the caller sees" "201 201, exit 0" "$told, exit $code"
same "the server took" "first second second " "$(tail -n 1 "$work/log")"
