-- SPDX-License-Identifier: MIT
-- What a good response is, of each shape. As calls: spec/contract.

require "lipsync"  -- describes the type Generation
local errors = require "lipsync.error"
local shape = require "lipsync.shape"

-- A call of a row with these members.
local function call_of(spec, id)
  spec.noun, spec.type = "generation", spec.type or "Generation"
  spec.names = spec.names or { "id" }
  return {
    spec = spec, id = id, client = { options = { max_generation = 1000 } },
    unexpected = function(_, wanted, body)
      return { code = "unexpected", wanted = wanted, body = body,
               media = spec.media }
    end,
  }
end

-- What a shape makes of a body: value and failure.
local function accept(name, spec, body, id, status)
  return shape[name].accept(call_of(spec, id), status or 200, body)
end

local function refuses(wanted, name, spec, body, id)
  local value, raw = accept(name, spec, body, id)
  assert.is_nil(value)
  assert.same({ code = "unexpected", wanted = wanted, body = body,
                media = spec.media }, raw)
end

-- JSON with spaces, as long as that.
local function padded(text, length)
  return text .. (" "):rep(length - #text)
end

local longest = 256 * 1024

describe("an object", function()
  it("has the id that was asked for, in any case", function()
    assert.equal("Ab", accept("object", {}, '{"id":"Ab"}', "aB").id)
    assert.equal("x", accept("object", {}, '{"id":"x"}').id)
    refuses("the generation b", "object", {}, '{"id":"a"}', "b")
    refuses("a generation", "object", {}, '{"id":5}', "5")
    refuses("a generation", "object", {}, '{"name":"a"}', "a")
    refuses("a generation", "object", {}, "[]", "a")
    refuses("a generation", "object", {}, "<html>")
  end)

  it("may have it under another name", function()
    local spec = { names = { "id", "assetId" }, always = "name",
                   type = "Object" }
    for body, is_good in pairs {
        ['{"id":"a","assetId":"b","name":"n"}'] = true,
        ['{"assetId":"B","name":"n"}'] = true, ['{"name":"n"}'] = true,
        ['{"name":"n","id":"a"}'] = false,
        ['{"name":"n","assetId":"c"}'] = false } do
      assert.equal(is_good, accept("object", spec, body, "b") ~= nil, body)
    end
    refuses("a generation", "object", spec, '{"id":"b"}', "b")
  end)

  it("is no longer than one may be", function()
    assert.is_truthy(accept("object", {}, padded('{"id":"a"}', 1000)))
    assert.same({ nil, { code = "object_size", noun = "generation",
                         limit = 1000 } },
      { accept("object", {}, padded('{"id":"a"}', 1001)) })
  end)
end)

describe("an object that was made", function()
  it("may be known by its id alone", function()
    local call = call_of { unsettled = { GONE = "generationId" } }
    local function value(code, details)
      return { shape.created.refused(call, { errorCode = code,
                                             details = details }) }
    end
    assert.same({ "g1", "named" }, value("GONE", { generationId = "g1" }))
    assert.same({}, value("GONE", { generationId = 5 }))
    assert.same({}, value("GONE", {}))
    assert.same({}, value("OTHER", { generationId = "g1" }))
    call.spec.unsettled = nil
    assert.same({}, value("GONE", { generationId = "g1" }))
  end)
end)

describe("data", function()
  local spec = { members = { "cost" } }

  it("has a member", function()
    assert.equal(5, accept("data", spec, '{"cost":5}').cost)
    assert.is_truthy(accept("data", spec, padded('{"cost":5}', longest)))
    for _, body in ipairs { "{}", '{"cost":null}', "[]", "x",
                            padded('{"cost":5}', longest + 1) } do
      refuses("a JSON object with cost", "data", spec, body)
    end
  end)

  it("is that of the id", function()
    assert.is_truthy(accept("data", spec, '{"cost":"A"}', "a"))
    refuses("a JSON object with cost", "data", spec, '{"cost":"b"}', "a")
  end)
end)

describe("what is removed", function()
  it("comes as it was, or is made of its id", function()
    assert.equal("n", accept("removed", {}, '{"id":"a","name":"n"}', "a").name)
    for _, body in ipairs { "", "true", " \r\n", "{}", "\t{ \n} " } do
      assert.equal('{"id":"a\\"b\\\\"}', accept("removed", {}, body, 'a"b\\')
        :json())
    end
    local call = call_of({}, "a")
    call.object = {}
    assert.equal(call.object, shape.removed.accept(call, 200, ""))
    assert.equal(call.object, shape.removed.accept(call, 204, "x"))
    refuses("the generation a", "removed", {}, '{"id":"b"}', "a")
    refuses("the generation a", "removed", {}, '{"id":"b"}', "a")
    for _, body in ipairs { "false", "null", "{]", "{}x", "x{}", "truex" } do
      refuses("a generation", "removed", {}, body, "a")
    end
  end)

  it("is gone after a 404 only if an earlier attempt may have done it",
    function()
      local function of_service(status)
        return errors.from_response({ status = status, header = function() end,
          body = ('{"message":"m","statusCode":%d}'):format(status) },
          { action = "delete generation", attempts = 1, seconds = 0 })
      end
      local call = call_of({}, "a")
      assert.is_nil(shape.removed.refused(call, of_service(404)))
      call.outcome_unknown = true
      local value, note = shape.removed.refused(call, of_service(404))
      assert.equal("a already_gone", value.id .. " " .. note)
      assert.is_nil(shape.removed.refused(call, of_service(410)))
      assert.is_nil(shape.removed.refused(call, errors.new("api", "m",
        { statusCode = 404 })))
    end)
end)

describe("nothing", function()
  it("is no body, or one that says so", function()
    for body, is_good in pairs { [""] = true, [" true\n"] = true, ["{}"] = true,
                                 ["false"] = false, ['{"a":1}'] = false } do
      assert.equal(is_good or nil, (accept("done", {}, body)), body)
    end
    assert.is_true(accept("done", {}, "No Content", nil, 204))
    refuses("nothing", "done", {}, "<html>")
  end)
end)

describe("an address", function()
  it("is one, maybe in quotes", function()
    for body, wanted in pairs { ["https://a/b?c=d"] = "https://a/b?c=d",
        [' "http://a" \n'] = "http://a" } do
      assert.equal(wanted, accept("address", {}, body))
    end
    for _, body in ipairs { "", "ftp://a", "https://", "xhttps://a",
        "httpss://a", "https://a b", "https://a<", "https://a>", 'https://a"',
        "https://a\1", '"https://a', "https://a\n\nb" } do
      refuses("the address of a file", "address", {}, body)
    end
  end)
end)

describe("a secret", function()
  local spec = { members = { "secret" } }

  it("is shown in no error", function()
    assert.equal("s", accept("secret", spec, '{"secret":"s"}'))
    for _, body in ipairs { '{"secret":""}', '{"secret":5}', '{"key":"s"}',
                            '["s"]', '"s"', "s" } do
      for media, shown in pairs { ["application/JSON"] = "(hidden)",
                                  ["text/html"] = body } do
        local value, raw = accept("secret", { members = spec.members,
                                              media = media }, body)
        assert.is_nil(value)
        assert.equal('{"secret": text}', raw.wanted)
        assert.equal(shown, raw.body)
      end
      assert.equal("(hidden)", select(2, accept("secret", spec, body)).body)
    end
  end)

  it("is in a short body", function()
    local text = '{"secret":"s"}'
    assert.equal("s", accept("secret", spec, padded(text, 65536)))
    assert.is_nil((accept("secret", spec, padded(text, 65537))))
  end)
end)

describe("a count", function()
  it("is a whole number from 0 on", function()
    assert.equal(0, accept("count", {}, '{"count":0}'))
    assert.equal(7, accept("count", {}, padded('{"count":7}', 65536)))
    for _, body in ipairs { '{"count":-1}', '{"count":1.5}', '{"count":"7"}',
        "{}", "7", "[7]", padded('{"count":7}', 65537) } do
      refuses('{"count": n}', "count", {}, body)
    end
  end)
end)

describe("entries", function()
  local spec = { members = { "code", "last", "text" } }

  it("have their members that are texts or booleans", function()
    assert.same({ { code = "a", last = false }, { code = "b", text = "t" } },
      accept("entries", spec, '[{"code":"a","last":false,"text":5,"more":"m"},'
        .. '{"code":"b","text":"t","last":null}]'))
    assert.same({}, accept("entries", spec, " \t[]"))
    assert.same({ { code = "a" } }, accept("entries", spec,
      padded('[{"code":"a"}]', longest)))
  end)

  it("are an array of nothing else", function()
    for _, body in ipairs { '[{"code":5}]', '[{"text":"t"}]', '["a"]', "{}",
        '{"code":"a"}', '[{"code":"a"},5]', '[null,{"code":"a"}]', "",
        '[{"code":"a"},null]', padded('[{"code":"a"}]', longest + 1) } do
      refuses("an array of generations", "entries", spec, body)
    end
  end)
end)

describe("a page", function()
  it("has objects, and maybe a cursor", function()
    local page = accept("page", {}, '{"items":[{"id":"a"},{"id":"b"}],'
      .. '"nextCursor":"c"}')
    assert.equal("a b c 2", page[1].id .. " " .. page[2].id .. " " .. page.next
      .. " " .. #page)
    for _, more in ipairs { "", ',"nextCursor":null', ',"nextCursor":5' } do
      page = accept("page", {}, '{"items":[]' .. more .. "}")
      assert.equal(0, #page)
      assert.is_nil(page.next)
    end
    assert.equal("a", accept("page", { items = "all" },
      '{"all":[{"id":"a"}]}')[1].id)
  end)

  it("is an object with an array of what was asked for", function()
    for _, body in ipairs { "{}", '{"items":{}}', '{"items":["a"]}', "[]",
                            '{"all":[]}', "x" } do
      refuses('{"items": [generations]}', "page", {}, body)
    end
    refuses('{"all": [generations]}', "page", { items = "all" },
      '{"items":[]}')
    local spec = { always = "name" }
    assert.equal("n", accept("page", spec,
      '{"items":[{"id":"a","name":"n"}]}')[1].name)
    refuses('{"items": [generations]}', "page", spec,
      '{"items":[{"id":"a","name":"n"},{"id":"b"}]}')
  end)
end)

describe("items", function()
  it("are an array, or in an object", function()
    assert.equal("a", accept("items", {}, ' [{"id":"a"}]')[1].id)
    assert.equal("a", accept("items", {}, '{"items":[{"id":"a"}]}')[1].id)
    refuses("an array of generations", "items", {}, '["a"]')
    refuses('{"items": [generations]}', "items", {}, '{"all":[]}')
  end)
end)

describe("a list", function()
  it("comes with the status 200 alone", function()
    for _, name in ipairs { "objects", "stream" } do
      local call, page = call_of {}, {}
      assert.equal(page, shape[name].accept(call, 200, page))
      assert.equal(name == "stream" or nil, call.keep_open)
      call = call_of {}
      local value, raw = shape[name].accept(call, 206, "x")
      assert.is_nil(value)
      assert.equal("a JSON array x", raw.wanted .. " " .. raw.body)
      assert.is_nil(call.keep_open)
    end
    local call = call_of {}
    assert.is_nil((shape.stream.accept(call, 200, nil)))
    assert.is_nil(call.keep_open)
  end)
end)
