-- SPDX-License-Identifier: MIT
-- Tasks: coroutines made by client:spawn and resumed by client:step, each
-- when what it waits for is there. What a step costs depends on how many are
-- ready, not on how many wait.

local check = require "lipsync.check"
local core = require "lipsync.core"
local heap = require "lipsync.heap"
local host = require "lipsync.host"
local hosted = require "lipsync.hosted"

---@class lipsync.Task
local Task = {}
Task.__index = Task

local Tasks = {}
Tasks.__index = Tasks

local task = {}

-- What a task yields when it waits. Anything else is the program's own yield,
-- which waits for the next step.
local waiting = {}

-- A queue of tasks. Its links are in the tasks, which are in one at a time:
-- to wake a task takes no memory, so none is lost where there is none.
local function queue()
  return { oldest = false, newest = false, length = 0 }
end

local function append(to, one)
  if to.newest then to.newest.after = one else to.oldest = one end
  to.newest = one
  to.length = to.length + 1
end

local function shift(from)
  local one = from.oldest
  from.oldest = one.after
  if not one.after then from.newest = false end
  from.length = from.length - 1
  one.after, one.queued = false, false
  return one
end

--- The tasks of a client in this process.
---@param client table
---@param home table  session and wakers
---@return table
function task.set(client, home)
  return setmetatable({
    client = client, home = home, count = 0,
    ready = queue(), later = queue(), sleepers = heap.new(), failures = {},
    hosted = setmetatable({}, { __mode = "k" }),  -- by coroutine
  }, Tasks)
end

local function pack(...)
  return { n = select("#", ...), ... }
end

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

-- Puts a task into the queue of those to be resumed.
function Tasks:push(one)
  if one.queued then return end
  one.queued = true
  append(self.ready, one)
  if self.runner then self.home.wakers:wake(self.runner) end
  if not self.stepping then self:arm() end
end

--- Whether a step would resume anybody now. Asked before a wait, and nobody
--- is to sleep over what the last step of all, whoever made it, brought.
---@return boolean
function Tasks:is_ready()
  self.home.wakers:drain(self.home.session)
  if self.ready.length > 0 or self.later.length > 0 then return true end
  local next_one = self.sleepers:first()
  return next_one ~= nil and next_one.due <= core.now()
end

--- See client:spawn.
---@param fn function
---@return lipsync.Task
function Tasks:spawn(fn, ...)
  local start, arguments = host.starter(self.client), pack(...)
  if start then
    return hosted.spawn(self, start, function()
      return fn(unpack(arguments, 1, arguments.n))
    end)
  end
  local one = setmetatable({
    set = self, thread = coroutine.create(fn), arguments = arguments,
    calls = setmetatable({}, { __mode = "k" }),
    queued = false, after = false, over = false, canceled = false,
  }, Task)
  self.count = self.count + 1
  self:push(one)
  return one
end

--- The task that runs now and may yield: not a coroutine of its own making.
---@return lipsync.Task|nil
function Tasks:running()
  local one = self.current
  return one and one.thread == coroutine.running() and one or nil
end

--- Remembers a call of the running task, which ends with it.
---@param call table
function Tasks:adopt(call)
  local thread = coroutine.running()
  local one = self.current or thread and self.hosted[thread]
  if one then one.calls[call] = true end
end

--- Waits in the running task. It yields in any case, also for what is ready:
--- then only until the others had their turn.
---@param target table|nil  what a waker wakes
---@param seconds number
function Tasks:wait(target, seconds)
  local one = self.current
  one.target = target
  if target then self.home.wakers:add(target, one) end
  if seconds <= 0 or target and target:ready() then
    self:push(one)
  elseif seconds < math.huge then
    one.due = core.now() + seconds
    self.sleepers:add(one)
  end
  coroutine.yield(waiting)
end

-- What a task waited for does not matter any more.
local function forget_wait(self, one)
  self.sleepers:remove(one)
  if not one.target then return end
  self.home.wakers:remove(one.target, one)
  one.target = nil
end

