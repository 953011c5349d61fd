-- SPDX-License-Identifier: MIT
local lipsync = require "lipsync"
local core = require "lipsync.core"
local service = require "spec.support.service"
local task = require "lipsync.sched.task"

describe("task", function()
  -- A set that only records what its task reports.
  local function new(fn, ...)
    local told = {}
    local set = {
      push = function(_, one) told[#told + 1] = { "push", one } end,
      end_canceled = function(_, one) told[#told + 1] = { "end", one } end,
    }
    return task.new(set, fn, ...), told
  end

  it("runs with its arguments, and tells a wait from a yield", function()
    local got
    local one = new(function(...)
      got = { n = select("#", ...), ... }
      task.rest()
      coroutine.yield "its own"
      return 1
    end, "a", nil, "c", nil)
    assert.equal("waits", (task.resume(one)))
    assert.same({ n = 4, "a", nil, "c", nil }, got)
    assert.equal("yields", (task.resume(one)))
    assert.equal("lipsync task (suspended)", tostring(one))
    assert.equal("ended", (task.resume(one)))
  end)

  it("is what it was if its end was interrupted", function()
    local ended = new(function() return 1 end)
    assert.equal("ended", (task.resume(ended)))
    local died = new(function() error "here" end)
    assert.equal("died", (task.resume(died)))
    local alive = new(function()
      task.rest()
      coroutine.yield()
    end)
    assert.equal("waits", (task.resume(alive)))
    ended.interrupted, died.interrupted, alive.interrupted = "a", "b", "c"
    assert.same({ "ended", "a" }, { task.resume(ended) })
    assert.same({ "died", "b" }, { task.resume(died) })
    assert.equal("yields", (task.resume(alive)))
    assert.is_false(alive.interrupted)
  end)

  it("shows whether it is over", function()
    local one = new(function() end)
    assert.equal("lipsync task (suspended)", tostring(one))
    one.over = true
    assert.equal("lipsync task (over)", tostring(one))
    assert.is_true(one:is_over())
  end)

  it("has a traceback of texts only", function()
    local one = new(function() core.raise {} end)
    local _, problem = task.resume(one)
    task.trace(one, problem)
    assert.is_nil(one.trace)
  end)

  it("takes a colon", function()
    local one = new(function() end)
    for name, call in pairs { cancel = "task:cancel()", wait = "task:wait()",
                              is_over = "task:is_over()" } do
      local ok, problem = pcall(function() one[name]() end)
      assert.is_false(ok)
      assert.is_truthy(problem:find("call it with a colon: " .. call, 1, true))
    end
  end)

  it("returns the error it died with, and a traceback", function()
    local one = new(function() error "here" end)
    local state, problem = task.resume(one)
    assert.equal("died", state)
    assert.match("task_spec.lua:%d+: here", problem)
    task.trace(one, problem)
    assert.match("here\nstack traceback:.*task_spec.lua", one.trace)
  end)

  it("ends its own calls and no others", function()
    local canceled = {}
    local function call(name, over, keep_open)
      return { over = over, keep_open = keep_open, cancel = function()
        canceled[name] = true
      end }
    end
    local one = new(function() task.rest() end)
    local all = { call("running"), call("over", true),
                  call("open", true, true) }
    for _, each in ipairs(all) do one.calls[each] = true end
    task.resume(one)
    assert.is_true((task.tear_down(one)))
    assert.same({ running = true, open = true }, canceled)
  end)

  it("reports a cancel once, and each time it is woken",
    function()
      local one, told = new(function() end)
      one:wake()
      one:cancel()
      one:cancel()
      assert.same({ { "push", one }, { "end", one } }, told)
      assert.is_false(one:is_over())
      assert.has_error(function() one.cancel {} end)
    end)
end)

describe("task:wait", function()
  local here = service.fixture(after_each)
  local client, reported

  before_each(function()
    reported = {}
    here.start({}, { on_task_error = function(problem)
      reported[#reported + 1] = problem
    end })
    client = here.client
  end)

  -- What a wait for `one` gives, in the main program or in a task.
  local function wait_for(one, in_task, seconds)
    local got
    local function wait()
      local function keep(...) got = { n = select("#", ...), ... } end
      keep(one:wait(seconds))
    end
    if not in_task then
      wait()
    else
      client:spawn(wait)
      client:run()
    end
    return got
  end

  for where, in_task in pairs { ["a program"] = false, ["a task"] = true } do
    it("gives " .. where .. " what the task returned", function()
      local one = client:spawn(function(...)
        assert(client:sleep(0.02))
        return ...
      end, 1, nil, "c", nil)
      local wanted = { n = 4, 1, nil, "c", nil }
      assert.same(wanted, wait_for(one, in_task))
      assert.same(wanted, wait_for(one, in_task))
    end)

    it("tells " .. where .. " how the task died", function()
      local one = client:spawn(function() error("no disk", 0) end)
      local got = wait_for(one, in_task)
      assert.is_nil(got[1])
      assert.equal("canceled", got[2].kind)
      assert.equal("no disk", got[2].cause)
      assert.equal("wait for task: the task died: no disk.", tostring(got[2]))
      assert.same({ "no disk" }, reported)
    end)

    it("tells " .. where .. " that the task was canceled", function()
      local one = client:spawn(function() client:sleep(3600) end)
      client:spawn(function() one:cancel() end)
      local got = wait_for(one, in_task)
      assert.is_nil(got[1])
      assert.equal("canceled", got[2].kind)
      assert.is_nil(got[2].cause)
    end)

    it("ends in " .. where .. " when its time is up", function()
      local from = core.now()
      local one = client:spawn(function() client:sleep(0.5) end)
      local got = wait_for(one, in_task, 0.05)
      assert.is_nil(got[1])
      assert.equal("timeout", got[2].kind)
      assert.equal("wait for task: 0.05 s have passed (timeout).",
        tostring(got[2]))
      assert.is_true(in_task or core.now() - from < 0.4)
      one:cancel()
    end)
  end

  it("returns the error object that the task died with", function()
    local _, err = lipsync.generation "[]"
    local one = client:spawn(function() core.raise(err) end)
    assert.equal(err, select(2, one:wait()))
  end)

  it("takes an error without a value", function()
    local one = client:spawn(function() error() end)
    local value, err = one:wait()
    assert.is_nil(value)
    assert.equal("canceled", err.kind)
  end)

  it("ends with the waiting task, and leaves the other one", function()
    local done, went_on = false, false
    local one = client:spawn(function()
      client:sleep(0.1)
      done = true
    end)
    local waiting = client:spawn(function()
      one:wait()
      went_on = true
    end)
    client:spawn(function() waiting:cancel() end)
    client:run()
    assert.is_true(done)
    assert.is_false(went_on)
  end)

  it("makes steps for the awaited task only as long as needed", function()
    local other = client:spawn(function() client:sleep(3600) end)
    local one = client:spawn(function() return "here" end)
    assert.equal("here", one:wait())
    assert.is_false(other:is_over())
    assert.equal(1, client:pending())
    other:cancel()
  end)

  it("raises where the task would never end", function()
    local itself
    itself = client:spawn(function() itself:wait() end)
    client:run()
    assert.match("task_spec.lua:%d+: task:wait%(%) was called by the task "
      .. "itself", reported[1])
    local one = client:spawn(function() client:sleep(3600) end)
    client:spawn(function()
      local ok, problem = coroutine.resume(coroutine.create(function()
        one:wait()
      end))
      one:cancel()
      assert(ok, problem)
    end)
    client:run()
    assert.match("in a coroutine that a task made", reported[2])
  end)

  it("refuses what is no time, and a dot", function()
    local one = client:spawn(function() client:sleep(60) end)
    assert.equal("timeout", select(2, one:wait(0)).kind)
    for _, value in ipairs { -1, 0 / 0, "1" } do
      local ok, problem = pcall(function() one:wait(value) end)
      assert.is_false(ok)
      assert.match("task_spec.lua:%d+: task:wait takes a number of seconds",
        problem)
    end
    assert.has_error(function() one.wait(1) end)
    one:cancel()
  end)
end)
