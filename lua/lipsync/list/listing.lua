-- SPDX-License-Identifier: MIT
-- A Listing: the function of a `for` loop, and `listing:next()` for code that
-- cannot use one. Not a coroutine, so it works in every host.

local misuse = require "lipsync.base.misuse"
local shown = require "lipsync.base.members"
local stopwatch = require "lipsync.base.stopwatch"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local host = require "lipsync.host"
local load = require "lipsync.host.load"
local message = require "lipsync.error.message"
local raise = require "lipsync.host.raise"
local stream = require "lipsync.list.stream_source"
local timeslice = require "lipsync.host.timeslice"
local lua51 = require "lipsync.host.lua51"
local lower = require "lipsync.base.text".lower
local pages = load.later "lipsync.list.page_source"

---@class lipsync.Listing
---@field delivered integer  objects delivered so far
---@field cursor string|nil  of a listing in pages: the `cursor` for another
---   listing that goes on after this one; nil: from the top
---@field bytes integer  received so far, headers included
---@overload fun(): lipsync.Generation|nil
local Listing = {}
local methods = {}

local listing = { class = Listing }

local now, limited = core.now, lua51.is_limited()

-- The source when the filter excludes everything: makes no request.
local nothing = {
  advance = function() return true end,
  bytes = function() return 0 end,
  cursor = function() end,
  close = function() end,
}

local none = {}

-- The values of a filter as a set.
local function set_of(values, is_id)
  local set = {}
  for _, value in ipairs(type(values) == "table" and values or { values }) do
    set[is_id and lower(value) or value] = true
  end
  return set
end

-- What each object has to be, by the filters that were given; false if that is
-- anything.
local function checks_of(spec, own)
  local checks
  for _, check in ipairs(spec.checked or none) do
    local values = own[check[1]]
    if values then
      checks = checks or {}
      checks[#checks + 1] = { member = check[2], is_id = check.is_id,
        may_lack = check.may_lack, wanted = set_of(values, check.is_id) }
    end
  end
  return checks or false
end

--- Makes a listing; the first step sends the request.
---@param resource table  the resource of its objects
---@param spec table  of the row, see operation.lua
---@param own table  made by filter.read
---@param options table  the call's own, checked
---@return lipsync.Listing
function listing.new(resource, spec, own, options)
  local self = setmetatable({
    client = resource.client, resource = resource, spec = spec,
    filter = own, options = options, clock = stopwatch.new(),
    checks = checks_of(spec, own), is_plain = false,
    delivered = 0, most = own.limit or false, slice = false,
    slice_ends = resource.client.step_ends or math.huge,
    over = false, err = false, source = false, transfer = false,
    is_patient = false,
    take = stream.none,
  }, Listing)
  self.is_plain = not self.checks and not self.most
  if own.nothing then
    self.source = nothing
  else
    local in_pages = own.paged or spec.paging == "token"
    self.source = in_pages and pages.new(self) or stream.new(self)
  end
  return self
end

-- Raises, because a listing used as an array would seem to be empty.
local function is_no_array()
  misuse.raise("a listing is no array. Use `for object in listing do`, "
    .. "listing:next(), or all() for an array.")
end

local members = { bytes = true, close = true, cursor = true,
                  delivered = true, next = true }

function Listing.__index(self, name)
  if name == "bytes" then return self.source:bytes() end
  if name == "cursor" then return self.source:cursor() end
  if type(name) == "number" then is_no_array() end
  return methods[name] or misuse.no_member("a listing", name, members)
end

function Listing.__newindex(_, name)
  misuse.no_member("a listing", name, members)
end

Listing.__pairs = shown.pairs(members)
Listing.__len = is_no_array
Listing.__ipairs = is_no_array

-- Ends the listing. Releases the source, but keeps its counts.
local function finish(self, err)
  if self.over then return nil, self.err or nil end
  self.over, self.err = true, err or false
  local source = self.source
  local bytes, cursor = source:bytes(), source:cursor()
  source:close()
  self.source = { bytes = function() return bytes end,
                  cursor = function() return cursor end,
                  close = function() end }
  return nil, err
end

local function failure(self, kind, text)
  local about = self.client:about()
  local spec = self.spec
  about.action, about.method, about.path = spec.action, spec.method, spec.path
  about.tag, about.delivered = self.options.tag, self.delivered
  about.seconds = self.clock:seconds()
  about.attempts = self.source.call and self.source.call.attempts
  return errors.new(kind, text, about)
