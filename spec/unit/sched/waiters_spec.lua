-- SPDX-License-Identifier: MIT
-- Rule 3 of hosts: each step wakes the waiters of everything that is ready.

local waiters = require "lipsync.sched.waiters"

local function waiter()
  local made = { woken = 0 }
  function made.wake() made.woken = made.woken + 1 end
  return made
end

describe("waiters", function()
  it("wake only the waiters of a target", function()
    local w, a, b, one, two = waiters.new(), waiter(), waiter(), {}, {}
    w:subscribe(one, a)
    w:subscribe(two, b)
    w:notify(one)
    w:notify {}
    assert.equal(1, a.woken)
    assert.equal(0, b.woken)
    w:unsubscribe(one, a)
    w:notify(one)
    assert.equal(1, a.woken)
    w:unsubscribe(two, b)
    assert.is_nil(next(w.by))
  end)

  it("wake all waiters of a target", function()
    local w, a, b, one, two = waiters.new(), waiter(), waiter(), {}, {}
    w:subscribe(one, a)
    w:subscribe(two, a)
    w:subscribe(two, b)
    w:notify(two)
    assert.equal(1, a.woken)
    assert.equal(1, b.woken)
    w:notify_all()
    assert.equal(3, a.woken)
    assert.equal(2, b.woken)
  end)

  it("report everything woken to groups, and hold none", function()
    local w, told, one = waiters.new(), {}, {}
    local function join()
      local group = {}
      function group.notice(_, target) told[#told + 1] = target end
      w:join(group)
      w:notify(one)
      return setmetatable({ group }, { __mode = "v" })
    end
    local seen = join()
    assert.same({ one }, told)
    collectgarbage()
    collectgarbage()
    assert.is_nil(seen[1])
    w:notify(one)
    assert.equal(1, #told)
  end)

  it("drain a session until nothing is ready", function()
    local w, a, transfers = waiters.new(), waiter(), { {}, {}, {} }
    for _, transfer in ipairs(transfers) do w:subscribe(transfer, a) end
    local n = 0
    local session = { next_ready = function()
      n = n + 1
      return transfers[n]
    end }
    assert.equal(3, w:dispatch(session))
    assert.equal(3, a.woken)
    assert.equal(4, n)
  end)

  it("report the end once", function()
    local w, told, owner = waiters.new(), 0, {}
    w:on_close(owner, function() told = told + 1 end)
    w:on_close({}, function() told = told + 1 end)
    w:on_close(owner, nil)
    w:closing()
    w:closing()
    assert.equal(1, told)
  end)
end)
