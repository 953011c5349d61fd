-- SPDX-License-Identifier: MIT
local core = require "lipsync.core"
local repeats = require "lipsync.call.repeats"

describe("repeats", function()
  local now, time = core.now, core.time
  local at, date

  before_each(function()
    at, date = 100, 1000
    core.now = function() return at end
    core.time = function() return date end
  end)

  after_each(function() core.now, core.time = now, time end)

  local function pass(seconds)
    at, date = at + seconds, date + seconds
  end

  it("are never too late as long as nothing is in doubt", function()
    local past = repeats.new()
    pass(1e6)
    assert.is_false(past.err)
    assert.is_false(past:is_too_late(0))
  end)

  it("are too late 600 s after the first request in doubt", function()
    local past = repeats.new()
    past:doubt("first", at, date)
    pass(590)
    past:doubt("second", at, date)
    assert.equal("second", past.err)
    assert.is_false(past:is_too_late(10))
    assert.is_true(past:is_too_late(11))
  end)

  it("count from the end of the request, not from its error", function()
    local past = repeats.new(20)
    local since, sent = at, date
    pass(30)
    past:doubt("late", since, sent)
    assert.is_true(past:is_too_late(0))
  end)

  it("go by the clock that is further on", function()
    for _, which in ipairs { "now", "time" } do
      local past = repeats.new(20)
      past:doubt("x", at, date)
      if which == "now" then at = at + 21 else date = date + 21 end
      assert.is_true(past:is_too_late(0))
    end
  end)

  it("know of an earlier process", function()
    local past = repeats.new(20, { err = "open", at = date - 15 })
    assert.equal("open", past.err)
    assert.is_false(past:is_too_late(4))
    assert.is_true(past:is_too_late(6))
    assert.is_false(repeats.new(20, { err = "open", at = date + 99 })
      :is_too_late(0))
    -- Also where the wall clock does not go on.
    at = at + 5
    assert.is_false(past:is_too_late(0))
    at = at + 1
    assert.is_true(past:is_too_late(0))
    past = repeats.new(20, { err = "open", at = date })
    at = at + 19.5
    assert.is_false(past:is_too_late(0))
  end)
end)
