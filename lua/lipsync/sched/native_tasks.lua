-- SPDX-License-Identifier: MIT
-- Tasks in nginx and cqueues, which have coroutines of their own. There a task
-- is one of those, so the host's own functions work in it and it waits as
-- everything else does. This module counts tasks, reports those that died, and
-- ends the calls of a canceled one.

local misuse = require "lipsync.base.misuse"
local core = require "lipsync.core"
local global = require "lipsync.host.global"
local host = require "lipsync.host"
local task = require "lipsync.sched.task"

local NativeTask = {}
NativeTask.__index = NativeTask

local native_tasks = {}

-- A task holds its coroutine, the key in its set, weakly: a strong reference
-- would leak both in LuaJIT after an aborted request.
local weak = { __mode = "v" }

-- Marks the task as over, whatever ended it.
local function finish(self)
  if self.over then return false end
  self.over = true
  self.scope.count = self.scope.count - 1
  self.set.runtime.waiters:notify(self.scope)
  task.tell_watchers(self)
  return true
end

-- Forgets the coroutine after it ended or was killed. Not earlier, because the
-- calls of a running one must be known as its own.
local function leave(self)
  if self.at.thread then self.set.native[self.at.thread] = nil end
  self.scope.tasks[self] = nil
  self.at.thread = nil
end

-- In nginx an error in a coroutine made by coroutine.wrap ends the task, past
-- every pcall (seen with ngx_lua 0.10.23); nginx logs it.
local function is_gone(self)
  if self.over or not self.began then return false end
  local thread = self.at.thread
  local state = thread and coroutine.status(thread)
  return not thread or state == "zombie" or state == "dead"
end

local aborted = "a coroutine of its own making died; the log of nginx says of "
  .. "what"

local function find_gone(scope)
  for self in pairs(scope.tasks) do
    if is_gone(self) then return self end
  end
  return nil
end

-- Ends the tasks that ended so. A listener may start others, so this does not
-- iterate over the table.
local function look_after(scope)
  local self = find_gone(scope)
  while self do
    self.died, self.problem = true, aborted
    finish(self)
    leave(self)
    task.cancel_calls(self)
    self.set:tell(aborted, self)
    self = find_gone(scope)
  end
end

-- The scopes of one place, by set. A controller, or an nginx timer that never
-- ends, holds no client, because a scope has no reference to its set.
local function scopes_of(place)
  local scopes = place[native_tasks]
  if not scopes then
    scopes = setmetatable({}, { __mode = "k" })
    place[native_tasks] = scopes
  end
  return scopes
end

-- One per set of tasks and place (nginx: a request): the number of tasks left,
-- and the target that `run` waits for.
local function scope_of(set, start)
  local scopes = scopes_of(start.scope())
  local scope = scopes[set]
  if not scope then
    scope = { count = 0, tasks = setmetatable({}, { __mode = "k" }) }
    function scope.ready()
      if scope.count > 0 then look_after(scope) end
      return scope.count == 0
    end
    scopes[set] = scope
  end
  return scope
end

--- The number of native tasks in this place.
---@param set table  from scheduler.new
---@param start table  from host.starter
---@return integer
function native_tasks.count(set, start)
  local scope = scope_of(set, start)
  look_after(scope)
  return scope.count
end

--- The target that is ready when none of them is left.
---@param set table
---@param start table
---@return table
function native_tasks.all(set, start)
  return scope_of(set, start)
end

--- Whether the caller runs in a task that `run` would wait for, or in a
--- coroutine that one made: the status of a resuming coroutine is "normal".
---@param set table
---@return boolean
function native_tasks.is_running(set)
  local start, thread = host.starter(set.client), coroutine.running()
  if not start then return false end
  for one in pairs(scope_of(set, start).tasks) do
    local own = one.at.thread
    if own and (own == thread or coroutine.status(own) == "normal") then
      return true
    end
  end
  return false
end

local function trace(problem)
  local debug = global.with("debug", "traceback")
  if type(problem) ~= "string" or not debug then return problem end
  return { problem = problem, trace = debug.traceback(problem, 2) }
end

-- The body of the host's coroutine. If the host starts it later, the task may
-- have been canceled by then.
local function live(self, fn)
  if self.over then return end
  local set, thread = self.set, coroutine.running()
  self.at.thread, set.native[thread] = thread, self
  self.began = true
  local ok, problem = xpcall(task.body(self, fn), trace)
  leave(self)
  if not ok and type(problem) == "table" and problem.trace then
    self.trace, problem = problem.trace, problem.problem
  end
  if self.over then return end
  self.died, self.problem = not ok, problem
  finish(self)
  if ok then return end
  task.cancel_calls(self)
  set:tell(problem, self)
end

--- Starts a task. In nginx it runs at once until its first wait; in cqueues it
--- runs when its controller comes to it.
---@param set table
---@param start table
---@param fn function
---@return lipsync.Task
function native_tasks.spawn(set, start, fn, ...)
  local bound = task.bind(fn, ...)
  local self = setmetatable({ set = set, scope = scope_of(set, start),
    calls = setmetatable({}, { __mode = "k" }), kill = start.kill,
    returned = false, died = false, problem = false, watchers = false,
    at = setmetatable({}, weak) }, NativeTask)
  self.scope.count = self.scope.count + 1
  self.scope.tasks[self] = true
  local ok, problem = pcall(start.spawn, function() live(self, bound) end)
  if ok then return self end
  finish(self)
  leave(self)
  core.raise(problem)
end

--- Refuses a call that a canceled task has begun. Lets others run first,
--- because a task that goes on in a loop would block them all.
---@param call table
function native_tasks.refuse(call)
  call:cancel()
  host.wait(call.client, call.runtime, nil, 0)
end

--- Ends the task: cancels its calls and, where the host can, stops resuming it.
--- Elsewhere its calls return `canceled` from now on. A task that has not begun
--- does not begin.
function NativeTask:cancel()
  misuse.self(self, NativeTask, "task:cancel()")
  if not finish(self) then return end
  self.refuses = true
  task.cancel_calls(self)
  local thread = self.at.thread
  if thread and self.kill(thread) then leave(self) end
end

--- See Task:wait in task.lua.
---@param seconds number|nil
---@return any ...
function NativeTask:wait(seconds)
  misuse.self(self, NativeTask, "task:wait()")
  return task.wait(self, seconds)
end

--- Whether the task has ended.
---@return boolean
function NativeTask:is_over()
  misuse.self(self, NativeTask, "task:is_over()")
  return self.over == true
end

function NativeTask:__tostring()
  return ("lipsync task (%s)"):format(self.over and "over" or "under way")
end

return native_tasks
