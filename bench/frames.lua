-- SPDX-License-Identifier: MIT
--
-- frames DOWNLOADS_URL UPLOADS_URL FILE FOLDER: eight downloads and two uploads
-- of FILE, with receipts, in a loop of frames, where each frame gives a step
-- 2 ms; on a disk where each fsync takes 200 ms. Prints what meter.lua measures
-- of the steps. The clients are warm, as a game's are after loading.
-- raw_frames.c does the same without the client.

local lipsync = require "lipsync"
local meter = require "bench.meter"

local down = lipsync.new { base_url = arg[1], api_key = "bench" }
local up = lipsync.new { base_url = arg[2], api_key = "bench" }
down:warm()
up:warm()
for n = 1, 8 do
  down:spawn(function()
    assert(down.generations:download("media", ("%s/%d.mp4"):format(arg[4], n)))
  end)
end
for n = 1, 2 do
  up:spawn(function()
    assert(up.generations:create({
      model = "lipsync-2",
      input = { { type = "video", file = arg[3] },
                { type = "audio", url = "https://example.com/voice.wav" } },
    }, { receipt = ("%s/%d.receipt"):format(arg[4], n) }))
  end)
end

local frames = meter.new ""
while down:pending() + up:pending() > 0 do
  for _, client in ipairs { down, up } do
    if client:pending() > 0 then
      frames:measure(function() client:step(meter.budget) end)
    end
  end
end
frames:print()
