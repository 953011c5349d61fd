-- SPDX-License-Identifier: MIT

local iterator = require "lipsync.list.iterator"

-- Whether this VM asks __pairs.
local has_pairs = false
pairs(setmetatable({}, { __pairs = function(self)
  has_pairs = true
  return next, self, nil
end }))

-- An iterator that gives the rows, and then ends.
local function over(rows)
  local methods = {}
  function methods.close(self) self.closed = true end
  local class = iterator.class {
    what = "an iterator of rows", methods = methods,
    fields = { left = function(self) return #self.rows end, given = false },
    step = function(self)
      self.given = self.given + 1
      local row = table.remove(self.rows, 1) or {}
      return row[1], row[2], row[3], row[4]
    end,
  }
  return setmetatable({ client = { options = {} }, rows = rows, given = 0,
                        closed = false }, class)
end

describe("lipsync.list.iterator", function()
  it("gives all that a step gives", function()
    local found = {}
    local made = over { { "a", 1, nil, "x" }, { "b", nil, "why", "y" } }
    made.client = { options = { host = "blocking" },
                    runtime = function() return { scheduler = {} } end }
    for key, value, err, more in made do
      found[#found + 1] = { key, value or "-", err or "-", more }
    end
    assert.same({ { "a", 1, "-", "x" }, { "b", "-", "why", "y" } }, found)
    assert.equal(3, made.given)
  end)

  it("is closed by a `for` that is left, where the VM does that", function()
    if _VERSION < "Lua 5.4" then pending "this VM closes nothing" return end
    local made = over { { "a" }, { "b" } }
    made.client = { options = { host = "blocking" },
                    runtime = function() return { scheduler = {} } end }
    for _ in made, nil, nil, made do break end  -- luacheck: ignore 512
    assert.is_true(rawget(made, "closed"))
  end)

  it("has its members, and says which others there are not", function()
    local made = over { { "a" } }
    assert.equal(1, made.left)
    assert.equal("function", type(made.close))
    local ok, problem = pcall(function() return made.lefd end)
    assert.is_false(ok)
    assert.matches("an iterator of rows has no .*left", problem)
  end)

  it("is no array", function()
    local asked = pcall(function()
      return #setmetatable({}, { __len = error })
    end)
    if asked then pending "this VM does not ask __len" return end
    local ok, problem = pcall(function() return #over { { "a" } } end)
    assert.is_false(ok)
    assert.matches("iterator_spec.lua:%d+: an iterator of rows is no array; "
      .. "use `for` or next%(%)$", problem)
  end)

  it("shows by pairs what a program may use", function()
    if not has_pairs then pending "this VM does not ask __pairs" return end
    local shown = {}
    for name in pairs(over {}) do shown[#shown + 1] = name end
    table.sort(shown)
    assert.same({ "close", "given", "left" }, shown)
  end)
end)
