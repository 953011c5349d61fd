#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: an error inside coroutine.wrap is raised again where the coroutine is
# called, and a pcall around that call catches it: so says Lua's manual, and so
# does LuaJIT.
# Seen: under ngx_lua the error goes past every pcall and ends the request with
# 500. The coroutine functions there are ngx_lua's own; coroutine.resume returns
# the error as usual.

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

debian curl nginx=1.22.1-9+deb12u11 libluajit2-5.1-2=2.1-20230119-1 \
  libnginx-mod-http-lua=1:0.10.23-1+deb12u1
same version nginx/1.22.1 "$(nginx -v 2>&1 | cut -d ' ' -f 3)"

port=$((20000 + $$ % 1200 * 10))
cat >"$work/nginx.conf" <<CONF
daemon off;
pid $work/pid;
load_module $(at /usr/lib/nginx/modules/ndk_http_module.so);
load_module $(at /usr/lib/nginx/modules/ngx_http_lua_module.so);
events {}
http {
  access_log off;
  client_body_temp_path $work/t1; proxy_temp_path $work/t2;
  fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  lua_package_path "$work/usr/share/lua/5.1/?.lua;/usr/share/lua/5.1/?.lua";
  server {
    listen 127.0.0.1:$port;
    location /ready { content_by_lua_block { ngx.print("ngx_lua ",
      ngx.config.ngx_lua_version, ", ", jit.version) } }
    location /called { content_by_lua_block {
      local caught = not pcall(function()
        (function() error("inside") end)()
      end)
      ngx.print("caught ", tostring(caught))
    } }
    location /resume { content_by_lua_block {
      local thread = coroutine.create(function() error("inside") end)
      local caught = not coroutine.resume(thread)
      ngx.print("caught ", tostring(caught))
    } }
    location /wrap { content_by_lua_block {
      local caught = not pcall(function()
        coroutine.wrap(function() error("inside") end)()
      end)
      ngx.print("caught ", tostring(caught))
    } }
  }
}
CONF
nginx -e stderr -p "$work" -c "$work/nginx.conf" 2>"$work/errors" & pids=$!
url=http://127.0.0.1:$port
ready "$url/ready"
same version "ngx_lua 10023, LuaJIT 2.1.0-beta3" "$(curl -s "$url/ready")"
same "an error in a function" "caught true" "$(curl -s "$url/called")"
same "in coroutine.resume" "caught true" "$(curl -s "$url/resume")"
same "in coroutine.wrap" "500" \
  "$(curl -s -o /dev/null -w '%{http_code}' "$url/wrap")"
grep -o 'lua entry thread aborted: runtime error: [^,]*' "$work/errors" ||
  fail "the error log does not say why"
