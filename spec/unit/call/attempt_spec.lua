-- SPDX-License-Identifier: MIT
-- The clocks and the outcome of one attempt of a call.

local attempt = require "lipsync.call.attempt"
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
    assert.equal("nothing received for 3 s (stall_timeout)", this.err.message)
  end)

  it("does not stall as long as bytes go either way", function()
    local plan = { length = 100, uploaded = 0, bytes = 0 }
    local this = new_call(new_client { plan },
      { stall_timeout = 3, max_attempts = 1 }, { body = ("x"):rep(100) })
    this:advance()
    for i = 1, 5 do
      plan.bytes, plan.uploaded = i, i
      this.clock:add(i * 10, i * 10 + 2)
      assert.is_false(this:advance())
    end
    this.clock:add(100, 104)
    assert.is_true(this:advance())
    assert.equal("nothing sent for 3 s (stall_timeout)", this.err.message)
  end)

  it("counts its own seconds only", function()
    local seconds = {}
    local client = new_client { { arrived = true, status = 503 }, {} }
    function client.listener(event)
      if event.type == "response" then seconds[#seconds + 1] = event.seconds end
    end
    local this = new_call(client)
    this.clock:add(0, 4)
    this:advance()
    this.wake = 0
    this:advance()
    assert.equal(2, #client.transfers)
    this.clock:add(10, 13)
    client.transfers[2].plan.status = 200
    client.transfers[2].plan.arrived = true
    assert.is_true(this:advance())
    assert.same({ 0, 3 }, seconds)
  end)

  it("may be done as soon as it was sent", function()
    local this = new_call(new_client { {} }, nil, { retry = "keyed" })
    this:advance()
    this:cancel()
    this:advance()
    assert.is_true(this.err.outcomeUnknown)
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
                                   [300] = false, [304] = false,
                                   [303] = true } do
      for _, class in ipairs { "keyed", "never" } do
        local this = new_call(new_client { { arrived = true,
          status = status } }, { max_attempts = 1 }, { retry = class })
        this:run()
        assert.equal(unclear, this.outcome_unknown or false, status)
      end
    end
  end)

  it("reads what waits in the sockets before it is late", function()
    local plan = { status = 200, body = "b" }
    local client = new_client { plan }
    local session, drained = client.runtime().session, 0
    function session.drain()
      drained = drained + 1
      plan.arrived = true
    end
    local this = new_call(client, { timeout = 5 })
    this:advance()
    this.clock:add(0, 4)
    assert.is_false(this:advance())
    assert.equal(0, drained)
    this.clock:add(10, 11)
    assert.is_false(this:advance())
    assert.equal(1, drained)
    assert.is_true(this:advance())
    assert.equal("b", this.value)
  end)

  it("shows no key that the server has sent back", function()
    local client = new_client { { arrived = true, unread = true, status = 200,
      headers = { ["x-a"] = "my key", ["x-b"] = "b" } } }
    client.runtime().session.redact = function(_, text)
      return (text:gsub("key", "(key)"))
    end
    local this = new_call(client)
    this:advance()
    local one = this.attempt
    client.transfers[1].headers = function()
      return { ["x-a"] = "my key", ["x-b"] = "b" }
    end
    assert.equal("my (key)", one:header "x-a")
    assert.is_nil(one:header "x-c")
    assert.same({ ["x-a"] = "my (key)", ["x-b"] = "b" }, one:headers())
    this:cancel()
    assert.is_nil(one:header "x-a")
    assert.same({}, one:headers())
  end)

  it("names the proxy that has answered in the server's place", function()
    for status, named in pairs { [407] = true, [403] = false, [502] = false } do
      local client = new_client { { arrived = true, unread = true,
                                    status = status } }
      local this = new_call(client)
      this:advance()
      client.transfers[1].proxy = function() return "http://p:1" end
      assert.equal(named and "http://p:1" or nil, this.attempt:proxy())
      this:cancel()
    end
  end)

  it("knows how far it is, also after its end", function()
    local plan = { arrived = true, unread = true, status = 200, bytes = 7,
                   length = 10, uploaded = 4 }
    local client = new_client { plan }
    local this = new_call(client, nil, { body = "0123456789" })
    this:advance()
    local one = this.attempt
    assert.same({ 4, 10 }, { one:uploaded() })
    assert.equal(7, one:received())
    assert.is_true(one:has_begun())
    assert.is_true(one:was_sent())
    plan.unread = false
    assert.is_true(this:advance())
    assert.equal(7, one:received())
    assert.is_falsy(one:has_begun())
    assert.is_false(one:was_sent())
    assert.is_nil(one:close())
    assert.equal(1, client.transfers[1].closed)
  end)

  it("has begun when its head has come, or nothing more will", function()
    local plan = {}
    local client = new_client { plan }
    local this = new_call(client)
    this:advance()
    assert.is_false(this.attempt:has_begun())
    client.transfers[1].done = function() return true end
    assert.is_true(this.attempt:has_begun())
    client.transfers[1].done = function() return false end
    plan.arrived, plan.status = true, 200
    assert.is_true(this.attempt:has_begun())
    this:cancel()
  end)
end)

