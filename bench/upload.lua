-- SPDX-License-Identifier: MIT
--
-- upload BASE_URL FILE: creates a generation from that file; prints the seconds
-- and the peak memory of this process.

local lipsync = require "lipsync"
local now = require "lipsync.core".now

local client = lipsync.new { base_url = arg[1], api_key = "bench" }
local start = now()
assert(client.generations:create {
  model = "lipsync-2",
  input = { { type = "video", file = arg[2] },
            { type = "audio", url = "https://example.com/voice.wav" } },
})
print("seconds " .. now() - start)
client:close()
print("peak " .. require "bench.peak"())
