#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a cleartext HTTP/2 connection, once open, takes further requests.
# Seen: the first request succeeds; the second one on the same connection ends
# with exit code 16, "Error in the HTTP2 framing layer", and is not sent again.
# Another client makes both on one connection of the same server, and curl makes
# both over HTTP/1.1.

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

debian curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15 \
  nginx=1.22.1-9+deb12u11 nghttp2-client
same version "curl 7.88.1" "$(curl --version | head -n 1 | cut -d " " -f 1-2)"

port=$((20000 + $$ % 1200 * 10))
cat >"$work/nginx.conf" <<CONF
daemon off;
pid $work/pid;
events {}
http {
  access_log off;
  client_body_temp_path $work/t1; proxy_temp_path $work/t2;
  fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  server {
    listen 127.0.0.1:$port;
    listen 127.0.0.1:$((port + 1)) http2;
    location / { return 200 "request \$connection_requests, "; }
  }
}
CONF
nginx -e stderr -p "$work" -c "$work/nginx.conf" & pids=$!
ready "http://127.0.0.1:$port/"

twice() { # URL OPTION ...: two requests by one curl
  url=$1
  shift
  code=0
  seen=$(curl -s "$@" "$url" "$url") || code=$?
  seen="${seen}exit $code"
}
twice "http://127.0.0.1:$port/"
same "curl, HTTP/1.1" "request 1, request 2, exit 0" "$seen"
url=http://127.0.0.1:$((port + 1))/
same "nghttp, HTTP/2" "request 1, request 2, " "$(nghttp "$url" "$url?again")"
twice "$url" --http2-prior-knowledge
same "curl, HTTP/2" "request 1, exit 16" "$seen"
