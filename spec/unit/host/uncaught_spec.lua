-- SPDX-License-Identifier: MIT
-- What is raised in place of an error object, by what is on the stack. In the
-- programs themselves: raise_spec.lua and spec/hosts.

require "lipsync"
local errors = require "lipsync.error"
local uncaught = require "lipsync.host.uncaught"

describe("an error that is raised", function()
  local err = errors.new("api", "no")

  -- What is raised with such frames above; and how many were looked at.
  local function judge(frame_at)
    local real, seen = debug.getinfo, 0
    rawset(debug, "getinfo", function(level)
      seen = seen + 1
      return frame_at(level - 2)
    end)
    local value, is_lost = uncaught.judge(err)
    rawset(debug, "getinfo", real)
    return value, is_lost, seen
  end

  local function frames(...)
    local all = { ... }
    return function(level) return all[level] end
  end

  it("stays an object where something catches it", function()
    for _, last in ipairs { { func = pcall, what = "C" },
        { func = xpcall, what = "C" }, { what = "C", name = "util_pcall" } } do
      local value, is_lost = judge(frames({ what = "Lua" }, last))
      assert.equal(err, value)
      assert.is_false(is_lost)
    end
  end)

  it("is its sentence where nothing does", function()
    for _, last in ipairs { { what = "C" }, { what = "Lua", name = "pcall" },
        { what = "C", name = "pcalls" }, { what = "main" } } do
      local value, is_lost = judge(frames({ what = "Lua" }, last))
      assert.equal("no.", value)
      assert.is_false(is_lost)
    end
  end)

  it("stays one where the stack is too deep to look through", function()
    local value, _, seen = judge(function() return { what = "Lua" } end)
    assert.equal(err, value)
    assert.equal(200, seen)
  end)
end)
