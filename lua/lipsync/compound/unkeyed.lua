-- SPDX-License-Identifier: MIT
-- Creation that no key protects: a request whose outcome is unknown may have
-- made an object. Before it is repeated, that is looked for.

local backoff = require "lipsync.error.backoff"
local call = require "lipsync.call"
local core = require "lipsync.core"
local operation = require "lipsync.operation"
local retry = require "lipsync.error.retry"
local sleep = require "lipsync.call.sleep"

local unkeyed = {}

---@class lipsync.Creation
---@field client table
---@field spec table  of the row
---@field body table  read by the row's `takes`
---@field action string|nil  in place of the row's
---@field clock table  of the whole
---@field timeout number  seconds for the whole
---@field options fun(): table  of a call
---@field find fun(): table|nil, lipsync.Error|nil  looks for the object that an
---   earlier request may have made; an error if that cannot be known

-- Sleeps before a repetition. Returns nil if there is no time for it.
local function rest(work, n, err)
  local delay = err.retryAfter or backoff.jitter(n, core.random())
  local left = work.timeout - work.clock:seconds()
  if delay > retry.longest or delay >= left then return nil end
  return sleep.run(work.client, delay, work.action or work.spec.action,
    work.clock)
end

--- Creates an object, or finds the one that it has created.
---@param work lipsync.Creation
---@return table|nil object
---@return lipsync.Error|nil err
function unkeyed.create(work)
  local spec, options = work.spec, work.options()
  local text, bad = operation.encode(work.client, spec, options, work.body)
  if not text then return nil, bad end
  local most = options.max_attempts or work.client.options.max_attempts
  local open
  for n = 1, most do
    local made, err = call.new(work.client, setmetatable({ body = text,
      content_type = "application/json", clock = work.clock,
      action = work.action }, spec), work.options()):run()
    if made then return made end
    -- An earlier request may still be carried out, although it was not found.
    if open and not err.outcomeUnknown then
      open.cause = open.cause or err
      return nil, open
    end
    if n == most or not err.outcomeUnknown then return nil, err end
    open = err
    local found, unknown = work.find()
    if found then return found end
    if unknown or not rest(work, n, err) then return nil, err end
  end
end

return unkeyed
