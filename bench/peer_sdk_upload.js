// SPDX-License-Identifier: MIT
//
// upload BASE_URL FILE: the published TypeScript SDK doing what upload.lua does;
// prints the same.

const fs = require("fs");
const { SyncClient } = require("@sync.so/sdk");

async function main() {
  const client = new SyncClient({ baseUrl: process.argv[2], apiKey: "bench" });
  const start = process.hrtime.bigint();
  await client.generations.createWithFiles(
    fs.createReadStream(process.argv[3]), undefined, { model: "lipsync-2",
      input: [{ type: "audio", url: "https://example.com/voice.wav" }] });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  console.log(`seconds ${seconds}\npeak ${process.resourceUsage().maxRSS}`);
}

main().catch((err) => { console.error(String(err)); process.exit(1); });
