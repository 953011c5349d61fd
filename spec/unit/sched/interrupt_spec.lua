-- SPDX-License-Identifier: MIT
-- Steps that are interrupted: by a hook that raises anywhere, in a task or in
-- the coroutine that makes the steps, and by a full C stack. Every task ends.

local core = require "lipsync.core"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local jit = rawget(_G, "jit")

describe("an interrupted step", function()
  local here = service.fixture(after_each)
  local spawned, over, failures

  local function reset()
    spawned, over, failures = 0, {}, {}
  end

  before_each(function()
    reset()
    here.start({ pick = true,
      { when = "GET", { send = scripted.response(200, '{"count":7}') } } },
      { on_task_error = function(problem, task)
        failures[#failures + 1] = problem
        over[task] = true
      end })
    if jit then jit.off() end
  end)

  after_each(function()
    debug.sethook()
    if jit then jit.on() end
  end)

  -- Raises once, after `n` instructions.
  local function hook(n)
    debug.sethook(function()
      debug.sethook()
      error "interrupted"
    end, "", n)
  end

  -- A task that ends by itself or in on_task_error.
  local function spawn(fn)
    local task
    task = here.client:spawn(function()
      fn()
      over[task] = true
    end)
    spawned = spawned + 1
    return task
  end

  local function spawn_sleepers()
    for i = 1, 3 do
      spawn(function()
        here.client:runtime().scheduler:wait(nil, 0.0003 * i)
      end)
    end
  end

  -- Three tasks that sleep, one that makes a call, three that sleep.
  local function spawn_all(before, behind)
    spawn_sleepers()
    spawn(function()
      before()
      assert(here.client.generations:count() == 7)
      here.client:runtime().scheduler:wait(nil, 0.0005)
      behind()
    end)
    spawn_sleepers()
  end

  local function check_all_over(hint)
    local n = 0
    for _ in pairs(over) do n = n + 1 end
    assert.equal(spawned, n, hint)
    assert.equal(0, here.client:pending())
  end

  -- Steps until no task is left, whatever is raised meanwhile.
  local function step_all(first)
    local deadline, raised, pending = core.now() + 5, 0, 1
    while pending > 0 and core.now() < deadline do
      local ok, left = pcall(function()
        if first then first() end
        here.client:step(0.01)
        debug.sethook()
        return here.client:pending()
      end)
      first, raised = nil, raised + (ok and 0 or 1)
      if ok then pending = left end
    end
    return raised
  end

  local function nothing() end

  -- Each count of instructions interrupts at another place.
  local function counts(fn)
    if os.getenv "LIPSYNC_COLLECT" then return pending "hooks are taken" end
    for n = 1, 3000, 23 do
      reset()
      fn(n)
      check_all_over(n)
      for _, problem in ipairs(failures) do
        assert.matches("interrupted", tostring(problem))
      end
    end
  end

  it("ends a task whose hook raises, and no other", function()
    counts(function(n)
      spawn_all(function() hook(n) end, debug.sethook)
      step_all()
      if not jit then assert.is_true(#failures <= 1) end
    end)
  end)

  it("loses no task if the hook of the stepping coroutine raises", function()
    counts(function(n)
      spawn_all(nothing, nothing)
      assert.is_true(step_all(function() hook(n) end) <= 1)
    end)
  end)

  -- Calls `fn` inside `n` nested C calls.
  local function deep(n, fn)
    if n == 0 then return fn() end
    return (("x"):gsub("x", function() deep(n - 1, fn) end))
  end

  it("ends its tasks however full the C stack is", function()
    local overflows = 0
    for n = 180, 200 do
      reset()
      spawn_all(nothing, nothing)
      local deadline = core.now() + 5
      local ok = pcall(deep, n, function()
        while here.client:pending() > 0 and core.now() < deadline do
          here.client:step(0.01)
        end
      end)
      assert.is_true(core.now() < deadline)
      step_all()  -- an error of the step lost no task
      check_all_over(n)
      overflows = overflows + (ok and #failures == 0 and 0 or 1)
    end
    assert.is_true(jit ~= nil or overflows > 0)
  end)

  it("gives the slot back of a call whose error the program catches",
    function()
      if _VERSION == "Lua 5.1" and not jit then return end  -- nothing can
      -- Where only a step connects, the first call never does.
      here.start({ { { read = true },
        { send = scripted.response(200, '{"count":7}') } }, loop = true },
        { max_in_flight = 1 })
      local waiters, problem, n = here.client:runtime().waiters, nil, nil
      here.client:spawn(function()
        waiters.subscribe = function()
          waiters.subscribe = nil
          error "interrupted"
        end
        local _
        _, problem = pcall(function() here.client.generations:count() end)
        here.client:runtime().scheduler:wait(nil, math.huge)
      end)
      here.client:spawn(function()
        n = assert(here.client.generations:count({}, { timeout = 5 }))
      end)
      local deadline = core.now() + 10
      while not n and core.now() < deadline do here.client:step(0.01) end
      assert.matches("interrupted", problem)
      assert.equal(7, n)
    end)

  it("ends a task that cannot be resumed although it is not dead", function()
    local resume, failing = coroutine.resume, true
    local began = false
    local task = here.client:spawn(function() began = true end)
    rawset(coroutine, "resume", function(thread, ...)
      if failing then return false, "C stack overflow" end
      return resume(thread, ...)
    end)
    pcall(here.client.step, here.client)
    failing = false
    rawset(coroutine, "resume", resume)
    assert.is_true(task:is_over())
    assert.equal(0, here.client:pending())
    assert.same({ "C stack overflow" }, failures)
    assert.is_false(began)
  end)
end)
