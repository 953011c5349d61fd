#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a server that has validators and ranges honours If-Range: after the
# file was replaced, a resume gets the new file whole.
# Seen: h2o ignores If-Range, with an ETag as with a date, and answers 206. send
# (the files of express) takes a date for "not newer than": a file replaced by
# an older one (a restored backup, `cp -p`) answers 206 too. In both cases the
# client gets the first half of one file and the second half of the other. nginx
# does what one would guess.

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
npm_packages() { # NAME@VERSION ...: in $work/node_modules
  case $(node --version 2>&1) in
  v[2-9][0-9].*) ;;
  *) fail "needs node 20 or later, and npm" ;;
  esac
  npm install --loglevel error --no-audit --no-fund --ignore-scripts \
    --cache "$work/cache" --prefix "$work" "$@" >"$work/npm" 2>&1 ||
    fail "not to be had in these versions: $(cat "$work/npm")"
  export NODE_PATH="$work/node_modules"
}
ready() { # URL: waits until a server answers there
  for _ in $(seq 100); do
    ! curl -s -o /dev/null "$1" || return 0
    sleep 0.1
  done
  fail "no server at $1"
}

debian curl nginx=1.22.1-9+deb12u11 h2o=2.2.5+dfsg2-7
npm_packages send@1.2.1
same version nginx/1.22.1 "$(nginx -v 2>&1 | cut -d ' ' -f 3)"
same version "h2o 2.2.5" "$(h2o --version | head -n 1 | cut -d ' ' -f 1,3)"

port=$((20000 + $$ % 1200 * 10))
mkdir "$work/www"
chmod 755 "$work/www"
cat >"$work/nginx.conf" <<CONF
daemon off;
pid $work/pid;
events {}
http {
  access_log off;
  client_body_temp_path $work/t1; proxy_temp_path $work/t2;
  fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  server { listen 127.0.0.1:$port; root $work/www; }
}
CONF
cat >"$work/h2o.conf" <<CONF
listen: { host: 127.0.0.1, port: $((port + 1)) }
hosts: { default: { paths: { /: { file.dir: $work/www } } } }
user: $(id -un)
CONF
cat >"$work/send.js" <<'JS'
const [port, root] = process.argv.slice(2);
require("http").createServer((request, response) => {
  require("send")(request, request.url, { root }).pipe(response);
}).listen(port, "127.0.0.1");
JS
echo >"$work/www/ready"
nginx -e stderr -p "$work" -c "$work/nginx.conf" & pids=$!
h2o -c "$work/h2o.conf" 2>/dev/null & pids="$pids $!"
node "$work/send.js" $((port + 2)) "$work/www" & pids="$pids $!"
for number in 0 1 2; do ready "http://127.0.0.1:$((port + number))/ready"; done

header() { # NAME: of an answer on standard input
  tr -d '\r' | sed -n "s/^$1: //Ip"
}
resume() { # PORT VALIDATOR: 5 bytes of the old file, and the rest
  printf 'old: AAAAA' >"$work/www/take.mp4"
  touch -d '2026-01-02 00:00:00 UTC' "$work/www/take.mp4"
  url=http://127.0.0.1:$1/take.mp4
  validator=$(curl -s -I "$url" | header "$2")
  [ "$validator" ] || fail "no $2 at $1"
  printf 'new: BBBBBBB' >"$work/www/take.new"
  touch -d '2026-01-01 00:00:00 UTC' "$work/www/take.new"
  mv "$work/www/take.new" "$work/www/take.mp4"
  seen=$(curl -s -r 5- -H "If-Range: $validator" -w ' %{http_code}' "$url")
}
resume "$port" etag
same "nginx, ETag" "new: BBBBBBB 200" "$seen"
resume "$port" last-modified
same "nginx, date" "new: BBBBBBB 200" "$seen"
resume $((port + 1)) etag
same "h2o, ETag" "BBBBBBB 206" "$seen"
resume $((port + 1)) last-modified
same "h2o, date" "BBBBBBB 206" "$seen"
resume $((port + 2)) etag
same "send, ETag" "new: BBBBBBB 200" "$seen"
resume $((port + 2)) last-modified
same "send, date" "BBBBBBB 206" "$seen"
