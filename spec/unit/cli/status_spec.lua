-- SPDX-License-Identifier: MIT
-- The exit statuses, as the manual has them.

local errors = require "lipsync.error"
require "lipsync"
local status = require "lipsync.cli.status"

describe("the exit status", function()
  it("says what kind of error it was", function()
    for kind, wanted in pairs { api = 2, limit = 2, signature = 2,
        connection = 3, timeout = 3, tls = 3, protocol = 3, canceled = 130,
        invalid = 1, file = 1, closed = 1 } do
      assert.equal(wanted, status.of(errors.new(kind, "no")), kind)
    end
    assert.equal(3, status.of { kind = "api", proxy = "http://p:1" })
  end)

  it("of many is 4 where some were well", function()
    local err = errors.new("connection", "no")
    for done, wanted in pairs { [0] = 3, [1] = 4, [2] = 4 } do
      assert.equal(wanted, status.of_many(done, err))
      assert.equal(0, status.of_many(done, nil))
    end
  end)

  it("has a meaning for each", function()
    local numbers = {}
    for i, row in ipairs(status.meanings) do
      numbers[i] = row[1]
      assert.matches("%.$", row[2])
    end
    assert.same({ 0, 1, 2, 3, 4, 130 }, numbers)
    assert.same({ 0, 1, 2, 3, 4, 130 }, { status.done, status.usage,
      status.refused, status.unreached, status.partly, status.interrupted })
  end)

  it("comes with a sentence where the command ends early", function()
    local _, stop = pcall(status.refuse, "no file.")
    assert.is_true(status.is_stop(stop))
    assert.equal("1 no file.", stop.status .. " " .. tostring(stop))
    _, stop = pcall(status.stop, 130)
    assert.is_true(status.is_stop(stop))
    assert.equal("130 stopped", stop.status .. " " .. tostring(stop))
    for _, other in ipairs { "no file.", { status = 1 }, 1 } do
      assert.is_false(status.is_stop(other))
    end
  end)
end)
