-- SPDX-License-Identifier: MIT
-- The tasks to resume, and when: ready ones in the order in which they became
-- ready, sleeping ones by when they wake, and those that yielded. Resumes none.

local timers = require "lipsync.base.timers"

local RunQueue = {}
RunQueue.__index = RunQueue

local run_queue = {}

-- A queue of tasks, linked through the tasks; a task is in one queue at a time.
-- So to wake a task takes no memory, and none is lost when memory runs out.
local function queue()
  return { oldest = false, newest = false, length = 0 }
end

local function empty(one)
  one.oldest, one.newest, one.length = false, false, 0
end

local function append(to, one)
  one.queued = true
  if to.newest then to.newest.after = one else to.oldest = one end
  to.newest = one
  to.length = to.length + 1
end

local function shift(from)
  local one = from.oldest
  if not one then return nil end
  from.oldest = one.after
  if not one.after then from.newest = false end
  from.length = from.length - 1
  one.after, one.queued = false, false
  return one
end

---@return table
function run_queue.new()
  return setmetatable({ ready = queue(), later = queue(),
                        sleepers = timers.new() }, RunQueue)
end

--- Removes all tasks, in whatever state an error left it. Takes no memory.
function RunQueue:clear()
  empty(self.ready)
  empty(self.later)
  self.sleepers:clear()
end

--- Puts a task into the cleared queue, whatever an error left in its members.
---@param one table
function RunQueue:restore(one)
  one.queued, one.after, one.heap_at = false, false, nil
  self:push(one)
end

--- Puts a task after those that are ready.
---@param one table  with the members `queued` and `after`, both false; the
---   queue sets them, and `due` while the task sleeps
---@return boolean  false: it is in a queue already
function RunQueue:push(one)
  if one.queued then return false end
  append(self.ready, one)
  return true
end

--- Takes the first ready task.
---@return table|nil
function RunQueue:shift()
  return shift(self.ready)
end

--- The number of ready tasks.
---@return integer
function RunQueue:size()
  return self.ready.length
end

--- Defers a task to the next step, if it is in no queue.
---@param one table
function RunQueue:defer(one)
  if not one.queued then append(self.later, one) end
end

--- Makes the deferred tasks ready.
function RunQueue:promote()
  for _ = 1, self.later.length do append(self.ready, shift(self.later)) end
end

--- Makes a task sleep.
---@param one table
---@param due number  monotonic seconds
function RunQueue:sleep(one, due)
  one.due = due
  self.sleepers:add(one)
end

--- Ends the sleep of a task.
---@param one table
function RunQueue:cancel_sleep(one)
  self.sleepers:remove(one)
end

--- Takes a task that has slept long enough.
---@param now number  monotonic seconds
---@return table|nil
function RunQueue:take_due(now)
  return self.sleepers:take_due(now)
end

--- When a step has something to do: monotonic seconds; 0: at once; nil: never.
---@return number|nil
function RunQueue:due()
  if self.ready.length > 0 or self.later.length > 0 then return 0 end
  local one = self.sleepers:first()
  return one and one.due
end

return run_queue
