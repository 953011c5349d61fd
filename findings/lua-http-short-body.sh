#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a body that is cut before its Content-Length ends with an error, as one
# in chunks does.
# Seen: lua-http returns what came, and no error, status 200; the requests of
# Python likewise. Only luasocket tells.

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

debian lua5.3 lua-http=0.4-1 lua-socket=3.1.0-1+b1 \
  python3-requests=2.28.1+dfsg-1 python3
lua=$work/usr/share/lua
LUA_PATH="$lua/5.3/?.lua;$lua/5.3/?/init.lua;$lua/5.1/?.lua;;"
LUA_CPATH="$(echo "$work"/usr/lib/*-linux-gnu)/lua/5.3/?.so;;"
PYTHONPATH=$work/usr/lib/python3/dist-packages
export LUA_PATH LUA_CPATH PYTHONPATH

# Promises 1,000 bytes, or chunks, and closes after 400.
cat >"$work/server.py" <<'PY'
import socketserver
heads = {b"/length": b"Content-Length: 1000\r\n\r\n",
         b"/chunks": b"Transfer-Encoding: chunked\r\n\r\n3E8\r\n"}
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        path = self.rfile.readline().split(b" ")[1]
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + heads[path] + b"v" * 400)
with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
PY
: >"$work/log"
python3 "$work/server.py" >"$work/log" & pids=$!
until [ -s "$work/log" ]; do sleep 0.1; done
url=http://127.0.0.1:$(head -n 1 "$work/log")

cat >"$work/lua-http.lua" <<'LUA'
local headers, stream = require "http.request".new_from_uri(arg[1]):go(10)
local body, err = stream:get_body_as_string(10)
print(body and headers:get ":status" .. ", " .. #body .. " bytes"
  or err and "an error")
LUA
cat >"$work/luasocket.lua" <<'LUA'
local body, status = require "socket.http".request(arg[1])
print(body and status .. ", " .. #body .. " bytes" or status)
LUA
cat >"$work/requests.py" <<'PY'
import sys
del sys.path[0]
import requests
try:
    answer = requests.get(sys.argv[1], timeout=10)
    print("%d, %d bytes" % (answer.status_code, len(answer.content)))
except requests.exceptions.RequestException as error:
    print(type(error).__name__)
PY
same "lua-http, 400 of 1000" "200, 400 bytes" \
  "$(lua5.3 "$work/lua-http.lua" "$url/length")"
same "lua-http, a cut chunk" "an error" \
  "$(lua5.3 "$work/lua-http.lua" "$url/chunks")"
same "luasocket, 400 of 1000" "closed" \
  "$(lua5.3 "$work/luasocket.lua" "$url/length")"
same "requests, 400 of 1000" "200, 400 bytes" \
  "$(python3 -W ignore "$work/requests.py" "$url/length")"
same "requests, a cut chunk" "ChunkedEncodingError" \
  "$(python3 -W ignore "$work/requests.py" "$url/chunks")"
