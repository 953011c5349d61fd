-- SPDX-License-Identifier: MIT
--
-- create BASE_URL TIMES: creates so many generations, one after the other on
-- one connection, for callgrind to count the instructions of.

local lipsync = require "lipsync"

local client = lipsync.new { base_url = arg[1], api_key = "bench" }
for _ = 1, tonumber(arg[2]) do
  assert(client.generations:create {
    model = "lipsync-2", outputFileName = "clip",
    input = { { type = "video", url = "https://example.com/clip.mp4" },
              { type = "audio", url = "https://example.com/voice.wav" } },
  })
end
client:close()
