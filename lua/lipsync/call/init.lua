-- SPDX-License-Identifier: MIT
-- One public call: its clocks, its events, its end. A state machine that never
-- waits by itself, so many calls can be moved on by one coroutine, or by none:
-- `advance` does what can be done now, `wants` says what is awaited, `run`
-- waits in between for callers with nothing else to do. From the queue to the
-- answer the states of states.lua lead it; what an answer means to it is
-- verdict.lua's.

local stopwatch = require "lipsync.base.stopwatch"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local host = require "lipsync.host"
local message = require "lipsync.error.message"
local states = require "lipsync.call.states"
local url = require "lipsync.base.url"
local verdict = require "lipsync.call.verdict"

local Call = {}
Call.__index = Call

local call = {}

--- Prepares a call. Nothing is sent before `advance`.
---@param client table
---@param spec table  action ("list generations", with `id` behind it),
---   method, path, target (default path), key (default true), list, stream,
---   id, listing, held, clock, group (see queue.lua);
---   read(call, transfer) -> done, value, failure;
---   accept(call, status, value) -> value, failure, note of a 2xx answer;
---   settle(call) -> value, note of an attempt that broke behind its 2xx;
---   refused(call, err) -> value, note of an error that is a success here;
---   on_start(call) before a request, on_end(call) when all is over
---@param given table  the call's own options
---@return table
function call.new(client, spec, given)
  local config = client.options
  local self = setmetatable({
    client = client, spec = spec, options = given,
    runtime = client:runtime(),
    clock = spec.clock or stopwatch.new(), group = spec.group,
    timeout = given.timeout or spec.timeout or config.timeout,
    stall_timeout = given.stall_timeout or config.stall_timeout,
    max_attempts = given.max_attempts or spec.max_attempts
      or config.max_attempts,
    state = states.begin, attempt = 0, bytes = 0, started = 0, moved = 0,
    over = false, transfer = false, condition = false, told = false,
  }, Call)
  self.runtime.scheduler:adopt(self)
  return self
end

--- What errors say about this call.
---@return table
function Call:about()
  local spec = self.spec
  local about = self.client:about()
  about.action, about.id = spec.action, spec.id
  if spec.id then
    about.action = spec.action .. " " .. url.readable(spec.id)
  end
  about.method, about.path, about.tag = spec.method, spec.path,
    self.options.tag
  about.attempts, about.seconds = self.attempt, self.clock:seconds()
  about.delivered = spec.listing and spec.listing.delivered
  about.outcome_unknown = spec.settle and self.outcome_unknown
  return about
end

--- An error object about this call.
---@return lipsync.Error
function Call:error(kind, text, reason, field)
  return errors.new(kind, text, self:about(), reason, field)
end

-- Closes what is open and gives the slot back. Idempotent.
function Call:drop()
  self.runtime.limiter:release(self)
  self.runtime.limiter:leave(self)
  local transfer = self.transfer
  if not transfer then return end
  self.transfer = false
  transfer:close()
  self.runtime.waiters:notify(transfer)
end

-- The end: `value`, or nil and `err`, and what else there is to say.
function Call:finish(value, err, note)
  -- First, since it may run out of memory: then it is done again.
  self.over, self.value, self.err, self.note = true, value, err, note
  if not self.keep_open then self:drop() end
  if self.attempt > 0 and self.spec.on_end then self.spec.on_end(self) end
  return true
end

-- Tells an event. What a listener raises comes out of the call, but not
-- before everything is closed.
function Call:emit(kind, fields)
  local listener = self.client.listener
  if not listener then return end
  local event = fields or {}
  event.type, event.method, event.path = kind, self.spec.method,
    self.spec.path
  event.attempt = event.attempt or self.attempt
  event.tag = self.options.tag
  local ok, problem = pcall(listener, event)
  if ok then return end
  self.keep_open = nil
  self:finish(nil, self:error("canceled", "on_event raised an error"))
  core.raise(problem)
end

-- Seconds left of the whole call.
function Call:remaining()
  return self.timeout - self.clock:seconds()
end

-- Whether somebody ended this from elsewhere.
local function interrupted(self)
  if self.client.closed then
    return self:error("closed", message.closed, "closed")
  elseif self.canceled then
    return self:error("canceled", message.canceled, "canceled")
  end
end

--- Does what can be done without waiting.
---@return boolean over  then `value`, `err` and `note` are set
function Call:advance()
  if self.over then return true end
  local err = interrupted(self)
  if err then return self:finish(nil, err) end
  repeat local stop = self:state() until stop or self.over
  return self.over == true
end

--- The queue has a slot for this call.
function Call:called()
  if self.condition then self.runtime.waiters:notify(self.condition) end
end

--- Whether the answer has begun, so that no slot is needed any more.
---@return boolean
function Call:begun()
  local transfer = self.transfer
  return transfer and (transfer:status() ~= nil or transfer:done())
end

--- Whether the step that this runs in has used up its budget.
---@return boolean
function Call:is_late()
  local until_ = self.client.step_ends
  return until_ ~= nil and core.now() >= until_
end

--- What is awaited: a transfer or a condition, and for how long at most.
---@return table target
---@return number seconds
function Call:wants()
  local left = math.max(0, self:remaining())
  if self.transfer then
    local still = self.stall_timeout - (self.clock:seconds() - self.moved)
    return self.transfer, math.max(0, math.min(left, still))
  end
  local pause = (self.wake or 0) - core.now()
  return self.condition, math.max(0, math.min(left, pause))
end

--- Waits once for what is wanted.
function Call:wait()
  local target, seconds = self:wants()
  self.clock:add(host.wait(self.client, self.runtime.session, target, seconds))
end

--- The next value of a stream that stayed open behind its first one.
---@return boolean over  false: wait
---@return any value  nil at the end
---@return lipsync.Error|nil err
function Call:follow()
  local err = interrupted(self)
  if err then return true, nil, err end
  local done, value, failure = self.spec.read(self, self.transfer)
  if done and value then return true, value end
  if not done and not self.transfer:ready() then
    failure = verdict.late(self)
  end
  if not failure then return done end
  return true, nil, verdict.broke(self, failure)
end

--- Tries again after so many seconds.
Call.sleep = states.sleep

--- A failure for an answer that is not what is documented, for `accept`.
Call.unexpected = verdict.unexpected

--- Bytes of this attempt received so far.
---@return integer
function Call:received()
  return self.transfer and self.transfer:received() or self.bytes
end

--- Advances and waits until the call is over.
---@return any value
---@return lipsync.Error|nil err
---@return any note
function Call:run()
  while not self:advance() do self:wait() end
  return self.value, self.err, self.note
end

--- Ends the call from elsewhere; who waits in it gets `canceled`.
function Call:cancel()
  self.canceled = true
  self.keep_open = nil
  self:drop()
  if self.condition then self.runtime.waiters:notify(self.condition) end
end

--- Reads a whole answer: the `read` of most calls. Only when there is nothing
--- left to work on is it time to wait.
function call.read_whole(this, transfer)
  repeat
    local body, failure = transfer:read()
    if body ~= false then return true, body, failure end
  until not transfer:ready() or this:is_late()
  return false
end

return call
