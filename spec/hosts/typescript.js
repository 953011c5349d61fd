// SPDX-License-Identifier: MIT
//
// typescript.js VIDEO AUDIO LINES ASSET: what the service's own SDK offers, once
// each, at SYNC_BASE_URL. Prints a line of what came: the name and JSON.

const fs = require("fs");
const { SyncClient } = require("@sync.so/sdk");

const [video, audio, lines, asset] = process.argv.slice(2);
const client = new SyncClient({ baseUrl: process.env.SYNC_BASE_URL,
  apiKey: process.env.SYNC_API_KEY, timeoutInSeconds: 20 });
const input = [{ type: "video", url: "https://example.com/video.mp4" },
  { type: "audio", url: "https://example.com/voice.wav" }];
const open = fs.createReadStream;

function show(name, ...values) {
  console.log([name, ...values.map((value) => JSON.stringify(value))].join(" "));
}

async function main() {
  const { generations, models, assets, batch } = client;
  const made = await generations.create({ model: "lipsync-2", input });
  show("create", made.status, made.input.length);
  const files = await generations.createWithFiles(open(video), open(audio),
    { model: "lipsync-2", input: [] });
  show("files", files.status, files.input.map((item) => item.type));
  const mixed = await generations.createWithFiles(open(video), undefined,
    { model: "lipsync-2", input: input.slice(1) });
  show("mixed", mixed.input.map((item) => item.type).sort());
  const estimated = await generations.estimateCost({ model: "lipsync-2",
    input });
  show("estimate", estimated.length,
    typeof estimated[0].estimatedGenerationCost);
  show("get", (await generations.get(made.id)).id === made.id);
  show("list", (await generations.list()).length);
  show("models", (await models.list()).map((each) => each.id)
    .includes("lipsync-2"));
  const page = await assets.list();
  show("assets", page.items.length, page.items[0].id === asset);
  show("asset", (await assets.get(asset)).id === asset);
  show("dry_run", (await batch.create(open(lines), { dry_run: true })).status);
  const sent = await batch.create(open(lines), {});
  show("batch", sent.metrics.total_generations);
  show("batches", (await batch.list()).map((each) => each.id === sent.id),
    (await batch.get(sent.id)).id === sent.id);
  await generations.get("no-such-id").catch((error) =>
    show("error", error.statusCode, error.body.errorCode));
}

main().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
