-- SPDX-License-Identifier: MIT
-- What answers, failures and clocks mean to a call.

local calls = require "spec.support.calls"

local new_call, new_client = calls.call, calls.client

describe("verdict", function()
  it("reads what has arrived before it judges a clock", function()
    local plan = { status = 200, body = "b" }
    local this = new_call(new_client { plan }, { timeout = 5 })
    this:advance()
    this.clock:add(0, 100)
    plan.arrived = true
    assert.is_true(this:advance())
    assert.equal("b", this.value)
  end)

  it("meets its deadline only in waits", function()
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

  it("stalls unless bytes come", function()
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

  it("closes each attempt and tries again", function()
    local broken = { arrived = true,
                     failure = { kind = "connection", message = "broke" } }
    local client = new_client { broken, broken,
      { arrived = true, status = 200, body = "b" } }
    assert.equal("b", (new_call(client):run()))
    assert.equal(3, #client.transfers)
    for _, transfer in ipairs(client.transfers) do
      assert.equal(1, transfer.closed)
    end
  end)

  it("stops retrying when the bucket is empty", function()
    local client = new_client { { arrived = true,
      failure = { kind = "connection", message = "broke" } } }
    while client.runtime().retry_budget:take(false) do
      assert.is_table(client)
    end
    local _, err = new_call(client):run()
    assert.equal(1, err.attempts)
    assert.is_true(err.retryable)
  end)

  it("lets an own word for success count", function()
    local client = new_client {
      { arrived = true, failure = { kind = "connection", message = "x" } },
      { arrived = true, status = 404, body = "{}" } }
    local value, err, note = new_call(client, nil, {
      settle = function() return "settled" end,
      refused = function(this, problem)
        if problem.statusCode == 404 and this.outcome_unknown then
          return "gone", "note"
        end
      end }):run()
    assert.equal("gone", value)
    assert.is_nil(err)
    assert.equal("note", note)
  end)

  it("calls every 2xx a success, and nothing else", function()
    for _, case in ipairs { { 200, true }, { 204, true }, { 299, true },
                            { 301, false }, { 404, false } } do
      local client = new_client { { arrived = true, status = case[1] } }
      local value, err = new_call(client):run()
      assert.equal(case[2], value ~= nil)
      assert.equal(case[2], err == nil)
    end
  end)

  it("says of a redirect only where it leads", function()
    local client = new_client { { arrived = true, status = 302,
      headers = { location = "https://user:pw@there.example/x?key=1" } } }
    local _, err = new_call(client):run()
    assert.equal("protocol", err.kind)
    assert.equal("302 redirect to https://there.example, which is not "
      .. "followed", err.message)
    assert.equal(1, #client.transfers)
  end)

  it("knows an outcome only where the server told it", function()
    local function outcome(plan)
      plan.arrived = true
      local client = new_client { plan }
      local this = new_call(client, { max_attempts = 1 },
        { settle = function() return "settled" end })
      local value = this:run()
      return this.outcome_unknown, value
    end
    local cut = { kind = "connection", message = "cut" }
    assert.is_true(outcome { failure = cut })
    assert.is_false(outcome { failure = cut, sent = false })
    for status, unclear in pairs { [500] = true, [502] = true, [504] = true,
                                   [503] = false, [404] = false } do
      assert.equal(unclear, outcome { status = status })
    end
    local unknown, value = outcome { status = 200, failure = cut }
    assert.is_nil(unknown)
    assert.equal("settled", value)
  end)

  it("shows what came instead of JSON", function()
    local client = new_client { { arrived = true, status = 200,
      headers = { ["content-type"] = "text/html" }, body = "<p>Hi" } }
    local _, err = new_call(client, nil, { accept = function(this, _, body)
      return nil, this:unexpected("a JSON array", body)
    end }):run()
    assert.equal("protocol", err.kind)
    assert.equal(200, err.statusCode)
    assert.equal("<p>Hi", err.body)
    assert.equal('expected a JSON array, got text/html (200): "<p>Hi"',
      err.message)
  end)
end)
