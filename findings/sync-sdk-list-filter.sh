#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: list({ status: ["COMPLETED", "FAILED"] }) sends what the SDK's own text
# says, "multiple statuses as a comma-separated list": status=COMPLETED,FAILED.
# Seen: @sync.so/sdk sends JSON, status=["COMPLETED","FAILED"], also for a list
# of one. A `limit` is left out of the request without a word.

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

cat >"$work/list.js" <<'JS'
const { SyncClient } = require("@sync.so/sdk");
const server = require("http").createServer((request, response) => {
  console.log(decodeURIComponent(request.url));
  response.setHeader("Content-Type", "application/json");
  response.end("[]");
});
server.listen(0, "127.0.0.1", async () => {
  const environment = "http://127.0.0.1:" + server.address().port;
  const client = new SyncClient({ apiKey: "key", environment });
  await client.generations.list(JSON.parse(process.argv[2]));
  process.exit();
});
JS
list() { node --no-warnings "$work/list.js" "$1"; }
grep -q comma-separated "$work"/node_modules/@sync.so/sdk/api/resources/\
generations/client/requests/ListGenerationsRequest.d.ts ||
  fail "the SDK's text does not speak of a comma-separated list"
same "two statuses" '/v2/generations?status=["COMPLETED","FAILED"]' \
  "$(list '{ "status": ["COMPLETED", "FAILED"] }')"
same "one status" '/v2/generations?status=["COMPLETED"]' \
  "$(list '{ "status": ["COMPLETED"], "limit": 10 }')"
