-- SPDX-License-Identifier: MIT
--
-- Sleeps that take no time, for specs of how long something rests.

local core = require "lipsync.core"
local sleep = require "lipsync.call.sleep"
local stopwatch = require "lipsync.base.stopwatch"

local clock = {}

local now, new = core.now, sleep.new
local Stopwatch = getmetatable(stopwatch.new()).__index
local add = Stopwatch.add

--- Has each test of a describe go on with the real clock.
---@param after_each function  busted's
---@return function stop  stops the clock until the end of the test, at a whole
---   second: only a sleep moves it on, at once and by its length. Requests take
---   no time by it. Returns the seconds of each sleep, in order
function clock.fixture(after_each)
  after_each(function()
    core.now, sleep.new, Stopwatch.add = now, new, add
  end)

  return function()
    local time, rests = math.floor(now()), {}
    core.now = function() return time end
    function Stopwatch.add() end
    sleep.new = function(...)
      local self = new(...)
      function self.run(_, seconds, _, watch)
        rests[#rests + 1] = seconds
        assert(#rests < 1000, "it sleeps for ever")
        local from = time
        time = time + seconds
        if watch then add(watch.of or watch, from, time) end
        self.over = true
        return true
      end
      return self
    end
    return rests
  end
end

return clock
