-- SPDX-License-Identifier: MIT
--
-- frames DOWNLOADS_URL UPLOADS_URL FILE FOLDER: eight downloads and two uploads
-- of FILE, with receipts, in a loop of frames, where each frame gives a step
-- 2 ms; on a disk where each fsync takes 200 ms. Prints the longest step, how
-- many there were, and of those the ones above 2.5 ms. The clock is that of the
-- processor and of this thread, so that what other programs do is not counted,
-- nor the thread that waits for the disk. The clients are warm, as a game's are
-- after loading. Then prints the same for steps of 2 ms that do nothing: what a
-- virtual machine adds to that clock by itself.

local lipsync = require "lipsync"
local clock = require "bench_clock"
local core = require "lipsync.core"

local BUDGET, GOAL = 0.002, 0.0025

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

-- The longest of some steps by both clocks, and how many were too long.
local function meter()
  local seen = { longest = 0, wall = 0, steps = 0, over = 0 }
  return seen, function(step)
    local began, at = clock(), core.now()
    step()
    local took = clock() - began
    seen.longest = math.max(seen.longest, took)
    seen.wall = math.max(seen.wall, core.now() - at)
    seen.steps = seen.steps + 1
    if took > GOAL then seen.over = seen.over + 1 end
  end
end

local frames, measure = meter()
local began = core.now()
while down:pending() + up:pending() > 0 do
  for _, client in ipairs { down, up } do
    if client:pending() > 0 then
      measure(function() client:step(BUDGET) end)
    end
  end
end
for name, value in pairs(frames) do print(name .. " " .. value) end

local idle, measure_idle = meter()
local ends = core.now() + (core.now() - began)
while core.now() < ends do
  measure_idle(function()
    local until_ = core.now() + BUDGET
    while core.now() < until_ do end
  end)
end
for name, value in pairs(idle) do print("idle." .. name .. " " .. value) end
