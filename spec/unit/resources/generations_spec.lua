-- SPDX-License-Identifier: MIT
local clock = require "spec.support.clock"
local service = require "spec.support.service"
local sleep = require "lipsync.call.sleep"

describe("generations", function()
  local here = service.fixture(after_each)
  local start = here.start
  local emulate = here.emulate

  it("lists, gets, counts and deletes at the emulator", function()
    local generations = emulate { generations = 30 }
    local found = assert(generations:all())
    assert.equal(30, #found)
    assert.equal(30, generations:count())
    local one = assert(generations:get(found[1].id))
    assert.equal(found[1].id, one.id)
    local failed = assert(generations:all { status = "FAILED" })
    assert.equal(#failed, generations:count { status = "FAILED" })
    for _, generation in ipairs(failed) do
      assert.is_true(generation:is_terminal())
      assert.is_number(generation:created_at())
    end
    assert.equal(failed[1].id, assert(failed[1]:delete()).id)
    local _, err = generations:get(failed[1].id)
    assert.equal(404, err.statusCode)
    assert.match("^get generation %x+%-.*: 404 generation_not_found: ",
      tostring(err))
  end)

  it("refuses to delete a running generation", function()
    local generations = emulate { generations = 60 }
    local running = assert(generations:list { status = "PROCESSING" }:next())
    local deleted, err = running:delete()
    assert.is_nil(deleted)
    assert.equal("generation_not_deletable_while_processing", err.errorCode)
    assert.is_false(running:is_terminal())
  end)

  it("pages, newest first", function()
    local generations = emulate { generations = 57 }
    local last = math.huge
    local n = 0
    for _, generation in ipairs(assert(generations:all { page_size = 10 })) do
      assert.is_true(generation:created_at() <= last)
      last, n = generation:created_at(), n + 1
    end
    assert.equal(57, n)
  end)

  it("gets one by its path, with the key", function()
    local generations = start { service.answer(200, service.generation "a") }
    assert.equal("a", generations:get("a").id)
    local request = here.server:requests(1)[1]
    assert.equal("/v2/generate/a", request.target)
    assert.equal(service.key, request.headers["x-api-key"])
  end)

  it("decodes no response above the limit", function()
    local long = service.generation("a", "FAILED", ',"pad":"'
      .. ("x"):rep(3000) .. '"')
    local generations = start({ service.answer(200, long),
      service.answer(200, long), service.answer(200, '{"count":1,"pad":"'
        .. ("x"):rep(7e4) .. '"}') }, { max_generation = 2000 })
    local value, err = generations:get "a"
    assert.is_nil(value)
    assert.equal("limit", err.kind)
    assert.match("longer than 2000 bytes %(max_generation%)", err.message)
    value, err = generations:delete "a"
    assert.is_nil(value)
    assert.equal("limit", err.kind)
    assert.match("may have been deleted", tostring(err))
    value, err = generations:count()
    assert.is_nil(value)
    assert.equal("protocol", err.kind)
  end)

  it("accepts only the requested generation", function()
    for _, body in ipairs { "[]", '{"id":5}', "", "<html>", "{}" } do
      local value, err = start({ service.answer(200, body) }):get "a"
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      assert.match("expected a generation, got application/json %(200%)",
        err.message)
      here.stop()
    end
  end)

  it("accepts no other generation for it", function()
    local _, err = start({ service.answer(200, service.generation "b") })
      :get "a"
    assert.equal("protocol", err.kind)
    assert.match("expected the generation a, got ", err.message)
  end)

  it("counts by filter, and an empty one without a request", function()
    local generations = start { service.answer(200, '{"count":7}') }
    assert.equal(0, generations:count { ids = {} })
    assert.equal(0, #here.server:connections())
    assert.equal(7, generations:count { status = "FAILED", source = "api" })
    assert.equal("/v2/generations/count?status=FAILED&source=api",
      here.server:requests(1)[1].target)
    assert.has_error(function() generations:count { limit = 5 } end)
  end)

  it("accepts only a count", function()
    for _, body in ipairs { "{}", '{"count":-1}', '{"count":1.5}', "5",
                            '{"count":null}', '{"count":"5"}' } do
      local value, err = start({ service.answer(200, body) }):count()
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      here.stop()
    end
  end)

  it("returns the tag with the error", function()
    local tag = {}
    local _, err = start({ service.answer(404, "{}") })
      :get("a", { tag = tag })
    assert.equal(tag, err.tag)
  end)

  it("counts all groups of ids within one timeout", function()
    local ids, answer = {}, service.answer(200, '{"count":1}')
    for i = 1, 250 do ids[i] = "id" .. i end
    table.insert(answer, 2, { stall = 0.4 })
    local generations = start { answer, loop = true }
    local n, err = generations:count({ ids = ids }, { timeout = 0.7 })
    assert.is_nil(n)
    assert.equal("timeout", err.kind)
  end)
end)

describe("costs", function()
  local here = service.fixture(after_each)
  local stop_clock = clock.fixture(after_each)

  local function answer(availability, after)
    return service.answer(200, ('{"generationId":"g1","availability":"%s",'
      .. '"totalCostUsd":null,"retryAfterSeconds":%s}'):format(availability,
      after or "null"))
  end

  local function requests() return #here.server:requests() end

  it("are asked for again when the service says, until known", function()
    local generations = here.start { answer("pending", "0.01"),
      answer("pending", '"0"'), answer "complete" }
    assert.equal("complete", assert(generations:costs "g1").availability)
    assert.equal(3, requests())
  end)

  it("are not asked for in a tight loop", function()
    local generations = here.start { answer("pending", 0), answer "complete" }
    local run, least = sleep.run, math.huge
    finally(function() sleep.run = run end)
    sleep.run = function(client, seconds, ...)
      least = math.min(least, seconds)
      return run(client, 0, ...)
    end
    assert(generations:costs "g1")
    assert.is_true(least >= 0.25 and least < math.huge)
  end)

  it("are given as they are where that was asked for", function()
    local generations = here.start { answer("pending", "0.01"), answer "x" }
    assert.equal("pending",
      assert(generations:costs("g1", { wait = false })).availability)
    assert.equal(1, requests())
  end)

  it("are given as they are after the time that there is", function()
    local generations = here.start { answer("pending", 30), answer "x" }
    assert.equal("pending",
      assert(generations:costs("g1", { timeout = 5 })).availability)
    assert.equal(1, requests())
  end)

  it("are not asked for where there is just no time left", function()
    for timeout, n in pairs { [30] = 1, [31] = 2 } do
      local generations, rests = here.start { answer("pending", 30),
                                              answer "complete" }, stop_clock()
      assert(generations:costs("g1", { timeout = timeout }))
      assert.equal(n, requests())
      assert.same({ n == 2 and 30 or nil }, rests)
      here.stop()
    end
  end)

  it("are given as they are where the service says no time", function()
    for _, first in ipairs { answer "pending", answer("partial", "0.01") } do
      local generations = here.start { first, answer "x" }
      assert.is_truthy(generations:costs "g1")
      assert.equal(1, requests())
      here.stop()
    end
  end)

  it("end at an error of any request", function()
    local generations = here.start { answer("pending", "0.01"),
      service.answer(404, "{}") }
    local costs, err = generations:costs "g1"
    assert.is_nil(costs)
    assert.equal(404, err.statusCode)
  end)
end)
