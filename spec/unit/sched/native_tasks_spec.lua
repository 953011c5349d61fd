-- SPDX-License-Identifier: MIT
-- Tasks that are coroutines of the host: here of one that resumes them when the
-- main program waits.

local calls = require "spec.support.calls"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local host = require "lipsync.host"
local lua51 = require "lipsync.host.lua51"
local native_tasks = require "lipsync.sched.native_tasks"

-- There such a task could not wait.
if lua51.is_limited() then return end

describe("a task of the host's coroutines", function()
  local client, runtime, scheduler, told, place, kills, pauses
  -- The coroutines of the host, and whether it has to start one later.
  local threads, begins_later, asked
  local real = { starter = host.starter, log = host.log }

  -- Resumes each coroutine that waits, once.
  local function turn()
    local all = threads
    threads = {}
    for _, thread in ipairs(all) do
      local ok, problem = coroutine.resume(thread)
      assert(ok, problem)
      if coroutine.status(thread) ~= "dead" then
        threads[#threads + 1] = thread
      end
    end
  end

  local starter = {
    spawn = function(fn)
      local thread = coroutine.create(fn)
      if not begins_later then assert(coroutine.resume(thread)) end
      if coroutine.status(thread) ~= "dead" then
        threads[#threads + 1] = thread
      end
    end,
    kill = function(thread)
      asked = asked + 1
      if not kills then return nil end
      for i, each in ipairs(threads) do
        if each == thread then table.remove(threads, i) end
      end
      return true
    end,
    scope = function() return place end,
  }

  before_each(function()
    threads, told, place, pauses = {}, {}, {}, {}
    kills, begins_later, asked = true, false, 0
    client = calls.client({ {}, {}, {} }, {
      on_task_error = function(problem, one)
        told[#told + 1] = { problem, one }
      end,
    })
    client.options.host = function(_, target, seconds)
      local thread = coroutine.running()
      pauses[#pauses + 1] = { target or false, seconds }
      if scheduler.native[thread or 0] then return coroutine.yield() end
      turn()
    end
    runtime = client.runtime()
    scheduler = runtime.scheduler
    rawset(host, "starter", function() return starter end)
  end)

  after_each(function()
    rawset(host, "starter", real.starter)
    rawset(host, "log", real.log)
  end)

  local function pause() host.wait(client, runtime, nil, 0) end

  it("gets its arguments, and gives what it returns", function()
    local got
    local one = scheduler:spawn(function(...)
      got = { n = select("#", ...), ... }
      pause()
      return "a", nil, "c", nil
    end, 1, nil, 3, nil)
    assert.same({ n = 4, 1, nil, 3, nil }, got)
    assert.equal("lipsync task (under way)", tostring(one))
    assert.is_false(one:is_over())
    local function pack(...) return { n = select("#", ...), ... } end
    assert.same({ n = 4, "a", nil, "c", nil }, pack(one:wait()))
    assert.equal("lipsync task (over)", tostring(one))
    assert.is_true(one:is_over())
    assert.same({ n = 4, "a", nil, "c", nil }, pack(one:wait()))
    assert.same({}, told)
  end)

  it("is counted in its place until it ends", function()
    local first = place
    scheduler:spawn(pause)
    scheduler:spawn(function() pause() pause() end)
    assert.equal(2, scheduler:pending())
    place = {}
    assert.equal(0, scheduler:pending())
    scheduler:spawn(function() end)
    assert.equal(0, scheduler:pending())
    place = first
    local other = calls.client {}
    assert.equal(0, other.runtime().scheduler:pending())
    turn()
    assert.equal(1, scheduler:pending())
    turn()
    assert.equal(0, scheduler:pending())
  end)

  it("is waited for with all others", function()
    local order = {}
    scheduler:spawn(function()
      for i = 1, 3 do
        pause()
        order[i] = i
      end
    end)
    scheduler:run()
    assert.same({ 1, 2, 3 }, order)
    local target, seconds = pauses[2][1], pauses[2][2]
    assert.equal(native_tasks.all(scheduler, starter), target)
    assert.equal(math.huge, seconds)
    assert.equal(0, scheduler:pending())
  end)

  it("wakes those that wait for all when the last one ends", function()
    local woken = 0
    scheduler:spawn(pause)
    local all = native_tasks.all(scheduler, starter)
    assert.is_false(all.ready())
    runtime.waiters:subscribe(all, { wake = function() woken = woken + 1 end })
    turn()
    assert.equal(1, woken)
    assert.is_true(all.ready())
  end)

  it("is told to the program with its trace when it dies", function()
    local one = scheduler:spawn(function()
      pause()
      error "no disk"
    end)
    local _, err = one:wait()
    assert.equal("canceled", err.kind)
    assert.matches("native_tasks_spec.lua:%d+: no disk$", err.cause)
    assert.same({ { err.cause, one } }, told)
    assert.matches("no disk\nstack traceback:\n.*native_tasks_spec.lua",
      one.trace)
    assert.equal(0, scheduler:pending())
    -- It begins where the error was made.
    one = scheduler:spawn(function()
      local none = {}
      return none.x.y
    end)
    local line = one.problem:match "native_tasks_spec.lua:(%d+): "
    assert.matches("traceback:\n[^\n]*native_tasks_spec.lua:" .. line .. ":",
      one.trace)
    told = { told[1] }
    -- What is no text has none.
    local problem = errors.new("invalid", "m")
    one = scheduler:spawn(function() core.raise(problem) end)
    assert.equal(problem, select(2, one:wait()))
    assert.is_nil(one.trace)
    assert.same({ problem, one }, told[2])
  end)

  it("is logged with its trace where nobody listens", function()
    local logged
    client.options.on_task_error = nil
    rawset(host, "log", function(text) logged = text end)
    scheduler:spawn(function() error("no disk", 0) end)
    assert.matches("^lipsync: a task failed: no disk\nstack traceback:", logged)
  end)

  it("ends its calls when it dies, and keeps those of others", function()
    local mine, other
    scheduler:spawn(function() other = calls.call(client) pause() end)
    scheduler:spawn(function()
      mine = calls.call(client)
      mine:advance()
      error "no"
    end)
    assert.is_true(mine.canceled)
    assert.equal(1, client.transfers[1].closed)
    assert.is_false(other.canceled)
  end)

  it("that is canceled is resumed no more, where the host can", function()
    local went_on, this
    local one = scheduler:spawn(function()
      this = calls.call(client)
      this:run()
      went_on = true
    end)
    one:cancel()
    assert.is_true(one:is_over())
    assert.is_true(this.canceled)
    assert.same({}, threads)
    one:cancel()
    assert.equal(0, scheduler:pending())
    assert.is_nil(next(scheduler.native))
    assert.is_nil(went_on)
    local _, err = one:wait()
    assert.same({ "canceled", "the task was canceled" },
      { err.kind, err.message })
    assert.same({}, told)
  end)

  it("that is canceled elsewhere can make no more calls", function()
    kills = false
    local err, later, went_on
    local one = scheduler:spawn(function()
      err = select(2, calls.call(client):run())
      later = calls.call(client)
      went_on = true
      later:run()
      error "too late"
    end)
    one:cancel()
    one:cancel()
    assert.equal(1, asked)
    assert.equal(0, scheduler:pending())
    turn()
    assert.equal("canceled", err.kind)
    -- Others have their turn before it goes on.
    assert.same({ false, 0 }, pauses[#pauses])
    assert.is_nil(went_on)
    turn()
    assert.is_true(later.canceled)
    assert.equal("canceled", later.err.kind)
    assert.equal(1, #client.transfers)
    assert.same({}, told)
    assert.is_nil(next(scheduler.native))
    assert.is_nil((one:wait()))
  end)

  it("that is canceled before it begins does not begin", function()
    begins_later = true
    local began = false
    local one = scheduler:spawn(function() began = true end)
    assert.equal(1, scheduler:pending())
    one:cancel()
    turn()
    assert.is_false(began)
    assert.is_true(one:is_over())
    assert.equal(0, scheduler:pending())
  end)

  it("that the host began later is not taken for dead until then", function()
    begins_later = true
    local one = scheduler:spawn(function() return "here" end)
    assert.equal(1, scheduler:pending())
    assert.equal("here", one:wait())
  end)

  it("that cannot be started raises, and is not counted", function()
    local spawn = starter.spawn
    finally(function() starter.spawn = spawn end)
    function starter.spawn() error("no thread", 0) end
    local ok, problem = pcall(scheduler.spawn, scheduler, function() end)
    assert.same({ false, "no thread" }, { ok, problem })
    assert.equal(0, scheduler:pending())
  end)

  -- Tasks whose coroutine ended without an error that they could catch.
  describe("that was ended past its pcall", function()
    local status = coroutine.status

    after_each(function() rawset(coroutine, "status", status) end)

    for _, state in ipairs { "dead", "zombie" } do
      it("is told as died, with its calls: " .. state, function()
        local this
        local one = scheduler:spawn(function()
          this = calls.call(client)
          pause()
        end)
        local other = scheduler:spawn(pause)
        local lost = threads[1]
        rawset(coroutine, "status", function(thread)
          return thread == lost and state or status(thread)
        end)
        assert.equal(1, scheduler:pending())
        assert.equal(1, #told)
        assert.equal("a coroutine of its own making died; the log of nginx "
          .. "says of what", told[1][1])
        assert.equal(one, told[1][2])
        assert.is_true(this.canceled)
        assert.is_false(other:is_over())
        local _, err = one:wait()
        assert.equal(told[1][1], err.cause)
        assert.equal(1, scheduler:pending())
        assert.equal(1, #told)
        assert.is_nil(scheduler.native[lost])
      end)
    end

    it("is found by those that wait for it, or for all", function()
      local one = scheduler:spawn(pause)
      local all = native_tasks.all(scheduler, starter)
      threads = {}
      collectgarbage()
      collectgarbage()
      assert.is_true(all.ready())
      assert.is_true(one:is_over())
      local two = scheduler:spawn(pause)
      threads = {}
      collectgarbage()
      collectgarbage()
      local _, err = two:wait()
      assert.matches("the task died", err.message)
      assert.equal(2, #told)
    end)
  end)

  it("is known as running in itself and in what it resumes", function()
    local seen = {}
    local function look(name)
      seen[name] = native_tasks.is_running(scheduler)
    end
    scheduler:spawn(function()
      look "task"
      coroutine.wrap(function() look "nested" end)()
      pause()
      look "last"
    end)
    look "main"
    coroutine.wrap(function() look "other" end)()
    turn()
    look "after"
    assert.same({ task = true, nested = true, main = false, other = false,
                  last = true, after = false }, seen)
    rawset(host, "starter", function() return nil end)
    assert.is_false(native_tasks.is_running(scheduler))
  end)

  it("takes a colon", function()
    local one = scheduler:spawn(pause)
    for name, call in pairs { cancel = "task:cancel()", wait = "task:wait()",
                              is_over = "task:is_over()" } do
      local ok, problem = pcall(function() one[name]() end)
      assert.is_false(ok)
      assert.is_truthy(problem:find("call it with a colon: " .. call, 1, true))
    end
    assert.is_false(one:is_over())
  end)
end)
