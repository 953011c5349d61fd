-- SPDX-License-Identifier: MIT
-- A task: a coroutine made by client:spawn, and what it has under way, which
-- ends with it. Who resumes it, and when, is the affair of tasks.lua.

local misuse = require "lipsync.base.misuse"
local global = require "lipsync.host.global"

---@class lipsync.Task
local Task = {}
Task.__index = Task

local task = {}

-- What a task yields when it waits. Anything else is the program's own yield,
-- which waits for the next step.
local waiting = {}

local function pack(...)
  return { n = select("#", ...), ... }
end

local unpack = global.field(table, "unpack") or global.get "unpack"

--- A function with its arguments.
---@param fn function
---@return function  without any
function task.bind(fn, ...)
  local arguments = pack(...)
  return function() return fn(unpack(arguments, 1, arguments.n)) end
end

--- Makes one; it runs when it is resumed.
---@param set table  see tasks.lua
---@param fn function
---@return lipsync.Task
function task.new(set, fn, ...)
  return setmetatable({
    set = set, thread = coroutine.create(task.bind(fn, ...)),
    calls = setmetatable({}, { __mode = "k" }),
    queued = false, after = false, over = false, canceled = false,
  }, Task)
end

--- Has the running task wait until it is resumed.
function task.rest()
  coroutine.yield(waiting)
end

--- Resumes a task, for its set.
---@param self lipsync.Task
---@return string state  "waits", "yields", "ended" or "died"
---@return any problem  of one that died
function task.resume(self)
  local ok, said = coroutine.resume(self.thread)
  if coroutine.status(self.thread) ~= "dead" then
    return said == waiting and "waits" or "yields"
  end
  return ok and "ended" or "died", said
end

--- Ends what a task has under way.
---@param self table  of whatever kind, with `calls`
function task.cancel_calls(self)
  for call in pairs(self.calls) do
    if not call.over or call.keep_open then call:cancel() end
  end
end

--- The end of a task before its time: what it had under way ends with it, and
--- where the VM knows of variables to be closed, they are.
---@param self lipsync.Task
---@return boolean ok
---@return any problem  raised while they were
function task.tear_down(self)
  task.cancel_calls(self)
  if not coroutine.close then return true end  -- luacheck: ignore
  return coroutine.close(self.thread)  -- luacheck: ignore
end

--- Notes where a task died, while the stack of its coroutine is there.
---@param self lipsync.Task
---@param problem any
function task.trace(self, problem)
  local debug = global.with("debug", "traceback")
  if type(problem) == "string" and debug then
    self.trace = debug.traceback(self.thread, problem)
  end
end

--- Ends the task: its connections are closed, it is not resumed any more. In
--- the task itself this takes effect at its next wait. Idempotent.
function Task:cancel()
  misuse.self(self, Task, "task:cancel()")
  if self.over or self.canceled then return end
  self.canceled = true
  self.set:end_canceled(self)
end

--- What it waited for is there; for waiters. Resumes nothing.
function Task:wake()
  self.set:push(self)
end

--- Whether it has ended.
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
