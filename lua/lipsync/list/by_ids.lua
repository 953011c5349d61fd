-- SPDX-License-Identifier: MIT
-- One request of a list for objects whose ids are known. How many ids fit in
-- one is in filter.lua; what came that was not asked for, operation.stray says.

local call = require "lipsync.call"
local filter = require "lipsync.list.filter"
local shape = require "lipsync.shape"
local texts = require "lipsync.base.text"
local url = require "lipsync.base.url"

local by_ids = {}

-- How many seconds a request may take after the deadline of its wait.
local margin = 1

--- Whether a list can be asked for objects by their ids.
---@param spec table|nil  of a row
---@return boolean
function by_ids.takes(spec)
  local query = spec and spec.query
  return query ~= nil and query.fields.ids ~= nil
end

--- What two ids of one object have in common: ids are UUIDs, where letter case
--- does not matter.
---@param id string
---@return string
function by_ids.key(id)
  return texts.lower(id)
end

--- Why an id cannot be in a list of ids; nil: it can.
---@param id string
---@return string|nil
function by_ids.problem(id)
  local _, problem = url.segment(id)
  if id:find(",", 1, true) then problem = "the id has a comma" end
  return problem
end

--- Prepares the request of a wait. Its value is the array of those that were
--- found. A long wait for a slot is no reason to give up, so the request has
--- the client's timeout, but ends soon after the wait.
---@param client table
---@param spec table  of a row whose list takes ids
---@param ids string[]
---@param options table  of the wait
---@param left number  seconds until the wait ends
---@param more { action: string, clock: table }  of the call's spec; the clock
---   is the wait's
---@return table call
function by_ids.call(client, spec, ids, options, left, more)
  more.target = filter.target(spec.query, spec.path, {}, { ids = ids })
  more.read, more.accept = shape.objects.read, shape.objects.accept
  return call.new(client, setmetatable(more, spec), call.part(options,
    more.clock:seconds() + math.min(left + margin, client.options.timeout)))
end

return by_ids
