-- SPDX-License-Identifier: MIT
-- A listing page after page. Each page is read whole before its first
-- generation is given, so no connection waits for the loop body.

local call = require "lipsync.call"
local filter = require "lipsync.base.filter"
local cursor = require "lipsync.list.cursor"
local time = require "lipsync.base.time"

local Pages = {}
Pages.__index = Pages

local page_source = {}

---@param listing table  action, path, client, options, clock, filter
---@return table
function page_source.new(listing)
  local own = listing.filter
  local policy = cursor.new(own.page_size or filter.page_limit, own.limit)
  listing.client.pagings[policy] = true
  return setmetatable({
    listing = listing, policy = policy, rows = {}, next_row = 1, received = 0,
    group = filter.groups(own)[1],
  }, Pages)
end

-- Collects a page. Another attempt has another transfer, and begins anew.
local function read(this, transfer)
  local status, held = transfer:status(), this.spec.held
  if status and status ~= 200 then return call.read_whole(this, transfer) end
  if held.of ~= transfer then
    held.page, held.of, held.kept = {}, transfer, false
  end
  local page = held.page
  while true do
    local generation, failure = held.kept
    if not generation then generation, failure = transfer:next() end
    if generation then
      held.kept = generation  -- there may be no memory to append it
      page[#page + 1] = generation
      held.kept = false
      if this:is_late() then return false end
    elseif generation == nil then
      return true, page, failure
    elseif not transfer:ready() or this:is_late() then
      return false
    end
  end
end

local function accept_page(this, _, value)
  if type(value) == "table" then return value end
  return nil, this:unexpected("a JSON array", value)
end

function Pages:request()
  local listing, ask = self.listing, self.policy:ask()
  -- Whether an id still exists is asked without the other filters.
  local own = ask.ids and {} or listing.filter
  return call.new(listing.client, {
    action = listing.action, method = "GET", path = listing.path,
    target = filter.target(listing.path, own, { cursor = ask.cursor,
      ids = ask.ids or self.group, limit = ask.limit }),
    list = true, stream = false,
    timeout = math.huge, clock = listing.clock,
    listing = listing, held = { of = false, page = false, kept = false },
    read = read, accept = accept_page,
  }, listing.options)
end

local function entry(generation)
  return { id = generation.id, at = time.parse(generation.createdAt) }
end

-- Hands a page to the policy and does what it says.
function Pages:take(page, this)
  local entries = {}
  for i, generation in ipairs(page) do entries[i] = entry(generation) end
  local what, detail = self.policy:page(entries)
  self.rows, self.next_row = {}, 1
  if what == "rows" then
    for i, index in ipairs(detail) do
      self.rows[i] = { page[index], entries[index] }
    end
  elseif what == "end" then
    self.ended = true
  elseif what == "error" then
    self.failure = this:error("protocol", detail, "status")
  end
end

--- The next generation, as far as it is there.
---@return boolean over  false: wait
---@return table|nil generation  nil at the end
---@return lipsync.Error|nil err
function Pages:advance()
  while true do
    local row = self.rows[self.next_row]
    if row then
      self.policy:deliver(row[2])  -- first: it may run out of memory
      self.rows[self.next_row] = nil
      self.next_row = self.next_row + 1
      return true, row[1]
    elseif self.ended or self.failure then
      return true, nil, self.failure
    end
    local this = self.call or self:request()
    self.call = this
    if not this:advance() then return false end
    self:finished(this)
  end
end

function Pages:finished(this)
  self.call = nil
  self.received = self.received + this.bytes
  if this.value then return self:take(this.value, this) end
  if not self.policy:refused(this.err.statusCode) then
    self.failure = this.err
  end
end

--- Bytes received so far.
---@return integer
function Pages:bytes()
  local transfer = self.call and self.call.transfer
  return self.received + (transfer and transfer:received() or 0)
end

--- Stops at once.
function Pages:close()
  if self.call then self.call:cancel() end
  self.rows = {}
end

return page_source
