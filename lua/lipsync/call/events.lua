-- SPDX-License-Identifier: MIT
-- The events of a client's calls: passed to `on_event`, and with SYNC_LOG=1
-- written to standard error, a line each. They hold no secret. An event holds
-- no query; a line of the log has it, but only of a request to the API.

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

local function duration(seconds)
  if seconds < 1 then return ("%.0f ms"):format(seconds * 1000) end
  return message.seconds(seconds) .. " s"
end

local parts = {
  { "statusCode", function(status) return ("%d"):format(status) end },
  { "attempt", function(n) return n > 1 and ("attempt %d"):format(n) end },
  { "bytes", function(n) return ("%.0f bytes"):format(n) end },
  { "seconds", duration },
  { "delay", function(seconds) return "in " .. duration(seconds) end },
  { "tag", function(tag) return "tag " .. message.inline(tostring(tag)) end },
}

-- "17:58:03.250", in local time.
local function time_of_day(at)
  local whole = math.floor(at)
  return ("%s.%03d"):format(os.date("%H:%M:%S", whole),
    math.floor((at - whole) * 1000))
end

--- One line for the log.
---@param event lipsync.Event
---@param target string|nil  the path with the query; default event.path
---@param at number  seconds since 1970
---@return string
function events.line(event, target, at)
  local words = { "lipsync:", time_of_day(at), event.type, event.method,
                  target or event.path }
  for _, part in ipairs(parts) do
    local value = event[part[1]]
    words[#words + 1] = value ~= nil and part[2](value) or nil
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
---@return nil|fun(event: lipsync.Event, target: string|nil)
function events.listener(on_event, log)
  if not log then
    return on_event and function(event) on_event(event) end
  end
  return function(event, target)
    core.log(events.line(event, target, core.time()))
    if on_event then on_event(event) end
  end
end

return events
