-- SPDX-License-Identifier: MIT

local width = require "lipsync.cli.width"

-- A character in UTF-8, of two bytes or more.
local function character(code)
  local function byte(of, lead) return lead + math.floor(code / of) % 64 end
  if code < 0x800 then return string.char(byte(64, 0xc0), byte(1, 0x80)) end
  if code < 0x10000 then
    return string.char(byte(4096, 0xe0), byte(64, 0x80), byte(1, 0x80))
  end
  return string.char(byte(262144, 0xf0), byte(4096, 0x80), byte(64, 0x80),
    byte(1, 0x80))
end

describe("the width of a text", function()
  it("counts columns", function()
    assert.equal(3, width.of "abc")
    assert.equal(5, width.of "Größe")
    assert.equal(4, width.of "製品")
    assert.equal(1, width.of "e\204\129")  -- e and an accent
    assert.equal(2, width.of "\240\159\152\128")  -- a smiley
  end)

  it("changes where a script of wide characters begins and ends", function()
    for code, columns in pairs { [0x2ff] = 1, [0x300] = 0, [0x36f] = 0,
        [0x370] = 1, [0x10ff] = 1, [0x1100] = 2, [0x115f] = 2, [0x1160] = 1,
        [0x200a] = 1, [0x200b] = 0, [0x200f] = 0, [0x2010] = 1, [0x2e7f] = 1,
        [0x2e80] = 2, [0xa4cf] = 2, [0xa4d0] = 1, [0xabff] = 1, [0xac00] = 2,
        [0xd7a3] = 2, [0xd7a4] = 1, [0xfdff] = 1, [0xfe00] = 0, [0xfe0f] = 0,
        [0xfe10] = 1, [0xff60] = 2, [0xff61] = 1, [0x1f2ff] = 1,
        [0x1f300] = 2, [0x1f64f] = 2, [0x1f650] = 1, [0x1ffff] = 1,
        [0x20000] = 2, [0x3fffd] = 2, [0x3fffe] = 1 } do
      assert.equal(columns, width.of(character(code)), ("%x"):format(code))
    end
  end)

  it("is cut between characters", function()
    assert.equal("abc", width.cut("abc", 3))
    assert.equal("ab…", width.cut("abcd", 3))
    assert.equal("製…", width.cut("製品名", 4))
    assert.equal("製品…", width.cut("製品名", 5))
    assert.equal("Grö…", width.cut("Größe", 4))
    assert.equal("\255\255…", width.cut("\255\255\255\255", 3))
  end)

  it("is filled up", function()
    assert.equal("製   ", width.fit("製", 5))
    assert.equal("ab…", width.fit("abcd", 3))
  end)

  it("leaves nothing that moves a cursor", function()
    assert.equal("a b  c é", width.plain "a\nb\27\0c\194\155é")
    assert.equal("a [31mb", width.plain "a\27[31mb")
  end)
end)
