-- SPDX-License-Identifier: MIT
-- From the checks before a request to its answer, over a session that does
-- what it is told.

local calls = require "spec.support.calls"
local core = require "lipsync.core"

local new_call, new_client = calls.call, calls.client

describe("a call's states", function()
  it("send nothing that cannot be sent", function()
    local client = new_client {}
    local bad = new_call(client, { headers = { a = "b\nc" } })
    assert.is_true(bad:advance())
    assert.equal("headers", bad.err.field)
    client.refused = { field = "user_agent", message = "it is malformed" }
    local refused = new_call(client, nil, { key = false })
    assert.is_true(refused:advance())
    assert.equal("user_agent", refused.err.field)
    assert.equal(0, #client.transfers)
  end)

  it("need no key where none is sent", function()
    local client = new_client { { arrived = true, status = 200 } }
    client.has_key = false
    local without = new_call(client, nil, { key = false })
    assert.is_true(without:advance())
    assert.is_nil(without.err)
    assert.is_false(client.request.key)
    local with = new_call(client)
    assert.is_true(with:advance())
    assert.equal("api_key", with.err.field)
  end)

  it("leave nothing of one request in the next one", function()
    local done = { arrived = true, status = 200 }
    local client = new_client { done, done }
    new_call(client, { headers = { a = "b" } }, { target = "/v2/x?y",
      list = true, stream = true, key = false }):advance()
    local first = client.request
    assert.same({ "/v2/x?y", true, true, false, "b" }, { first.path, first.list,
      first.stream, first.key, first.headers.a })
    new_call(client, nil, { method = "DELETE" }):advance()
    assert.same({ method = "DELETE", path = "/v2/x", key = true },
      client.request)
  end)

  it("await a place in the queue, and tell of it once", function()
    local client = new_client { {}, { arrived = true, status = 200 } }
    local told = 0
    function client.listener(event)
      if event.type == "queued" then told = told + 1 end
    end
    local slots = client.runtime().limiter
    slots.slots = 1
    local first, second = new_call(client), new_call(client)
    first:advance()
    for _ = 1, 3 do assert.is_false(second:advance()) end
    assert.equal(1, told)
    assert.is_false(second:wants():ready())
    first:cancel()
    assert.is_true(second:wants():ready())
    assert.is_true(second:advance())
    assert.is_nil(second.err)
  end)

  it("give the slot back when the answer begins", function()
    local plan = { status = 200 }
    local client = new_client { plan }
    local slots = client.runtime().limiter
    local this = new_call(client, nil, {
      read = function() return false end })
    this:advance()
    assert.is_true(slots.taken[this])
    plan.arrived = true
    this:advance()
    assert.is_nil(slots.taken[this])
  end)

  it("wait out a delay, in naps where nothing wakes it", function()
    local client = new_client { { arrived = true, status = 503 }, {} }
    local this = new_call(client)
    assert.is_false(this:advance())
    this.wake = core.now() + 10
    local condition, seconds = this:wants()
    assert.is_true(seconds > 9 and seconds <= 10)
    assert.is_true(condition.nap < 1)
    assert.is_false(condition:ready())
    this:cancel()
    assert.is_true(condition:ready())
  end)
end)
