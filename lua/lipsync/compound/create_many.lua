-- SPDX-License-Identifier: MIT
-- Creates many generations, several at a time, each in a task of its own; gives
-- each as it is accepted or refused. Only `next` begins more, so nothing is
-- created that nobody asks for.

local create = require "lipsync.compound.create"
local errors = require "lipsync.error"
local host = require "lipsync.host"
local iterator = require "lipsync.list.iterator"
local message = require "lipsync.error.message"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"
local task = require "lipsync.sched.task"

---@class lipsync.CreateManyOptions : lipsync.CreateOptions  without
---   idempotency_key and receipt: each request has its own
---@field concurrency integer|nil  requests under way at once; default 8
---@field timeout number|nil  seconds for each; default none, because it may
---   have to wait for the generations before it
---@field receipts string|nil  a folder for a receipt of each, by their indexes
---@field on_progress nil|fun(sent: integer, total: integer, index: integer)
local fields = schema.join(create.options, {
  concurrency = schema.integer(), receipts = schema.text,
})
fields.idempotency_key, fields.receipt = nil, nil

---@class lipsync.Creates
---@overload fun(): integer|nil, lipsync.Generation|nil, lipsync.Error|nil
---@field open { index: integer, idempotencyKey: string }[]  requests that were
---   begun and whose outcome is not known
---@field next fun(self): integer|nil, lipsync.Generation|nil,
---   lipsync.Error|nil
---@field close fun(self)

local Creates
local methods = {}

local create_many = {}

local function failure(self, kind, text)
  local about = operation.about(self.client, self.spec, self.options)
  about.action = "create generations"
  return errors.new(kind, text, about)
end

-- ---- One create ----

local Entry = {}
Entry.__index = Entry

-- The error of a create whose task has died: of a listener that raised, or
-- because memory ran out. It may have been sent, or even accepted.
local function died(self, problem)
  local of = self.of
  local about = operation.about(of.client, of.spec, self.options)
  about.outcome_unknown, about.unknown = true, of.spec.unknown
  about.idempotency_key = self.key
  local err = errors.new("canceled", "its task died: " .. tostring(problem),
    about)
  err.cause = problem
  return err
end

-- Its task has ended; called by that. In this order, as below: whatever runs
-- out of memory can be repeated.
function Entry:wake()
  local of = self.of
  if of.over or of.client.closed or not of.running[self] then return end
  local generation, err, problem = self.task:wait(0)
  if self.task.died then err = died(self, self.task.problem) end
  self.generation, self.err = generation, err or problem
  of.finished[of.newest + 1] = self
  of.newest = of.newest + 1
  of.running[self] = nil
  of.count = of.count - 1
  task.tell_watchers(of.latch)
end

-- The options of one create.
local function own_options(self, index)
  local options = self.options
  local on_progress, own = options.on_progress, { is_patient = true }
  if options.receipts then
    -- %s would end at a NUL on Lua 5.1.
    own.receipt = options.receipts .. ("/%06d.json"):format(index)
  end
  if on_progress then
    function own.on_progress(sent, total)
      return on_progress(sent, total, index)
    end
  end
  return schema.join(options, own)
end

-- Fixes a request. What would be raised for a single create is its error here.
local function read(self, request, options)
  local ok, fixed, err = misuse.caught(create.read, self.client, self.spec,
    request, options)
  if ok then return fixed, err end
  return nil, operation.invalid(self.client, self.spec, options, fixed,
    "request")
end

-- The next request, with its options and what is fixed of it; nil at the end.
-- It is counted when it has come, because several tasks may wait for one.
local function next_entry(self)
  local entry = self.beginning
  if not entry then
    entry = setmetatable({ of = self, index = false, task = false,
      fixed = false, request = false, options = false }, Entry)
    entry.request = self.more()
    if entry.request == nil then return nil end
    entry.index = self.index + 1
    self.index, self.beginning = entry.index, entry
  end
  if not entry.fixed then
    entry.options = entry.options or own_options(self, entry.index)
    entry.fixed, entry.err = read(self, entry.request, entry.options)
    entry.key = entry.fixed and entry.fixed.idempotency_key
  end
  return entry
end

-- Starts the task of a request, which has one at most.
local function start(self, entry)
  entry.task = entry.task or self.runtime.scheduler:spawn(create.perform,
    self.generations, self.spec, entry.fixed, entry.options,
    function(key) entry.key = key end)
  self.latch.scope = entry.task.scope
  task.watch(entry.task, entry)
  self.running[entry] = true
  self.count, self.beginning = self.count + 1, false
  -- In nginx a task starts at once, and may be over already.
  if entry.task.over then entry:wake() end
