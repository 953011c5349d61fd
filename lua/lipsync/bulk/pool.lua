-- SPDX-License-Identifier: MIT
-- Many calls under way at once, moved on by one coroutine: each is looked at
-- when something happened to what it waits for, or when it is time, and at no
-- other wake. So what one costs does not depend on how many there are.

local stopwatch = require "lipsync.base.stopwatch"
local core = require "lipsync.core"
local timers = require "lipsync.base.timers"
local host = require "lipsync.host"
local timeslice = require "lipsync.host.timeslice"

local Pool = {}
Pool.__index = Pool

local pool = {}

--- No lanes yet. The wakers forget them with whoever made them.
---@param client table
---@return table
function pool.new(client)
  local self = setmetatable({
    client = client, runtime = client:runtime(), clock = stopwatch.new(),
    under_way = {}, count = 0, by = {}, row = {}, sleepers = timers.new(),
  }, Pool)
  self.runtime.waiters:join(self)
  return self
end

-- Puts a lane into the row of those to be looked at.
local function push(self, lane)
  if lane.queued then return end
  lane.queued = true
  self.row[#self.row + 1] = lane
end

-- Has a lane looked at when what it waits for is there or it is time. The time
-- is a lower bound: of two the earlier one counts.
local function watch(self, lane)
  local target, seconds = lane.call:wants()
  local due = core.now() + seconds
  lane.target = target
  self.by[target] = lane
  if not lane.heap_at or due < lane.due then
    self.sleepers:remove(lane)
    lane.due = due
    self.sleepers:add(lane)
  end
  if target:ready() then push(self, lane) end
end

-- Undoes that. First of all, for a call that drops its transfer wakes it.
local function unwatch(self, lane)
  lane.queued = false
  if lane.target then self.by[lane.target] = nil end
  lane.target = false
end

--- Adds a call, which `advance` will start.
---@param call table  with `self` for a group and a lap of `self.clock` for a
---   clock
---@param item any  what it is about
function Pool:add(call, item)
  local lane = { call = call, item = item, target = false, queued = false,
                 due = math.huge, heap_at = false }
  self.under_way[lane] = true
  self.count = self.count + 1
  push(self, lane)
end

--- Looks out for a call that somebody else moves on, once it has to wait: no
--- wait takes longer, and its clock runs along. One at a time.
---@param call table
function Pool:watch_call(call)
  self.guest = self.guest or { target = false }
  self.guest.call = call
  watch(self, self.guest)
end

--- Whether nothing has happened yet to what is looked out for.
---@return boolean
function Pool:is_watching()
  return self.guest ~= nil and self.guest.target ~= false
end

local function advance_one(self, lane, owner)
  if not owner:guard(lane.call.advance, lane.call) then
    watch(self, lane)
    return false
  end
  self.sleepers:remove(lane)
  self.under_way[lane] = nil
  self.count = self.count - 1
  owner:settled(lane.call, lane.item)
  return true
end

--- Whether this is a forked child, and they are the parent's.
---@return boolean
function Pool:is_inherited()
  return self.client:runtime() ~= self.runtime
end

-- Whether nothing will happen to them any more. Their calls know why.
local function is_over(self)
  return self.client.closed or self:is_inherited()
end

-- Puts what is left of a row from `first` on before what came meanwhile.
local function put_back(self, row, first)
  local later = self.row
  self.row = {}
  for i = first, #row do self.row[#self.row + 1] = row[i] end
  for _, lane in ipairs(later) do self.row[#self.row + 1] = lane end
end

--- Moves on those that can be, at least one, until it is the host's turn.
---@param owner table  whose turn it is; its settled(call, item) is called for
---   each that is over, and may cancel all; its guard(fn, …) calls what may
---   raise
---@return boolean  whether any is over
function Pool:advance(owner)
  if is_over(self) then
    for lane in pairs(self.under_way) do push(self, lane) end
  end
  local moved, row = false, self.row
  self.row = {}
  for i, lane in ipairs(row) do
    unwatch(self, lane)
    if self.under_way[lane] then  -- neither a guest nor canceled
      moved = advance_one(self, lane, owner) or moved
    end
    if row[i + 1] and timeslice.is_expired(owner) then
      put_back(self, row, i + 1)
      break
    end
  end
  return moved
end

--- While the program's own function runs, which may make calls itself, none of
--- these can be moved on: their places in the queue are passed over.
---@param busy boolean
function Pool:set_busy(busy)
  self.busy = busy
  if not busy then self.runtime.limiter:call_next() end
end

--- Ends all that is under way.
function Pool:cancel()
  for lane in pairs(self.under_way) do lane.call:cancel() end
  self.under_way, self.count = {}, 0
end

--- Something happened to `target`; told by the wakers.
---@param target table
function Pool:notice(target)
  local lane = self.by[target]
  if not lane then return end
  push(self, lane)
  self.runtime.waiters:notify(self)
end

--- Whether there is a lane to be looked at; asked by the host.
---@return boolean
function Pool:ready()
  if #self.row == 0 then self.runtime.waiters:dispatch(self.runtime.session) end
  return #self.row > 0 or is_over(self) or false
end

-- Those for which it is time.
local function wake_due(self)
  local now = core.now()
  local lane = self.sleepers:take_due(now)
  while lane do
    push(self, lane)
    lane = self.sleepers:take_due(now)
  end
end

--- Waits, as the host waits, until there is a lane to be looked at.
function Pool:wait()
  local session, first = self.runtime.session, self.sleepers:first()
  local seconds = first and math.max(0, first.due - core.now()) or math.huge
  local from, to = host.wait(self.client, session, self, seconds)
  self.clock:add(from, to)
  if self:is_watching() then self.guest.call.clock:add(from, to) end
  wake_due(self)
end

return pool
