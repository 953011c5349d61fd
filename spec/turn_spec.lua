-- SPDX-License-Identifier: MIT
local turn = require "lipsync.turn"

describe("turn", function()
  -- A clock of its own, far from those of other specs.
  local now = 1e9

  before_each(function() now = now + 1000 end)

  -- Readers that never want for data, in a host that resumes them one after
  -- the other: how long each worked between two turns of the host, and how
  -- long the host waited at most, from its second round on.
  local function rounds(readers, n)
    local longest, worked = 0, {}
    for round = 1, n do
      local from = now
      for i, reader in ipairs(readers) do
        turn.join(reader, now)
        local began = now
        repeat now = now + 1e-5 until now >= reader.rest_at
        if round > 1 then worked[i] = (worked[i] or 0) + now - began end
      end
      if round > 1 then longest = math.max(longest, now - from) end
      now = now + 1e-3
    end
    return longest, worked
  end

  local function near(expected, value)
    assert.is_true(math.abs(expected - value) < 2e-4,
      ("%g is not about %g"):format(value, expected))
  end

  it("gives the host its turn after 2 ms of one reader", function()
    local reader = {}
    turn.join(reader, now)
    near(0.002, reader.rest_at - now)
    near(0.002, (rounds({ reader }, 10)))
  end)

  it("shares them among all that read, evenly", function()
    local readers = {}
    for i = 1, 8 do readers[i] = {} end
    local longest, worked = rounds(readers, 21)
    assert.is_true(longest < 0.0025, longest)
    for i = 1, 8 do near(20 * 0.00025, worked[i]) end
  end)

  it("holds the very first round together, too", function()
    local first, second = {}, {}
    turn.join(first, now)
    turn.join(second, now + 0.0021)
    assert.is_true(second.rest_at <= now + 0.0021)
  end)

  it("gives all of it to the one that is left", function()
    local readers = {}
    for i = 1, 8 do readers[i] = {} end
    rounds(readers, 3)
    local longest = rounds({ readers[1] }, 10)
    near(0.002, longest)
  end)

  it("is a new one for who comes long after the last", function()
    local first, second = {}, {}
    turn.join(first, now)
    now = now + 1
    turn.join(second, now)
    assert.is_true(second.rest_at - now > 0)
  end)
end)
