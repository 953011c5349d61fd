-- SPDX-License-Identifier: MIT
-- How long to sleep before looking again, where a host can sleep but cannot
-- watch a descriptor: short at first, for most answers come soon, then
-- longer. A call of 1 ms takes 2 ms so, one of 300 ms hardly any longer, and
-- a host with hundreds of waits under way still has time for its own work.

local poll_interval = {}

-- The more sleep, the longer: so that all of them together look once in so
-- many seconds, and no more often, up to a sleep that nobody would notice.
local between, longest = 0.00005, 0.05

local function base(n)
  if n < 10 then return 0.001 end
  if n < 40 then return 0.002 end
  return 0.003
end

--- Seconds of the n-th sleep in a row, counted from 0.
---@param n integer
---@param sleepers integer|nil  how many sleep like this; default 1
---@return number
function poll_interval.seconds(n, sleepers)
  return math.max(base(n), math.min((sleepers or 1) * between, longest))
end

return poll_interval
