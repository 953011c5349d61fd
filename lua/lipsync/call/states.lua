-- SPDX-License-Identifier: MIT
-- The states of a call (call.lua), from the checks before anything is sent by
-- way of the queue to the answer, and back after a retry's delay. Each does
-- what it can, sets the next one, and returns true if the call must wait or is
-- over. None waits.

local core = require "lipsync.core"
local host = require "lipsync.host"
local message = require "lipsync.error.message"
local options = require "lipsync.base.options"
local verdict = require "lipsync.call.verdict"

local states = {}

-- How long to sleep for something other than a transfer (seconds): where
-- nothing wakes a sleeper, before a retry and for a place in the queue; and
-- in the queue everywhere, since its head may have been abandoned.
local retry_nap, queue_nap, queue_look = 0.25, 0.005, 1

-- What to wait for where that is no transfer: who closes the listing, or
-- gives a slot back, wakes it. An object and no closure, for what LuaJIT
-- compiles holds on to a closure, and so to all that it has seen.
local Condition = {}
Condition.__index = Condition

local function condition(of, longest_nap, is_reached)
  return setmetatable({ call = of, nap = longest_nap,
                        is_reached = is_reached }, Condition)
end

function Condition:ready()
  local of = self.call
  return of.canceled or of.client.closed or self.is_reached(of)
end

local function is_turn(of) return of.runtime.limiter:is_turn(of) end
local function is_due(of) return core.now() >= of.wake end

-- The answer, as far as it has come.
local function receive(this)
  local transfer = this.transfer
  -- Asked again after memory ran out while a failure was dealt with.
  if not transfer then core.raise "not enough memory" end
  local done, value, failure = this.spec.read(this, transfer)
  this.status = transfer:status()
  if this.status then this.runtime.limiter:release(this) end
  if not done then
    failure = not transfer:ready() and verdict.late(this)
    if not failure then return true end
  end
  this.bytes = transfer:received()
  if failure then return verdict.failed(this, failure) end
  return verdict.answered(this, value)
end

-- What the session is to send: read there and then, so one table serves all.
local function request_of(this)
  local spec, request = this.spec, this.runtime.request
  request.method, request.path = spec.method, spec.target or spec.path
  request.key, request.headers = spec.key ~= false, this.options.headers
  request.list, request.stream = spec.list, spec.stream
  return request
end

-- An attempt.
local function send(this)
  local spec = this.spec
  this.attempt = this.attempt + 1
  this:emit "request"
  if spec.on_start then spec.on_start(this) end
  local transfer, failure = this.runtime.session:start(request_of(this))
  this.started = this.clock:seconds()
  if not transfer then return verdict.failed(this, failure) end
  this.transfer, this.bytes, this.moved = transfer, 0, this.started
  this.state = receive
end

local function late(this, slots)
  return this:error("timeout", message.deadline(this.timeout,
    { slots = slots }), "deadline")
end

-- A place among those that may be in flight.
local function queued(this)
  local queue = this.runtime.limiter
  local taken = queue:take(this, core.now())
  if not taken then
    this.blocks = host.blocks(this.client)
    taken = this.blocks and queue:take(this, core.now())
  end
  if taken then
    this.state = send
    return
  end
  if this:remaining() <= 0 then
    return this:finish(nil, late(this, queue.slots))
  elseif not this.told then
    this.told = true
    this:emit("queued", { attempt = this.attempt + 1 })
  end
  this.wake = core.now() + queue_look
  this.condition = condition(this, queue_nap, is_turn)
  return true
end

-- The delay before another attempt.
local function sleeping(this)
  if core.now() < this.wake then return true end
  this.state = queued
end

--- The first state. What cannot be sent is told before anything is, and so is
--- where nothing can wait for the answer.
---@param this table  the call
---@return boolean|nil  true: the call is over
function states.begin(this)
  local headers = this.options.headers
  local problem = headers and options.bad_header(headers)
  local refused, needs_key = this.client.refused, this.spec.key ~= false
  if refused and (refused.field ~= "api_key" or needs_key) then
    return this:finish(nil,
      this:error("invalid", refused.message, nil, refused.field))
  elseif problem then
    return this:finish(nil, this:error("invalid", problem, nil, "headers"))
  elseif needs_key and not this.client.has_key then
    return this:finish(nil,
      this:error("invalid", message.no_key, "no_key", "api_key"))
  end
  host.check(this.client)
  this.state = queued
end

--- Has the call try again, from the queue on.
---@param this table  the call
---@param delay number  seconds
function states.sleep(this, delay)
  this.wake = core.now() + delay
  this.condition = condition(this, retry_nap, is_due)
  this.told = false
  this.state = sleeping
end

return states
