-- SPDX-License-Identifier: MIT
-- Makes the same call for each item of an array or a listing. One coroutine,
-- the caller's, drives several calls at once while it reads the listing; so
-- callbacks run where the caller runs. The caller defines the call and the
-- names of its outcomes.

local core = require "lipsync.core"
local errors = require "lipsync.error"
local host = require "lipsync.host"
local listing = require "lipsync.list.listing"
local lua51 = require "lipsync.host.lua51"
local misuse = require "lipsync.base.misuse"
local pool = require "lipsync.bulk.pool"
local retry = require "lipsync.error.retry"
local schema = require "lipsync.base.schema"
local text = require "lipsync.base.text"
local timeslice = require "lipsync.host.timeslice"

local Each = {}
Each.__index = Each

local each = {}

--- Options in addition to those of every call.
each.options = {
  concurrency = schema.integer(), max = schema.integer(),
  dry_run = schema.boolean, when = schema.callable(),
  on_result = schema.callable(), on_progress = schema.callable(),
}

-- The most errors that a tally keeps, and the most bytes of each one's body:
-- the first errors show what is wrong with thousands of calls.
local errors_kept, body_kept = 100, 1024

local limited = lua51.is_limited()

-- Sources of items. Each returns `there` (false: wait); the item, nil at the
-- end; an error; and whether the item is a repeated id, which an array skips.
-- Ids are UUIDs, where letter case does not matter.
local function next_of_array(self)
  self.at = self.at + 1
  local item = self.items[self.at]
  if item == nil then return true end
  local id = text.lower(self.work.identify(item))
  local twice = self.seen[id]
  self.seen[id] = true
  return true, item, nil, twice
end

local function next_of_listing(self)
  return self:guard(listing.look, self.items)
end

-- Raises everything that is wrong with an array before anything is sent. Copies
-- it, because the caller may change it meanwhile.
local function check_array(items, work)
  local wanted = ("items must be an array of ids or %ss, or a listing")
    :format(work.noun)
  if type(items) ~= "table" then
    misuse.raise(wanted .. ", got " .. misuse.show(items))
  end
  misuse.plain_array(items, "items")
  local own = {}
  for name in pairs(items) do
    if type(name) ~= "number" then
      misuse.raise(wanted .. ": pass "
        .. work.list .. " for a filter")
    end
  end
  for i = 1, misuse.length(items, "items") do
    work.identify(items[i])
    own[i] = items[i]
  end
  return own
end

--- Checks items before anything is sent; raises what is wrong with them.
---@param client table
---@param items any
---@param work table  `noun`, `list` and `identify` of a lipsync.Work
---@return table  the listing, or a copy of the array
function each.items(client, items, work)
  if not listing.is(items) then return check_array(items, work) end
  -- Nothing would drive its connection.
  if items.client ~= client then
    misuse.raise "the listing belongs to another client"
  end
  return items
end

local function new(client, items, options, work)
  local from, of = listing.is(items), pool.new(client)
  local self = setmetatable({
    client = client, options = options, work = work, pool = of,
    clock = of.clock,
    concurrency = options.concurrency or work.concurrency or 8,
    next = from and next_of_listing or next_of_array,
    listing = from and items, items = items, at = 0, seen = {},
    total = not from and #items or nil, begun = 0, done = 0,
    most = options.max or math.huge, ended = false,
  }, Each)
  if from then items.is_patient = true end
  of.is_patient = options.timeout == nil
  function self.stop() self.ended = true end
  timeslice.begin(self, core.now())
  return self
end

-- Ends all calls that are under way.
local function cancel(self)
  self.pool:cancel()
  if self.listing then self.listing:close() end
end

local function passed(self, ok, ...)
  if ok then return ... end
  cancel(self)
  core.raise((...))
end

--- Calls `fn`, which may run the caller's functions. Raises what they raise,
--- but only after everything is closed. Not on Lua 5.1, where nothing can wait
--- inside pcall; there the collector closes.
function Each:guard(fn, ...)
  if limited then return fn(...) end
  return passed(self, pcall(fn, ...))
end

-- Begins no more calls, for the reason `err`; the first reason counts.
local function give_up(self, err)
  self.ended, self.err = true, self.err or err
end

local function about_of(self)
  local about = self.client:about()
  about.action, about.tag = self.work.action, self.options.tag
  return about
end

-- Calls a callback of the program, which may itself make calls. What it raises
-- ends the work and is returned with the tally.
local function call_back(self, fn, ...)
  self.pool:set_busy(true)
  local ok, value = pcall(fn, ...)
  self.pool:set_busy(false)
  if ok then return value end
  self.raised = true
  local err = errors.new("canceled", "a callback raised an error: "
    .. tostring(value), about_of(self))
  err.cause = value
  give_up(self, err)
  return nil
end

