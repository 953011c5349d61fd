-- SPDX-License-Identifier: MIT
-- A Listing: what a `for` loop calls, and `listing:next()` where a loop
-- cannot be used. Never a coroutine, so it works in every host.

local misuse = require "lipsync.base.misuse"
local stopwatch = require "lipsync.base.stopwatch"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local filter = require "lipsync.base.filter"
local host = require "lipsync.host"
local message = require "lipsync.error.message"
local pages = require "lipsync.list.page_source"
local raise = require "lipsync.host.raise"
local stream = require "lipsync.list.stream_source"
local timeslice = require "lipsync.host.timeslice"
local lua51 = require "lipsync.host.lua51"

---@class lipsync.Listing
---@field delivered integer  generations given so far
---@field bytes integer  received so far, headers included

local Listing = {}
local methods = {}

local listing = { class = Listing }

local now, limited = core.now, lua51.is_limited()

-- A listing asks for nothing: no request is made.
local nothing = {
  advance = function() return true end,
  bytes = function() return 0 end,
  close = function() end,
}

--- Makes a listing; the request goes out at the first step.
---@param client table
---@param own table  from filter.read
---@param given table  from options.call
---@return lipsync.Listing
function listing.new(client, own, given)
  local self = setmetatable({
    client = client, filter = own, options = given,
    action = "list generations", path = "/v2/generations",
    clock = stopwatch.new(), statuses = filter.statuses(own) or false,
    delivered = 0, most = own.limit or false, slice_ends = math.huge,
    over = false,
  }, Listing)
  if own.nothing then
    self.source = nothing
  else
    self.source = own.paged and pages.new(self) or stream.new(self)
  end
  return self
end

function Listing.__index(self, name)
  if name == "bytes" then return self.source:bytes() end
  return methods[name]
end

-- The end, for whatever reason. The source is let go, its count stays.
local function finish(self, err)
  if self.over then return nil, self.err end
  self.over, self.err = true, err
  local bytes = self.source:bytes()
  self.source:close()
  self.source = { bytes = function() return bytes end,
                  close = function() end }
  return nil, err
end

local function failure(self, kind, text, reason)
  local about = self.client:about()
  about.action, about.method, about.path = self.action, "GET", self.path
  about.tag, about.delivered = self.options.tag, self.delivered
  about.seconds = self.clock:seconds()
  about.attempts = self.source.call and self.source.call.attempt
  return errors.new(kind, text, about, reason)
end

-- A service that ignored the filter would feed a deleting loop.
local function wrong_status(self, generation)
  local asked = table.concat(misuse.keys(self.statuses), ", ")
  local text = ("%s was asked for, but the service sent a generation with "
    .. "status %s"):format(asked, tostring(generation.status))
  return failure(self, "protocol", text, "status")
end

local function give(self, generation)
  local statuses = self.statuses
  if statuses and not statuses[generation.status] then
    return finish(self, wrong_status(self, generation))
  end
  self.delivered = self.delivered + 1
  if self.delivered == self.most then finish(self) end
  return generation
end

-- What can be told without waiting.
local function look(self)
  if self.over then return true, nil, self.err end
  if self.client.closed then
    finish(self, failure(self, "closed", message.closed, "closed"))
    return true, nil, self.err
  end
  local over, generation, err = self.source:advance()
  if not over then return false end
  if generation then return true, give(self, generation) end
  finish(self, err)
  return true, nil, err
end

--- The next generation without waiting, for delete_many.
---@param self lipsync.Listing
---@return boolean there  false: wait
---@return table|nil generation
---@return lipsync.Error|nil err
listing.look = look

--- Waits, in the listing's own clock, until there may be more.
local function wait(self)
  local this = self.source.call
  if this then this:wait() end
  timeslice.begin(self, now())
end

local function step(self)
  -- Nearly every generation comes this way. Anything but one is left to the
  -- source, which finds it again, and so is one for which there is no time.
  local client, flow = self.client, self.source.flow
  local ready = flow and not client.closed
    and flow:next(self.slice_ends, client.step_ends)
  if ready then return give(self, ready) end
  if not self.over then host.yield_if_expired(self) end
  while true do
    local there, generation, err = look(self)
    if there then return generation, err end
    wait(self)
  end
end

--- The next generation. Waits for it as the host waits.
---@return lipsync.Generation|nil generation  nil at the end
---@return lipsync.Error|nil err  why it ended too early; the same again if
---   asked again
function methods:next()
  misuse.self(self, Listing, "listing:next()")
  return step(self)
end

--- Stops at once and closes the connection. Who waits in the listing, or asks
--- again, gets an error of kind `canceled`. Idempotent; does nothing to a
--- listing that has ended.
function methods:close()
  misuse.self(self, Listing, "listing:close()")
  if self.over then return end
  finish(self, failure(self, "canceled", message.listing_closed, "canceled"))
end

-- As the function of a `for` loop, which has nowhere to return an error.
function Listing:__call()
  if limited and host.yields(self.client) then lua51.check_for() end
  local generation, err = step(self)
  if err then raise.error(self.client, err) end
  return generation
end

function Listing:__close()
  self:close()
end

function Listing:__tostring()
  return ("Listing of generations (%d so far%s)"):format(self.delivered,
    self.over and ", over" or "")
end

--- Whether `value` is a Listing.
---@param value any
---@return boolean
function listing.is(value)
  return type(value) == "table" and getmetatable(value) == Listing
end

return listing
