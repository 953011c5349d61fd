-- SPDX-License-Identifier: MIT
local text = require "lipsync.base.text"

describe("text", function()
  it("trims only the white space around it", function()
    for given, trimmed in pairs { ["a"] = "a", [" a b\r\n"] = "a b",
        ["\t\v\f a"] = "a", [""] = "", [" \n "] = "",
        ["\194\160\195\160"] = "\194\160\195\160" } do
      assert.equal(trimmed, text.trim(given))
    end
  end)

  it("trims in linear time", function()
    local spaces = (" "):rep(1000000)
    assert.equal("a" .. spaces .. "b",
      text.trim(spaces .. "a" .. spaces .. "b" .. spaces))
  end)

  it("cuts, but never inside a character", function()
    assert.equal("aä", text.cut("aä", 3))
    assert.equal("a", text.cut("aä", 2))
    assert.equal("aä", text.cut("aäb", 3))
    assert.equal("ab", text.cut("abc", 2))
    assert.equal("ab", text.cut("abä", 2))
    assert.equal("", text.cut("\240\159\152\128", 3))
    assert.equal("", text.cut("ää", 1))
    assert.equal("", text.cut("ää", 0))
    assert.equal("", text.cut("\128\128a", 1))
    -- In linear time, also of what is no text.
    local none = ("\128"):rep(1000000) .. "a"
    assert.equal(none, text.cut(none .. "ä", #none + 1))
  end)

  it("replaces each occurrence, with no pattern", function()
    assert.equal("(x)b(x)(x)", text.replace("a.ba.a.", "a.", "(x)"))
    assert.equal("ab", text.replace("ab", "a.", "(x)"))
    assert.equal("%1", text.replace("a", "a", "%1"))
  end)

  it("lowers ASCII only, in any locale", function()
    assert.equal("x-request-id \195\132", text.lower "X-REQUEST-ID \195\132")
  end)
end)
