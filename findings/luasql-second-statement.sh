#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: conn:execute("INSERT …; INSERT …") runs both statements, or refuses the
# text because there are two.
# Seen: luasql.sqlite3 runs the first, returns its number of rows and ignores
# the second, even where that one is no SQL at all.

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

debian lua5.4=5.4.4-3+deb12u1 lua-sql-sqlite3=2.6.0-2
LUA_CPATH="$(echo "$work"/usr/lib/*-linux-gnu)/lua/5.4/?.so;;"
export LUA_CPATH
cat >"$work/two.lua" <<'LUA'
local luasql = require "luasql.sqlite3"
local connection = luasql.sqlite3():connect(":memory:")
assert(connection:execute("CREATE TABLE jobs (name)"))
local rows, err = connection:execute(arg[1])
local jobs = connection:execute("SELECT count(*) FROM jobs"):fetch()
print(("%s: %s, %d in the table"):format(luasql._VERSION,
  rows and ("returns %d"):format(rows) or err, jobs))
LUA
run() { lua5.4 "$work/two.lua" "$1"; }
first="INSERT INTO jobs VALUES ('first')"
second="INSERT INTO jobs VALUES ('second')"
lua="LuaSQL 2.6.0 (for Lua 5.4):"
same "no SQL" "$lua LuaSQL: near \"this\": syntax error, 0 in the table" \
  "$(run "this is no SQL")"
same "INSERT; INSERT" "$lua returns 1, 1 in the table" \
  "$(run "$first; $second")"
same "INSERT; no SQL" "$lua returns 1, 1 in the table" \
  "$(run "$first; this is no SQL")"
