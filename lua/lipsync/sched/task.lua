-- SPDX-License-Identifier: MIT
-- A task: a coroutine made by client:spawn, and its calls, which end with it.
-- scheduler.lua decides when to resume it.

local core = require "lipsync.core"
local errors = require "lipsync.error"
local message = require "lipsync.error.message"
local misuse = require "lipsync.base.misuse"
local global = require "lipsync.host.global"
local uncaught = require "lipsync.host.uncaught"
local yielding = require "lipsync.host.yielding"

---@class lipsync.Task
local Task = {}
Task.__index = Task

local task = {}

-- What a task yields when it waits, and when it tries whether it can yield.
-- Any other value is the program's own yield, which waits for the next step.
local waiting, probing = {}, {}

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

-- Keeps what a task's function returned, for those who wait for it.
local function keep(self, ...)
  if not self.over then self.returned = pack(...) end
end

--- The body of a task's coroutine: runs its function and keeps what it returns.
---@param self table  any kind of task
---@param bound function  from task.bind
---@return function
function task.body(self, bound)
  return function() keep(self, bound()) end
end

--- Makes a task; it runs when it is resumed.
---@param set table  see scheduler.lua
---@param fn function
---@return lipsync.Task
function task.new(set, fn, ...)
  local self = setmetatable({
    set = set, calls = setmetatable({}, { __mode = "k" }),
    queued = false, after = false, over = false, canceled = false,
    returned = false, died = false, problem = false, watchers = false,
    target = false, probing = false, interrupted = false,
  }, Task)
  self.thread = coroutine.create(task.body(self, task.bind(fn, ...)))
  uncaught.is_reported(self.thread)
  return self
end

--- Makes the running task wait until it is resumed. The resumer notes what it
--- waits for, after it has yielded, because a yield may raise.
---@param ... any  for the scheduler
function task.rest(...)
  local problem = coroutine.yield(waiting, ...)
  if problem ~= nil then core.raise(problem) end
end

--- Yields from the running task `self`, which is resumed at once; raises where
--- it cannot yield.
---@param self lipsync.Task
function task.probe(self)
  self.probing = true
  coroutine.yield(probing)
  self.probing = false
end

-- The result of resuming. A failure comes first, because a coroutine that could
-- not be resumed (the C stack is full) is not dead.
local function state_of(self, ok, said, ...)
  if not ok then
    return "died", self.probing and yielding.explain(said) or said
  elseif coroutine.status(self.thread) == "dead" then
    return "ended"
  elseif said == waiting then
    return "waits", ...
  elseif said == probing then
    return task.resume(self)
  end
  return "yields"
end

--- Resumes a task, for its scheduler.
---@param self lipsync.Task
---@param problem any  raised by task.rest in the task unless it is nil
---@return string state  "waits", "yields", "ended" or "died"
---@return any ...  what it gave to task.rest, or what it raised
function task.resume(self, problem)
  local interrupted = self.interrupted
  if interrupted and coroutine.status(self.thread) == "dead" then
    return self.returned and "ended" or "died", interrupted
  end
  self.interrupted = false
  return state_of(self, coroutine.resume(self.thread, problem))
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

-- ---- Waiting for a task ----

local weak = { __mode = "k" }

--- Has `watcher` woken when the task ends.
---@param self table  any kind of task
---@param watcher table  with wake()
function task.watch(self, watcher)
  self.watchers = self.watchers or setmetatable({}, weak)
  self.watchers[watcher] = true
end

--- Wakes the watchers of a task that is over.
---@param self table
function task.tell_watchers(self)
  if not self.watchers then return end
  for watcher in pairs(self.watchers) do watcher:wake() end
end

local function failure(self, kind, text)
  local about = self.set.client:about()
  about.action = "wait for task"
  return errors.new(kind, text, about)
end

-- What became of a task that is over.
local function outcome(self)
  local returned, problem = self.returned, self.problem
  if returned then return unpack(returned, 1, returned.n) end
  if not self.died then
    return nil, failure(self, "canceled", "the task was canceled")
  elseif core.is_error(problem) then
    return nil, problem
  end
  local err = failure(self, "canceled",
    "the task died: " .. tostring(problem))
  err.cause = problem
  return nil, err
end

--- Waits until a task is over.
---@param self table  any kind of task
---@param seconds number|nil
---@return any ...  see Task:wait
function task.wait(self, seconds)
  if seconds ~= nil and (type(seconds) ~= "number" or seconds ~= seconds
     or seconds < 0) then
    misuse.raise("task:wait takes a number of seconds, got "
      .. misuse.show(seconds))
  end
  if not self.over then
    local _, err = self.set:await(self, seconds or math.huge)
    if err then return nil, err end
  end
  if self.over then return outcome(self) end
  return nil, failure(self, "timeout", message.deadline { limit = seconds })
end

--- Waits until the task has ended: as the host waits, or, outside of tasks, by
--- making steps. Raises in the task itself.
---@param seconds number|nil  how long at most; default: as long as it takes
---@return any ...  what its function returned; or nil and an error: the error
---   object that it died with, or one of kind `canceled` whose `cause` is what
---   it raised; `canceled` without a cause if it was canceled; `timeout`
function Task:wait(seconds)
  misuse.self(self, Task, "task:wait()")
  return task.wait(self, seconds)
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
