-- SPDX-License-Identifier: MIT
-- A stopwatch that runs only during waits: what the caller does between two
-- waits does not count. Pure: the caller passes in the times.

local Clock = {}
Clock.__index = Clock

local stopwatch = {}

---@return table
function stopwatch.new()
  return setmetatable({ total = 0, counted = -math.huge }, Clock)
end

--- Counts a wait. If two coroutines wait at once on the same target, the shared
--- time counts once.
---@param from number  monotonic seconds
---@param to number
function Clock:add(from, to)
  if from < self.counted then from = self.counted end
  if to <= from then return end
  self.total = self.total + (to - from)
  self.counted = to
end

--- Seconds waited so far.
---@return number
function Clock:seconds()
  return self.total
end

local Lap = {}
Lap.__index = Lap

--- A stopwatch that starts now and runs whenever this one does; for one of
--- many calls that wait together.
---@return table
function Clock:lap()
  return setmetatable({ of = self, from = self.total }, Lap)
end

function Lap:add(from, to)
  self.of:add(from, to)
end

function Lap:seconds()
  return self.of.total - self.from
end

return stopwatch
