-- SPDX-License-Identifier: MIT
local clock = require "lipsync.clock"

describe("clock", function()
  it("counts waits and not what is between them", function()
    local c = clock.new()
    assert.equal(0, c:seconds())
    c:add(10, 12)
    c:add(100, 103)
    assert.equal(5, c:seconds())
  end)

  it("counts time once where two wait together", function()
    local c = clock.new()
    c:add(10, 12)
    c:add(10, 12)
    c:add(11, 13)
    assert.equal(3, c:seconds())
  end)

  it("does not run backwards", function()
    local c = clock.new()
    c:add(10, 9)
    assert.equal(0, c:seconds())
  end)
end)
