-- SPDX-License-Identifier: MIT

local core = require "lipsync.core"
local lipsync = require "lipsync"
local values = require "lipsync.cli.values"

describe("a value of the command line", function()
  it("may be a time, or how long ago it was", function()
    for given, seconds in pairs { ["30d"] = 30 * 86400, ["12h"] = 12 * 3600,
        ["5m"] = 300, ["90s"] = 90, ["2w"] = 14 * 86400 } do
      local now = core.time()
      local ago = now - values.time(given)
      assert.is_true(math.abs(ago - seconds) < 60, given)
    end
    assert.equal(lipsync.time "2026-08-25T00:00:00Z",
      values.time "2026-08-25")
    assert.equal(lipsync.time "2026-08-25T10:00:00Z",
      values.time "2026-08-25T12:00:00+02:00")
    for _, wrong in ipairs { "", "30", "d", "-1d", "2026-13-01", "1.5d" } do
      assert.is_nil(values.time(wrong), wrong)
    end
  end)

  it("may be a whole number, up to a most", function()
    for name, most in pairs { integer = 2 ^ 53, port = 65535,
                              page_size = 100 } do
      local read = values[name]
      assert.equal(1, read "1")
      assert.equal(most, read(("%.0f"):format(most)))
      for _, wrong in ipairs { "", "0", "-1", "1.5", "1e1",
                               ("%.0f"):format(most + 2) } do
        assert.is_nil(read(wrong), wrong)
      end
    end
    assert.is_nil(values.port "65536")
    assert.is_nil(values.page_size "101")
  end)

  it("may be seconds, minutes, hours", function()
    assert.equal(1, values.seconds "1")
    assert.equal(20, values.seconds "20")
    for given, seconds in pairs { ["90s"] = 90, ["5m"] = 300, ["2h"] = 7200,
        ["3d"] = 3 * 86400, ["2w"] = 14 * 86400 } do
      assert.equal(seconds, values.seconds(given), given)
    end
    for _, wrong in ipairs { "", "0", "-1", "1.5", "5y", "m" } do
      assert.is_nil(values.seconds(wrong), wrong)
    end
  end)

  it("may name an option of the service, with JSON or with text", function()
    assert.same({ path = { "sync_mode" }, value = "loop" },
      values.pair "sync_mode=loop")
    assert.same({ path = { "temperature" }, value = 0.5 },
      values.pair "temperature=0.5")
    assert.same({ path = { "a", "b" }, value = true }, values.pair "a.b=true")
    assert.same({ path = { "a" }, value = "x=y" }, values.pair "a=x=y")
    assert.same({ path = { "a" }, value = "null" }, values.pair "a=null")
    assert.is_nil(values.pair "loop")
    assert.is_nil(values.pair "=loop")
  end)

  it("may be statuses, in any case, and no others", function()
    assert.same({ "PENDING", "PROCESSING", "COMPLETED", "FAILED", "REJECTED" },
      values.statuses)
    assert.same({ "PENDING", "PROCESSING", "COMPLETED", "FAILED", "REJECTED" },
      values.status "pending,Processing, COMPLETED,failed ,rejecteD")
    assert.same({ nil, 'there is no status "FALED"; did you mean FAILED?' },
      { values.status "completed,faled" })
    assert.same({ nil, 'there is no status "X"; known are PENDING, PROCESSING, '
      .. "COMPLETED, FAILED, REJECTED" }, { values.status "x" })
  end)

  it("is refused with a reason", function()
    local empty = "an empty list says nothing"
    for _, case in ipairs {
      { "text", "", "an empty text says nothing" }, { "words", ",", empty },
      { "status", " ,", empty },
      { "integer", "0", '"0" is no whole number of at least 1' },
      { "port", "x", '"x" is no port from 1 to 65535' },
      { "page_size", "0", '"0" is no whole number from 1 to 100' },
      { "seconds", "5y", '"5y" is no number of seconds, and nothing like 90s, '
        .. "5m or 2h" },
      { "time", "d", '"d" is no time such as 30d, 12h, 2026-08-25 or '
        .. "2026-08-25T10:00:00Z" },
      { "pair", "loop", '"loop" is not like name=value' },
      { "pair", ".=1", '".=1" has no name' },
    } do
      local value, problem = values[case[1]](case[2])
      assert.is_nil(value)
      assert.equal(case[3], problem)
    end
    assert.equal(" ", values.text " ")
  end)

  it("may be given in parts", function()
    assert.same({ "a", "b", "c" },
      values.join { values.words "a, b", values.words "c" })
    assert.is_nil(values.join {})
    assert.is_nil(values.join(nil))
  end)
end)
