-- SPDX-License-Identifier: MIT
local retry_after = require "lipsync.error.retry_after"

describe("retry_after", function()
  it("reads seconds, also with a fraction", function()
    assert.equal(30, retry_after.header("30", nil, 0))
    assert.equal(1.5, retry_after.header(" 1.5 ", nil, 0))
    assert.equal(0, retry_after.header("0", nil, 0))
  end)

  it("reads nine decimals, and twelve digits", function()
    assert.equal(1.123456789, retry_after.header("1.1234567891", nil, 0))
    assert.equal(123456789012, retry_after.header("123456789012", nil, 0))
    assert.equal(1e12, retry_after.header("1234567890123", nil, 0))
  end)

  it("compares a date with the response's Date", function()
    assert.equal(90, retry_after.header("Sun, 06 Nov 1994 08:51:07 GMT",
      "Sun, 06 Nov 1994 08:49:37 GMT", 5))
  end)

  it("compares it with the local clock without one", function()
    assert.equal(7, retry_after.header("Sun, 06 Nov 1994 08:49:37 GMT",
      nil, 784111770))
  end)

  it("reads a past date as 0", function()
    assert.equal(0, retry_after.header("Sun, 06 Nov 1994 08:49:37 GMT",
      nil, 2e9))
  end)

  it("ignores what it cannot read", function()
    assert.is_nil(retry_after.header(nil, nil, 0))
    for _, text in ipairs { "", "soon", "-1", "1e9", "nan", "1,5" } do
      assert.is_nil(retry_after.header(text, nil, 0), text)
    end
  end)

  it("reads the body's member", function()
    assert.equal(12.5, retry_after.body(12.5))
    assert.equal(12, retry_after.body "12")
    assert.equal(0, retry_after.body(0))
    for _, value in ipairs { -1, math.huge, 0 / 0, {}, true, "x" } do
      assert.is_nil(retry_after.body(value))
    end
    assert.is_nil(retry_after.body(nil))
  end)

  it("reads a huge number as a long time", function()
    local seconds = retry_after.header(("9"):rep(400), nil, 0)
    assert.is_true(seconds > 1e9 and seconds < math.huge)
  end)
end)
