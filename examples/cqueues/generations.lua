-- SPDX-License-Identifier: MIT
--
-- In a controller of cqueues: coroutines list and delete at the same time,
-- with the loops one would write anywhere.
--
--   SYNC_API_KEY=… lua5.4 examples/cqueues/generations.lua
--
-- It deletes what FAILED, so it runs against this machine only.

local cqueues = require "cqueues"
local lipsync = require "lipsync"

local base_url = os.getenv "SYNC_BASE_URL" or ""
if not base_url:match "^http://127%.0%.0%.1:" then
  io.stderr:write("this example deletes: run it against the emulator\n")
  os.exit(1)
end

local client = assert(lipsync.new())
local controller = cqueues.new()

local function each(filter, fn)
  local listing = client.generations:list(filter)
  local generation, err = listing:next()
  while generation do
    fn(generation)
    generation, err = listing:next()
  end
  assert(not err, err and tostring(err))
end

controller:wrap(function()
  local n = 0
  each({}, function() n = n + 1 end)
  print(n .. " listed")
end)

controller:wrap(function()
  local result = lipsync.assert(client.generations:delete_many(
    client.generations:list { status = "FAILED", page_size = 100 }))
  print(result.deleted .. " deleted")
end)

-- cqueues' own waits go on in between.
controller:wrap(function()
  for _ = 1, 3 do cqueues.sleep(0.01) end
  print "and three naps"
end)

assert(controller:loop())
client:close()
