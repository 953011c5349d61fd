#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: timeoutInSeconds bounds a call, and the call then raises the
# SyncTimeoutError that the SDK exports.
# Seen: @sync.so/sdk stops its clock at the answer's headers: with a bound of
# 1 s, a body that ends after 3 s is a success after 3 s. Where the headers are
# late, it raises a plain SyncError, message "timeout" in quotes, without a
# status.

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

npm_packages @sync.so/sdk@0.3.0

# "late" gets its headers after 3 s, "slow" at once, but the end of its body
# after 3 s.
cat >"$work/get.js" <<'JS'
const { SyncClient, SyncError, SyncTimeoutError } = require("@sync.so/sdk");
const server = require("http").createServer((request, response) => {
  response.setHeader("Content-Type", "application/json");
  if (request.url.endsWith("/slow")) response.write(" ");
  setTimeout(() => response.end('{ "id": "g" }'), 3000);
});
server.listen(0, "127.0.0.1", async () => {
  const environment = "http://127.0.0.1:" + server.address().port;
  const client = new SyncClient({ apiKey: "key", environment });
  const start = Date.now();
  const options = { timeoutInSeconds: 1, maxRetries: 0 };
  let seen;
  try {
    seen = "got " + (await client.generations.get(process.argv[2], options)).id;
  } catch (error) {
    seen = (error instanceof SyncTimeoutError ? "SyncTimeoutError"
      : error instanceof SyncError ? "SyncError" : "another error") +
      " " + error.message + ", status " + error.statusCode;
  }
  const late = Date.now() - start > 2500;
  console.log(seen + ", " + (late ? "after the 3 s" : "before the 3 s"));
  process.exit();
});
JS
get() { node --no-warnings "$work/get.js" "$1"; }
same "late headers" 'SyncError "timeout", status undefined, before the 3 s' \
  "$(get late)"
same "a slow body" "got g, after the 3 s" "$(get slow)"
