-- SPDX-License-Identifier: MIT
-- The ids of a command line, and of standard input.

local ids = require "lipsync.cli.ids"
local status = require "lipsync.cli.status"

describe("the ids that are given", function()
  local stdin = io.stdin

  after_each(function() rawset(io, "stdin", stdin) end)

  local function type_in(...)
    local lines, at = { ... }, 0
    rawset(io, "stdin", { lines = function()
      return function()
        at = at + 1
        return lines[at]
      end
    end })
  end

  local function refusal(given)
    local ok, stop = pcall(ids.read, given)
    assert.is_false(ok)
    assert.is_true(status.is_stop(stop))
    return stop.status .. " " .. stop.message
  end

  it("count once each, in their order", function()
    assert.same({ "b", "a", "c" }, ids.read { "b", "a", "b", "c", "a" })
    assert.same({}, ids.read {})
    assert.equal("1 an id is empty.", refusal { "a", "" })
  end)

  it("may be lines of standard input, among others", function()
    type_in("x", " y\r", "", "a", "x")
    assert.same({ "a", "x", "y", "b" }, ids.read { "a", "-", "b" })
    for _, lines in ipairs { {}, { "", " \t\r" } } do
      type_in((table.unpack or unpack)(lines))
      assert.equal("1 standard input has no ids.", refusal { "-" })
    end
  end)

  it("are an argument that says so", function()
    for _, count in ipairs { "+", "*" } do
      local row = ids.argument(count)
      assert.equal("id", row[1])
      assert.equal(count, row.count)
      assert.matches('"%-" reads them from standard input', row.help)
    end
  end)
end)
