-- SPDX-License-Identifier: MIT
-- Deleting many: several deletions under way at once, moved on by the one
-- coroutine that called, while the listing they come from is read on. No
-- coroutines of our own, so callbacks run where the caller runs.

local misuse = require "lipsync.base.misuse"
local core = require "lipsync.core"
local delete = require "lipsync.resources.delete"
local errors = require "lipsync.error"
local host = require "lipsync.host"
local lanes = require "lipsync.bulk.pool"
local listing = require "lipsync.list.listing"
local timeslice = require "lipsync.host.timeslice"
local lua51 = require "lipsync.host.lua51"

---@class lipsync.Deleted
---@field deleted integer  deleted by this call
---@field gone integer  not there any more: 404, or the outcome was unknown
---   and then it was gone
---@field skipped integer  `when` said no, or an id given twice
---@field failed integer  not deleted; why stands in `errors`
---@field errors lipsync.Error[]  one for each that failed, in order of ending

local Many = {}
Many.__index = Many

local delete_many = {}

local limited = lua51.is_limited()

-- Where the items come from: `there` (false: wait), the item, nil at the end
-- with an error if there is one, and whether it was given before. Of an array
-- each id once.
local function next_of_array(self)
  self.at = self.at + 1
  local item = self.items[self.at]
  if item == nil then return true end
  local id = delete.identify(item)
  local twice = self.seen[id]
  self.seen[id] = true
  return true, item, nil, twice
end

local function next_of_listing(self)
  return self:guard(listing.look, self.items)
end

-- Everything that is wrong with an array is raised before any is deleted. What
-- the caller does with it meanwhile is the caller's, so it is copied.
local function check_array(items)
  if type(items) ~= "table" then
    misuse.raise("ids must be an array of ids or generations, or a listing, "
      .. "got " .. misuse.show(items))
  end
  local count, own = 0, {}
  for name in pairs(items) do
    if type(name) ~= "number" then
      misuse.raise("ids must be an array of ids or generations, or a listing: "
        .. "pass client.generations:list { … } for a filter")
    end
    count = count + 1
  end
  for i = 1, count do
    if items[i] == nil then
      misuse.raise "ids must be an array without holes"
    end
    delete.identify(items[i])
    own[i] = items[i]
  end
  return own
end

local function check_items(client, items)
  if not listing.is(items) then return check_array(items) end
  -- Its connection would be moved on by nobody.
  if items.client ~= client then
    misuse.raise "the listing belongs to another client"
  end
  return items
end

local function new(client, items, options)
  local from, of = listing.is(items), lanes.new(client)
  local self = setmetatable({
    client = client, options = options, lanes = of, clock = of.clock,
    next = from and next_of_listing or next_of_array,
    listing = from and items, items = items, at = 0, seen = {},
    result = { deleted = 0, gone = 0, skipped = 0, failed = 0, errors = {} },
  }, Many)
  timeslice.begin(self, core.now())
  return self
end

-- Stops everything that is under way.
function Many:stop()
  self.lanes:cancel()
  if self.listing then self.listing:close() end
end

local function passed(self, ok, ...)
  if ok then return ... end
  self:stop()
  core.raise((...))
end

--- Calls what may run functions of the caller's. What they raise comes out of
--- delete_many, but not before everything is closed. On Lua 5.1 nothing can
--- wait inside pcall, nor be asked whether it could, so there it is the
--- collector that closes.
function Many:guard(fn, ...)
  if limited then return fn(...) end
  return passed(self, pcall(fn, ...))
end

-- Calls `when` or `on_result`, which may make calls of their own.
function Many:callback(fn, ...)
  self.lanes:set_busy(true)
  local value = passed(self, pcall(fn, ...))
  self.lanes:set_busy(false)
  return value
end

-- One item is done with.
function Many:count(outcome, item, generation, err)
  local result = self.result
  result[outcome] = result[outcome] + 1
  if outcome == "failed" then
    result.errors[#result.errors + 1] = err
  end
  local on_result = self.options.on_result
  if on_result then
    local id = delete.identify(item)
    self:callback(on_result, id, outcome, generation, err)
  end
end

-- With a key that is not accepted, or a client that was closed, all further
-- ones would fail the same way.
local function hopeless(err)
  return err.statusCode == 401 or err.kind == "closed"
    or err.kind == "canceled"
    or err.kind == "invalid" and err.field == "api_key"
end

local function outcome_of(call)
  if call.note == "already_gone" then return "gone" end
  if call.value ~= nil then return "deleted" end
  return call.err.statusCode == 404 and "gone" or "failed"
end

-- Starts the deletion of an item, unless it is to be skipped.
function Many:begin(item, twice)
  local when = self.options.when
  if twice or when and not self:callback(when, item) then
    return self:count("skipped", item)
  end
  local call, err = delete.prepare(self.client, item, self.options,
    self.lanes)
  if not call then return self:count("failed", item, nil, err) end
  self.lanes:add(call, item)
end

-- Whether another one is to be begun now.
function Many:is_free()
  local of = self.lanes
  return not self.ended and of.count < self.options.concurrency
    and not of:is_watching()
end

-- Reads on while there are lanes free, until it is the host's turn. Whether
-- anything moved.
function Many:fill()
  local moved, of = false, self.lanes
  while self:is_free() and not (moved and timeslice.is_expired(self)) do
    local there, item, err, twice = self:next()
    if not there then
      of:watch_call(self.listing.source.call)
    elseif item == nil then
      self.ended, self.err = true, self.err or err
    else
      self:begin(item, twice)
    end
    moved = moved or there
  end
  return moved
end

-- A deletion is over; told by the lanes.
function Many:settled(call, item)
  if call.err and hopeless(call.err) then
    self.ended, self.err = true, self.err or call.err
  end
  self:count(outcome_of(call), item, call.value, call.err)
end

-- Whether there is nothing left to do.
function Many:is_over()
  return self.ended and self.lanes.count == 0
end

-- In a forked child the deletions are the parent's, and so is the rest.
function Many:check_process()
  if self:is_over() or not self.lanes:is_inherited() then return end
  self:stop()
  self.ended = true
  self.err = errors.new("closed", "these deletions were begun before this "
    .. "process was forked", self.client:about())
end

function Many:run()
  local of = self.lanes
  while not self:is_over() do
    local moved, filled = of:advance(self), self:fill()
    if not moved and not filled then
      of:wait()
      timeslice.begin(self, core.now())
    end
    host.yield_if_expired(self)
    self:check_process()
  end
  if not self.err then return self.result end
  if self.listing then self.listing:close() end
  return nil, self.err, self.result
end

--- See client.generations:delete_many.
---@param client table
---@param items table
---@param options table  from options.delete_many
---@return lipsync.Deleted|nil result
---@return lipsync.Error|nil err
---@return lipsync.Deleted|nil so_far
function delete_many.run(client, items, options)
  return new(client, check_items(client, items), options):run()
end

return delete_many
