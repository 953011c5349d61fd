-- SPDX-License-Identifier: MIT
--
-- delete BASE_URL TIMES: deletes so many generations, one after the other on
-- one connection, for callgrind to count the instructions of.

local lipsync = require "lipsync"

local client = lipsync.new { base_url = arg[1], api_key = "bench" }
for n = 1, tonumber(arg[2]) do
  assert(client.generations:delete(
    ("6533643b-aceb-4c40-967e-%012d"):format(n)))
end
client:close()
