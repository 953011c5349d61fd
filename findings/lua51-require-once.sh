#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a require that failed can be tried again, and each try tells the cause;
# a server that tries at each request recovers once the cause is gone.
# Seen: on Lua 5.1 and LuaJIT only the first try tells it. Each later one fails
# with "loop or previous error loading module", without the cause, even when
# the module would load by now; so does the module that required it. On Lua 5.2
# and later it is as guessed. Taking both out of package.loaded helps.

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
  lua5.2=5.2.4-3 lua5.4=5.4.4-3+deb12u1
cd "$work"

# Fails as long as there is no file "ready", as a module does whose library or
# configuration is not there yet.
cat >inner.lua <<'LUA'
local file = io.open "ready"
if not file then
  error("not ready", 0)
end
file:close()
return "inner"
LUA
echo 'return require "inner" .. ", outer"' >outer.lua

# Tries outer, makes it ready, tries again, then with both forgotten.
cat >try.lua <<'LUA'
local function try(label)
  local ok, value = pcall(require, "outer")
  value = tostring(value):gsub("^.*:%d+: ", ""):gsub("\n.*", "")
  print(label .. (ok and "loads " or "fails: ") .. value)
end
try "first, "
try "again, "
io.open("ready", "w"):close()
try "ready, "
package.loaded.outer, package.loaded.inner = nil, nil
try "forgotten, "
LUA
try() {
  rm -f ready
  LUA_PATH='./?.lua' "$1" try.lua | tr '\n' ';'
}
loop="loop or previous error loading module 'outer'"
for vm in lua5.1 luajit; do
  same "$vm" "first, fails: not ready;again, fails: $loop;$(:
    )ready, fails: $loop;forgotten, loads inner, outer;" "$(try $vm)"
done
for vm in lua5.2 lua5.4; do
  same "$vm" "first, fails: not ready;again, fails: not ready;$(:
    )ready, loads inner, outer;forgotten, loads inner, outer;" "$(try $vm)"
done
