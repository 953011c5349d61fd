-- SPDX-License-Identifier: MIT
-- The tasks of a client: made by client:spawn and resumed by client:step when
-- the target of their wait is ready. The cost of a step depends on the number
-- of ready tasks, not of waiting ones.

local run_queue = require "lipsync.sched.run_queue"
local core = require "lipsync.core"
local host = require "lipsync.host"
local load = require "lipsync.host.load"
local misuse = require "lipsync.base.misuse"
local native_tasks = load.later "lipsync.sched.native_tasks"
local sleep = require "lipsync.call.sleep"
local task = require "lipsync.sched.task"

local Scheduler = {}
Scheduler.__index = Scheduler

local scheduler = {}

-- Stands for the main coroutine where it is nil.
local main = {}

-- With less time left than this (seconds), nothing more is begun in a step,
-- because the smallest piece of work of the session or of a task may take as
-- long. Where they take longer, as on a slow machine, it is as much as the
-- latest steps took past their end, which each step that is used up forgets a
-- part of; those with less to do have shown nothing. At first it is more.
local piece, first, fades = 0.0004, 0.001, 0.98

--- The tasks of a client in this process.
---@param client table
---@param runtime table  session and waiters
---@return table
function scheduler.new(client, runtime)
  -- Every field gets its place now; otherwise a lack of memory could lose a
  -- task between two lists.
  return setmetatable({
    client = client, runtime = runtime, tasks = {}, count = 0,
    run_queue = run_queue.new(), failures = {},
    is_used = false,  -- whether there was ever a task
    current = false, stepper = false, runner = false, pump = false,
    reserve = first,
    native = setmetatable({}, { __mode = "k" }),  -- by coroutine
  }, Scheduler)
end

--- Queues a task to be resumed.
---@param one lipsync.Task
function Scheduler:push(one)
  if not self.run_queue:push(one) then return end
  if self.runner then self.runtime.waiters:notify(self.runner) end
  if not self.stepper then self:arm() end
end

--- Whether a step would resume a task now. Called before a wait, which must not
--- miss what the latest step, whoever made it, made ready.
---@return boolean
function Scheduler:is_ready()
  self.runtime.waiters:dispatch(self.runtime.session)
  local due = self.run_queue:due()
  return due ~= nil and due <= core.now()
end

--- See client:spawn.
---@param fn function
---@return lipsync.Task
function Scheduler:spawn(fn, ...)
  local start = host.starter(self.client)
  self.is_used = true
  if start then return native_tasks.spawn(self, start, fn, ...) end
  local one = task.new(self, fn, ...)
  self.tasks[one] = true
  self.count = self.count + 1
  self:push(one)
  return one
end

--- The running task, if it may yield; nil in a coroutine that it made.
---@return lipsync.Task|nil
function Scheduler:running()
  local one = self.current
  return one and one.thread == coroutine.running() and one or nil
end

--- Registers a call of the running task, which ends with it.
---@param call table
function Scheduler:adopt(call)
  local thread = coroutine.running()
  local one = self.current or thread and self.native[thread]
  if not one then return end
  one.calls[call] = true
  if one.refuses then native_tasks.refuse(call) end
end

--- Yields from the running task and resumes it at once; raises where it cannot
--- yield.
function Scheduler:probe()
  task.probe(self.current)
end

--- Waits in the running task. It yields even if the target is ready; then only
--- until the other tasks had their turn.
---@param target table|nil  a target of the waiters
---@param seconds number
function Scheduler.wait(_, target, seconds)
  task.rest(target, seconds)
end

-- Ends the wait of a task.
local function forget_wait(self, one)
  self.run_queue:cancel_sleep(one)
  if not one.target then return end
  self.runtime.waiters:unsubscribe(one.target, one)
  one.target = false
end

local function note_wait(self, one, target, seconds)
  one.target = target or false
  if target then self.runtime.waiters:subscribe(target, one) end
  if seconds <= 0 or target and target:ready() then
    self:push(one)
  elseif seconds < math.huge then
    self.run_queue:sleep(one, core.now() + seconds)
  end
end

local function finish(self, one)
  one.over = true
  self.tasks[one] = nil
  self.count = self.count - 1
  forget_wait(self, one)
  task.tell_watchers(one)
end

