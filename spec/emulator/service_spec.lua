-- SPDX-License-Identifier: MIT
--
-- The emulator as a Lua module: the methods of its object, and the rules of the
-- API that it keeps.

local found, emulator = pcall(require, "lipsync.emulator")
local http = require "spec.support.http"
local scripted = require "spec.support.scripted"

local NOBODY = "00000000-0000-4000-8000-000000000000"
local NOW = "2026-08-25T12:00:00Z"

if not found then
  describe("the emulator", function()
    pending("is not built: its libraries are missing")
  end)
  return
end

local service

-- Makes a request with the right key; `target` may be a table with id etc.
local function ask(method, target, options)
  options = options or {}
  options.headers = options.headers or {}
  options.headers["x-api-key"] = options.headers["x-api-key"] or service.key
  return http.request(service.base_url, method, target, options)
end

local function get(target, options)
  return ask("GET", target, options)
end

local function ids_of(answer)
  local ids = {}
  for i, generation in ipairs(answer.json) do ids[i] = generation.id end
  return ids
end

-- Adds rows, one a minute apart, the newest last; returns their ids.
local function add_rows(count, members)
  local rows = {}
  for i = 1, count do
    local row = { createdAt = ("2026-08-01T10:%02d:00.000Z"):format(i) }
    for name, value in pairs(members or {}) do row[name] = value end
    rows[i] = row
  end
  return service:add(rows)
end

local function start(options)
  options = options or {}
  options.generations = options.generations or 0
  options.now = options.now or NOW
  service = assert(emulator.start(options))
  return service
end

local function assert_refused(field, target)
  local answer = get(target)
  assert.are.equal(400, answer.status)
  assert.are.equal("generation_input_validation_failed",
                   answer.json.errorCode)
  assert.are.equal(field, answer.json.field)
end

