-- SPDX-License-Identifier: MIT
-- The C types without the Lua layer: the service's objects, of which
-- generations are one type, and values.

local cjson = require "cjson".new()
local core = require "lipsync.core"
local program = require "spec.support.program"
require "lipsync"  -- describes the type Generation

local has_integers = math.type ~= nil

-- A generation from the members between the braces, with an id.
local function generation(members)
  return assert(core.object("Generation", '{"id":"x",' .. members .. "}"))
end

describe("a generation", function()
  it("reads every type of value", function()
    local g = generation [["s":"text","n":-12.5,"t":true,"f":false,"z":null,
      "a":[1,"two",null],"o":{"in":{"deep":[{}]},"z":null}]]
    assert.equal("text", g.s)
    assert.equal(-12.5, g.n)
    assert.is_true(g.t)
    assert.is_false(g.f)
    assert.is_nil(g.z)
    assert.is_nil(g.absent)
    assert.same({ 1, "two", core.null }, g.a)
    assert.same({ ["in"] = { deep = { {} } } }, g.o)
  end)

  it("tells null from an absent member", function()
    local g = generation '"z":null'
    assert.is_true(g:has "z")
    assert.is_false(g:has "absent")
  end)

  it("returns members named like a method by get", function()
    local g = generation '"get":1,"json":"j"'
    assert.equal("function", type(g.get))
    assert.equal(1, g:get "get")
    assert.equal("j", g:get "json")
  end)

  -- The core looks for methods only under names with the length and first byte
  -- of one; some fields have the same.
  it("reads fields that resemble methods, and no field over one", function()
    local g = generation [["segments":1,"jso":2,"hat":3,"fields2":4,"":5,
      "is_termina1":6]]
    assert.same({ 1, 2, 3, 4, 5, 6 }, { g.segments, g.jso, g.hat, g.fields2,
                                        g[""], g.is_termina1 })
    assert.is_false(g:is_terminal())
    assert.is_nil(g.is_termina2)
  end)

  -- Short strings are cached for the next reading, one for each length and
  -- first byte.
  it("reads similar short strings", function()
    for _ = 1, 2 do
      for _, value in ipairs { "", "a", "ab", "aB", "abcdefghijklmno",
          "abcdefghijklmnO", "abcdefghijklmnop", "abcdefghijklmnoP" } do
        for _ = 1, 2 do
          local g = generation(('"v":"%s","w":[]'):format(value))
          assert.equal(value, g.v)
          collectgarbage()
          assert.equal(value, g.v)
        end
      end
      assert.equal("a\n", generation [["v":"a\n"]].v)
      assert.equal("a\n", generation [["v":"\u0061\n"]].v)
      assert.equal("a\\n", generation [["v":"a\\n"]].v)
    end
  end)

  it("keeps nested values separate for each generation", function()
    local a = generation '"input":[{"type":"video"}]'
    local b = generation '"input":[{"type":"audio"}]'
    assert.equal(a.input, a.input)
    assert.equal("video", a.input[1].type)
    assert.equal("audio", b.input[1].type)
  end)

  it("compares decoded keys; the last of a name counts", function()
    local g = generation [["\u0073tatus":"A","status":"B","n":1,"n":null]]
    assert.equal("B", g.status)
    assert.is_nil(g.n)
    g = generation [["status":"A","st\u0061tus":"C"]]
    assert.equal("C", g.status)
  end)

  it("reads other spellings of two fields", function()
    local g = generation '"error_code":"E","outputMediaUrl":"u"'
    assert.equal("E", g.errorCode)
    assert.equal("u", g.outputUrl)
    assert.equal("E", g:get "errorCode")
    assert.is_true(g:has "outputUrl")
    g = generation '"errorCode":"A","error_code":"B"'
    assert.equal("A", g.errorCode)
    g = generation '"errorCode":null,"error_code":"B"'
    assert.equal("B", g.errorCode)
  end)

  it("keeps the exact bytes", function()
    local text = ' {"id" : "x",\n"n":1.50e0, "u":"\\u00e9\\/" }'
    local g = assert(core.object("Generation", text .. "\n"))
    assert.equal(text:sub(2), g:json())
    assert.equal("é/", g.u)
  end)

  it("returns its bytes on one line", function()
    local g = assert(core.object("Object",
      '{ "id" : "a b",\n\t"n": [ 1,\r\n2 ] }'))
    assert.equal('{"id":"a b","n":[1,2]}', g:json { compact = true })
    assert.equal('{ "id" : "a b",\n\t"n": [ 1,\r\n2 ] }', g:json {})
    assert.has_error(function() g:json(5) end)
  end)

  it("decodes into a plain table with null kept", function()
    local g = generation '"z":null,"a":[null],"o":{"z":null}'
    assert.same({ id = "x", z = core.null, a = { core.null },
                  o = { z = core.null } }, g:decode())
    assert.not_equal(g:decode(), g:decode())
  end)

  it("iterates over its fields in order, each once", function()
    local g = generation '"b":1,"a":null,"b":2,"c":{"d":1}'
    local names, values = {}, {}
    for name, value in g:fields() do
      names[#names + 1] = name
      values[name] = value
    end
    assert.same({ "id", "a", "b", "c" }, names)
    assert.equal(2, values.b)
    assert.equal(g.c, values.c)
    assert.is_nil(values.a)
  end)

  it("iterates by pairs where the VM supports it", function()
    local asks = false
    pairs(setmetatable({}, { __pairs = function()
      asks = true
      return next, {}
    end }))
    if not asks then pending "this VM does not ask __pairs" return end
    local count = 0
    for _ in pairs(generation '"b":1') do count = count + 1 end
    assert.equal(2, count)
  end)

  it("compares by bytes", function()
    assert.is_true(generation '"a":1' == generation '"a":1')
    assert.is_false(generation '"a":1' == generation '"a":1.0')
    assert.is_false(generation '"a":1' == core.null)
  end)

  it("has a text form", function()
    assert.equal("Generation x FAILED why",
      tostring(generation '"status":"FAILED","errorCode":"why"'))
    assert.equal("Generation x", tostring(generation '"status":null'))
    -- One line, whatever was sent: escapes are kept.
    assert.equal([[Generation x \n\u001b[31m]],
      tostring(generation [["status":"\n\u001b[31m"]]))
  end)

  it("cannot be changed", function()
    local g = generation '"a":1'
    local ok, err = pcall(function() g.a = 2 end)
    assert.is_false(ok)
    assert.matches("core_spec.lua:%d+: a generation cannot be changed", err)
  end)

  it("returns nil for names that are not strings", function()
    local g = generation '"1":"one"'
    assert.is_nil(g[1])
    assert.is_nil(g[true])
    assert.equal("one", g["1"])
  end)

  it("hides its metatable, whose functions check their object", function()
    local g = generation '"a":1'
    assert.equal("Generation", getmetatable(g))
    for _, wrong in ipairs { {}, "x", 1, io.stdout } do
      assert.has_error(function() return g.get(wrong, "a") end)
      assert.has_error(function() return g.json(wrong) end)
      assert.has_error(function() return g.fields(wrong) end)
    end
    if debug then
      local index = debug.getmetatable(g).__index
      assert.has_error(function() return index(io.stdout, "a") end)
      assert.has_error(function() return index({}, "a") end)
      assert.has_error(function() return index() end)
    end
  end)

  it("gives a member as it was sent", function()
    local g = generation '"o": { "a":1.0 } ,"n":null'
    assert.equal('{ "a":1.0 }', core.member(g, "o"))
    assert.equal("null", core.member(g, "n"))
    assert.is_nil((core.member(g, "x")))
    assert.has_error(function() core.member({}, "o") end)
    assert.has_error(function() core.member(g, 1) end)
  end)

  it("knows its owner", function()
    local owner = {}
    local g = assert(core.object("Generation", '{"id":"x","o":{}}', owner))
    assert.equal(owner, core.owner(g))
    assert.same({}, g.o)
    assert.equal(owner, core.owner(g))
    assert.is_nil((core.owner(generation '"o":{}')))
  end)

  it("rejects invalid text", function()
    local cases = {
      { "[]", "json_shape" }, { '"x"', "json_shape" }, { "", "json_cut" },
      { "  ", "json_cut" }, { '{"id":1}', "no_id" }, { "{}", "no_id" },
      { '{"id":""}', "no_id" }, { '{"id":null}', "no_id" },
      { '{"id":"x"', "json_cut" }, { '{"id":"x"}}', "json_syntax" },
      { '{"id":"x"} {"id":"y"}', "json_syntax" },
      { '{"id":"x","a":' .. ("["):rep(300), "json_depth" },
      { '{"id":"x"' .. (',"a":1'):rep(1100) .. "}", "json_members" },
    }
    for _, case in ipairs(cases) do
      local g, failure = core.object("Generation", case[1])
      assert.is_nil(g, case[1])
      assert.equal(case[2], failure.code, case[1])
      assert.equal("Generation", failure.type)
      assert.is_false(core.is_error(failure))
    end
  end)

  it("may be long", function()
    local g = generation('"s":"' .. ("ä\\n"):rep(300000) .. '"')
    assert.equal(("ä\n"):rep(300000), g.s)
  end)

  it("may have few members or many", function()
    for _, n in ipairs { 1, 62, 63, 64, 65, 1023 } do
      local members = {}
      for i = 1, n do members[i] = ('"m%d":%d'):format(i, i) end
      local owner = {}
      local g = assert(core.object("Generation",
        '{"id":"x",' .. table.concat(members, ",") .. "}", owner))
      for i = 1, n do assert.equal(i, g["m" .. i]) end
      assert.equal("x", g.id)
      assert.equal(owner, core.owner(g))
    end
  end)
end)

describe("a type of objects", function()
  local function describe_spec(more)
    local descriptor = { name = "Spec", aliases = { a = "b" },
      shows = { "name", "a" }, methods = { twice = function(self)
        return 2 * self.n
      end } }
    for name, value in pairs(more or {}) do descriptor[name] = value end
    core.object_type(descriptor)
  end

  it("has its own aliases, methods and shown members",
    function()
      describe_spec()
      local object = assert(core.object("Spec",
        '{"name":"N","b":"B","n":4,"error_code":"E"}'))
      assert.equal("Spec N B", tostring(object))
      assert.equal("B", object.a)
      assert.equal("B", object:get "a")
      assert.is_true(object:has "a")
      assert.is_nil(object.errorCode)
      assert.equal(8, object:twice())
      assert.is_nil(generation '"n":4'.twice)
      assert.equal("Spec", getmetatable(object))
      assert.equal("Spec", core.type_of(object))
      assert.equal("Generation", core.type_of(generation '"n":4'))
    end)

  it("may or may not require an id", function()
    describe_spec()
    assert.equal("Spec", tostring(assert(core.object("Spec", "{}"))))
    describe_spec { has_id = true }
    local none, failure = core.object("Spec", '{"id":""}')
    assert.is_nil(none)
    assert.same({ code = "no_id", type = "Spec" }, failure)
  end)

  it("is distinct from other types", function()
    describe_spec()
    local object = assert(core.object("Spec", '{"id":"x","n":4}'))
    local g = generation '"n":4'
    assert.is_false(object == assert(core.object("Object", object:json())))
    assert.is_true(object == assert(core.object("Spec", object:json())))
    for name, call in pairs { get = g.get, json = g.json, fields = g.fields } do
      local ok, err = pcall(call, object, "n")
      assert.is_false(ok)
      assert.matches("call it with a colon: generation:" .. name, err)
    end
    local ok, err = pcall(function() object.n = 1 end)
    assert.is_false(ok)
    assert.matches("a spec cannot be changed", err)
    assert.has_error(function() core.object("Nothing", "{}") end)
  end)

  it("may be described anew, also for its objects", function()
    describe_spec()
    local object = assert(core.object("Spec", '{"name":"N","c":"C","n":4}'))
    assert.is_nil(object.a)
    describe_spec { aliases = { a = "c" }, shows = { "a" }, methods = {
      thrice = function(self) return 3 * self.n end } }
    assert.equal("C", object.a)
    assert.equal("Spec C", tostring(object))
    assert.equal(12, object:thrice())
    assert.is_nil(object.twice)
  end)

  it("rejects an invalid description", function()
    for _, wrong in ipairs { { name = ("x"):rep(32) }, {}, { name = {} },
        { aliases = { a = 1, b = 2, c = 3, d = 4, e = 5 }, name = "Spec" },
        { methods = { [{}] = 1 }, name = "Spec" } } do
      assert.has_error(function() core.object_type(wrong) end)
    end
  end)

  it("has up to four aliases and shown members, of 31 bytes", function()
    local a, b, long = ("a"):rep(31), ("b"):rep(31), ("N"):rep(31)
    core.object_type { name = long, shows = { a, "c", "d", "e", "f" },
      aliases = { [a] = b, c = "C", d = "D", e = "E" } }
    local text = ('{"%s":"1","C":"2","D":"3","E":"4","f":"5"}'):format(b)
    local object = assert(core.object(long, text))
    assert.equal(long .. " 1 2 3 4", tostring(object))
    assert.same({ "1", "2", "3", "4", "5" }, { object[a], object.c, object.d,
                                               object.e, object.f })
    for _, wrong in ipairs { { name = long .. "N" },
        { name = long, shows = { a .. "a" } },
        { name = long, aliases = { [a .. "a"] = "b" } },
        { name = long, aliases = { a = b .. "b" } },
        { name = long, aliases = { a = 5 }, shows = { {} } } } do
      assert.has_error(function() core.object_type(wrong) end)
    end
    assert.equal(long .. " 1 2 3 4", tostring(object))
  end)

  it("is named with its article where it is to be changed", function()
    for name, words in pairs { Asset = "an asset", Element = "an element",
        Item = "an item", Option = "an option", User = "a user",
        Zone = "a zone", ["\195\132Z"] = "a \195\132z" } do
      core.object_type { name = name }
      local object = assert(core.object(name, "{}"))
      local ok, why = pcall(function() object.a = 1 end)
      assert.is_false(ok)
      assert.truthy(why:find(": " .. words .. " cannot be changed: it is "
        .. "what the service sent; decode() gives a table that can", 1, true),
        why)
    end
  end)

  it("is nil for other values", function()
    for _, other in ipairs { 1, "x", {}, io.stdout } do
      assert.is_nil(core.type_of(other))
      assert.has_error(function() core.owner(other) end)
    end
    assert.is_nil(core.type_of(nil))
  end)
end)

describe("a generation's methods", function()
  it("require a colon and a string", function()
    local g = generation '"a":1'
    for _, call in ipairs { "get", "has", "json", "decode", "fields" } do
      local ok, err = pcall(function() return (g[call]("id")) end)
      assert.is_false(ok)
      assert.matches("core_spec.lua:%d+: call it with a colon: generation:"
        .. call, err)
    end
    assert.has_error(function() g:get(5) end)
    assert.has_error(function() g:has() end)
  end)
end)

describe("numbers", function()
  it("are integers where the VM has them, and exact", function()
    if not has_integers then pending "no integers here" return end
    for _, n in ipairs { 0, 1, -1, 9007199254740993, math.maxinteger,
                         math.mininteger } do
      local read = core.decode(("%d"):format(n))
      assert.equal("integer", math.type(read))
      assert.equal(n, read)
    end
    assert.equal("float", math.type(core.decode "1.0"))
    assert.equal("float", math.type(core.decode "1e2"))
    assert.equal("float", math.type(core.decode "9223372036854775808"))
  end)

  it("are the nearest double, whatever the locale", function()
    local texts = { "42.75", "0.1", "-0.0", "1e308", "5e-324", "1e-400",
      "123456789012345678901234567890", "3.141592653589793238462643383279",
      "1.7976931348623157e308", "9007199254740993.0" }
    for _, text in ipairs(texts) do
      local read = core.decode(text)
      -- The VM's own reading of source text does not ask the locale either.
      local chunk = (loadstring or load)("return " .. text .. " + 0.0")
      assert.equal(chunk(), read, text)
    end
    assert.equal(-math.huge, 1 / core.decode "-0")
    assert.equal(math.huge, core.decode "1e999")
  end)
end)

describe("core.decode", function()
  it("agrees with lua-cjson on what both accept", function()
    local texts = { "[]", '{"a":[1,2,{"b":"c"}],"d":true,"e":null}',
      '"\\u00e9\\ud83d\\ude00\\n\\"\\\\\\/"', "[1.5,-2,0.001]",
      '["\240\159\152\128"]' }
    for _, text in ipairs(texts) do
      assert.same(cjson.decode('[' .. text .. ']')[1], core.decode(text))
    end
  end)

  it("reads a lone surrogate as U+FFFD", function()
    assert.equal("a\239\191\189b", core.decode '"a\\ud800b"')
    assert.equal("\239\191\189\239\191\189", core.decode '"\\udc00\\ud800"')
    for _, each in ipairs { "d800", "dbff", "dc00", "dfff" } do
      assert.equal("\239\191\189", core.decode('"\\u' .. each .. '"'))
    end
    assert.equal("\237\159\191\238\128\128", core.decode '"\\ud7ff\\ue000"')
    assert.equal("\240\144\128\128\244\143\191\191",
      core.decode '"\\ud800\\udc00\\udbff\\udfff"')
    assert.equal("\239\191\189\238\128\128", core.decode '"\\ud800\\ue000"')
  end)

  it("accepts white space around any value", function()
    for text, value in pairs { ['"a"'] = "a", ['"\\n"'] = "\n", ["-1.5"] = -1.5,
        ["0"] = 0, ["true"] = true, ["null"] = core.null } do
      assert.equal(value, (core.decode(text)))
      assert.equal(value, (core.decode("\n " .. text .. "\t\r\n ")), text)
    end
    assert.same({ 1 }, (core.decode " [ 1 ] "))
  end)

  it("returns null where cjson does", function()
    assert.equal(cjson.null, core.decode "null")
    assert.equal(cjson.null, core.null)
    assert.equal('[null]', cjson.encode { core.null })
  end)

  it("reports the position of an error", function()
    local value, failure = core.decode '{"a":01}'
    assert.is_nil(value)
    assert.same({ code = "json_syntax", wanted = "value", found = "an object",
      detail = "a number with a leading zero", offset = 6,
      limit = 2147483647 }, failure)
  end)
end)

describe("core", function()
  it("provides clocks, random numbers and the environment", function()
    local a, b = core.now(), core.now()
    assert.is_true(b >= a)
    assert.is_true(math.abs(core.time() - os.time()) < 5)
    for _ = 1, 100 do
      local r = core.random()
      assert.is_true(r >= 0 and r < 1)
    end
    assert.is_nil(core.getenv "LIPSYNC_SURELY_UNSET")
    assert.equal(os.getenv "PATH", core.getenv "PATH")
  end)

  it("gives numbers all over the interval from 0 to 1", function()
    local seen, is_low, is_high, n = {}, false, false, 0
    for _ = 1, 1000 do
      local r = core.random()
      is_low, is_high = is_low or r < 0.1, is_high or r > 0.9
      if not seen[r] then n, seen[r] = n + 1, true end
    end
    assert.is_true(is_low and is_high)
    assert.is_true(n > 990, n)
  end)

  it("reads the clocks of the system", function()
    local from, start = core.now(), core.time()
    repeat until core.now() - from > 0.05
    local passed = core.time() - start
    assert.is_true(passed > 0.02 and passed < 20, passed)
  end)

  it("writes a line to standard error", function()
    local pipe = assert(io.popen(([[%s -e '
      package.path, package.cpath = "%s", "%s"
      local core = require "lipsync.core"
      core.log "a %%d"
      core.log ""
      core.log "b"' 2>&1 >/dev/null]]):format(program.vm, package.path,
      package.cpath)))
    local text = pipe:read "*a"
    pipe:close()
    assert.equal("a %d\n\nb\n", text)
    assert.has_error(function() core.log() end)
  end)

  it("says where a function is called", function()
    local function caller(level)
      local where = core.where(level)
      return where
    end
    local here = core.where(1)
    local there = caller(2)
    local file, line = here:match "^(.*core_spec.lua):(%d+): $"
    assert.equal(("%s:%d: "):format(file, line + 1), there)
    assert.equal("", core.where(1000))
    assert.equal("", core.where(0))  -- core.where itself, a C function
  end)

  it("raises any value as it is", function()
    for _, value in ipairs { "text", 5, { "table" }, false } do
      local ok, raised = pcall(core.raise, value, "more")
      assert.is_false(ok)
      assert.equal(value, raised)
    end
    assert.has_error(function() core.raise() end)
    assert.is_false(pcall(core.raise, nil))
  end)

  it("knows the main coroutine, and whether one can yield", function()
    local main = core.main()
    assert.equal("thread", type(main))
    local function ask() return core.main(), core.is_yieldable() end
    local ok, inner, can_yield = coroutine.resume(coroutine.create(ask))
    assert.is_true(ok)
    assert.equal(main, inner)
    assert.is_true(can_yield == true or can_yield == nil)
    if coroutine.isyieldable then
      assert.is_true(can_yield)
      assert.equal(coroutine.isyieldable(), core.is_yieldable())
    end
  end)

  it("gives texts that differ", function()
    local seen = {}
    for _ = 1, 1000 do
      local text = core.random_text()
      assert.matches("^" .. ("[0-9a-f]"):rep(32) .. "$", text)
      assert.is_nil(seen[text])
      seen[text] = true
    end
  end)

  it("leaves the program's own random numbers alone", function()
    math.randomseed(42)
    local expected = math.random(1000000)
    math.randomseed(42)
    core.random()
    assert.equal(expected, math.random(1000000))
  end)
end)

describe("core.objects", function()
  local function texts(list)
    local found = {}
    for i, object in ipairs(list) do found[i] = object:json() end
    return table.concat(found, "|")
  end

  it("gives each object with its own bytes", function()
    local list = core.objects("Object", ' [ {"a" : 1} ,{},{"b":[{}]}\n] ')
    assert.equal('{"a" : 1}|{}|{"b":[{}]}', texts(list))
    assert.equal(1, list[1].a)
    assert.is_nil(core.owner(list[1]))
    assert.same({}, core.objects("Object", "[]"))
  end)

  it("takes a member of an object, the last of that name", function()
    local owner = {}
    local page = core.object("Object",
      '{"items":[],"n":1,"\\u0069tems":[ {"id":"x"} ]}')
    local list = core.objects("Generation", page, "items", owner)
    assert.equal('{"id":"x"}', texts(list))
    assert.equal(owner, core.owner(list[1]))
    assert.equal("Generation", core.type_of(list[1]))
    assert.is_nil(core.objects("Object", page, "n"))
    assert.is_nil(core.objects("Object", page, "other"))
  end)

  it("gives nothing where one is not of the type", function()
    for _, text in ipairs { "", "[", "[1]", "[null]", "[{}]", "[[]]", "{}",
        '[{"id":"a"}]x', '[{"id":"a"},{"id":5}]', '[{"id":"a"}', "[\255]" } do
      assert.is_nil(core.objects("Generation", text), text)
    end
  end)

  it("gives as many as there are, of the type that is asked for", function()
    for _, n in ipairs { 1, 2, 100, 1500 } do
      local parts = {}
      for i = 1, n do parts[i] = ('{"id":"g%d"}'):format(i) end
      local list = core.objects("Generation",
        "[" .. table.concat(parts, ",") .. "]")
      assert.equal(n, #list)
      assert.equal("g" .. n, list[n].id)
      assert.equal("Generation", core.type_of(list[n]))
    end
    local members = {}
    for i = 1, 1025 do members[i] = ('"m%d":1'):format(i) end
    assert.is_nil(core.objects("Object",
      "[{" .. table.concat(members, ",") .. "}]"))
    assert.equal(1, #core.objects("Object",
      "[{" .. table.concat(members, ",", 1, 1024) .. "}]"))
  end)

  it("raises for what it does not take", function()
    assert.is_false(pcall(core.objects, "Object", {}))
    assert.is_false(pcall(core.objects, "Nothing", "[]"))
    assert.is_false(pcall(core.objects, "Object", core.object("Object", "{}")))
  end)
end)
