-- SPDX-License-Identifier: MIT
local nap = require "lipsync.nap"

describe("nap", function()
  it("begins short and never sleeps for long, nor not at all", function()
    local last = 0
    for n = 0, 1000 do
      local seconds = nap.seconds(n)
      assert.is_true(seconds >= last and seconds >= 0.001)
      last = seconds
    end
    assert.is_true(last <= 0.005)
  end)
end)
