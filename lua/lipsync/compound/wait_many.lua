-- SPDX-License-Identifier: MIT
-- Waits for many generations at once and gives each when it has ended. Looks at
-- all of them in rounds: one request of the list for each hundred ids, so the
-- cost of a round hardly depends on their number. Between two rounds it sleeps
-- and holds no connection; it keeps ids and states, no generations.

local by_ids = require "lipsync.list.by_ids"
local core = require "lipsync.core"
local each = require "lipsync.bulk.each"
local errors = require "lipsync.error"
local filter = require "lipsync.list.filter"
local host = require "lipsync.host"
local iterator = require "lipsync.list.iterator"
local listing = require "lipsync.list.listing"
local lua51 = require "lipsync.host.lua51"
local message = require "lipsync.error.message"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"
local sleep = require "lipsync.call.sleep"
local stopwatch = require "lipsync.base.stopwatch"
local timeslice = require "lipsync.host.timeslice"
local url = require "lipsync.base.url"

---@class lipsync.WaitManyOptions : lipsync.CallOptions
---@field timeout number|nil  seconds for the whole wait; default 3600;
---   math.huge: no limit
---@field on_change nil|fun(generation: lipsync.Generation)  called when the
---   status of one has changed

---@class lipsync.Waits
---@overload fun(): string|nil, lipsync.Generation|nil, lipsync.Error|nil
---@field waiting integer  how many have not ended yet, as far as is known
---@field next fun(self): string|nil, lipsync.Generation|nil,
---   lipsync.Error|nil
---@field saw fun(self, generation: lipsync.Generation): boolean
---@field close fun(self)

local Waits
local methods = {}

local wait_many = {}

local fields = schema.join(operation.options, {
  on_change = schema.callable(),
})

local limited = lua51.is_limited()

-- In seconds: the whole wait; the shortest and the longest time from one round
-- to the next, and the part of its age that a wait adds to it.
local patience = 3600
local least, most, share = 2, 15, 1 / 10

--- Seconds from one round to the next: more for an older wait, because what
--- has taken long will take longer; jittered, because others wait too.
---@param age number  seconds since the wait began
---@param random number  in [0, 1)
---@return number
function wait_many.interval(age, random)
  local seconds = math.min(most, least * 1.25 + age * share)
  return seconds * (0.8 + 0.2 * random)
end

-- ---- Errors ----

local whole = "wait for generations"

local function about(self, action)
  local facts, spec = self.client:about(), self.specs.get
  facts.action, facts.method, facts.tag = action, spec.method, self.options.tag
  facts.advice, facts.seconds = spec.advice, self.clock:seconds()
  return facts
end

local function about_one(self, entry)
  local id = entry.id == "" and "" or " " .. url.readable(entry.id)
  return about(self, "wait for generation" .. id)
end

local function late(self, entry)
  local text = message.deadline { limit = self.timeout }
  if entry.status then text = text .. "; it is " .. entry.status end
  local err = errors.new("timeout", text, about_one(self, entry))
  err.cause = self.trouble or nil
  return err
end

-- The error for a generation that the service does not list any more; it has
-- the status that asking for the generation itself would give.
local function gone(self, entry)
  local facts = about_one(self, entry)
  facts.json = true
  local err = { kind = "api", statusCode = 404,
                message = "it is not in the list" }
  return errors.complete(err, facts)
end

-- ---- Events: what `next` has to report ----

-- Ends the sleep of all who wait in the iterator.
local function wake(self)
  for sleeper in pairs(self.sleepers) do sleeper:wake() end
end

-- In this order here and below: whatever runs out of memory can be repeated.
local function push(self, event)
  local newest = self.newest + 1
  self.events[newest] = event
  self.newest = newest
end

-- Ends the wait for one.
local function settle(self, entry, event)
  event.entry, event.ends = entry, true
  push(self, event)
  self.by_key[entry.key] = nil
  self.count = self.count - 1
end

-- Takes a state of one that is waited for.
local function note(self, entry, generation)
  local changed = entry.status ~= generation.status
  entry.missed, entry.status = false, generation.status
  if changed and self.options.on_change then
    push(self, { entry = entry, generation = generation })
  end
  if generation:is_terminal() then
    settle(self, entry, { generation = generation })
  end
end

-- Reports the oldest event: a change, or the end of a wait, which is returned.
local function report(self)
  local event = self.events[self.oldest]
  self.events[self.oldest] = nil
  self.oldest = self.oldest + 1
  local entry, generation = event.entry, event.generation
  if not event.ends then
    self.options.on_change(generation)
  elseif generation then
    return entry.id, generation
  else
    return entry.id, nil, event.problem(self, entry, event.detail)
  end
end

-- ---- What to wait for ----

local function invalid(self, entry, problem)
  return errors.new("invalid", problem, about_one(self, entry), "id")
end

