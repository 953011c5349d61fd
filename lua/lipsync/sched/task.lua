-- SPDX-License-Identifier: MIT
-- A task: a coroutine made by client:spawn, and its calls, which end with it.
-- scheduler.lua decides when to resume it.

local misuse = require "lipsync.base.misuse"
local global = require "lipsync.host.global"

---@class lipsync.Task
local Task = {}
Task.__index = Task

local task = {}

-- The value that a waiting task yields. Any other is the program's own yield,
-- which waits for the next step.
local waiting = {}

local function pack(...)
  return { n = select("#", ...), ... }
end

local unpack = global.field(table, "unpack") or global.get "unpack"

--- Binds a function to its arguments.
---@param fn function
---@return function  without parameters
function task.bind(fn, ...)
  local arguments = pack(...)
  return function() return fn(unpack(arguments, 1, arguments.n)) end
end

--- Makes a task; it runs when it is resumed.
---@param set table  see scheduler.lua
---@param fn function
---@return lipsync.Task
function task.new(set, fn, ...)
  return setmetatable({
    set = set, thread = coroutine.create(task.bind(fn, ...)),
    calls = setmetatable({}, { __mode = "k" }),
    queued = false, after = false, over = false, canceled = false,
  }, Task)
end

--- Makes the running task wait until it is resumed.
function task.rest()
  coroutine.yield(waiting)
end

--- Resumes a task; for its set.
---@param self lipsync.Task
---@return string state  "waits", "yields", "ended" or "died"
---@return any problem  if it died
function task.resume(self)
  local ok, said = coroutine.resume(self.thread)
  if coroutine.status(self.thread) ~= "dead" then
    return said == waiting and "waits" or "yields"
  end
  return ok and "ended" or "died", said
end

--- Ends the calls of a task.
---@param self table  any kind of task, with `calls`
function task.cancel_calls(self)
  for call in pairs(self.calls) do
    if not call.over or call.keep_open then call:cancel() end
  end
end

--- Ends a task early, with its calls; closes its to-be-closed variables where
--- the VM has them.
---@param self lipsync.Task
---@return boolean ok
---@return any problem  raised during that
function task.tear_down(self)
  task.cancel_calls(self)
  if not coroutine.close then return true end  -- luacheck: ignore
  return coroutine.close(self.thread)  -- luacheck: ignore
end

--- Notes where a task died, while the stack of its coroutine exists.
---@param self lipsync.Task
---@param problem any
function task.trace(self, problem)
  local debug = global.with("debug", "traceback")
  if type(problem) == "string" and debug then
    self.trace = debug.traceback(self.thread, problem)
  end
end

--- Ends the task: closes its connections and does not resume it any more. In
--- the task itself this takes effect at its next wait. Idempotent.
function Task:cancel()
  misuse.self(self, Task, "task:cancel()")
  if self.over or self.canceled then return end
  self.canceled = true
  self.set:end_canceled(self)
end

--- The target of its wait is ready; called by the waiters. Resumes nothing.
function Task:wake()
  self.set:push(self)
end

--- Whether the task has ended.
---@return boolean
function Task:is_over()
  misuse.self(self, Task, "task:is_over()")
  return self.over
end

function Task:__tostring()
  return ("lipsync task (%s)"):format(self.over and "over"
    or coroutine.status(self.thread))
end

return task
