-- SPDX-License-Identifier: MIT
local service = require "spec.support.service"

local lipsync = require "lipsync"

describe("errors", function()
  local here = service.fixture(after_each)

  local function start(script, options)
    here.start(script, options)
    return here.client.errors
  end

  local body = '[{"code":"a","message":"A.","suggestion":"Do a."},'
    .. '{"code":"b","message":"B.","suggestion":null,"more":1}]'

  it("is fetched once, without the key", function()
    local errors = start { service.answer(200, body) }
    local expected = { { code = "a", message = "A.", suggestion = "Do a." },
                       { code = "b", message = "B." } }
    assert.same(expected, (errors:list()))
    assert.same(expected, (errors:list()))
    local request = here.server:requests(1)[1]
    assert.equal("/v2/errors", request.target)
    assert.is_nil(request.headers["x-api-key"])
  end)

  it("needs no key", function()
    assert.equal(2, #assert(start({ service.answer(200, body) },
      { api_key = "" }):list()))
  end)

  it("refuses a catalog that is far too long", function()
    local function long(n)
      return '[{"code":"a","message":"' .. ("x"):rep(n) .. '"}]'
    end
    local entries, err = start({ service.answer(200, long(3e5)) }):list()
    assert.is_nil(entries)
    assert.equal("protocol", err.kind)
    assert.equal(1, #assert(start({ service.answer(200, long(2e5)) }):list()))
  end)

  it("returns copies", function()
    local errors = start { service.answer(200, body) }
    errors:list()[1].code = "changed"
    assert.equal("a", errors:list()[1].code)
    errors:explain("a").message = "changed"
    assert.equal("A.", errors:explain("a").message)
  end)

  it("explains codes, errors and generations", function()
    local errors = start { service.answer(404,
      '{"message":"No.","errorCode":"b"}'), service.answer(200, body) }
    local _, err = here.client.generations:get "x"
    assert.equal("B.", errors:explain(err).message)
    assert.equal("Do a.", errors:explain("a").suggestion)
    local generation = lipsync.generation '{"id":"x","errorCode":"a"}'
    assert.equal("A.", errors:explain(generation).message)
    assert.is_nil(errors:explain "unknown")
    assert.equal(2, #here.server:requests(2))
  end)

  it("makes no request without a code", function()
    local errors = start {}
    assert.is_nil(errors:explain(nil))
    assert.is_nil(errors:explain(lipsync.generation '{"id":"x"}'))
    assert.equal(0, #here.server:connections())
    assert.has_error(function() errors:explain(5) end)
  end)

  it("never retries `explain`, and pauses after a failure", function()
    local errors = start { service.answer(503, ""), service.answer(200, body) }
    local entry, err = errors:explain "a"
    assert.is_nil(entry)
    assert.equal(503, err.statusCode)
    local _, again = errors:explain "a"
    assert.equal(err, again)
    assert.equal(1, #here.server:requests(1))
    assert.equal(2, #assert(errors:list()))
    assert.equal("A.", errors:explain("a").message)
  end)

  it("ends in `protocol` for another body", function()
    for _, text in ipairs { "{}", "[1]", '[{"message":"x"}]', "x", "" } do
      local entries, err = start({ service.answer(200, text) }):list()
      assert.is_nil(entries)
      assert.equal("protocol", err.kind)
      here.stop()
    end
  end)

  it("may be empty", function()
    local errors = start { service.answer(200, "[]") }
    assert.same({}, (errors:list()))
    assert.is_nil(errors:explain "a")
  end)

  it("reports a dot in place of a colon", function()
    start {}
    local ok, message = pcall(function() here.client.errors.list() end)
    assert.is_false(ok)
    assert.match("errors_spec.lua:%d+: call it with a colon: "
      .. "client.errors:list", message)
  end)
end)