-- The end of a task before its time: what it had under way ends with it, and
-- where the VM knows of variables to be closed, they are.
local function tear_down(self, one)
  for call in pairs(one.calls) do
    if not call.over or call.keep_open then call:cancel() end
  end
  if not coroutine.close then return end  -- luacheck: ignore
  local ok, problem = coroutine.close(one.thread)  -- luacheck: ignore
  if not ok and one.canceled then
    self.failures[#self.failures + 1] = { problem, one }
  end
end

local function finish(self, one)
  one.over = true
  self.count = self.count - 1
  forget_wait(self, one)
end

-- The traceback is made here, while the stack of the dead task is there.
local function fail(self, one, problem)
  local debug = rawget(_G, "debug")
  if type(problem) == "string" and debug then
    one.trace = debug.traceback(one.thread, problem)
  end
  self.failures[#self.failures + 1] = { problem, one }
  tear_down(self, one)
end

local nothing = { n = 0 }

local function resume(self, one)
  if one.over then return end
  local arguments = one.arguments or nothing
  one.arguments = nil
  forget_wait(self, one)
  self.current = one
  local ok, said = coroutine.resume(one.thread,
    unpack(arguments, 1, arguments.n))
  self.current = nil
  if coroutine.status(one.thread) == "dead" then
    finish(self, one)
    if not ok then fail(self, one, said) end
  elseif one.canceled then
    finish(self, one)
    tear_down(self, one)
  elseif said ~= waiting then
    one.queued = true
    append(self.later, one)
  end
end

-- Tells of tasks that died. The program's function may raise: then the rest
-- is told in the next step, and nothing is lost.
local function report(self)
  local on_task_error = self.client.options.on_task_error
  while self.failures[1] do
    local failure = table.remove(self.failures, 1)
    if on_task_error then
      on_task_error(failure[1], failure[2])
    else
      host.log("lipsync: a task failed: "
        .. tostring(failure[2].trace or failure[1]))
    end
  end
end

--- Tells of a task that died outside of a step.
---@param problem any
---@param one table
function Tasks:tell(problem, one)
  self.failures[#self.failures + 1] = { problem, one }
  report(self)
end

-- Those that slept long enough, and those that yielded by themselves.
local function wake_due(self)
  local now, one = core.now(), self.sleepers:first()
  while one and one.due <= now do
    self.sleepers:remove(one)
    self:push(one)
    one = self.sleepers:first()
  end
end

local function wake_later(self)
  for _ = 1, self.later.length do self:push(shift(self.later)) end
end

-- Steps and resumes by turns: first who is ready first, at least one, until
-- nobody is or the time has come.
local function turns(self, until_)
  local session, wakers, total = self.home.session, self.home.wakers, 0
  wake_later(self)
  repeat
    session:step()
    local became = wakers:drain(session)
    total = total + became
    wake_due(self)
    for _ = 1, self.ready.length do
      resume(self, shift(self.ready))
      if core.now() >= until_ then return total end
    end
  until became == 0 and self.ready.length == 0 or core.now() >= until_
  return total
end

--- Moves the session and the tasks on.
---@param budget number  seconds
---@return integer  how many transfers became ready
function Tasks:step(budget)
  local session = self.home.session
  if self.stepping then  -- called by a task: the step it runs in goes on
    session:step()
    return self.home.wakers:drain(session)
  end
  local until_ = core.now() + budget
  self.stepping, self.client.step_ends = true, until_
  local ok, total = pcall(turns, self, until_)
  self.stepping, self.client.step_ends, self.current = nil, nil, nil
  if self.client.closed then self:close() end
  self:arm()
  if not ok then core.raise(total) end
  report(self)
  return total
end

--- Seconds until a step has something to do for a task, nil: no such time.
---@return number|nil
function Tasks:timeout()
  if self.ready.length > 0 or self.later.length > 0 then return 0 end
  local one = self.sleepers:first()
  return one and math.max(0, one.due - core.now())
end

--- How many tasks have not ended.
---@return integer
function Tasks:pending()
  local start = host.starter(self.client)
  return self.count + (start and hosted.count(self, start) or 0)
end

-- Waits for those that the host resumes.
local function wait_for_hosted(self)
  local start = host.starter(self.client)
  local all = start and hosted.all(self, start)
  while all and not all.ready() do
    host.wait(self.client, self.home.session, all, math.huge)
  end
end

--- Steps, and waits as the host waits, until no task is left.
function Tasks:run()
  local client = self.client
  local runner = { ready = function() return self:is_ready() end }
  while self.count > 0 do
    client:step()
    if self.count > 0 and not self:is_ready() then
      self.runner = runner
      host.wait(client, self.home.session, runner,
        self:timeout() or math.huge)
      self.runner = nil
    end
  end
  wait_for_hosted(self)
end

-- Where the host has a timer or a loop to register with, it makes the steps.
function Tasks:arm()
  if self.count > 0 and not self.pump and not self.client.closed then
    self.pump = host.pump(self.client)
  end
  if not self.pump then return end
  local home = self.home
  local due = self.count > 0 and home.session:timeout()
  local own = self:timeout()
  if own and due ~= false then due = math.min(own, due or own) end
  self.pump:arm(self.count > 0, due or nil)
end

--- The client was closed: everybody who waits is told, once. Who goes on all
--- the same by yields of its own ends here.
function Tasks:close()
  if self.stepping then return end
  self.stepping = true
  self.home.wakers:wake_all()
  while self.ready.length > 0 do resume(self, shift(self.ready)) end
  while self.later.length > 0 do shift(self.later):cancel() end
  self.stepping = nil
  local failures = self.failures
  self.failures = {}
  for _, failure in ipairs(failures) do
    -- Without a function of the program's, an end it asked for is no news.
    if self.client.options.on_task_error
       or not core.is_error(failure[1]) or failure[1].kind ~= "closed" then
      self.failures[#self.failures + 1] = failure
    end
  end
  report(self)
end

--- Ends the task: its connections are closed, it is not resumed any more. In
--- the task itself this takes effect at its next wait. Idempotent.
function Task:cancel()
  check.self(self, Task, "task:cancel()")
  if self.over or self.canceled then return end
  self.canceled = true
  local set = self.set
  if set.current == self then return end
  finish(set, self)
  tear_down(set, self)
  if not set.stepping then set:arm() end
end

--- What it waited for is there; for wakers. Resumes nothing.
function Task:wake()
  self.set:push(self)
end

--- Whether it has ended.
---@return boolean
function Task:is_over()
  check.self(self, Task, "task:is_over()")
  return self.over == true
end

function Task:__tostring()
  return ("lipsync task (%s)"):format(self.over and "over"
    or coroutine.status(self.thread))
end

return task
