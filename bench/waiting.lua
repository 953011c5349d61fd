-- SPDX-License-Identifier: MIT
--
-- waiting SECONDS: steps of 2 ms, 60 times a second for so long, in a program
-- with a heap of 200 MB and 1,000 tasks, each of which waits for a generation
-- that is never done. Prints what meter.lua measures of them, how many requests
-- the emulator got, and then the same of 2 ms of making small tables in that
-- program: what its collector adds without the client.

local lipsync = require "lipsync"
local core = require "lipsync.core"
local meter = require "bench.meter"
local sleep = require "scripted_core".sleep

local FRAME = 1 / 60

-- Small tables: a collector looks through one at a time, however large. Old
-- ones, for one that tells by age.
local ballast = {}
for i = 1, 2400 do
  local part = {}
  for k = 1, 1000 do part[k] = { k } end
  ballast[i] = part
end
collectgarbage()
for _ = 1, 4 do collectgarbage("step", 0) end
print("heap_mb " .. collectgarbage "count" / 1024)
assert(#ballast == 2400)

local client = lipsync.new()
client:warm()
local pending = {}
for i = 1, 1000 do pending[i] = { status = "PENDING" } end
local added = assert(client:request("POST", "/_emulator/add",
  { body = pending }))
assert(#added.body == 1000)
for _, id in ipairs(added.body) do
  client:spawn(function()
    assert(client.generations:wait(id, { timeout = math.huge }))
  end)
end
client:step(1)  -- all have begun

-- Makes a step once a frame, and prints what that took.
local function frames(prefix, seconds, step)
  local own, ends = meter.new(prefix), core.now() + seconds
  while core.now() < ends do
    local at = core.now()
    own:measure(step)
    sleep(math.max(0, at + FRAME - core.now()))
  end
  own:print()
end

frames("", tonumber(arg[1]), function() client:step(meter.budget) end)
assert(client:pending() == 1000)
local seen = assert(client:request("GET", "/_emulator/requests"))
print("requests " .. #seen.body)
frames("idle.", tonumber(arg[1]) / 4, function()
  local ends = core.now() + meter.budget
  while core.now() < ends do
    for k = 1, 100 do ballast[1][k] = { k } end
  end
end)
