-- SPDX-License-Identifier: MIT
-- Whether to repeat a failed request, and after how long. Pure.

local backoff = require "lipsync.error.backoff"

local retry = {}

retry.longest = 120  -- seconds; the caller decides about a longer wait

local never = { [501] = true, [505] = true }

--- Whether a later attempt may succeed: after 408, 429, every 5xx but 501 and
--- 505, a broken connection, and a timeout. Not after 409, which reports a
--- state.
---@param kind string
---@param status integer|nil  of the response, also of one that broke
---@param proxy_status integer|nil  of the proxy's response instead of one
---@return boolean
function retry.retryable(kind, status, proxy_status)
  if kind == "timeout" or kind == "connection" and not proxy_status then
    return true
  end
  if kind == "connection" then status = proxy_status end
  if kind ~= "api" and kind ~= "connection" or not status then return false end
  return status == 408 or status == 429
    or status >= 500 and status <= 599 and not never[status]
end

-- Codes of a 429 that says nothing of other requests.
local of_one = { concurrency_limit_reached = true, voice_clone_busy = true }

--- Whether the service refuses not only this request for now, but any.
---@param err table
---@return boolean
function retry.is_for_all(err)
  return err.kind == "api" and err.statusCode == 429
    and not of_one[err.errorCode]
end

--- Decides about one failure.
---@param err table  kind, statusCode, proxyStatus, retryAfter (seconds) of the
---   failure
---@param attempt integer  attempts made so far, this one included
---@param limits { max_attempts: integer, remaining: number, random: number,
---   later: boolean|nil, patient: boolean|nil }  `remaining`: seconds left of
---   the call's timeout, math.huge without one; `random`: in [0, 1); `later`:
---   true if the service has only said "not yet", so neither attempts nor the
---   length of the wait count; false if that ends the call; `patient`: attempts
---   do not count
---@return number|nil delay  seconds to wait before the next attempt
---@return string|nil why_not  "later", "kind", "attempts", "wait" or
---   "deadline"
function retry.decide(err, attempt, limits)
  local later, asked = limits.later, err.retryAfter
  local counts = not later and not limits.patient
  if later == false then return nil, "later" end
  if not later
     and not retry.retryable(err.kind, err.statusCode, err.proxyStatus) then
    return nil, "kind"
  end
  if counts and attempt >= limits.max_attempts then return nil, "attempts" end
  if not later and asked and asked > retry.longest then return nil, "wait" end
  local delay
  if asked then
    delay = backoff.asked(asked, limits.random)
    -- Nothing else bounds how often "not yet" is asked.
    if not counts then delay = math.max(delay, backoff.base) end
  elseif later then
    delay = backoff.jitter(attempt, limits.random, backoff.base_busy)
  elseif err.statusCode == 429 then
    delay = backoff.jitter(attempt, limits.random, backoff.base_busy,
      backoff.cap_busy)
  else
    delay = backoff.jitter(attempt, limits.random)
  end
  -- Do not wait for an attempt that could begin only after the deadline.
  if delay >= limits.remaining then return nil, "deadline" end
  return delay
end

return retry
