-- SPDX-License-Identifier: MIT
local timers = require "lipsync.base.timers"

describe("timers", function()
  -- The deadlines in the heap, in the order in which they come out.
  local function empty(h)
    local found = {}
    while h:first() do
      found[#found + 1] = h:first().due
      h:remove(h:first())
    end
    return found
  end

  it("gives the earliest first in any order of adding", function()
    local h, all = timers.new(), {}
    for i = 1, 500 do
      all[i] = (i * 7919) % 1009
      h:add { due = all[i] }
    end
    table.sort(all)
    assert.same(all, empty(h))
  end)

  it("removes any item of the heap, and no other", function()
    local h, items, left = timers.new(), {}, {}
    for i = 1, 300 do
      items[i] = { due = (i * 7919) % 1009 }
      h:add(items[i])
    end
    for i = 1, 300 do
      if i % 3 == 0 then left[#left + 1] = items[i].due
      else h:remove(items[i]) end
    end
    h:remove(items[1])
    h:remove {}
    table.sort(left)
    assert.same(left, empty(h))
    assert.equal(0, h.n)
    assert.is_nil(h:first())
  end)

  it("moves what takes the place of a removed one up, too", function()
    local h, items = timers.new(), {}
    for i, due in ipairs { 1, 10, 2, 11, 12, 3, 4 } do
      items[i] = { due = due }
      h:add(items[i])
    end
    h:remove(items[4])
    assert.same({ 1, 2, 3, 4, 10, 12 }, empty(h))
    for i, due in ipairs { 10, 20, 7, 18, 20, 13, 7 } do
      items[i] = { due = due }
      h:add(items[i])
    end
    h:remove(items[2])
    assert.same({ 7, 7, 10, 13, 18, 20 }, empty(h))
  end)

  it("begins anew after it was cleared", function()
    local h = timers.new()
    for _, due in ipairs { 3, 1, 2 } do h:add { due = due } end
    h:clear()
    assert.is_nil(h:first())
    assert.is_nil(h:take_due(9))
    for _, due in ipairs { 5, 4 } do h:add { due = due } end
    assert.same({ 4, 5 }, empty(h))
  end)

  it("gives only what is due", function()
    local h = timers.new()
    for _, due in ipairs { 3, 1, 2 } do h:add { due = due } end
    assert.equal(1, h:take_due(2).due)
    assert.equal(2, h:take_due(2).due)
    assert.is_nil(h:take_due(2))
    assert.equal(3, h:first().due)
  end)
end)
