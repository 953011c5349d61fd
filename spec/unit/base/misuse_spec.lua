-- SPDX-License-Identifier: MIT
local misuse = require "lipsync.base.misuse"

local function message_of(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return message
end

describe("misuse", function()
  it("raises with the caller's line at any call depth", function()
    local message = message_of(function()
      misuse.plain_table(1, "filter")
      return nil
    end)
    assert.match("misuse_spec%.lua:%d+: filter must be a table, got number 1$",
      message)
  end)

  it("finds the caller through a tail call", function()
    local function caller()
      return misuse.raise "wrong"
    end
    local message = message_of(function() caller() return nil end)
    assert.match("misuse_spec%.lua:%d+: wrong$", message)
  end)

  it("knows its own files by either slash", function()
    local own = debug.getinfo(misuse.raise, "S").source:gsub("/", "\\")
    local load_text = rawget(_G, "loadstring") or load
    local ours = assert(load_text("local misuse = ...; misuse.raise 'wrong'",
      own))
    local message = message_of(function() ours(misuse) return nil end)
    assert.match("misuse_spec%.lua:%d+: wrong$", message)
  end)

  it("names the nearest known name and all others", function()
    local known = { projectId = true, status = true }
    local message = message_of(function()
      misuse.names({ project_id = 1 }, known, "filter")
      return nil
    end)
    assert.match('unknown filter "project_id", did you mean "projectId"%? '
      .. "Known: projectId, status%.$", message)
  end)

  it("says in which table the name is", function()
    assert.match('unknown member "b" of request.input. Known: aaaaaa.',
      message_of(misuse.names, { b = 1 }, { aaaaaa = true }, "member",
        "request.input"), 1, true)
    assert.match("unknown member [1] of request. Known: a.",
      message_of(misuse.names, { "x" }, { a = true }, "member", "request"), 1,
      true)
  end)

  it("does not guess if no name is near", function()
    local message = message_of(misuse.names, { zebra = 1 },
      { limit = true }, "filter")
    assert.match('unknown filter "zebra"%. Known: limit%.$', message)
    assert.is_nil(misuse.nearest("", { "limit" }))
  end)

  it("names keys that are not strings", function()
    assert.match("unknown filter %[1%]%. Known: limit",
      message_of(misuse.names, { "FAILED" }, { limit = true }, "filter"))
  end)

  it("shows values short and on one line", function()
    assert.equal('string "a?b"', misuse.show "a\nb")
    assert.equal(('string "%s…"'):format(("ä"):rep(19) .. "x"),
      misuse.show(("ä"):rep(19) .. "x" .. ("ä"):rep(9)))
    assert.equal("boolean true", misuse.show(true))
    assert.equal("table", misuse.show {})
    local _, err = require "lipsync".time "now"
    assert.match('^an error object: .*"now" is not a time', misuse.show(err))
    assert.is_true(#misuse.show(("x"):rep(500)) < 60)
  end)

  it("reports a dot in place of a colon", function()
    local class = {}
    assert.match("call it with a colon: client:close%(%)$",
      message_of(misuse.self, {}, class, "client:close()"))
    misuse.self(setmetatable({}, class), class, "x")
  end)

  it("recognizes callable values", function()
    assert.is_true(misuse.callable(print))
    assert.is_true(misuse.callable(setmetatable({}, { __call = print })))
    assert.is_false(misuse.callable {})
    assert.is_false(misuse.callable(nil))
  end)

  it("counts two swapped letters as one mistake", function()
    assert.equal("limit", misuse.nearest("limti", { "cursor", "limit" }))
    assert.equal("nginx", misuse.nearest("ngnix", { "luv", "nginx" }))
    assert.is_nil(misuse.nearest("tac", { "cat" }))
  end)
end)
