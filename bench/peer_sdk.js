// SPDX-License-Identifier: MIT
//
// list BASE_URL: the published TypeScript SDK doing what list.lua does; prints
// the same. It is run beside its package, which is not part of this project.

const { SyncClient } = require("@sync.so/sdk");

async function main() {
  const client = new SyncClient({ baseUrl: process.argv[2], apiKey: "bench" });
  const start = process.hrtime.bigint();
  const passed = () => Number(process.hrtime.bigint() - start) / 1e9;
  const generations = await client.generations.list();
  const first = passed();
  let rows = 0, bytes = 0;
  for (const generation of generations) {
    rows += 1;
    bytes += generation.id.length + generation.status.length;
  }
  const seconds = passed();
  if (bytes <= rows) throw new Error("nothing listed");
  const peak = process.resourceUsage().maxRSS;
  console.log(`seconds ${seconds}\nfirst ${first}\nrows ${rows}\npeak ${peak}`);
}

main().catch((err) => { console.error(String(err)); process.exit(1); });
