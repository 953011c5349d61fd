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

  -- The folder "lua/lipsync/base/" of misuse itself, and a function that raises
  -- as if it were in that file.
  local own = debug.getinfo(misuse.raise, "S").source:match "^@(.*/)[^/]*$"
  local function raiser(path)
    local load_text = rawget(_G, "loadstring") or load
    local raise = assert(load_text(
      "local misuse = ...; misuse.raise 'wrong'; return nil", "@" .. path))
    return function() raise(misuse) return nil end
  end

  it("knows all of its folders", function()
    local names = io.popen("ls -d " .. own .. "../*/")
    for path in names:lines() do
      local name = path:match "([^/]+)/$"
      -- The command is a program, which calls the client as others do.
      if name ~= "cli" then
        local there = own:gsub("base/$", name) .. "/any.lua"
        assert.match("^[^:]*misuse_spec%.lua:%d+: wrong$",
          message_of(raiser(there)))
      end
    end
    names:close()
  end)

  it("knows its own files where Lua cuts their paths", function()
    local long = ("x"):rep(80) .. "/"
    assert.match("misuse_spec%.lua:%d+: wrong$",
      message_of(raiser(long .. own .. "any.lua")))
    assert.match("other%.lua:1: wrong$",
      message_of(raiser(long .. "program/other.lua")))
  end)

  it("knows them where Lua cuts only its own path", function()
    local file = assert(io.open "lua/lipsync/base/misuse.lua")
    local source = file:read "*a"
    file:close()
    local load_text = rawget(_G, "loadstring") or load
    -- Of this one Lua cuts the path, of the other it does not.
    local root = ("x"):rep(35) .. "/lua/lipsync/"
    local other = assert(load_text(source, "@" .. root .. "base/misuse.lua"))()
    local near = assert(load_text("(...).raise 'wrong'; return nil",
      "@" .. root .. "z.lua"))
    assert.match("misuse_spec%.lua:%d+: wrong$", message_of(function()
      near(other)
      return nil
    end))
    near = assert(load_text("(...).raise 'wrong'; return nil",
      "@" .. ("y"):rep(35) .. "/lua/lipsync/z.lua"))
    assert.match("z%.lua:1: wrong$", message_of(near, other))
  end)

  it("names a caller that has no file", function()
    local load_text = rawget(_G, "loadstring") or load
    local raise = assert(load_text("(...).raise 'wrong'; return nil",
      "=(program)"))
    assert.equal("(program):1: wrong", message_of(raise, misuse))
  end)

  it("finds who called it directly", function()
    local where = misuse.caller()
    assert.match("misuse_spec%.lua:%d+: $", where)
  end)

  it("takes a program's own folder of that name for the program's", function()
    assert.equal("vendor/" .. own .. "any.lua:1: wrong",
      message_of(raiser("vendor/" .. own .. "any.lua")))
  end)

  it("can be caught, and nothing else with it", function()
    assert.same({ true, 1, 2 },
      { misuse.caught(function(...) return ... end, 1, 2) })
    assert.same({ false, "wrong" },
      { misuse.caught(function() misuse.raise "wrong" end) })
    local problem = {}
    assert.equal(problem, select(2, pcall(misuse.caught, error, problem)))
    assert.equal("elsewhere",
      select(2, pcall(misuse.caught, error, "elsewhere", 0)))
  end)

  it("can be caught where no line is known, but for lack of memory", function()
    local function catch(message)
      local thread = coroutine.create(misuse.caught)
      return { coroutine.resume(thread, error, message, 0) }
    end
    assert.same({ true, false, "wrong" }, catch "wrong")
    assert.same({ false, "not enough memory" }, catch "not enough memory")
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
    assert.is_nil(misuse.nearest("ab", { "xy" }))
  end)

  it("takes a third of the letters for a slip, and the first of two", function()
    assert.equal("cursor", misuse.nearest("cuxxor", { "limit", "cursor" }))
    assert.is_nil(misuse.nearest("cuxxxr", { "limit", "cursor" }))
    assert.equal("a", misuse.nearest("b", { "a" }))
    assert.equal("limb", misuse.nearest("lima", { "limb", "limc" }))
    assert.equal("limc", misuse.nearest("limc", { "limb", "limc" }))
  end)

  it("counts a letter too many, or too few, as one mistake", function()
    for _, name in ipairs { "tagx", "xtag", "taxg", "ta", "ag", "tg" } do
      assert.equal("tag", misuse.nearest(name, { "tag" }), name)
    end
    assert.is_nil(misuse.nearest("tagxy", { "tag" }))
  end)

  it("compares the first 40 letters", function()
    local known = { ("a"):rep(27) }
    assert.equal(known[1], misuse.nearest(("a"):rep(40), known))
    assert.equal(known[1], misuse.nearest(("a"):rep(50), known))
    assert.is_nil(misuse.nearest(("a"):rep(41), { ("a"):rep(26) }))
  end)

  it("sorts what it knows", function()
    local known, wanted = {}, {}
    for i = 1, 26 do
      wanted[i] = string.char(96 + i)
      known[wanted[i]] = true
    end
    assert.same(wanted, misuse.keys(known))
  end)

  it("says that a member is not there, or cannot be set", function()
    assert.match("a listing has no \"nxt\", did you mean \"next\"? Known: "
      .. "close, next.", message_of(misuse.no_member, "a listing", "nxt",
      { next = true, close = true }), 1, true)
    assert.match("next of a listing cannot be set", message_of(
      misuse.no_member, "a listing", "next", { next = true }), 1, true)
  end)

  it("counts the elements of an array", function()
    assert.equal(0, misuse.length({}, "items"))
    assert.equal(3, misuse.length({ 1, false, 3 }, "items"))
    assert.equal(1, misuse.length(require "lipsync.core".array { 1 }, "items"))
    for wrong, text in pairs { [{ [2] = 1 }] = "without holes or names",
        [{ 1, a = 1 }] = "without holes or names",
        [setmetatable({}, {})] = "items must be a table without a metatable",
        x = 'items must be a table, got string "x"' } do
      assert.match(text, message_of(misuse.length, wrong, "items"), 1, true)
    end
    local _, err = require "lipsync".time "now"
    assert.match("items is an error object: .*is not a time",
      message_of(misuse.plain_table, err, "items"))
  end)

  it("names keys that are not strings", function()
    assert.match("unknown filter %[1%]%. Known: limit",
      message_of(misuse.names, { "FAILED" }, { limit = true }, "filter"))
  end)

  it("shows values short and on one line", function()
    assert.equal('string "a?b"', misuse.show "a\nb")
    assert.equal(('string "%s…"'):format(("ä"):rep(19) .. "x"),
      misuse.show(("ä"):rep(19) .. "x" .. ("ä"):rep(9)))
    assert.equal(('string "%s"'):format(("x"):rep(40)),
      misuse.show(("x"):rep(40)))
    assert.equal(('string "%s…"'):format(("x"):rep(40)),
      misuse.show(("x"):rep(41)))
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
    assert.is_false(misuse.callable "print")
    local file = assert(io.tmpfile())
    local meta = getmetatable(file)
    assert.is_false(misuse.callable(file))
    debug.setmetatable(file, { __call = print })
    local is_callable = misuse.callable(file)
    debug.setmetatable(file, meta)
    file:close()
    assert.is_true(is_callable)
    assert.is_false(misuse.callable(nil))
  end)

  it("counts two swapped letters as one mistake", function()
    assert.equal("limit", misuse.nearest("limti", { "cursor", "limit" }))
    assert.equal("nginx", misuse.nearest("ngnix", { "luv", "nginx" }))
    assert.is_nil(misuse.nearest("tac", { "cat" }))
  end)
end)
