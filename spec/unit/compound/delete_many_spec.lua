-- SPDX-License-Identifier: MIT
local core = require "lipsync.core"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local lipsync = require "lipsync"
local http = require "lipsync.http"

describe("delete_many", function()
  local here = service.fixture(after_each)
  local start = here.start

  local deleted = service.answer(204, "")
  local missing = service.answer(404,
    '{"statusCode":404,"message":"There is none."}')
  local running = service.answer(409, '{"message":"It runs."}')

  local function all(answer)
    return { answer, loop = true }
  end

  it("deletes an array of ids and generations, each once", function()
    local generations = start(all(deleted))
    local x = lipsync.generation(service.generation "x")
    local result = assert(generations:delete_many({ "a", x, "A", "b", "X" }))
    assert.same({ deleted = 3, gone = 0, skipped = 2, failed = 0,
                  errors = {} }, result)
    local targets = {}
    for _, request in ipairs(here.server:requests(3)) do
      targets[request.target] = request.method
    end
    assert.same({ ["/v2/generations/a"] = "DELETE",
      ["/v2/generations/x"] = "DELETE", ["/v2/generations/b"] = "DELETE" },
      targets)
  end)

  it("makes no request for an empty array", function()
    local generations = start(all(deleted))
    assert.equal(0, generations:delete_many({}).deleted)
    assert.equal(0, generations:delete_many(generations:list { ids = {} })
      .deleted)
    assert.equal(0, #here.server:connections())
  end)

  it("calls `when` and `on_result` for each item", function()
    local generations = start(all(deleted))
    local told = {}
    local result = assert(generations:delete_many({ "a", "b" }, {
      when = function(item) return item == "b" end,
      on_result = function(id, outcome, generation, err)
        told[id] = outcome
        assert.equal(id == "b", generation ~= nil)
        assert.is_nil(err)
      end,
    }))
    assert.same({ a = "skipped", b = "deleted" }, told)
    assert.equal(1, result.deleted)
    assert.equal(1, result.skipped)
  end)

  it("counts gone generations separately", function()
    local result = assert(start(all(missing)):delete_many { "a", "b" })
    assert.equal(2, result.gone)
    assert.equal(0, result.failed)
  end)

  it("takes only the service's word that one is gone", function()
    local result = assert(start(all(service.answer(404, "no route")))
      :delete_many { "a", "b" })
    assert.same({ 0, 2 }, { result.gone, result.failed })
  end)

  it("counts one as gone if its first request had no response", function()
    local result = assert(start { { { read = true }, { reset = true } },
      missing }:delete_many { "a" })
    assert.same({ deleted = 0, gone = 1, skipped = 0, failed = 0,
                  errors = {} }, result)
  end)

  it("goes on after a failed deletion", function()
    local result = assert(start(all(running)):delete_many { "a", "b", ".." })
    assert.equal(3, result.failed)
    assert.equal(3, #result.errors)
    local sentences = {}
    for i, err in ipairs(result.errors) do sentences[i] = tostring(err) end
    table.sort(sentences)
    assert.match("^delete generation a: 409 It runs", sentences[1])
  end)

  it("stops when the key is rejected", function()
    local ids = {}
    for i = 1, 50 do ids[i] = "g" .. i end
    local generations = start(all(service.answer(401,
      '{"message":"Unauthorized"}')))
    local result, err, so_far = generations:delete_many(ids,
      { concurrency = 2 })
    assert.is_nil(result)
    assert.equal(401, err.statusCode)
    assert.is_true(so_far.failed >= 1 and so_far.failed <= 2)
  end)

  it("stops when there is no key", function()
    local generations = start({}, { api_key = "" })
    local result, err, so_far = generations:delete_many({ "a", "b", "c" },
      { concurrency = 1 })
    assert.is_nil(result)
    assert.same({ "invalid", "api_key" }, { err.kind, err.field })
    assert.same({ 1, err }, { so_far.failed, so_far.errors[1] })
    assert.equal(0, #here.server:connections())
  end)

  it("makes eight at once, if nothing else is said", function()
    local generations, ids = start { loop = true,
      { { read = true }, { hold = true } } }, {}
    for i = 1, 20 do ids[i] = "g" .. i end
    here.client:spawn(function() generations:delete_many(ids) end)
    while #here.server:requests() < 8 do
      here.client:step()
      scripted.sleep(0.001)
    end
    for _ = 1, 20 do here.client:step() end
    assert.equal(8, #here.server:requests())
  end)

  it("stops when the listing breaks, and returns the tally", function()
    local cut = { { read = true }, { send = "HTTP/1.1 200 OK\r\n"
      .. "Content-Length: 5000\r\n\r\n[" .. service.generation "a" .. "," },
      { close = true } }
    local generations = start { cut, deleted }
    local result, err, so_far = generations:delete_many(
      generations:list { source = "api" })
    assert.is_nil(result)
    assert.equal("connection", err.kind)
    assert.equal(1, so_far.deleted)
  end)

  it("keeps to its concurrency", function()
    -- Responds only after four requests have come.
    local generations = start({ all({ { read = true }, { hold = true } })[1],
      loop = true })
    local _, err, so_far = generations:delete_many({ "a", "b", "c", "d", "e" },
      { concurrency = 4, timeout = 0.5, on_result = function()
        here.client:close()
      end })
    assert.equal("closed", err.kind)
    assert.equal(4, #here.server:requests(4))
    assert.is_true(so_far.failed >= 1)
  end)

  it("ends when a callback raises, and keeps its tally", function()
    for _, name in ipairs { "when", "on_result", "on_progress" } do
      local generations, calls = start(all(deleted)), 0
      local result, err, so_far = generations:delete_many({ "a", "b", "c" }, {
        concurrency = 1, [name] = function()
          calls = calls + 1
          if calls == 2 then error({ mine = true }) end
          return true
        end })
      assert.equal("canceled", err.kind)
      assert.is_true(err.cause.mine)
      assert.matches("^delete generations: a callback raised an error: ",
        tostring(err))
      assert.equal(name == "when" and 1 or 2, result.deleted)
      assert.equal(result, so_far)
      assert.equal(result.deleted, #here.server:requests(result.deleted))
      here.stop()
    end
  end)

  it("raises for a listing without a filter, unless asked", function()
    local generations = here.emulate { generations = 30 }
    local unfiltered = { generations:list(), (generations:list {}),
      (generations:list { page_size = 10 }), (generations:list { limit = 50 }),
      assert(generations:all()), assert(generations:all { page_size = 10 }) }
    for _, items in ipairs(unfiltered) do
      local ok, message = pcall(function()
        generations:delete_many(items)
      end)
      assert.is_false(ok)
      assert.match("delete_many_spec.lua:%d+: no filter was given, so all "
        .. "generations that have ended would be deleted%. Pass a filter such "
        .. "as status, or everything = true%.$", message)
    end
    assert.equal(30, generations:count())
    assert.is_true(assert(generations:delete_many(
      generations:all { status = "FAILED" })).deleted > 0)
    assert.is_true(assert(generations:delete_many(generations:list(nil),
      { everything = true })).deleted > 0)
  end)

  it("deletes nothing in a dry run, and counts", function()
    local generations = here.emulate { generations = 60 }
    local filter, told = { source = "api", page_size = 10 }, 0
    local ended = 0
    for generation in generations:list(filter) do
      if generation:is_terminal() then ended = ended + 1 end
    end
    local before = assert(generations:count())
    local result = assert(generations:delete_many(generations:list(filter),
      { dry_run = true, on_result = function() told = told + 1 end }))
    assert.equal(ended, result.deleted)
    assert.equal(told, result.deleted + result.failed)
    assert.equal(before, generations:count())
  end)

  it("deletes no more than `max`, and stops on request", function()
    local generations = start(all(deleted))
    local ids = { "a", "b", "c", "d", "e" }
    assert.equal(2, assert(generations:delete_many(ids, { max = 2 })).deleted)
    local result = assert(generations:delete_many(ids, { concurrency = 1,
      on_progress = function(done, total, stop)
        assert.equal(5, total)
        if done == 3 then stop() end
      end }))
    assert.equal(3, result.deleted)
    result = assert(generations:delete_many(ids, { concurrency = 1,
      when = function(id, stop)
        if id == "b" then stop() end
        return id ~= "b"
      end }))
    assert.same({ 1, 1 }, { result.deleted, result.skipped })
    assert.equal(6, #here.server:requests(6))
  end)

  it("keeps a hundred errors and counts them all", function()
    local generations = start(all(service.answer(409,
      ("x"):rep(60 * 1024))))
    local ids = {}
    for i = 1, 150 do ids[i] = "g" .. i end
    local result = assert(generations:delete_many(ids))
    assert.equal(150, result.failed)
    assert.equal(100, #result.errors)
    for _, err in ipairs(result.errors) do
      assert.equal(1024, #err.body)
    end
  end)

  it("raises for invalid items before any request", function()
    local generations = start(all(deleted))
    for _, items in ipairs { "a", { 5 }, { "a", false }, { a = "b" },
        setmetatable({}, { __index = { "a" } }) } do
      local ok, message = pcall(function()
        generations:delete_many(items, { concurrency = 1 })
      end)
      assert.is_false(ok)
      assert.match("delete_many_spec.lua:%d+: ", message)
    end
    for words, items in pairs {
      ['items must be an array of ids or generations, or a listing, got string '
        .. '"a"'] = "a",
      ["items must be an array without holes"] = { "a", nil, "b" },
    } do
      local ok, message = pcall(generations.delete_many, generations, items)
      assert.is_false(ok)
      assert.matches(words, message, 1, true)
    end
    local _, err = lipsync.time "now"
    for method, words in pairs { delete = "got", delete_many = "items is" } do
      local ok, message = pcall(function()
        generations[method](generations, err)
      end)
      assert.is_false(ok)
      assert.match(words .. " an error object: .*is not a time", message)
    end
    local ok, message = pcall(function()
      generations:delete_many({}, { concurency = 5 })
    end)
    assert.is_false(ok)
    assert.match('did you mean "concurrency"', message)
    assert.equal(0, #here.server:connections())
  end)

  for _, gone_cursor in ipairs { "error", "empty", "position" } do
    it("deletes the items of a paged listing, gone cursor: " .. gone_cursor,
       function()
      local generations = here.emulate { generations = 230,
                                         gone_cursor = gone_cursor }
      local filter = { status = { "COMPLETED", "FAILED", "REJECTED" } }
      local before = assert(generations:count(filter))
      local rest = assert(generations:count()) - before
      filter.page_size = 20
      local result = assert(generations:delete_many(generations:list(filter)))
      assert.equal(before, result.deleted)
      assert.equal(0, result.failed)
      assert.equal(rest, (assert(generations:count())))
    end)
  end

  it("raises for another client's listing",
    function()
      local generations = start(all(deleted))
      local other = service.client(here.server.base_url)
      local ok, err = pcall(function()
        generations:delete_many(other.generations:list { status = "FAILED" })
      end)
      other:close()
      assert.is_false(ok)
      assert.matches("delete_many_spec.lua:%d+: the listing belongs to", err)
      assert.equal(0, #here.server:connections())
    end)

  it("retries each deletion separately", function()
    local busy = service.answer(503, '{"message":"Busy."}')
    local generations = start({ busy, busy, deleted, deleted, deleted })
    local result = assert(generations:delete_many({ "a", "b", "c" }))
    assert.equal(3, result.deleted)
    assert.equal(5, #here.server:requests(5))
  end)

  -- A response to each request that has `mark`, `times` times or always.
  local function reply(times, status, body, headers, mark)
    return { when = mark or "HTTP/1.1", times = times,
             { send = scripted.response(status, body, headers) } }
  end

  local function refusal(times, headers)
    return reply(times, 429, '{"message":"Not now."}', headers)
  end

  -- A service that refuses what comes after the first requests.
  local function refusing(first, times, headers)
    return { pick = true, reply(first, 204, ""), refusal(times, headers),
             reply(nil, 204, "") }
  end

  local function hundred()
    local ids = {}
    for i = 1, 100 do ids[i] = "g" .. i end
    return ids
  end

  it("waits as long as the service refuses all, and loses none", function()
    local random = core.random
    finally(function() core.random = random end)
    core.random = function() return 0.001 end
    local generations = start(refusing(20, 60))
    local result = assert(generations:delete_many(hundred()))
    assert.same({ 100, 0 }, { result.deleted, result.failed })
    assert.equal(160, #here.server:requests(160))
  end)

  it("asks with one request at a time whether it still does", function()
    local under_way, most, refused = 0, 0, 0
    local generations = start(refusing(0, 12, { ["Retry-After"] = "0.01" }), {
      on_event = function(event)
        if event.type == "request" then under_way = under_way + 1 end
        if event.type == "retry" then refused = refused + 1 end
        -- The first eight were sent before any was refused.
        if refused >= 8 and refused < 12 then
          most = math.max(most, under_way)
        end
        if event.type == "response" then under_way = under_way - 1 end
      end })
    assert.equal(100, assert(generations:delete_many(hundred())).deleted)
    assert.equal(12, refused)
    assert.equal(1, most)
  end)

  it("lets a callback make a call after a rest", function()
    local generations = start({ pick = true,
      reply(1, 429, "{}", { ["Retry-After"] = "0.1" }, "DELETE "),
      reply(nil, 204, "", nil, "DELETE "),
      reply(nil, 200, service.generation "x", nil, "GET ") }, { timeout = 5 })
    local got = 0
    assert(generations:delete_many({ "a", "b", "c", "d" }, {
      on_result = function()
        if generations:get "x" then got = got + 1 end
      end }))
    assert.equal(4, got)
  end)

  it("counts such a wait in no timeout", function()
    local generations = start(refusing(3, 1, { ["Retry-After"] = "1.1" }),
      { timeout = 1 })
    local result = assert(generations:delete_many(hundred()))
    assert.same({ 100, 0 }, { result.deleted, result.failed })
  end)

  it("waits for no longer than a timeout that is its own", function()
    local generations = start(refusing(0, nil, { ["Retry-After"] = "30" }))
    local result, err = generations:delete_many(hundred(), { timeout = 10 })
    assert.is_nil(result)
    assert.same({ 429, 1 }, { err.statusCode, err.attempts })
  end)

  it("waits where the listing is refused, too", function()
    local random = core.random
    finally(function() core.random = random end)
    core.random = function() return 0.001 end
    local generations = start { pick = true, refusal(9),
      reply(1, 200, service.list(3), nil, "GET /"),
      reply(nil, 200, "[]", nil, "GET /"), reply(nil, 204, "") }
    local result = assert(generations:delete_many(generations:list {
      status = "COMPLETED", page_size = 3 }))
    assert.equal(3, result.deleted)
  end)

  it("ends where the service refuses all for too long", function()
    local generations = start(refusing(0, nil, { ["Retry-After"] = "121" }))
    local result, err, so_far = generations:delete_many(hundred())
    assert.is_nil(result)
    assert.equal(429, err.statusCode)
    assert.equal(121, err.retryAfter)
    assert.equal(0, so_far.deleted)
    assert.is_true(#here.server:requests() <= 8)
  end)

  it("gives each its own timeout, from its own start", function()
    -- Two at a time, each waits for 0.5 s: together they take longer than the
    -- timeout of one.
    local slow = { { read = true }, { stall = 0.5 },
                   { send = scripted.response(204, "",
                       { Connection = "close" }) } }
    local generations = start({ slow, loop = true })
    local ids = { "a", "b", "c", "d", "e", "f", "g", "h" }
    local result = assert(generations:delete_many(ids,
      { concurrency = 2, timeout = 1.9, max_attempts = 1 }))
    assert.same({}, result.errors)
    assert.equal(8, result.deleted)
  end)

  it("ends stalled deletions and makes the others", function()
    local generations = start({ { { read = true }, { hold = true } },
                                deleted, deleted })
    local result = assert(generations:delete_many({ "a", "b", "c" },
      { stall_timeout = 1, max_attempts = 1 }))
    assert.equal(2, result.deleted)
    assert.equal(1, result.failed)
    assert.equal("timeout", result.errors[1].kind)
  end)

  it("needs no more slots than there are", function()
    local generations = start(all(deleted), { max_in_flight = 1 })
    local result = assert(generations:delete_many({ "a", "b", "c", "d" },
      { concurrency = 4 }))
    assert.equal(4, result.deleted)
  end)

  it("closes its calls when it is abandoned and collected", function()
    local generations = start({ { { read = true }, { hold = true } },
                                loop = true },
      { host = function(session, target, seconds)
          local ends = core.now() + seconds
          repeat
            session:step()
            coroutine.yield()
          until target and target:ready() or core.now() >= ends
        end })
    local function abandon()
      local co = coroutine.create(function()
        generations:delete_many { "a", "b", "c" }
      end)
      local _, during = http.live()
      local wanted = during + 3
      -- How many turns that takes depends on how much of the processor is ours.
      local deadline = core.now() + 20
      while during ~= wanted and core.now() < deadline do
        assert(coroutine.resume(co))
        _, during = http.live()
      end
      assert.equal("suspended", coroutine.status(co))
      return during
    end
    local _, before = http.live()
    assert.equal(before + 3, abandon())
    collectgarbage()
    collectgarbage()
    local _, after = http.live()
    assert.equal(before, after)
  end)

  it("lets callbacks make calls with only one slot", function()
    local asked = 0
    local generations = start(all(deleted), { max_in_flight = 1 })
    local result = assert(generations:delete_many({ "a", "b", "c" }, {
      concurrency = 3, on_result = function()
        assert(generations:delete("x", { timeout = 10 }))
        asked = asked + 1
      end }))
    assert.equal(3, result.deleted)
    assert.equal(3, asked)
  end)

  it("waits in a task, on every Lua", function()
    local generations = start({ service.answer(200, service.list(2)),
                                deleted, deleted })
    local result, err
    here.client:spawn(function()
      result, err = generations:delete_many(generations:list(),
        { everything = true })
    end)
    here.client:run()
    assert.is_nil(err)
    assert.equal(2, result.deleted)
  end)

  it("closes everything when a listener raises", function()
    local responses = 0
    local generations = start({ deleted, { { read = true }, { hold = true } },
                                loop = true },
      { on_event = function(event)
        if event.type ~= "response" then return end
        responses = responses + 1
        error({ mine = true })
      end })
    local _, before = http.live()
    local ok, problem = pcall(generations.delete_many, generations,
      { "a", "b", "c" })
    assert.is_false(ok)
    assert.is_true(problem.mine)
    assert.equal(1, responses)
    if _VERSION == "Lua 5.1" then
      collectgarbage()
      collectgarbage()
    end
    local _, after = http.live()
    assert.equal(before, after)
  end)

  it("ignores later changes of the array", function()
    local generations = start(all(deleted))
    local ids = { "a", "b", "c" }
    local result = assert(generations:delete_many(ids, { concurrency = 1,
      on_result = function() ids[3] = false end }))
    assert.equal(3, result.deleted)
  end)

  it("yields to the host even if it starts nothing", function()
    local turns = 0
    local generations = start({}, { host = function(session, target, seconds)
      if not target and seconds == 0 then turns = turns + 1 end
      session:poll(0)
    end })
    local ids = {}
    for i = 1, 30 do ids[i] = "g" .. i end
    local result = assert(generations:delete_many(ids, { when = function()
      scripted.sleep(0.001)
    end }))
    assert.equal(30, result.skipped)
    assert.is_true(turns >= 3)
  end)

  it("explains how to pass a filter", function()
    local generations = start {}
    local ok, message = pcall(function()
      generations:delete_many { status = "FAILED" }
    end)
    assert.is_false(ok)
    assert.match("pass client.generations:list", message, 1, true)
  end)
end)
