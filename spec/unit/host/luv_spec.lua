-- SPDX-License-Identifier: MIT
-- The loop of luv, played by a table; in luv and Neovim: spec/hosts.

local host = require "lipsync.host"
local luv = require "lipsync.host.luv"

describe("luv", function()
  local uv, made, real

  before_each(function()
    real = { luv = package.loaded.luv, vim = rawget(_G, "vim") }
    made = { polls = {}, timers = {}, updates = 0, runs = {} }
    uv = {}
    local function new(list, handle)
      list[#list + 1] = handle
      return handle
    end
    function uv.new_poll(fd) return new(made.polls, { fd = fd, starts = 0 }) end
    function uv.poll_start(poll, events, fn)
      assert.equal("r", events)
      poll.on, poll.starts, poll.fire = true, poll.starts + 1, fn
    end
    function uv.poll_stop(poll) poll.on = false end
    function uv.new_timer() return new(made.timers, {}) end
    function uv.timer_start(timer, milliseconds, again, fn)
      timer.on, timer.ms, timer.again, timer.fire = true, milliseconds, again,
        fn
    end
    function uv.timer_stop(timer) timer.on = false end
    function uv.update_time() made.updates = made.updates + 1 end
    function uv.is_closing(handle)
      if handle.freed then error "bad handle" end
      return handle.closed or false
    end
    function uv.close(handle)
      assert(not handle.closed)
      handle.closed = true
    end
    function uv.loop_mode() return made.mode end
    function uv.run(mode) made.runs[#made.runs + 1] = mode end
    package.loaded.luv = uv
    rawset(_G, "vim", nil)
  end)

  after_each(function()
    package.loaded.luv = real.luv
    rawset(_G, "vim", real.vim)
  end)

  it("has a loop where it is loaded", function()
    assert.is_table(luv.loop())
    package.loaded.luv = nil
    assert.is_nil(luv.loop())
    local client = { runtime = function()
      return { scheduler = { running = function() return {} end } }
    end }
    assert.is_false(luv.here(client))
    rawset(_G, "vim", { loop = uv })
    assert.is_table(luv.loop())
    assert.is_true(luv.here(client))
    rawset(_G, "vim", { uv = uv })
    assert.is_table(luv.loop())
    function client.runtime()
      return { scheduler = { running = function() return nil end } }
    end
    assert.is_false(luv.here(client))
  end)

  it("waits as tasks do, woken and never abandoned", function()
    local waited, tries = {}, 0
    local runtime = {
      session = { is_open = function() return true end },
      waiters = { dispatch = function() end },
      scheduler = { running = function() return {} end,
        probe = function() tries = tries + 1 end,
        wait = function(_, target, seconds)
          waited[#waited + 1] = { target, seconds }
        end },
    }
    local client = { options = { host = "luv" },
                     runtime = function() return runtime end }
    local target = { nap = 0.25, ready = function() return false end }
    assert.equal("luv", host.name(client))
    coroutine.wrap(function()
      assert.same({ true, false }, { host.check(client, runtime.scheduler) })
      assert.is_true(host.yields(client))
      -- Those that end at once poll nothing.
      for _ = 1, 9 do host.wait(client, runtime, target, 5) end
    end)()
    assert.equal(9, #waited)
    assert.same({ target, 5 }, waited[9])
    function runtime.scheduler.running() return nil end
    local ok, problem = pcall(host.check, client, runtime.scheduler)
    assert.is_false(ok)
    assert.matches('host = "luv" cannot wait here: ', problem)
  end)

  it("watches a descriptor, but not while it is served", function()
    local calls, was_on = 0, nil
    local loop = luv.loop()
    local poll
    poll = loop.watch(7, function()
      calls, was_on = calls + 1, poll.on
    end)
    assert.same({ 7, true }, { poll.fd, poll.on })
    poll.fire()
    assert.same({ 1, true, 2 }, { calls, was_on, poll.starts })
    loop.unwatch(poll)
    assert.is_true(poll.closed)
    loop.unwatch(poll)
    poll.freed = true
    loop.unwatch(poll)
    loop.unwatch(nil)
  end)

  it("makes steps from Neovim's main loop", function()
    local later, calls = {}, 0
    rawset(_G, "vim", { uv = uv, schedule = function(fn)
      later[#later + 1] = fn
    end })
    local loop = luv.loop()
    local poll = loop.watch(7, function() calls = calls + 1 end)
    poll.fire()
    assert.same({ 0, 1, false }, { calls, #later, poll.on })
    later[1]()
    assert.same({ 1, true }, { calls, poll.on })
    poll.fire()
    poll.closed = true
    later[2]()
    assert.same({ 1, 2 }, { calls, poll.starts })
    loop.after(1, function() calls = calls + 10 end)
    made.timers[1].fire()
    assert.equal(1, calls)
    later[3]()
    assert.equal(11, calls)
  end)

  it("has one timer, which is set anew and stopped", function()
    local loop, fired = luv.loop(), 0
    local timer = loop.after(0.0011, function() fired = fired + 1 end)
    assert.same({ 2, 0, true, 1 }, { timer.ms, timer.again, timer.on,
                                     made.updates })
    timer.fire()
    assert.equal(1, fired)
    assert.equal(timer, loop.after(3, function() end))
    assert.same({ 3000, 1 }, { timer.ms, #made.timers })
    loop.cancel()
    assert.is_false(timer.on)
    loop.after(3, function() end)
    timer.closed = true
    loop.cancel()
    assert.is_true(timer.on)
  end)

  it("tells a program that has closed its handles", function()
    local loop = luv.loop()
    loop.check()
    local timer = loop.after(1, function() end)
    loop.check()
    timer.closed = true
    local ok, problem = pcall(loop.check)
    assert.is_false(ok)
    assert.matches("the program has closed this client's handles", problem)
  end)

  it("rests without a timer, and has the loop free it", function()
    local loop = luv.loop()
    loop.rest()
    assert.same({}, made.runs)
    local timer = loop.after(1, function() end)
    loop.rest()
    assert.is_true(timer.closed)
    assert.same({ "nowait" }, made.runs)
    loop.rest()
    assert.same({ "nowait" }, made.runs)
    assert.is_true(timer ~= loop.after(1, function() end))
    made.mode = "default"  -- the loop runs
    loop.rest()
    assert.same({ "nowait" }, made.runs)
    made.mode = nil
    timer = loop.after(1, function() end)
    timer.closed = true
    loop.rest()
    assert.same({ "nowait" }, made.runs)
    loop.after(1, function() end)
    rawset(_G, "vim", {})
    loop.rest()
    assert.same({ "nowait" }, made.runs)
    rawset(_G, "vim", nil)
    uv.loop_mode = nil
    loop.after(1, function() end)
    loop.rest()
    assert.same({ "nowait" }, made.runs)
  end)

  it("shows errors in Neovim", function()
    assert.is_false(luv.logs())
    local shown, later
    rawset(_G, "vim", { log = { levels = { ERROR = 4 } },
      schedule = function(fn) later = fn end,
      notify = function(text, level) shown = { text, level } end })
    assert.is_true(luv.logs())
    luv.log "text"
    assert.is_nil(shown)
    later()
    assert.same({ "text", 4 }, shown)
  end)
end)
