#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a redirect to another host does not get the credentials of the first.
# Seen: curl -L, node's fetch and Python's requests take Authorization out, but
# send x-api-key on; luasocket and lua-http send both.

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

case $(node --version 2>&1) in
v[2-9][0-9].*) ;;
*) fail "needs node 20 or later" ;;
esac
debian curl=7.88.1-10+deb12u15 lua5.3 lua-http=0.4-1 lua-socket=3.1.0-1+b1 \
  python3-requests=2.28.1+dfsg-1 python3
lua=$work/usr/share/lua
LUA_PATH="$lua/5.3/?.lua;$lua/5.3/?/init.lua;$lua/5.1/?.lua;;"
LUA_CPATH="$(echo "$work"/usr/lib/*-linux-gnu)/lua/5.3/?.so;;"
PYTHONPATH=$work/usr/lib/python3/dist-packages
export LUA_PATH LUA_CPATH PYTHONPATH

# From 127.0.0.1 to localhost on another port, where the answer is which of the
# two headers came.
cat >"$work/server.py" <<'PY'
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
class Second(BaseHTTPRequestHandler):
    def do_GET(self):
        names = ("authorization", "x-api-key")
        body = " ".join(n for n in names if n in self.headers).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
class First(Second):
    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", "http://localhost:%d/" % other)
        self.send_header("Content-Length", "0")
        self.end_headers()
second = ThreadingHTTPServer(("127.0.0.1", 0), Second)
other = second.server_address[1]
Thread(target=second.serve_forever, daemon=True).start()
first = ThreadingHTTPServer(("127.0.0.1", 0), First)
print(first.server_address[1], flush=True)
first.serve_forever()
PY
: >"$work/log"
python3 "$work/server.py" >"$work/log" & pids=$!
until [ -s "$work/log" ]; do sleep 0.1; done
url=http://127.0.0.1:$(head -n 1 "$work/log")/

cat >"$work/fetch.mjs" <<'JS'
const headers = { Authorization: "Bearer a", "x-api-key": "b" };
console.log(await (await fetch(process.argv[2], { headers })).text());
JS
cat >"$work/requests.py" <<'PY'
import sys
del sys.path[0]
import requests
headers = {"Authorization": "Bearer a", "x-api-key": "b"}
print(requests.get(sys.argv[1], headers=headers).text)
PY
cat >"$work/luasocket.lua" <<'LUA'
local parts = {}
require "socket.http".request { url = arg[1],
  headers = { Authorization = "Bearer a", ["x-api-key"] = "b" },
  sink = require "ltn12".sink.table(parts) }
print(table.concat(parts))
LUA
cat >"$work/lua-http.lua" <<'LUA'
local request = require "http.request".new_from_uri(arg[1])
request.headers:append("authorization", "Bearer a")
request.headers:append("x-api-key", "b")
print((select(2, request:go(10)):get_body_as_string(10)))
LUA
same "curl -L" "x-api-key" \
  "$(curl -s -L -H "Authorization: Bearer a" -H "x-api-key: b" "$url")"
same "fetch of node" "x-api-key" "$(node "$work/fetch.mjs" "$url")"
same "requests" "x-api-key" \
  "$(python3 -W ignore "$work/requests.py" "$url")"
same "luasocket" "authorization x-api-key" \
  "$(lua5.3 "$work/luasocket.lua" "$url")"
same "lua-http" "authorization x-api-key" \
  "$(lua5.3 "$work/lua-http.lua" "$url")"
