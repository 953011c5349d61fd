#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: `curl --retry 2 -C - -o part URL` waits out a 503 and then resumes.
# Seen: curl ends at once with exit code 33, "HTTP server doesn't seem to
# support byte ranges. Cannot resume.", after a single request. 429 and 403 end
# it so, too: the check for a resume comes before the rule of --retry. The same
# line without -C, or with -f, repeats the request.

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

# A service that is busy for one request, then has ranges.
cat >"$work/server.py" <<'PY'
import http.server, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    requests = 0
    def do_GET(self):
        Handler.requests += 1
        if Handler.requests == 1:
            self.send_response(503)
            body = b"busy"
        elif self.headers["Range"]:
            self.send_response(206)
            self.send_header("Content-Range", "bytes 5-9/10")
            body = b"56789"
        else:
            self.send_response(200)
            body = b"0123456789"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        print(self.command, flush=True)
with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
PY

try() { # OPTION ...: one download, of which five bytes are there
  printf 01234 >"$work/part"
  : >"$work/log"
  python3 "$work/server.py" >"$work/log" & server=$!
  pids="$pids $server"
  until [ -s "$work/log" ]; do sleep 0.1; done
  code=0
  curl -s -S --retry 2 "$@" -o "$work/part" \
    "http://127.0.0.1:$(head -n 1 "$work/log")/v.mp4" 2>"$work/err" || code=$?
  kill "$server"
  seen="exit $code, $(grep -c GET "$work/log") requests, '$(cat "$work/part")'"
}

try
same "without -C" "exit 0, 2 requests, '0123456789'" "$seen"
try -f -C -
same "with -f -C -" "exit 0, 2 requests, '0123456789'" "$seen"
try -C -
same "with -C -" "exit 33, 1 requests, '01234'" "$seen"
cat "$work/err"
