-- SPDX-License-Identifier: MIT
-- The library that is loaded in a thread meanwhile.

local ahead = require "lipsync.cli.ahead"
local loader = require "lipsync.loader"
local terminal = require "lipsync.terminal"

local name = "lipsync.http"

describe("the library that is loaded ahead", function()
  local binary, load_ahead, await = loader.binary, terminal.load_ahead,
    terminal.await_load
  local library = package.loaded[name]
  local calls

  before_each(function()
    calls = {}
    local function note(text) calls[#calls + 1] = text end
    function terminal.load_ahead() note "load ahead" end
    function terminal.await_load() note "await" end
    function loader.binary(wanted)
      note((wanted:gsub("^lipsync%.", "")))
      assert(wanted ~= "lipsync.file", "it does not load")
      -- As `require` does, it takes what is there already.
      return package.loaded[wanted] or { answer = 42, other = "text" }
    end
  end)
  after_each(function()
    loader.binary, terminal.load_ahead, terminal.await_load = binary,
      load_ahead, await
    package.loaded[name] = library
  end)

  it("is waited for by its first use, not before", function()
    ahead.begin()
    assert.same({ "file", "load ahead" }, calls)
    local held = package.loaded[name]
    assert.are_not.equal(library, held)
    assert.equal(42, held.answer)
    assert.same({ "file", "load ahead", "await", "http" }, calls)
    assert.equal("text", held.other)
    assert.is_nil(held.none)
    assert.equal(4, #calls)
    assert.equal(held, package.loaded[name])
    assert.is_nil(getmetatable(held))
  end)

  it("is waited for at the end", function()
    ahead.finish()
    assert.same({ "await" }, calls)
  end)
end)
