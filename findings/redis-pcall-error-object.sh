#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: pcall returns the very value that error() raised: so it is in every
# Lua, and Redis scripts run in Lua 5.1.
# Seen: in Redis 7 pcall returns a string where a table with a field `err` was
# raised; its other fields, its metatable and its identity are gone. A table
# that has no `err` comes through, and so does any by xpcall or
# coroutine.resume.

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

debian redis-server=5:7.0.15-1~deb12u10 redis-tools=5:7.0.15-1~deb12u10
same version "Redis v=7.0.15" \
  "$(redis-server --version | cut -d ' ' -f 1,3)"

socket=$work/redis.sock
redis-server --port 0 --unixsocket "$socket" --save '' --dir "$work" \
  >"$work/log" & pids=$!
until redis-cli -s "$socket" ping >/dev/null 2>&1; do sleep 0.1; done

seen() { # SCRIPT: the type of the error object that it returns
  redis-cli -s "$socket" eval "local function raise(object)
      return function() error(object) end
    end
    local _, object = $1
    return type(object)" 0
}
same "pcall, { code = 5 }" table "$(seen 'pcall(raise { code = 5 })')"
same "pcall, { code = 5, err = 'busy' }" string \
  "$(seen "pcall(raise { code = 5, err = 'busy' })")"
same "xpcall, { code = 5, err = 'busy' }" table \
  "$(seen "xpcall(raise { code = 5, err = 'busy' },
             function(object) return object end)")"
same "coroutine.resume, { code = 5, err = 'busy' }" table \
  "$(seen "coroutine.resume(coroutine.create(
             raise { code = 5, err = 'busy' }))")"
