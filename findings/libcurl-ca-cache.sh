#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: libcurl 7.87 and later read the CA bundle once a day
# (CURLOPT_CA_CACHE_TIMEOUT, 24 hours by default), not at each connection.
# Seen: Debian's libcurl reads and parses it at each connection. The cache is
# off where a CAPATH is set, and a default one is compiled in. CURLOPT_CAPATH =
# NULL brings the cache back; with the bundle of ca-certificates a connection on
# 127.0.0.1 then took about 2 ms instead of about 50.

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

debian libcurl4=7.88.1-10+deb12u15 openssl python3
cat >"$work/request.cnf" <<'CONF'
[req]
distinguished_name = name
x509_extensions = extensions
[name]
[extensions]
subjectAltName = IP:127.0.0.1
CONF
openssl req -config "$work/request.cnf" -x509 -newkey rsa:2048 -nodes -days 2 \
  -subj /CN=127.0.0.1 -keyout "$work/key.pem" -out "$work/cert.pem" \
  2>"$work/openssl" || fail "no certificate: $(cat "$work/openssl")"

# Five connections by one easy handle; counts how often the bundle is opened.
cat >"$work/count.py" <<'PY'
import ctypes, os, socket, ssl, sys, threading
work, capath = sys.argv[1:]
curl, libc = ctypes.CDLL("libcurl.so.4"), ctypes.CDLL(None)
curl.curl_easy_init.restype = ctypes.c_void_p
curl.curl_version.restype = ctypes.c_char_p
URL, CAINFO, CAPATH = 10002, 10065, 10097
IN_OPEN = 0x20
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(work + "/cert.pem", work + "/key.pem")
listener = socket.create_server(("127.0.0.1", 0))
def serve():
    while True:
        with tls.wrap_socket(listener.accept()[0], server_side=True) as peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                         b"Connection: close\r\n\r\n")
threading.Thread(target=serve, daemon=True).start()

easy = ctypes.c_void_p(curl.curl_easy_init())
url = b"https://127.0.0.1:%d/" % listener.getsockname()[1]
bundle = (work + "/cert.pem").encode()
curl.curl_easy_setopt(easy, URL, url)
curl.curl_easy_setopt(easy, CAINFO, bundle)
if capath == "NULL":
    curl.curl_easy_setopt(easy, CAPATH, ctypes.c_char_p(None))
watch = libc.inotify_init1(os.O_NONBLOCK)
libc.inotify_add_watch(watch, bundle, IN_OPEN)
opened = 0
for _ in range(5):
    code = curl.curl_easy_perform(easy)
    if code != 0:
        sys.exit("curl_easy_perform: %d" % code)
    try:
        os.read(watch, 4096)
        opened += 1
    except BlockingIOError:
        pass
print("%s: opened for %d of 5 connections"
      % (curl.curl_version().decode().split()[0], opened))
PY
same "CAPATH of Debian" "libcurl/7.88.1: opened for 5 of 5 connections" \
  "$(python3 "$work/count.py" "$work" default)"
same "CAPATH = NULL" "libcurl/7.88.1: opened for 1 of 5 connections" \
  "$(python3 "$work/count.py" "$work" NULL)"
