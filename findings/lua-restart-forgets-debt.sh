#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a program that must not be interrupted for a while, as a game in a
# frame, stops the collector before that and restarts it after; then the
# collector does its work between, as far as the garbage demands.
# Seen: a restart forgets how much was allocated meanwhile, and begins the
# collector's pace anew. On Lua 5.4 each restart has it begin work at once,
# whether it is due or not: over 100 times as many cycles. On Lua 5.1 and LuaJIT
# a cycle never ends where most of the garbage is made while it is stopped, and
# the memory grows without end. Lua 5.3 is between.

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

debian lua5.1=5.1.5-9 luajit=2.1.0~beta3+git20220320+dfsg-4.1+deb12u1 \
  lua5.3=5.3.6-2 lua5.4=5.4.4-3+deb12u1
cd "$work"

# Frames that allocate about 10 KB each, and a little between them, beside 30 MB
# that stay. Prints how many cycles the collector has ended, by an object that
# is garbage at once and makes another when it is finalized, and the megabytes.
cat >frames.lua <<'LUA'
local stops = arg[1] == "stopped"
if _VERSION == "Lua 5.4" then collectgarbage "incremental" end
local kept, cycles = {}, 0
for i = 1, 300000 do kept[i] = { i } end
collectgarbage()
collectgarbage()
local function watch()
  local function ended()
    cycles = cycles + 1
    watch()
  end
  if newproxy then
    getmetatable(newproxy(true)).__gc = ended
  else
    setmetatable({}, { __gc = ended })
  end
end
watch()
local garbage
for frame = 1, 10000 do
  if stops then collectgarbage "stop" end
  for i = 1, 100 do garbage = { i, i } end
  if stops then collectgarbage "restart" end
  garbage = { frame }
end
print(cycles, math.floor(collectgarbage "count" / 1024))
assert(garbage)
LUA

# is NAME CONDITION: an awk condition of c and m, the cycles and megabytes if the
# collector goes on, and d and n, those if it is stopped in each frame.
is() {
  name=$1 going=$("$1" frames.lua going) stopped=$("$1" frames.lua stopped)
  echo "$name: cycles and MB $going; stopped in frames $stopped" | tr '\t' ' '
  echo "$going $stopped" | awk "{ c = \$1; m = \$2; d = \$3; n = \$4 }
    !($2) { exit 1 }" || fail "$name is another one"
}

is lua5.4 'c >= 1 && d > 50 * c'
is lua5.1 'c >= 1 && d == 0 && n > 1.3 * m'
is luajit 'c >= 1 && d == 0 && n > 1.3 * m'
is lua5.3 'c >= 1 && d <= 2 * c'
