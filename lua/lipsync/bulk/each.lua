-- SPDX-License-Identifier: MIT
-- The same call for each item of an array or a listing: several calls under
-- way at once, moved on by the one coroutine that asked for it, while the
-- listing is read on. No coroutines of our own, so callbacks run where the
-- caller runs. What the call is, and what its outcomes are called, the caller
-- says.

local core = require "lipsync.core"
local errors = require "lipsync.error"
local host = require "lipsync.host"
local listing = require "lipsync.list.listing"
local lua51 = require "lipsync.host.lua51"
local misuse = require "lipsync.base.misuse"
local pool = require "lipsync.bulk.pool"
local schema = require "lipsync.base.schema"
local timeslice = require "lipsync.host.timeslice"

local Each = {}
Each.__index = Each

local each = {}

--- Options beside those of every call: how many calls at once (default 8);
--- which items; who is told of each.
each.options = {
  concurrency = schema.integer(), when = schema.callable(),
  on_result = schema.callable(),
}

local limited = lua51.is_limited()

-- Where the items come from: `there` (false: wait), the item, nil at the end
-- with an error if there is one, and whether it was given before. Of an array
-- each id once.
local function next_of_array(self)
  self.at = self.at + 1
  local item = self.items[self.at]
  if item == nil then return true end
  local id = self.work.identify(item)
  local twice = self.seen[id]
  self.seen[id] = true
  return true, item, nil, twice
end

local function next_of_listing(self)
  return self:guard(listing.look, self.items)
end

-- Everything that is wrong with an array is raised before anything is sent.
-- What the caller does with it meanwhile is the caller's, so it is copied.
local function check_array(items, work)
  local wanted = ("ids must be an array of ids or %ss, or a listing")
    :format(work.noun)
  if type(items) ~= "table" then
    misuse.raise(wanted .. ", got " .. misuse.show(items))
  end
  local count, own = 0, {}
  for name in pairs(items) do
    if type(name) ~= "number" then
      misuse.raise(wanted .. ": pass "
        .. work.list .. " for a filter")
    end
    count = count + 1
  end
  for i = 1, count do
    if items[i] == nil then
      misuse.raise "ids must be an array without holes"
    end
    work.identify(items[i])
    own[i] = items[i]
  end
  return own
end

local function check_items(client, items, work)
  if not listing.is(items) then return check_array(items, work) end
  -- Its connection would be moved on by nobody.
  if items.client ~= client then
    misuse.raise "the listing belongs to another client"
  end
  return items
end

local function new(client, items, options, work)
  local from, of = listing.is(items), pool.new(client)
  local self = setmetatable({
    client = client, options = options, work = work, pool = of,
    clock = of.clock, concurrency = options.concurrency or 8,
    next = from and next_of_listing or next_of_array,
    listing = from and items, items = items, at = 0, seen = {},
  }, Each)
  timeslice.begin(self, core.now())
  return self
end

-- Stops everything that is under way.
local function stop(self)
  self.pool:cancel()
  if self.listing then self.listing:close() end
end

local function passed(self, ok, ...)
  if ok then return ... end
  stop(self)
  core.raise((...))
end

--- Calls what may run functions of the caller's. What they raise comes out of
--- here, but not before everything is closed. On Lua 5.1 nothing can wait
--- inside pcall, nor be asked whether it could, so there it is the collector
--- that closes.
function Each:guard(fn, ...)
  if limited then return fn(...) end
  return passed(self, pcall(fn, ...))
end

-- Calls `when` or `on_result`, which may make calls of their own.
local function call_back(self, fn, ...)
  self.pool:set_busy(true)
  local value = passed(self, pcall(fn, ...))
  self.pool:set_busy(false)
  return value
end

-- One item is done with.
local function count(self, outcome, item, value, err)
  local tally, on_result = self.work.tally, self.options.on_result
  tally[outcome] = tally[outcome] + 1
  if outcome == "failed" then tally.errors[#tally.errors + 1] = err end
  if on_result then
    call_back(self, on_result, self.work.identify(item), outcome, value, err)
  end
end

-- With a key that is not accepted, or a client that was closed, all further
-- ones would fail the same way.
local function is_hopeless(err)
  return err.statusCode == 401 or err.kind == "closed"
    or err.kind == "canceled"
    or err.kind == "invalid" and err.field == "api_key"
end

-- Starts the call for an item, unless that is to be skipped.
local function begin(self, item, twice)
  local when = self.options.when
  if twice or when and not call_back(self, when, item) then
    return count(self, "skipped", item)
  end
  local call, err = self.work.prepare(item, self.pool)
  if not call then return count(self, "failed", item, nil, err) end
  self.pool:add(call, item)
end

-- Whether another one is to be begun now.
local function is_free(self)
  return not self.ended and self.pool.count < self.concurrency
    and not self.pool:is_watching()
end

-- Reads on while the pool has room, until it is the host's turn. Whether
-- anything moved.
local function fill(self)
  local moved = false
  while is_free(self) and not (moved and timeslice.is_expired(self)) do
    local there, item, err, twice = self:next()
    if not there then
      self.pool:watch(self.listing.source.call)
    elseif item == nil then
      self.ended, self.err = true, self.err or err
    else
      begin(self, item, twice)
    end
    moved = moved or there
  end
  return moved
end

--- A call is over; told by the pool.
function Each:settled(call, item)
  if call.err and is_hopeless(call.err) then
    self.ended, self.err = true, self.err or call.err
  end
  count(self, self.work.outcome_of(call), item, call.value, call.err)
end

-- Whether there is nothing left to do.
local function is_over(self)
  return self.ended and self.pool.count == 0
end

-- In a forked child the calls are the parent's, and so is the rest.
local function check_process(self)
  if is_over(self) or not self.pool:is_inherited() then return end
  stop(self)
  self.ended = true
  self.err = errors.new("closed", "these calls were begun before this process "
    .. "was forked", self.client:about())
end

---@class lipsync.Work  what is done with each item
---@field noun string  what an item is called
---@field list string  how a listing is written: "client.things:list { … }"
---@field tally table  the counts by outcome, beside them `errors`
---@field prepare fun(item: any, group: table): table|nil, lipsync.Error|nil
---   the call for an item, with `group` as its group
---@field identify fun(item: any): string  its id; raises for what is no item
---@field outcome_of fun(call: table): string  the name in the tally

--- Does the work and counts.
---@param client table
---@param items table  an array, or a listing of the same client
---@param options table  those of `each.options`, read
---@param work lipsync.Work
---@return table|nil tally
---@return lipsync.Error|nil err  why it stopped early
---@return table|nil so_far  the tally until then
function each.run(client, items, options, work)
  local self = new(client, check_items(client, items, work), options, work)
  while not is_over(self) do
    local moved, filled = self.pool:advance(self), fill(self)
    if not moved and not filled then
      self.pool:wait()
      timeslice.begin(self, core.now())
    end
    host.yield_if_expired(self)
    check_process(self)
  end
  if not self.err then return work.tally end
  if self.listing then self.listing:close() end
  return nil, self.err, work.tally
end

return each
