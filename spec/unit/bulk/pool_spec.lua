-- SPDX-License-Identifier: MIT
-- Many calls driven by one coroutine, no more often than needed.

local calls = require "spec.support.calls"
local core = require "lipsync.core"
local lanes = require "lipsync.bulk.pool"

-- A call that waits for a target of its own until it is `done`.
local function new_call(seconds)
  local one = { moved = 0, target = {} }
  function one.target.ready() return one.arrived or false end
  function one.advance()
    one.moved = one.moved + 1
    return one.done or false
  end
  function one.wants() return one.target, seconds or 60 end
  function one.cancel() one.canceled = true end
  return one
end

describe("pool", function()
  local of, client, over

  local owner

  -- Adds calls and advances each once.
  local function start(...)
    client, over = calls.client {}, {}
    owner = { client = client, slice_ends = math.huge }
    function owner.settled(_, call) over[#over + 1] = call end
    function owner.guard(_, fn, ...) return fn(...) end
    client.options.host = function() end
    of = lanes.new(client)
    for _, call in ipairs { ... } do of:add(call) end
    assert.is_false(of:advance(owner))
  end

  local function wake(call) client.runtime().waiters:notify(call.target) end

  it("advances only calls whose target is ready", function()
    local a, b = new_call(), new_call()
    start(a, b)
    of:wait()
    assert.is_false(of:advance(owner))
    wake(a)
    assert.is_true(of:ready())
    assert.is_false(of:advance(owner))
    assert.equal(2, a.moved)
    assert.equal(1, b.moved)
    a.done = true
    wake(a)
    assert.is_true(of:advance(owner))
    assert.same({ a }, over)
    assert.equal(1, of.count)
    wake(a)
    assert.is_false(of:ready())
  end)

  it("learns by itself what others' steps made ready", function()
    local a, news = new_call(), {}
    start(a)
    local runtime = client.runtime()
    runtime.session = { next_ready = function() return table.remove(news) end }
    assert.is_false(of:ready())
    news[1] = a.target
    assert.is_true(of:ready())
    assert.is_false(of:advance(owner))
    assert.equal(2, a.moved)
  end)

  it("advances calls whose time has come", function()
    local a, b = new_call(0), new_call(60)
    start(a, b)
    of:wait()
    of:advance(owner)
    assert.equal(2, a.moved)
    assert.equal(1, b.moved)
  end)

  it("checks a ready target again, but after a wait", function()
    local a = new_call()
    a.arrived = true
    start(a)
    assert.equal(1, a.moved)
    assert.is_true(of:ready())
    of:advance(owner)
    assert.equal(2, a.moved)
  end)

  it("waits no longer than until the earlier of two times", function()
    local asked
    local a, seconds = new_call(), 60
    function a.wants() return a.target, seconds end
    for next_one, most in pairs { [7] = 7, [80] = 60 } do
      start(a)
      client.options.host = function(_, _, left) asked = left end
      seconds = next_one
      wake(a)
      of:advance(owner)
      of:wait()
      assert.is_true(asked > most - 1 and asked <= most, asked)
      seconds = 60
    end
  end)

  it("does not wait for the time of a call that is over", function()
    local asked
    local a = new_call(7)
    start(a, new_call(60))
    client.options.host = function(_, _, seconds) asked = seconds end
    a.done = true
    wake(a)
    assert.is_true(of:advance(owner))
    of:wait()
    assert.is_true(asked > 50, asked)
  end)

  it("gives the host a timeout, and counts the wait for all", function()
    local asked
    start(new_call(7), new_call(9))
    client.options.host = function(_, target, seconds)
      assert.equal(of, target)
      asked = seconds
      local from = core.now()
      repeat until core.now() - from > 0.01
    end
    local lap = of.clock:lap()
    of:wait()
    assert.is_true(asked > 6 and asked <= 7)
    assert.is_true(lap:seconds() >= 0.01)
  end)

  it("watches a call that other code advances", function()
    local guest, added = new_call(3), 0
    guest.clock = { add = function() added = added + 1 end }
    start(new_call())
    of:watch(guest)
    assert.is_true(of:is_watching())
    of:wait()
    assert.equal(1, added)
    wake(guest)
    of:advance(owner)
    assert.is_false(of:is_watching())
    assert.equal(0, guest.moved)
    assert.equal(1, of.count)
  end)

  it("cancels all calls, also while it advances them", function()
    local a, b = new_call(), new_call()
    start(a, b)
    a.done = true
    wake(a)
    wake(b)
    function owner.settled() of:cancel() end
    assert.is_true(of:advance(owner))
    assert.is_true(b.canceled)
    assert.equal(1, b.moved)
    assert.equal(0, of.count)
  end)

  it("stops when the slice ends, and resumes with the next call", function()
    local a, b, c = new_call(), new_call(), new_call()
    start(a, b, c)
    for _, call in ipairs { a, b, c } do wake(call) end
    owner.slice_ends = 0
    for n = 1, 3 do
      of:advance(owner)
      assert.equal(3 + n, a.moved + b.moved + c.moved)
    end
    assert.same({ 2, 2, 2 }, { a.moved, b.moved, c.moved })
    assert.is_false(of:ready())
  end)

  it("makes way in the queue while a callback runs", function()
    start()
    local slots = client.runtime().limiter
    local filler = {}
    for i = 1, 8 do
      filler[i] = {}
      slots:take(filler[i], 0)
    end
    local called = 0
    local mine, other = { group = of, called = function()
      called = called + 1
    end }, {}
    slots:take(mine, 0)
    slots:take(other, 0)
    slots:release(filler[1])
    called = 0
    of:set_busy(true)
    assert.is_true(slots:is_turn(other))
    assert.equal(0, called)
    of:set_busy(false)
    assert.equal(1, called)
    assert.is_false(slots:is_turn(other))
    assert.is_true(slots:take(mine, 0))
  end)

  it("advances all calls after the client was closed", function()
    local a = new_call()
    start(a)
    client.closed = true
    assert.is_true(of:ready())
    of:advance(owner)
    assert.equal(2, a.moved)
  end)
end)
