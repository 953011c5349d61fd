-- SPDX-License-Identifier: MIT
-- What failed, for standard error: one sentence, or with --json an object.

local core = require "lipsync.core"

local report = {}

-- The members of an error object that JSON can hold.
local function plain(err)
  local own = {}
  for name, value in pairs(err) do
    if name == "cause" then value = tostring(value) end
    if core.encode(value) then own[name] = value end
  end
  own.sentence = tostring(err)
  return own
end

--- A failure as text.
---@param err lipsync.Error|string
---@param as_json boolean|nil
---@param kind string|nil  of a sentence, default "usage"
---@return string
function report.text(err, as_json, kind)
  if not as_json then return "lipsync: " .. tostring(err) end
  local own = core.is_error(err) and plain(err) or { kind = kind or "usage",
    message = tostring(err), sentence = tostring(err) }
  return (core.encode(own))
end

return report
