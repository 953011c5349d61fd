-- SPDX-License-Identifier: MIT
-- How long to sleep before the next check, where a host can sleep but cannot
-- watch a descriptor: short at first, because most responses come soon, then
-- longer. So a call of 1 ms takes 2 ms and one of 300 ms hardly longer, and a
-- host with hundreds of waits still has time for its own work.

local http = require "lipsync.http"

local poll_interval = {}

-- The more waits, the longer each sleeps, so all together check only so many
-- times a second; up to a sleep too short to be noticed.
local between, longest = 0.00005, 0.05

local function base(n)
  if n < 10 then return 0.001 end
  if n < 40 then return 0.002 end
  return 0.003
end

--- Seconds of the n-th sleep in a row, counted from 0.
---@param n integer
---@param sleepers integer|nil  the number of such sleeps; default 1
---@return number
function poll_interval.seconds(n, sleepers)
  return math.max(base(n), math.min((sleepers or 1) * between, longest))
end

--- The same for a wait in a host of many coroutines. Nothing arrives for a
--- target that has a member `nap`, which is how long to sleep.
---@param target table|nil
---@param n integer
---@return number
function poll_interval.of(target, n)
  if target and target.nap then return target.nap end
  local _, transfers = http.live()
  return poll_interval.seconds(n, transfers)
end

return poll_interval
