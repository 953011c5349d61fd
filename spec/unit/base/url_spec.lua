-- SPDX-License-Identifier: MIT
local url = require "lipsync.base.url"

describe("url", function()
  it("encodes all but unreserved characters", function()
    assert.equal("aZ09-._~", url.encode "aZ09-._~")
    assert.equal("a%2Fb%3Fc%25%20%23%C3%A4", url.encode "a/b?c% #ä")
    assert.equal("%00", url.encode "\0")
  end)

  it("makes one segment from an id", function()
    assert.equal("a%2Fb", url.segment "a/b")
    assert.equal("a%3Fb", url.segment "a?b")
    assert.equal("%252e%252e", url.segment "%2e%2e")
    assert.equal("...", url.segment "...")
    assert.equal(".a", url.segment ".a")
    assert.equal("a", (url.segment("a", "b")))
    assert.equal("a%20b", url.segment "a b")
  end)

  it("refuses an id that cannot be a segment", function()
    for _, id in ipairs { "", ".", "..", "a\0b", "a\nb", "a\127" } do
      local segment, problem = url.segment(id)
      assert.is_nil(segment)
      assert.is_string(problem)
    end
    assert.equal('the id cannot be ".."', (select(2, url.segment "..")))
  end)

  it("makes a segment of dots with anything else", function()
    for id, segment in pairs { ["/."] = "%2F.", ["./"] = ".%2F",
        ["/"] = "%2F", [".a"] = ".a", ["a."] = "a.", [" ."] = "%20.",
        ["..."] = "...", [".. "] = "..%20", ["../"] = "..%2F" } do
      assert.equal(segment, url.segment(id))
    end
  end)

  it("joins a query in the given order", function()
    assert.equal("/a", url.with_query("/a", {}))
    assert.equal("/a?x=1&b=2",
      url.with_query("/a", { { "x", "1" }, { "b", "2" } }))
  end)

  it("gives the origin without user, path and query", function()
    assert.equal("https://a.example:8443",
      url.origin "HTTPS://user:pass@a.example:8443/x?y=1")
  end)

  it("shows an id on one line", function()
    assert.equal("a%0Ab", url.readable "a\nb")
    assert.equal(("x"):rep(80), url.readable(("x"):rep(80)))
    assert.equal("ab" .. ("x"):rep(78) .. "…",
      url.readable("ab" .. ("x"):rep(79)))
  end)

  it("encodes all of an id but letters, digits and four others", function()
    for code = 0x20, 0x7e do
      local one = string.char(code)
      local stays = one:find "^[A-Za-z0-9._~-]$"
      assert.equal("a" .. (stays and one or ("%%%02X"):format(code)),
        (url.segment("a" .. one)))
    end
  end)

  it("refuses an id that is not UTF-8", function()
    for _, id in ipairs { "\255", "a\128", "\192\128", "\237\160\128",
                          "\244\144\128\128", "\226\130",
                          "\240\143\191\191" } do
      assert.is_nil((url.segment(id)))
    end
    assert.equal("%C3%A9%E2%82%AC%F0%9F%98%80",
      url.segment "\195\169\226\130\172\240\159\152\128")
  end)

  it("resolves the origin of a relative address", function()
    local base = "https://a.example"
    for address, origin in pairs {
      ["//evil.example/x"] = "https://evil.example",
      ["/\\evil.example"] = "https://evil.example",
      ["/login?to=//b.example"] = base, ["login"] = base, [""] = base,
      ["HTTP://b.example:81/"] = "http://b.example:81",
    } do
      assert.equal(origin, url.origin(address, base))
    end
  end)

  it("finds what may sign an address", function()
    assert.same({ "0123456789abcdef", "12345678" }, url.add_secrets({},
      "/a=1234567890?sig=0123456789abcdef&n=1&e=&x=12345678"))
    assert.same({ "12345678" }, url.add_secrets({}, "?x=12345678"))
    assert.same({ "old" }, url.add_secrets({ "old" }, "/a"))
  end)
end)
