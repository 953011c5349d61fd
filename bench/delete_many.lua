-- SPDX-License-Identifier: MIT
--
-- delete_many BASE_URL TIMES [AT_ONCE]: deletes so many generations, 64 or so
-- many at once, and prints how many a second, and what each took of the
-- processor, in microseconds.

local lipsync = require "lipsync"
local now = require "lipsync.core".now

local at_once = tonumber(arg[3] or 64)
local client = lipsync.new { base_url = arg[1], api_key = "bench",
                             max_in_flight = at_once }

local function delete(times)
  local ids = {}
  for n = 1, times do
    ids[n] = ("6533643b-aceb-4c40-967e-%012d"):format(n)
  end
  local result = assert(client.generations:delete_many(ids,
    { concurrency = at_once }))
  assert(result.deleted == times, result.failed)
end

local times = tonumber(arg[2])
if arg[3] then delete(at_once) end  -- makes the connections
local start, processor = now(), os.clock()
delete(times)
io.write(("rate %.0f\nmicroseconds %.2f\n"):format(times / (now() - start),
  (os.clock() - processor) / times * 1e6))
client:close()
