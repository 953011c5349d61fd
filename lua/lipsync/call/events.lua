-- SPDX-License-Identifier: MIT
-- The events of a client's calls: passed to `on_event`, and with SYNC_LOG=1
-- written to standard error, a line each. They hold no secret and no query.

local core = require "lipsync.core"
local message = require "lipsync.error.message"

---@class lipsync.Event
---@field type string  request, response, retry or queued. A listing in one
---   response reports `response` at its first object, and once more, with
---   `err`, if it breaks later
---@field method string
---@field path string  without the query
---@field attempt integer  from 1
---@field statusCode integer|nil  of a response
---@field seconds number|nil  waited since the request was sent
---@field bytes integer|nil  received so far
---@field delay number|nil  seconds until the retry
---@field err lipsync.Error|nil  what went wrong
---@field requestId string|nil
---@field idempotencyKey string|nil  of a create
---@field tag any  the call's option

local events = {}

local parts = {
  { "statusCode", "%d" }, { "attempt", "attempt %d" },
  { "bytes", "%d bytes" }, { "seconds", "%s s" }, { "delay", "in %s s" },
}

--- One line for the log.
---@param event lipsync.Event
---@return string
function events.line(event)
  local words = { "lipsync:", event.type, event.method, event.path }
  for _, part in ipairs(parts) do
    local value = event[part[1]]
    if value ~= nil and (part[1] ~= "attempt" or value > 1) then
      if part[2]:find("%s", 1, true) then value = message.seconds(value) end
      words[#words + 1] = part[2]:format(value)
    end
  end
  if event.err then words[#words + 1] = "(" .. tostring(event.err) .. ")" end
  return table.concat(words, " ")
end

local switches = { ["1"] = true, yes = true, ["true"] = true, on = true,
                   ["0"] = false, no = false, ["false"] = false, off = false }

--- Whether SYNC_LOG asks for lines. Warns about a value it does not know.
---@param value string|nil
---@return boolean
function events.wants_log(value)
  local wants = value == nil and "0" or value
  if switches[wants] ~= nil then return switches[wants] end
  core.log(('lipsync: SYNC_LOG is "%s", which is none of 1, yes, true, 0, no '
    .. "and false: nothing is logged"):format(message.inline(wants)))
  return false
end

--- Makes the function that a client reports its events to; nil without a
--- listener.
---@param on_event fun(event: lipsync.Event)|nil
---@param log boolean
---@return fun(event: lipsync.Event)|nil
function events.listener(on_event, log)
  if not log then return on_event end
  return function(event)
    core.log(events.line(event))
    if on_event then on_event(event) end
  end
end

return events
