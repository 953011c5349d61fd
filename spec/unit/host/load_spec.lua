-- SPDX-License-Identifier: MIT
-- What is loaded later than the module that uses it. In Lua states of their
-- own, because there is one table of what is put off, and one switch.

local process = require "process"

-- Runs a text in a Lua state of its own that has a module `late` in preload,
-- which says when it is loaded; returns the text's error.
local function why(text)
  local well, message = process.state(([[
    package.path, package.cpath = %q, %q
    local load = require "lipsync.host.load"
    local loaded = 0
    package.preload["lipsync.late"] = function()
      loaded = loaded + 1
      return { value = 42, set = function(self, v) self.value = v end }
    end
  ]]):format(package.path, package.cpath) .. text)
  return not well and message
end

describe("load.later", function()
  it("loads when a field is first read, once", function()
    assert.is_false(why [[
      local late = load.later "lipsync.late"
      assert(late == load.later "lipsync.late" and loaded == 0)
      assert(late.value == 42 and late.nothing == nil and loaded == 1)
      assert(load.later "lipsync.late".value == 42 and loaded == 1)
    ]])
  end)

  it("gives what the module has at that moment", function()
    assert.is_false(why [[
      local late = load.later "lipsync.late"
      assert(late.value == 42)
      package.loaded["lipsync.late"].value = 7
      assert(late.value == 7)
    ]])
  end)

  it("raises why a module does not load, and tries again", function()
    assert.is_false(why [[
      local real = package.preload["lipsync.late"]
      package.preload["lipsync.late"] = function() assert(false, "no disk") end
      local late = load.later "lipsync.late"
      for _, use in ipairs { function() return late.value end, load.rest } do
        local ok, problem = pcall(use)
        assert(not ok and tostring(problem):find("no disk", 1, true), problem)
      end
      package.preload["lipsync.late"] = real
      assert(late.value == 42)
    ]])
  end)
end)

describe("load.module", function()
  -- A state in which a module fails, and nothing can be opened, until `frees`
  -- is collected; `code` is what opening fails with then.
  local function starved(code, text)
    return why(([[
      local open, is_free = io.open, false
      io.open = function(...)
        if is_free then return open(...) end
        return nil, "no", %d
      end
      package.preload["lipsync.late"] = function()
        assert(is_free, "not found")
        return { value = 42 }
      end
      local function holds(free)
        if not newproxy then return setmetatable({}, { __gc = free }) end
        getmetatable(newproxy(true)).__gc = free
      end
    ]]):format(code) .. text)
  end

  it("loads by the require that it was loaded with", function()
    assert.is_false(why [[
      local kept, asked = require, 0
      package.preload["lipsync.late"] = function()
        assert(require == kept)
        return { value = 42 }
      end
      local function lent() asked = asked + 1 end
      require = lent
      assert(load.module "lipsync.late".value == 42)
      assert(require == lent and asked == 0)
      package.preload["lipsync.bad"] = function() assert(false, "no disk") end
      assert(not pcall(load.module, "lipsync.bad"))
      assert(require == lent)
    ]])
  end)

  it("collects what holds the descriptors, and tries again", function()
    assert.is_false(starved(24, [[
      holds(function() is_free = true end)
      assert(load.module "lipsync.late".value == 42)
    ]]))
  end)

  it("says that there are too many open files", function()
    for _, code in ipairs { 23, 24 } do
      assert.is_false(starved(code, [[
        local ok, problem = pcall(load.module, "lipsync.late")
        assert(not ok and problem
          == "lipsync.late cannot be loaded: too many open files", problem)
        is_free = true
        assert(load.module "lipsync.late".value == 42)
      ]]))
    end
  end)

  it("says what else is wrong, and collects nothing for it", function()
    assert.is_false(starved(2, [[
      local collected = false
      holds(function() collected = true end)
      local ok, problem = pcall(load.module, "lipsync.late")
      assert(not ok and tostring(problem):find("not found", 1, true), problem)
      assert(not collected)
    ]]))
  end)
end)

describe("load.rest", function()
  it("loads all that was put off, also by what it loads", function()
    assert.is_false(why [[
      package.preload["lipsync.first"] = function()
        load.later "lipsync.late"
        return {}
      end
      load.later "lipsync.first"
      load.rest()
      assert(loaded == 1 and package.loaded["lipsync.first"])
    ]])
  end)

  it("loads nothing in a program that loads as it uses", function()
    assert.is_false(why [[
      local late = load.later "lipsync.late"
      load.as_used()
      load.rest()
      assert(loaded == 0 and late.value == 42 and loaded == 1)
    ]])
  end)
end)
