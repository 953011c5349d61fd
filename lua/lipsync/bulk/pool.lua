-- SPDX-License-Identifier: MIT
-- Many calls under way at once, moved on by one coroutine: each is advanced
-- when something happened to what it waits for, or when it is time, and at no
-- other wake. So what one costs does not depend on how many there are. Which
-- are to be advanced, and when, is kept as the scheduler keeps its tasks.

local core = require "lipsync.core"
local host = require "lipsync.host"
local run_queue = require "lipsync.sched.run_queue"
local stopwatch = require "lipsync.base.stopwatch"
local timeslice = require "lipsync.host.timeslice"

local Pool = {}
Pool.__index = Pool

local pool = {}

--- An empty pool. The waiters forget it with whoever made it.
---@param client table
---@return table
function pool.new(client)
  local self = setmetatable({
    client = client, runtime = client:runtime(), clock = stopwatch.new(),
    entries = {}, count = 0, by_target = {}, queue = run_queue.new(),
    watched = false,
  }, Pool)
  self.runtime.waiters:join(self)
  return self
end

-- An entry: a call, what it waits for, and the members of a run queue's.
local function new_entry(call, item)
  return { call = call, item = item, target = false, queued = false,
           after = false, due = math.huge, heap_at = false }
end

-- Has an entry come up when what its call waits for is there or it is time.
-- The time is a lower bound: of two the earlier one counts.
local function park(self, entry)
  local target, seconds = entry.call:wants()
  local due = core.now() + seconds
  entry.target = target
  self.by_target[target] = entry
  if not entry.heap_at or due < entry.due then
    self.queue:cancel_sleep(entry)
    self.queue:sleep(entry, due)
  end
  if target:ready() then self.queue:push(entry) end
end

-- Undoes that. First of all, for a call that closes its transfer wakes it.
local function unpark(self, entry)
  if entry.target then self.by_target[entry.target] = nil end
  entry.target = false
end

--- Adds a call, which `advance` will start.
---@param call table  with `self` for a group and a lap of `self.clock` for a
---   clock
---@param item any  what it is about
function Pool:add(call, item)
  local entry = new_entry(call, item)
  self.entries[entry] = true
  self.count = self.count + 1
  self.queue:push(entry)
end

--- Waits for a call, too, that somebody else advances: no wait takes longer,
--- and its clock runs along. One at a time.
---@param call table
function Pool:watch(call)
  self.watched = self.watched or new_entry(call)
  self.watched.call = call
  park(self, self.watched)
end

--- Whether nothing has happened yet to the call that is watched.
---@return boolean
function Pool:is_watching()
  return self.watched and self.watched.target ~= false
end

-- Whether the call is over.
local function advance_one(self, entry, owner)
  if not owner:guard(entry.call.advance, entry.call) then
    park(self, entry)
    return false
  end
  self.queue:cancel_sleep(entry)
  self.entries[entry] = nil
  self.count = self.count - 1
  owner:settled(entry.call, entry.item)
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

--- Advances those that can be, at least one, until it is the host's turn.
---@param owner table  whose turn it is; its settled(call, item) is called for
---   each that is over, and may cancel all; its guard(fn, …) calls what may
---   raise
---@return boolean  whether any is over
function Pool:advance(owner)
  local queue = self.queue
  if is_over(self) then
    for entry in pairs(self.entries) do queue:push(entry) end
  end
  local moved = false
  for left = queue:size() - 1, 0, -1 do
    local entry = queue:shift()
    unpark(self, entry)
    if self.entries[entry] then  -- neither watched nor canceled
      moved = advance_one(self, entry, owner) or moved
    end
    if left > 0 and timeslice.is_expired(owner) then break end
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
  for entry in pairs(self.entries) do entry.call:cancel() end
  self.entries, self.count = {}, 0
end

--- Something happened to `target`; told by the waiters.
---@param target table
function Pool:notice(target)
  local entry = self.by_target[target]
  if not entry then return end
  self.queue:push(entry)
  self.runtime.waiters:notify(self)
end

--- Whether there is a call to be advanced; asked by the host.
---@return boolean
function Pool:ready()
  if self.queue:size() == 0 then
    self.runtime.waiters:dispatch(self.runtime.session)
  end
  return self.queue:size() > 0 or is_over(self) or false
end

--- Waits, as the host waits, until there is a call to be advanced.
function Pool:wait()
  local queue, due = self.queue, self.queue:due()
  local seconds = due and math.max(0, due - core.now()) or math.huge
  local from, to = host.wait(self.client, self.runtime.session, self, seconds)
  self.clock:add(from, to)
  if self:is_watching() then self.watched.call.clock:add(from, to) end
  local entry = queue:take_due(to)
  while entry do
    queue:push(entry)
    entry = queue:take_due(to)
  end
end

return pool
