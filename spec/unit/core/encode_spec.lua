-- SPDX-License-Identifier: MIT
-- JSON text of Lua values: the same bytes on every VM and in any locale, what
-- is refused and where, and that the text reads as the same value.

local core = require "lipsync.core"
require "lipsync"  -- describes the type Generation

local array, decode, encode = core.array, core.decode, core.encode

-- A seeded random sequence, so a failure can be repeated.
local seed
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return math.floor(seed / 65536) % n
end

-- `{ [1] = ... }`, `depth` levels deep.
local function nested(depth)
  local value = {}
  for _ = 2, depth do value = { value } end
  return value
end

local function refuses(wanted, ...)
  local text, why = encode(...)
  assert.is_nil(text)
  assert.equal(wanted, why)
end

describe("core.encode", function()
  it("writes each type of value", function()
    assert.equal([["text"]], encode "text")
    assert.equal("true", encode(true))
    assert.equal("false", encode(false))
    assert.equal("null", encode(core.null))
    assert.equal("-12.5", encode(-12.5))
    assert.equal([[{"a":[1,"two",null,{"b":false}],"c":{},"z":null}]],
      encode { c = {}, a = { 1, "two", core.null, { b = false } },
               z = core.null })
  end)

  it("escapes only what it must", function()
    assert.equal([["\"\\\b\f\n\r\t\u0000\u001f\u000b"]],
      encode "\"\\\b\f\n\r\t\0\31\11")
    for _, text in ipairs { "", "/", "<&>'", "\127", "caf\195\169",
        "\226\128\168\226\128\169", "\240\159\152\128" } do
      assert.equal('"' .. text .. '"', encode(text))
    end
    assert.equal([[{"\n\"":1}]], encode { ['\n"'] = 1 })
  end)

  it("writes integral numbers as integers on every VM", function()
    local numbers = { "0", "7", "-1", "1000000000000000", "9007199254740991",
                      "-9007199254740991", "9007199254740992" }
    for _, text in ipairs(numbers) do
      local chunk = (loadstring or load)(
        ("return %s, %s.0, %s / 1"):format(text, text, text))
      for _, n in ipairs { chunk() } do assert.equal(text, encode(n)) end
    end
    assert.equal("0", encode(-0.0))
    assert.equal("7.205759403792794e+16", encode(2 ^ 56))
  end)

  it("writes 64-bit integers exactly", function()
    if not math.type then pending "no integers here" return end
    assert.equal("9007199254740993", encode(9007199254740993))
    assert.equal("9223372036854775807", encode(math.maxinteger))
    assert.equal("-9223372036854775808", encode(math.mininteger))
  end)

  it("writes fractions short, in the C locale only", function()
    assert.equal("[0.1,-42.75,0.0001,1e-05,1e+23,1e+300]",
      encode { 0.1, -42.75, 0.0001, 0.00001, 1e23, 1e300 })
    assert.equal("0.30000000000000004", encode(0.1 + 0.2))
    assert.equal("1.7976931348623157e+308", encode(1.7976931348623157e308))
    assert.equal(5e-324, (decode(encode(5e-324))))
  end)

  it("sorts members by the bytes of their names", function()
    local names = { "a", "", "B", "aa", "a\0", "\195\169", "z", "10", "9",
                    "_", "A", "a\0b" }
    local wanted = encode {
      [""] = true, ["10"] = true, ["9"] = true, A = true, B = true,
      _ = true, a = true, ["a\0"] = true, ["a\0b"] = true, aa = true, z = true,
      ["\195\169"] = true }
    assert.equal([[{"":true,"10":true,"9":true,"A":true,"B":true,"_":true,]]
      .. [["a":true,"a\u0000":true,"a\u0000b":true,"aa":true,"z":true,]]
      .. '"\195\169":true}', wanted)
    -- However the table was built.
    for i = 1, 50 do
      seed = i
      local value, left = {}, {}
      for n, name in ipairs(names) do left[n] = name end
      while #left > 0 do
        value["gone" .. random(100)] = true
        value[table.remove(left, random(#left) + 1)] = true
      end
      for name in pairs(value) do
        if name:find "^gone" then value[name] = nil end
      end
      assert.equal(wanted, encode(value))
    end
  end)

  it("tells arrays from objects by their keys", function()
    assert.equal("[1]", encode { 1 })
    assert.equal("[1,2,3]", encode { [3] = 3, [1] = 1, [2] = 2 })
    assert.equal("[1,2]", encode { [1.0] = 1, [2.0] = 2 })
    assert.equal([[{"1":1}]], encode { ["1"] = 1 })
    assert.equal("{}", encode {})
    local list = { 1, 2, 3 }
    list[3], list[2] = nil, nil
    assert.equal("[1]", encode(list))
    list[1] = nil
    assert.equal("{}", encode(list))
  end)

  it("keeps null as an element and as a member", function()
    assert.equal("[null,1,null]", encode { core.null, 1, core.null })
    assert.equal([[{"a":null}]], encode { a = core.null, b = nil })
  end)

  it("writes a generation as its original bytes", function()
    local text = [[{"id" : "x", "n":1.50e0,"u":"\u00e9\/"}]]
    local generation = assert(core.object("Generation", text))
    assert.equal(text, encode(generation))
    assert.equal('{"of":[' .. text .. "]}", encode { of = { generation } })
  end)

  it("reports where the invalid value is", function()
    local null = "(lipsync.null stands for null)"
    refuses("input[2].url: invalid UTF-8",
      { input = { {}, { url = "\255" } } })
    refuses("invalid UTF-8", "\237\160\128")
    refuses("a: invalid UTF-8", { a = "cut \226\130" })
    refuses("a[1]: a name with invalid UTF-8", { a = { { ["\192"] = 1 } } })
    refuses("n: not a finite number", { n = 0 / 0 })
    refuses("[1]: not a finite number", { math.huge })
    refuses("[1][2]: not a finite number", { { 1, -math.huge } })
    refuses("a: element 2 is missing " .. null, { a = { 1, nil, 3 } })
    refuses("element 1 is missing " .. null, { [10] = 1 })
    refuses("element 1 is missing " .. null, { nil, 2 })
    refuses("element 2 is missing " .. null, { 1, [2 ^ 40] = 1 })
    refuses("element 2 is missing " .. null, { 1, [math.huge] = 1 })
    refuses("a: cannot write an array with names among its keys",
      { a = { 1, b = 2 } })
    refuses("a: cannot write a key of type boolean", { a = { [true] = 1 } })
    for _, key in ipairs { 0, -1, 1.5, 2 ^ 31 + 0.5, -math.huge } do
      refuses("cannot write a key that is neither a name nor a whole number "
        .. "from 1 on", { 1, [key] = 1 })
    end
    refuses("cannot write a value of type nil", nil)
    refuses("[1]: cannot write a value of type function", { print })
    refuses("f: cannot write a value of type userdata", { f = io.stdout })
    refuses("t: cannot write a value of type thread",
      { t = coroutine.create(function() end) })
  end)

  it("refuses 64-bit integers of LuaJIT's FFI", function()
    if not jit then pending "no FFI here" return end
    refuses("n: cannot write a value of type cdata",
      { n = require "ffi".new("int64_t", 1) })
  end)

  it("quotes names in a path, and cuts long paths", function()
    refuses([[["a b"].c["d\n"]["1"][""]: not a finite number]],
      { ["a b"] = { c = { ["d\n"] = { ["1"] = { [""] = 0 / 0 } } } } })
    for _, name in ipairs { "a", "z", "A", "Z", "_", "aA", "zZ", "a0", "a9",
        "a_" } do
      refuses(name .. ": not a finite number", { [name] = 0 / 0 })
    end
    for _, name in ipairs { "`", "{", "@", "[", "a/", "a:", "0", "9a", "a b",
        "\127", "\195\164", "^" } do
      refuses(('["%s"]: not a finite number'):format(name),
        { [name] = 0 / 0 })
    end
    local value = { 0 / 0 }
    for _ = 1, 100 do value = { name = value } end
    local _, why = encode(value)
    assert.equal(("name."):rep(40) .. "...: not a finite number", why)
    _, why = encode { [("x"):rep(1000)] = 0 / 0 }
    assert.equal("...: not a finite number", why)
  end)

  it("calls no metamethod, and refuses tables that have any", function()
    local function fail() error "called" end
    local value = setmetatable({ a = 1 }, { __index = fail, __pairs = fail,
      __len = fail, __tostring = fail, __eq = fail, __ipairs = fail,
      __metatable = "hidden", __name = "x", __call = fail })
    refuses("cannot write a table with a metatable", value)
    refuses("[1].a: cannot write a table with a metatable", { { a = value } })
    refuses("cannot write a table with a metatable", setmetatable({}, {}))
  end)

  it("is not disturbed by finalizers that change the table", function()
    local function finally(fn)
      if newproxy then
        getmetatable(newproxy(true)).__gc = fn
      else
        setmetatable({}, { __gc = fn })
      end
    end
    for _ = 1, 200 do
      local value = {}
      for i = 1, 200 do value["name" .. i] = { tostring(i) } end
      finally(function()
        for name in pairs(value) do value[name] = nil end
      end)
      local n = 0
      for _ in pairs(decode(encode(value))) do n = n + 1 end
      assert.is_true(n == 0 or n == 200)
    end
  end)

  it("goes 256 levels deep, like the scanner", function()
    local text = assert(encode(nested(256)))
    assert.equal(("["):rep(255) .. "{}" .. ("]"):rep(255), text)
    assert.is_not_nil(decode(text))
    local _, why = encode(nested(257))
    assert.matches("^%[1%].*%.%.%.: nested more than 256 deep", why)
  end)

  it("refuses a table that contains itself", function()
    local value = { list = {} }
    value.list[1] = value
    local _, why = encode(value)
    assert.matches("^list%[1%]%.list.*nested more than 256 deep", why)
    value = {}
    value[1], value[2] = value, value
    assert.is_nil((encode(value)))
  end)

  it("keeps to its limit, to the byte", function()
    local value = { a = { 1, "\n", 0.5 }, b = true }
    local text = assert(encode(value))
    for ceiling = 0, #text - 1 do
      refuses(("more than %d bytes of JSON"):format(ceiling), value, ceiling)
    end
    assert.equal(text, (encode(value, #text)))
    -- A shared table is written each time: here 2^100 times.
    local shared = "x"
    for _ = 1, 100 do shared = { shared, shared } end
    refuses("more than 1000000 bytes of JSON", shared, 1000000)
    refuses("more than 16777216 bytes of JSON", ("x"):rep(16777215))
    assert.has_error(function() encode(1, -1) end)
    assert.has_error(function() encode(1, 2 ^ 31) end)
    assert.has_error(function() encode() end)
  end)

  -- A little is written in room on the C stack.
  it("writes a little as well as more", function()
    for n = 1, 60 do
      local value, parts = { a = {} }, {}
      for i = 1, n do
        local name = ("m%02d"):format(i)
        value.a[name], parts[i] = i, ('"%s":%d'):format(name, i)
      end
      local text = '{"a":{' .. table.concat(parts, ",") .. "}}"
      assert.equal(text, (encode(value)))
      value.a.m01 = print
      refuses("a.m01: cannot write a value of type function", value)
    end
    for n = 1000, 1040 do
      local text = ("x"):rep(n)
      assert.equal('["' .. text .. '"]', (encode { text }))
      assert.equal('"' .. text .. '\\n"', (encode(text .. "\n")))
    end
  end)

  it("writes tables that are larger than any stack", function()
    local list, members = {}, {}
    for i = 1, 100000 do
      list[i] = i
      members["m" .. i] = { i }
    end
    assert.same(list, decode(encode(list)))
    -- The scanner accepts only 1024 members of the outermost object.
    assert.same({ members }, decode(encode { members }))
    list[70000] = nil
    refuses("element 70000 is missing (lipsync.null stands for null)", list)
  end)

  it("writes text that reads as the same value", function()
    local pieces = { "a", "Z 09", "caf\195\169", "\226\130\172", "\0", "\n",
      '"', "\\", "\240\159\152\128", "/", ("long "):rep(40) }
    local function text()
      local parts = {}
      for i = 1, random(6) do parts[i] = pieces[random(#pieces) + 1] end
      return table.concat(parts)
    end
    local function number()
      local n = random(32768) * 32768 + random(32768) - 536870912
      if random(2) == 0 then return n end
      return (n + random(32768) / 32768) * 10 ^ (random(60) - 30)
    end
    local function value(depth)
      local kind = random(depth > 0 and 8 or 5)
      if kind == 0 then return core.null
      elseif kind == 1 then return random(2) == 0
      elseif kind == 2 then return number()
      elseif kind <= 4 then return text() end
      local made = {}
      if kind == 5 then
        for i = 1, random(5) do made[i] = value(depth - 1) end
        return array(made)
      end
      for _ = 1, random(6) do made[text()] = value(depth - 1) end
      return made
    end
    for i = 1, 400 do
      seed = i
      local made = value(5)
      local written = assert(encode(made))
      local read = decode(written)
      assert.same(made, read)
      assert.equal(written, encode(read))
      assert.equal(written, core.compact(written))
    end
  end)
end)

describe("core.array", function()
  it("marks a table, also if it changes later", function()
    local list = {}
    assert.equal(list, array(list))
    assert.equal("[]", encode(list))
    list[1] = "a"
    assert.equal('["a"]', encode(list))
    list[1] = nil
    assert.equal('{"a":[[]]}', encode { a = { array(list) } })
    list.name = 1
    refuses("cannot write an array with names among its keys", list)
  end)

  it("accepts only a plain table", function()
    assert.has_error(function() array(setmetatable({}, {})) end)
    assert.has_error(function() array "x" end)
    assert.has_error(function() array() end)
  end)

  it("is what an empty array decodes to", function()
    local text = '{"a":[],"b":{},"c":[[],{},[[]]]}'
    assert.equal(text, encode(decode(text)))
    assert.equal("[]", encode(decode " [ ] "))
    local generation = assert(core.object("Generation",
      '{"id":"x","n":' .. text .. "}"))
    assert.equal(text, encode(generation.n))
    assert.is_nil(getmetatable(decode "[1]"))
    assert.is_nil(getmetatable(decode "{}"))
  end)

  it("is an ordinary table to lua-cjson and dkjson", function()
    local cjson, dkjson = require "cjson", require "dkjson"
    local value = decode '{"a":[]}'
    assert.equal(cjson.encode { a = {} }, cjson.encode(value))
    assert.equal("[1,2]", cjson.encode(array { 1, 2 }))
    assert.equal('{"a":[]}', dkjson.encode(value))
    assert.equal("[1,2]", dkjson.encode(array { 1, 2 }))
  end)
end)

describe("core.compact", function()
  it("removes only white space between tokens", function()
    assert.equal([[{"a b":[1,-2.5e+3,null,"\" \\"," "],"":{}}]],
      core.compact("\n{ \"a b\" : [ 1 ,\t-2.5e+3 , null,\r\n"
        .. [["\" \\" , " " ] , "" : { } } ]]))
    for _, text in ipairs { "{}", "[]", "1", '"a b"', "[1,2]" } do
      assert.equal(text, core.compact(text))
      assert.equal(text, core.compact(" " .. text .. "\n"))
    end
  end)

  it("does not read past the end of invalid JSON", function()
    for _, text in ipairs { "", " ", '"', '"\\', '{"a', "nul" } do
      assert.is_true(#core.compact(text) <= #text)
    end
  end)
end)
