-- SPDX-License-Identifier: MIT
-- The timers and logs of mpv and OBS, played by tables.

local timer = require "lipsync.host.timer"

describe("a timer", function()
  local real = { mp = rawget(_G, "mp"), obslua = rawget(_G, "obslua") }

  after_each(function()
    rawset(_G, "mp", real.mp)
    rawset(_G, "obslua", real.obslua)
  end)

  it("is only in these programs", function()
    assert.is_nil(timer.loop())
    assert.is_false(timer.logs())
    rawset(_G, "mp", {})
    rawset(_G, "obslua", {})
    assert.is_nil(timer.loop())
    assert.is_false(timer.logs())
  end)

  it("of mpv runs once, and can be killed", function()
    local set, killed = nil, 0
    local handle = { kill = function() killed = killed + 1 end }
    rawset(_G, "mp", { add_timeout = function(seconds, fn)
      set = { seconds, fn }
      return handle
    end })
    local loop = timer.loop()
    local function fn() end
    assert.equal(handle, loop.after(0.5, fn))
    assert.same({ 0.5, fn }, set)
    loop.cancel(handle)
    assert.equal(1, killed)
  end)

  it("of OBS ticks while something is due, and removes itself", function()
    local ticks, sets, removed, ran = nil, {}, 0, 0
    rawset(_G, "obslua", {
      timer_add = function(tick, milliseconds)
        ticks, sets[#sets + 1] = tick, milliseconds
      end,
      timer_remove = function(tick)
        assert.equal(ticks, tick)
        ticks, removed = nil, removed + 1
      end,
    })
    local loop = timer.loop()
    local function run() ran = ran + 1 end
    local handle = loop.after(1, run)
    assert.equal(ticks, handle)
    loop.after(1, run)
    assert.same({ 5 }, sets)
    ticks()
    assert.same({ 1, 0 }, { ran, removed })
    loop.after(1, run)
    loop.cancel(handle)
    assert.equal(0, removed)
    ticks()
    assert.same({ 1, 1 }, { ran, removed })
    loop.after(1, run)
    assert.same({ 5, 5 }, sets)
    ticks()
    assert.equal(2, ran)
  end)

  it("of mpv comes with a log", function()
    local logged
    rawset(_G, "mp", { add_timeout = function() end })
    assert.is_false(timer.logs())
    rawset(_G, "mp", { add_timeout = function() end, msg = {
      error = function(text) logged = text end } })
    assert.is_true(timer.logs())
    timer.log "text"
    assert.equal("text", logged)
  end)

  it("of OBS comes with a log", function()
    local logged
    rawset(_G, "obslua", { LOG_ERROR = 100, script_log = function(level, text)
      logged = { level, text }
    end })
    assert.is_true(timer.logs())
    timer.log "text"
    assert.same({ 100, "text" }, logged)
  end)
end)
