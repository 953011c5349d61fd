-- SPDX-License-Identifier: MIT
-- Which tasks are to be resumed, and when: those that are ready in the order
-- in which they became so, those that sleep by when they wake, and those that
-- yielded by themselves. Resumes nobody.

local timers = require "lipsync.base.timers"

local RunQueue = {}
RunQueue.__index = RunQueue

local run_queue = {}

-- A queue of tasks. Its links are in the tasks, which are in one at a time:
-- to wake a task takes no memory, so none is lost where there is none.
local function queue()
  return { oldest = false, newest = false, length = 0 }
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

--- Puts a task behind those that are ready.
---@param one table  with the members `queued` and `after`, both false, which
---   are the agenda's, as is `due` while it sleeps
---@return boolean  false: it is in a queue
function RunQueue:push(one)
  if one.queued then return false end
  append(self.ready, one)
  return true
end

--- Takes the first one of those that are ready.
---@return table|nil
function RunQueue:shift()
  return shift(self.ready)
end

--- How many are ready.
---@return integer
function RunQueue:size()
  return self.ready.length
end

--- Leaves a task to the next step, if it is in no queue.
---@param one table
function RunQueue:defer(one)
  if not one.queued then append(self.later, one) end
end

--- Makes those ready that were left to this step.
function RunQueue:promote()
  for _ = 1, self.later.length do append(self.ready, shift(self.later)) end
end

--- Has a task sleep.
---@param one table
---@param due number  monotonic seconds
function RunQueue:sleep(one, due)
  one.due = due
  self.sleepers:add(one)
end

--- A task sleeps no more.
---@param one table
function RunQueue:cancel_sleep(one)
  self.sleepers:remove(one)
end

--- Takes one that has slept long enough.
---@param now number  monotonic seconds
---@return table|nil
function RunQueue:take_due(now)
  return self.sleepers:take_due(now)
end

--- When a step has something to do: monotonic seconds, 0: at once, nil: no
--- such time.
---@return number|nil
function RunQueue:due()
  if self.ready.length > 0 or self.later.length > 0 then return 0 end
  local one = self.sleepers:first()
  return one and one.due
end

return run_queue
