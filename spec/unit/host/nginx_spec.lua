-- SPDX-License-Identifier: MIT
-- Waiting in nginx, played by a table; inside of nginx: spec/hosts.

local core = require "lipsync.core"
local host = require "lipsync.host"
local waiters = require "lipsync.sched.waiters"

describe("nginx", function()
  local nginx, ngx, now, sleeps
  local real = { now = core.now, ngx = rawget(_G, "ngx") }

  -- A copy of its own, because it keeps what it has found.
  local function load_anew()
    local name = "lipsync.host.nginx"
    local before = package.loaded[name]
    package.loaded[name] = nil
    nginx = require(name)
    package.loaded[name] = before
  end

  before_each(function()
    now, sleeps = 100, {}
    ngx = { phase = "content", ctx = {}, ERR = 4, thread = {} }
    function ngx.get_phase() return ngx.phase end
    function ngx.sleep(seconds)
      sleeps[#sleeps + 1] = seconds
      now = now + seconds
    end
    rawset(_G, "ngx", ngx)
    core.now = function() return now end
    load_anew()
  end)

  after_each(function()
    rawset(_G, "ngx", real.ngx)
    core.now = real.now
    package.loaded["ngx.semaphore"] = nil
  end)

  it("is found once it has started", function()
    assert.is_true(nginx.is_present())
    for phase, here in pairs { init = false, init_worker = false,
                               content = true, log = true } do
      ngx.phase = phase
      assert.equal(here, nginx.here(), phase)
    end
    rawset(_G, "ngx", nil)
    assert.is_false(nginx.is_present())
    assert.is_false(nginx.here())
    assert.is_false(nginx.logs())
  end)

  it("can wait in the phases that can sleep", function()
    for _, phase in ipairs { "rewrite", "access", "content", "timer",
        "server_rewrite", "preread", "ssl_cert", "ssl_client_hello",
        "ssl_session_fetch" } do
      ngx.phase = phase
      nginx.check()
    end
    for _, phase in ipairs { "log", "set", "header_filter", "body_filter",
        "balancer", "exit_worker", "ssl_session_store" } do
      ngx.phase = phase
      local ok, problem = pcall(nginx.check)
      assert.is_false(ok)
      assert.matches(("nothing can wait in nginx's %s phase. Do it in a timer:")
        :format(phase), problem)
    end
  end)

  -- What it does in a wait: sleeps by `ngx` or a semaphore, steps, looks.
  local function wait(target, seconds, ready_after, closes_after)
    local steps, runtime = 0, { waiters = waiters.new() }
    local dispatched = 0
    function runtime.waiters.dispatch() dispatched = dispatched + 1 end
    if target then
      function target.ready() return steps >= (ready_after or math.huge) end
    end
    local session = {
      is_open = function() return steps < (closes_after or math.huge) end,
      step = function() steps = steps + 1 end,
    }
    sleeps = {}
    coroutine.wrap(function()
      nginx.wait(session, target, seconds, runtime)
    end)()
    assert.is_nil(next(runtime.waiters.by))
    assert.equal(steps, dispatched)
    return sleeps, steps
  end

  it("sleeps for a little, steps, and looks", function()
    assert.same({ 0.001, 0.001, 0.001 }, (wait({}, 10, 3)))
    assert.equal(50, #wait({}, 10, 50))
    for n, seconds in pairs { [10] = 0.001, [11] = 0.002, [40] = 0.002,
                              [41] = 0.003 } do
      assert.equal(seconds, wait({}, 10, 50)[n])
    end
    local all, steps = wait({}, 10, nil, 2)
    assert.same({ 3, 2 }, { #all, steps })
  end)

  it("ends with its time, and never sleeps for none", function()
    assert.same({ 0.001 }, (wait(nil, 0)))
    assert.same({ 0.001 }, (wait({}, 0.0005)))
    assert.equal(4, #wait(nil, 0.0035))
    assert.same({ 0.25, 0.25, 0.125 }, (wait({ nap = 0.25 }, 0.625)))
  end)

  it("naps by itself in one wait", function()
    assert.equal("nginx", nginx.name)
    local slept = 0
    function ngx.sleep(seconds)
      now = now + seconds
      if seconds > 0.1 then slept = slept + 1 end  -- it may try one before
    end
    coroutine.wrap(function()
      host.wait({ options = { host = "nginx" } }, { scheduler = {},
        waiters = waiters.new(), session = {
          is_open = function() return true end, step = function() end,
          next_ready = function() return nil end } },
        { nap = 0.25, ready = function() return false end }, 0.625)
    end)()
    assert.equal(3, slept)
  end)

  describe("with semaphores", function()
    local dozes, posts, raises

    before_each(function()
      dozes, posts, raises = {}, {}, false
      package.loaded["ngx.semaphore"] = { new = function(n)
        assert.equal(0, n)
        return {
          wait = function(_, seconds)
            if raises then error "no" end
            dozes[#dozes + 1] = seconds
            now = now + seconds
          end,
          post = function(_, count) posts[#posts + 1] = count end,
        }
      end }
      nginx.attach()
    end)

    it("is woken where a target can be", function()
      assert.same({}, (wait({ nap = 0.25 }, 0.625)))
      assert.same({ 0.25, 0.25, 0.125 }, dozes)
      dozes = {}
      wait({ nap = 0.005 }, 0.1, 1)
      assert.same({ 0.05 }, dozes)
      dozes = {}
      assert.same({ 0.001 }, (wait({}, 10, 1)))
      assert.same({ 0.001 }, (wait(nil, 0)))
      assert.same({}, dozes)
    end)

    it("sleeps where that is not possible", function()
      raises = true
      assert.same({ 0.25, 0.25 }, (wait({ nap = 0.25 }, 0.5)))
    end)

    it("wakes by a post", function()
      local all, target = waiters.new(), { nap = 1 }
      function target.ready() return #posts > 0 end
      local wake = package.loaded["ngx.semaphore"].new
      package.loaded["ngx.semaphore"].new = function(n)
        local one = wake(n)
        function one.wait() all:notify(target) end
        return one
      end
      function all.dispatch() end
      coroutine.wrap(function()
        nginx.wait({ is_open = function() return true end,
          step = function() end }, target, 10, { waiters = all })
      end)()
      assert.same({ 1 }, posts)
    end)

    it("looks for them once, in nginx only", function()
      local module = package.loaded["ngx.semaphore"]
      package.loaded["ngx.semaphore"] = nil
      nginx.attach()
      wait({ nap = 0.25 }, 0.25)
      assert.same({ 0.25 }, dozes)
      load_anew()
      nginx.attach()
      dozes = {}
      assert.same({ 0.25 }, (wait({ nap = 0.25 }, 0.25)))
      package.loaded["ngx.semaphore"] = module
      rawset(_G, "ngx", nil)
      nginx.attach()
      rawset(_G, "ngx", ngx)
      assert.same({ 0.25 }, (wait({ nap = 0.25 }, 0.25)))
      assert.same({}, dozes)
    end)
  end)

  it("starts and ends tasks as threads of a request", function()
    local spawned, killed
    function ngx.thread.spawn(fn)
      spawned = fn
      return "thread"
    end
    function ngx.thread.kill(thread)
      killed = thread
      return true, "more"
    end
    local function fn() end
    coroutine.wrap(function()
      assert.equal("thread", nginx.starter.spawn(fn))
    end)()
    assert.equal(fn, spawned)
    assert.equal(1, select("#", nginx.starter.kill "thread"))
    assert.is_true(nginx.starter.kill "thread")
    assert.equal("thread", killed)
    assert.equal(ngx.ctx, nginx.starter.scope())
    ngx.phase, spawned = "log", nil
    local ok, problem = coroutine.wrap(function()
      return pcall(nginx.starter.spawn, fn)
    end)()
    assert.is_false(ok)
    assert.matches("nginx's log phase", problem)
    assert.is_nil(spawned)
    sleeps = {}
    nginx.probe()
    assert.same({ 0.001 }, sleeps)
  end)

  it("logs errors", function()
    local logged
    assert.is_false(nginx.logs())
    function ngx.log(level, text) logged = { level, text } end
    assert.is_true(nginx.logs())
    nginx.log "text"
    assert.same({ 4, "text" }, logged)
  end)
end)