-- Keeps the error of an item, up to the most that a tally holds.
local function keep(kept, err)
  if not err or #kept >= errors_kept then return end
  if err.body then err.body = text.cut(err.body, body_kept) end
  kept[#kept + 1] = err
end

-- Counts a finished item and reports it.
local function count(self, outcome, item, value, err)
  local tally, options, stop = self.work.tally, self.options, self.stop
  tally[outcome] = tally[outcome] + 1
  self.done = self.done + 1
  if outcome == "failed" then keep(tally.errors, err) end
  if options.on_result then
    call_back(self, options.on_result, self.work.identify(item), outcome,
      value, err, stop)
  end
  if options.on_progress then
    call_back(self, options.on_progress, self.done, self.total, stop)
  end
end

-- A rejected key, a closed client, or a service that refuses everything would
-- fail all further calls too.
local function is_hopeless(err)
  local refuses = err.statusCode == 401 or retry.is_for_all(err)
  return refuses and not errors.is_foreign(err) or err.kind == "closed"
    or err.kind == "canceled"
    or err.kind == "invalid" and err.field == "api_key"
end

-- Starts the call for an item, unless it is to be skipped.
local function begin(self, item, twice)
  local when = self.options.when
  local wanted = not twice
    and (not when or call_back(self, when, item, self.stop))
  if self.raised then return end
  if not wanted then return count(self, "skipped", item) end
  self.begun = self.begun + 1
  if self.options.dry_run then
    return count(self, self.work.foresee(item), item)
  end
  local call, err = self.work.prepare(item, self.pool)
  if not call then return count(self, "failed", item, nil, err) end
  self.pool:add(call, item)
end

-- Whether to begin another call now.
local function is_free(self)
  if self.begun >= self.most then self.ended = true end
  return not self.ended and self.pool.count < self.concurrency
    and not self.pool:is_watching()
end

-- Reads items while the pool has room, until the time slice ends. Returns
-- whether anything moved.
local function fill(self)
  local moved = false
  while is_free(self) and not (moved and timeslice.is_expired(self)) do
    local there, item, err, twice = self:next()
    if not there then
      self.pool:watch(self.listing.source.call)
    elseif item == nil then
      give_up(self, err)
    else
      begin(self, item, twice)
    end
    moved = moved or there
  end
  return moved
end

-- Has a record say that an item is done. The error of a record that cannot be
-- written is kept although the item has not failed.
local function record(self, call, item)
  local finish = self.work.finish
  if not finish or call.value == nil then return nil end
  self.pool:set_busy(true)
  local problem = finish(call, item)
  self.pool:set_busy(false)
  keep(self.work.tally.errors, problem)
  return problem
end

--- A call is over; called by the pool.
function Each:settled(call, item)
  local err, own = call.err, self.work.is_hopeless
  if err and (is_hopeless(err) or own and own(err)) then give_up(self, err) end
  local problem = record(self, call, item)
  count(self, self.work.outcome_of(call), item, call.value, err or problem)
end

-- Whether nothing is left to do.
local function is_over(self)
  return self.ended and self.pool.count == 0
end

-- In a forked child the calls, and all the rest, belong to the parent.
local function check_process(self)
  if is_over(self) or not self.pool:is_inherited() then return end
  cancel(self)
  give_up(self, errors.new("closed", "these calls were begun before this "
    .. "process was forked", about_of(self)))
end

---@class lipsync.Work  what to do with each item
---@field action string  what is done: "delete things"
---@field noun string  what an item is called
---@field list string  how a listing is written: "client.things:list { … }"
---@field tally table  the counts by outcome, beside them `errors`
---@field prepare fun(item: any, group: table): table|nil, lipsync.Error|nil
---   makes the call for an item, with `group` as its group
---@field identify fun(item: any): string  its id; raises for another value
---@field concurrency integer|nil  default 8
---@field is_hopeless nil|fun(err: lipsync.Error): boolean  whether all further
---   calls would fail, too
---@field outcome_of fun(call: table): string  its name in the tally
---@field finish nil|fun(call: table, item: any): lipsync.Error|nil  records
---   that an item is done, after a call that has a value; it may wait
---@field foresee fun(item: any): string  that name without a call, for dry_run

--- Makes a call for each item and counts the outcomes.
---@param client table
---@param items table  an array, or a listing of the same client
---@param options table  read by `each.options`
---@param work lipsync.Work
---@return table|nil tally  nil if it stopped early for another reason than a
---   callback's stop()
---@return lipsync.Error|nil err  why it stopped early
---@return table|nil so_far  the tally until then
function each.run(client, items, options, work)
  local self = new(client, each.items(client, items, work), options, work)
  while not is_over(self) do
    local moved, filled = self.pool:advance(self), fill(self)
    if not moved and not filled then
      self.pool:wait()
      timeslice.begin(self, core.now())
    end
    host.yield_if_expired(self)
    check_process(self)
  end
  if self.listing then self.listing:close() end
  if not self.err then return work.tally end
  return self.raised and work.tally or nil, self.err, work.tally
end

return each
