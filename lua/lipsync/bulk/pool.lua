-- SPDX-License-Identifier: MIT
-- Many calls under way at once, driven by one coroutine. It advances a call
-- only when the target of its wait is ready or its time has come, so its cost
-- does not depend on the number of calls. A run queue holds those to advance.

local core = require "lipsync.core"
local host = require "lipsync.host"
local run_queue = require "lipsync.sched.run_queue"
local stopwatch = require "lipsync.base.stopwatch"
local timeslice = require "lipsync.host.timeslice"

local Pool = {}
Pool.__index = Pool

local pool = {}

--- An empty pool. The waiters hold it weakly.
---@param client table
---@return table
function pool.new(client)
  local self = setmetatable({
    client = client, runtime = client:runtime(), clock = stopwatch.new(),
    entries = {}, count = 0, by_target = {}, queue = run_queue.new(),
    watched = false,
    is_patient = false,  -- whether its calls are, as in call/init.lua
  }, Pool)
  self.runtime.waiters:join(self)
  return self
end

-- An entry: a call, the target of its wait, and the members for a run queue.
local function new_entry(call, item)
  return { call = call, item = item, target = false, queued = false,
           after = false, due = math.huge, heap_at = false }
end

-- Queues an entry for when its target is ready or its time has come. The time
-- is a lower bound: of two, the earlier one counts.
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

-- Undoes that. Call it first, because a call that closes its transfer wakes it.
local function unpark(self, entry)
  if entry.target then self.by_target[entry.target] = nil end
  entry.target = false
end

--- Adds a call; `advance` starts it.
---@param call table  with `self` as its group and a lap of `self.clock` as its
---   clock
---@param item any  the item that the call is for
function Pool:add(call, item)
  local entry = new_entry(call, item)
  self.entries[entry] = true
  self.count = self.count + 1
  self.queue:push(entry)
end

--- Watches a call that other code advances: no wait lasts longer than the
--- call's, and its clock runs during waits. One call at a time.
---@param call table
function Pool:watch(call)
  self.watched = self.watched or new_entry(call)
  self.watched.call = call
  park(self, self.watched)
end

--- Whether nothing has happened yet to the watched call.
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

--- Whether this is a forked child; then the calls belong to the parent.
---@return boolean
function Pool:is_inherited()
  return self.client:runtime() ~= self.runtime
end

-- Whether all calls are over, because the client is closed or forked.
local function is_over(self)
  return self.client.closed or self:is_inherited()
end

--- Advances ready calls, at least one, until the time slice ends.
---@param owner table  its settled(call, item) is called for each call that is
---   over, and may cancel all; its guard(fn, …) calls functions that may raise
---@return boolean  whether any call is over
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

--- Marks the calls as busy while a callback of the program runs, which may
--- itself make calls: the limiter then skips their places in the queue.
---@param busy boolean
function Pool:set_busy(busy)
  self.busy = busy
  if busy then return end
  self.runtime.limiter:call_next()
  self.runtime.transfers:call_next()
end

--- Ends all calls.
function Pool:cancel()
  for entry in pairs(self.entries) do entry.call:cancel() end
  self.entries, self.count = {}, 0
end

--- Something happened to `target`; called by the waiters.
---@param target table
function Pool:notice(target)
  local entry = self.by_target[target]
  if not entry then return end
  self.queue:push(entry)
  self.runtime.waiters:notify(self)
end

--- Whether a call can be advanced; asked by the host.
---@return boolean
function Pool:ready()
  if self.queue:size() == 0 then
    self.runtime.waiters:dispatch(self.runtime.session)
  end
  return self.queue:size() > 0 or is_over(self) or false
end

--- Waits, as the host waits, until a call can be advanced.
function Pool:wait()
  local queue, due = self.queue, self.queue:due()
  local seconds = due and math.max(0, due - core.now()) or math.huge
  local from, to = host.wait(self.client, self.runtime, self, seconds)
  if self.is_patient then  -- the time of a rest is nobody's, see limiter.lua
    from = math.max(from, self.runtime.limiter.opens_at)
  end
  self.clock:add(from, to)
  if self:is_watching() then self.watched.call.clock:add(from, to) end
  local entry = queue:take_due(to)
  while entry do
    queue:push(entry)
    entry = queue:take_due(to)
  end
end

return pool
