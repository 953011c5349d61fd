-- SPDX-License-Identifier: MIT
-- Measures steps: the longest, how many there were, and how many were above
-- 2.5 ms. The clock is that of the processor and of this thread, so that what
-- other programs do is not counted, nor a thread that waits for the disk.

local clock = require "bench_clock"
local core = require "lipsync.core"

local GOAL = 0.0025

local Meter = {}
Meter.__index = Meter

local meter = {
  --- What a step is given (seconds).
  budget = 0.002,
}

--- Makes a meter.
---@param prefix string  of what it prints
---@return table
function meter.new(prefix)
  return setmetatable({ prefix = prefix, longest = 0, wall = 0, steps = 0,
                        over = 0 }, Meter)
end

--- Makes a step.
---@param step function
function Meter:measure(step)
  local began, at = clock(), core.now()
  step()
  local took = clock() - began
  self.longest = math.max(self.longest, took)
  self.wall = math.max(self.wall, core.now() - at)
  self.steps = self.steps + 1
  if took > GOAL then self.over = self.over + 1 end
end

--- Prints a line "NAME VALUE" for each figure, times in seconds.
function Meter:print()
  for _, name in ipairs { "longest", "wall", "steps", "over" } do
    print(self.prefix .. name .. " " .. self[name])
  end
end

return meter
