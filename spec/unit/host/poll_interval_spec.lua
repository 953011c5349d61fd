-- SPDX-License-Identifier: MIT
local poll_interval = require "lipsync.host.poll_interval"

describe("poll_interval", function()
  it("starts short, and is neither long nor zero", function()
    local last = 0
    for n = 0, 1000 do
      local seconds = poll_interval.seconds(n)
      assert.is_true(seconds >= last and seconds >= 0.001)
      last = seconds
    end
    assert.is_true(last <= 0.005)
  end)

  it("is 1 ms ten times, 2 ms thirty times, and then 3 ms", function()
    for n, seconds in pairs { [0] = 0.001, [9] = 0.001, [10] = 0.002,
                              [39] = 0.002, [40] = 0.003, [41] = 0.003 } do
      assert.equal(seconds, poll_interval.seconds(n))
    end
  end)

  it("is as long as a target says for which nothing is received", function()
    assert.equal(0.25, poll_interval.of({ nap = 0.25 }, 0))
    assert.equal(poll_interval.seconds(0), poll_interval.of({}, 0))
    assert.equal(poll_interval.seconds(0), poll_interval.of(nil, 0))
  end)

  it("is short for a few, longer for hundreds of sleepers", function()
    for n = 0, 50 do
      assert.equal(poll_interval.seconds(n), poll_interval.seconds(n, 20))
      local seconds = poll_interval.seconds(n, 400)
      assert.is_true(seconds >= 0.01 and seconds <= 0.05)
      assert.is_true(poll_interval.seconds(n, 1e6) <= 0.1)
    end
  end)
end)
