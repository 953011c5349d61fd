#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: the scripts that argparse generates complete what its manual says:
# "options, commands, and argument choices", in bash, zsh and fish.
# Seen: all three complete the choices of an option. Those of an argument are in
# the script for zsh alone: bash and fish offer the names of files there.

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

debian bash lua5.4 lua-argparse=0.7.1-2 fish=3.6.0-3.1+deb12u1
LUA_PATH="$work/usr/share/lua/5.4/?.lua;;"
export LUA_PATH

cat >"$work/demo.lua" <<'LUA'
local demo = require "argparse" "demo"
demo:option "--quality":choices { "low", "high" }
demo:argument "model":choices { "alpha", "beta" }
demo:add_complete()
demo:parse()
LUA
mkdir "$work/empty" # no file whose name could be offered
cd "$work/empty"
for shell in bash zsh fish; do
  lua5.4 "$work/demo.lua" --completion $shell >"$work/demo.$shell"
done

cat >"$work/words.bash" <<'BASH'
source "$1"
shift
COMP_WORDS=(demo "$@" "") COMP_CWORD=$(($# + 1)) COMPREPLY=()
_demo
echo "${COMPREPLY[@]}" | tr ' ' '\n' | sort | paste -s -d ' '
BASH
in_bash() { bash "$work/words.bash" "$work/demo.bash" "$@"; }
in_fish() {
  HOME=$work fish --no-config -c \
    'source $argv[1]; complete -C "$argv[2]"' "$work/demo.fish" "demo $* " |
    cut -f 1 | sort | paste -s -d ' '
}
same "bash, demo --quality" "high low" "$(in_bash --quality)"
same "fish, demo --quality" "high low" "$(in_fish --quality)"
same "zsh, demo --quality" "(low high)" \
  "$(grep -o '(low high)' "$work/demo.zsh")"
same "zsh, demo" "(alpha beta)" "$(grep -o '(alpha beta)' "$work/demo.zsh")"
same "bash, demo" "" "$(in_bash)"
same "fish, demo" "" "$(in_fish)"
