-- SPDX-License-Identifier: MIT
-- A loop makes the steps of a client's tasks: it watches the session's
-- descriptor and has one timer, both only while there are tasks. The loop is a
-- table, see client:drive.

local core = require "lipsync.core"
local poll_interval = require "lipsync.host.poll_interval"

local Pump = {}
Pump.__index = Pump

local pump = {}

-- Called by the loop's timer, in vain if it could not be canceled.
local function fire(self, number)
  if self.number ~= number then return end
  self.due, self.number = nil, false
  self.move()
end

--- Makes a pump.
---@param client table
---@param loop table  after, and perhaps cancel, watch and unwatch; also rest,
---   to be called when there is nothing more to do, and check, which raises if
---   the loop is lost
---@param move function  makes a step and arms the pump anew
---@return table  with arm(on, seconds)
function pump.new(client, loop, move)
  local runtime = client:runtime()
  local self = setmetatable({ session = runtime.session, loop = loop,
    move = move, n = 0, timers = 0, number = false, at = 0,
    due = nil, watched = nil }, Pump)
  function self.on_event() self.move() end
  runtime.waiters:on_close(self, function() self:rest() end)
  return self
end

local function cancel_timer(self)
  local due = self.due
  self.due, self.number = nil, false
  if due ~= nil and self.loop.cancel then self.loop.cancel(due) end
end

-- The shortest timer (seconds). Loops of libuv's kind run a timer of none again
-- and again before anything else has its turn.
local shortest = 0.001

-- A timer that is due earlier serves as well, because a step in vain costs less
-- than a new timer: most are for what will not happen, a server that is silent.
local function set_timer(self, seconds)
  seconds = math.max(seconds, shortest)
  local at = core.now() + seconds
  if self.number and self.at <= at + shortest then return end
  cancel_timer(self)
  self.timers = self.timers + 1
  local number = self.timers
  self.number, self.at = number, at
  self.due = self.loop.after(seconds, function() fire(self, number) end)
end

--- Lets go of the descriptor and the timer.
function Pump:rest()
  cancel_timer(self)
  local watched = self.watched
  self.watched = nil
  if watched ~= nil then self.loop.unwatch(watched) end
  if self.loop.rest then self.loop.rest() end
end

-- Where nothing watches the descriptor, the pump has to look.
local function pause(self, seconds)
  self.n = seconds == 0 and 0 or self.n + 1
  return math.min(poll_interval.seconds(self.n), seconds or 1)
end

--- Has a step made when something arrives or is due.
---@param on boolean  false: never
---@param seconds number|nil  nil: nothing is due
function Pump:arm(on, seconds)
  if not on then
    self.n = 0
    return self:rest()
  end
  if self.loop.check then self.loop.check() end
  local fd = self.loop.watch and self.session:fd()
  if not fd then seconds = pause(self, seconds) end
  if fd and self.watched == nil then
    self.watched = self.loop.watch(fd, self.on_event)
    if self.watched == nil then self.watched = true end
  end
  if seconds then return set_timer(self, seconds) end
  cancel_timer(self)
end

return pump
