-- SPDX-License-Identifier: MIT
--
-- delete_many BASE_URL TIMES: deletes so many generations, 64 at once, and
-- prints how many a second.

local lipsync = require "lipsync"
local now = require "lipsync.core".now

local client = lipsync.new { base_url = arg[1], api_key = "bench",
                             max_in_flight = 64 }
local ids = {}
for n = 1, tonumber(arg[2]) do
  ids[n] = ("6533643b-aceb-4c40-967e-%012d"):format(n)
end
local start = now()
local result = assert(client.generations:delete_many(ids,
  { concurrency = 64 }))
local seconds = now() - start
assert(result.deleted == #ids, result.failed)
io.write(("rate %.0f\n"):format(#ids / seconds))
client:close()