describe("what reads a response", function()
  -- A look that gives nothing yet, although there is more to work on.
  local more = {}

  -- An attempt whose transfer gives one of these values at each look; false:
  -- nothing has come.
  local function received(status, values)
    local transfer = { looks = 0 }
    local function look()
      transfer.looks = transfer.looks + 1
      local value = values[transfer.looks]
      if value == more then return false end
      if type(value) == "table" and value.code then return nil, value end
      return value
    end
    transfer.read, transfer.object, transfer.next = look, look, look
    function transfer.save(_, file, room)
      transfer.saved = { file, room }
      return look()
    end
    function transfer.ready() return values[transfer.looks] == more end
    function transfer.held() return values.held or false end
    function transfer.status() return status end
    function transfer.position() return 5 end
    local session = { start = function() return transfer, false, false end }
    return assert(attempt.start({ runtime = { session = session } }, 0)),
      transfer
  end

  local target = { file = {}, room = 9 }
  local past, cut = -1, { code = "cut" }

  for name, read in pairs { whole = attempt.whole, object = attempt.object,
      next = attempt.next, line = attempt.line,
      saver = attempt.saver(target) } do
    it("goes on as long as there is more, in its time: " .. name, function()
      local value = name == "saver" and 5 or "value"
      for _, until_ in ipairs { false, math.huge } do
        local this, transfer = received(200, { more, more, value })
        assert.same({ true, value }, { read(this, until_ or nil) })
        assert.equal(3, transfer.looks)
        this, transfer = received(200, { false, value })
        assert.same({ false }, { read(this, until_ or nil) })
        assert.equal(1, transfer.looks)
        assert.same({ true, value }, { read(this, until_ or nil) })
      end
      local this, transfer = received(200, { more, value })
      assert.same({ false }, { read(this, past) })
      assert.equal(1, transfer.looks)
      this = received(200, { cut })
      assert.same({ true, nil, cut }, { read(this) })
      this = received(200, {})
      assert.same({ true, nil }, { read(this) })
    end)
  end

  it("does not spin where the end of the request is held back", function()
    local this, transfer = received(nil, { more, "body", held = true })
    assert.same({ false }, { attempt.whole(this) })
    assert.equal(1, transfer.looks)
  end)

  it("gives the first object again until it was delivered", function()
    local this, transfer = received(200, { "a", "b", "c" })
    assert.same({ true, "a" }, { attempt.next(this) })
    assert.same({ true, "a" }, { attempt.next(this) })
    assert.equal(1, transfer.looks)
    assert.equal(5, this:position())
    this:open()
    assert.same({ true, "b" }, { attempt.next(this) })
    assert.same({ true, "c" }, { attempt.next(this) })
  end)

  it("gives all objects of a page", function()
    local a, b, c = { id = "a" }, { id = "b" }, { id = "c" }
    local this = received(200, { a, more, b, false, c })
    assert.same({ false }, { attempt.objects(this) })
    assert.same({ true, { a, b, c } }, { attempt.objects(this) })
    this = received(200, { a, cut })
    assert.same({ true, { a }, cut }, { attempt.objects(this, math.huge) })
    assert.same({ true, {} }, { attempt.objects((received(200, {}))) })
    -- One at a time where there is none left.
    this = received(200, { more, a, b })
    for _ = 1, 3 do assert.same({ false }, { attempt.objects(this, past) }) end
    assert.same({ true, { a, b } }, { attempt.objects(this, past) })
  end)

  it("gives the body of what is no list", function()
    for _, read in ipairs { attempt.next, attempt.objects } do
      for _, status in ipairs { 201, 199, 404 } do
        local this, transfer = received(status, { "body" })
        transfer.next = nil
        assert.same({ true, "body" }, { read(this) })
      end
    end
    local this, transfer = received(nil, { false })
    transfer.read = nil
    assert.same({ false }, { attempt.next(this) })
    assert.same({ false }, { attempt.objects((received(nil, { false }))) })
  end)

  it("needs only the head of a file", function()
    for _, status in ipairs { 200, 206 } do
      local this, transfer = received(status, { "body" })
      assert.same({ true }, { attempt.head(this) })
      assert.equal(0, transfer.looks)
    end
    for _, status in ipairs { 201, 207, 404 } do
      assert.same({ true, "body" },
        { attempt.head((received(status, { "body" }))) })
    end
    assert.same({ false }, { attempt.head((received(nil, { false }))) })
  end)

  it("hands a file over, and notes what went wrong with it", function()
    local this, transfer = received(200, {})
    function transfer.save(_, file, room)
      transfer.saved = { file, room }
      return 3, "disk full"
    end
    assert.same({ true, 3 }, { attempt.saver(target)(this) })
    assert.equal(target.file, transfer.saved[1])
    assert.equal(9, transfer.saved[2])
    assert.equal("disk full", target.failure)
    function transfer.save() return 0 end
    assert.same({ true, 0 }, { attempt.saver(target)(this) })
    assert.is_nil(target.failure)
  end)
end)
