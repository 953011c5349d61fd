-- SPDX-License-Identifier: MIT
-- Generated documents: kept byte for byte, and decoded to the right value in
-- any locale. The references are the generator, which knows the value it wrote,
-- and lua-cjson where it is reliable.

local core = require "lipsync.core"
local lipsync = require "lipsync"

local DOCUMENTS = 400

-- A seeded random sequence, so a failure can be repeated.
local seed
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return math.floor(seed / 65536) % n
end

local function pick(list) return list[random(#list) + 1] end

-- White space where JSON allows it.
local function space() return pick { "", "", "", " ", "\n", "\t \r\n" } end

-- Pieces of strings: as written, and as decoded.
local pieces = {
  { "a" }, { "Z 09" }, { "caf\195\169" }, { "\226\130\172" },
  { "\240\159\152\128" }, { "/" }, { "'" }, { "\127" },
  { '\\"', '"' }, { "\\\\", "\\" }, { "\\/", "/" }, { "\\b", "\b" },
  { "\\f", "\f" }, { "\\n", "\n" }, { "\\r", "\r" }, { "\\t", "\t" },
  { "\\u0041", "A" }, { "\\u00e9", "\195\169" }, { "\\u20AC", "\226\130\172" },
  { "\\ud83d\\ude00", "\240\159\152\128" }, { "\\u0000", "\0" },
  { "\\ud800-", "\239\191\189-" }, { "\\udc00x", "\239\191\189x" },
  { ("long "):rep(40) },
}

local function make_string()
  local written, read = {}, {}
  for i = 1, random(6) do
    local piece = pick(pieces)
    written[i], read[i] = piece[1], piece[2] or piece[1]
  end
  return '"' .. table.concat(written) .. '"', table.concat(read)
end

-- %.17g restores any double exactly; a comma becomes a point.
local function make_number()
  local kind = random(4)
  if kind == 0 then
    local n = random(2000) - 1000
    return ("%d"):format(n), n
  elseif kind == 1 then
    local n = (random(32768) * 32768 + random(32768)) * (random(2) * 2 - 1)
    return ("%d"):format(n), n
  end
  local x = (random(32768) + random(32768) / 32768) * 10 ^ (random(60) - 30)
  return (("%.17g"):format(x):gsub(",", ".")), x
end

local make_value

local function make_array(depth)
  local written, read = {}, {}
  for i = 1, random(5) do
    local text, value = make_value(depth - 1)
    written[i], read[i] = space() .. text .. space(), value
  end
  return "[" .. table.concat(written, ",") .. "]", read
end

local function make_object(depth, first)
  local written, read = { first }, {}
  for _ = 1, random(6) do
    local name, key = make_string()
    local text, value = make_value(depth - 1)
    if key ~= "id" then  -- a repeated one counts as what comes last
      written[#written + 1] = space() .. name .. space() .. ":" .. space()
        .. text .. space()
      read[key] = value
    end
  end
  return "{" .. table.concat(written, ",") .. "}", read
end

function make_value(depth)
  local kind = random(depth > 0 and 8 or 5)
  if kind == 0 then return "null", lipsync.null
  elseif kind == 1 then return "true", true
  elseif kind == 2 then return "false", false
  elseif kind == 3 then return make_number()
  elseif kind == 4 or kind == 5 then return make_string()
  elseif kind == 6 then return make_array(depth) end
  return make_object(depth)
end

local function documents(visit)
  for i = 1, DOCUMENTS do
    seed = i
    local text, value = make_object(5, '"id":"a"')
    value.id = "a"
    visit(text, value)
  end
end

describe("a generated document", function()
  it("is kept byte for byte and decodes to its value", function()
    documents(function(text, value)
      local generation, err = lipsync.generation(text)
      assert(generation, err and text .. ": " .. tostring(err))
      assert.equal(text, generation:json())
      assert.same(value, generation:decode())
      assert.same(value, (core.decode(text)))
    end)
  end)

  it("has the members it was written with, also null ones", function()
    documents(function(text, value)
      local generation = assert(lipsync.generation(text))
      for name, each in pairs(value) do
        assert.is_true(generation:has(name))
        if each == lipsync.null then
          -- errorCode and outputUrl have aliases; no other member has.
          assert.is_nil(generation:get(name))
        elseif type(each) ~= "table" then
          assert.equal(each, generation:get(name))
        end
      end
      local count = 0
      for name in generation:fields() do
        assert.is_not_nil(value[name])
        count = count + 1
      end
      for _ in pairs(value) do count = count - 1 end
      assert.equal(0, count)
    end)
  end)

  it("decodes as in lua-cjson", function()
    -- In a locale with a comma lua-cjson reads no fraction.
    if os.getenv "LIPSYNC_LOCALE" then return end
    local cjson = require "cjson"
    documents(function(text)
      -- It accepts no lone surrogates, and drops \u0000.
      if text:find "\\ud800" or text:find "\\udc00" then return end
      assert.same(cjson.decode(text), (core.decode(text)))
    end)
  end)

  it("has exact numbers", function()
    local exact = {
      ["9007199254740993"] = 9007199254740993,
      ["0.1"] = 0.1, ["1e23"] = 1e23, ["5e-324"] = 5e-324,
      ["1.7976931348623157e308"] = 1.7976931348623157e308,
      ["2.2250738585072011e-308"] = 2.2250738585072011e-308,
      ["42.75"] = 42.75, ["-0.0"] = 0, ["1E+2"] = 100,
      ["123456789012345678901234567890"] = 123456789012345678901234567890,
    }
    for text, value in pairs(exact) do
      assert.equal(value, (core.decode(text)), text)
    end
    assert.equal(-math.huge, 1 / assert(core.decode "-0"))
    if math.type then
      assert.equal(math.maxinteger, (core.decode "9223372036854775807"))
      assert.equal(math.mininteger, (core.decode "-9223372036854775808"))
      assert.equal("float", math.type((core.decode "9223372036854775808")))
      assert.equal("integer", math.type((core.decode "7")))
      assert.equal("float", math.type((core.decode "7.0")))
    end
  end)
end)
