#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: curl_version() is a string that libcurl puts together; a program may
# log it at its start, in any folder.
# Seen: Debian's libcurl asks libldap for its version, and so starts it: LDAP
# reads its configuration, also the file ldaprc of the current folder, and SASL
# loads every plugin that is installed, and Berkeley DB with them: nine
# libraries. curl_version_info(), which knows the same, opens and loads nothing.

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

debian libcurl4=7.88.1-10+deb12u15 libldap-2.5-0=2.5.13+dfsg-5 \
  libsasl2-2=2.1.28+dfsg-10 libsasl2-modules=2.1.28+dfsg-10 python3
cat >"$work/version.py" <<'PY'
import ctypes, os, struct
curl, libc = ctypes.CDLL("libcurl.so.4"), ctypes.CDLL(None)
curl.curl_version.restype = ctypes.c_char_p
curl.curl_version_info.restype = ctypes.c_void_p
IN_OPEN, CURLVERSION_NOW = 0x20, 10

def loaded():
    with open("/proc/self/maps") as maps:
        return {line.split("/")[-1].split(".")[0] for line in maps
                if ".so" in line}

watch = libc.inotify_init1(os.O_NONBLOCK)
libc.inotify_add_watch(watch, b".", IN_OPEN)

def opened():
    try:
        events = os.read(watch, 4096)
    except BlockingIOError:
        return "nothing"
    length = struct.unpack_from("iIII", events)[3]
    return events[16:16 + length].rstrip(b"\0").decode()

def tell(name, call):
    before = loaded()
    call()
    new = sorted(loaded() - before)
    print(f"{name} loads {' '.join(new) or 'nothing'}; opens {opened()}")

tell("curl_version_info", lambda: curl.curl_version_info(CURLVERSION_NOW))
tell("curl_version", curl.curl_version)
PY
mkdir "$work/here"
cd "$work/here"
echo "# nothing" >ldaprc
# What is installed already is not unpacked.
plugins=$(echo "$work"/usr/lib/*-linux-gnu/sasl2 /usr/lib/*-linux-gnu/sasl2)
seen=$(SASL_PATH=$(echo "$plugins" | tr ' ' :) python3 "$work/version.py")
same info "curl_version_info loads nothing; opens nothing" \
  "$(echo "$seen" | head -n 1)"
same version "curl_version loads $(:
  )libanonymous libcrammd5 libdb-5 libdigestmd5 liblogin libntlm libplain $(:
  )libsasldb libscram; opens ldaprc" "$(echo "$seen" | tail -n 1)"
