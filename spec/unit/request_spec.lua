-- SPDX-License-Identifier: MIT
local lipsync = require "lipsync"
local repeats = require "lipsync.call.repeats"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

describe("client:request", function()
  local here = service.fixture(after_each)

  local function start(script, options)
    here.start(script, options)
    return here.client
  end

  local function json(status, body, headers)
    return service.answer(status, body, headers)
  end

  it("gives status, headers, id and decoded body", function()
    local client = start { json(201, '{"a":[1,null],"b":"x"}', {
      ["X-Request-Id"] = "r1", ["X-Name"] = " a b " }) }
    local response, err = client:request("POST", "/v2/things", {
      body = { name = "n", list = lipsync.array {} } })
    assert.is_nil(err)
    assert.equal(201, response.statusCode)
    assert.equal("r1", response.requestId)
    assert.equal("a b", response.headers["x-name"])
    assert.equal("application/json", response.headers["content-type"])
    assert.same({ a = { 1, lipsync.null }, b = "x" }, response.body)
    local request = here.server:requests(1)[1]
    assert.equal("POST", request.method)
    assert.equal("/v2/things", request.target)
    assert.equal('{"list":[],"name":"n"}', request.body)
    assert.equal("application/json", request.headers["content-type"])
    assert.equal(service.key, request.headers["x-api-key"])
  end)

  it("joins repeated headers, and keeps the key out of them", function()
    local client = start { { { read = true }, { send =
      "HTTP/1.1 200 a: b\r\nX-A: 1\r\nx-a:2\r\nEcho: <" .. service.key
      .. ">\r\nEmpty:\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" } } }
    local response = assert(client:request("GET", "/v2/x"))
    assert.same({ ["x-a"] = "1, 2", echo = "<(key)>", empty = "",
      ["content-length"] = "0", connection = "close" }, response.headers)
    assert.is_nil(response.body)
  end)

  it("leaves a body that is no JSON as text", function()
    local text = { ["Content-Type"] = "text/plain" }
    local client = start { json(200, "12", text), json(200, "12"),
      json(200, "null"), json(200, "{"), service.answer(204, "") }
    assert.equal("12", client:request("GET", "/v2/x").body)
    assert.equal(12, client:request("GET", "/v2/x").body)
    assert.equal(lipsync.null, client:request("GET", "/v2/x").body)
    local response, err = client:request("GET", "/v2/x")
    assert.is_nil(response)
    assert.equal("protocol", err.kind)
    assert.match("^GET /v2/x: expected JSON, got application/json %(200%)",
      tostring(err))
    response = assert(client:request("DELETE", "/v2/x"))
    assert.equal(204, response.statusCode)
    assert.is_nil(response.body)
  end)

  it("sends query, headers and a string as they are given", function()
    local client = start { json(200, "{}"), json(200, "{}"), json(200, "{}") }
    assert(client:request("GET", "/v2/x", { query = {
      b = "a b&", a = 5, c = { "x", "y,z" }, d = true, e = 0.5 } }))
    assert(client:request("GET", "/v2/x", { query = "q=%20&r" }))
    assert(client:request("PUT", "/v2/x", { body = "a\0b", query = {},
      headers = { ["content-type"] = "text/csv", ["X-Own"] = "1" } }))
    local requests = here.server:requests(3)
    assert.equal("/v2/x?a=5&b=a%20b%26&c=x,y%2Cz&d=true&e=0.5",
      requests[1].target)
    assert.is_nil(requests[1].headers["content-type"])
    assert.equal("/v2/x?q=%20&r", requests[2].target)
    assert.equal("/v2/x", requests[3].target)
    assert.equal("a\0b", requests[3].body)
    assert.equal("text/csv", requests[3].headers["content-type"])
    assert.equal("1", requests[3].headers["x-own"])
  end)

  it("goes without the key if it should", function()
    local client = start({ json(200, "{}") }, { api_key = false })
    assert(client:request("GET", "/v2/x", { send_key = false }))
    assert.is_nil(here.server:requests(1)[1].headers["x-api-key"])
    local response, err = client:request("GET", "/v2/x")
    assert.is_nil(response)
    assert.equal("api_key", err.field)
  end)

  it("blames no key that was not sent", function()
    local client = start({ json(401, "{}") }, { api_key = false })
    local response, err = client:request("GET", "/v2/x", { send_key = false })
    assert.is_nil(response)
    assert.equal("GET /v2/x: 401 Unauthorized. It was sent without the key.",
      tostring(err))
  end)

  it("makes HEAD requests, on a connection that others use too", function()
    local head = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n"
      .. "Content-Encoding: gzip\r\nX-A: b\r\n\r\n"
    local body = scripted.response(200, "[1]")
    local client = start { { { read = true }, { send = head },
      { read = true }, { send = body }, { read = true }, { send = head } } }
    for _, method in ipairs { "HEAD", "GET", "HEAD" } do
      local response = assert(client:request(method, "/v2/x"))
      assert.equal(200, response.statusCode)
      assert.equal(method == "HEAD" and "b" or nil, response.headers["x-a"])
      assert.same(method == "GET" and { 1 } or nil, response.body)
    end
    local requests = here.server:requests(3)
    assert.equal("HEAD", requests[1].method)
    assert.equal("GET", requests[2].method)
    assert.equal(1, #here.server:connections())
  end)

  it("returns the service's errors", function()
    local client = start { json(404,
      '{"errorCode":"thing_not_found","message":"No thing."}') }
    local response, err = client:request("GET", "/v2/things/1",
      { tag = "t" })
    assert.is_nil(response)
    assert.equal(404, err.statusCode)
    assert.equal("thing_not_found", err.errorCode)
    assert.equal("t", err.tag)
    assert.equal("GET /v2/things/1: 404 thing_not_found: No thing.",
      tostring(err))
  end)

  it("repeats what changes nothing, and nothing else", function()
    local busy = json(503, "{}", { ["Retry-After"] = "0" })
    local client = start { busy, json(200, "1"), busy, busy,
                           json(429, "{}", { ["Retry-After"] = "0" }) }
    assert.equal(1, assert(client:request("GET", "/v2/x")).body)
    assert.equal(503, select(2, client:request("GET", "/v2/x",
      { retry = false })).statusCode)
    local response, err = client:request("POST", "/v2/x", { body = {} })
    assert.is_nil(response)
    assert.equal(1, err.attempts)
    assert.equal(429,
      select(2, client:request("PATCH", "/v2/x")).statusCode)
    assert.equal(5, #here.server:requests(5))
  end)

  it("tells of an unknown outcome", function()
    local client = start { { { read = true }, { close = true } } }
    local response, err = client:request("POST", "/v2/x", { body = "{}" })
    assert.is_nil(response)
    assert.equal("connection", err.kind)
    assert.is_true(err.outcomeUnknown)
    assert.equal(1, err.attempts)
    assert.match("The request may have been carried out%.$", tostring(err))
  end)

  it("repeats what it is told to, with the same bytes", function()
    local cut = { { read = true }, { close = true } }
    local client = start { cut, json(200, "1"), cut,
      json(409, '{"errorCode":"IDEMPOTENCY_IN_PROGRESS"}',
        { ["Retry-After"] = "0" }), json(201, "2") }
    assert.equal(1, assert(client:request("DELETE", "/v2/x",
      { retry = true })).body)
    assert.equal(2, assert(client:request("POST", "/v2/x", {
      body = { b = 1, a = 2 }, idempotency_key = "k-1" })).body)
    local requests = here.server:requests(5)
    for i = 3, 5 do
      assert.equal('{"a":2,"b":1}', requests[i].body)
      assert.equal("k-1", requests[i].headers["idempotency-key"])
    end
  end)

  it("leaves no doubt about what changes nothing", function()
    local cut = { { read = true }, { close = true } }
    for method, is_open in pairs { GET = false, HEAD = false, OPTIONS = false,
        POST = true, PUT = true, PATCH = true, DELETE = true } do
      for _, retry in ipairs { "default", true } do
        local client = start { cut }
        local response, err = client:request(method, "/v2/x",
          { max_attempts = 1, retry = retry == true or nil })
        assert.is_nil(response)
        assert.equal(is_open, err.outcomeUnknown or false, method)
        here.stop()
      end
    end
  end)

  it("names the key under which it may be sent again", function()
    local client = start { json(502, "{}") }
    local response, err = client:request("POST", "/v2/x", { body = {},
      idempotency_key = "k-1", max_attempts = 1 })
    assert.is_nil(response)
    assert.equal("k-1", err.idempotencyKey)
    assert.is_true(err.outcomeUnknown)
  end)

  it("is never sent again once the service may have lost its key", function()
    local new, window = repeats.new, nil
    finally(function() repeats.new = new end)
    function repeats.new(...)
      window = new(...)
      window.window = 0
      return window
    end
    local client = start { json(502, "{}", { ["Retry-After"] = "0" }),
                           json(201, "1") }
    local response, err = client:request("POST", "/v2/x", { body = {},
      idempotency_key = "k-1" })
    assert.is_nil(response)
    assert.equal(502, err.statusCode)
    assert.is_truthy(window)
    assert.equal(1, #here.server:requests(1))
  end)

  it("does not know what came of a key whose request goes on", function()
    for _, code in ipairs { "IDEMPOTENCY_IN_PROGRESS",
                            "IDEMPOTENCY_OUTCOME_UNKNOWN" } do
      local client = start { json(409, ('{"errorCode":"%s"}'):format(code),
        { ["Retry-After"] = "30" }) }
      local response, err = client:request("POST", "/v2/x", { body = {},
        idempotency_key = "k-1", timeout = 5 })
      assert.is_nil(response)
      assert.equal(code, err.errorCode)
      assert.is_true(err.outcomeUnknown)
      here.stop()
    end
  end)

  it("refuses a path that could lead elsewhere", function()
    local client = start {}
    for _, path in ipairs { "", "v2/x", "//evil.example/x", "/\\evil.example",
        "/v2/../x", "/v2/.", "/v2/%2e%2E/x", "/v2/.%2e", "/a\nb", "/a\0b",
        "/a\127", "/v2/x?y=1", "/v2/x#y", "/a b", "/ä",
        "https://evil.example/", "@evil.example/" } do
      local response, err = client:request("GET", path)
      assert.is_nil(response, path)
      assert.equal("invalid", err.kind)
      assert.equal("path", err.field)
      assert.match("^request: the path ", tostring(err))
    end
    assert.equal(0, #here.server:connections())
  end)

  it("takes a path with dots that are no segment", function()
    local client = start { json(200, "1"), json(200, "2") }
    assert(client:request("GET", "/v2/..a/b.c/...//x"))
    assert(client:request("GET", "/"))
    assert.equal("/v2/..a/b.c/...//x", here.server:requests(2)[1].target)
  end)

  it("reports what cannot be sent", function()
    local client = start {}
    for field, options in pairs {
        idempotency_key = { idempotency_key = "a b" },
        body = { body = { at = print } },
        headers = { headers = { a = "b\n" } } } do
      local response, err = client:request("POST", "/v2/x", options)
      assert.is_nil(response)
      assert.equal("invalid", err.kind)
      assert.equal(field, err.field)
    end
    assert.equal(0, #here.server:connections())
  end)

  it("raises for misuse", function()
    local client = start {}
    for pattern, call in pairs {
      ['unknown method "get", did you mean "GET"? Known: DELETE, GET, ']
        = function() client:request("get", "/v2/x") end,
      ["method must be a string, got nil"]
        = function() client:request() end,
      ["path must be a string, got nil"]
        = function() client:request "GET" end,
      ['unknown option "boddy", did you mean "body"?']
        = function() client:request("PUT", "/x", { boddy = 1 }) end,
      ["a GET request has no body"]
        = function() client:request("GET", "/x", { body = "a" }) end,
      ["headers must not hold Idempotency-Key: pass idempotency_key"]
        = function() client:request("POST", "/x",
          { headers = { ["idempotency-key"] = "a" } }) end,
      ["idempotency_key does not go with retry = false"]
        = function() client:request("POST", "/x",
          { retry = false, idempotency_key = "a" }) end,
      ["query must be a table, got number 5"]
        = function() client:request("GET", "/x", { query = 5 }) end,
      ["a name of query must be a string, got number 1"]
        = function() client:request("GET", "/x", { query = { 5 } }) end,
      ["query.a must be a string, a number, a boolean or an array of them"]
        = function() client:request("GET", "/x",
          { query = { a = { {} } } }) end,
    } do
      local ok, problem = pcall(call)
      assert.is_false(ok)
      assert.match("request_spec.lua:%d+: ", problem)
      assert.is_truthy(problem:find(pattern, 1, true), problem)
    end
    assert.has_error(function() client.request("GET", "/v2/x") end)
  end)

  it("works in a task, at the emulator", function()
    here.emulate { generations = 3 }
    local client, n = here.client, nil
    client:spawn(function()
      n = #assert(client:request("GET", "/v2/generations")).body
    end)
    client:run()
    assert.equal(3, n)
  end)
end)
