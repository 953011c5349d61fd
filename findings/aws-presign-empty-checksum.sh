#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: a presigned URL for PutObject fits any body; the ContentType given to
# the command is part of what is signed.
# Seen: the URL holds x-amz-checksum-crc32=AAAAAA==, the CRC-32 of no bytes: it
# is computed although there is no body yet. S3 checks such a sum, so it fits
# the empty body alone. ContentType is dropped; ContentLength is signed.
# `requestChecksumCalculation: "WHEN_REQUIRED"` leaves the sum out.

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

npm_packages @aws-sdk/client-s3@3.1175.0 @aws-sdk/s3-request-presigner@3.1169.0

cat >"$work/sign.js" <<'JS'
const { S3Client, PutObjectCommand } = require("@aws-sdk/client-s3");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");
async function sign(options) {
  const client = new S3Client({
    region: "us-east-1",
    credentials: { accessKeyId: "id", secretAccessKey: "secret" },
    ...options,
  });
  const put = new PutObjectCommand({
    Bucket: "takes", Key: "take.mp4", ContentType: "video/mp4",
    ContentLength: 5,
  });
  const query = new URL(await getSignedUrl(client, put)).searchParams;
  return "sum " + query.get("x-amz-checksum-crc32") +
    ", signed " + query.get("X-Amz-SignedHeaders") +
    ", type " + query.get("Content-Type");
}
sign(JSON.parse(process.argv[2])).then(console.log);
JS
sign() { node --no-warnings "$work/sign.js" "$1"; }
# A gzip file ends in the CRC-32 of what it holds, and its length.
crc=$(printf '' | gzip | tail -c 8 | head -c 4 | base64)
same "CRC-32 of no bytes" "AAAAAA==" "$crc"
same "default" "sum $crc, signed content-length;host, type null" "$(sign '{}')"
same "WHEN_REQUIRED" "sum null, signed content-length;host, type null" \
  "$(sign '{ "requestChecksumCalculation": "WHEN_REQUIRED" }')"
