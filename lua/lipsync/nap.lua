-- SPDX-License-Identifier: MIT
-- How long to sleep before looking again, where a host can sleep but cannot
-- watch a descriptor: short at first, for most answers come soon, then
-- longer. A call of 1 ms takes 2 ms so, one of 300 ms hardly any longer, and
-- a host with hundreds of waits under way still has time for its own work.

local nap = {}

--- Seconds of the n-th sleep in a row, counted from 0.
---@param n integer
---@return number
function nap.seconds(n)
  if n < 10 then return 0.001 end
  if n < 40 then return 0.002 end
  return 0.005
end

return nap
