-- SPDX-License-Identifier: MIT
local condition = require "lipsync.call.condition"
local core = require "lipsync.core"

describe("a condition", function()
  local of

  before_each(function()
    of = { canceled = false, client = { closed = false }, wake = math.huge }
  end)

  it("is ready when it is reached, and says how long to sleep", function()
    local reached = false
    local target = condition.new(of, 0.25, function(it)
      assert.equal(of, it)
      return reached
    end)
    assert.equal(0.25, target.nap)
    assert.is_false(target:ready())
    reached = true
    assert.is_true(target:ready())
  end)

  it("is ready when the call or the client has ended", function()
    local target = condition.new(of, 1, condition.is_due)
    assert.is_false(target:ready())
    of.canceled = true
    assert.is_true(target:ready())
    of.canceled, of.client.closed = false, true
    assert.is_true(target:ready())
  end)

  it("is due at its moment", function()
    local now, at = core.now, 10
    core.now = function() return at end
    of.wake = 11
    local early = condition.is_due(of)
    at = 11
    local due = condition.is_due(of)
    core.now = now
    assert.is_false(early)
    assert.is_true(due)
  end)
end)