local function note(self, one, problem)
  self.failures[#self.failures + 1] = { problem, one }
end

-- Ends a task from outside; may raise.
local function cut_off(self, one)
  finish(self, one)
  local ok, problem = task.tear_down(one)
  if not ok then note(self, one, problem) end
end

--- A task was canceled. A running one ends at its next wait.
---@param one lipsync.Task
function Scheduler:end_canceled(one)
  if self.current == one then return end
  cut_off(self, one)
  if not self.stepper then self:arm() end
end

-- Called after an error at any place of this file: a hook raised, memory ran
-- out, or the C stack was full. Only the set of tasks is certain then. So every
-- task is resumed once more, and checks itself what it waits for. Takes no
-- memory.
local function recover(self, problem)
  self.current, self.count = false, 0
  self.run_queue:clear()
  for one in pairs(self.tasks) do
    if one.over then
      self.tasks[one] = nil
    else
      self.count = self.count + 1
      one.interrupted = problem
      self.run_queue:restore(one)
    end
  end
end

local resume

-- A task yielded in order to wait. An error while that is noted is raised in
-- the task.
local function park(self, one, target, seconds)
  local ok, problem = pcall(note_wait, self, one, target, seconds)
  if ok then return end
  recover(self, problem)
  return resume(self, one, problem)
end

local function resumed(self, one, state, ...)
  self.current = false
  if state == "died" then
    one.died, one.problem = true, (...)
    finish(self, one)
    task.trace(one, (...))
    note(self, one, (...))
    task.tear_down(one)
  elseif state == "ended" then
    finish(self, one)
  elseif one.canceled then
    cut_off(self, one)
  elseif state == "waits" then
    return park(self, one, ...)
  else
    self.run_queue:defer(one)
  end
end

-- Resumes a task; task.rest raises `problem` in it if it is given.
function resume(self, one, problem)
  if one.over then return end
  forget_wait(self, one)
  self.current = one
  return resumed(self, one, task.resume(one, problem))
end

-- Reports tasks that died. If the program's function raises, the next step
-- reports the rest.
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

--- Reports a task that died outside of a step.
---@param problem any
---@param one table
function Scheduler:tell(problem, one)
  note(self, one, problem)
  report(self)
end

-- Wakes the tasks that slept long enough.
local function wake_due(self)
  local now = core.now()
  local one = self.run_queue:take_due(now)
  while one do
    self:push(one)
    one = self.run_queue:take_due(now)
  end
end

-- Steps and resumes by turns: in the order of readiness, at least one task,
-- until none is ready or the time is up.
local function turns(self, until_)
  local session, waiters = self.runtime.session, self.runtime.waiters
  local queue, total = self.run_queue, 0
  queue:promote()
  repeat
    session:step(until_ - core.now())
    local became = waiters:dispatch(session)
    total = total + became
    self.runtime.limiter:catch_up()
    wake_due(self)
    for _ = 1, queue:size() do
      resume(self, queue:shift())
      if core.now() >= until_ then return total end
    end
  until became == 0 and queue:size() == 0 or core.now() >= until_
  return total
end

-- The running coroutine.
local function running()
  return coroutine.running() or main
end

-- Whether a task of a step under way calls this. If the coroutine that made the
-- step has not resumed the caller, that step was interrupted.
local function is_stepping(self)
  local stepper = self.stepper
  if not stepper then return false end
  if stepper ~= running() and (stepper == main
      or coroutine.status(stepper) == "normal") then
    return true
  end
  recover(self, "the step was interrupted")
  return false
end

--- Drives the session and the tasks.
---@param budget number  seconds
---@return integer  how many transfers became ready
function Scheduler:step(budget)
  local session = self.runtime.session
  if is_stepping(self) then  -- called by a task: the step it runs in goes on
    session:step((self.client.step_ends or 0) - core.now())
    return self.runtime.waiters:dispatch(session)
  end
  local most = budget / 2
  local reserve = math.max(piece, math.min(self.reserve, most))
  local until_ = core.now() + budget - reserve
  self.client.step_ends = until_  -- may raise, and then this is no step
  self.stepper = running()
  local ok, total = pcall(turns, self, until_)
  if not ok then recover(self, total) end
  self.stepper, self.client.step_ends, self.current = false, false, false
  local past = core.now() - until_
  if past >= 0 then
    self.reserve = math.max(self.reserve * fades, math.min(past, most))
  end
  if self.client.closed then self:close() end
  self:arm()
  if not ok then core.raise(total) end
  report(self)
  return total
end

--- Seconds until a step has something to do for a task; nil: never.
---@return number|nil
function Scheduler:timeout()
  local due = self.run_queue:due()
  return due and math.max(0, due - core.now())
end

--- The number of tasks that have not ended.
---@return integer
function Scheduler:pending()
  local start = host.starter(self.client)
  return self.count + (start and native_tasks.count(self, start) or 0)
end

-- Waits for the tasks that the host resumes.
local function wait_for_hosted(self)
  local start = host.starter(self.client)
  local all = start and native_tasks.all(self, start)
  while all and not all.ready() do
    host.wait(self.client, self.runtime, all, math.huge)
  end
end

-- Steps, and waits as the host waits, until `is_done` or the time is up.
local function drive(self, is_done, until_)
  local client = self.client
  local runner = { ready = function() return self:is_ready() end }
  while not is_done() and core.now() < until_ do
    client:step()
    if not is_done() and not self:is_ready() then
      self.runner = runner
      host.wait(client, self.runtime, runner, math.max(0, math.min(
        self:timeout() or math.huge, until_ - core.now())))
      self.runner = false
    end
  end
end

--- Steps, and waits as the host waits, until no task is left.
function Scheduler:run()
  drive(self, function() return self.count == 0 end, math.huge)
  wait_for_hosted(self)
end

-- Raises where a task could never end while the caller waits for it.
local function check_await(self, one)
  local thread = coroutine.running()
  if self.current == one or thread and self.native[thread] == one then
    misuse.raise "task:wait() was called by the task itself"
  elseif self.stepper and not self:running() then
    misuse.raise("task:wait() was called in a coroutine that a task made, and "
      .. "would stop all tasks")
  elseif self.client:runtime() ~= self.runtime then
    misuse.raise "task:wait() was called in a process forked from the task's"
  elseif one.scope and not host.starter(self.client) then
    misuse.raise("task:wait() was called outside of the loop that resumes "
      .. "the task")
  end
end

--- Waits until a task is over or the time is up. Where nobody else makes the
--- steps, this makes them.
---@param one table  any kind of task
---@param seconds number
---@return boolean|nil  true
---@return lipsync.Error|nil err  if the caller was canceled
function Scheduler:await(one, seconds)
  check_await(self, one)
  local function is_over()
    if one.scope and not one.over then one.scope.ready() end
    return one.over
  end
  if not self.current and not one.scope then
    host.check(self.client, self)
    drive(self, is_over, core.now() + seconds)
    return true
  end
  local this = sleep.new(self.client, is_over)
  task.watch(one, this)
  return this:run(seconds, "wait for task")
end

--- Has the client's present loop make the steps.
function Scheduler:drive()
  if self.pump then self.pump:arm(false) end
  self.pump = false
  if not self.stepper then self:arm() end
end

-- Lets the host make the steps, if it has a timer or a loop to register with.
function Scheduler:arm()
  if self.count > 0 and not self.pump and not self.client.closed then
    self.pump = host.pump(self.client)
  end
  if not self.pump then return end
  local runtime = self.runtime
  local due = self.count > 0 and runtime.session:timeout()
  local own = self:timeout()
  if own and due ~= false then due = math.min(own, due or own) end
  self.pump:arm(self.count > 0, due or nil)
end

-- An error of kind `closed` needs no report unless the program has a function.
local function is_news(self, problem)
  return self.client.options.on_task_error
    or not core.is_error(problem) or problem.kind ~= "closed"
end

--- The client was closed: notifies every waiting task, once. A task that goes
--- on all the same, and yields, ends here.
function Scheduler:close()
  if is_stepping(self) then return end
  self.stepper = running()
  self.runtime.waiters:notify_all()
  local queue = self.run_queue
  while queue:size() > 0 do resume(self, queue:shift()) end
  queue:promote()
  while queue:size() > 0 do queue:shift():cancel() end
  self.stepper = false
  local failures = self.failures
  self.failures = {}
  for _, failure in ipairs(failures) do
    if is_news(self, failure[1]) then note(self, failure[2], failure[1]) end
  end
  report(self)
end

return scheduler
