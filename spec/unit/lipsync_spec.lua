-- SPDX-License-Identifier: MIT
-- The module itself: what `require "lipsync"` gives.

local core = require "lipsync.core"
local lipsync = require "lipsync"

describe("lipsync", function()
  it("has a version and the core's null", function()
    assert.equal(core._VERSION, lipsync._VERSION)
    assert.equal(core.null, lipsync.null)
  end)

  it("makes a generation from text, or says why not", function()
    assert.equal("x", lipsync.generation('{"id":"x"}').id)
    for _, text in ipairs { "", "[]", "{", '{"id":"x"} y' } do
      local generation, err = lipsync.generation(text)
      assert.is_nil(generation)
      assert.equal("protocol", err.kind)
      assert.match("^read generation: ", tostring(err))
    end
    local ok, message = pcall(function() lipsync.generation(nil) end)
    assert.is_false(ok)
    assert.match("lipsync_spec.lua:%d+: lipsync.generation takes a string, "
      .. "got nil", message)
  end)

  it("reads times, or says why not", function()
    assert.equal(0, lipsync.time "1970-01-01T00:00:00Z")
    local seconds, err = lipsync.time "soon"
    assert.is_nil(seconds)
    assert.equal("invalid", err.kind)
    assert.equal("time", err.field)
    assert.equal('string "soon" is not a time such as 2026-08-25T10:00:00Z.',
      tostring(err))
    local ok, message = pcall(function() return (lipsync.time(5)) end)
    assert.is_false(ok)
    assert.match("lipsync_spec.lua:%d+: lipsync.time takes a string, got "
      .. "number 5$", message)
  end)

  it("recognizes its errors", function()
    local _, err = lipsync.time ""
    assert.is_true(lipsync.is_error(err))
    for _, value in ipairs { "x", 5, {}, true } do
      assert.is_false(lipsync.is_error(value))
    end
    assert.is_false(lipsync.is_error(nil))
  end)

  it("reports a colon in place of a dot", function()
    for call, wrong in pairs {
      ["new { … }"] = function() return (lipsync:new {}) end,
      ["generation(json)"] = function() return (lipsync:generation "{}") end,
      ["time(text)"] = function() return (lipsync:time "") end,
      ["is_error(value)"] = function() return (lipsync:is_error(5)) end,
      ["encode(value)"] = function() return (lipsync:encode(5)) end,
      ["array { … }"] = function() return (lipsync:array {}) end,
      ["assert(value, err)"] = function() return (lipsync:assert(5)) end,
    } do
      local ok, message = pcall(wrong)
      assert.is_false(ok)
      assert.match("lipsync_spec.lua:%d+: call it with a dot: ", message)
      assert.is_truthy(message:find("lipsync." .. call, 1, true), message)
    end
  end)

  it("asserts, and raises the error object to who catches it", function()
    assert.same({ 1, nil, "note" }, { lipsync.assert(1, nil, "note") })
    local ok, problem = pcall(function()
      lipsync.assert(lipsync.time "now")
    end)
    assert.is_false(ok)
    assert.match('string "now" is not a time', tostring(problem))
    assert.is_true(lipsync.is_error(problem))
    ok, problem = pcall(function() lipsync.assert(false) end)
    assert.is_false(ok)
    assert.equal("assertion failed!", problem)
  end)

  it("writes JSON, or says what it cannot write", function()
    assert.equal('{"a":[],"b":{}}',
      lipsync.encode { a = lipsync.array {}, b = {} })
    local text, err = lipsync.encode { a = { print } }
    assert.is_nil(text)
    assert.equal("invalid", err.kind)
    assert.match("^encode: a%[1%]: ", tostring(err))
    local ok, message = pcall(function() return (lipsync.array(5)) end)
    assert.is_false(ok)
    assert.match("lipsync_spec.lua:%d+: lipsync.array takes a table", message)
  end)

  it("sets no global and needs no debug library", function()
    local misuse = require "lipsync.base.misuse"
    local debug_ = _G.debug
    _G.debug = nil
    local where = misuse.caller()
    _G.debug = debug_
    assert.match("lipsync_spec.lua:%d+: $", where)
  end)
end)
