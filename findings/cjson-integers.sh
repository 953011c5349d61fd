#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: on Lua 5.4 cjson writes an integer as it is; the options for the
# precision of numbers are for floats.
# Seen: an integer of more than 14 digits comes out as a float with 14: a size,
# a time in microseconds or an id is another one. What cjson reads itself, it
# does not write back.

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

debian lua5.4=5.4.4-3+deb12u1 lua-cjson=2.1.0+dfsg-2.2
LUA_CPATH="$(echo "$work"/usr/lib/*-linux-gnu)/lua/5.4/?.so;;"
export LUA_CPATH
cat >"$work/write.lua" <<'LUA'
local cjson = require "cjson"
if arg[2] then cjson.encode_number_precision(tonumber(arg[2])) end
local value = cjson.decode(arg[1])[1]
print(cjson._VERSION .. ": " .. cjson.encode { math.tointeger(value) })
LUA
write() { lua5.4 "$work/write.lua" "$@"; }
same "14 digits" "2.1.0: [17644128001234]" "$(write '[17644128001234]')"
same "microseconds" "2.1.0: [1.7644128001235e+15]" \
  "$(write '[1764412800123456]')"
code=0
write '[1764412800123456]' 16 >"$work/out" 2>&1 || code=$?
same "16 digits asked for" "exit 1, between 1 and 14" \
  "exit $code, $(grep -o 'between 1 and 14' "$work/out")"
