-- SPDX-License-Identifier: MIT
--
-- download BASE_URL ID PATH: downloads that generation; prints the seconds and
-- the peak memory of this process.

local lipsync = require "lipsync"
local now = require "lipsync.core".now

local client = lipsync.new { base_url = arg[1], api_key = "bench" }
local start = now()
assert(client.generations:download(arg[2], arg[3]))
print("seconds " .. now() - start)
client:close()
print("peak " .. require "bench.peak"())
