#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: an error in a callback of a GLib main loop has one way out: loop:run()
# raises it, or it is printed and the loop goes on.
# Seen: under lgi it depends on the callback. In a timer it is a warning of GLib
# on stderr, the timer never fires again, and loop:run() returns as usual. In a
# coroutine of Gio.Async.start, loop:run() raises it; but before the first wait
# of that coroutine it is only a result of the starting call.

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

debian lua5.3 lua-lgi=0.9.2-3 gir1.2-glib-2.0=1.74.0-3
LUA_PATH="$work/usr/share/lua/5.3/?.lua;$work/usr/share/lua/5.1/?.lua;;"
LUA_CPATH="$(echo "$work"/usr/lib/*-linux-gnu)/lua/5.3/?.so;;"
GI_TYPELIB_PATH=$(echo "$work"/usr/lib/*-linux-gnu)/girepository-1.0
export LUA_PATH LUA_CPATH GI_TYPELIB_PATH

# Runs a loop for 0.5 s, in which one callback raises an error.
cat >"$work/loop.lua" <<'LUA'
local lgi = require "lgi"
local GLib, Gio = lgi.GLib, lgi.Gio
local loop, fired = GLib.MainLoop(), 0
local start
if arg[1] == "version" then
  print("lgi " .. lgi._VERSION)
  return
elseif arg[1] == "timer" then
  GLib.timeout_add(GLib.PRIORITY_DEFAULT, 10, function()
    fired = fired + 1
    if fired == 2 then
      error("inside", 0)
    end
    return true
  end)
else
  start = Gio.Async.start(function()
    if arg[1] == "after a wait" then
      Gio.File.new_for_path(arg[0]):async_load_contents()
    end
    error("inside", 0)
  end)
end
GLib.timeout_add(GLib.PRIORITY_DEFAULT, 500, function() loop:quit() end)
local started = not start and "" or start() and "started, "
  or "start gives false, "
local ok, err = pcall(loop.run, loop)
print(started .. (ok and "run returns" or "run raises " .. err)
  .. (start and "" or ", fired " .. string.format("%d", fired)))
LUA
run() { lua5.3 "$work/loop.lua" "$1" 2>"$work/errors"; }
warned() { grep -c 'Lgi-WARNING.*inside' "$work/errors" || :; }
same version "lgi 0.9.2" "$(run version)"
same "a timer that shall fire every 10 ms" "run returns, fired 2" "$(run timer)"
same "warnings on stderr" 1 "$(warned)"
same "a coroutine, after a wait" "started, run raises inside" \
  "$(run "after a wait")"
same "warnings on stderr" 0 "$(warned)"
same "a coroutine, before a wait" "start gives false, run returns" \
  "$(run "before a wait")"
same "warnings on stderr" 0 "$(warned)"
