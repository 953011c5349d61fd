#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: timers of Prosody's loop fire beside a busy descriptor, at the latest
# after its next event.
# Seen: the loop runs them only when no descriptor can be read. While one can be,
# its callback is called again and again, and a timer of 10 ms does not fire at
# all. It does if the callback stops watching until a timer of 0 s.


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

debian prosody=0.12.3-1+deb12u1 lua5.4 lua-socket=3.1.0-1+b1
prosody=$work/usr/lib/prosody
[ -e "$prosody" ] || prosody=/usr/lib/prosody  # installed in this version
modules=$(echo "$work"/usr/lib/*-linux-gnu)/lua/5.4
LUA_PATH="$prosody/?.lua;$work/usr/share/lua/5.4/?.lua;;"
LUA_CPATH="$prosody/?.so;$modules/?.so;;"
export LUA_PATH LUA_CPATH

# Half a second beside a descriptor with a byte that nobody reads meanwhile.
cat >"$work/loop.lua" <<'LUA'
local socket = require "socket"
local server = require "net.server_epoll"
local listener = assert(socket.bind("127.0.0.1", 0))
local host, port = listener:getsockname()
local sender = assert(socket.connect(host, port))
local reader = assert(listener:accept())
assert(sender:send "x")

local fired, events = 0, 0
server.add_task(0.01, function()
  fired = fired + 1
  return 0.01
end)
local ends, handle = socket.gettime() + 0.5, nil
handle = server.watchfd(reader:getfd(), function()
  events = events + 1
  if socket.gettime() >= ends then
    reader:receive(1)
  elseif arg[1] == "pauses" then
    handle:set(false)
    server.add_task(0, function() handle:set(true) end)
  end
end)
repeat server.loop(true) until socket.gettime() >= ends
local beside = fired
ends = socket.gettime() + 0.5
repeat server.loop(true) until socket.gettime() >= ends
print((events > 10 and "busy" or "idle")
  .. (beside > 10 and ", fires beside it" or ", fired " .. beside)
  .. (fired - beside > 10 and ", fires after it" or ", not after it"))
LUA
run() { lua5.4 "$work/loop.lua" "$1"; }
same "a timer of 10 ms beside a descriptor that can be read" \
  "busy, fired 0, fires after it" "$(run watches)"
same "the same, not watched until a timer of 0 s" \
  "busy, fires beside it, fires after it" "$(run pauses)"
