-- SPDX-License-Identifier: MIT
-- One request of a call and its response. Knows neither queues nor retries,
-- and never waits: `advance` reads what has arrived, and returns whether the
-- response is complete or failed.

local core = require "lipsync.core"
local lower = require "lipsync.base.text".lower

local Attempt = {}
Attempt.__index = Attempt

local attempt = {}

-- Statuses after which the request may have been carried out. 503 says that it
-- was not, unless nothing may be done twice: then no proxy's word is enough.
local unclear = { [500] = true, [502] = true, [504] = true }
local clear = { [501] = true, [505] = true }

--- Sends a request. Clocks run only in waits, and so not before the first one.
---@param limits { client: table, runtime: table, options: table, clock: table,
---   timeout: number, answer_timeout: number|nil, attempts: integer }
---   the call, of all of which `clock` and `timeout` are. `answer_timeout` is
---   for the first byte after the last one of the request, default the option
---   `stall_timeout`; `attempts` counts this one
---@param at number  seconds on the clock
---@param ... any  the request, as session:start takes it
---@return table|nil
---@return table|nil failure
---@return boolean|nil has_news  whether anything of the response is known
function attempt.start(limits, at, ...)
  -- Every field gets its place before anything is sent, because memory may
  -- run out later: also the two of `note_sent`, for a table of 12 has 16.
  local session = limits.runtime.session
  local self = setmetatable({
    session = session, transfer = false, limits = limits,
    started = at, moved = at, sends = false,
    bytes = 0, progress = 0, status = false, page = false, object = false,
  }, Attempt)
  local transfer, more, sends = session:start(...)
  if not transfer then return nil, more end
  self.transfer, self.sends = transfer, sends
  return self, nil, more
end

-- ---- Reading a response ----
--
-- read(attempt, until_) returns whether it is done, the value, and a failure.
-- `until_` is when the time slice of this step ends (nil: never). A caller
-- waits only after the read has nothing left to work on.

local now = core.now

-- Makes a function that reads the whole body by a method of the transfer.
local function whole_by(method)
  return function(self, until_)
    local transfer = self.transfer
    repeat
      local body, failure = transfer[method](transfer)
      if body ~= false then return true, body, failure end
    until not transfer:ready() or transfer:held() or until_ and now() >= until_
    return false
  end
end

--- The whole body.
attempt.whole = whole_by "read"

--- The whole body: the object that it is, or else its bytes.
attempt.object = whole_by "object"

-- Whether the response must be read whole, because it is no list.
local function is_other(self)
  local status = self.transfer:status()
  return status ~= nil and status ~= 200
end

--- All objects of a list, as an array; for another status, the body.
function attempt.objects(self, until_)
  if is_other(self) then return attempt.whole(self, until_) end
  local transfer = self.transfer
  self.page = self.page or {}
  local page = self.page
  while true do
    local object, failure = self.object or nil, nil
    if not object then object, failure = transfer:next() end
    if object then
      self.object = object  -- kept, because the append may run out of memory
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

--- The next object of a list, nil at its end; for another status, the body.
--- Keeps the first object until the call has delivered it, because the
--- delivery may run out of memory and be repeated.
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

--- Only the head of a response in chunks; for another status, the body.
function attempt.head(self, until_)
  local status = self.transfer:status()
  if status == 200 or status == 206 then return true end
  return attempt.whole(self, until_)
end

--- Makes a read function for the rest of a response in chunks. Its value is how
--- many bytes went to the file, nil at the end.
---@param target { file: table, room: number, failure: table|nil }  one of
---   lipsync.file; how many bytes it still takes: of more, none is written, and
---   the value is 0; and, for the caller, what went wrong with it
---@return function
function attempt.saver(target)
  return function(self, until_)
    local transfer = self.transfer
    repeat
      local n, failure = transfer:save(target.file, target.room)
      if n then
        target.failure = failure
        return true, n
      elseif n == nil then
        return true, nil, failure
      end
    until not transfer:ready() or until_ and now() >= until_
    return false
  end
end

--- The next object of a response in lines, nil at its end.
function attempt.line(self, until_)
  local transfer = self.transfer
  repeat
    local line, failure = transfer:next()
    if line ~= false then return true, line, failure end
  until not transfer:ready() or until_ and now() >= until_
  return false
end

--- Where in the body the last object ended that was read (bytes).
---@return integer
function Attempt:position()
  return self.transfer:position()
end

--- Call after the first object was delivered.
function Attempt:open()
  self.page, self.object = true, false
end

-- ---- Clocks ----

-- Whether part of the request's body waits to be sent.
local function is_sending(self)
  if not self.sends then return false end
  local given, length = self.transfer:uploaded()
  return given < length
end

-- How long nothing may move (seconds), and the name of that option.
local function stall_limit(self)
  local limits = self.limits
  if limits.answer_timeout and self.transfer:status() == nil
     and not is_sending(self) then
    return limits.answer_timeout, "answer_timeout"
  end
  return limits.options.stall_timeout or limits.client.options.stall_timeout,
    "stall_timeout"
