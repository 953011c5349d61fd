-- SPDX-License-Identifier: MIT
-- Creates many generations, several at a time, each in a task of its own; gives
-- each as it is accepted or refused. Only `next` begins more, so nothing is
-- created that nobody asks for.

local create = require "lipsync.resources.create"
local errors = require "lipsync.error"
local host = require "lipsync.host"
local lua51 = require "lipsync.host.lua51"
local message = require "lipsync.error.message"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local raise = require "lipsync.host.raise"
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

local Creates = {}
local methods = {}

local create_many = {}

local limited = lua51.is_limited()

local function failure(self, kind, text)
  local about = self.client:about()
  about.action, about.method = "create generations", self.spec.method
  about.tag = self.options.tag
  return errors.new(kind, text, about, kind)
end

-- ---- One create ----

local Entry = {}
Entry.__index = Entry

-- Its task has ended; called by that.
function Entry:wake()
  local of = self.of
  if of.over or of.client.closed or not of.running[self] then return end
  of.running[self] = nil
  of.count = of.count - 1
  local generation, err, problem = self.task:wait(0)
  self.generation, self.err = generation, err or problem
  of.newest = of.newest + 1
  of.finished[of.newest] = self
  task.tell_watchers(of.latch)
end

-- The options of one create.
local function own_options(self, index)
  local options = self.options
  local on_progress, own = options.on_progress, {}
  if options.receipts then
    own.receipt = ("%s/%06d.json"):format(options.receipts, index)
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
  return nil, operation.invalid(self.client, self.spec, fixed, "request")
end

-- Begins to create the next one. Returns whether there is another request.
local function begin(self)
  local index, request = self.index + 1, self.more()
  if request == nil then
    self.ended = true
    return false
  end
  local options = own_options(self, index)
  local fixed, err = read(self, request, options)
  local entry = setmetatable({ of = self, index = index, err = err,
    key = fixed and fixed.idempotency_key, task = false }, Entry)
  self.index = index
  if not fixed then
    self.newest = self.newest + 1
    self.finished[self.newest] = entry
    return true
  end
  self.running[entry] = true
  self.count = self.count + 1
  entry.task = self.runtime.scheduler:spawn(create.perform, self.generations,
    self.spec, fixed, options, function(key) entry.key = key end)
  self.latch.scope = entry.task.scope
  task.watch(entry.task, entry)
  -- In nginx a task starts at once, and may be over already.
  if entry.task.over then entry:wake() end
  return true
end

-- ---- The iterator ----

-- Ends the iterator, with the error `err` or without.
local function finish(self, err)
  if self.over then return end
  self.over, self.err = true, err or false
  for entry in pairs(self.running) do entry.task:cancel() end
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
      if not begin(self) then break end
    end
    local entry = self.finished[self.oldest]
    if entry then
      self.finished[self.oldest] = nil
      self.oldest = self.oldest + 1
      return entry.index, entry.generation, entry.err
    elseif err or self.count == 0 then
      finish(self, err)
    else
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

local what = "an iterator of create_many"
local members = { open = true }
for name in pairs(methods) do members[name] = true end

function Creates:__index(name)
  if name == "open" then return open_ones(self) end
  return methods[name] or misuse.no_member(what, name, members)
end

function Creates.__newindex(_, name)
  misuse.no_member(what, name, members)
end

-- The function of a `for` loop, which cannot return an error of the whole.
function Creates:__call()
  if limited and host.yields(self.client) then lua51.check_for() end
  local index, generation, err = step(self)
  if index == nil and err then raise.error(self.client, err) end
  return index, generation, err
end

function Creates:__close()
  self:close()
end

function Creates:__tostring()
  return ("create_many (%s under way%s)"):format(
    message.count(self.count, "request"), self.over and ", over" or "")
end

-- The elements of an array, one by one.
local function each_of(requests)
  misuse.plain_table(requests, "requests")
  local index = 0
  return function()
    index = index + 1
    return requests[index]
  end
end

--- See client.generations:create_many.
---@param generations lipsync.Generations
---@param spec table  of the row `create`
---@param requests lipsync.CreateRequest[]|fun(): lipsync.CreateRequest|nil
---@param options lipsync.CreateManyOptions|nil
---@return lipsync.Creates
function create_many.new(generations, spec, requests, options)
  local more = requests
  if not misuse.callable(requests) then more = each_of(requests) end
  options = schema.read(fields, options, "options")
  operation.check_headers(options)
  local client = generations.client
  local self = {
    client = client, runtime = client:runtime(), generations = generations,
    spec = spec, more = more,
    options = schema.join({ timeout = math.huge }, options),
    concurrency = options.concurrency or 8, index = 0, ended = false,
    running = {}, count = 0, finished = {}, oldest = 1, newest = 0,
    latch = false, over = false, err = false,
  }
  self.latch = new_latch(self)
  return setmetatable(self, Creates)
end

return create_many
