#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: --request-target (CURLOPT_REQUEST_TARGET) replaces the path of the URL,
# and an HTTP proxy still gets the absolute form, "GET http://host/target".
# Seen: curl sends the text as it is to the proxy, too. Apache takes "GET /b" as
# a request to itself: status 200, and the file of the proxy. Through a tunnel
# (-p) the origin gets it, and so it does if the text is in absolute form.

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

debian curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15 \
  apache2-bin=2.4.71-1~deb12u1
same version "curl 7.88.1" "$(curl --version | head -n 1 | cut -d " " -f 1-2)"
same version Apache/2.4.71 "$(apache2 -v | head -n 1 | cut -d ' ' -f 3)"

# Apache twice in one: a proxy at $port, which has files of its own, and the
# origin at the port after it.
port=$((20000 + $$ % 1200 * 10))
origin=$((port + 1))
mkdir "$work/proxy" "$work/origin"
for name in a b; do
  echo "the proxy's $name" >"$work/proxy/$name"
  echo "the origin's $name" >"$work/origin/$name"
done
modules=$(at /usr/lib/apache2/modules)
cat >"$work/apache.conf" <<CONF
ServerRoot $work
ServerName 127.0.0.1
PidFile $work/pid
Listen 127.0.0.1:$port
Listen 127.0.0.1:$origin
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule proxy_module $modules/mod_proxy.so
LoadModule proxy_http_module $modules/mod_proxy_http.so
LoadModule proxy_connect_module $modules/mod_proxy_connect.so
User nobody
Group nogroup
ErrorLog $work/errors
<VirtualHost 127.0.0.1:$port>
  DocumentRoot $work/proxy
  ProxyRequests On
  AllowCONNECT $origin
</VirtualHost>
<VirtualHost 127.0.0.1:$origin>
  DocumentRoot $work/origin
</VirtualHost>
CONF
apache2 -X -f "$work/apache.conf" & pids=$!
ready "http://127.0.0.1:$port/a"

get() { # OPTION ...: body and status of /a at the origin
  curl -s --noproxy '' -w '%{http_code}' "$@" "http://127.0.0.1:$origin/a" |
    paste -s -d ' '
}
proxy=http://127.0.0.1:$port
same "no proxy" "the origin's b 200" "$(get --request-target /b)"
same "proxy" "the origin's a 200" "$(get -x "$proxy")"
same "proxy, target /b" "the proxy's b 200" \
  "$(get -x "$proxy" --request-target /b)"
same "proxy, the target in absolute form" "the origin's b 200" \
  "$(get -x "$proxy" --request-target "http://127.0.0.1:$origin/b")"
same "tunnel, target /b" "the origin's b 200" \
  "$(get -x "$proxy" -p --request-target /b)"