end

-- The error for a clock that has run out.
local function overdue(self)
  local transfer, limits = self.transfer, self.limits
  local at, bytes = limits.clock:seconds(), transfer:received()
  local progress = bytes + transfer:uploaded()
  if progress ~= self.progress then
    self.bytes, self.progress, self.moved = bytes, progress, at
  end
  local limit, option = stall_limit(self)
  if at >= limits.timeout then
    return { code = "deadline", limit = limits.timeout,
             attempt = limits.attempts }
  elseif at - self.moved >= limit then
    return { code = "stall", limit = limit, option = option,
             sending = is_sending(self) }
  end
  return nil
end

-- Checks the clocks, but reads everything that has arrived first: a host that
-- resumes late may have left data in the sockets, more than one step reads.
local function late(self)
  if not overdue(self) then return nil end
  self.session:drain()
  return not self.transfer:ready() and overdue(self) or nil
end

-- How often to look how far a body was sent (seconds): nothing wakes the wait
-- for that.
local upload_look = 0.25

--- How long to wait for more (seconds).
---@return number
function Attempt:patience()
  local limits = self.limits
  local at = limits.clock:seconds()
  local left, until_stall = limits.timeout - at,
    stall_limit(self) - (at - self.moved)
  if until_stall < left then left = until_stall end
  if left > upload_look and self.sends and is_sending(self) then
    left = upload_look
  end
  return left > 0 and left or 0
end

-- ---- The request's body ----

--- How much of it was sent, or is about to be, and its length (bytes).
---@return integer sent
---@return integer length
function Attempt:uploaded()
  return self.transfer:uploaded()
end

--- Whether the server waits for the bytes at its end that are held back.
---@return boolean
function Attempt:is_held()
  return self.sends and self.transfer:held()
end

--- Notes that the request was sent now, or could have been: see repeats.lua.
function Attempt:note_sent()
  self.sent_since, self.sent_at = now(), core.time()
end

--- Lets go of those.
function Attempt:release()
  self.transfer:release()
end

-- ---- The response ----

--- Reads what has arrived.
---@param read function  one of the functions above
---@param until_ number|nil
---@return boolean done  false: wait
---@return any value
---@return table|nil failure
function Attempt:advance(read, until_)
  local transfer = self.transfer
  local done, value, failure = read(self, until_)
  local is_ready, status, received = transfer:look()
  self.status = status or false
  if not done then
    failure = not is_ready and late(self)
    if not failure then return false end
  end
  self.bytes = received
  return true, value, failure
end

--- Seconds waited for the response.
---@return number
function Attempt:seconds()
  return self.limits.clock:seconds() - self.started
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

-- Whether the server may have the whole request.
local function was_whole(self)
  if not self:was_sent() then return false end
  local given, length = self.transfer:uploaded()
  return given == length
end

--- Whether the server may have done what was asked, although it did not say so.
---@param strict boolean|nil  true: not even a 503 says that it did not, and a
---   303 means that the result is elsewhere
---@return boolean
function Attempt:outcome_unknown(strict)
  local status = self.status
  if not status or status < 300 then return was_whole(self) end
  if strict then
    return status == 303 or status >= 500 and not clear[status]
  end
  return unclear[status] or false
end

--- The proxy that has sent the response itself: by http:, where it reads the
--- requests, it asks with this status for a password.
---@return string|nil
function Attempt:proxy()
  return self.status == 407 and self.transfer:proxy() or nil
end

--- A header of the response, without the key where the server has sent it back.
---@param name string
---@return string|nil
function Attempt:header(name)
  local value = self.transfer and self.transfer:header(name)
  return value and self.session:redact(value) or nil
end

--- The media type of the response, in lower case, without its parameters.
---@return string|nil
function Attempt:media()
  local media = self:header "content-type"
  return media and lower(media:match "^[ \t]*([^; \t]*)") or nil
end

--- Whether the response is a page, as a proxy or a login sends it in place of
--- anything, and with any status.
---@return boolean
function Attempt:is_page()
  local media = self:media()
  return media == "text/html" or media == "application/xhtml+xml"
end

--- All headers of the response, by their names in lower case, as `header`.
---@return table<string, string>
function Attempt:headers()
  local headers = self.transfer and self.transfer:headers() or {}
  for name, value in pairs(headers) do
    headers[name] = self.session:redact(value)
  end
  return headers
end

--- Bytes received so far.
---@return integer
function Attempt:received()
  return self.transfer and self.transfer:received() or self.bytes
end

--- Closes the connection, or returns it to the pool after a complete response.
---@return table|nil transfer  the one that was closed
function Attempt:close()
  local transfer = self.transfer
  if not transfer then return nil end
  self.transfer = false
  transfer:close()
  return transfer
end

return attempt
