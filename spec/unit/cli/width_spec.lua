-- SPDX-License-Identifier: MIT

local width = require "lipsync.cli.width"

describe("the width of a text", function()
  it("counts columns", function()
    assert.equal(3, width.of "abc")
    assert.equal(5, width.of "Größe")
    assert.equal(4, width.of "製品")
    assert.equal(1, width.of "e\204\129")  -- e and an accent
    assert.equal(2, width.of "\240\159\152\128")  -- a smiley
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