-- Begins to wait for one. One that has ended is an event at once.
local function add(self, given)
  local id, generation = operation.identify(given, self.specs.get)
  local problem = by_ids.problem(id)
  local entry = { id = id, key = by_ids.key(id), missed = false,
                  status = generation and generation.status or false }
  if problem then
    push(self, { entry = entry, ends = true, problem = invalid,
                 detail = problem })
  elseif generation and generation:is_terminal() then
    push(self, { entry = entry, ends = true, generation = generation })
  else
    self.entries[#self.entries + 1] = entry
    if not self.by_key[entry.key] then self.count = self.count + 1 end
    self.by_key[entry.key] = entry
  end
end

-- Ends the iterator, with the error `err` or without.
local function finish(self, err)
  if self.over then return end
  self.over, self.err = true, err or false
  self.entries, self.by_key, self.groups = {}, {}, {}
  self.count = 0
  if self.call then self.call:cancel() end
  if self.listing then self.listing:close() end
  self.call, self.listing = false, false
  wake(self)
end

-- Reads one generation of the listing.
local function read(self)
  local generation, err = self.unread, nil
  if not generation then generation, err = self.listing:next() end
  if generation then
    self.unread = generation
    add(self, generation)
    self.unread = false
    return
  end
  self.listing = false
  if err then finish(self, err) end
end

-- ---- Rounds ----

-- Divides those that still wait into groups for a request each.
local function begin_round(self)
  local left, groups, size = {}, {}, filter.ids_at_once
  for _, entry in ipairs(self.entries) do
    if self.by_key[entry.key] == entry then left[#left + 1] = entry end
  end
  for i, entry in ipairs(left) do
    if i % size == 1 then groups[#groups + 1] = {} end
    table.insert(groups[#groups], entry)
  end
  self.entries, self.groups = left, groups
  self.due = core.now()
    + wait_many.interval(self.clock:seconds(), core.random())
end

local function ids_of(group)
  local ids = {}
  for i, entry in ipairs(group) do ids[i] = entry.id end
  return ids
end

-- A call for the next group.
local function new_call(self)
  self.group = self.groups[1]
  return by_ids.call(self.client, self.specs.list, ids_of(self.group),
    self.options, self.timeout - self.clock:seconds(),
    { action = whole, clock = self.clock })
end

-- One that is missing may not be listed yet, so it gets a second look.
local function look_for_missing(self, group)
  for _, entry in ipairs(group) do
    if self.by_key[entry.key] == entry and not entry.seen then
      if entry.missed then settle(self, entry, { problem = gone }) end
      entry.missed = true
    end
    entry.seen = nil
  end
end

local function take_rows(self, group, rows)
  for _, generation in ipairs(rows) do
    local id = generation.id
    local entry = type(id) == "string" and self.by_key[by_ids.key(id)]
    if entry then
      entry.seen = true
      note(self, entry, generation)
    end
  end
  look_for_missing(self, group)
end

local function given_error(_, _, err)
  return err
end

-- An id that the service does not take makes it refuse all of a request, so
-- halves of the group are asked for until it stands alone.
local function split(self, group, err)
  if #group == 1 then
    return settle(self, group[1], { problem = given_error, detail = err })
  end
  local halves, middle = { {}, {} }, math.ceil(#group / 2)
  for i, entry in ipairs(group) do
    local half = halves[i <= middle and 1 or 2]
    half[#half + 1] = entry
  end
  table.insert(self.groups, 1, halves[2])
  table.insert(self.groups, 1, halves[1])
end

-- A request is over. One that was canceled, with the task that had begun it,
-- is made anew.
local function finished(self, this, group)
  self.call = false
  local err = this.err
  if this.canceled and not self.client.closed then return wake(self) end
  err = err or operation.stray(this, ids_of(group), this.value)
  table.remove(self.groups, 1)
  self.trouble = err or false
  if not err then
    take_rows(self, group, this.value)
  elseif err.statusCode == 400 and errors.is_from_service(err) then
    split(self, group, err)
  elseif err.retryable then
    self.due = math.max(self.due, core.now() + (err.retryAfter or 0))
  else
    finish(self, err)
  end
  wake(self)
end

-- Whether a call is over. One that raises is not gone on with. Lua 5.1 cannot
-- yield inside pcall, but there the program cannot catch it either.
local function is_over(self, this)
  if limited then return this:advance() end
  local ok, over = pcall(this.advance, this)
  if ok then return over end
  self.call = false
  this:cancel()
  core.raise(over)
end

-- Sends a request, or waits for its response. Returns an error if the caller
-- may not make one.
local function ask(self)
  if not self.call and #self.groups == 0 then begin_round(self) end
  local this = self.call or new_call(self)
  if not self.call and this.canceled then
    this:advance()
    return this.err
  end
  self.call = this
  if not is_over(self, this) then
    this:wait()
    timeslice.begin(self, core.now())
  elseif self.call == this then
    finished(self, this, self.group)
  end
  return nil
end

-- Sleeps until the next round or the deadline. Returns an error if that was
-- interrupted.
local function rest(self)
  local this = sleep.new(self.client, function()
    return self.over or self.oldest <= self.newest
  end)
  self.sleepers[this] = true
  local seconds = math.min(self.due - core.now(),
    self.timeout - self.clock:seconds())
  local _, err = this:run(math.max(0, seconds), whole, self.clock,
    self.options.tag)
  self.sleepers[this] = nil
  timeslice.begin(self, core.now())
  return err
end

-- The time of the whole wait is up.
local function expire(self)
  for _, entry in ipairs(self.entries) do
    if self.by_key[entry.key] == entry then
      settle(self, entry, { problem = late })
    end
  end
end

-- Does one thing toward the next event. Returns an error of the caller's own.
local function advance(self)
  if self.client.closed then
    finish(self, errors.new("closed", message.closed, about(self, whole)))
  elseif self.listing then
    read(self)
  elseif self.count == 0 then
    finish(self)
  elseif self.clock:seconds() >= self.timeout then
    expire(self)
  elseif self.call or #self.groups > 0 or core.now() >= self.due then
    return ask(self)
  else
    return rest(self)
  end
  return nil
end

local function step(self)
  host.yield_if_expired(self)
  while true do
    while self.oldest <= self.newest do
      local id, generation, err = report(self)
      if id then return id, generation, err end
    end
    if self.over then return nil, nil, self.err or nil end
    local err = advance(self)
    if err then return nil, nil, err end
  end
end

-- ---- The iterator ----

--- The next one that has ended, in the order in which that was seen. Sleeps as
--- the host sleeps until there is one. Several tasks may take from it.
---@return string|nil id  nil at the end
---@return lipsync.Generation|nil generation  nil if this one cannot be waited
---   for: it is gone, its id was refused, or the time is up
---@return lipsync.Error|nil err  why; without an id, why the whole ended
function methods:next()
  misuse.self(self, Waits, "iterator:next()")
  return step(self)
end

--- Takes a state that came otherwise, such as the Generation of a webhook: if
--- it has ended, `next` gives it at once and asks for it no more.
---@param generation lipsync.Generation
---@return boolean  whether it was waited for
function methods:saw(generation)
  misuse.self(self, Waits, "iterator:saw(generation)")
  if core.type_of(generation) ~= "Generation" then
    misuse.raise("saw takes a generation, got " .. misuse.show(generation))
  end
  local id = generation.id
  local entry = type(id) == "string" and self.by_key[by_ids.key(id)]
  if not entry then return false end
  note(self, entry, generation)
  wake(self)
  return true
end

--- Ends the wait for all. A coroutine that waits in the iterator, or a later
--- call, gets an error of kind `canceled`. Idempotent.
function methods:close()
  misuse.self(self, Waits, "iterator:close()")
  if self.over then return end
  finish(self, errors.new("canceled", message.canceled, about(self, whole)))
  self.events, self.oldest, self.newest = {}, 1, 0
end

Waits = iterator.class {
  what = "an iterator of wait_many", methods = methods, step = step,
  fields = { waiting = function(self) return self.count end },
}

function Waits:__tostring()
  return ("wait for %s%s"):format(message.count(self.count, "generation"),
    self.over and " (over)" or "")
end

-- Adds the items of an array, each once.
local function add_array(self, items)
  local seen = {}
  for _, item in ipairs(items) do
    local key = by_ids.key((operation.identify(item, self.specs.get)))
    if not seen[key] then add(self, item) end
    seen[key] = true
  end
end

--- See client.generations:wait_many.
---@param resource table
---@param specs table  of its rows
---@param items (string|lipsync.Generation)[]|lipsync.Listing
---@param options lipsync.WaitManyOptions|nil
---@return lipsync.Waits
function wait_many.new(resource, specs, items, options)
  options = schema.read(fields, options, "options")
  items = each.items(resource.client, items, {
    noun = specs.get.noun, list = "client.generations:list { … }",
    identify = function(item) return operation.identify(item, specs.get) end,
  })
  local self = setmetatable({
    client = resource.client, specs = specs, options = options,
    timeout = options.timeout or patience, clock = stopwatch.new(),
    entries = {}, by_key = {}, count = 0,
    listing = listing.is(items) and items or false,
    events = {}, oldest = 1, newest = 0,
    groups = {}, group = false, call = false, due = -math.huge,
    unread = false, trouble = false,
    sleepers = setmetatable({}, { __mode = "k" }),
    over = false, err = false, slice = false, slice_ends = math.huge,
  }, Waits)
  timeslice.begin(self, core.now())
  if not self.listing then add_array(self, items) end
  return self
end

return wait_many
