-- SPDX-License-Identifier: MIT
-- The programs whose scripts have threads of their own, played by tables.

local core = require "lipsync.core"
local darktable = require "lipsync.host.darktable"
local host = require "lipsync.host"
local nap = require "lipsync.host.nap"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

describe("a nap", function()
  local now, sleeps, real = 100, {}, core.now

  before_each(function() core.now = function() return now end end)
  after_each(function() core.now = real end)

  -- Waits by a function like nap.wait, but for its first parameter.
  local function wait_by(fn, target, seconds, ready_after, closes_after)
    local steps, dispatched = 0, 0
    if target then
      function target.ready() return steps >= (ready_after or math.huge) end
    end
    sleeps = {}
    fn({
      is_open = function() return steps < (closes_after or math.huge) end,
      step = function() steps = steps + 1 end,
    }, target, seconds, { waiters = { dispatch = function()
      dispatched = dispatched + 1
    end } })
    assert.equal(steps, dispatched)
    return sleeps
  end

  local function wait(...)
    return wait_by(function(...)
      nap.wait(function(some)
        sleeps[#sleeps + 1] = some
        now = now + some
      end, ...)
    end, ...)
  end

  it("is of whole milliseconds in darktable", function()
    package.loaded.darktable = { control = { sleep = function(some)
      sleeps[#sleeps + 1] = some
      now = now + some / 1000
    end } }
    assert.same({ 1, 1, 1 }, wait_by(darktable.wait, {}, 10, 3))
    assert.same({ 250, 250, 125 }, wait_by(darktable.wait, { nap = 0.25 },
      0.625))
    assert.same({ 1 }, wait_by(darktable.wait, nil, 0))
    assert.same({ 2 }, wait_by(darktable.wait, { nap = 0.0011 }, 0.0011))
    package.loaded.darktable = nil
  end)

  it("is short, and followed by a step and a look", function()
    assert.same({ 0.001, 0.001, 0.001 }, wait({}, 10, 3))
    assert.equal(0.001, wait({}, 10, 50)[10])
    assert.equal(0.002, wait({}, 10, 50)[11])
    assert.same({ 0.25, 0.25, 0.125 }, wait({ nap = 0.25 }, 0.625))
    assert.same({ 0.125 }, wait({ nap = 0.25 }, 0.125))
    assert.same({ 0 }, wait(nil, 0))
    assert.equal(3, #wait({}, 10, nil, 2))
  end)
end)

describe("a program's own sleep", function()
  local here = service.fixture(after_each)
  local naps, ends

  before_each(function() naps, ends = 0, false end)
  after_each(function() package.loaded.darktable, _G.vlc = nil, nil end)

  local programs = {}

  function programs.darktable()
    local control = setmetatable({}, { __index = function(_, name)
      if name == "ending" then return ends end
      return function(milliseconds)
        assert.is_true(milliseconds >= 1 and milliseconds % 1 == 0)
        naps = naps + 1
        scripted.sleep(milliseconds / 1000)
      end
    end })
    package.loaded.darktable = { control = control }
    return "darktable ends"
  end

  function programs.vlc()
    local now, asked = scripted.now, nil
    _G.vlc = { misc = {
      mdate = function()
        asked = math.floor(now() * 1e6)
        return asked
      end,
      mwait = function(date)
        if ends then error("Interrupted.", 0) end
        naps = naps + 1
        assert.is_true(date >= asked)
        scripted.sleep(math.max(0, date / 1e6 - now()))
      end,
    } }
    return "Interrupted."
  end

  for name, play in pairs(programs) do
    it("is the wait in " .. name .. ", and ends a call", function()
      local words = play()
      here.start { { { read = true }, { stall = 0.02 },
                     { send = scripted.response(200, '{"count":2}') } },
                   { { read = true }, { stall = 60 } } }
      local client = here.client
      coroutine.wrap(function()
        assert.equal(name, host.name(client))
        assert.equal(2, client.generations:count())
        assert.is_true(naps > 0)
        ends = true
        local ok, problem = pcall(client.generations.count, client.generations)
        assert.is_false(ok)
        assert.equal(words, problem)
      end)()
    end)
  end
end)
