-- SPDX-License-Identifier: MIT
-- The state machine of one call, over a session that does what it is told.

require "lipsync"
local call = require "lipsync.call"
local bucket = require "lipsync.bucket"
local core = require "lipsync.core"
local options = require "lipsync.options"
local queue = require "lipsync.queue"
local task = require "lipsync.task"
local wakers = require "lipsync.wakers"

-- A transfer that has `body` and `status` once `arrived` is set.
local function new_transfer(plan)
  local transfer = { plan = plan, closed = 0 }
  function transfer.ready() return plan.arrived or false end
  function transfer.read()
    if not plan.arrived then return false end
    if plan.failure then
      local copy = {}
      for name, value in pairs(plan.failure) do copy[name] = value end
      return nil, copy
    end
    return plan.body or ""
  end
  function transfer.status() return plan.arrived and plan.status or nil end
  function transfer.header(_, name) return (plan.headers or {})[name] end
  function transfer.received() return plan.bytes or 0 end
  function transfer.sent() return plan.sent ~= false end
  function transfer.done() return plan.arrived or false end
  function transfer.close() transfer.closed = transfer.closed + 1 end
  return transfer
end

local function new_client(plans, more)
  local client = { options = options.client(more), has_key = true,
                   transfers = {}, waits = {} }
  local session = {}
  function session.start(_, request)
    local n = #client.transfers + 1
    client.request = request
    client.transfers[n] = new_transfer(plans[n])
    return client.transfers[n]
  end
  function session.step() return 0 end
  function session.poll() return 0 end
  function session.next_ready() return nil end
  function session.is_open() return true end
  function session.origin() return "https://here.example" end
  local home = { session = session, queue = queue.new(8),
                 bucket = bucket.new(), wakers = wakers.new() }
  home.tasks = task.set(client, home)
  function client.home() return home end
  function client.about() return { host = "here.example" } end
  client.options.host = function(_, transfer, seconds)
    client.waits[#client.waits + 1] = seconds
    local plan = client.transfers[#client.transfers].plan
    if transfer and plan.arrives_late then plan.arrived = true end
  end
  return client
end

local function new_call(client, given, more)
  local spec = { action = "get x", method = "GET", path = "/v2/x",
    read = call.read_whole,
    accept = function(_, _, body) return body end }
  for name, value in pairs(more or {}) do spec[name] = value end
  return call.new(client, spec, given or {})
end

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
    while client.home().bucket:take(false) do
      assert.is_table(client)
    end
    local _, err = new_call(client):run()
    assert.equal(1, err.attempts)
    assert.is_true(err.retryable)
  end)

  it("gives its slot back when the answer begins", function()
    local plan = { status = 200 }
    local client = new_client { plan }
    local slots = client.home().queue
    local this = new_call(client, nil, {
      read = function() return false end })
    this:advance()
    assert.is_true(slots.taken[this])
    plan.arrived = true
    this:advance()
    assert.is_nil(slots.taken[this])
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
    client.closed = true
    assert.is_true(other:advance())
    assert.equal("closed", other.err.kind)
    assert.is_nil(next(client.home().queue.taken))
  end)

  it("waits out a delay, in naps where nothing wakes it", function()
    local client = new_client { { arrived = true, status = 503 }, {} }
    local this = new_call(client)
    assert.is_false(this:advance())
    this.wake = core.now() + 10
    local spot, seconds = this:wants()
    assert.is_true(seconds > 9 and seconds <= 10)
    assert.is_true(spot.nap < 1)
    assert.is_false(spot:ready())
    this:cancel()
    assert.is_true(spot:ready())
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
end)