end

-- Begins to create the next one, if there is another request. What gives the
-- requests is the program's: it may wait, and meanwhile all may end.
local function begin(self)
  local entry = next_entry(self)
  if self.over or not entry then
    self.ended = true
  elseif entry.fixed then
    start(self, entry)
  else
    self.finished[self.newest + 1] = entry
    self.newest, self.beginning = self.newest + 1, false
  end
end

-- Takes tasks that are over and could not tell.
local function collect(self)
  for entry in pairs(self.running) do
    if entry.task.over then entry:wake() end
  end
end

-- ---- The iterator ----

-- Ends the iterator, with the error `err` or without.
local function finish(self, err)
  if self.over then return end
  self.over, self.err = true, err or false
  for entry in pairs(self.running) do entry.task:cancel() end
  local beginning = self.beginning
  if beginning and beginning.task then beginning.task:cancel() end
  task.tell_watchers(self.latch)
end

-- Whether `next` has something to do.
local function is_ready(self)
  return self.over or self.oldest <= self.newest or self.count == 0
    or self.client.closed or self.client:runtime() ~= self.runtime
end

-- What those who wait in `next` wait for: in the form of a task that is over.
local function new_latch(self)
  return setmetatable({ watchers = false, scope = false }, {
    __index = function(_, name)
      return name == "over" and is_ready(self) or nil
    end,
  })
end

-- An error that ends all.
local function interrupted(self)
  if self.client.closed then
    return failure(self, "closed", message.closed)
  elseif self.client:runtime() ~= self.runtime then
    return failure(self, "closed", "it was begun before this process was "
      .. "forked")
  end
end

local function step(self)
  while not self.over do
    local err = interrupted(self)
    while not err and not self.ended and self.count < self.concurrency
          and self.oldest > self.newest do
      -- Else its tasks would send, and only the wait for them would raise.
      host.check(self.client, self.runtime.scheduler)
      begin(self)
    end
    local entry = self.finished[self.oldest]
    if entry then
      self.finished[self.oldest] = nil
      self.oldest = self.oldest + 1
      return entry.index, entry.generation, entry.err
    elseif err or self.count == 0 then
      finish(self, err)
    else
      collect(self)
      local _, problem = self.runtime.scheduler:await(self.latch, math.huge)
      if problem and not interrupted(self) then return nil, nil, problem end
    end
  end
  return nil, nil, self.err or nil
end

--- The next one that was accepted or refused, in the order in which that
--- happened. Begins further ones, and waits as the host waits.
---@return integer|nil index  of its request; nil at the end
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err  why this one has none; without an index, why
---   the whole ended
function methods:next()
  misuse.self(self, Creates, "iterator:next()")
  return step(self)
end

--- Begins no more and ends what is under way: those requests are `open` then.
--- A coroutine that waits in the iterator gets `canceled`. Idempotent.
function methods:close()
  misuse.self(self, Creates, "iterator:close()")
  finish(self, failure(self, "canceled", message.canceled))
end

-- The requests whose outcome is not known, in their order.
local function open_ones(self)
  local found = {}
  for entry in pairs(self.running) do
    found[#found + 1] = { index = entry.index, idempotencyKey = entry.key }
  end
  table.sort(found, function(a, b) return a.index < b.index end)
  return found
end

Creates = iterator.class {
  what = "an iterator of create_many", methods = methods, step = step,
  fields = { open = open_ones },
}

function Creates:__tostring()
  return ("create_many (%s under way%s)"):format(
    message.count(self.count, "request"), self.over and ", over" or "")
end

--- See client.generations:create_many.
---@param generations lipsync.Generations
---@param spec table  of the row `create`
---@param requests lipsync.CreateRequest[]|fun(): lipsync.CreateRequest|nil
---@param options lipsync.CreateManyOptions|nil
---@return lipsync.Creates
function create_many.new(generations, spec, requests, options)
  local more = create.each(requests)
  options = schema.read(fields, options, "options")
  operation.check_headers(options)
  local client = generations.client
  local self = {
    client = client, runtime = client:runtime(), generations = generations,
    spec = spec, more = more,
    options = schema.join({ timeout = math.huge }, options),
    concurrency = options.concurrency or 8, index = 0, ended = false,
    beginning = false,
    running = {}, count = 0, finished = {}, oldest = 1, newest = 0,
    latch = false, over = false, err = false,
  }
  self.latch = new_latch(self)
  return setmetatable(self, Creates)
end

return create_many
