-- SPDX-License-Identifier: MIT
-- What is raised in place of an error object, by what is on the stack. In the
-- programs themselves: raise_spec.lua and spec/hosts.

require "lipsync"
local core = require "lipsync.core"
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

  -- The same in a coroutine, with such frames in it, at the top of the main
  -- coroutine, and in that.
  local function judge_in_coroutine(own, top, above, thread)
    local real, main = debug.getinfo, core.main
    thread = thread or coroutine.create(uncaught.judge)
    core.main = function() return above and "main" end
    rawset(debug, "getinfo", function(of, level, what)
      if of ~= "main" then return own[of - 2] end
      if what == "f" then
        assert.equal(0, level)
        return top
      end
      assert.equal("Snf", what)
      return above[level + 1]
    end)
    local _, value, is_lost = coroutine.resume(thread, err)
    rawset(debug, "getinfo", real)
    core.main = main
    assert.equal(err, value)
    return is_lost
  end

  it("is lost in a coroutine that no Lua code has resumed", function()
    local plain, catcher = { what = "C" }, { func = pcall, what = "C" }
    assert.is_true(judge_in_coroutine({ plain }, plain, { plain, plain }))
    assert.is_true(judge_in_coroutine({ plain }, nil, {}))
    assert.is_true(judge_in_coroutine({ plain }, nil, nil))
    assert.is_false(judge_in_coroutine({ catcher }, plain, { plain }))
    assert.is_false(judge_in_coroutine({ plain }, plain, { catcher }))
    assert.is_false(judge_in_coroutine({ plain }, plain, { plain, catcher }))
    assert.is_false(judge_in_coroutine({ plain },
      { func = coroutine.resume, what = "C" }, { plain }))
  end)

  it("is not lost where a loop or a task tells it", function()
    local plain = { what = "C" }
    local thread = coroutine.create(uncaught.judge)
    uncaught.is_reported(thread)
    assert.is_false(judge_in_coroutine({ plain }, plain, { plain }, thread))
    package.loaded.cqueues = { running = function() return {}, true end }
    local is_lost = judge_in_coroutine({ plain }, plain, { plain })
    package.loaded.cqueues = nil
    assert.is_false(is_lost)
  end)

  it("stays an object where nothing can be known", function()
    local real = debug.getinfo
    rawset(debug, "getinfo", nil)
    local value, is_lost = uncaught.judge(err)
    rawset(debug, "getinfo", real)
    assert.equal(err, value)
    assert.is_false(is_lost)
  end)
end)
