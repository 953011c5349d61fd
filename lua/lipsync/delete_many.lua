-- SPDX-License-Identifier: MIT
-- Deleting many: several deletions under way at once, moved on by the one
-- coroutine that called, while the listing they come from is read on. No
-- coroutines of our own, so callbacks run where the caller runs.

local check = require "lipsync.check"
local core = require "lipsync.core"
local delete = require "lipsync.delete"
local lanes = require "lipsync.lanes"
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
  return setmetatable({
    client = client, options = options, lanes = lanes.new(client),
    next = from and next_of_listing or next_of_array,
    listing = from, items = items, at = 0, seen = {},
    result = { deleted = 0, gone = 0, skipped = 0, failed = 0, errors = {} },
  }, Many)
end

-- Stops everything that is under way.
function Many:stop()
  self.lanes:cancel()
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
    self.lanes.clock:lap())
  if not call then return self:count("failed", item, nil, err) end
  self.lanes:add(call, item)
end

-- Reads on while there are lanes free. Whether anything moved.
function Many:fill()
  local moved, of = false, self.lanes
  while not self.ended and of.count < self.options.concurrency
        and not of:looks_out() do
    local there, item, err, twice = self:next()
    if not there then
      of:look_out(self.listing.source.call)
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

function Many:run()
  local of = self.lanes
  repeat
    local moved, filled = of:advance(self), self:fill()
    if not moved and not filled then of:wait() end
  until self.ended and of.count == 0
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
