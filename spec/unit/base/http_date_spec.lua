-- SPDX-License-Identifier: MIT
local http_date = require "lipsync.base.http_date"
local time = require "lipsync.base.time"

describe("http_date", function()
  it("reads the three forms", function()
    for _, text in ipairs { "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994" } do
      assert.equal(784111777, http_date.parse(text), text)
    end
  end)

  it("knows every month", function()
    for i, name in ipairs { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
        "Aug", "Sep", "Oct", "Nov", "Dec" } do
      assert.equal(time.parse(("1994-%02d-06T08:49:37Z"):format(i)),
        http_date.parse(("Sun, 06 %s 1994 08:49:37 GMT"):format(name)))
    end
  end)

  it("resolves a two-digit year to the nearer century", function()
    assert.equal(1793954977,
      http_date.parse "Friday, 06-Nov-26 08:49:37 GMT")
    assert.equal(0, http_date.parse "Thursday, 01-Jan-70 00:00:00 GMT")
    assert.equal(3124224000, http_date.parse "Tuesday, 01-Jan-69 00:00:00 GMT")
  end)

  it("refuses any other text", function()
    for _, text in ipairs { "", "30", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 25:49:37 GMT" } do
      assert.is_nil(http_date.parse(text))
    end
  end)
end)
