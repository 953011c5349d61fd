-- SPDX-License-Identifier: MIT
-- A call from its first checks to its end, over a session that follows a
-- script.

local attempt = require "lipsync.call.attempt"
local call = require "lipsync.call"
local calls = require "spec.support.calls"
local core = require "lipsync.core"
local lua51 = require "lipsync.host.lua51"

local new_call, new_client = calls.call, calls.client

describe("call", function()
  -- Stops the clocks, and the chance in delays; gives what they show.
  local function stop_clocks()
    local now, time, random = core.now, core.time, core.random
    finally(function() core.now, core.time, core.random = now, time, random end)
    local shown = { now = 1000, time = 5000 }
    core.now = function() return shown.now end
    core.time = function() return shown.time end
    core.random = function() return 0.5 end
    return shown
  end

  -- The events of a client, each as a text of its type and this member.
  local function listen(client, member)
    local heard = {}
    function client.listener(event)
      heard[#heard + 1] = event.type .. " " .. tostring(event[member])
    end
    return heard
  end

  -- Advances a call until it waits for no delay.
  local function advance(this, shown)
    local is_over = this:advance()
    while not is_over and not this.attempt do
      shown.now = math.max(shown.now, this.wake)
      is_over = this:advance()
    end
    return is_over
  end

  local function refusal(status, code)
    return { arrived = true, status = status,
             body = ('{"errorCode":"%s"}'):format(code or "e") }
  end
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
    local asking = { arrived = true, status = 429, body = "{}",
                     headers = { ["retry-after"] = "30" } }
    local client = new_client { asking, { arrived = true, status = 200 } }
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

  it("may name another path and object than its spec", function()
    local client = new_client { refusal(404), refusal(404) }
    local spec = { action = "get x", method = "GET", path = "/v2/x", id = "a",
                   retry = "safe", read = attempt.whole }
    for _, case in ipairs { { nil, nil, "/v2/x", "get x a: 404" },
                            { "/v2/y", "b", "/v2/y", "get x b: 404" } } do
      local this = call.new(client, spec, {}, case[1], case[2])
      assert.is_true(this:advance())
      assert.equal(case[3], this.err.path)
      assert.equal(case[4], tostring(this.err):sub(1, #case[4]))
      assert.equal(case[3], client.request.path)
    end
  end)

  it("waits for an answer as long as it says, or its spec", function()
    for _, case in ipairs { { nil, 9, 9 }, { 8, 9, 8 }, { 8, nil, 8 },
                            { nil, nil, 30 } } do
      local this = new_call(new_client { {} }, { answer_timeout = case[1] },
        { answer_timeout = case[2] })
      this:advance()
      assert.equal(case[3], (select(2, this:wants())))
    end
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
                            { 300, false }, { 301, false }, { 404, false } } do
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

  -- ---- Waiting for a turn ----

  it("waits patiently while all is refused, unless told not to", function()
    local shown = stop_clocks()
    -- Whether a call waits for a rest that is longer than its time.
    local function waits(more, given, age)
      local client = new_client {}
      client.runtime().limiter:refuse(200)
      shown.now = shown.now + (age or 0)
      local this = new_call(client, given, more)
      this.clock:add(0, 59.5)
      local is_over = this:advance()
      assert.equal(0, #client.transfers)
      if is_over then assert.equal(429, this.err.statusCode) end
      return not is_over
    end
    assert.is_false(waits())
    assert.is_true(waits { is_patient = true })
    assert.is_true(waits { group = {} })
    assert.is_true(waits({ group = {} }, { max_attempts = 2 }))
    assert.is_false(waits({ group = {} }, { max_attempts = 1 }))
    assert.is_false(waits({ group = {} }, { timeout = 60 }))
    assert.is_true(waits({ group = {} }, { timeout = math.huge }))
    assert.is_true(waits({ group = {} }, nil, 120))
    assert.is_false(waits({ group = {} }, nil, 121))
  end)

  it("ends in the queue when its time is over", function()
    stop_clocks()
    for patient, kind in pairs { [true] = "timeout", [false] = "api" } do
      local client = new_client {}
      client.runtime().limiter:refuse(40)
      local this = new_call(client, nil, { is_patient = patient })
      assert.is_false(this:advance())
      this.clock:add(0, 59.5)
      if patient then assert.is_false(this:advance()) end
      this.clock:add(60, 61)
      assert.is_true(this:advance())
      assert.equal(kind, this.err.kind)
      assert.equal(0, #client.transfers)
    end
  end)

  it("does not wait for a rest that ends with its time", function()
    stop_clocks()
    for _, is_transfer in ipairs { false, true } do
      for timeout, ends in pairs { [10] = true, [10.5] = false, [9] = true } do
        local client = new_client {}
        client.runtime().limiter:refuse(10)
        local this = new_call(client, { timeout = timeout },
          { is_transfer = is_transfer })
        assert.equal(ends, this:advance())
        if ends then assert.equal(429, this.err.statusCode) end
      end
    end
  end)

  it("says of a short rest too why it was not sent", function()
    stop_clocks()
    local client = new_client {}
    client.runtime().limiter:refuse(0.5)
    local this = new_call(client, { timeout = 0.4 })
    assert.is_true(this:advance())
    assert.equal(429, this.err.statusCode)
  end)

  it("names what it waited for in vain", function()
    for option, is_transfer in pairs { max_in_flight = false,
                                       max_transfers = true } do
      local client = new_client {}
      local runtime = client.runtime()
      local slots = is_transfer and runtime.transfers or runtime.limiter
      slots.slots, slots.open = 1, 1
      assert.is_true(slots:take({}, core.now()))
      local this = new_call(client, { timeout = 5 },
        { is_transfer = is_transfer })
      assert.is_false(this:advance())
      this.clock:add(0, 4.5)
      assert.is_false(this:advance())
      this.clock:add(4.5, 5)
      assert.is_true(this:advance())
      assert.equal("5 s have passed (timeout), waiting for one of 1 connection "
        .. "(" .. option .. ")", this.err.message)
    end
  end)

  it("goes first where its wait would block those with a slot", function()
    local client = new_client { {}, {} }
    client.options.host = "blocking"
    local limiter = client.runtime().limiter
    limiter.slots, limiter.open = 1, 1
    local first, second = {}, {}
    limiter:take(first, core.now())
    limiter:take(second, core.now())
    local this = new_call(client)
    assert.is_false(this:advance())
    assert.equal(0, #client.transfers)
    limiter:release(first)
    assert.is_false(this:advance())
    assert.equal(1, #client.transfers)
    assert.is_false(limiter:take(second, core.now()))
    this:cancel()
    -- Also where that had not asked before.
    this = new_call(client)
    assert.is_false(this:advance())
    assert.equal(2, #client.transfers)
  end)

  it("rests in the queue, but with a file of the service's beside it",
    function()
      local shown = stop_clocks()
      for name, case in pairs {
          call = { {}, "queued 1", false },
          file = { { is_transfer = true }, nil, false },
          ["file of another host"] = { { is_transfer = true, key = false,
            origin = "https://there.example" }, "request 1", true } } do
        local client = new_client { {} }
        client.runtime().limiter:refuse(0.5)
        local heard = listen(client, "attempt")
        local this = new_call(client, nil, case[1])
        assert.is_false(this:advance())
        assert.same({ case[2] }, heard, name)
        assert.equal(case[3], client.transfers[1] ~= nil)
        local _, seconds = this:wants()
        if not case[3] then assert.equal(0.5, seconds) end
        shown.now = shown.now + 0.5
        assert.is_false(this:advance())
        assert.equal(1, #client.transfers)
      end
    end)

  it("is due at the end of its delay, and not before", function()
    local shown = stop_clocks()
    local client = new_client { refusal(503), {} }
    local this = new_call(client)
    assert.is_false(this:advance())
    assert.equal(shown.now + 0.125, this.wake)
    shown.now = this.wake - 0.001
    assert.is_false(this:advance())
    assert.equal(1, #client.transfers)
    shown.now = this.wake
    assert.is_false(this:advance())
    assert.equal(2, #client.transfers)
    assert.equal(client.transfers[2], (this:wants()))
  end)

  it("tells each time that it waits for a slot", function()
    local shown = stop_clocks()
    local client = new_client { refusal(503), {} }
    local heard = listen(client, "attempt")
    local limiter = client.runtime().limiter
    limiter.slots, limiter.open = 1, 1
    local other = {}
    limiter:take(other, shown.now)
    local this = new_call(client)
    assert.is_false(this:advance())
    limiter:release(other)
    assert.is_false(this:advance())
    limiter:take(other, shown.now)
    shown.now = this.wake
    assert.is_false(this:advance())
    assert.same({ "queued 1", "request 1", "response 1", "retry 1",
                  "queued 2" }, heard)
  end)

  it("waits once for what it wants, which its clock counts", function()
    local shown = stop_clocks()
    local client = new_client { {} }
    local this = new_call(client)
    this:advance()
    local waited
    client.options.host = function(_, target, seconds)
      waited = { target, seconds }
      shown.now = shown.now + 2
    end
    this:wait()
    assert.same({ client.transfers[1], 30 }, waited)
    assert.equal(2, this.clock:seconds())
    assert.equal(58, this:remaining())
  end)

  it("gives its slot back if its host raises", function()
    if lua51.is_limited() then return end  -- nothing can catch it there
    local client = new_client { {} }
    client.options.host = function() error("mine", 0) end
    local this = new_call(client)
    assert.same({ false, "mine" }, { pcall(this.run, this) })
    assert.is_nil(next(client.runtime().limiter.taken))
    assert.equal(1, client.transfers[1].closed)
  end)

  -- ---- What is counted ----

  -- The seconds of each retry that was heard of.
  local function delays_of(heard)
    local delays = {}
    for _, text in ipairs(heard) do
      delays[#delays + 1] = tonumber(text:match "^retry (.*)")
    end
    return delays
  end

  it("counts no \"not yet\" as an attempt", function()
    local shown = stop_clocks()
    local busy = refusal(409, "busy")
    local client = new_client { busy, busy, busy, busy, busy, refusal(503),
                                busy, { arrived = true, status = 200 } }
    local heard = listen(client, "delay")
    local this = new_call(client, nil, { later = { busy = true } })
    assert.is_true(advance(this, shown))
    assert.is_nil(this.err)
    assert.same({ 0.5, 1, 2, 4, 8, 0.125, 10 }, delays_of(heard))
    assert.equal(0, client.runtime().retry_budget.spent)
  end)

  it("ends by a code that ends it", function()
    local client = new_client { refusal(503, "over") }
    local this = new_call(client, nil, { later = { over = false } })
    assert.is_true(this:advance())
    assert.equal("over", this.err.errorCode)
  end)

  it("counts no refusal of all, where it is patient", function()
    local shown = stop_clocks()
    local no, done = refusal(429), { arrived = true, status = 200 }
    local client = new_client { no, no, no, no, no, refusal(503), done }
    local heard = listen(client, "delay")
    local this = new_call(client, nil, { is_patient = true })
    assert.is_true(advance(this, shown))
    assert.is_nil(this.err)
    assert.same({ 0.5, 1, 2, 2.5, 2.5, 0.125 }, delays_of(heard))
    -- Others end after their attempts.
    client = new_client { no, no, no, no, no }
    assert.is_true(advance(new_call(client), shown))
    assert.equal(4, #client.transfers)
  end)

  it("pays for retries that nobody has asked for", function()
    local shown = stop_clocks()
    local function spent(refused, more)
      local client = new_client { refused, {} }
      assert.is_false(advance(new_call(client, nil, more), shown))
      return client.runtime().retry_budget.spent > 0
    end
    assert.is_true(spent(refusal(503)))
    assert.is_true(spent(refusal(429)))
    assert.is_false(spent(refusal(429), { is_patient = true }))
    assert.is_false(spent(refusal(409, "busy"), { later = { busy = true } }))
    local asked = refusal(503)
    asked.headers = { ["retry-after"] = "1" }
    assert.is_false(spent(asked))
  end)

  it("gives back the last of what was spent", function()
    local client = new_client { { arrived = true, status = 200 } }
    local budget = client.runtime().retry_budget
    budget.spent = 1
    new_call(client):advance()
    assert.equal(0, budget.spent)
  end)

  it("does not wait for longer than its time, whoever was told so", function()
    stop_clocks()
    for timeout, is_over in pairs { [10] = true, [11] = false } do
      local plan = refusal(429)
      plan.arrived = false
      local client = new_client { plan }
      local this = new_call(client, { timeout = timeout })
      assert.is_false(this:advance())
      client.runtime().limiter:refuse(10)
      plan.arrived = true
      assert.equal(is_over, this:advance())
      if is_over then assert.equal(10, this.err.retryAfter) end
    end
  end)

  it("sends a file not sooner than it took the last time", function()
    local shown = stop_clocks()
    for is_transfer, delay in pairs { [true] = 30, [false] = 0.5 } do
      local plan = refusal(409, "busy")
      plan.arrived = false
      local client = new_client { plan }
      local this = new_call(client, nil, { later = { busy = true },
        is_transfer = is_transfer })
      assert.is_false(this:advance())
      this.clock:add(0, 29)
      this.clock:add(29, 30)
      plan.arrived = true
      assert.is_false(this:advance())
      assert.equal(shown.now + delay, this.wake)
    end
  end)

  it("learns that not all is refused from any other answer", function()
    for _, case in ipairs {
        { { arrived = true, status = 200 }, 0 }, { refusal(404), 0 },
        { refusal(503), 0 }, { refusal(429), 2 },
        { { arrived = true, failure = { code = "cut" } }, 1 } } do
      local client = new_client { case[1] }
      local limiter = client.runtime().limiter
      limiter:refuse(0)
      new_call(client, { max_attempts = 2 }, { is_long = true }):advance()
      assert.equal(case[2], limiter.refusals)
    end
  end)

  it("sends the body unasked after a 417, once", function()
    local shown = stop_clocks()
    local client = new_client { refusal(417), refusal(503), refusal(417) }
    local heard = listen(client, "delay")
    local this = new_call(client, { max_attempts = 2 }, { body = "b" })
    assert.is_true(advance(this, shown))
    assert.equal(417, this.err.statusCode)
    assert.equal(3, #client.transfers)
    assert.is_true(client.request.more.no_expect)
    assert.equal("retry 0", heard[3])
    client = new_client { refusal(417), refusal(503), refusal(503) }
    assert.is_true(advance(new_call(client, { max_attempts = 2 },
      { body = "b" }), shown))
    assert.equal(3, #client.transfers)
    client = new_client { refusal(417) }
    assert.is_true(new_call(client):advance())
    assert.equal(1, #client.transfers)
  end)

  -- ---- What may have been done ----

  it("repeats nothing that must not be, once it was sent", function()
    local shown = stop_clocks()
    local cut = { arrived = true, failure = { code = "cut" } }
    local unsent = { arrived = true, sent = false, failure = { code = "cut" } }
    for _, case in ipairs { { cut, 1 }, { unsent, 2 }, { refusal(503), 1 },
                            { refusal(429), 2 } } do
      local client = new_client { case[1], { arrived = true, status = 200 } }
      assert.is_true(advance(new_call(client, nil, { retry = "never" }),
        shown))
      assert.equal(case[2], #client.transfers)
    end
  end)

  it("tells what may have been done, and how it ended", function()
    local shown = stop_clocks()
    local cut = { arrived = true, failure = { code = "cut" } }
    local function fails(plans, class, more)
      local spec = { retry = class }
      for name, value in pairs(more or {}) do spec[name] = value end
      local this = new_call(new_client(plans), { max_attempts = 2 }, spec)
      assert.is_true(advance(this, shown))
      return this.err
    end
    local err = fails({ cut, refusal(400, "no") }, "keyed")
    assert.same({ "connection", true, 400 }, { err.kind, err.outcomeUnknown,
                                               err.cause.statusCode })
    assert.matches("^the connection broke, and then: 400 no: ", err.message)
    err = fails({ cut, cut }, "keyed")
    assert.same({ "the connection broke", true }, { err.message,
                                                    err.outcomeUnknown })
    assert.is_nil(err.cause)
    assert.is_nil(fails({ cut, cut }, "safe").outcomeUnknown)
    assert.is_nil(fails({ refusal(400) }, "keyed").outcomeUnknown)
    -- By the service's own word.
    local unsettled = { unsettled = { open = true } }
    err = fails({ refusal(429, "open"), refusal(400, "no") }, "keyed",
      unsettled)
    assert.same({ 429, true, 400 }, { err.statusCode, err.outcomeUnknown,
                                      err.cause.statusCode })
    assert.is_true(fails({ refusal(409, "open") }, "keyed", unsettled)
      .outcomeUnknown)
    assert.is_nil(fails({ refusal(409, "no") }, "keyed", unsettled)
      .outcomeUnknown)
  end)

  it("does not know what was done where the answer makes no sense", function()
    for class, unknown in pairs { safe = false, keyed = true, never = true,
                                  idempotent = true } do
      -- Even before the whole request was sent.
      local this = new_call(new_client { { arrived = true, status = 200,
        uploaded = 3, length = 10 } }, { max_attempts = 1 }, { retry = class,
          accept = function() return nil, { code = "gzip" } end })
      assert.is_true(this:advance())
      assert.equal("protocol", this.err.kind)
      assert.equal(unknown, this.err.outcomeUnknown or false, class)
    end
  end)

  it("does not know what was done when the client is closed", function()
    for class, unknown in pairs { safe = false, keyed = true } do
      local client = new_client { {} }
      local this = new_call(client, nil, { retry = class })
      this:advance()
      client.closed = true
      assert.is_true(this:advance())
      assert.same({ "closed", unknown }, { this.err.kind,
                                           this.err.outcomeUnknown or false })
    end
  end)

  it("knows what an earlier process has sent", function()
    local shown = stop_clocks()
    local function ends(at)
      local client = new_client { {} }
      local this = new_call(client, nil, { retry = "keyed",
        earlier = { err = { kind = "timeout", message = "m" }, at = at } })
      if not this:advance() then
        this:cancel()
        this:advance()
      end
      return { #client.transfers, this.err.kind,
               this.err.outcomeUnknown or false }
    end
    assert.same({ 1, "canceled", true }, ends(shown.time - 600))
    assert.same({ 0, "timeout" }, { ends(shown.time - 601)[1],
                                    ends(shown.time - 601)[2] })
    local this = new_call(new_client {}, nil, { retry = "keyed",
      earlier = { err = {}, at = shown.time } })
    this:cancel()
    assert.is_true(this:advance())
    assert.is_true(this.err.outcomeUnknown)
  end)

  -- ---- The end of the body ----

  it("sends the last bytes when it may", function()
    local shown = stop_clocks()
    local plan = { held = true, length = 9, uploaded = 8 }
    local asked, may = 0, false
    local client = new_client { plan }
    local this = new_call(client, nil, { body = "123456789", hold = 1,
      on_held = function(it)
        assert.equal(client, it.client)
        asked = asked + 1
        return may
      end })
    assert.is_false(this:advance())
    for i = 1, 2 do
      assert.is_false(this:advance())
      assert.equal(i, asked)
      local target, seconds = this:wants()
      assert.is_true(target ~= client.transfers[1])
      assert.is_true(math.abs(seconds - 0.005) < 1e-6)
      assert.is_false(target:ready())
      shown.now = shown.now + 0.01
      assert.is_true(target:ready())
    end
    assert.is_true(plan.held)
    may = true
    assert.is_false(this:advance())
    assert.is_false(plan.held)
    assert.equal(client.transfers[1], (this:wants()))
    assert.is_false(this:advance())
    assert.equal(3, asked)
    -- Where nobody is asked it may.
    plan.held = true
    this.spec.on_held = nil
    assert.is_false(this:advance())
    assert.is_false(plan.held)
  end)

  it("ends without the last bytes when it may not", function()
    local plan = { held = true, length = 9, uploaded = 8 }
    local client = new_client { plan }
    local heard = listen(client, "bytes")
    local this
    this = new_call(client, nil, { body = "123456789", retry = "keyed",
      on_held = function() return nil, this:error("invalid", "changed") end })
    assert.is_false(this:advance())
    assert.is_true(this:advance())
    assert.same({ "invalid", "changed" }, { this.err.kind, this.err.message })
    assert.is_true(plan.held)
    assert.same({ "request nil", "response 0" }, heard)
    assert.equal(1, client.transfers[1].closed)
    assert.is_nil(next(client.runtime().limiter.taken))
  end)

  it("may be repeated for a time from its last bytes on", function()
    local shown = stop_clocks()
    local function attempts(before, after)
      local plan = { held = true, length = 9, uploaded = 9 }
      local client = new_client { plan, {} }
      local this = new_call(client, nil, { retry = "keyed", body = "123456789",
        hold = 1, on_held = function() return true end })
      assert.is_false(this:advance())
      shown.time = shown.time + before
      assert.is_false(this:advance())
      shown.time = shown.time + after
      plan.failure, plan.arrived = { code = "cut" }, true
      advance(this, shown)
      return #client.transfers
    end
    assert.equal(2, attempts(700, 590))
    assert.equal(1, attempts(0, 600))
    assert.equal(1, attempts(0, 700))
  end)

  it("sends the last bytes of a repetition only in that time", function()
    local shown = stop_clocks()
    for passed, is_sent in pairs { [600] = true, [601] = false } do
      local plan = { held = true, length = 9, uploaded = 8 }
      local client = new_client {
        { arrived = true, failure = { code = "cut" } }, plan }
      local from = shown.time
      local this = new_call(client, nil, { retry = "keyed", body = "123456789",
        on_held = function() return true end })
      assert.is_false(this:advance())
      shown.now = this.wake
      assert.is_false(this:advance())
      assert.equal(2, #client.transfers)
      shown.time = from + passed
      assert.equal(not is_sent, this:advance())
      assert.equal(not is_sent, plan.held)
    end
  end)

  it("closes its body and tells its end", function()
    for _, case in ipairs {
        { { arrived = true, status = 200 }, {}, 1 },
        { refusal(400), {}, 1 },
        { {}, { headers = { a = "b\nc" } }, 0 } } do
      local closed, ended = 0, 0
      local this = new_call(new_client { case[1] }, case[2], { parts = {},
        body = { close = function() closed = closed + 1 end },
        on_end = function(it)
          assert.is_true(it.over)
          ended = ended + 1
        end })
      assert.is_true(this:advance())
      assert.same({ 1, case[3] }, { closed, ended })
    end
    local closed = 0
    local this = new_call(new_client { {} }, nil, { parts = {},
      body = { close = function() closed = closed + 1 end } })
    this:advance()
    assert.equal(0, closed)
    this:cancel()
    assert.equal(1, closed)
  end)

  it("ends when its listener raises", function()
    local client = new_client { {} }
    function client.listener() error("mine", 0) end
    local this = new_call(client)
    assert.same({ false, "mine" }, { pcall(this.advance, this) })
    assert.is_true(this.over)
    assert.same({ "canceled", "on_event raised an error" },
      { this.err.kind, this.err.message })
  end)

  it("minds a key that cannot be sent only where it is sent", function()
    local client = new_client { { arrived = true, status = 200 } }
    client.refused = { field = "api_key", message = "it is malformed" }
    local this = new_call(client, nil, { key = false })
    assert.is_true(this:advance())
    assert.is_nil(this.err)
    this = new_call(client)
    assert.is_true(this:advance())
    assert.same({ "invalid", "api_key", "it is malformed" },
      { this.err.kind, this.err.field, this.err.message })
    client.refused, client.has_key = nil, false
    this = new_call(client)
    this:advance()
    assert.matches("Pass lipsync%.new", tostring(this.err))
  end)

  it("knows how far it is", function()
    local plan = { bytes = 7, uploaded = 2, length = 3 }
    local this = new_call(new_client { plan }, nil, { body = "123" })
    assert.equal(0, this:received())
    assert.is_nil(this:uploaded())
    assert.is_falsy(this:begun())
    this:advance()
    assert.same({ 7, 2, 3 }, { this:received(), this:uploaded() })
    assert.is_false(this:begun())
    plan.arrived, plan.status, plan.bytes = true, 200, 9
    assert.is_true(this:begun())
    assert.is_true(this:advance())
    assert.equal(9, this:received())
    assert.is_nil(this:uploaded())
  end)

  -- ---- Streams ----

  -- A stream of these pieces, after a first one "a".
  local function stream(pieces, more, plans)
    local client = new_client(plans or { { arrived = true, status = 200,
                                           bytes = 5 }, {} })
    local function read()
      local one = table.remove(pieces, 1)
      if one == false then return false end
      if type(one) == "table" then return true, nil, one end
      return true, one
    end
    local spec = { mode = "objects", read = function() return true, "a" end,
      read_on = read, accept = function(this, _, value)
        this.keep_open = true
        return value
      end }
    for name, value in pairs(more or {}) do spec[name] = value end
    local this = new_call(client, nil, spec)
    return this, client
  end

  it("goes on after its first object until it is closed", function()
    local this, client = stream { "b", false, "c" }
    assert.is_true(this:advance())
    assert.equal("a", this.value)
    local transfer = client.transfers[1]
    transfer.position = function() return 12 end
    assert.equal(0, transfer.closed)
    assert.is_false(this.attempt.page)
    assert.same({ true, "b" }, { this:follow() })
    assert.is_true(this.attempt.page)  -- the first one was delivered
    assert.equal(12, this:position())
    assert.same({ false }, { this:follow() })
    assert.same({ true, "c" }, { this:follow() })
    assert.same({ true }, { this:follow() })
    assert.equal(0, transfer.closed)
    local woken = 0
    client.runtime().waiters:subscribe(transfer, { wake = function()
      woken = woken + 1
    end })
    this:close()
    assert.same({ 1, 1 }, { transfer.closed, woken })
    this:close()
    assert.equal(1, transfer.closed)
  end)

  it("reads on as it began where there is no other way", function()
    local this = stream({}, { read = function() return true, "x" end })
    this.spec.read_on = nil
    this:advance()
    assert.same({ true, "x" }, { this:follow() })
  end)

  it("follows no more once it was ended", function()
    local this = stream { "b" }
    this:advance()
    this:cancel()
    local over, value, err = this:follow()
    assert.same({ true, "canceled" }, { over, err.kind })
    assert.is_nil(value)
    local client
    this, client = stream { "b" }
    this:advance()
    client.closed = true
    over, value, err = this:follow()
    assert.same({ true, "closed" }, { over, err.kind })
    assert.is_nil(value)
  end)

  it("tells that a stream broke, and makes another attempt", function()
    local shown = stop_clocks()
    for moved, attempts in pairs { [true] = 2, [false] = 3 } do
      local ok = { arrived = true, status = 200 }
      local this, client = stream({ "b", { code = "cut" } }, nil,
        { refusal(503), ok, ok })
      local heard = listen(client, "attempt")
      assert.is_true(advance(this, shown))
      assert.same({ true, "b" }, { this:follow() })
      local before = #heard
      local over, value, err = this:follow()
      assert.same({ true, "connection" }, { over, err.kind })
      assert.is_nil(value)
      assert.same({ before + 1, "response 2" }, { #heard, heard[#heard] })
      this:again(err, moved)
      assert.equal(1, client.transfers[2].closed)
      assert.is_false(this.over)
      assert.is_nil(this.value)
      assert.is_true(advance(this, shown))
      assert.equal("a", this.value)
      assert.equal(3, #client.transfers)
      assert.equal("response " .. attempts, heard[#heard])
    end
  end)
end)
