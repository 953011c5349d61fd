-- SPDX-License-Identifier: MIT
-- The programs whose scripts have threads of their own, played by tables.

local host = require "lipsync.host"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

describe("a program's own sleep", function()
  local here = service.fixture(after_each)
  local naps, ends

  before_each(function() naps, ends = 0, false end)
  after_each(function() package.loaded.darktable, _G.vlc = nil, nil end)

  local programs = {}

  function programs.darktable()
    local control = setmetatable({}, { __index = function(_, name)
      if name == "ending" then return ends end
      return function(milliseconds)
        assert.is_true(milliseconds >= 1)
        naps = naps + 1
        scripted.sleep(milliseconds / 1000)
      end
    end })
    package.loaded.darktable = { control = control }
    return "darktable ends"
  end

  function programs.vlc()
    local now = scripted.now
    _G.vlc = { misc = {
      mdate = function() return math.floor(now() * 1e6) end,
      mwait = function(date)
        if ends then error("Interrupted.", 0) end
        naps = naps + 1
        scripted.sleep(math.max(0, date / 1e6 - now()))
      end,
    } }
    return "Interrupted."
  end

  for name, play in pairs(programs) do
    it("is the wait in " .. name .. ", and ends a call", function()
      local words = play()
      here.start { { { read = true }, { stall = 0.02 },
                     { send = scripted.response(200, '{"count":2}') } },
                   { { read = true }, { stall = 60 } } }
      local client = here.client
      coroutine.wrap(function()
        assert.equal(name, host.name(client))
        assert.equal(2, client.generations:count())
        assert.is_true(naps > 0)
        ends = true
        local ok, problem = pcall(client.generations.count, client.generations)
        assert.is_false(ok)
        assert.equal(words, problem)
      end)()
    end)
  end
end)
