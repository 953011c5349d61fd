-- SPDX-License-Identifier: MIT
--
-- dub OUT VIDEO…: dubs each video into five languages, all in one batch, which
-- takes 4 to 100 videos. The results go to the folder OUT, which must be there.
-- It may be stopped at any moment and started again with the same videos:
-- OUT/dub.txt notes what was uploaded and which batch it is, so nothing is paid
-- for twice.

local lipsync = require "lipsync"

local languages = { "de", "es", "fr", "ja", "pt" }

local out = arg[1]
local videos = { select(2, ...) }
if not videos[4] then
  io.stderr:write("usage: lua dub.lua OUT VIDEO VIDEO VIDEO VIDEO…\n")
  os.exit(1)
end

local client = lipsync.new()  -- all from the environment

-- ---- Notes: lines of a word, a name and a value ----

local notes, path = { asset = {}, batch = {} }, out .. "/dub.txt"

for line in (io.open(path) or io.tmpfile()):lines() do
  local what, name, value = line:match "^(%l+)\t(.-)\t(.*)$"
  if what then notes[what][name] = value end
end

local function note(what, name, value)
  notes[what][name] = value
  local file = assert(io.open(path, "a"))
  assert(file:write(what, "\t", name, "\t", value, "\n"))
  assert(file:close())
end

-- ---- What is to be done ----

local function name_of(video)
  return video:match "([^/]+)%.[^./]*$" or video:match "[^/]+$"
end

local requests = {}
for _, video in ipairs(videos) do
  local asset = notes.asset[video]
  if not asset then
    asset = lipsync.assert(client.assets:upload(video)).id
    note("asset", video, asset)
  end
  for _, language in ipairs(languages) do
    local name = ("%s-%s"):format(name_of(video), language)
    requests[#requests + 1] = { request_id = name, payload = {
      model = "lipsync-2", outputFileName = name,
      input = { { type = "video", assetId = asset } },
      dubParams = { targetLang = language },
    } }
  end
end

-- ---- The batch ----

-- The batch of a run that was stopped before it had noted the id.
local function find(since)
  local found
  for batch in client.batches:list { created_after = since } do
    if batch.metrics.total_generations == #requests then
      if found then
        error(("which one is it? Add its id to %s:\n%s\n%s"):format(path,
          tostring(found), tostring(batch)), 0)
      end
      found = batch
    end
  end
  return found
end

local id = notes.batch.id
if not id then
  -- A little earlier, as the clocks may differ.
  local now = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() - 60)
  local batch
  -- The service may still be busy with the request of a run that is gone.
  for _ = 1, notes.batch.since and 10 or 0 do
    batch = batch or find(notes.batch.since)
    if not batch then client:sleep(2) end
  end
  if not batch then
    note("batch", "since", now)
    batch = lipsync.assert(client.batches:create(requests))
  end
  id = batch.id
  note("batch", "id", id)
end
print("batch " .. id)

local batch = lipsync.assert(client.batches:wait(id, {
  timeout = math.huge,
  on_progress = function(percent) print(percent .. " %") end,
}))

-- ---- The results ----

local done = {}
for name, generation, err in batch:results() do
  if generation and generation.status == "COMPLETED" then
    done[#done + 1] = generation
  else
    print(name, err or generation.error or generation.status)
  end
end
local result, err = client.generations:download_many(done, out)
client:close()
print(err or ("%d of %d done."):format(result.downloaded + result.existing,
  #requests))
os.exit(not err and result.failed == 0 and #done == #requests and 0 or 1)
