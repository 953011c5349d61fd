#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: core.msleep(300) sleeps 300 ms wherever an action may call it.
# Seen: in a coroutine that the script makes itself it returns at once, without
# an error and without a yield, so a loop that polls there spins. The same call
# outside the coroutine sleeps.

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
ready() { # URL: waits until a server answers there
  for _ in $(seq 100); do
    ! curl -s -o /dev/null "$1" || return 0
    sleep 0.1
  done
  fail "no server at $1"
}

debian curl haproxy=2.6.12-1+deb12u4
same version "HAProxy 2.6.12-1+deb12u4" \
  "$(haproxy -v | head -n 1 | cut -d ' ' -f 1,3)"

port=$((20000 + $$ % 1200 * 10))
cat >"$work/sleep.lua" <<'LUA'
local function slept(sleep)
  local before = core.now()
  sleep()
  local after = core.now()
  return (after.sec - before.sec) * 1000 + (after.usec - before.usec) / 1000
end

core.register_action("sleep", { "http-req" }, function(txn)
  local function sleep() core.msleep(300) end
  local first
  local outside = slept(sleep)
  local inside = slept(function()
    local thread = coroutine.create(function() sleep() return "returned" end)
    first = select(2, coroutine.resume(thread))
  end)
  txn:set_var("txn.seen", string.format("outside %s, inside %s, %s",
    outside >= 250 and "slept" or outside .. " ms",
    inside < 50 and "not slept" or inside .. " ms", tostring(first)))
end)
LUA
cat >"$work/haproxy.cfg" <<CONF
global
  lua-load $work/sleep.lua
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend test
  bind 127.0.0.1:$port
  http-request lua.sleep
  http-request return status 200 content-type text/plain \
    lf-string "%[var(txn.seen)]"
CONF
haproxy -f "$work/haproxy.cfg" & pids=$!
url=http://127.0.0.1:$port/
ready "$url"
same "core.msleep(300)" "outside slept, inside not slept, returned" \
  "$(curl -s "$url")"
