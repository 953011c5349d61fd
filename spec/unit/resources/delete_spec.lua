-- SPDX-License-Identifier: MIT
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local lipsync = require "lipsync"

describe("delete", function()
  local here = service.fixture(after_each)
  local start = here.start

  local lost = { { read = true }, { close = true } }
  local gone = service.answer(404, '{"message":"There is none.",'
    .. '"statusCode":404,"errorCode":"generation_not_found"}')

  it("returns the generation that the service sends", function()
    local generations = start {
      service.answer(200, service.generation("a", "FAILED")) }
    local deleted, err, note = generations:delete "a"
    assert.equal("FAILED", deleted.status)
    assert.is_nil(err)
    assert.is_nil(note)
    local request = here.server:requests(1)[1]
    assert.equal("DELETE", request.method)
    assert.equal("/v2/generations/a", request.target)
    assert.equal("", request.body)
  end)

  it("takes a generation, and is a method of it", function()
    local generations = start {
      service.answer(200, service.list(1)),
      service.answer(200, service.generation "g1"),
      service.answer(200, service.generation "x") }
    local generation = generations:list():next()
    assert.equal("g1", generation:delete().id)
    local from_text = lipsync.generation(service.generation "x")
    assert.equal("x", generations:delete(from_text).id)
    assert.equal("/v2/generations/x", here.server:requests(3)[3].target)
  end)

  it("raises for a generation without a client", function()
    local generation = lipsync.generation '{"id":"a"}'
    local ok, message = pcall(function() generation:delete() end)
    assert.is_false(ok)
    assert.match("delete_spec.lua:%d+: .*has no client", message)
  end)

  it("accepts a generation, true or an empty body as success", function()
    local bodies = { service.generation 'A', " {} ", "", " \n", "true" }
    local generations = start { service.answer(200, bodies[1]),
      service.answer(200, bodies[2]), service.answer(200, bodies[3]),
      service.answer(202, bodies[4]), service.answer(200, bodies[5]),
      service.answer(204, "") }
    for _ = 1, 6 do
      local deleted, err = generations:delete "a"
      assert.is_nil(err)
      assert.equal("a", deleted.id:lower())
    end
  end)

  it("accepts no other body", function()
    for _, body in ipairs { "<html>", '{"id":"b"}', "[]", "{",
                            '{"error":"no"}' } do
      local generations = start { service.answer(200, body) }
      local deleted, err = generations:delete "a"
      assert.is_nil(deleted)
      assert.equal("protocol", err.kind)
      assert.match("The generation may have been deleted%.", tostring(err))
      assert.equal(1, #here.server:requests(1))
      here.stop()
    end
  end)

  it("encodes an id as one segment", function()
    local expected = { ["a/b"] = "a%2Fb", ["a?b"] = "a%3Fb",
      ["%2e%2e"] = "%252e%252e", ["a b"] = "a%20b", ["a#b"] = "a%23b",
      ["ä"] = "%C3%A4" }
    local script = { loop = true, service.answer(204, "") }
    local generations, n = start(script), 0
    for id, segment in pairs(expected) do
      n = n + 1
      assert.equal(id, generations:delete(id).id)
      local request = here.server:requests(n)[n]
      assert.equal("/v2/generations/" .. segment, request.target)
    end
  end)

  it("refuses ids that cannot be sent, before any request", function()
    local generations = start {}
    for _, id in ipairs { "", ".", "..", "a\0b", "a\nb", "a\rb" } do
      local deleted, err = generations:delete(id)
      assert.is_nil(deleted)
      assert.equal("invalid", err.kind)
      assert.equal("id", err.field)
      assert.match("^delete generation: the id ", tostring(err))
      _, err = generations:get(id)
      assert.equal("invalid", err.kind)
    end
    assert.equal(0, #here.server:connections())
  end)

  it("reports a dot in place of a colon, with a receipt too", function()
    local generations = start {}
    for _, options in ipairs { {}, { receipt = "one.json" } } do
      local ok, message = pcall(function()
        local value = generations.delete({}, "a", options)
        return value
      end)
      assert.is_false(ok)
      assert.match("delete_spec.lua:%d+: call it with a colon: "
        .. "client.generations:delete%(", message)
    end
  end)

  it("raises for a value that is not an id", function()
    local generations = start {}
    for _, id in ipairs { 5, {}, true } do
      local ok, message = pcall(function() generations:delete(id) end)
      assert.is_false(ok)
      assert.match("delete_spec.lua:%d+: id must be a string or a generation",
        message)
    end
  end)

  it("returns a 404 as an error", function()
    local deleted, err = start({ gone }):delete "a"
    assert.is_nil(deleted)
    assert.equal("generation_not_found", err.errorCode)
    assert.equal("delete generation a: 404 generation_not_found: There is "
      .. "none. It was deleted before, or belongs to another organization.",
      tostring(err))
  end)

  it("takes a 404 after an unknown outcome as gone", function()
    local unclear = { lost, service.answer(500, ""), service.answer(502, ""),
                      service.answer(504, "<html>") }
    for _, first in ipairs(unclear) do
      local generations = start { first, gone }
      local deleted, err, note = generations:delete "a"
      assert.is_nil(err)
      assert.equal("a", deleted.id)
      assert.equal("already_gone", note)
      here.stop()
    end
  end)

  it("remembers an unknown outcome over further attempts", function()
    local generations = start { lost, service.answer(503, ""), gone }
    local _, _, note = generations:delete "a"
    assert.equal("already_gone", note)
  end)

  it("returns the passed generation if it was gone", function()
    local given = lipsync.generation(service.generation("a", "REJECTED"))
    local deleted = start({ lost, gone }):delete(given)
    assert.equal(given, deleted)
  end)

  it("knows the outcome of a rejected request", function()
    for _, first in ipairs { service.answer(503, ""),
                             service.answer(429, "",
                               { ["Retry-After"] = "0" }) } do
      local deleted, err = start({ first, gone }):delete "a"
      assert.is_nil(deleted)
      assert.equal(404, err.statusCode)
      here.stop()
    end
  end)

  it("reports that it may have happened", function()
    local _, err = start({ lost }):delete("a", { max_attempts = 1 })
    assert.equal("connection", err.kind)
    assert.match("The generation may have been deleted%.$", tostring(err))
    here.stop()
    _, err = start({ { { read = true }, { hold = true } } })
      :delete("a", { timeout = 0.2 })
    assert.equal("timeout", err.kind)
    assert.match("The generation may have been deleted%.$", tostring(err))
  end)

  it("never retries a 409", function()
    local generations = start { service.answer(409, '{"message":"It runs.",'
      .. '"errorCode":"generation_not_deletable_while_processing"}') }
    local _, err = generations:delete "a"
    assert.equal(409, err.statusCode)
    assert.equal(1, err.attempts)
    assert.is_false(err.retryable)
    assert.match("the API has no cancel%.$", tostring(err))
  end)

  it("sends a deletion once if a reused connection dies", function()
    -- The first response keeps the connection; the second request finds it
    -- closed, and libcurl by itself would silently send it again.
    local keep = scripted.response(204, "")
    local generations = start({ { { read = true }, { send = keep },
      { read = true }, { close = true } }, loop = true,
      { { read = true }, { send = scripted.response(404,
        '{"errorCode":"generation_not_found"}',
        { Connection = "close" }) } } })
    assert(generations:delete "a")
    local deleted, err, note = generations:delete "b"
    assert.is_nil(err)
    assert.equal("b", deleted.id)
    assert.equal("already_gone", note)
    assert.equal(3, #here.server:requests(3))
  end)

  it("refuses an id that no response could contain", function()
    local generations = start { gone }
    local value, err = generations:delete "\255"
    assert.is_nil(value)
    assert.equal("invalid", err.kind)
    assert.equal("id", err.field)
    assert.equal(0, #here.server:connections())
  end)

  it("does not accept a 2xx response that breaks", function()
    local events = {}
    local generations = start({ { { read = true },
      { send = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{" },
      { close = true } }, gone }, { on_event = function(event)
        events[#events + 1] = event
      end })
    local deleted, err, note = generations:delete "a"
    assert.is_nil(err)
    assert.equal("a", deleted.id)
    assert.equal("already_gone", note)
    assert.equal(5, #events)
    assert.equal("response", events[2].type)
    assert.equal(200, events[2].statusCode)
    assert.equal("connection", events[2].err.kind)
  end)

  it("accepts only a 404 of the service as gone", function()
    for _, body in ipairs { "not found", "", "{}", '{"message":"no route"}',
        '{"statusCode":null,"message":null}', '{"errorCode":null}',
        '{"statusCode":"404","message":"no route"}' } do
      local generations = start { service.answer(502, ""),
                                  service.answer(404, body) }
      local deleted, err = generations:delete "a"
      assert.is_nil(deleted)
      assert.equal(404, err.statusCode)
      here.stop()
    end
  end)

  it("tells listings of a 404 only if it is the service's", function()
    for body, wanted in pairs { ["no route"] = "kept",
        ['{"errorCode":"generation_not_found"}'] = "gone" } do
      local generations = start { service.answer(404, body) }
      local noted
      generations:_watch { note = function(_, _, state) noted = state end }
      generations:delete "a"
      assert.equal(wanted, noted)
      here.stop()
    end
  end)
end)
