-- SPDX-License-Identifier: MIT
local check = require "lipsync.check"

local function message_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

describe("check", function()
  it("raises with the caller's line, however deep it was called", function()
    local message = message_of(function()
      check.table(1, "filter")
      return nil
    end)
    assert.match("check_spec%.lua:%d+: filter must be a table, got number 1$",
      message)
  end)

  it("finds the caller through a tail call", function()
    local function caller()
      return check.raise "wrong"
    end
    local message = message_of(function() caller() return nil end)
    assert.match("check_spec%.lua:%d+: wrong$", message)
  end)

  it("names the nearest known name and all known ones", function()
    local known = { projectId = true, status = true }
    local message = message_of(function()
      check.names({ project_id = 1 }, known, "filter")
      return nil
    end)
    assert.match('unknown filter "project_id", did you mean "projectId"%? '
      .. "Known: projectId, status%.$", message)
  end)

  it("does not guess where nothing is near", function()
    local message = message_of(check.names, { zebra = 1 },
      { limit = true }, "filter")
    assert.match('unknown filter "zebra"%. Known: limit%.$', message)
    assert.is_nil(check.nearest("", { "limit" }))
  end)

  it("names keys that are no strings", function()
    assert.match("unknown filter %[1%]%. Known: limit",
      message_of(check.names, { "FAILED" }, { limit = true }, "filter"))
  end)

  it("shows values shortly and on one line", function()
    assert.equal('string "a?b"', check.show "a\nb")
    assert.equal(('string "%s…"'):format(("ä"):rep(19) .. "x"),
      check.show(("ä"):rep(19) .. "x" .. ("ä"):rep(9)))
    assert.equal("boolean true", check.show(true))
    assert.equal("table", check.show {})
    assert.is_true(#check.show(("x"):rep(500)) < 60)
  end)

  it("tells a dot from a colon", function()
    local class = {}
    assert.match("call it with a colon: client:close%(%)$",
      message_of(check.self, {}, class, "client:close()"))
    check.self(setmetatable({}, class), class, "x")
  end)

  it("knows what can be called", function()
    assert.is_true(check.callable(print))
    assert.is_true(check.callable(setmetatable({}, { __call = print })))
    assert.is_false(check.callable {})
    assert.is_false(check.callable(nil))
  end)

  it("takes two letters swapped for one mistake", function()
    assert.equal("limit", check.nearest("limti", { "cursor", "limit" }))
    assert.equal("nginx", check.nearest("ngnix", { "luv", "nginx" }))
    assert.is_nil(check.nearest("tac", { "cat" }))
  end)
end)
