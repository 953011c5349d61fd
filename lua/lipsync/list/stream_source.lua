-- SPDX-License-Identifier: MIT
-- A list in one response, delivered while it arrives; for more than a hundred
-- ids, one response for each hundred. Retried only until its first object,
-- because the service cannot send just the rest.

local call = require "lipsync.call"
local filter = require "lipsync.list.filter"
local shape = require "lipsync.shape"

local Stream = {}
Stream.__index = Stream

local stream_source = {}

--- What a listing takes with where there is no transfer.
function stream_source.none() end

---@param listing table  client, spec, options, clock, filter; gets `take`, the
---   transfer's method, and `transfer`, while there is one
---@return table
function stream_source.new(listing)
  return setmetatable({
    listing = listing, groups = filter.groups(listing.filter), group = 1,
    received = 0, is_open = false,
  }, Stream)
end

local function new_call(self)
  local listing = self.listing
  local own, spec = listing.filter, listing.spec
  local limit = spec.paging ~= "none" and own.limit or nil
  return call.new(listing.client, setmetatable({
    target = filter.target(spec.query, spec.path, own, {
      ids = self.groups[self.group], limit = limit, cursor = own.cursor }),
    mode = shape.stream.mode, read = shape.stream.read,
    accept = shape.stream.accept,
    timeout = math.huge, clock = listing.clock, listing = listing,
    is_patient = listing.is_patient,
  }, spec), listing.options)
end

-- Has the listing take the objects of a transfer by itself, or none.
local function lend(self, transfer)
  local listing = self.listing
  listing.take = transfer and transfer.take or stream_source.none
  listing.transfer = transfer
end

-- Closes the call and keeps its count of bytes.
local function leave(self)
  local this = self.call
  if not this then return end
  self.received = self.received + this:received()
  self.call, self.is_open = nil, false
  lend(self, false)
  this:close()
end

-- The response of one group is over.
local function next_group(self)
  leave(self)
  self.group = self.group + 1
end

-- Reads up to the first object of a group. As Stream.advance; nil: call again.
local function open(self)
  local this = self.call or new_call(self)
  self.call = this
  if not this:advance() then return false end
  if this.err then
    self.failure = this.err
    leave(self)
  elseif this.value == nil then
    next_group(self)
  else
    lend(self, this.attempt.transfer)
    self.is_open = true
    return true, this.value
  end
  return nil
end

--- The next object, if it is there.
---@return boolean over  false: wait
---@return table|nil object  nil at the end
---@return lipsync.Error|nil err
function Stream:advance()
  while true do
    if self.failure or self.group > #self.groups then
      return true, nil, self.failure
    end
    if not self.is_open then
      local over, object = open(self)
      if over ~= nil then return over, object end
    else
      local over, object, err = self.call:follow()
      if not over then return false end
      if object then return true, object end
      self.failure = err
      next_group(self)
    end
  end
end

--- Bytes received so far.
---@return integer
function Stream:bytes()
  return self.received + (self.call and self.call:received() or 0)
end

--- A single response cannot be resumed.
function Stream.cursor()
  return nil
end

--- Stops at once: the connection is closed, not read to its end.
function Stream:close()
  lend(self, false)
  if self.call then self.call:cancel() end
end

return stream_source
