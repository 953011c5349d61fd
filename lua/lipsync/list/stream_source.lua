-- SPDX-License-Identifier: MIT
-- A listing in one answer, given out while it arrives; with more than a
-- hundred ids in one answer for each hundred. It is retried until its first
-- generation: behind that the service cannot be asked for the rest.

local call = require "lipsync.call"
local filter = require "lipsync.base.filter"

local Stream = {}
Stream.__index = Stream

local stream_source = {}

---@param listing table  action, path, client, options, clock, filter
---@return table
function stream_source.new(listing)
  return setmetatable({
    listing = listing, groups = filter.groups(listing.filter), group = 1,
    received = 0,
  }, Stream)
end

-- A slice may end inside a generation; only when nothing is left to scan is
-- it time to wait. The first one is held until the call is over: if there is
-- no memory to hand it on, it is given again. (Its place is there before it
-- comes: making one takes memory, too.)
local function read(this, transfer)
  local held = this.spec.held
  if held.of == transfer and not this.over then return true, held.first end
  local status = transfer:status()
  if status and status ~= 200 then return call.read_whole(this, transfer) end
  repeat
    local generation, failure = transfer:next()
    if generation ~= false then
      if generation and not this.over then
        held.of, held.first = transfer, generation
      end
      return true, generation, failure
    end
  until not transfer:ready() or this:is_late()
  return false
end

-- The transfer stays open behind the first generation.
local function accept_first(this, status, value)
  if status ~= 200 then
    return nil, this:unexpected("a JSON array", value)
  end
  this.keep_open = value ~= nil
  return value
end

function Stream:request()
  local listing, own = self.listing, self.listing.filter
  return call.new(listing.client, {
    action = listing.action, method = "GET", path = listing.path,
    target = filter.target(listing.path, own, {
      ids = self.groups[self.group], limit = own.limit, cursor = own.cursor }),
    list = true, stream = true,
    timeout = math.huge, clock = listing.clock,
    listing = listing, held = { of = false, first = false },
    read = read, accept = accept_first,
  }, listing.options)
end

-- The answer of one group is over.
function Stream:next_group()
  self:leave()
  self.group = self.group + 1
end

function Stream:leave()
  local this = self.call
  if not this then return end
  self.received = self.received + this:received()
  self.call, self.opened, self.flow = nil, nil, nil
  this:drop()
end

-- Up to the first generation of a group.
function Stream:open()
  local this = self.call or self:request()
  self.call = this
  if not this:advance() then return false end
  if this.err then
    self.failure = this.err
    self:leave()
  elseif this.value == nil then
    self:next_group()
  else
    self.opened, self.flow = true, this.transfer
    return true, this.value
  end
  return nil
end

--- The next generation, as far as it is there.
---@return boolean over  false: wait
---@return table|nil generation  nil at the end
---@return lipsync.Error|nil err
function Stream:advance()
  while true do
    if self.failure or self.group > #self.groups then
      return true, nil, self.failure
    end
    if not self.opened then
      local over, generation = self:open()
      if over ~= nil then return over, generation end
    else
      local over, generation, err = self.call:follow()
      if not over then return false end
      if generation then return true, generation end
      self.failure = err
      self:next_group()
    end
  end
end

--- Bytes received so far.
---@return integer
function Stream:bytes()
  return self.received + (self.call and self.call:received() or 0)
end

--- Stops at once: the connection is closed, not read to its end.
function Stream:close()
  self.flow = nil
  if self.call then self.call:cancel() end
end

return stream_source
