-- SPDX-License-Identifier: MIT
-- Waiting in HAProxy, played by a table; inside of it: spec/hosts.

local core = require "lipsync.core"
local host = require "lipsync.host"
local haproxy = require "lipsync.host.haproxy"

-- It has Lua 5.3 or newer, which tells whether a coroutine can yield.
if not rawget(math, "type") then return end

describe("HAProxy", function()
  local proxy, now, sleeps
  local real = { now = core.now, core = rawget(_G, "core") }

  before_each(function()
    now, sleeps = 100, {}
    proxy = { err = 3, register_service = function() end }
    function proxy.msleep(milliseconds)
      sleeps[#sleeps + 1] = milliseconds
      now = now + milliseconds / 1000
    end
    rawset(_G, "core", proxy)
    core.now = function() return now end
  end)

  after_each(function()
    rawset(_G, "core", real.core)
    core.now = real.now
  end)

  it("is found by what it has", function()
    assert.is_true(haproxy.here())
    assert.is_true(haproxy.logs())
    for _, name in ipairs { "msleep", "register_service" } do
      local kept = proxy[name]
      proxy[name] = nil
      assert.is_false(haproxy.here())
      assert.is_false(haproxy.logs())
      proxy[name] = kept
    end
    rawset(_G, "core", nil)
    assert.is_false(haproxy.here())
    haproxy.attach()
  end)

  it("refuses to wait in converters and fetches", function()
    local registered = {}
    for _, name in ipairs { "register_converters", "register_fetches" } do
      proxy[name] = function(...)
        registered[name] = { ... }
        return "registered"
      end
    end
    haproxy.attach()
    haproxy.attach()
    for _, name in ipairs { "register_converters", "register_fetches" } do
      local problem
      assert.equal("registered", proxy[name]("mine", function(fails, ...)
        problem = select(2, pcall(haproxy.check))
        if fails then error("mine", 0) end
        return ...
      end))
      assert.equal("mine", registered[name][1])
      local fn = registered[name][2]
      coroutine.wrap(function()
        assert.same({ 1, nil, 3 }, { fn(false, 1, nil, 3) })
        assert.matches("nothing can wait in a converter or a fetch of HAProxy. "
          .. "Do it in an action, a service or core.register_task.", problem)
        assert.same({ false, "mine" }, { pcall(fn, true) })
        assert.is_true((pcall(haproxy.check)))
      end)()
    end
  end)

  local function wait(target, seconds, ready_after, closes_after)
    local steps, dispatched = 0, 0
    if target then
      function target.ready() return steps >= (ready_after or math.huge) end
    end
    sleeps = {}
    coroutine.wrap(function()
      haproxy.wait({
        is_open = function() return steps < (closes_after or math.huge) end,
        step = function() steps = steps + 1 end,
      }, target, seconds, { waiters = { dispatch = function()
        dispatched = dispatched + 1
      end } })
    end)()
    assert.equal(steps, dispatched)
    return sleeps, steps
  end

  it("sleeps for whole milliseconds, steps, and looks", function()
    assert.same({ 1, 1, 1 }, (wait({}, 10, 3)))
    assert.equal(1, wait({}, 10, 50)[10])
    assert.equal(2, wait({}, 10, 50)[11])
    assert.same({ 250, 250, 125 }, (wait({ nap = 0.25 }, 0.625)))
    assert.same({ 1 }, (wait(nil, 0)))
    assert.same({ 1 }, (wait({}, 0.0005)))
    local all, steps = wait({}, 10, nil, 2)
    assert.same({ 3, 2 }, { #all, steps })
  end)

  it("naps by itself in one wait", function()
    assert.equal("haproxy", haproxy.name)
    coroutine.wrap(function()
      host.wait({ options = { host = "haproxy" } }, { scheduler = {},
        waiters = { dispatch = function() end }, session = {
          is_open = function() return true end, step = function() end } },
        { nap = 0.25, ready = function() return false end }, 0.625)
    end)()
    assert.same({ 250, 250, 125 }, sleeps)
  end)

  it("returns early where the sleep does not wait", function()
    function proxy.msleep(milliseconds)
      sleeps[#sleeps + 1] = milliseconds
    end
    assert.same({ 1 }, (wait({}, 10)))
  end)

  it("takes a sleep of hardly any time for none", function()
    function proxy.msleep(milliseconds)
      sleeps[#sleeps + 1] = milliseconds
      now = now + 0.00005
    end
    assert.same({ 1 }, (wait({}, 10)))
    function proxy.msleep(milliseconds)
      sleeps[#sleeps + 1] = milliseconds
      now = now + 0.0005
    end
    assert.same({ 1, 1 }, (wait({}, 10, 2)))
  end)

  it("says where nothing can wait, but for the main coroutine", function()
    for _, fn in ipairs { haproxy.check, function()
        haproxy.wait({}, nil, 1, {})
      end } do
      local ok, problem = coroutine.wrap(function()
        return pcall(string.gsub, "x", "x", function() fn() end)
      end)()
      assert.is_false(ok)
      assert.matches("nothing can wait inside string.gsub here", problem)
    end
    assert.same({}, sleeps)
    haproxy.check()
  end)

  it("logs errors", function()
    local logged
    function proxy.log(level, text) logged = { level, text } end
    haproxy.log "text"
    assert.same({ 3, "text" }, logged)
  end)
end)
