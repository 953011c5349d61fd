-- SPDX-License-Identifier: MIT
-- Dates in HTTP headers: the current form and the two obsolete ones that RFC
-- 9110 requires readers to accept.

local texts = require "lipsync.base.text"
local time = require "lipsync.base.time"

local http_date = {}

local months = {}
for i, name in ipairs { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug",
                        "sep", "oct", "nov", "dec" } do
  months[name] = i
end

local forms = {
  -- Sun, 06 Nov 1994 08:49:37 GMT
  function(text)
    local d, m, y, clock = text:match
      "^[A-Za-z]+, (%d%d) ([A-Za-z]+) (%d%d%d%d) (%d%d:%d%d:%d%d) GMT$"
    return y, m, d, clock
  end,
  -- Sunday, 06-Nov-94 08:49:37 GMT
  function(text)
    local d, m, y, clock = text:match
      "^[A-Za-z]+, (%d%d)%-([A-Za-z]+)%-(%d%d) (%d%d:%d%d:%d%d) GMT$"
    if not y then return nil end
    return tonumber(y) + (tonumber(y) < 70 and 2000 or 1900), m, d, clock
  end,
  -- Sun Nov  6 08:49:37 1994
  function(text)
    local m, d, clock, y = text:match
      "^[A-Za-z]+ ([A-Za-z]+) +(%d+) (%d%d:%d%d:%d%d) (%d%d%d%d)$"
    return y, m, d, clock
  end,
}

--- Seconds since 1970 UTC of a date as HTTP writes it.
---@param text string
---@return number|nil
function http_date.parse(text)
  for _, form in ipairs(forms) do
    local y, m, d, clock = form(text)
    local month = y and months[texts.lower(m)]
    if month then
      local h, mi, s = clock:match "(%d%d):(%d%d):(%d%d)"
      return time.utc(tonumber(y), month, tonumber(d), tonumber(h),
        tonumber(mi), tonumber(s))
    end
  end
  return nil
end

return http_date
