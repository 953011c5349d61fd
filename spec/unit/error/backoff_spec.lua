-- SPDX-License-Identifier: MIT
local backoff = require "lipsync.error.backoff"

describe("backoff", function()
  it("doubles its ceiling up to the cap", function()
    for attempt, most in ipairs { 0.25, 0.5, 1, 2, 4, 8, 16, 20, 20 } do
      assert.equal(most, backoff.jitter(attempt, 1))
      assert.equal(most / 2, backoff.jitter(attempt, 0.5))
      assert.equal(0, backoff.jitter(attempt, 0))
    end
  end)

  it("starts higher after 429", function()
    assert.equal(1, backoff.jitter(1, 1, backoff.base_busy))
    assert.equal(20, backoff.jitter(6, 1, backoff.base_busy))
    assert.equal(5, backoff.jitter(6, 1, backoff.base_busy, backoff.cap_busy))
  end)

  it("stays finite after any number of attempts", function()
    assert.equal(20, backoff.jitter(1e9, 1))
    assert.equal(0, backoff.jitter(1e9, 0))
  end)

  it("adds up to a tenth to the server's delay", function()
    assert.equal(30, backoff.asked(30, 0))
    assert.equal(31.5, backoff.asked(30, 0.5))
  end)
end)
