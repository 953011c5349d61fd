#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: Content-Length is a promise: of a file that grows meanwhile, curl sends
# as much as it declared, or fails.
# Seen: curl reads on to the end of file and sends more than it declared, with
# exit code 0 (-T and -F). With -F the surplus pushes the closing boundary out
# of the declared body, so what the server reads is a multipart without an end.

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

debian curl=7.88.1-10+deb12u15 python3
same version "curl 7.88.1" "$(curl --version | head -n 1 | cut -d " " -f 1-2)"

# Uploads 8 MB (more than the sockets hold), to which 1000 bytes are added after
# curl has sent its headers. Prints: sent beyond Content-Length, exit code and
# whether the declared body ends with the closing boundary.
cat >"$work/grow.py" <<'PY'
import socket, subprocess, sys
path, how = sys.argv[1:]
with open(path, "wb") as file:
    file.write(b"a" * 8000000)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
listener.bind(("127.0.0.1", 0))
listener.listen()
listener.settimeout(10)
curl = subprocess.Popen(
    ["curl", "-s", "-m", "20", "-H", "Expect:", how.split()[0],
     how.split()[1].replace("FILE", path),
     "http://127.0.0.1:%d/v" % listener.getsockname()[1]])
peer = listener.accept()[0]
reader = peer.makefile("rb")
head = b"".join(iter(reader.readline, b"\r\n")).lower()
length = int(head.split(b"content-length:")[1].split()[0])
with open(path, "ab") as file:
    file.write(b"b" * 1000)
body = reader.read(length)
peer.settimeout(1)
surplus = 0
try:
    while reader.read1(1):
        surplus += 1
except TimeoutError:
    pass
peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
print("%d too many, exit %d, %s" % (surplus, curl.wait(), "whole" if
      how.startswith("-T") or body.endswith(b"--\r\n") else "no end"))
PY

same "-T FILE" "1000 too many, exit 0, whole" \
  "$(python3 "$work/grow.py" "$work/take.mp4" "-T FILE")"
same "-F video=@FILE" "1000 too many, exit 0, no end" \
  "$(python3 "$work/grow.py" "$work/take.mp4" "-F video=@FILE")"
