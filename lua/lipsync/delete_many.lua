-- SPDX-License-Identifier: MIT
-- Deleting many: several deletions under way at once, moved on by the one
-- coroutine that called, while the listing they come from is read on. No
-- coroutines of our own, so callbacks run where the caller runs.

local check = require "lipsync.check"
local core = require "lipsync.core"
local delete = require "lipsync.delete"
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

-- Items of an array, each id once.
local function array_source(ids)
  local at, seen = 0, {}
  return function()
    at = at + 1
    local item = ids[at]
    if item == nil then return true end
    local id = delete.identify(item)
    local twice = seen[id]
    seen[id] = true
    return true, item, nil, twice
  end
end

local function listing_source(from)
  return function()
    -- `when` may say no to all of a long listing.
    listing.rest(from)
    return listing.look(from)
  end
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
  return setmetatable({
    client = client, options = options, listing = from,
    source = from and listing_source(from) or array_source(items),
    lanes = {},
    result = { deleted = 0, gone = 0, skipped = 0, failed = 0, errors = {} },
  }, Many)
end

-- Stops everything that is under way.
function Many:stop()
  for _, lane in ipairs(self.lanes) do lane.call:cancel() end
  self.lanes = {}
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
  local call, err = delete.prepare(self.client, item, self.options)
  if not call then return self:count("failed", item, nil, err) end
  self.lanes[#self.lanes + 1] = { call = call, item = item }
end

-- Reads on while there are lanes free. Whether anything moved.
function Many:fill()
  local moved = false
  while not self.ended and #self.lanes < self.options.concurrency do
    local there, item, err, twice = self.source()
    if not there then return moved end
    moved = true
    if item == nil then
      self.ended, self.err = true, self.err or err
    else
      self:begin(item, twice)
    end
  end
  return moved
end

-- Moves the deletions on, and takes those that are over.
function Many:advance()
  local moved, i = false, 1
  while self.lanes[i] do
    local lane = self.lanes[i]
    if lane.call:advance() then
      moved = true
      table.remove(self.lanes, i)
      self:settled(lane)
    else
      i = i + 1
    end
  end
  return moved
end

function Many:settled(lane)
  local call = lane.call
  if call.err and hopeless(call.err) then
    self.ended, self.err = true, self.err or call.err
  end
  self:count(outcome_of(call), lane.item, call.value, call.err)
end

-- The calls that somebody waits for now.
function Many:calls()
  local calls = {}
  for _, lane in ipairs(self.lanes) do calls[#calls + 1] = lane.call end
  local reading = self.listing and not self.ended
    and #self.lanes < self.options.concurrency and self.listing.source.call
  if reading then calls[#calls + 1] = reading end
  return calls
end

-- Waits for any of them: a group is ready when one of it is.
function Many:wait()
  local calls, transfers, least = self:calls(), {}, math.huge
  local group = { transfers = transfers }
  for _, call in ipairs(calls) do
    local target, seconds = call:wants()
    transfers[#transfers + 1] = target
    group.nap = math.min(target.nap or math.huge, group.nap or math.huge)
    least = math.min(least, seconds)
  end
  if #calls == 0 then return end
  function group.ready()
    for _, transfer in ipairs(transfers) do
      if transfer:ready() then return true end
    end
    return false
  end
  local session = self.client:home().session
  local from, to = host.wait(self.client, session, group, least)
  for _, call in ipairs(calls) do call.clock:add(from, to) end
  if session:is_open() and not group.ready() then session:step() end
end

function Many:run()
  repeat
    local filled, moved = self:fill(), self:advance()
    if not filled and not moved then self:wait() end
  until self.ended and #self.lanes == 0
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
