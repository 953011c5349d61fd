-- SPDX-License-Identifier: MIT
require "lipsync"
local core = require "lipsync.core"
local schema = require "lipsync.base.schema"

local function raises(field, value, pattern)
  local ok, message = pcall(function()
    schema.read({ field = field }, { field = value }, "options")
    return nil
  end)
  assert.is_false(ok)
  assert.match("schema_spec%.lua:%d+: ", message)
  assert.match(pattern, message)
end

local function takes(field, value, wanted)
  local own = schema.read({ field = field }, { field = value }, "options")
  if wanted == nil then wanted = value end
  assert.same(wanted, own.field)
end

describe("schema", function()
  it("accepts values of the type", function()
    takes(schema.anything, false)
    takes(schema.boolean, false)
    takes(schema.string, "")
    takes(schema.text, "a")
    takes(schema.secret, "a")
    takes(schema.seconds, 0.1)
    takes(schema.seconds, math.huge)
    takes(schema.integer(), 1)
    takes(schema.integer(5), 5)
    takes(schema.integer(), 2 ^ 53)
    takes(schema.callable(), print)
    takes(schema.callable(), setmetatable({}, { __call = print }))
    takes(schema.strings, "a, b", { "a", "b" })
    takes(schema.strings, { "a", "b", "a" })
    takes(schema.strings, {})
    takes(schema.strings, core.array { "a" }, { "a" })
    takes(schema.set, "a,b,a", { "a", "b" })
    takes(schema.headers, { a = "b\tc", B = "" })
    takes(schema.choice { "a", "b" }, "b")
    takes(schema.id "Generation", "a")
    takes(schema.id "Generation", require "lipsync".generation '{"id":"a"}',
      "a")
  end)

  it("raises for all other values", function()
    raises(schema.boolean, 1, "field must be a boolean, got number 1")
    raises(schema.string, 5, "field must be a string, got number 5")
    raises(schema.text, "", "field is an empty string")
    for _, value in ipairs { 0, -1, 0 / 0, "5", true } do
      raises(schema.seconds, value, "field must be a number of seconds above 0")
    end
    for _, value in ipairs { 0, 1.5, "5", 0 / 0, math.huge } do
      raises(schema.integer(), value, "a whole number of at least 1")
    end
    for _, value in ipairs { 2 ^ 53 + 2, 2 ^ 60, 1e300 } do
      raises(schema.integer(), value,
        "a whole number from 1 to 9007199254740992, got number ")
    end
    raises(schema.integer(100), 101, "a whole number from 1 to 100")
    raises(schema.choice { "a", "b" }, "c", 'one of a, b, got string "c"')
    raises(schema.id "Generation", 5, "field must be a string, got number 5")
    raises(schema.id "Generation", "", "field is an empty string")
    -- Which would be read as empty.
    raises(schema.strings, setmetatable({}, { __index = { "a" } }),
      "field must be a table without a metatable")
    raises(schema.callable(), 5, "field must be a function, got number 5")
    raises(schema.callable "a host's name or a function", 5,
      "field must be a host's name or a function")
    for _, value in ipairs { "", "  ", { "" }, "a,,b" } do
      raises(schema.strings, value, "empty string")
    end
    raises(schema.strings, 5, "a string or an array of strings")
    raises(schema.strings, { "a", 5 }, "must hold strings, got number 5")
    raises(schema.strings, { "a", nil, "b" }, "without holes or names")
    raises(schema.strings, { a = "b" }, "without holes or names")
    for _, text in ipairs { "a,b", ",", "b,", "a.*,b" } do
      raises(schema.strings, { text }, "an element with a comma")
    end
  end)

  it("leaves reserved headers to the HTTP library", function()
    raises(schema.headers, "x", "field must be a table")
    raises(schema.headers, { "x" }, "names of headers as keys")
    raises(schema.headers, { ["a b"] = "x" }, "names of headers as keys")
    raises(schema.headers, { [""] = "x" }, "names of headers as keys")
    raises(schema.headers, { ["a\0"] = "x" }, "names of headers as keys")
    raises(schema.headers, { a = 1 }, 'strings as values, got number 1 for "a"')
    for _, name in ipairs { "Accept-Encoding", "connection", "CONTENT-LENGTH",
        "Expect", "Host", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade" } do
      raises(schema.headers, { [name] = "x" }, "the client sets it itself")
    end
  end)

  it("never shows a secret", function()
    raises(schema.headers, { ["X-Api-Key"] = "s3cret" },
      "must not hold x%-api%-key: pass api_key$")
    raises(schema.secret, { "s3cret" }, "must be a string, got table$")
    raises(schema.secret, 12345, "must be a string, got number$")
  end)

  it("reports a header that cannot be sent", function()
    assert.is_nil(schema.unsendable(nil))
    assert.is_nil(schema.unsendable { a = "b\tc" })
    for _, text in ipairs { "a\nb", "a\rb", "a\0b", "\127" } do
      assert.equal("the header x has a control character",
        schema.unsendable { x = text })
    end
  end)

  it("reads a table by its fields and copies it", function()
    local fields = { api_key = schema.secret, headers = schema.headers }
    local given = { headers = { a = "b" } }
    local own = schema.read(fields, given, "options")
    given.headers.a = "c"
    assert.equal("b", own.headers.a)
    assert.same({}, schema.read(fields, nil, "options"))
    for pattern, wrong in pairs {
        ['unknown option "apikey", did you mean "api_key"%? Known: api_key, '
          .. "headers"] = { apikey = "x" },
        ["options must be a table, got number 5"] = 5,
        ["options must be a table without a metatable"] =
          setmetatable({}, { __index = { api_key = "x" } }) } do
      local ok, message = pcall(function()
        schema.read(fields, wrong, "options")
        return nil
      end)
      assert.is_false(ok)
      assert.match(pattern, message)
    end
  end)

  it("names an error object passed as options", function()
    local lipsync = require "lipsync"
    local _, err = lipsync.time "now"
    local ok, message = pcall(function()
      schema.read({}, err, "options")
      return nil
    end)
    assert.is_false(ok)
    assert.match("options is an error object: .*is not a time", message)
  end)

  it("reads arrays and records of a request", function()
    local item = schema.record({ id = schema.text, n = schema.positive },
      { "id" })
    local list = schema.array(item)
    local given = { { id = "a", n = 1, extra = { new = true } }, { id = "b" } }
    takes(list, given, { { id = "a", n = 1, new = true }, { id = "b" } })
    takes(list, core.array { { id = "a" } }, { { id = "a" } })
    -- Known members are never replaced.
    takes(item, { id = "a", extra = { id = "b" } }, { id = "a" })
    raises(list, "x", 'field must be an array, got string "x"')
    raises(list, {}, "field is empty")
    raises(list, { [2] = {} }, "field must be an array without holes or names")
    raises(list, setmetatable({ {} }, {}), "a table without a metatable")
    raises(list, { { id = "a" }, {} }, "field%[2%]%.id is missing")
    raises(list, { { id = 5 } }, "field%[1%]%.id must be a string, got number")
    raises(item, { id = "a", ids = 5 },
      'unknown member "ids" of field, did you mean "id"%? Known: extra, id, n')
    raises(item, { id = "a", n = 0 }, "field%.n must be a number above 0")
    raises(item, 5, "field must be a table, got number 5")
    raises(item, setmetatable({ id = "a" }, {}), "a table without a metatable")
  end)

  it("has tests that values pass which are right as they are", function()
    local fields = { id = schema.text, n = schema.number, any = schema.anything,
                     flag = schema.boolean, of = schema.id "Generation" }
    local test = schema.test(schema.array(schema.record(fields, { "id" })))
    assert.is_true(core.fits({ { id = "a", n = 1, any = {}, flag = true,
                                 of = "b" }, { id = "c" } }, test))
    for _, wrong in ipairs { {}, { {} }, { { id = "" } },
        { { id = "a", n = "1" } }, { { id = "a", flag = 1 } },
        { { id = "a", of = 5 } }, { { id = "a", more = 1 } } } do
      assert.is_false(core.fits(wrong, test))
    end
    assert.is_true(core.fits(5, schema.test(schema.anything)))
    assert.is_nil(schema.test(schema.positive))
    assert.is_nil(schema.test(schema.array(schema.positive)))
  end)

  it("joins fields", function()
    assert.same({ a = 1, b = 3, c = 4 },
      schema.join({ a = 1, b = 2 }, { b = 3, c = 4 }))
  end)
end)
