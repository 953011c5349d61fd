-- SPDX-License-Identifier: MIT
local name = require "lipsync.media.name"

describe("a safe name", function()
  it("is the text where that is harmless", function()
    assert.equal("episode-12.mp4", name.safe("episode-12", ".mp4"))
    assert.equal("caf\195\169 (2).mp4", name.safe("caf\195\169 (2)", ".mp4"))
    assert.equal("a.b.mp4", name.safe("a.b", ".mp4"))
    assert.equal("a", name.safe "a")
  end)

  it("keeps an ending of its own", function()
    assert.equal("clip.mp4", name.safe("clip.mp4", ".mp4"))
    assert.equal("clip.MOV", name.safe("clip.MOV", ".mp4"))
    assert.equal("clip-1234abcd.wav", name.safe("clip.wav", "", "-1234abcd"))
    assert.equal("clip.exe.mp4", name.safe("clip.exe", ".mp4"))
  end)

  it("is one segment of a path, and no hidden file", function()
    for text, wanted in pairs {
        ["a/b"] = "a_b.mp4", ["a\\b"] = "a_b.mp4", ["/etc/passwd"] =
        "_etc_passwd.mp4", ["../../x"] = "_.._x.mp4", [".profile"] =
        "profile.mp4", [" . x . "] = "x.mp4", ["a\0b\n"] = "a_b_.mp4",
        ["c:d*?"] = "c_d__.mp4", ["\127"] = false, [""] = false,
        [".."] = false, ["///"] = false, [" "] = false } do
      assert.equal(wanted or nil, name.safe(text, ".mp4"), text)
    end
    assert.is_nil(name.safe(nil, ".mp4"))
  end)

  it("is no device", function()
    for _, text in ipairs { "con", "NUL", "Aux.txt", "prn", "com1", "com9",
        "lpt1", "LPT9 x", "nul.mp4" } do
      assert.equal("_", name.safe(text, ".mp4"):sub(1, 1), text)
    end
    assert.equal("_nul.mp4", name.safe("nul", ".mp4"))
    for _, text in ipairs { "console", "com0", "com10" } do
      assert.equal(text .. ".mp4", name.safe(text, ".mp4"))
    end
  end)

  it("leaves room for .part.json in 255 bytes, and cuts no character",
    function()
      local made = name.safe(("\195\164"):rep(200), ".mp4", "-1234abcd")
      assert.is_true(#made <= 255 - #".part.json")
      assert.is_true(#made > 235)
      assert.equal(0, #made:match "^([\195\164]*)%-1234abcd%.mp4$" % 2)
      assert.equal(245, #name.safe(("x"):rep(300), ".mp4"))
    end)
end)
