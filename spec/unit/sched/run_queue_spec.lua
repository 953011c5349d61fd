-- SPDX-License-Identifier: MIT
local run_queue = require "lipsync.sched.run_queue"

describe("run_queue", function()
  local function new(name)
    return { name = name, queued = false, after = false }
  end

  it("returns ready tasks in order, each once", function()
    local own, a, b = run_queue.new(), new "a", new "b"
    assert.is_nil(own:shift())
    assert.is_true(own:push(a))
    assert.equal(0, own:due())
    assert.is_true(own:push(b))
    assert.is_false(own:push(a))
    assert.equal(2, own:size())
    assert.equal(a, own:shift())
    assert.is_true(own:push(a))
    assert.equal(b, own:shift())
    assert.equal(a, own:shift())
    assert.is_nil(own:shift())
    assert.equal(0, own:size())
    assert.is_true(own:push(b))
    assert.is_true(own:push(a))
    assert.equal(b, own:shift())
    assert.equal(a, own:shift())
    assert.is_nil(own:shift())
  end)

  it("returns sleeping tasks when due, the earliest first", function()
    local own, a, b, c = run_queue.new(), new "a", new "b", new "c"
    own:sleep(a, 30)
    own:sleep(b, 10)
    own:sleep(c, 20)
    own:cancel_sleep(c)
    assert.equal(10, own:due())
    assert.is_nil(own:take_due(9))
    assert.equal(b, own:take_due(10))
    assert.is_nil(own:take_due(29))
    assert.equal(a, own:take_due(31))
    assert.is_nil(own:due())
  end)

  it("starts anew from any state that an error left", function()
    local own, a, b, c = run_queue.new(), new "a", new "b", new "c"
    own:push(a)
    own:defer(b)
    own:sleep(c, 10)
    a.queued, c.heap_at = false, nil  -- interrupted half-way
    own:clear()
    assert.is_nil(own:due())
    assert.is_nil(own:shift())
    for _, one in ipairs { c, b, a } do own:restore(one) end
    assert.equal(3, own:size())
    own:cancel_sleep(c)
    for _, one in ipairs { c, b, a } do assert.equal(one, own:shift()) end
    assert.is_nil(own:shift())
    a.queued, a.after = true, b
    own:restore(a)
    assert.equal(a, own:shift())
    assert.is_nil(own:shift())
    own:sleep(c, 20)
    assert.equal(20, own:due())
  end)

  it("leaves a task that yielded to the next step", function()
    local own, a, b = run_queue.new(), new "a", new "b"
    own:defer(a)
    assert.equal(0, own:due())
    assert.is_false(own:push(a))
    assert.equal(0, own:size())
    own:push(b)
    own:promote()
    assert.equal(b, own:shift())
    assert.equal(a, own:shift())
    assert.is_nil(own:due())
  end)
end)
