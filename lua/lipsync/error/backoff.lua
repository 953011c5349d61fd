-- SPDX-License-Identifier: MIT
-- How long to wait before the next attempt. Pure: the caller passes in the
-- random number.

local backoff = {}

backoff.base = 0.25      -- seconds; the most before the second attempt
backoff.base_busy = 1    -- the same after 429
backoff.cap = 20         -- seconds; the most that this rule gives
backoff.cap_busy = 5     -- the same after 429, so the end of it is soon known

--- Full jitter: a random time up to a ceiling that doubles with each attempt,
--- so clients that failed together do not return together.
---@param attempt integer  attempts made so far, from 1
---@param random number  in [0, 1)
---@param base number|nil  seconds; default 0.25
---@param cap number|nil  seconds; default 20
---@return number seconds
function backoff.jitter(attempt, random, base, cap)
  -- The exponent is bounded: 2^1024 would be infinite, and inf * 0 is nan.
  local doubled = (base or backoff.base) * 2 ^ math.min(attempt - 1, 30)
  return random * math.min(cap or backoff.cap, doubled)
end

--- The server's delay plus up to a tenth, for the same reason.
---@param seconds number
---@param random number  in [0, 1)
---@return number seconds
function backoff.asked(seconds, random)
  return seconds * (1 + random / 10)
end

return backoff
