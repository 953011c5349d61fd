-- SPDX-License-Identifier: MIT
local signature = require "lipsync.webhook.signature"

local digest = ("0aF9"):rep(16)
local bytes = ("\10\249"):rep(16)

describe("signature.find", function()
  local function finds(given)
    local text, problem = signature.find(given)
    return text or problem
  end

  it("takes the text, all values, or all headers", function()
    assert.equal("t=1", finds "t=1")
    assert.equal("t=1", finds { "t=1" })
    assert.equal("t=1", finds { [0] = "t=1" })
    for _, name in ipairs { "Sync-Signature", "sync-signature",
                            "SYNC-SIGNATURE", "x-signature-primary",
                            "X-Signature-Primary" } do
      assert.equal("t=1", finds { [name] = "t=1", host = "x" })
      assert.equal("t=1", finds { [name] = { [0] = "t=1" } })
    end
  end)

  it("prefers the present name", function()
    assert.equal("new", finds { ["x-signature-primary"] = "old",
                                ["sync-signature"] = "new" })
  end)

  it("says that there is none", function()
    for _, given in ipairs { {}, { host = "x" }, { ["Sync-Signature"] = "" },
                             "", " ", { "" }, { true },
                             { ["sync-signature"] = {} } } do
      assert.matches("^it has no signature .*Sync%-Signature.*"
        .. "X%-Signature%-Primary", finds(given))
    end
    assert.matches("^it has no signature", finds(nil))
  end)

  it("refuses one that came twice, however that is told", function()
    for _, given in ipairs {
      { "t=1", "t=1" }, { [0] = "t=1", "t=2" },
      { ["sync-signature"] = { "t=1", "t=1" } },
      { ["sync-signature"] = "t=1", ["Sync-Signature"] = "t=1" },
      { ["x-signature-primary"] = { [0] = "t=1", "t=1" } },
    } do
      assert.matches("came more than once", finds(given))
    end
  end)
end)

describe("signature.parse", function()
  it("reads the time and every v1", function()
    local read = signature.parse("t=1787652000,v1=" .. digest)
    assert.equal("1787652000", read.time)
    assert.equal(1787652000, read.seconds)
    assert.same({ bytes }, read.digests)
    read = signature.parse(("v1=%s, t=5 ,v0=x,v1=%s,v1=short,v2=%s")
      :format(digest, digest:lower(), digest))
    assert.equal("5", read.time)
    assert.same({ bytes, bytes }, read.digests)
  end)

  it("takes a time of decimal digits only", function()
    local long = signature.parse("t=000001787652000,v1=" .. digest)
    assert.equal(1787652000, long.seconds)
    assert.equal("000001787652000", long.time)
    for _, time in ipairs { "", " 5", "+5", "-5", "5.0", "5e3", "0x5", "5s",
                            "1234567890123456", "5 6", "\1785" } do
      local read, problem = signature.parse(("t=%s,v1=%s"):format(time, digest))
      assert.is_nil(read)
      assert.matches("is not a number of seconds", problem)
    end
  end)

  it("says what is missing, malformed or there twice", function()
    for text, problem in pairs {
      ["v1=" .. digest] = "has no time",
      ["t=5"] = "has no HMAC",
      ["t=5,v1="] = "has no HMAC",
      ["t=5,v1=" .. digest .. "0"] = "has no HMAC",
      ["t=5,v1=" .. digest:sub(2)] = "has no HMAC",
      ["t=5,v1=g" .. digest:sub(2)] = "has no HMAC",
      ["t=5,v0=" .. digest] = "has no HMAC",
      ["t=5,t=5,v1=" .. digest] = "came more than once",
      [("t=5,v1=%s, t=6,v1=%s"):format(digest, digest)] = "came more than once",
      ["t=5," .. digest] = "is malformed",
      ["t=5,,v1=" .. digest] = "is malformed",
      ["=5,v1=" .. digest] = "is malformed",
      [digest] = "is malformed",
      [""] = "is malformed",
    } do
      local read, said = signature.parse(text)
      assert.is_nil(read, text)
      assert.matches(problem, said)
    end
  end)
end)
