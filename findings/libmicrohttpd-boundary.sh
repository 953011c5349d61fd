#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: MHD_create_post_processor reads a multipart form whatever the order of
# the parameters in its Content-Type.
# Seen: where a parameter follows the boundary (`boundary=ab; charset=utf-8`),
# the form has no fields, and nothing fails: each call returns MHD_YES. All the
# rest of the header is taken for the boundary, after a quoted one too.

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

debian libmicrohttpd12=0.9.75-6 python3

# A server that puts one body through a post processor: prints the form's fields
# and whether each call returned MHD_YES.
cat >"$work/form.py" <<'PY'
import ctypes, http.client, socket, sys
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_int, c_size_t
from ctypes import c_uint64, c_void_p
mhd = ctypes.CDLL("libmicrohttpd.so.12")
for name in ("start_daemon", "create_post_processor",
             "create_response_from_buffer"):
    getattr(mhd, "MHD_" + name).restype = c_void_p
mhd.MHD_get_version.restype = c_char_p
YES, USE_INTERNAL_POLLING_THREAD, OPTION_LISTEN_SOCKET = 1, 8, 12
fields, codes = [], []

@CFUNCTYPE(c_int, c_void_p, c_int, c_char_p, c_char_p, c_char_p, c_char_p,
           c_void_p, c_uint64, c_size_t)
def on_field(_, kind, key, filename, content_type, encoding, data, at, size):
    fields.append(key.decode() + "=" + ctypes.string_at(data, size).decode())
    return YES

@CFUNCTYPE(c_int, c_void_p, c_void_p, c_char_p, c_char_p, c_char_p, c_void_p,
           POINTER(c_size_t), POINTER(c_void_p))
def on_request(_, connection, url, method, version, data, size, form):
    connection = c_void_p(connection)
    if not form[0]:
        form[0] = mhd.MHD_create_post_processor(
            connection, c_size_t(4096), on_field, None)
        return YES
    post = c_void_p(form[0])
    if size[0]:
        codes.append(mhd.MHD_post_process(post, c_void_p(data),
                                          c_size_t(size[0])))
        size[0] = 0
        return YES
    codes.append(mhd.MHD_destroy_post_processor(post))
    response = mhd.MHD_create_response_from_buffer(c_size_t(0), None, 0)
    return mhd.MHD_queue_response(connection, 200, c_void_p(response))

listener = socket.create_server(("127.0.0.1", 0))
mhd.MHD_start_daemon(USE_INTERNAL_POLLING_THREAD, 0, None, None, on_request,
                     None, OPTION_LISTEN_SOCKET, listener.fileno(), 0)
client = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1])
client.request("POST", "/", b"--ab\r\nContent-Disposition: form-data; "
               b'name="model"\r\n\r\nlipsync-2\r\n--ab--\r\n',
               {"Content-Type": "multipart/form-data; " + sys.argv[1]})
client.getresponse().read()
print(mhd.MHD_get_version().decode(), fields, "YES" if all(
    code == YES for code in codes) else "NO")
PY

form() { python3 "$work/form.py" "$1"; }
read="0.9.75 ['model=lipsync-2'] YES"
none="0.9.75 [] YES"
same "boundary=ab" "$read" "$(form 'boundary=ab')"
same 'boundary="ab"' "$read" "$(form 'boundary="ab"')"
same "charset first" "$read" "$(form 'charset=utf-8; boundary=ab')"
same "charset last" "$none" "$(form 'boundary=ab; charset=utf-8')"
same "charset last, quoted" "$none" "$(form 'boundary="ab"; charset=utf-8')"
