-- SPDX-License-Identifier: MIT
-- Times as text to seconds since 1970 UTC. Uses neither `os` (absent in some
-- hosts) nor `tonumber` on fractions (it follows the locale).

local time = {}

local month_days = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function days_in(year, month)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return month == 2 and leap and 29 or month_days[month]
end

-- Days since 1970-01-01 in the Gregorian calendar. March is the first month
-- here, so the leap day comes last and needs no special case.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  local era = math.floor(year / 400)
  local of_era = year - era * 400
  local of_year = math.floor((153 * (month - 3) + 2) / 5) + day - 1
  return era * 146097 + of_era * 365 + math.floor(of_era / 4)
    - math.floor(of_era / 100) + of_year - 719468
end

--- Seconds since 1970 UTC of a date and time; nil if it does not exist. A leap
--- second counts as the first second after it.
---@return number|nil
function time.utc(year, month, day, hour, minute, second)
  if month < 1 or month > 12 or day < 1 or day > days_in(year, month)
     or hour > 23 or minute > 59 or second > 60 then
    return nil
  end
  return ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
end

-- ".25" and ",25" as a number below one.
local function fraction(text)
  if text == "" then return 0 end
  local digits = text:match "^[.,](%d+)$"
  return digits and tonumber(digits:sub(1, 15)) / 10 ^ math.min(#digits, 15)
end

-- Seconds east of Greenwich.
local function offset(text)
  if text == "Z" or text == "z" then return 0 end
  local sign, hours, minutes = text:match "^([+-])(%d%d):?(%d%d)$"
  if not sign then sign, hours = text:match "^([+-])(%d%d)$" end
  if not sign then return nil end
  hours, minutes = tonumber(hours), tonumber(minutes or 0)
  if hours > 23 or minutes > 59 then return nil end
  return (sign == "-" and -1 or 1) * (hours * 3600 + minutes * 60)
end

--- Seconds since 1970 UTC of an ISO 8601 text: date, `T`, time to the second,
--- an optional fraction, and `Z` or an offset. A text without an offset is
--- refused, because it is ambiguous.
---@param text string  "2026-08-25T10:00:00.250Z"
---@return number|nil  nil if it is not such a text
function time.parse(text)
  if type(text) ~= "string" then return nil end
  local y, mo, d, h, mi, s, rest = text:match
    "^(%d%d%d%d)%-(%d%d)%-(%d%d)[Tt](%d%d):(%d%d):(%d%d)(.*)$"
  if not y then return nil end
  local part, zone = rest:match "^([.,]?%d*)([Zz+-].*)$"
  local extra, east = part and fraction(part), zone and offset(zone)
  if not extra or not east then return nil end
  local at = time.utc(tonumber(y), tonumber(mo), tonumber(d), tonumber(h),
    tonumber(mi), tonumber(s))
  return at and at - east + extra
end

return time
