-- SPDX-License-Identifier: MIT
local queue = require "lipsync.call.limiter"

describe("limiter", function()
  local collections

  local function new(slots)
    collections = 0
    return queue.new(slots, function()
      collections = collections + 1
      collectgarbage()
      collectgarbage()
    end)
  end

  it("gives out its slots and no more", function()
    local q, a, b, c = new(2), {}, {}, {}
    assert.is_true(q:take(a, 0))
    assert.is_true(q:take(b, 0))
    assert.is_false(q:take(c, 0))
    q:release(a)
    assert.is_true(q:take(c, 0))
  end)

  it("serves calls in the order of asking", function()
    local q, a, b, c = new(1), {}, {}, {}
    q:take(a, 0)
    assert.is_false(q:take(b, 0))
    assert.is_false(q:take(c, 0))
    q:release(a)
    assert.is_false(q:take(c, 0))
    assert.is_true(q:take(b, 0))
    q:release(b)
    assert.is_true(q:take(c, 0))
  end)

  it("lets a call pass one that gave up", function()
    local q, a, b, c = new(1), {}, {}, {}
    q:take(a, 0)
    q:take(b, 0)
    q:take(c, 0)
    q:leave(b)
    q:release(a)
    assert.is_true(q:take(c, 0))
  end)

  it("forgets collected places and slots", function()
    local q, last, kept = new(1), {}, {}
    -- In a function of its own, so its stack slots are gone afterwards.
    local function keep()
      for i = 1, 2 do
        kept[i] = {}
        q:take(kept[i], 0)
      end
    end
    keep()
    assert.is_false(q:take(last, 0))
    assert.is_false(q:take(last, 0.9))
    assert.equal(0, collections)
    kept = {}
    assert.is_true(q:take(last, 1.5) or q:take(last, 1.6))
    -- An aggressive collector may have run before.
    assert.is_true(collections == 1 or os.getenv "LIPSYNC_COLLECT" ~= nil)
    assert.same({}, kept)
  end)

  it("collects at most once a second", function()
    local q, a, b = new(1), {}, {}
    q:take(a, 0)
    for i = 0, 30 do q:take(b, 10 + i / 10) end
    assert.is_true(collections >= 1 and collections <= 4)
    assert.is_false(q:take(b, 13.01))
    assert.is_table(a)
  end)

  it("can be released and left twice", function()
    local q, a = new(1), {}
    q:take(a, 0)
    q:release(a)
    q:release(a)
    q:leave(a)
    assert.is_true(q:take({}, 0))
  end)

  it("notifies the next call of a slot, whoever frees it", function()
    local called, q = 0, new(1)
    local a = { begun = function(self) return self.answered end }
    local b, c = { called = function() called = called + 1 end }, {}
    q:take(a, 0)
    q:take(b, 0)
    a.answered = true
    assert.is_false(q:take(c, 0))
    assert.equal(1, called)
    q:release(a)
    assert.is_true(q:take(b, 0))
  end)

  it("lets a call go first whose wait blocks the program", function()
    local q, a, b, c = new(1), {}, {}, { blocks = true }
    q:take(a, 0)
    q:take(b, 0)
    assert.is_false(q:take(c, 0))
    q:release(a)
    assert.is_true(q:is_turn(c))
    assert.is_true(q:take(c, 0))
    q:release(c)
    assert.is_true(q:take(b, 0))
  end)

  it("skips busy calls, which keep their place",
    function()
      local group = { busy = true }
      local q, a, b, c, d = new(1), {}, { group = group }, {}, {}
      q:take(a, 0)
      for _, ticket in ipairs { b, c, d } do q:take(ticket, 0) end
      q:release(a)
      assert.is_true(q:take(c, 0))
      group.busy = false
      q:release(c)
      assert.is_false(q:take(d, 0))
      assert.is_true(q:take(b, 0))
    end)

  it("skips a call that does not take its slot", function()
    local q, a, b, c = new(1), {}, {}, {}
    q:take(a, 0)
    q:take(b, 0)
    q:take(c, 0)
    q:release(a)
    assert.is_false(q:take(c, 10))
    assert.is_false(q:take(c, 10.9))
    q:take(c, 11)
    assert.is_true(q:take(c, 11))
    q:release(c)
    assert.is_true(q:take(b, 11))
  end)
end)
