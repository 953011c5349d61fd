-- SPDX-License-Identifier: MIT
-- The clocks and the outcome of one attempt of a call.

local calls = require "spec.support.calls"

local new_call, new_client = calls.call, calls.client

describe("attempt", function()
  it("reads what has arrived before it checks a clock", function()
    local plan = { status = 200, body = "b" }
    local this = new_call(new_client { plan }, { timeout = 5 })
    this:advance()
    this.clock:add(0, 100)
    plan.arrived = true
    assert.is_true(this:advance())
    assert.equal("b", this.value)
  end)

  it("reaches its deadline only in waits", function()
    local plan = { status = 200 }
    local this = new_call(new_client { plan }, { timeout = 5 })
    this:advance()
    this.clock:add(0, 4)
    assert.is_false(this:advance())
    this.clock:add(50, 51)
    assert.is_true(this:advance())
    assert.equal("timeout", this.err.kind)
    assert.equal("get x: 5 s have passed (timeout), in attempt 1.",
      tostring(this.err))
  end)

  it("stalls if no byte comes", function()
    local plan = { status = 200 }
    local this = new_call(new_client { plan },
      { stall_timeout = 3, max_attempts = 1 })
    this:advance()
    for i = 1, 5 do
      plan.bytes = i
      this.clock:add(i * 10, i * 10 + 2)
      assert.is_false(this:advance())
    end
    this.clock:add(100, 104)
    assert.is_true(this:advance())
    assert.match("nothing received for 3 s", this.err.message)
  end)

  it("stalls when the time is up, and not before", function()
    local this = new_call(new_client { { status = 200 } },
      { stall_timeout = 3, max_attempts = 1 })
    this:advance()
    this.clock:add(10, 12.5)
    assert.is_false(this:advance())
    this.clock:add(20, 20.5)
    assert.is_true(this:advance())
    assert.equal("timeout", this.err.kind)
  end)

  it("waits until the next clock runs out", function()
    local plan = { status = 200, unread = true, length = 10, uploaded = 0 }
    local this = new_call(new_client({ plan }, { stall_timeout = 7 }),
      { timeout = 20, answer_timeout = 9 }, { body = "0123456789" })
    local function patience() return (select(2, this:wants())) end
    this:advance()
    assert.equal(0.25, patience())  -- nothing wakes it when more is sent
    plan.uploaded = 10
    assert.equal(9, patience())
    this.clock:add(10, 12)
    assert.equal(7, patience())
    plan.arrived = true
    assert.equal(5, patience())
    assert.is_false(this:advance())
    assert.equal(7, patience())
    plan.bytes = 1
    this.clock:add(20, 34)
    assert.is_false(this:advance())
    assert.equal(4, patience())
    this.clock:add(40, 45)
    assert.equal(0, patience())
  end)

  it("has a time of its own for the answer", function()
    local plan = { length = 10, uploaded = 9 }
    local this = new_call(new_client { plan }, { stall_timeout = 3,
      answer_timeout = 9, max_attempts = 1 }, { body = "0123456789" })
    this:advance()
    this.clock:add(10, 12)
    plan.uploaded = 10
    assert.is_false(this:advance())
    this.clock:add(20, 28.5)
    assert.is_false(this:advance())
    this.clock:add(30, 30.5)
    assert.is_true(this:advance())
    assert.matches("for 9 s %(answer_timeout%)", tostring(this.err))
  end)

  it("knows a page by its media type", function()
    for media, is_page in pairs { ["text/html"] = true,
        [" Text/HTML ; charset=x"] = true,
        ["application/xhtml+xml;x"] = true, ["text/htmlx"] = false,
        ["video/mp4"] = false, [""] = false } do
      local this = new_call(new_client { { arrived = true, unread = true,
        status = 200, headers = { ["content-type"] = media } } })
      this:advance()
      assert.equal(is_page, this.attempt:is_page(), media)
      this:cancel()
    end
    local this = new_call(new_client { { arrived = true, unread = true,
                                         status = 200 } })
    this:advance()
    assert.is_nil(this.attempt:media())
    assert.is_false(this.attempt:is_page())
    this:cancel()
  end)

  it("knows an outcome only if the server sent it", function()
    local function outcome(plan)
      plan.arrived = true
      local client = new_client { plan }
      local this = new_call(client, { max_attempts = 1 },
        { retry = "idempotent" })
      this:run()
      return this.outcome_unknown or false
    end
    local cut = { code = "cut" }
    assert.is_true(outcome { failure = cut })
    assert.is_false(outcome { failure = cut, sent = false })
    for status, unclear in pairs { [500] = true, [502] = true, [504] = true,
                                   [503] = false, [404] = false } do
      assert.equal(unclear, outcome { status = status })
    end
    assert.is_true(outcome { status = 200, failure = cut })
  end)

  it("knows that a request without its end did nothing", function()
    local function outcome(plan)
      plan.arrived, plan.failure = true, { code = "cut" }
      local this = new_call(new_client { plan }, { max_attempts = 1 },
        { retry = "keyed" })
      this:run()
      return this.outcome_unknown or false
    end
    assert.is_false(outcome { uploaded = 9, length = 10 })
    assert.is_true(outcome { uploaded = 10, length = 10 })
  end)

  it("believes no 303, nor 5xx but 501 and 505, if it may be twice", function()
    for status, unclear in pairs { [500] = true, [503] = true, [599] = true,
                                   [501] = false, [505] = false,
                                   [429] = false, [302] = false,
                                   [303] = true } do
      for _, class in ipairs { "keyed", "never" } do
        local this = new_call(new_client { { arrived = true,
          status = status } }, { max_attempts = 1 }, { retry = class })
        this:run()
        assert.equal(unclear, this.outcome_unknown or false, status)
      end
    end
  end)
end)
