-- SPDX-License-Identifier: MIT
-- A list in pages. Reads each page whole before it gives the first object, so
-- no connection waits for the loop body.

local call = require "lipsync.call"
local cursor = require "lipsync.list.cursor"
local filter = require "lipsync.list.filter"
local shape = require "lipsync.shape"
local time = require "lipsync.base.time"
local token_cursor = require "lipsync.list.token_cursor"

local Pages = {}
Pages.__index = Pages

local page_source = {}

-- Of a row's `paging`: the policy, and the shape of a page.
local by_id = { policy = cursor, shape = shape.objects }
local by_token = { policy = token_cursor, shape = shape.page }

---@param listing table  client, resource, spec, options, clock, filter
---@return table
function page_source.new(listing)
  local own = listing.filter
  local paging = listing.spec.paging == "token" and by_token or by_id
  local policy = paging.policy.new(own.page_size or filter.page_limit,
    own.limit, own.cursor)
  listing.resource:_watch(policy)
  return setmetatable({
    listing = listing, policy = policy, shape = paging.shape,
    rows = {}, next_row = 1, received = 0,
    group = filter.groups(own)[1],
  }, Pages)
end

-- The call for the next page; nil after the last one.
local function new_call(self)
  local listing, ask = self.listing, self.policy:ask()
  if not ask then return nil end
  local spec = listing.spec
  -- A check whether an id still exists uses no other filter.
  local own = ask.ids and {} or listing.filter
  return call.new(listing.client, setmetatable({
    target = filter.target(spec.query, spec.path, own, { cursor = ask.cursor,
      ids = ask.ids or self.group, limit = ask.limit }),
    read = self.shape.read, accept = spec.accept_page or self.shape.accept,
    timeout = math.huge, clock = listing.clock, listing = listing,
    is_patient = listing.is_patient,
  }, spec), listing.options)
end

-- The policy's view of an object.
local function row_of(object)
  return { id = object.id, at = time.parse(object.createdAt) }
end

-- Passes a page to the policy and does what it returns.
local function take(self, page, this)
  local rows = {}
  for i, object in ipairs(page) do rows[i] = row_of(object) end
  local what, detail = self.policy:page(rows, page.next)
  self.rows, self.next_row = {}, 1
  if what == "rows" then
    for i, index in ipairs(detail) do
      self.rows[i] = { page[index], rows[index] }
    end
  elseif what == "end" then
    self.ended = true
  elseif what == "error" then
    self.failure = this:error("protocol", detail)
  end
end

-- The call for a page is over.
local function finished(self, this)
  self.call = nil
  self.received = self.received + this.bytes
  if this.value then return take(self, this.value, this) end
  if not self.policy:refused(this.err.statusCode) then
    self.failure = this.err
  end
end

--- The next object, if it is there.
---@return boolean over  false: wait
---@return table|nil object  nil at the end
---@return lipsync.Error|nil err
function Pages:advance()
  while true do
    local row = self.rows[self.next_row]
    if row then
      self.policy:deliver(row[2])  -- first, because it may run out of memory
      self.rows[self.next_row] = nil
      self.next_row = self.next_row + 1
      return true, row[1]
    elseif self.ended or self.failure then
      return true, nil, self.failure
    end
    local this = self.call or new_call(self)
    self.call = this
    if not this then return true end
    if not this:advance() then return false end
    finished(self, this)
  end
end

--- Bytes received so far.
---@return integer
function Pages:bytes()
  return self.received + (self.call and self.call:received() or 0)
end

--- The cursor for a listing that goes on after this one.
---@return string|nil  nil: from the top
function Pages:cursor()
  return self.policy:resume()
end

--- Stops at once.
function Pages:close()
  if self.call then self.call:cancel() end
  self.rows = {}
end

return page_source