end

-- Whether an object is what was asked for. Ids are UUIDs, where letter case
-- does not matter.
local function matches(check, object)
  local value = object:get(check.member)
  if value == nil then return check.may_lack end
  if check.is_id then value = type(value) == "string" and lower(value) end
  return check.wanted[value]
end

-- A service that ignored the filter could make a loop delete the wrong objects.
local function unwanted(self, check, object)
  local noun, member = self.spec.noun, check.member
  local asked, most = misuse.keys(check.wanted), 5
  local more = #asked > most and ", …" or ""
  local text = ("%s was asked for, but the service sent a %s with %s %s")
    :format(table.concat(asked, ", ", 1, math.min(#asked, most)) .. more, noun,
      member, tostring(object:get(member)))
  return failure(self, "protocol", text)
end

local function give(self, object)
  for _, check in ipairs(self.checks or none) do
    if not matches(check, object) then
      return finish(self, unwanted(self, check, object))
    end
  end
  self.delivered = self.delivered + 1
  if self.delivered == self.most then finish(self) end
  return object
end

-- The next object, as far as it is there without waiting.
local function look(self)
  if self.over then return true, nil, self.err or nil end
  if self.client.closed then
    local err = failure(self, "closed", message.closed)
    finish(self, err)
    return true, nil, err
  end
  local over, object, err = self.source:advance()
  if not over then return false end
  if object then return true, give(self, object) end
  finish(self, err)
  return true, nil, err
end

--- The next object without waiting, for code that drives the listing itself.
---@param self lipsync.Listing
---@return boolean there  false: wait
---@return table|nil object
---@return lipsync.Error|nil err
listing.look = look

--- Waits, in the listing's own clock, until there may be more.
local function wait(self)
  local this = self.source.call
  if this then this:wait() end
  timeslice.begin(self, now(), self.client.step_ends)
end

-- The next object where it takes more: `ready` is one that has come, nil leaves
-- it to the source to find out what there is.
local function go_on(self, ready)
  if ready then return give(self, ready) end
  if not self.over then host.yield_if_expired(self) end
  while true do
    local there, object, err = look(self)
    if there then return object, err end
    wait(self)
  end
end

-- Stands for a caller that takes an error as a value.
local caller = {}

-- The next object, for a `for` and for `next`. Nearly every object of a stream
-- takes this function and one of C alone, transfer:take in luatransfer.c: each
-- further function is 3 % of a listing's instructions on Lua 5.4. It gives
-- nothing where there is anything else to do.
local function step(self, whom)
  local ready = self.take(self.transfer, self.slice_ends)
  if ready and self.is_plain then
    self.delivered = self.delivered + 1
    return ready
  end
  local object, err = go_on(self, ready)
  if err and whom ~= caller then raise.error(self.client, err) end
  return object, err
end

--- The next object. Waits for it as the host waits.
---@return lipsync.Generation|nil object  nil at the end
---@return lipsync.Error|nil err  why it ended too early; the same error on
---   each further call
function methods:next()
  if getmetatable(self) ~= Listing then
    misuse.raise "call it with a colon: listing:next()"
  end
  return step(self, caller)
end

--- Stops at once and closes the connection. A coroutine that waits in the
--- listing, or a later call, gets an error of kind `canceled`. Idempotent; does
--- nothing after the end of the listing.
function methods:close()
  misuse.self(self, Listing, "listing:close()")
  if self.over then return end
  finish(self, failure(self, "canceled", message.listing_closed))
end

-- The function of a `for` loop, which cannot return an error, so this raises.
Listing.__call = limited and function(self)
  if host.yields(self.client) then lua51.check_for() end
  return (step(self))
end or step

function Listing:__close()
  self:close()
end

function Listing:__tostring()
  return ("Listing of %ss (%d so far%s)"):format(self.spec.noun,
    self.delivered, self.over and ", over" or "")
end

--- All that is left of a listing, in an array.
---@param from lipsync.Listing
---@return table[]|nil
---@return lipsync.Error|nil err  if it breaks
function listing.read(from)
  local found = {}
  while true do
    local object, err = step(from, caller)
    if err then return nil, err end
    if not object then return found end
    found[#found + 1] = object
  end
end

--- Whether `value` is a Listing.
---@param value any
---@return boolean
function listing.is(value)
  return type(value) == "table" and getmetatable(value) == Listing
end

return listing
