-- SPDX-License-Identifier: MIT
-- How long the service asks us to wait: `Retry-After` as seconds or a date, or
-- the body's `retryAfterSeconds`. Pure.

local http_date = require "lipsync.base.http_date"
local trim = require "lipsync.base.text".trim

local retry_after = {}

-- Larger values are cut to this (seconds).
local longest = 1e12

-- Digits with an optional fraction, read without the locale. In two steps,
-- because one pattern for both would backtrack over every split of the digits.
local function seconds(text)
  local whole, rest = text:match "^(%d+)(.*)$"
  local part = rest and rest:match "^%.?(%d*)$"
  if not part then return nil end
  part = part:sub(1, 9)
  if #whole > 12 then return longest end
  return tonumber(whole) + (part == "" and 0 or tonumber(part) / 10 ^ #part)
end

--- Seconds to wait by a `Retry-After` header, never below 0. A date is compared
--- with the response's own `Date`, so a wrong clock here does no harm.
---@param header string|nil
---@param date string|nil  the response's Date header
---@param now number  seconds since 1970, for a response without a Date
---@return number|nil  nil if there is no header or it cannot be read
function retry_after.header(header, date, now)
  if not header then return nil end
  local text = trim(header)
  local plain = seconds(text)
  if plain then return plain end
  local at = http_date.parse(text)
  if not at then return nil end
  return math.max(0, at - (date and http_date.parse(date) or now))
end

--- The same for the body's `retryAfterSeconds`.
---@param value any
---@return number|nil
function retry_after.body(value)
  if type(value) == "string" then value = seconds(value) end
  if type(value) ~= "number" or not (value >= 0 and value < math.huge) then
    return nil
  end
  return value
end

return retry_after
