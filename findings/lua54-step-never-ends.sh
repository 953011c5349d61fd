#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: collectgarbage("step", n) with a large n does a whole cycle, frees what
# is garbage and returns true, so a program can step until it is done.
# Seen: in generational mode it returns false for ever, whatever n, and does not
# free what survived two collections before it became garbage: each step is a
# young collection. The program lua5.4 runs in generational mode by default (the
# library does not), so the same code differs between a script and a program
# that embeds Lua.

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

debian lua5.4=5.4.4-3+deb12u1
same version "Lua 5.4.4" "$(lua5.4 -v | cut -d ' ' -f 1-2)"

cat >"$work/steps.lua" <<'LUA'
local mode = arg[1]
if mode ~= "default" then collectgarbage(mode) end

local tables, alive = {}, setmetatable({}, { __mode = "k" })
for i = 1, 1000 do
  tables[i] = {}
  alive[tables[i]] = true
end
for _ = 1, 3 do collectgarbage("step", 1000000) end
tables = nil

local ended, left = 0, 0
for _ = 1, 100 do
  if collectgarbage("step", 1000000) then ended = ended + 1 end
end
for _ in pairs(alive) do left = left + 1 end
print(("%d of 100 steps ended a cycle, %d of 1000 tables left")
  :format(ended, left))
LUA
run() { lua5.4 "$work/steps.lua" "$1"; }
same incremental \
  "100 of 100 steps ended a cycle, 0 of 1000 tables left" "$(run incremental)"
never="0 of 100 steps ended a cycle, 1000 of 1000 tables left"
same generational "$never" "$(run generational)"
same "the program's default" "$never" "$(run default)"
