-- SPDX-License-Identifier: MIT
--
-- waiting SECONDS: steps of 2 ms, 60 times a second for so long, in a program
-- with a heap of 200 MB and 1,000 tasks, each of which waits for a generation
-- that is never done. Prints what meter.lua measures of them, and beside each
-- of 2 ms of reading the clock alone: what the machine adds; how many requests
-- the emulator got; and then the same of 2 ms of making small tables in that
-- program: what its collector adds without the client.

local lipsync = require "lipsync"
local core = require "lipsync.core"
local meter = require "bench.meter"
local sleep = require "scripted_core".sleep

local FRAME = 1 / 60

-- As a program has it that embeds Lua; the program lua5.4 itself collects by
-- age, and then a collection of what is young is one piece.
pcall(collectgarbage, "incremental")

-- Small tables: a collector looks through one at a time, however large.
local ballast = {}
for i = 1, 2400 do
  local part = {}
  for k = 1, 1000 do part[k] = { k } end
  ballast[i] = part
end
collectgarbage()
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

-- Makes the steps of some kinds once a frame, and prints what they took.
local function frames(seconds, kinds)
  local meters, ends = {}, core.now() + seconds
  for i, kind in ipairs(kinds) do meters[i] = meter.new(kind.prefix) end
  while core.now() < ends do
    local at = core.now()
    for i, kind in ipairs(kinds) do meters[i]:measure(kind.step) end
    sleep(math.max(0, at + FRAME - core.now()))
  end
  for _, each in ipairs(meters) do each:print() end
end

-- Makes so much of `work` as a step may.
local function fill(work)
  return function()
    local ends = core.now() + meter.budget
    while core.now() < ends do work() end
  end
end

frames(tonumber(arg[1]), {
  { prefix = "", step = function() client:step(meter.budget) end },
  { prefix = "clock.", step = fill(function() end) },
})
assert(client:pending() == 1000)
local seen = assert(client:request("GET", "/_emulator/requests"))
print("requests " .. #seen.body)
frames(tonumber(arg[1]) / 4, { { prefix = "idle.", step = fill(function()
  for k = 1, 100 do ballast[1][k] = { k } end
end) } })
