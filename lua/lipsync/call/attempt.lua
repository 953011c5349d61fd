-- SPDX-License-Identifier: MIT
-- One request of a call and the reading of its response. Knows neither queues
-- nor retries, and never waits: `advance` reads what is there and says when
-- that is all, or what failed.

local core = require "lipsync.core"

local Attempt = {}
Attempt.__index = Attempt

local attempt = {}

local unclear = { [500] = true, [502] = true, [504] = true }

--- Sends a request.
---@param session table  of lipsync.http
---@param request table  what session:start takes; read at once
---@param limits { clock: table, timeout: number, stall_timeout: number,
---   attempts: integer }  `timeout`: of the whole call, by its clock;
---   `attempts`: how many there were, this one included
---@return table|nil
---@return table|nil failure
function attempt.start(session, request, limits)
  -- All that will ever be set has its place, and before anything is sent:
  -- afterwards there may be no memory for it.
  local self = setmetatable({
    session = session, transfer = false, clock = limits.clock,
    timeout = limits.timeout, stall_timeout = limits.stall_timeout,
    number = limits.attempts, started = false, moved = false,
    bytes = 0, status = false, page = false, object = false,
  }, Attempt)
  local transfer, failure = session:start(request)
  if not transfer then return nil, failure end
  self.transfer = transfer
  return self
end

-- ---- What is read of a response ----
--
-- Each is called as read(attempt, until_) and returns whether it is done, the
-- value, and a failure. `until_` is when the step that it runs in has used up
-- its budget (nil: never). Only when nothing is left to work on is it time to
-- wait.

local now = core.now

--- The whole body.
function attempt.whole(self, until_)
  local transfer = self.transfer
  repeat
    local body, failure = transfer:read()
    if body ~= false then return true, body, failure end
  until not transfer:ready() or until_ and now() >= until_
  return false
end

-- Whether the response is no list to be read object by object.
local function is_other(self)
  local status = self.transfer:status()
  return status ~= nil and status ~= 200
end

--- All objects of a list, as an array; of another status the body.
function attempt.objects(self, until_)
  if is_other(self) then return attempt.whole(self, until_) end
  local transfer = self.transfer
  self.page = self.page or {}
  local page = self.page
  while true do
    local object, failure = self.object or nil, nil
    if not object then object, failure = transfer:next() end
    if object then
      self.object = object  -- there may be no memory to append it
      page[#page + 1] = object
      self.object = false
      if until_ and now() >= until_ then return false end
    elseif object == nil then
      return true, page, failure
    elseif not transfer:ready() or until_ and now() >= until_ then
      return false
    end
  end
end

--- The next object of a list, nil at its end; of another status the body. The
--- first one is kept until the call has handed it on, and given again where
--- there was no memory for that.
function attempt.next(self, until_)
  if self.object then return true, self.object end
  if is_other(self) then return attempt.whole(self, until_) end
  local transfer = self.transfer
  repeat
    local object, failure = transfer:next()
    if object ~= false then
      if object and self.page == false then self.object = object end
      return true, object, failure
    end
  until not transfer:ready() or until_ and now() >= until_
  return false
end

--- The first object was handed on; now they are given one after the other.
function Attempt:open()
  self.page, self.object = true, false
end

-- ---- Clocks ----

-- What a clock says that has run out. They run in waits only, so the attempt
-- started at what the clock says before the first one.
local function overdue(self)
  local at, bytes = self.clock:seconds(), self.transfer:received()
  self.started = self.started or at
  if bytes ~= self.bytes or not self.moved then
    self.bytes, self.moved = bytes, at
  end
  if at >= self.timeout then
    return { code = "deadline", limit = self.timeout, attempt = self.number }
  elseif at - self.moved >= self.stall_timeout then
    return { code = "stall", limit = self.stall_timeout }
  end
  return nil
end

-- Judges the clocks, but not before everything that has arrived was read: a
-- host that comes back late finds it in the sockets, and a step may not come
-- to all of them.
local function late(self)
  if not overdue(self) then return nil end
  self.session:drain()
  return not self.transfer:ready() and overdue(self) or nil
end

--- How long to wait for more (seconds).
---@return number
function Attempt:patience()
  local at = self.clock:seconds()
  return math.max(0, math.min(self.timeout - at,
    self.stall_timeout - (at - (self.moved or at))))
end

-- ---- The response ----

--- Reads on, as far as that goes without waiting.
---@param read function  one of those above
---@param until_ number|nil
---@return boolean done  false: wait
---@return any value
---@return table|nil failure
function Attempt:advance(read, until_)
  local transfer = self.transfer
  local done, value, failure = read(self, until_)
  self.status = transfer:status() or false
  if not done then
    failure = not transfer:ready() and late(self)
    if not failure then return false end
  end
  self.bytes = transfer:received()
  return true, value, failure
end

--- Seconds waited for it.
---@return number
function Attempt:seconds()
  local at = self.clock:seconds()
  return at - (self.started or at)
end

--- Whether the response has begun.
---@return boolean
function Attempt:has_begun()
  local transfer = self.transfer
  return transfer and (transfer:status() ~= nil or transfer:done())
end

--- Whether the request may have reached the server.
---@return boolean
function Attempt:was_sent()
  return self.transfer and self.transfer:sent() or false
end

--- Whether the server may have done what was asked although it did not say so.
---@return boolean
function Attempt:outcome_unknown()
  local status = self.status
  if status and status >= 300 then return unclear[status] or false end
  return self:was_sent()
end

--- A header of the response, without the key where the server has sent it back.
---@param name string
---@return string|nil
function Attempt:header(name)
  local value = self.transfer and self.transfer:header(name)
  return value and self.session:redact(value) or nil
end

--- Bytes received so far.
---@return integer
function Attempt:received()
  return self.transfer and self.transfer:received() or self.bytes
end

--- Closes the connection, or leaves it to others if the response is complete.
---@return table|nil transfer  that was closed
function Attempt:close()
  local transfer = self.transfer
  if not transfer then return nil end
  self.transfer = false
  transfer:close()
  return transfer
end

return attempt
