-- SPDX-License-Identifier: MIT
-- The library alone, by the vectors of RFC 4231.

local is_here, hmac = pcall(require, "lipsync.hmac")

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

describe("lipsync.hmac", function()
  if not is_here then return pending "lipsync.hmac is left out" end

  it("makes an HMAC-SHA-256, of any bytes under a key of any length", function()
    for _, row in ipairs {
      { ("\11"):rep(20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b"
        .. "881dc200c9833da726e9376c2e32cff7" },
      { "Jefe", "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
      { ("\170"):rep(20), ("\221"):rep(50),
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
      { ("\170"):rep(131), "Test Using Larger Than Block-Size Key - "
        .. "Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    } do
      assert.equal(row[3], hex(hmac.sha256(row[1], row[2])))
    end
    assert.equal(32, #hmac.sha256("k", ""))
    assert.not_equal(hmac.sha256("k", "a\0b"), hmac.sha256("k", "a\0c"))
  end)

  it("refuses a key that is empty, or none", function()
    assert.has_error(function() hmac.sha256("", "text") end)
    assert.has_error(function() hmac.sha256(nil, "text") end)
    assert.has_error(function() hmac.sha256("key", nil) end)
  end)

  it("compares all bytes", function()
    assert.is_true(hmac.equal("", ""))
    assert.is_true(hmac.equal("a\0b", "a\0b"))
    for _, other in ipairs { "a\0c", "b\0b", "a\0", "a\0bb", "" } do
      assert.is_false(hmac.equal("a\0b", other))
      assert.is_false(hmac.equal(other, "a\0b"))
    end
  end)
end)
