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
      return true
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

  it("gives a free slot at once where nobody waits", function()
    local q, a, b, c = new(2), {}, {}, {}
    assert.is_true(q:take_free(a))
    assert.is_false(q:take_free(a))
    assert.is_true(q:take_free(b))
    assert.is_false(q:take_free(c))
    assert.is_false(q:take(c, 0))
    q:release(a)
    assert.is_false(q:take_free({}))  -- c is first
    assert.is_true(q:take(c, 0))
  end)

  it("calls the first that waits when a slot is free, and no other",
    function()
      local q, a, called = new(1), {}, {}
      local function ticket(name)
        return { called = function() called[#called + 1] = name end }
      end
      local b, c = ticket "b", ticket "c"
      q:take(a, 0)
      q:take(b, 0)
      q:release(a)
      assert.same({ "b" }, called)
      q:take(c, 0)
      q:take(b, 0)
      q:release(b)
      assert.equal("c", called[#called])
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

  it("has Lua's own collector work, in pieces", function()
    local q, last, now = queue.new(1), {}, 0
    local function abandon() q:take({}, 0) end
    abandon()
    while not q:take(last, now) and now < 60 do now = now + 0.1 end
    assert.is_true(now < 60)
  end)

  -- What Lua's own collector is asked for, where it says `ends` to each step,
  -- and each look at the clock takes 1e-4 s.
  local function asked(ticket, ends, looks)
    local core, collect = require "lipsync.core", collectgarbage
    local real, at, calls = core.now, 0, {}
    local q, first = queue.new(1), {}
    core.now = function()
      at = at + 1e-4
      return at
    end
    rawset(_G, "collectgarbage", function(...)
      calls[#calls + 1] = table.concat({ ... }, " ")
      if select("#", ...) == 0 then return collect() end
      return ends
    end)
    q:take(first, 0)
    q:take(ticket, 0)
    for i = 1, looks do q:take(ticket, i) end
    rawset(_G, "collectgarbage", collect)
    core.now = real
    q:release(first)
    return calls
  end

  it("asks it for small steps, for half a millisecond", function()
    local calls = asked({ kept = true }, false, 1)
    assert.is_true(#calls >= 4 and #calls <= 6, #calls)
    for _, call in ipairs(calls) do assert.equal("step 0", call) end
    -- A piece ends with a cycle, and two of these are enough for a while.
    assert.same({ "step 0", "step 0" }, asked({}, true, 10))
  end)

  it("asks it for all at once where nothing else runs", function()
    assert.same({ "" }, asked({ blocks = true }, false, 1))
  end)

  it("collects at most once a second", function()
    local q, a, b = new(1), {}, {}
    q:take(a, 0)
    for i = 0, 30 do q:take(b, 10 + i / 10) end
    assert.is_true(collections >= 1 and collections <= 4)
    assert.is_false(q:take(b, 13.01))
    assert.is_table(a)
  end)

  it("calls again one that could not be called", function()
    local q, first, called = new(1), { kept = true }, 0
    local second = { kept = true, called = function()
      called = called + 1
      if called == 1 then error("not enough memory", 0) end
    end }
    q:take(first, 0)
    q:take(second, 0)
    assert.has_error(function() q:release(first) end)
    for _ = 1, 3 do q:catch_up() end
    assert.equal(2, called)
    q:leave(second)
  end)

  it("gives a slot that was given back at once", function()
    local q, a = new(1), {}
    for _ = 1, 3 do
      assert.is_true(q:take_free(a))
      assert.is_false(q:take_free({}))
      q:release(a)
    end
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

  describe("where coroutines can be abandoned", function()
    -- Three that wait for the one slot, and pieces of two cycles of four.
    local function stuck()
      local pieces, budgets = 0, {}
      local q = queue.new(1, function(seconds)
        pieces = pieces + 1
        budgets[#budgets + 1] = seconds
        return pieces % 4 == 0
      end)
      local all = {}
      for i = 1, 4 do
        all[i] = { called = function(self) self.calls = self.calls + 1 end,
                   calls = 0 }
        q:take(all[i], 0)
      end
      return q, all, budgets
    end

    it("has one waiting call collect two cycles, in pieces", function()
      local q, all, budgets = stuck()
      assert.equal(0, #budgets)
      assert.is_true(q:patience(all[2]) >= 1)
      for i = 0, 20 do
        local now = 1 + i * 0.01
        for k = 2, 4 do assert.is_false(q:take(all[k], now)) end
        if i < 7 then
          assert.is_true(q:patience(all[2]) < 0.01)
          assert.equal(i + 1, #budgets)
        end
        assert.is_true(q:patience(all[3]) >= 1)
      end
      assert.equal(8, #budgets)
      for _, seconds in ipairs(budgets) do assert.is_true(seconds < 1e-3) end
      assert.is_true(q:patience(all[2]) >= 1)
    end)

    it("has another call go on if that one leaves", function()
      local q, all, budgets = stuck()
      q:take(all[2], 1)
      q:take(all[3], 1.01)
      assert.equal(1, #budgets)
      q:leave(all[2])
      q:take(all[3], 1.02)
      q:take(all[4], 1.02)
      assert.equal(2, #budgets)
    end)

    it("has none go on when the queue has moved", function()
      local q, all, budgets = stuck()
      q:take(all[3], 1)
      assert.is_true(q:patience(all[3]) < 0.01)
      q:release(all[1])
      assert.is_true(q:take(all[2], 1.01))
      assert.is_false(q:take(all[3], 1.02))
      assert.equal(1, q:patience(all[3]))
      assert.equal(1, #budgets)
    end)

    it("collects all at once for a call that blocks", function()
      local q, all, budgets = stuck()
      all[2].blocks = true
      q:take(all[2], 1)
      q:take(all[2], 1.5)
      assert.same({ math.huge }, budgets)
      q:take(all[2], 2.5)
      assert.equal(2, #budgets)
    end)

    -- When a collector works that reports no cycle, of 300 looks, one a second:
    -- in pieces, and in whole.
    local function endless(ticket)
      local now, pieces, whole = 0, {}, {}
      local q = queue.new(1, function(seconds)
        assert.is_true(seconds == math.huge or seconds < 1e-3)
        local times = seconds == math.huge and whole or pieces
        times[#times + 1] = now
      end)
      local first = {}
      q:take(first, 0)
      while now <= 300 do
        q:take(ticket, now)
        now = now + 1
      end
      q:release(first)
      return pieces, whole
    end

    -- Then it rests for ten times as long as it has worked.
    it("collects all at once if the pieces end no cycle", function()
      local pieces, whole = endless {}
      assert.same({ 11, 121, 231 }, whole)
      assert.equal(30, #pieces)
      assert.same({ 1, 10, 111 }, { pieces[1], pieces[10], pieces[11] })
    end)

    it("never does so in a step with a budget", function()
      local pieces, whole = endless { kept = true }
      assert.same({}, whole)
      assert.equal(33, #pieces)
      assert.same({ 1, 11, 111 }, { pieces[1], pieces[11], pieces[12] })
    end)

    it("has all together look at most 1,000 times a second", function()
      local q, all = new(1), {}
      for i = 1, 5001 do
        all[i] = {}
        q:take(all[i], 0)
      end
      assert.equal(4.999, q:patience(all[5001]))
      assert.equal(0.005, q:nap(all[2]))
      assert.equal(0.006, q:nap(all[8]))
      assert.equal(1, q:nap(all[5001]))
      local rate = 0
      for i = 2, 5001 do rate = rate + 1 / q:nap(all[i]) end
      assert.is_true(rate < 15000, rate)
    end)
  end)

  describe("of a service that refuses all", function()
    local core, now = require "lipsync.core", nil
    local real = core.now

    before_each(function()
      now = 100
      core.now = function() return now end
    end)

    after_each(function() core.now = real end)

    local function ticket()
      return { kept = true, calls = 0, called = function(self)
        self.calls = self.calls + 1
      end }
    end

    it("gives out none for a while, then one at a time", function()
      local q, a, b = new(2), {}, {}
      assert.equal(5, q:refuse(5))
      now = 104
      assert.equal(1, q:rest())
      assert.is_false(q:take_free(a))
      assert.is_false(q:take(a, now))
      now = 105
      assert.is_true(q:take(a, now))
      assert.is_false(q:take(b, now))
      q:release(a)
      assert.is_true(q:take(b, now))
      q:accept()
      assert.equal(0, q.refusals)
      assert.is_true(q:take(a, now))
    end)

    it("calls the next one when one was not refused", function()
      local q, a, b = new(2), ticket(), ticket()
      q:refuse(5)
      assert.is_false(q:take(a, now))
      assert.is_false(q:take(b, now))
      now = 105
      assert.is_true(q:take(a, now))
      local before = b.calls
      q:accept()
      assert.equal(before + 1, b.calls)
      assert.is_true(q:take(b, now))
    end)

    it("takes what was sent before the rest for no news", function()
      local q = new(2)
      q:refuse(5)
      assert.equal(5, q:refuse(9))
      assert.equal(7, q:refuse(9, 7))
      now = 106.5
      assert.equal(0.5, q:refuse(9))
      now = 100
      assert.equal(1, q.refusals)
      q:accept()
      assert.equal(7, q:rest())
      now = 110
      assert.equal(10, q:refused_for())
      q:refuse(1)
      assert.equal(2, q.refusals)
      now = 112
      q:accept()
      assert.equal(0, q:refused_for())
    end)

    it("forgets a refusal after which nobody has asked for long", function()
      local q = new(2)
      q:refuse(5)
      q:refuse(5)
      now = 105 + 119
      assert.equal(124, q:refused_for())
      now = 105 + 120
      assert.equal(125, q:refused_for())
      now = 105 + 121
      assert.equal(0, q:refused_for())
      q:refuse(5)
      assert.equal(1, q.refusals)
      assert.equal(0, q:refused_for())
      now = 231
      q:refuse(5)
      assert.same({ 2, 5 }, { q.refusals, q:refused_for() })
      now = 236 + 120
      q:refuse(5)
      assert.equal(3, q.refusals)
    end)

    it("waits not for long until a response that has come is read", function()
      local q, a, b = new(2), ticket(), {}
      function a.begun() return true end
      q:take(a, now)
      q:refuse(5)
      now = 105
      assert.is_false(q:take(b, now))
      now = 105.9
      assert.is_false(q:take(b, now))
      now = 106
      assert.is_true(q:take(b, now))
      q:release(a)
      assert.equal(1, q.used)
    end)

    it("has the first one ask again at the end, whoever that is", function()
      local q, a, b, c = new(1), ticket(), ticket(), ticket()
      for _, each in ipairs { a, b, c } do q:take(each, now) end
      assert.equal(0, q:rest())
      q:refuse(5)
      assert.same({ 1, 0 }, { b.calls, c.calls })
      q:release(a)
      assert.same({ 1, 0 }, { b.calls, c.calls })
      assert.is_false(q:take(b, now))
      assert.equal(5, q:patience(b))
      assert.equal(5, q:nap(b) * 5)
      assert.equal(math.huge, q:patience(c))
      q:leave(b)
      assert.equal(1, c.calls)
      assert.equal(5, q:patience(c))
      now = 105
      assert.is_true(q:take(c, now))
      assert.same({ 1, 1 }, { b.calls, c.calls })
    end)

    it("keeps no ticket that is collected", function()
      local q, kept = new(1), { {} }
      q:refuse(5)
      local function ask() q:take(kept[1], now) end
      ask()
      setmetatable(kept, { __mode = "v" })
      collectgarbage()
      collectgarbage()
      assert.is_nil(kept[1])
      now = 105
      assert.is_true(q:take({}, now))
    end)
  end)

  describe("where no coroutine can be abandoned", function()
    local function kept()
      return { kept = true, calls = 0, called = function(self)
        self.calls = self.calls + 1
      end }
    end

    it("lets calls sleep, and never collects", function()
      local q, a, b = new(1), kept(), kept()
      q:take(a, 0)
      for now = 0, 10 do
        assert.is_false(q:take(b, now))
        assert.equal(math.huge, q:patience(b))
      end
      assert.equal(0, collections)
      assert.equal(0, b.calls)
    end)

    it("has all look while there is a call that can be", function()
      local q, a, b, c, d = new(1), kept(), kept(), kept(), {}
      q:take(a, 0)
      q:take(b, 0)
      q:take(c, 0)
      q:take(d, 0)
      assert.same({ 1, 1 }, { b.calls, c.calls })
      q:take({}, 0)
      assert.same({ 1, 1 }, { b.calls, c.calls })
      assert.is_true(q:patience(b) < 2)
    end)

    it("has all look when one takes a slot before them", function()
      local q, a, b, c = new(1), kept(), kept(), { blocks = true }
      q:take(a, 0)
      q:take(b, 0)
      q:release(a)
      assert.equal(1, b.calls)
      assert.equal(math.huge, q:patience(b))
      assert.is_true(q:take(c, 0))
      assert.equal(2, b.calls)
      assert.is_true(q:patience(b) < 2)
      q:release(c)
      assert.equal(3, b.calls)
      assert.is_true(q:take({ blocks = true }, 0))
      assert.equal(3, b.calls)
    end)

    it("calls those that are still there, and can be called", function()
      local q, a, b, c, d = new(1), kept(), kept(), kept(), { kept = true }
      for _, each in ipairs { a, b, c, d } do q:take(each, 0) end
      q:leave(c)
      q:take({}, 0)
      assert.same({ 1, 0 }, { b.calls, c.calls })
      assert.is_true(q:patience(d) < 2)
    end)

    it("counts calls that have a slot, and those of a group", function()
      local q, a, b = new(1), kept(), kept()
      a.group = {}
      q:take(a, 0)
      q:take(b, 0)
      assert.is_true(q:patience(b) < 2)
      q:leave(b)
      q:release(a)
      q:take(b, 0)
      q:take(kept(), 0)
      assert.equal(math.huge, q:patience(b))
    end)
  end)
end)
