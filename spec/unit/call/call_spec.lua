-- SPDX-License-Identifier: MIT
-- The clocks, events and ends of one call, over a session that does what it is
-- told.

local calls = require "spec.support.calls"

local new_call, new_client = calls.call, calls.client

describe("call", function()
  it("sends nothing before it is advanced", function()
    local client = new_client { { arrived = true, status = 200 } }
    new_call(client)
    assert.equal(0, #client.transfers)
  end)

  it("is over in one go where nothing must be waited for", function()
    local client = new_client {
      { arrived = true, status = 200, body = "b" } }
    local this = new_call(client)
    assert.is_true(this:advance())
    assert.equal("b", this.value)
    assert.equal(1, client.transfers[1].closed)
    assert.is_true(this:advance())
    assert.is_true(client.request.key)
  end)

  it("says what it waits for, and for how long at most", function()
    local plan = { status = 200 }
    local client = new_client({ plan }, { stall_timeout = 7 })
    local this = new_call(client, { timeout = 5 })
    assert.is_false(this:advance())
    local transfer, seconds = this:wants()
    assert.equal(client.transfers[1], transfer)
    assert.equal(5, seconds)
    plan.arrived = true
    assert.is_true(this:advance())
  end)

  it("ends in `canceled` and `closed`", function()
    local client = new_client { {}, {} }
    local this, other = new_call(client), new_call(client)
    this:advance()
    other:advance()
    this:cancel()
    assert.equal(1, client.transfers[1].closed)
    assert.is_true(this:advance())
    assert.equal("canceled", this.err.kind)
    assert.match("the call was canceled", tostring(this.err))
    client.closed = true
    assert.is_true(other:advance())
    assert.equal("closed", other.err.kind)
    assert.is_nil(next(client.runtime().limiter.taken))
  end)
end)
