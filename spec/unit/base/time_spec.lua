-- SPDX-License-Identifier: MIT
local time = require "lipsync.base.time"

describe("time", function()
  local function at(expected, text)
    assert.equal(expected, time.parse(text), text)
  end

  it("reads the service's times", function()
    at(0, "1970-01-01T00:00:00Z")
    at(1787652000, "2026-08-25T10:00:00Z")
    at(1787652000.25, "2026-08-25T10:00:00.250Z")
    at(1787652000.5, "2026-08-25T10:00:00,5Z")
  end)

  it("reads offsets", function()
    at(1787644800, "2026-08-25T10:00:00+02:00")
    at(1787652000, "2026-08-25T04:30:00-0530")
    at(1787652000, "2026-08-25T10:00:00+00")
    at(1787652000, "2026-08-25t10:00:00z")
    at(60, "1970-01-02T00:00:00+23:59")
    at(-60, "1969-12-31T00:00:00-23:59")
  end)

  it("knows the calendar", function()
    at(951782400, "2000-02-29T00:00:00Z")
    at(-62135596800, "0001-01-01T00:00:00Z")
    at(253402300799, "9999-12-31T23:59:59Z")
    at(-1, "1969-12-31T23:59:59Z")
    at(1483228800, "2016-12-31T23:59:60Z")
    at(nil, "2100-02-29T00:00:00Z")
    at(nil, "2026-02-30T00:00:00Z")
    at(nil, "2026-04-31T00:00:00Z")
  end)

  it("counts every day", function()
    local lengths = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
    local day, wrong = 0, {}
    local function check(expected, ...)
      local text = ("%d-%02d-%02dT00:00:00Z"):format(...)
      if time.parse(text) ~= expected then wrong[#wrong + 1] = text end
    end
    for year = 1970, 2101 do
      lengths[2] = year % 4 == 0 and year ~= 2100 and 29 or 28
      for month, length in ipairs(lengths) do
        for d = 1, length do
          check(day * 86400, year, month, d)
          day = day + 1
        end
        check(nil, year, month, length + 1)
      end
    end
    assert.same({}, wrong)
  end)

  it("refuses any other text", function()
    for _, text in ipairs { "", "x", "2026-08-25", "2026-08-25T10:00:00",
        "2026-08-25T10:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00-24", "2026-01-01T00:00:00+01:60",
        " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z ",
        "2026-1-1T00:00:00Z" } do
      at(nil, text)
    end
    assert.is_nil(time.parse(nil))
    assert.is_nil(time.parse(5))
  end)

  it("reads a fraction of any length", function()
    at(0.125, "1970-01-01T00:00:00.125000000000000000000Z")
  end)
end)