describe("the emulator", function()
  before_each(function() start() end)
  after_each(function() service:stop() end)

  describe("asks for a key", function()
    it("and reports a missing one", function()
      local answer = http.request(service.base_url, "GET", "/v2/generations")
      assert.are.equal(401, answer.status)
      assert.are.equal(
        "Either Cookie or x-api-key header must be provided",
        answer.json.message)
      assert.are.equal("Unauthorized", answer.json.error)
      assert.are.equal(answer.headers["x-request-id"], answer.json.requestId)
    end)

    it("and reports a wrong one", function()
      local answer = get("/v2/generations", { headers = {
        ["x-api-key"] = "wrong" } })
      assert.are.equal(401, answer.status)
      assert.are.equal("Unauthorized", answer.json.message)
      assert.is_nil(answer.json.errorCode)
    end)

    it("but not for the catalog", function()
      local answer = http.request(service.base_url, "GET", "/v2/errors")
      assert.are.equal(200, answer.status)
      assert.are.equal(62, #answer.json)
      local seen = {}
      for _, entry in ipairs(answer.json) do
        assert.is_nil(seen[entry.code])
        seen[entry.code] = true
        assert.is_true(#entry.message > 0 and #entry.suggestion > 0)
      end
    end)

    it("and keeps organizations apart", function()
      service:stop()
      start { keys = { one = "first", two = "second" } }
      assert.are.equal("one", service.key)
      local mine = service:add {}
      local theirs = service:add { organization = "second" }
      assert.are.same({ mine }, ids_of(get "/v2/generations"))
      assert.are.equal(404, get("/v2/generations/" .. theirs).status)
      assert.are.equal(404, ask("DELETE", "/v2/generations/" .. theirs).status)
      assert_refused("cursor", "/v2/generations?limit=1&cursor=" .. theirs)
      assert.are.same({ theirs }, ids_of(get("/v2/generations", {
        headers = { ["x-api-key"] = "two" } })))
    end)
  end)

  describe("lists", function()
    it("nothing as an empty array", function()
      local answer = get "/v2/generations"
      assert.are.equal("[]", answer.body)
      assert.are.equal("application/json; charset=utf-8",
                       answer.headers["content-type"])
      assert.are.equal("Tue, 25 Aug 2026 12:00:00 GMT", answer.headers.date)
    end)

    it("all in the order of insertion, however many", function()
      local ids = add_rows(59)
      for _ = 1, 4 do
        for _, id in ipairs(add_rows(59)) do ids[#ids + 1] = id end
      end
      assert.are.same(ids, ids_of(get "/v2/generations"))
    end)

    it("by status, in every way of writing two", function()
      add_rows(2, { status = "COMPLETED" })
      add_rows(3, { status = "FAILED" })
      add_rows(4, { status = "PENDING" })
      for _, query in ipairs { "status=COMPLETED,FAILED",
                               "status=COMPLETED&status=FAILED",
                               "status=%5B%22COMPLETED%22%2C%22FAILED%22%5D",
                               "status[]=COMPLETED&status[]=FAILED" } do
        assert.are.equal(5, #get("/v2/generations?" .. query).json)
      end
      assert.are.equal(2, #get("/v2/generations?status=%22COMPLETED%22").json)
    end)

    it("by all filters together, and everything for an empty one", function()
      local project = "3f8c2a71-5b0e-4d6f-9a1c-7e2b4c5d6e80"
      local ids = add_rows(4)
      local match = service:add { source = "mcp", projectId = project }
      service:add { source = "mcp" }
      service:add { projectId = project }
      local function list(query)
        return ids_of(get("/v2/generations?" .. query))
      end
      assert.are.same({ match },
        list("source=mcp,studio&status=COMPLETED&projectId=" .. project))
      assert.are.same({ ids[2], ids[4] },
        list(("ids=%s,%s,%s"):format(ids[2], ids[4], NOBODY)))
      assert.are.same({}, list("projectId=" .. NOBODY))
      assert.are.equal(7, #list "status=&ids=&source=&projectId=")
    end)

    it("pages, newest first, equal times ordered by id", function()
      local ids = add_rows(3)
      local twins = service:add { { createdAt = "2026-08-02T00:00:00Z" },
                                  { createdAt = "2026-08-02T00:00:00.000Z" } }
      table.sort(twins, function(a, b) return a > b end)
      local first = get "/v2/generations?limit=3"
      assert.are.same({ twins[1], twins[2], ids[3] }, ids_of(first))
      assert.are.same({ ids[2], ids[1] },
        ids_of(get("/v2/generations?limit=3&cursor=" .. ids[3])))
      assert.are.same({},
        ids_of(get("/v2/generations?limit=3&cursor=" .. ids[1])))
      assert.are.same({ twins[2] },
        ids_of(get("/v2/generations?limit=1&cursor=" .. twins[1])))
    end)

    it("and refuses invalid parameters, naming the field", function()
      local id = service:add {}
      assert_refused("status", "/v2/generations?status=DONE")
      assert_refused("status", "/v2/generations?status=%5B1%5D")
      assert_refused("ids", "/v2/generations?ids=%5B%22")
      assert_refused("limit", "/v2/generations?limit=0")
      assert_refused("limit", "/v2/generations?limit=101")
      assert_refused("limit", "/v2/generations?limit=1.5")
      assert_refused("limit", "/v2/generations?limit=1&limit=2")
      assert_refused("cursor", "/v2/generations?cursor=" .. id)
      assert_refused("cursor", "/v2/generations?limit=1&cursor=x")
      assert_refused("cursor", "/v2/generations?limit=1&cursor=" .. NOBODY)
      assert_refused("projectId", "/v2/generations?projectId=x")
      assert_refused("status", "/v2/generations/count?status=DONE")
    end)

    it("with the configured behaviour for a gone cursor", function()
      local ids = add_rows(3)
      assert.are.equal(200, ask("DELETE", "/v2/generations/" .. ids[2]).status)
      local target = "/v2/generations?limit=5&cursor=" .. ids[2]
      assert_refused("cursor", target)
      service:set { gone_cursor = "empty" }
      assert.are.same({}, ids_of(get(target)))
      service:set { gone_cursor = "position" }
      assert.are.same({ ids[1] }, ids_of(get(target)))
    end)

    it("the wrong rows if configured so", function()
      add_rows(2, { status = "FAILED" })
      service:set { ignore_status_filter = true }
      assert.are.equal(2, #get("/v2/generations?status=COMPLETED").json)
    end)

    it("compressed if the client accepts it", function()
      add_rows(10)
      local accept = { headers = { ["Accept-Encoding"] = "gzip" } }
      local answer = get("/v2/generations", accept)
      assert.are.equal("gzip", answer.headers["content-encoding"])
      assert.are.equal("\31\139", answer.body:sub(1, 2))
      accept.headers["Accept-Encoding"] = "gzip;q=0"
      assert.is_nil(get("/v2/generations", accept)
        .headers["content-encoding"])
    end)
  end)

  it("counts what the same filters match", function()
    add_rows(2, { status = "FAILED" })
    add_rows(3)
    assert.are.equal('{"count":5}', get("/v2/generations/count").body)
    assert.are.equal('{"count":2}',
      get("/v2/generations/count?status=FAILED").body)
  end)

  it("lists its models", function()
    local models = get "/v2/models".json
    assert.are.equal(5, #models)
    for _, model in ipairs(models) do
      for _, name in ipairs { "id", "name", "type", "version" } do
        assert.are.equal("string", type(model[name]))
      end
    end
    assert.are.equal("string", type(models[5].deprecatedAt))
  end)

  describe("sends one generation", function()
    it("on both paths, byte for byte", function()
      local id = "0b9a3e5e-0000-4000-8000-00000000000a"
      local json = '{"id":"' .. id .. '","createdAt":"2026-08-01T00:00:00Z",'
        .. '"model":"react-1","status":"PAUSED","input":[],"x":1.50}'
      service:set { allow_unknown_members = true }
      assert.are.equal(id, service:add(json))
      assert.are.equal(json, get("/v2/generations/" .. id).body)
      assert.are.equal(json, get("/v2/generate/" .. id).body)
      assert.are.equal(json, get("/v2/generate/" .. id:upper()).body)
      assert.are.equal("", ask("HEAD", "/v2/generate/" .. id).body)
    end)

    it("or reports why not", function()
      local answer = get "/v2/generations/nope"
      assert.are.equal(400, answer.status)
      assert.are.equal("invalid_generation_id", answer.json.errorCode)
      answer = get("/v2/generate/" .. NOBODY)
      assert.are.equal(404, answer.status)
      assert.are.equal("generation_not_found", answer.json.errorCode)
      assert.is_truthy(answer.json.suggestion)
    end)

    it("and decodes its path once, segment by segment", function()
      local id = service:add {}
      local escaped = id:gsub("%-", "%%2D")
      local twice = id:gsub("%-", "%%252D")
      assert.are.equal(200, get("/v2/generations/" .. escaped).status)
      assert.are.equal(400, get("/v2/generations/" .. twice).status)
      assert.are.equal(400, get("/v2/generations/..").status)
      assert.are.equal(400, get("/v2/generations/" .. id .. "%2Fx").status)
      assert.are.equal(400, get("/v2/generations/%zz").status)
      assert.are.equal(404, get("/v2//generations").status)
    assert.are.equal(200, get("http://any.host/v2/generations/" .. id).status)
    end)

    it("after waiting, on request", function()
      local id = service:add { status = "PROCESSING" }
      local target = "/v2/generations/" .. id
      assert_refused("wait", target .. "?wait=1")
      assert_refused("timeout", target .. "?wait=true&timeout=11")
      assert_refused("timeout", target .. "?timeout=0")
      assert_refused("include", target .. "?wait=true&include=progress")
      assert_refused("include", target .. "?include=x")
      local answer = get(target .. "?wait=true&timeout=1")
      assert.are.equal("PROCESSING", answer.json.status)
      assert.are.equal("2", answer.headers["retry-after"])
      assert.are.equal("long_poll", answer.headers["x-sync-wait-mode"])
      assert.are.equal("1", answer.headers["x-sync-wait-timeout-seconds"])
      assert.is_nil(get(target).headers["retry-after"])
      assert.are.equal("number", type(
        get(target .. "?include=progress").json.progress_percent))
      service:advance(300)
      assert.are.equal("COMPLETED",
        get(target .. "?wait=true&timeout=10").json.status)
    end)

    it("or only the URL of its output", function()
      local id = service:add { outputUrl = "https://media.example.com/a?b=c" }
      local answer = get("/v2/generations/" .. id .. "/download")
      assert.are.equal("https://media.example.com/a?b=c", answer.body)
      assert.is_truthy(answer.headers["content-type"]:find("text/plain"))
      id = service:add { status = "PENDING" }
      for _, status in ipairs { 409, 404, 422 } do
        service:set { download_refusal = status }
        answer = get("/v2/generations/" .. id .. "/download")
        assert.are.equal(status, answer.status)
        assert.are.equal("generation_conflict", answer.json.errorCode)
      end
    end)
  end)

  describe("deletes", function()
    it("what is terminal, once", function()
      for _, status in ipairs { "COMPLETED", "FAILED", "REJECTED" } do
        local target = "/v2/generations/" .. service:add { status = status }
        local before = get(target).body
        local answer = ask("DELETE", target)
        assert.are.equal(200, answer.status)
        assert.are.equal(before, answer.body)
        answer = ask("DELETE", target)
        assert.are.equal(404, answer.status)
        assert.are.equal("generation_not_found", answer.json.errorCode)
      end
      assert.are.equal("[]", get("/v2/generations").body)
    end)

    it("nothing that is running", function()
      for _, status in ipairs { "PENDING", "PROCESSING" } do
        local target = "/v2/generations/" .. service:add { status = status }
        local answer = ask("DELETE", target)
        assert.are.equal(409, answer.status)
        assert.are.equal("generation_not_deletable_while_processing",
                         answer.json.errorCode)
        assert.is_true(#answer.json.suggestion > 0)
        assert.are.equal(200, get(target).status)
      end
    end)

    it("any added generation, with any id", function()
      local ids = service:add { { id = "a" }, { id = "job-1" },
        { id = "A.b_c~d" }, { id = ("x"):rep(200) }, { id = "count" },
        { id = "estimate" } }
      assert.are.equal(#ids, #get "/v2/generations".json)
      for _, id in ipairs(ids) do
        assert.are.equal(id, get("/v2/generate/" .. id).json.id)
        assert.are.same({ id }, ids_of(get("/v2/generations?ids=" .. id)))
      end
      assert.are.same({ "a" }, ids_of(
        get("/v2/generations?limit=2&cursor=A.b_c~d")))
      service:set { gone_cursor = "position" }
      for _, id in ipairs(ids) do
        assert.are.equal(200, ask("DELETE", "/v2/generations/" .. id).status)
        assert.are.equal(200,
          get("/v2/generations?limit=1&cursor=" .. id).status)
      end
      assert.are.equal("[]", get("/v2/generations").body)
    end)

    it("nothing by an invalid id", function()
      assert.are.equal(400, ask("DELETE", "/v2/generations/1").status)
      assert.are.equal(404, ask("DELETE", "/v2/generations/" .. NOBODY).status)
    end)
  end)

  it("says nothing more after the head that was asked for", function()
    service:add { model = ("x"):rep(600) }
    local client = require "lipsync".new { base_url = service.base_url,
                                           api_key = service.key }
    for _, path in ipairs { "/v2/generations", "/v2/models" } do
      local head = assert(client:request("HEAD", path))
      assert.are.equal("chunked", head.headers["transfer-encoding"])
      assert(client:request("GET", path, { max_attempts = 1 }))
    end
    client:close()
  end)

  it("reports unknown methods and paths", function()
    local answer = ask("POST", "/v2/generations", { body = "{}" })
    assert.are.equal(405, answer.status)
    assert.are.equal("GET, HEAD", answer.headers["allow"])
    answer = ask("PUT", "/v2/generations/" .. NOBODY)
    assert.are.equal("GET, HEAD, DELETE", answer.headers["allow"])
    answer = get "/v2/nothing"
    assert.are.equal(404, answer.status)
    assert.are.equal("Cannot GET /v2/nothing", answer.json.message)
    assert.are.equal(400, get("/v2/generations/estimate").status)
    assert.are.equal(414, get("/v2/errors?" .. ("x"):rep(20000)).status)
  end)

  it("limits what it reads, and works on afterwards", function()
    local many = "/v2/generations/count?" .. ("a=b&"):rep(1000)
    assert.are.equal(200, get(many).status)
    assert.are.equal(404, get(("/a"):rep(2000)).status)
    local deep = ("["):rep(100000)
    assert.are.equal(400, ask("POST", "/_emulator/add",
                              { body = deep }).status)
    assert.are.equal(400, ask("POST", "/_emulator/fault",
                              { body = '{"headers":' .. deep }).status)
    assert.are.equal(413, ask("POST", "/_emulator/add", {
      body = (" "):rep(64 * 1024 * 1024 + 1) }).status)
    local answer = ask("GET", "/v2/errors", { headers = {
      ["X-Long"] = ("x"):rep(1024 * 1024) } })
    assert.is_true(answer.status == nil or answer.status >= 400)
    assert.are.equal(200, get("/v2/generations/count").status)
  end)

  it("advances running generations with its clock", function()
    local id = service:add { status = "PENDING" }
    local bad = service:add { status = "PROCESSING",
                              errorCode = "generation_pipeline_failed" }
    local function status(of)
      return get("/v2/generations/" .. of).json.status
    end
    service:advance(59)
    assert.are.equal("PENDING", status(id))
    service:advance(1)
    assert.are.equal("PROCESSING", status(id))
    service:advance(240)
    assert.are.equal("FAILED", status(bad))
    service:advance(60)
    local done = get("/v2/generations/" .. id).json
    assert.are.equal("COMPLETED", done.status)
    assert.is_truthy(done.outputUrl:find(id, 1, true))
    assert.are.equal(200, ask("DELETE", "/v2/generations/" .. id).status)
  end)

  describe("fails on request:", function()
    it("another status, as often as configured, with Retry-After", function()
      service:fault { route = "list", statusCode = 429, retryAfter = 7,
                      times = 2 }
      assert.are.equal(200, get("/v2/errors").status)
      for _ = 1, 2 do
        local answer = get "/v2/generations"
        assert.are.equal(429, answer.status)
        assert.are.equal("7", answer.headers["retry-after"])
        assert.are.equal("rate_limit_exceeded", answer.json.errorCode)
      end
      assert.are.equal(200, get("/v2/generations").status)
    end)

    it("another body and headers", function()
      service:fault { statusCode = 502, body = "<html>no</html>",
                      headers = { ["X-Proxy"] = "yes" }, skip = 1 }
      service:fault { body = { 1, 2 } }
      assert.are.equal("[1,2]", get("/v2/generations").body)
      local answer = get "/v2/generations"
      assert.are.equal("<html>no</html>", answer.body)
      assert.are.equal("text/html; charset=utf-8",
                       answer.headers["content-type"])
      assert.are.equal("yes", answer.headers["x-proxy"])
    end)

    it("a connection reset, before or after the request is done", function()
      local id = service:add {}
      service:fault { route = "delete", reset = true }
      assert.are.equal("reset", ask("DELETE", "/v2/generations/" .. id).ending)
      assert.are.equal(200, get("/v2/generations/" .. id).status)
      service:fault { route = "delete", reset = true, perform = true }
      assert.are.equal("reset", ask("DELETE", "/v2/generations/" .. id).ending)
      assert.are.equal(404, get("/v2/generations/" .. id).status)
    end)

    it("a response that is cut or slow", function()
      add_rows(3)
      local whole = get("/v2/generations").body
      service:fault { route = "list", cut = 100 }
      local answer = get "/v2/generations"
      assert.are.equal(whole:sub(1, 100), answer.body)
      assert.is_false(answer.whole)
      service:fault { route = "list", cut = 0 }
      assert.are.equal("", get("/v2/generations").body)
      service:fault { route = "list", drip = 50000, delay = 0.01 }
      assert.are.equal(whole, get("/v2/generations").body)
    end)
  end)

  it("shows the requests it saw, with their exact targets", function()
    get "/v2/generations?status=%46AILED,COMPLETED"
    get("/v2/generations/a%2Fb", { headers = { ["X-Own"] = "1" } })
    local requests = service:requests()
    assert.are.equal(2, #requests)
    assert.are.equal("GET", requests[1].method)
    assert.are.equal("/v2/generations?status=%46AILED,COMPLETED",
                     requests[1].path)
    assert.are.equal(200, requests[1].statusCode)
    assert.are.equal("/v2/generations/a%2Fb", requests[2].path)
    assert.are.equal("1", requests[2].headers["x-own"])
    assert.are.equal(service.key, requests[2].headers["x-api-key"])
  end)

  it("keeps requests apart from those before a reset", function()
    service:fault { route = "get", delay = 0.3 }
    local answer = http.request(service.base_url, "GET",
      "/v2/generations/" .. NOBODY, { seconds = 0.1 })
    assert.is_nil(answer.status)
    service:reset()
    get "/v2/errors"
    scripted.sleep(0.5) -- until the first one has its response
    local requests = service:requests()
    assert.are.equal(1, #requests)
    assert.are.equal(200, requests[1].statusCode)
  end)

  it("forgets old requests by number and by size", function()
    local long = { headers = { ["X-Long"] = ("x"):rep(100000) } }
    for i = 1, 200 do get("/v2/errors?" .. i, long) end
    local requests = service:requests()
    assert.are.equal("/v2/errors?200", requests[#requests].path)
    assert.is_true(#requests > 100 and #requests < 170, #requests)
  end)

  it("starts again with the same state", function()
    service:stop()
    start { generations = 20, gone_cursor = "empty" }
    local before = get("/v2/generations").body
    service:add {}
    service:set { gone_cursor = "error" }
    service:fault { statusCode = 500, times = 0 }
    service:advance(3600)
    service:reset()
    assert.are.equal(before, get("/v2/generations").body)
    assert.are.equal(1, #service:requests())
  end)

  it("adds only missing members to an added generation", function()
    local row = get("/v2/generations/" .. service:add {}).json
    assert.are.equal("2026-08-25T12:00:00.000Z", row.createdAt)
    assert.are.equal("COMPLETED", row.status)
    assert.are.equal("string", type(row.model))
    assert.are.equal("table", type(row.input))
    assert.is_nil(row.outputUrl)
    assert.are.equal(2, #service:add { {}, {} })
  end)

  it("makes samples of every kind, equal for the same seed", function()
    service:stop()
    start { generations = 60 }
    local function all() -- each emulator has a port of its own
      local base_url = service.base_url:gsub("%p", "%%%0")
      return (get("/v2/generations").body:gsub(base_url, "here"))
    end
    local first = all()
    local seen, count = {}, 0
    -- cjson rejects some valid JSON, such as a lone surrogate
    for created, status, model in first:gmatch(
      '"createdAt":"([^"]*)","status":"([^"]*)","model":"([^"]*)"') do
      seen[status], seen[model], count = true, true, count + 1
      assert.is_true(created >= "2026-05-27" and created <= "2026-08-25T12")
    end
    assert.are.equal(60, count)
    for _, name in ipairs { "PENDING", "PROCESSING", "COMPLETED", "FAILED",
                            "REJECTED", "lipsync-2", "lipsync-2-pro",
                            "lipsync-1.9.0-beta", "react-1", "sync-3" } do
      assert.is_true(seen[name], name)
    end
    for _, text in ipairs { '"projectId":null', '"segments":[{', "\\ud83d",
                            '\\"', "こんにちは", '"prompt":' } do
      assert.is_truthy(first:find(text, 1, true), text)
    end
    service:stop()
    start { generations = 60 }
    assert.is_true(first == all())
    service:stop()
    start { generations = 60, random_seed = 2 }
    assert.is_true(first ~= all())
  end)
end)

describe("an emulator object", function()
  after_each(function() if service then service:stop() end end)

  local function assert_raises(text, fn, ...)
    local good, message = pcall(fn, ...)
    assert.is_false(good, "did not raise: " .. text)
    assert.is_truthy(message:find(text, 1, true), message)
  end

  it("raises misuse", function()
    start()
    assert_raises('did you mean "port"?', emulator.start, { prot = 1 })
    assert_raises("port must be a whole number from 0 to 65535",
                  emulator.start, { port = 65536 })
    assert_raises("port must be a whole number", emulator.start,
                  { port = math.huge })
    assert_raises("delay must be a number", service.fault, service,
                  { delay = 0 / 0 })
    assert_raises("host must be a string", emulator.start, { host = 1 })
    assert_raises("keys must not be empty", emulator.start, { keys = {} })
    assert_raises("now must be a time", emulator.start, { now = "today" })
    assert_raises("gone_cursor must be", emulator.start,
                  { gone_cursor = "x" })
    assert_raises("can only be set at the start", service.set, service,
                  { port = 1 })
    assert_raises("a key and its organization", emulator.start,
                  { keys = { ["a b"] = "c" } })
    assert_raises("a key and its organization", service.set, service,
                  { keys = { a = 1 } })
    assert_raises("parameters are given by name", emulator.start, { 4010 })
    assert_raises('did you mean "base_url"?', function()
      return service.url
    end)
    assert_raises('did you mean "requests"?', function()
      return service.request
    end)
    assert_raises("call it with a colon", service.reset)
    assert_raises('did you mean "list"?', service.fault, service,
                  { route = "lists" })
    assert_raises("cut must be a whole number", service.fault, service,
                  { cut = 1.5 })
    assert_raises("without line breaks", service.fault, service,
                  { retryAfter = "1\r\nX: y" })
    assert_raises('did you mean "gone_cursor"?', service.set, service,
                  { gone_curser = 1 })
    assert_raises('generation 2: "status" must be a string', service.add,
                  service, { {}, { status = 1 } })
    assert_raises('unknown member "staus", did you mean "status"?',
                  service.add, service, { staus = "FAILED" })
    assert_raises('unknown member "x". Known: id,', service.add, service,
                  { { id = "a" }, { x = 1 } })
    assert_raises('"createdAt" must be a time', service.add, service,
                  { createdAt = "2026-02-30" })
    assert_raises("it is not JSON", service.add, service, "{")
    assert_raises("already", service.add, service,
                  { { id = NOBODY }, { id = NOBODY } })
    for _, id in ipairs { "", "a b", "a/b", "a,b", "..", "\195\188",
                          ("x"):rep(201) } do
      assert_raises('"id" must have 1 to 200 of the characters', service.add,
                    service, { id = id })
    end
    assert_raises('there is no kind "generations"', service.add, service,
                  { kind = "generations" })
    for _, twice in ipairs { '{"id":"a","id":"b"}', '{"i\\u0064":"a"}',
                             '[{"source":null,"error":1,"source":"mcp"}]',
                             '{"status":"FAILED","stat\\u0075s":"FAILED"}' } do
      assert_raises("must be there once, its name without escapes",
                    service.add, service, twice)
    end
    assert_raises("must be an object", service.add, service, [=["{}"]=])
    assert_raises("must be an object", service.add, service, [=[["{}"]]=])
    for _, name in ipairs { "id", "model", "source", "organization" } do
      for _, escape in ipairs { "\\ud83d", "\\uddde" } do
        assert_raises(('"%s" must hold characters only'):format(name),
          service.add, service, ('{"%s":"a%sb"}'):format(name, escape))
      end
    end
    assert_raises("seconds must be", service.advance, service, -1)
    assert_raises("seconds must be", service.advance, service, 0 / 0)
    assert.are.equal("[]", get("/v2/generations").body) -- all or nothing
  end)

  it("returns nil and a reason for runtime failures", function()
    start()
    local port = tonumber(service.base_url:match("%d+$"))
    local value, reason = emulator.start { port = port }
    assert.is_nil(value)
    assert.is_truthy(reason:find(("port %d: "):format(port), 1, true))
    value, reason = emulator.start { database = "no/such/folder/file" }
    assert.is_nil(value)
    assert.is_truthy(reason:find("no/such/folder/file", 1, true))
    value, reason = emulator.start { import = "no-such-file" }
    assert.is_nil(value)
    assert.is_truthy(reason:find("no-such-file", 1, true))
  end)

  it("exports to a file when it is stopped", function()
    local path = os.tmpname()
    finally(function() os.remove(path) end)
    start { export = path }
    local id = service:add {}
    assert.is_true(service:stop())
    start { import = path }
    assert.are.same({ id }, ids_of(get "/v2/generations"))
    service:stop()
    start { export = "no/such/folder/file" }
    local value, reason = service:stop()
    assert.is_nil(value)
    assert.is_truthy(reason:find("cannot write no/such/folder/file", 1, true))
  end)

  it("stops once, and releases its address", function()
    start()
    local base_url = service.base_url
    service:stop()
    service:stop()
    assert.are.equal(base_url, service.base_url)
    assert_raises("has been stopped", service.requests, service)
    assert.is_nil(http.request(base_url, "GET", "/v2/errors").status)
  end)

  it("stops when it is collected, even during a response", function()
    start()
    service:fault { delay = 600 }
    http.request(service.base_url, "GET", "/v2/errors", { seconds = 0.2 })
    service = nil
    collectgarbage()
    collectgarbage()
  end)

  -- Only LuaJIT can fork without another library.
  local has_ffi, ffi = pcall(require, "ffi")
  local it_with_ffi = has_ffi and it or function() end

  it_with_ffi("is of no effect in a forked child", function()
    ffi.cdef "int fork(void); int waitpid(int, int *, int); void _exit(int);"
    start()
    local child = ffi.C.fork()
    if child == 0 then
      local raised = not pcall(service.add, service, {})
      service:stop()
      service = nil
      collectgarbage()
      ffi.C._exit(raised and 0 or 1)
    end
    local status = ffi.new "int[1]"
    ffi.C.waitpid(child, status, 0)
    assert.are.equal(0, status[0])
    service:add {}
    assert.are.equal(1, #get("/v2/generations").json)
  end)

  -- Copies a database to its own path, with another "PRAGMA user_version".
  local function copy_database(version)
    local file = assert(io.open(("spec/fixtures/emulator/version-%d.sqlite")
      :format(math.min(version, 2)), "rb"))
    local bytes, path = file:read "*a", os.tmpname()
    file:close()
    file = assert(io.open(path, "wb"))
    file:write(bytes:sub(1, 63), string.char(version), bytes:sub(65))
    file:close()
    finally(function() os.remove(path) end)
    return path
  end

  it("opens a file of the first version, and converts it once", function()
    local path = copy_database(1)
    local id = "00000000-0000-4000-8000-00000000000"
    local options = { database = path, gone_cursor = "position",
                      keys = { ["test-key"] = "test-org", zz = "other-org" } }
    for _ = 1, 2 do
      start(options)
      assert.are.same({ id .. 1, id .. 2, id .. 3, id .. 5, "short" },
                      ids_of(get "/v2/generations"))
      assert.are.same({ id .. 3 }, ids_of(get("/v2/generations?source=mcp"
        .. "&projectId=3f8c2a71-5b0e-4d6f-9a1c-7e2b4c5d6e80")))
      assert.are.same({ id .. 3, id .. 2 }, -- of a deleted one
        ids_of(get("/v2/generations?limit=2&cursor=" .. id .. 4)))
      assert.are.same({ id .. 6 }, ids_of(get("/v2/generations",
        { headers = { ["x-api-key"] = "zz" } })))
      service:stop()
    end
    start(options)
    assert.are.equal("PENDING", get("/v2/generations/" .. id .. 5).json.status)
    service:advance(360)
    assert.are.equal("COMPLETED",
      get("/v2/generations/" .. id .. 5).json.status)
    assert.are.equal(200, ask("DELETE", "/v2/generations/short").status)
    assert.are_not.equal(service:add {}, service:add {})
  end)

  it("opens a file of the second version, and converts it once", function()
    local path = copy_database(2)
    local id = "00000000-0000-4000-8000-00000000000"
    for _ = 1, 2 do
      start { database = path }
      assert.are.same({ id .. 1, id .. 2 }, ids_of(get "/v2/generations"))
      service:stop()
    end
    start { database = path }
    service:advance(360)
    assert.are.equal("COMPLETED",
      get("/v2/generations/" .. id .. 2).json.status)
  end)

  it("does not change a file of a later version", function()
    local path = copy_database(4)
    local value, reason = emulator.start { database = path }
    assert.is_nil(value)
    assert.is_truthy(reason:find("made by a later version", 1, true))
  end)

  it("keeps its generations in a file", function()
    local path = os.tmpname()
    os.remove(path)
    start { database = path }
    local id = service:add {}
    local value, reason = emulator.start { database = path }
    assert.is_nil(value)
    assert.is_truthy(reason:find("in use by another", 1, true))
    service:stop()
    start { database = path, generations = 5 }
    assert.are.same({ id }, ids_of(get "/v2/generations"))
    assert.are_not.equal(id, service:add {})
    service:stop()
    os.remove(path)
  end)
end)

describe("the emulator from outside", function()
  before_each(function() start() end)
  after_each(function() service:stop() end)

  local function control(method, name, body, headers)
    return http.request(service.base_url, method, "/_emulator/" .. name,
                        { body = body, headers = headers })
  end

  it("does all that the object does", function()
    local ids = control("POST", "add", '[{"status":"PENDING"},{}]').json
    assert.are.equal(2, #ids)
    assert.are.equal(200, control("POST", "fault",
      '{"route":"count","statusCode":503}').status)
    assert.are.equal(503, get("/v2/generations/count").status)
    assert.are.equal(200,
      control("POST", "advance", '{"seconds":360}').status)
    assert.are.equal(2, #get("/v2/generations?status=COMPLETED").json)
    assert.are.equal(2, #control("GET", "requests").json)
    assert.are.equal(200,
      control("POST", "set", '{"gone_cursor":"empty"}').status)
    assert.are.equal(200, control("POST", "reset").status)
    assert.are.equal("[]", get("/v2/generations").body)
  end)

  it("sets keys and the clock", function()
    local body = '{"keys":{"b":"other","a":"third"},"now":"2027-01-01"}'
    assert.are.equal(200, control("POST", "set", body).status)
    assert.are.equal(401, get("/v2/generations").status)
    local row = http.request(service.base_url, "GET", "/v2/generations/"
      .. service:add {}, { headers = { ["x-api-key"] = "a" } }).json
    assert.are.equal("2027-01-01T00:00:00.000Z", row.createdAt)
    service:reset()
    assert.are.equal(200, get("/v2/generations").status)
    assert.are.equal(NOW:sub(1, 19),
      get("/v2/generations/" .. service:add {}).json.createdAt:sub(1, 19))
  end)

  it("reports invalid settings", function()
    for _, call in ipairs { { "add", "[1]" }, { "fault", '{"rout":1}' },
                            { "set", "[]" }, { "set", '{"keys":[]}' },
                            { "advance", '{"seconds":"1"}' },
                            { "advance", "{}" } } do
      local answer = control("POST", call[1], call[2])
      assert.are.equal(400, answer.status)
      assert.is_true(#answer.json.message > 0)
    end
    assert.are.equal(404, control("GET", "nothing").status)
    assert.are.equal(405, control("GET", "reset").status)
  end)

  -- A page whose own name resolves to this machine (DNS rebinding).
  it("is closed to requests with a foreign host name", function()
    for _, host in ipairs { "example.com", "example.com:80", "8.8.8.8",
                            "localhost.example.com", "[2001:db8::1]", "" } do
      for _, target in ipairs { "/v2/generations", "/v2/errors",
                                "/_emulator/requests" } do
        local answer = get(target, { headers = { Host = host } })
        assert.are.equal(403, answer.status, host)
        assert.is_truthy(answer.json.message:find("no name or address", 1,
                                                  true))
      end
    end
    local name = "localhost"
    local file = io.open "/proc/sys/kernel/hostname"
    if file then
      name = file:read "*l"
      file:close()
    end
    for _, host in ipairs { "localhost", "LOCALHOST:1", "localhost.",
                            "api.localhost", "127.0.0.1:4010", "127.8.9.1",
                            "[::1]", "[::1]:80", "0", name } do
      assert.are.equal(200, get("/v2/generations",
        { headers = { Host = host } }).status, host)
    end
  end)

  it("listens on a name and responds to it", function()
    service:stop()
    start { host = "localhost" }
    assert.are.equal(200, get("/v2/generations",
      { headers = { Host = "localhost" } }).status)
  end)

  it("is closed to web pages", function()
    assert.are.equal(403, control("POST", "reset", "",
      { Origin = "https://example.com" }).status)
  end)
end)
