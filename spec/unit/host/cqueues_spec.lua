-- SPDX-License-Identifier: MIT
-- Waiting in cqueues, played by tables; in cqueues itself: spec/hosts.

local cqueues = require "lipsync.host.cqueues"
local host = require "lipsync.host"
local lua51 = require "lipsync.host.lua51"
local waiters = require "lipsync.sched.waiters"

describe("cqueues", function()
  local library, controller, is_own, wrapped, sleeps, canceled, is_open, steps
  local runtime, session
  local real = {}

  local function condition()
    return { signals = 0, signal = function(self)
      self.signals = self.signals + 1
    end }
  end

  local function new_controller()
    return { wrap = function(_, fn, ...)
      local arguments, n = { ... }, select("#", ...)
      wrapped[#wrapped + 1] = coroutine.create(function()
        fn((table.unpack or unpack)(arguments, 1, n))  -- luacheck: ignore
      end)
    end }
  end

  before_each(function()
    real.cqueues = package.loaded.cqueues
    real.condition = package.loaded["cqueues.condition"]
    wrapped, sleeps, canceled, is_open, is_own, steps = {}, {}, {}, true, true,
      0
    controller = new_controller()
    library = {
      running = function() return controller, is_own end,
      sleep = function(seconds) sleeps[#sleeps + 1] = seconds end,
      poll = coroutine.yield,
      cancel = function(fd) canceled[#canceled + 1] = fd end,
    }
    package.loaded.cqueues = library
    package.loaded["cqueues.condition"] = { new = condition }
    session = {
      is_open = function() return is_open end,
      fd = function() return 7 end,
      timeout = function() return 0.5 end,
      step = function() steps = steps + 1 end,
      next_ready = function() return nil end,
    }
    runtime = { session = session, waiters = waiters.new() }
  end)

  after_each(function()
    package.loaded.cqueues = real.cqueues
    package.loaded["cqueues.condition"] = real.condition
  end)

  local function resume(thread)
    local all = { coroutine.resume(thread) }
    assert(all[1], all[2])
    return all[2], all[3]
  end

  -- A coroutine that waits; and what it polls.
  local function wait(target, seconds)
    local thread = coroutine.create(function()
      cqueues.wait(session, target, seconds, runtime)
    end)
    return thread, resume(thread)
  end

  local function target()
    return { ready = function() return false end }
  end

  it("is found in a coroutine of a controller", function()
    assert.is_true(cqueues.here())
    is_own = false
    assert.is_false(cqueues.here())
    is_own, controller = true, nil
    assert.is_false(cqueues.here())
    library.running = nil
    assert.is_false(cqueues.here())
    package.loaded.cqueues = nil
    assert.is_false(cqueues.here())
  end)

  it("sleeps where there is nothing to watch", function()
    cqueues.probe()
    cqueues.wait(session, nil, 5, runtime)
    cqueues.wait(session, { ready = function() return true end }, 5, runtime)
    assert.same({ 0, 5, 0 }, sleeps)
    assert.same({}, wrapped)
  end)

  it("watches the descriptor while anything waits", function()
    local one, other = target(), target()
    local first, own, seconds = wait(one, 5)
    assert.equal(5, seconds)
    assert.equal(1, #wrapped)
    local watched, bell = resume(wrapped[1])
    assert.same({ "r", 7, 0.5 }, { watched.events, watched.pollfd,
                                   watched.timeout })
    local second, of_second, never = wait(other, math.huge)
    assert.is_nil(never)
    assert.same({ 1, 1 }, { #wrapped, bell.signals })
    local ready = { one }
    function session.next_ready() return table.remove(ready) end
    resume(wrapped[1])
    assert.equal(1, steps)
    assert.same({ 1, 0 }, { own.signals, of_second.signals })
    resume(first)
    assert.equal("dead", coroutine.status(first))
    assert.is_nil(runtime.waiters.by[one])
    assert.equal(1, bell.signals)
    resume(second)
    assert.equal(2, bell.signals)
    resume(wrapped[1])
    assert.equal("dead", coroutine.status(wrapped[1]))
    assert.is_nil(next(runtime.waiters.closers))
    -- The next wait has it watched again.
    wait(one, 5)
    assert.equal(2, #wrapped)
    assert.equal(2, bell.signals)
    controller = new_controller()
    wait(one, 5)
    assert.equal(3, #wrapped)
  end)

  it("is woken, so a wait is neither a nap nor polled for", function()
    local client = { options = { host = "cqueues" } }
    runtime.scheduler = {}
    assert.equal("cqueues", cqueues.name)
    for _ = 1, 9 do
      local napping = target()
      napping.nap = 0.25
      local thread = coroutine.create(function()
        host.wait(client, runtime, napping, 5)
      end)
      assert.equal(5, (select(2, resume(thread))))
      resume(thread)  -- at once, and yet nothing is polled
      assert.equal("dead", coroutine.status(thread))
    end
  end)

  it("lets go of the descriptor when the client is closed", function()
    local thread = wait(target(), 5)
    local _, bell = resume(wrapped[1])
    runtime.waiters:closing()
    assert.same({ 7 }, canceled)
    assert.equal(1, bell.signals)
    is_open = false
    resume(wrapped[1])
    assert.equal("dead", coroutine.status(wrapped[1]))
    assert.equal(0, steps)
    resume(thread)
    assert.is_nil(next(runtime.waiters.by))
  end)

  it("ends a wait that a hook interrupts", function()
    if lua51.is_limited() then return end
    local fails = true
    function library.poll(...)
      if fails then error("mine", 0) end
      return coroutine.yield(...)
    end
    local ok, problem = pcall(cqueues.wait, session, target(), 5, runtime)
    assert.same({ false, "mine" }, { ok, problem })
    assert.is_nil(next(runtime.waiters.by))
    fails = false
    resume(wrapped[1])  -- nothing waits
    assert.equal("dead", coroutine.status(wrapped[1]))
  end)

  it("makes tasks of a controller's coroutines", function()
    local began = false
    cqueues.starter.spawn(function() began = true end)
    resume(wrapped[1])
    assert.is_true(began)
    assert.is_false(cqueues.starter.kill(wrapped[1]) or false)
    local scope = cqueues.starter.scope()
    assert.equal(scope, cqueues.starter.scope())
    controller = new_controller()
    assert.is_true(scope ~= cqueues.starter.scope())
  end)
end)
