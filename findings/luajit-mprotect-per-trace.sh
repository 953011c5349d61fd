#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: what LuaJIT's compiler takes of a frame is computing, which a fast
# processor does in some tens of microseconds.
# Seen: for each trace it makes the system change the protection of its code
# twice, to writable and back: 50 short loops, 50 traces, 99 calls of mprotect.
# Where such a call is slow, as in a virtual machine in which one took 0.3 to
# 1.4 ms, a step that allocates nothing takes twice its time. With -joff there
# is none of it.

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

debian luajit=2.1.0~beta3+git20220320+dfsg-4.1+deb12u1 strace=6.1-0.1
cat >"$work/loops.lua" <<'LUA'
local traces = 0
jit.attach(function(what)
  if what == "stop" then traces = traces + 1 end
end, "trace")
for i = 1, 50 do
  load(("local n = %d for i = 1, 200 do n = n + i end"):format(i))()
end
print(traces)
LUA

# changes ARGUMENT...: the changes of protection in luajit.
changes() {
  strace -o "$work/trace" -e trace=mprotect luajit "$@" >"$work/said"
  grep -c mprotect "$work/trace"
}

# loops OPTION: the traces, and the changes beyond those of a program that does
# nothing.
loops() {
  idle=$(changes "$@" -e '')
  all=$(changes "$@" "$work/loops.lua")
  echo "$(cat "$work/said") traces, $((all - idle)) calls"
}

same "with the compiler" "50 traces, 99 calls" "$(loops -jon)"
same "without it" "0 traces, 0 calls" "$(loops -joff)"
