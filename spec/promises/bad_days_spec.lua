-- SPDX-License-Identifier: MIT
-- Bad input and failures that belong to no single module: what a service, a
-- network or another client may do, seen from a script.

local emulator = require "spec.support.emulator"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local core = require "lipsync.core"
local lipsync = require "lipsync"

local here = service.fixture(after_each)
local start, emulate = here.start, here.emulate

-- Headers of a 200 response with any body.
local function head(length, more)
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    .. "Content-Length: " .. length .. "\r\n" .. (more or "") .. "\r\n"
end

local function first_error(generations, filter, options)
  local listing = generations:list(filter, options)
  while true do
    local generation, err = listing:next()
    if err then return err, listing end
    assert.is_truthy(generation)
  end
end

describe("on a bad day, an answer", function()
  local once = { max_attempts = 1 }

  it("with a status keeps every member, retried by its status", function()
    local cases = {
      { 400, '{"message":["a","b"],"error":"Bad Request"}', 1 },
      { 401, '{"message":"Unauthorized","statusCode":401}', 1 },
      { 404, '{"message":"No.","errorCode":"generation_not_found"}', 1 },
      { 409, '{"message":"No.","requestId":"r"}', 1 },
      { 429, '{"message":"No."}', 2, { ["Retry-After"] = "0" } },
      { 429, '{"message":"No.","retryAfterSeconds":0}', 2 },
      { 500, '{"message":"No."}', 2 },
      { 501, '{"message":"No."}', 1 },
      { 502, "<html>", 2, { ["Content-Type"] = "text/html" } },
      { 503, "", 2 },
    }
    for _, case in ipairs(cases) do
      local status, body, attempts, headers =
        case[1], case[2], case[3], case[4]
      local answer = service.answer(status, body, headers)
      local generations = start { answer, answer }
      local _, err = generations:get("a", { max_attempts = 2 })
      assert.equal("api", err.kind)
      assert.equal(status, err.statusCode)
      assert.equal(body, err.body)
      assert.equal(attempts, err.attempts, status)
      assert.equal(attempts, #here.server:requests(attempts))
      here.stop()
    end
  end)

  it("that asks for too long a wait ends the call", function()
    local err = first_error(start { service.answer(429, '{"message":"No."}',
      { ["Retry-After"] = "3600" }) })
    assert.equal(1, err.attempts)
    assert.equal(3600, err.retryAfter)
    assert.match("The service asks for a wait of 3600 s%.$", tostring(err))
  end)

  it("that is not an array is named", function()
    local cases = {
      ['{"data":[]}'] = "expected a JSON array, got an object",
      ["null"] = "expected a JSON array, got null",
      [""] = "expected a JSON array, got nothing",
      ["[1]"] = "element 1 of the list is a number",
      ['[{"id":"a"},null]'] = "element 2 of the list is null",
      ["[{}]"] = "without a string id",
      ['[{"id":5}]'] = "without a string id",
      ["[{]"] = "invalid JSON at byte",
      ['[{"id":"a"}'] = "the JSON ends too early",
      ['[{"id":"a"}]x'] = "invalid JSON at byte",
    }
    for body, pattern in pairs(cases) do
      local err = first_error(start { service.answer(200, body) }, nil, once)
      assert.equal("protocol", err.kind, body)
      assert.match(pattern, err.message)
      here.stop()
    end
  end)

  it("of a proxy is shown", function()
    local err = first_error(start { service.answer(200,
      "<html><head><title>Sign in", { ["Content-Type"] = "text/html" }) })
    assert.equal("protocol", err.kind)
    assert.equal('list generations: expected a JSON array, got text/html '
      .. '(200): "<html><head><title>Sign in". Is base_url ('
      .. here.server.base_url .. ") right?", tostring(err))
  end)

  it("that redirects is not followed", function()
    local other = scripted.start { service.answer(200, "[]") }
    local generations = start { service.answer(302, "", { Location =
      other.base_url .. "/v2/generations?secret=1" }), loop = true }
    local err = first_error(generations)
    assert.equal("protocol", err.kind)
    assert.match("302 redirect to " .. other.base_url:gsub("%p", "%%%0")
      .. ", which is not followed", err.message)
    assert.is_nil(tostring(err):find("secret", 1, true))
    local _, of_delete = generations:delete "a"
    assert.equal("protocol", of_delete.kind)
    assert.equal(0, #other:connections())
    other:stop()
  end)

  it("above a size limit is an error", function()
    local long = service.generation("a", "FAILED",
      ',"error":"' .. ("x"):rep(5000) .. '"')
    local deep = ("["):rep(300) .. ("]"):rep(300)
    local cases = {
      { { max_generation = 2000 }, "[" .. long .. "]", "max_generation" },
      { {}, '[{"id":"a","x":' .. deep .. "}]", "nest" },
      { { max_response = 2000 }, "[" .. long .. "]", "max_response",
        { page_size = 5 } },
    }
    for _, case in ipairs(cases) do
      local err = first_error(start({ service.answer(200, case[2]) },
        case[1]), case[4])
      assert.equal("limit", err.kind)
      assert.match(case[3], err.message)
      assert.equal(1, err.attempts)
      here.stop()
    end
    local _, err = start({ service.answer(200, long) },
      { max_response = 2000 }):get "a"
    assert.equal("limit", err.kind)
  end)

  it("without an end is an error, whatever it contains", function()
    local space = (" "):rep(16384)
    local err = first_error(start({ { { read = true }, { send = "HTTP/1.1 200 "
      .. "OK\r\n\r\n[{\"id\":\"" }, { repeat_send = space } } },
      { max_generation = 100000 }))
    assert.equal("limit", err.kind)
  end)
end)

describe("on a bad day, a connection", function()
  it("cut at any byte is an error, never a shorter list", function()
    local body = service.list(2)
    local whole = head(#body) .. body
    for at = 0, #whole - 1, 7 do
      local generations = start { { { read = true },
        { send = whole:sub(1, at) }, { close = true } } }
      local err, listing = first_error(generations, nil,
        { max_attempts = 1 })
      assert.is_true(err.kind == "connection" or err.kind == "protocol",
        ("cut at %d: %s"):format(at, tostring(err)))
      assert.equal(listing.delivered, err.delivered)
      here.stop()
    end
  end)

  it("that is refused is tried again within the timeout", function()
    local generations = start {}
    here.server:stop()
    local _, err = generations:count()
    assert.equal("connection", err.kind)
    assert.equal(4, err.attempts)
    assert.match("cannot connect to 127%.0%.0%.1:%d+: connection refused%. "
      .. "4 attempts in .* s%. The address comes from base_url%.$",
      tostring(err))
  end)

  it("that is reset is tried again", function()
    local generations = start { { { read = true }, { reset = true } },
                                service.answer(200, '{"count":1}') }
    assert.equal(1, generations:count())
    assert.equal(2, #here.server:requests(2))
  end)

  it("that stalls ends in a timeout, with one request per attempt", function()
    local stall = { { read = true }, { hold = true } }
    local _, err = start({ stall, stall }):get("a",
      { stall_timeout = 0.1, max_attempts = 2 })
    assert.equal("timeout", err.kind)
    assert.equal(2, err.attempts)
    assert.match("nothing received for 0.1 s %(stall_timeout%)", err.message)
    assert.equal(2, #here.server:requests(2))
  end)

  it("that drips does not stall, but reaches the deadline", function()
    local _, err = start({ { { read = true }, { send = head(9000)
      .. ("x"):rep(9000), chunk = 1, delay = 0.02 } } }):get("a",
      { stall_timeout = 5, timeout = 0.4 })
    assert.equal("timeout", err.kind)
    assert.equal("0.4 s have passed (timeout), in attempt 1", err.message)
    assert.is_true(err.seconds >= 0.4)
  end)

  it("to another machine needs TLS", function()
    here.server = scripted.start {}
    here.client = service.client("http://192.0.2.1:9", { connect_timeout = 2 })
    local _, err = here.client.generations:count()
    assert.equal("invalid", err.kind)
    assert.equal("base_url", err.field)
    assert.match("http: is refused for 192%.0%.2%.1:9, which is not this "
      .. "machine; allow_http = true allows it%.$", tostring(err))
  end)
end)

describe("on a bad day, deleting while paging", function()
  local terminal = { "COMPLETED", "FAILED", "REJECTED" }

  for _, gone_cursor in ipairs { "error", "empty", "position" } do
    it("works, gone cursor: " .. gone_cursor, function()
      local generations = emulate { generations = 150,
                                    gone_cursor = gone_cursor }
      local expected = assert(generations:count { status = terminal })
      local listing = generations:list { status = terminal, page_size = 10 }
      local seen, n = {}, 0
      while true do
        local generation, err = listing:next()
        assert.is_nil(err)
        if not generation then break end
        assert.is_nil(seen[generation.id])
        seen[generation.id] = true
        n = n + 1
        assert(generation:delete())
      end
      assert.equal(expected, n)
      assert.equal(0, generations:count { status = terminal })
    end)

    it("works with another client deleting too, gone cursor: "
       .. gone_cursor, function()
      local generations = emulate { generations = 150,
                                    gone_cursor = gone_cursor }
      local other = service.client(here.server.base_url,
        { api_key = here.server.key })
      local ids = {}
      for _, each in ipairs(assert(generations:all {
          status = terminal, page_size = 100 })) do
        ids[#ids + 1] = each.id
      end
      local taken, seen, at = {}, {}, 0
      local listing = generations:list { status = terminal, page_size = 7 }
      while true do
        local generation, err = listing:next()
        assert.is_nil(err)
        if not generation then break end
        assert.is_nil(seen[generation.id])
        seen[generation.id] = true
        at = at + 1
        -- This client deletes every third row; the other one the row just
        -- delivered, often the cursor, and now and then a later one.
        if at % 3 == 0 then
          generation:delete()
        elseif at % 3 == 1 then
          taken[generation.id] = true
          other.generations:delete(generation.id)
        elseif ids[at + 5] and not taken[ids[at + 5]] then
          taken[ids[at + 5]] = true
          other.generations:delete(ids[at + 5])
        end
      end
      for _, id in ipairs(ids) do
        assert.is_true(seen[id] or taken[id] or false, id)
      end
      other:close()
    end)
  end
end)

describe("on a bad day, coroutines", function()
  -- A waiter like that of a host with coroutines.
  local function yielding(session, transfer, seconds)
    local until_ = core.now() + seconds
    repeat
      session:step()
      if transfer and transfer:ready() then return end
      coroutine.yield()
    until core.now() >= until_
  end

  -- Resumes all of them in turn until all have ended.
  local function run(tasks)
    local live = #tasks
    while live > 0 do
      live = 0
      for _, task in ipairs(tasks) do
        if coroutine.status(task) == "suspended" then
          assert(coroutine.resume(task))
          live = live + 1
        end
      end
      here.client:runtime().session:poll(0.001)
    end
  end

  it("that list and delete all finish, eight of them", function()
    here.server = assert(emulator.start { generations = 80 })
    here.client = service.client(here.server.base_url, {
      api_key = here.server.key, host = yielding, max_in_flight = 2 })
    local generations, tasks, n = here.client.generations, {}, 0
    local left = { status = { "COMPLETED", "FAILED", "REJECTED" } }
    for i = 1, 8 do
      tasks[i] = coroutine.create(function()
        local listing = generations:list { status = left.status,
          page_size = i <= 4 and 10 or nil }
        while true do
          local generation, err = listing:next()
          assert(not err, err)
          if not generation then return end
          local deleted, problem = generations:delete(generation)
          if deleted then
            n = n + 1
          else
            assert(problem.statusCode == 404, problem)
          end
        end
      end)
    end
    run(tasks)
    assert.is_true(n > 10)
  end)

  it("that wait in a listing get `canceled` when it is closed", function()
    start({ { { read = true }, { hold = true } } }, { host = yielding })
    local listing, got = here.client.generations:list(), nil
    local task = coroutine.create(function()
      local _, err = listing:next()
      got = err
    end)
    repeat
      coroutine.resume(task)
      here.client:runtime().session:poll(0.01)
    until #here.server:requests() == 1
    listing:close()
    run { task }
    assert.equal("canceled", got.kind)
  end)

  it("that wait get `closed` when the client is closed", function()
    start({ { { read = true }, { hold = true } } }, { host = yielding })
    local got
    local task = coroutine.create(function()
      local _, err = here.client.generations:delete "a"
      got = err
    end)
    coroutine.resume(task)
    here.client:close()
    while coroutine.status(task) == "suspended" do coroutine.resume(task) end
    assert.equal("closed", got.kind)
  end)

  it("that are never resumed block no others", function()
    start({ { { read = true }, { hold = true } },
            service.answer(200, '{"count":1}') },
          { host = yielding, max_in_flight = 1 })
    local function abandon()
      local task = coroutine.create(function()
        here.client.generations:get "a"
      end)
      coroutine.resume(task)
    end
    abandon()
    local n
    run { coroutine.create(function() n = here.client.generations:count() end) }
    assert.equal(1, n)
  end)

  it("that wait too long for a slot report it", function()
    start({ { { read = true }, { hold = true } } },
      { host = yielding, max_in_flight = 1 })
    local first = coroutine.create(function()
      here.client.generations:get "a"
    end)
    coroutine.resume(first)
    local got
    run { coroutine.create(function()
      local _, err = here.client.generations:get("b", { timeout = 0.1 })
      got = err
    end) }
    assert.equal("0.1 s have passed (timeout), waiting for one of 1 "
      .. "connection (max_in_flight)", got.message)
    assert.equal(0, got.attempts)
    assert.equal("suspended", coroutine.status(first))
  end)
end)

describe("on a bad day, a program", function()
  it("that filters by an unknown status gets the service's error", function()
    local _, err = emulate { generations = 1 }:all { status = "BOGUS" }
    assert.equal("api", err.kind)
    assert.equal(400, err.statusCode)
    assert.is_string(err.errorCode)
    assert.is_string(err.field)
  end)

  it("that closes its client inside a loop ends in `closed`", function()
    local listing = emulate({ generations = 300 }):list()
    assert.is_truthy(listing:next())
    here.client:close()
    local _, err = listing:next()
    assert.is_true(lipsync.is_error(err))
    assert.equal("closed", err.kind)
  end)
end)

describe("on a bad day, a host that resumes too late", function()
  local calls = 40

  -- The first request gets the last response, so one look at some of the
  -- sockets does not reach it.
  local function backwards(status, body)
    local script = {}
    for i = 1, calls do
      local answer = service.answer(status, body)
      table.insert(answer, 2, { stall = (calls - i) * 0.01 })
      script[i] = answer
    end
    return script
  end

  it("reads all that arrived before it checks a clock", function()
    local problems = {}
    start(backwards(200, '{"count":1}'),
      { max_in_flight = calls, timeout = 1 })
    local client = here.client
    for _ = 1, calls do
      client:spawn(function()
        local _, err = client.generations:count()
        problems[#problems + 1] = err and tostring(err)
      end)
    end
    repeat client:step() until #here.server:requests() == calls
    scripted.sleep(1.5)
    repeat client:step() until client:pending() == 0
    assert.same({}, problems)
  end)

  it("reads all responses of many deletions", function()
    local ids, slept = {}, false
    for i = 1, calls do ids[i] = "g" .. i end
    start(backwards(204, ""),
      { max_in_flight = calls, timeout = 1, host = function(session)
        session:poll(0.001)
        if slept or #here.server:requests() < calls then return end
        slept = true
        scripted.sleep(1.5)
      end })
    local result = assert(here.client.generations:delete_many(ids,
      { concurrency = calls }))
    assert.same({}, result.errors)
    assert.equal(calls, result.deleted)
    assert.is_true(slept)
  end)
end)
