-- SPDX-License-Identifier: MIT
--
-- frames DOWNLOADS_URL UPLOADS_URL FILE FOLDER: eight downloads and two uploads
-- of FILE in a loop of frames, where each frame gives a step 2 ms; prints the
-- longest step and how many there were. The clock is that of the processor and
-- of this thread, so that what other programs do is not counted, nor the thread
-- that waits for the disk. The clients are warm, as a game's are after loading.

local lipsync = require "lipsync"
local clock = require "bench_clock"
local core = require "lipsync.core"

local down = lipsync.new { base_url = arg[1], api_key = "bench" }
local up = lipsync.new { base_url = arg[2], api_key = "bench" }
down:warm()
up:warm()
for n = 1, 8 do
  down:spawn(function()
    assert(down.generations:download("media", ("%s/%d.mp4"):format(arg[4], n)))
  end)
end
for _ = 1, 2 do
  up:spawn(function()
    assert(up.generations:create {
      model = "lipsync-2",
      input = { { type = "video", file = arg[3] },
                { type = "audio", url = "https://example.com/voice.wav" } },
    })
  end)
end

local longest, steps, wall = 0, 0, 0
while down:pending() + up:pending() > 0 do
  for _, client in ipairs { down, up } do
    if client:pending() > 0 then
      local began, at = clock(), core.now()
      client:step(0.002)
      longest = math.max(longest, clock() - began)
      wall = math.max(wall, core.now() - at)
      steps = steps + 1
    end
  end
end
print("longest " .. longest)
print("wall " .. wall)
print("steps " .. steps)
