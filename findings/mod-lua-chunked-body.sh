#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: in Apache's mod_lua, r:requestbody() gives the body of any request, as
# it does for one with a Content-Length.
# Seen: for a chunked request (what Node's fetch sends for a stream, or curl for
# `-T -`) it gives nil; the script goes on, the answer is 200, and the error log
# says nothing.

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
at() { # PATH of a package's file: unpacked here, or installed before
  if [ -e "$work$1" ]; then echo "$work$1"; else echo "$1"; fi
}
ready() { # URL: waits until a server answers there
  for _ in $(seq 100); do
    ! curl -s -o /dev/null "$1" || return 0
    sleep 0.1
  done
  fail "no server at $1"
}

debian curl apache2-bin=2.4.71-1~deb12u1
same version Apache/2.4.71 "$(apache2 -v | head -n 1 | cut -d ' ' -f 3)"

port=$((20000 + $$ % 1200 * 10))
mkdir "$work/www"
cat >"$work/www/hook.lua" <<'LUA'
function handle(r)
  local body = r:requestbody()
  r:puts(body and #body .. " bytes" or tostring(body))
end
LUA
modules=$(at /usr/lib/apache2/modules)
cat >"$work/apache.conf" <<CONF
ServerRoot $work
ServerName 127.0.0.1
PidFile $work/pid
Listen 127.0.0.1:$port
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule lua_module $modules/mod_lua.so
User nobody
Group nogroup
ErrorLog $work/errors
LogLevel warn
DocumentRoot $work/www
<Directory $work/www>
  Require all granted
</Directory>
SetHandler lua-script
CONF
apache2 -X -f "$work/apache.conf" & pids=$!
url=http://127.0.0.1:$port/hook.lua
ready "$url"

post() { # OPTION ...
  head -c 5000 /dev/zero |
    curl -s --data-binary @- -w ', status %{http_code}' "$@" "$url"
}
same "Content-Length" "5000 bytes, status 200" "$(post)"
same "chunked" "nil, status 200" "$(post -H 'Transfer-Encoding: chunked')"
same "error log" "" "$(cat "$work/errors")"
