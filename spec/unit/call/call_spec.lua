-- SPDX-License-Identifier: MIT
-- A call from its first checks to its end, over a session that follows a
-- script.

local calls = require "spec.support.calls"
local core = require "lipsync.core"

local new_call, new_client = calls.call, calls.client

describe("call", function()
  it("sends nothing before it is advanced", function()
    local client = new_client { { arrived = true, status = 200 } }
    new_call(client)
    assert.equal(0, #client.transfers)
  end)

  it("ends in one go if it need not wait", function()
    local client = new_client {
      { arrived = true, status = 200, body = "b" } }
    local this = new_call(client)
    assert.is_true(this:advance())
    assert.equal("b", this.value)
    assert.equal(1, client.transfers[1].closed)
    assert.is_true(this:advance())
    assert.is_true(client.request.key)
  end)

  it("reports its target and its longest wait", function()
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

  it("does not know what was done if it ends amid a response", function()
    for status, unknown in pairs { [201] = true, [503] = true,
                                   [400] = false } do
      for _, class in ipairs { "keyed", "never" } do
        local client = new_client { { arrived = true, unread = true,
                                      status = status } }
        local this = new_call(client, nil, { retry = class })
        assert.is_false(this:advance())
        this:cancel()
        this:advance()
        assert.equal("canceled", this.err.kind)
        assert.equal(unknown, this.err.outcomeUnknown or false, status)
      end
    end
  end)

  it("repeats nothing when the time for that has passed meanwhile", function()
    local time, shift = core.time, 0
    finally(function() core.time = time end)
    core.time = function() return time() + shift end
    local cut = { arrived = true, failure = { code = "cut" } }
    local function ends_after(event, requests)
      shift = 0
      local asked, client = 0, new_client { cut, { held = true } }
      function client.listener(told)
        if told.type == event and told.attempt == requests then shift = 601 end
      end
      local _, err = new_call(client, nil, { retry = "keyed", body = "b",
        on_held = function() asked = asked + 1 end }):run()
      assert.equal("connection", err.kind)
      assert.is_true(err.outcomeUnknown)
      assert.equal(requests, #client.transfers)
      assert.equal(0, asked)
      assert.is_not_false((client.transfers[2] or { plan = {} }).plan.held)
    end
    ends_after("retry", 1)  -- while it waited for its turn
    ends_after("request", 2)  -- while the body was sent
  end)

  it("ends where all rest for longer than its time", function()
    local plan = { status = 429, body = "{}" }
    local client = new_client { plan, { arrived = true, status = 200 } }
    local this = new_call(client, { timeout = 10 })
    assert.is_false(this:advance())
    client.runtime().limiter:refuse(30)
    plan.arrived = true
    assert.is_true(this:advance())
    assert.same({ 429, 1 }, { this.err.statusCode, this.err.attempts })
    assert.is_true(this.err.retryAfter > 29)
  end)

  it("sends nothing when its time has passed in the queue", function()
    local client = new_client { {}, {} }
    local limiter = client.runtime().limiter
    limiter.slots, limiter.open = 1, 1
    local first, this = new_call(client), new_call(client, { timeout = 10 })
    assert.is_false(first:advance())
    assert.is_false(this:advance())
    this.clock:add(0, 10)
    first:cancel()
    assert.is_true(this:advance())
    assert.equal("timeout", this.err.kind)
    assert.equal(0, this.err.attempts)
    assert.equal(1, #client.transfers)
    assert.is_true(limiter:take_free {})
  end)

  it("rests without a slot of max_transfers", function()
    local refusal = { arrived = true, status = 429, body = "{}",
                      headers = { ["retry-after"] = "30" } }
    local client = new_client { refusal, { arrived = true, status = 200 } }
    local runtime, file = client.runtime(), { is_transfer = true }
    local this = new_call(client, nil, file)
    assert.is_false(this:advance())
    assert.is_true(runtime.limiter:rest() > 29)
    assert.equal(0, runtime.transfers:rest())
    local other, short = new_call(client, nil, file),
      new_call(client, { timeout = 10 }, file)
    assert.is_false(other:advance())
    assert.is_true(short:advance())
    assert.equal(429, short.err.statusCode)
    assert.equal(1, #client.transfers)
    runtime.limiter.opens_at = core.now()
    other.wake = 0
    assert.is_true(other:advance())
    assert.equal(0, runtime.limiter.refusals)
  end)

  it("learns nothing of the service from another host", function()
    local client = new_client { { arrived = true, status = 200 },
      { arrived = true, status = 404, body = "{}" } }
    local limiter = client.runtime().limiter
    limiter:refuse(0)
    for _ = 1, 2 do
      new_call(client, { max_attempts = 1 }, { key = false, is_long = true,
        origin = "https://media.example" }):advance()
      assert.equal(1, limiter.refusals)
    end
  end)

  it("sends nothing that cannot be sent", function()
    local client = new_client {}
    local bad = new_call(client, { headers = { a = "b\nc" } })
    assert.is_true(bad:advance())
    assert.same({ "invalid", "headers" }, { bad.err.kind, bad.err.field })
    client.refused = { field = "user_agent", message = "it is malformed" }
    local refused = new_call(client, nil, { key = false })
    assert.is_true(refused:advance())
    assert.same({ "invalid", "user_agent" }, { refused.err.kind,
                                               refused.err.field })
    assert.equal(0, #client.transfers)
  end)

  it("needs no key if none is sent", function()
    local client = new_client { { arrived = true, status = 200 } }
    client.has_key = false
    local without = new_call(client, nil, { key = false })
    assert.is_true(without:advance())
    assert.is_nil(without.err)
    assert.is_false(client.request.key)
    local with = new_call(client)
    assert.is_true(with:advance())
    assert.same({ "invalid", "api_key" }, { with.err.kind, with.err.field })
  end)

  it("hands over its request", function()
    local done = { arrived = true, status = 200 }
    local client = new_client { done, done }
    new_call(client, { headers = { a = "b" } }, { target = "/v2/x?y",
      mode = "objects", key = false, type = "T" }):advance()
    assert.same({ owner = client, method = "GET", path = "/v2/x?y", type = "T",
      key = false, headers = { a = "b" },
      more = { mode = "objects", blocking = false, bare = true } },
      client.request)
    new_call(client, nil, { method = "POST", body = "{}", content_type = "a/b",
      idempotency_key = "k", hold = 1 }):advance()
    assert.same({ owner = client, method = "POST", path = "/v2/x", key = true,
      body = "{}", content_type = "a/b", idempotency_key = "k",
      more = { blocking = false, hold = 1, bare = false } }, client.request)
  end)

  it("reads a stream by larger pieces where nothing else would run", function()
    for name, is_blocking in pairs { blocking = true, task = false } do
      local client = new_client { { arrived = true, status = 200 } }
      client.options.host = name
      local this = new_call(client, nil, { mode = "objects" })
      if name == "task" then
        client.runtime().scheduler:spawn(function() this:advance() end)
        client.runtime().scheduler:step(0)
      else
        this:advance()
      end
      assert.equal(is_blocking, client.request.more.blocking)
      assert.equal(not is_blocking, this.kept)
    end
  end)

  it("waits for a slot, and reports that once", function()
    local client = new_client { {}, { arrived = true, status = 200 } }
    local told = 0
    function client.listener(event)
      if event.type ~= "queued" then return end
      told = told + 1
      assert.equal(1, event.attempt)
    end
    local slots = client.runtime().limiter
    slots.slots, slots.open = 1, 1
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

  it("gives the slot back when the response begins", function()
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

  it("keeps the slot while a refusal of all is read", function()
    for status, keeps in pairs { [200] = false, [503] = false, [429] = true } do
      local client = new_client { { arrived = true, unread = true,
                                    status = status } }
      local this = new_call(client)
      assert.is_false(this:advance())
      assert.equal(keeps, client.runtime().limiter.taken[this] ~= nil, status)
      this:cancel()
    end
  end)

  it("waits out a delay, in naps if nothing wakes it", function()
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

  it("waits where another was refused with 429, but not in vain", function()
    local refused = { arrived = true, status = 429,
      headers = { ["retry-after"] = "10" }, body = '{"message":"No."}' }
    local done = { arrived = true, status = 200 }
    local client = new_client { refused, done }
    local now, shift = core.now, 0
    finally(function() core.now = now end)
    core.now = function() return now() + shift end
    local first, next_one = new_call(client), new_call(client)
    local hasty = new_call(client, { timeout = 5 })
    assert.is_false(first:advance())
    assert.is_false(next_one:advance())
    assert.equal(1, #client.transfers)
    local _, seconds = next_one:wants()
    assert.is_true(seconds > 9 and seconds <= 11)
    assert.is_true(hasty:advance())
    assert.same({ "api", 429, 0, true }, { hasty.err.kind,
      hasty.err.statusCode, hasty.err.attempts, hasty.err.retryable })
    assert.matches("^get x: 429 the service has refused another request of "
      .. "this client, so this one waited and was not sent%. The service asks "
      .. "for a wait of 1[01] s%.$", tostring(hasty.err))
    shift = 12
    assert.is_true(next_one:advance())
    assert.is_nil(next_one.err)
    assert.equal(0, client.runtime().limiter:rest())
  end)

  it("waits for none that was refused for its own sake", function()
    local done = { arrived = true, status = 200 }
    for _, case in ipairs {
      { '{"errorCode":"concurrency_limit_reached"}' },
      { '{"errorCode":"voice_clone_busy"}' },
      { "", { origin = "https://media.example" } },
    } do
      local client = new_client { { arrived = true, status = 429,
        body = case[1] }, done }
      assert.is_false(new_call(client, nil, case[2]):advance())
      assert.is_true(new_call(client):advance())
    end
  end)

  it("closes each attempt and tries again", function()
    local broken = { arrived = true,
                     failure = { code = "cut" } }
    local client = new_client { broken, broken,
      { arrived = true, status = 200, body = "b" } }
    assert.equal("b", (new_call(client):run()))
    assert.equal(3, #client.transfers)
    for _, transfer in ipairs(client.transfers) do
      assert.equal(1, transfer.closed)
    end
  end)

  it("gives back what its retries took, and one for a success", function()
    local cut = { arrived = true, failure = { code = "cut" } }
    local done = { arrived = true, status = 200 }
    local client = new_client { cut, done, done, cut, cut, done }
    local budget = client.runtime().retry_budget
    assert(budget:take(false))
    local taken = budget.spent
    assert(new_call(client):run())
    assert.equal(taken, budget.spent)
    assert(new_call(client):run())
    assert.equal(taken - 1, budget.spent)
    assert(new_call(client):run())
    assert.equal(2 * taken - 1, budget.spent)
  end)

  it("stops retrying when the budget is spent", function()
    local client = new_client { { arrived = true,
      failure = { code = "cut" } } }
    while client.runtime().retry_budget:take(false) do
      assert.is_table(client)
    end
    local _, err = new_call(client):run()
    assert.equal(1, err.attempts)
    assert.is_true(err.retryable)
  end)

  it("lets a spec turn an error into a success", function()
    local client = new_client {
      { arrived = true, failure = { code = "cut" } },
      { arrived = true, status = 404, body = "{}" } }
    local value, err, note = new_call(client, nil, { retry = "idempotent",
      refused = function(this, problem)
        if problem.statusCode == 404 and this.outcome_unknown then
          return "gone", "note"
        end
      end }):run()
    assert.equal("gone", value)
    assert.is_nil(err)
    assert.equal("note", note)
  end)

  it("counts every 2xx as a success, and nothing else", function()
    for _, case in ipairs { { 200, true }, { 204, true }, { 299, true },
                            { 301, false }, { 404, false } } do
      local client = new_client { { arrived = true, status = case[1] } }
      local value, err = new_call(client):run()
      assert.equal(case[2], value ~= nil)
      assert.equal(case[2], err == nil)
    end
  end)

  it("reports only the target of a redirect", function()
    local client = new_client { { arrived = true, status = 302,
      headers = { location = "https://user:pw@there.example/x?key=1" } } }
    local _, err = new_call(client):run()
    assert.equal("protocol", err.kind)
    assert.equal("302 redirect to https://there.example, which is not "
      .. "followed", err.message)
    assert.equal(1, #client.transfers)
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
