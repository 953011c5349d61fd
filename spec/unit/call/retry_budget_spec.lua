-- SPDX-License-Identifier: MIT
local retry_budget = require "lipsync.call.retry_budget"

describe("retry_budget", function()
  it("pays for 35 retries in a row and no more", function()
    local b, n = retry_budget.new(), 0
    while b:take(false) do n = n + 1 end
    assert.equal(35, n)
  end)

  it("charges nothing if the server named the delay", function()
    local b = retry_budget.new()
    while b:take(false) do b:take(true) end
    assert.is_true(b:take(true))
  end)

  it("gets a retry's price back after its success, else one", function()
    local b = retry_budget.new()
    while b:take(false) do b:take(true) end
    b:give(true)
    assert.is_true(b:take(false))
    assert.is_false(b:take(false))
    for _ = 1, 14 do b:give(false) end
    assert.is_true(b:take(false))
  end)

  it("never holds more than its size", function()
    local b, n = retry_budget.new(), 0
    for _ = 1, 1000 do b:give(true) end
    while b:take(false) do n = n + 1 end
    assert.equal(35, n)
  end)

  it("takes and gives back exact amounts", function()
    local b = retry_budget.new()
    assert.equal(0, b.spent)
    b.spent = 487
    assert.is_false(b:take(false))
    b:give(false)
    assert.equal(486, b.spent)
    assert.is_true(b:take(false))
    assert.equal(500, b.spent)
    b:give(true)
    assert.equal(486, b.spent)
    b.spent = 5
    b:give(true)
    assert.equal(0, b.spent)
  end)
end)
