#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a server that compresses on the fly answers a range with the plain
# bytes, or ignores the range.
# Seen: mod_deflate gives 206 with Content-Encoding: gzip and a slice of the gzip
# stream, caddy with a gzip stream of the slice of the file. So what was kept of
# a download can only be continued if one knows which of them it was.

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

debian curl apache2-bin=2.4.71-1~deb12u1 caddy=2.6.2-5
same version Apache/2.4.71 "$(apache2 -v | head -n 1 | cut -d ' ' -f 3)"

port=$((20000 + $$ % 1200 * 10))
mkdir "$work/www"
seq 2000 >"$work/www/words.txt"
touch -d 2026-01-01 "$work/www/words.txt" # Apache's ETag is weak for a second
modules=$(at /usr/lib/apache2/modules)
cat >"$work/apache.conf" <<CONF
ServerRoot $work
ServerName 127.0.0.1
PidFile $work/pid
Listen 127.0.0.1:$port
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule filter_module $modules/mod_filter.so
LoadModule deflate_module $modules/mod_deflate.so
User nobody
Group nogroup
ErrorLog $work/errors
DocumentRoot $work/www
<Directory $work/www>
  Require all granted
</Directory>
SetOutputFilter DEFLATE
CONF
cat >"$work/Caddyfile" <<CONF
{
  admin off
  auto_https off
}
http://127.0.0.1:$((port + 1)) {
  root * $work/www
  encode gzip
  file_server
}
CONF
apache2 -X -f "$work/apache.conf" & pids=$!
HOME=$work caddy run --config "$work/Caddyfile" --adapter caddyfile \
  >"$work/caddy" 2>&1 & pids="$pids $!"
ready "http://127.0.0.1:$port/words.txt"
ready "http://127.0.0.1:$((port + 1))/words.txt"

# Asks for all but the first 1,000 bytes; says status and coding, what the bytes
# are, and of what the total is.
rest() { # PORT
  url=http://127.0.0.1:$1/words.txt
  curl -s -o "$work/whole" -H 'Accept-Encoding: gzip' "$url"
  curl -s -D "$work/head" -o "$work/body" -H 'Accept-Encoding: gzip' \
    -H 'Range: bytes=1000-' "$url"
  tail -c +1001 "$work/whole" >"$work/of-stream"
  tail -c +1001 "$work/www/words.txt" >"$work/of-file"
  bytes="something else"
  if cmp -s "$work/body" "$work/of-stream"; then
    bytes="a slice of the gzip"
  elif gzip -dc <"$work/body" 2>"$work/errors" | cmp -s - "$work/of-file"; then
    bytes="gzip of a slice"
  fi
  tr -d '\r' <"$work/head" | tr '[:upper:]' '[:lower:]' | awk -v bytes="$bytes" \
    -v size="$(wc -c <"$work/www/words.txt")" '
    /^http/ { status = $2 }
    /^content-encoding:/ { coding = $2 }
    /^content-range:/ { sub(".*/", ""); total = $0 == size ? "file" : "gzip" }
    END { print status, coding ", " bytes ", total of the " total }'
}
same "mod_deflate" "206 gzip, a slice of the gzip, total of the gzip" \
  "$(rest "$port")"
same "caddy" "206 gzip, gzip of a slice, total of the file" \
  "$(rest $((port + 1)))"
