#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: `proxy_cache` in front of a file server keeps ranges working; where the
# origin allows no caching it passes them through.
# Seen: the other way about. Where the origin says `Cache-Control: max-age=0`
# (what express.static sends), no-cache or no-store, nginx drops the Range
# header and answers 200 with the whole file, each time, and with
# `Accept-Ranges: bytes`. Ranges work where caching is allowed, where the origin
# says nothing, and where there is no proxy_cache.

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
ready() { # URL: waits until a server answers there
  for _ in $(seq 100); do
    ! curl -s -o /dev/null "$1" || return 0
    sleep 0.1
  done
  fail "no server at $1"
}

debian curl nginx=1.22.1-9+deb12u11
same version nginx/1.22.1 "$(nginx -v 2>&1 | cut -d ' ' -f 3)"

port=$((20000 + $$ % 1200 * 10))
mkdir "$work/www"
head -c 100000 /dev/zero >"$work/www/take.mp4"
cat >"$work/nginx.conf" <<CONF
daemon off;
pid $work/pid;
events {}
http {
  access_log off;
  client_body_temp_path $work/t1; proxy_temp_path $work/t2;
  fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  proxy_cache_path $work/cache keys_zone=takes:1m;
  server {
    listen 127.0.0.1:$port;
    location / {
      add_header Cache-Control \$arg_control;
      alias $work/www/;
    }
  }
  server {
    listen 127.0.0.1:$((port + 1));
    location / { proxy_pass http://127.0.0.1:$port; proxy_cache takes; }
  }
  server {
    listen 127.0.0.1:$((port + 2));
    location / { proxy_pass http://127.0.0.1:$port; }
  }
}
CONF
nginx -e stderr -p "$work" -c "$work/nginx.conf" & pids=$!
ready "http://127.0.0.1:$port/take.mp4"

range() { # PORT CACHE-CONTROL: status and size of the answer to a range
  curl -s -o /dev/null -r 500-599 -w '%{http_code} %{size_download}' \
    "http://127.0.0.1:$1/take.mp4?control=$2"
}
same "no cache, max-age=0" "206 100" "$(range $((port + 2)) max-age=0)"
same "cache, origin says nothing" "206 100" "$(range $((port + 1)) '')"
same "cache, max-age=60" "206 100" "$(range $((port + 1)) max-age=60)"
for control in max-age=0 no-cache no-store; do
  for turn in first second; do
    same "cache, $control, $turn time" "200 100000" \
      "$(range $((port + 1)) $control)"
  done
done
