#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: an upload that is refused with 503 or 429 is tried again (twice, says
# the SDK's README), and then raises an error with that status.
# Seen: createWithFiles sends one request. The second fails before it is sent,
# because the body is a stream that was read, whether made of file streams, as
# in the SDK's own example, or of blobs. What the caller gets is "Response body
# object should not be disturbed or locked": no status, no body. With
# maxRetries: 0 the status is there; create, without files, does as guessed.

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

cat >"$work/upload.js" <<'JS'
const fs = require("fs");
const { SyncClient } = require("@sync.so/sdk");
const [how, file, maxRetries] = process.argv.slice(2);
let requests = 0;
const server = require("http").createServer((request, response) => {
  requests++;
  request.resume().on("end", () => {
    response.writeHead(503, { "Content-Type": "application/json" });
    response.end('{ "message": "busy" }');
  });
});
const bodies = {
  stream: () => fs.createReadStream(file),
  blob: () => new Blob([fs.readFileSync(file)]),
};
server.listen(0, "127.0.0.1", async () => {
  const environment = "http://127.0.0.1:" + server.address().port;
  const client = new SyncClient({ apiKey: "key", environment });
  const options = maxRetries ? { maxRetries: Number(maxRetries) } : {};
  const model = "lipsync-2";
  try {
    if (how === "create") {
      await client.generations.create({ model, input: [] }, options);
    } else {
      await client.generations.createWithFiles(bodies[how](), bodies[how](),
        { model }, options);
    }
  } catch (error) {
    console.log(`requests: ${requests}, status: ${error.statusCode}`);
    console.error(error.message);
  }
  process.exit();
});
JS
echo take >"$work/take"
upload() { # create, stream or blob; and maxRetries
  node --no-warnings "$work/upload.js" "$1" "$work/take" "${2-}" \
    2>"$work/message"
}
same create "requests: 3, status: 503" "$(upload create)"
same "createWithFiles, maxRetries 0" "requests: 1, status: 503" \
  "$(upload stream 0)"
same "createWithFiles, blobs" "requests: 1, status: undefined" "$(upload blob)"
same "createWithFiles, streams" "requests: 1, status: undefined" \
  "$(upload stream)"
cat "$work/message"
