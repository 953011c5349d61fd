-- SPDX-License-Identifier: MIT
-- Deleting many: several deletions under way at once, moved on by the one
-- coroutine that called, while the listing they come from is read on. No
-- coroutines of our own, so callbacks run where the caller runs. Only those
-- deletions are looked at to which something happened or for which it is
-- time, so what one costs does not depend on how many are under way.

local check = require "lipsync.check"
local clock = require "lipsync.clock"
local core = require "lipsync.core"
local delete = require "lipsync.delete"
local heap = require "lipsync.heap"
local host = require "lipsync.host"
local listing = require "lipsync.listing"

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

-- `when` may say no to all of a long listing, so there is a rest in between.
local function next_of_listing(self)
  listing.rest(self.listing)
  return listing.look(self.listing)
end

-- Everything that is wrong with an array is raised before any is deleted.
local function check_items(client, items)
  if listing.is(items) then
    -- Its connection would be moved on by nobody.
    if items.client ~= client then
      check.raise "the listing belongs to another client"
    end
    return
  end
  if type(items) ~= "table" then
    check.raise("ids must be an array of ids or generations, or a listing, "
      .. "got " .. check.show(items))
  end
  local count = 0
  for _ in pairs(items) do count = count + 1 end
  for i = 1, count do
    if items[i] == nil then
      check.raise "ids must be an array without holes or names"
    end
    delete.identify(items[i])
  end
end

local function new(client, items, options)
  local from = listing.is(items) and items or nil
  local self = setmetatable({
    client = client, options = options, home = client:home(),
    next = from and next_of_listing or next_of_array,
    listing = from, items = items, at = 0, seen = {},
    under_way = {}, count_of = 0, clock = clock.new(),
    reader = {}, by = {}, ready_lanes = {}, sleepers = heap.new(),
    result = { deleted = 0, gone = 0, skipped = 0, failed = 0, errors = {} },
  }, Many)
  self.home.wakers:join(self)
  return self
end

-- Stops everything that is under way.
function Many:stop()
  for lane in pairs(self.under_way) do lane.call:cancel() end
  self.under_way, self.count_of = {}, 0
  if self.listing then self.listing:close() end
end

-- Calls the caller's function. What it raises comes out of delete_many, but
-- not before everything is closed.
function Many:callback(fn, ...)
  local ok, value = pcall(fn, ...)
  if ok then return value end
  self:stop()
  core.raise(value)
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
    self.clock:lap())
  if not call then return self:count("failed", item, nil, err) end
  local lane = { call = call, item = item }
  self.under_way[lane] = true
  self.count_of = self.count_of + 1
  self:push(lane)
end

-- Reads on while there are lanes free. Whether anything moved.
function Many:fill()
  local moved, reader = false, self.reader
  while not self.ended and self.count_of < self.options.concurrency
        and not reader.target do
    local there, item, err, twice = self:next()
    if not there then
      reader.call = self.listing.source.call
      self:watch(reader)
    elseif item == nil then
      self.ended, self.err = true, self.err or err
    else
      self:begin(item, twice)
    end
    moved = moved or there
  end
  return moved
end

-- Puts a lane into the row of those to be moved on.
function Many:push(lane)
  if lane.queued then return end
  lane.queued = true
  self.ready_lanes[#self.ready_lanes + 1] = lane
end

-- Has a lane moved on when what it waits for is there or it is time. The time
-- is a lower bound: of two the earlier one counts.
function Many:watch(lane)
  local target, seconds = lane.call:wants()
  local due = core.now() + seconds
  lane.target = target
  self.by[target] = lane
  if due < (lane.heap_at and lane.due or math.huge) then
    self.sleepers:remove(lane)
    lane.due = due
    self.sleepers:add(lane)
  end
  if target:ready() then self:push(lane) end
end

-- Undoes that. First of all, for a call that drops its transfer wakes it.
function Many:unwatch(lane)
  lane.queued = nil
  if lane.target then self.by[lane.target] = nil end
  lane.target = nil
end

--- Something happened to `key`; told by the wakers.
function Many:notice(key)
  local lane = self.by[key]
  if not lane then return end
  self:push(lane)
  self.home.wakers:wake(self)
end

--- Whether there is a lane to be moved on; asked by the host.
function Many:ready()
  if #self.ready_lanes == 0 then self.home.wakers:drain(self.home.session) end
  return #self.ready_lanes > 0 or self.client.closed or false
end

-- Moves on those that can be, and takes those that are over. Whether anything
-- moved.
function Many:advance()
  if self.client.closed then
    for lane in pairs(self.under_way) do self:push(lane) end
  end
  local moved, lanes = false, self.ready_lanes
  self.ready_lanes = {}
  for _, lane in ipairs(lanes) do
    self:unwatch(lane)
    if self.under_way[lane] then  -- neither the reader's nor stopped
      moved = self:advance_one(lane) or moved
    end
  end
  return moved
end

function Many:advance_one(lane)
  if not lane.call:advance() then
    self:watch(lane)
    return false
  end
  self.sleepers:remove(lane)
  self.under_way[lane] = nil
  self.count_of = self.count_of - 1
  self:settled(lane)
  return true
end

function Many:settled(lane)
  local call = lane.call
  if call.err and hopeless(call.err) then
    self.ended, self.err = true, self.err or call.err
  end
  self:count(outcome_of(call), lane.item, call.value, call.err)
end

-- Those for which it is time.
function Many:wake_due()
  local now, lane = core.now(), self.sleepers:first()
  while lane and lane.due <= now do
    self.sleepers:remove(lane)
    self:push(lane)
    lane = self.sleepers:first()
  end
end

-- Waits until a lane can be moved on, the reading one if it is to be.
function Many:wait()
  local session, first = self.home.session, self.sleepers:first()
  local seconds = first and math.max(0, first.due - core.now()) or math.huge
  local from, to = host.wait(self.client, session, self, seconds)
  self.clock:add(from, to)
  if self.reader.target then self.reader.call.clock:add(from, to) end
  if session:is_open() and not self:ready() then session:step() end
  self:wake_due()
end

function Many:run()
  repeat
    local moved, filled = self:advance(), self:fill()
    if not moved and not filled then self:wait() end
  until self.ended and self.count_of == 0
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
  check_items(client, items)
  return new(client, items, options):run()
end

return delete_many
