-- SPDX-License-Identifier: MIT
local core = require "lipsync.core"

local item = { "type", type = "string", url = "string", scale = "number",
               is_last = "boolean", more = true }
local form = { "model", "input", model = "string", input = { [0] = item } }

local function request(more)
  local made = { model = "m", input = { { type = "a", url = "u" },
                                        { type = "b" } } }
  for name, value in pairs(more or {}) do made[name] = value end
  return made
end

describe("core.fits", function()
  it("takes what has the form", function()
    assert.is_true(core.fits(request(), form))
    assert.is_true(core.fits(request { input = { { type = "a", scale = 0.5,
      is_last = false, more = { { {} } } } } }, form))
  end)

  it("takes the types that are named", function()
    for _, value in ipairs { "a", 5, true, {}, print } do
      for _, name in ipairs { "string", "number", "boolean", "table",
          "function" } do
        assert.equal(type(value) == name, core.fits(value, name))
      end
      assert.is_true(core.fits(value, true))
      assert.is_false(core.fits(value, nil))
    end
  end)

  it("takes what begins as is asked", function()
    for value, fits in pairs { ["https://a"] = true, ["https:"] = true,
        ["https"] = false, [""] = false, ["http://a"] = false,
        [" https:"] = false, ["HTTPS:"] = false, ["https\0:"] = false,
        [5] = false, [true] = false } do
      assert.equal(fits, core.fits(value, "https:"), tostring(value))
    end
  end)

  it("leaves all else to the schema", function()
    local holes = {}
    holes[1], holes[3] = { type = "a" }, { type = "b" }
    for what, wrong in pairs {
        ["no table"] = "m",
        ["a type"] = request { model = 5 },
        ["an empty string"] = request { model = "" },
        ["an unknown name"] = request { modle = "m" },
        ["a number for a name"] = request { "m" },
        ["a missing name"] = { model = "m" },
        ["an empty array"] = request { input = {} },
        ["no array"] = request { input = { type = "a" } },
        ["an array with a name"] = request { input = { { type = "a" },
                                                       type = "a" } },
        ["a hole"] = request { input = holes },
        ["a fraction"] = request { input = { [1.5] = { type = "a" } } },
        ["an element"] = request { input = { { type = "a" }, "b" } },
        ["a missing name within"] = request { input = { { url = "u" } } },
        ["a wrong type within"] = request { input = { { type = {} } } },
        ["a metatable"] = setmetatable(request(), {}),
        ["a metatable within"] = request { input = { setmetatable(
          { type = "a" }, {}) } },
        ["the mark of an array"] = request { input = core.array {
          { type = "a" } } } } do
      assert.is_false(core.fits(wrong, form), what)
    end
    assert.is_false(core.fits(nil, form))
  end)

  it("raises without a test", function()
    assert.has_error(function() core.fits(1) end)
  end)
end)
