-- SPDX-License-Identifier: MIT
require "lipsync"
local errors = require "lipsync.error"

local function answer(status, body, headers)
  headers = headers or {}
  return errors.from_response({ status = status, body = body,
    header = function(name) return headers[name] end },
    { action = "list generations", method = "GET", path = "/v2/generations",
      attempts = 2, seconds = 1.5, tag = "t" })
end

describe("errors", function()
  it("keep every member of the service's body", function()
    local err = answer(429, '{"message":"Wait.","statusCode":429,'
      .. '"errorCode":"concurrency_limit_reached","error":"Too Many Requests",'
      .. '"suggestion":"Less.","field":"limit","requestId":"r1",'
      .. '"activeGenerations":3,"upgradeUrl":null,"retryAfterSeconds":12}')
    assert.equal("api", err.kind)
    assert.equal("Wait.", err.message)
    assert.equal(429, err.statusCode)
    assert.equal("concurrency_limit_reached", err.errorCode)
    assert.equal("Less.", err.suggestion)
    assert.equal("limit", err.field)
    assert.equal("r1", err.requestId)
    assert.equal(12, err.retryAfter)
    assert.is_true(err.retryable)
    assert.same({ error = "Too Many Requests", activeGenerations = 3,
                  retryAfterSeconds = 12 }, err.details)
    assert.equal(2, err.attempts)
    assert.equal(1.5, err.seconds)
    assert.equal("GET", err.method)
    assert.equal("/v2/generations", err.path)
    assert.equal("t", err.tag)
    assert.match('^{"message"', err.body)
  end)

  it("join a message that is an array", function()
    local err = answer(400, '{"message":["a","b"],"statusCode":400}')
    assert.equal("a; b", err.message)
    assert.equal("a", answer(400, '{"message":["a"]}').message)
    assert.equal("Bad Request", answer(400, '{"message":[]}').message)
    assert.same({ "a", "b" }, err.details.message)
  end)

  it("ignore members of the wrong type", function()
    local err = answer(400, '{"message":5,"errorCode":null,"field":{},'
      .. '"requestId":"","error_code":"x"}')
    assert.equal("Bad Request", err.message)
    assert.equal("x", err.errorCode)
    assert.is_nil(err.field)
    assert.is_nil(err.requestId)
    assert.equal(5, err.details.message)
  end)

  it("accept any body", function()
    local html = answer(502, "<html>", { ["content-type"] = "text/html; x" })
    assert.equal("Bad Gateway (text/html)", html.message)
    assert.equal("list generations: 502 Bad Gateway (text/html). Gave up "
      .. "after 2 attempts in 1.5 s.", tostring(html))
    assert.equal("Service Unavailable (empty answer)",
      answer(503, "").message)
    assert.equal("Not Found", answer(404, "[1]").message)
    assert.equal(64 * 1024, #answer(500, ("x"):rep(1e5)).body)
  end)

  it("have the words of a storage", function()
    for xml, words in pairs {
      ['<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>'
        .. "Request &lt;x&gt; has expired</Message></Error>"] =
        "AccessDenied: Request <x> has expired",
      ["<Error><Message></Message><Code>AccessDenied</Code></Error>"] =
        "AccessDenied",
      ["<Error><Code>SlowDown"] = "Forbidden (application/xml)",
      ["<Error></Error>"] = "Forbidden (application/xml)",
      ["<Errors><Code>A</Code></Errors>"] = "Forbidden (application/xml)",
    } do
      local err = answer(403, xml, { ["content-type"] = "application/xml" })
      assert.equal(words, err.message)
      assert.is_nil(err.errorCode)
      assert.equal(xml, err.body)
    end
  end)

  it("do not decode a body longer than any error", function()
    local function body(n)
      return '{"errorCode":"e","message":"M.","pad":"' .. ("x"):rep(n) .. '"}'
    end
    local most = 64 * 1024 - #body(0)
    assert.equal("e", answer(500, body(most)).errorCode)
    assert.is_nil(answer(500, body(most + 1)).errorCode)
    local long = answer(500, body(7e4))
    assert.is_nil(long.errorCode)
    assert.equal("Internal Server Error", long.message)
    assert.equal(64 * 1024, #long.body)
  end)

  it("read the headers", function()
    local err = answer(503, "", { ["retry-after"] = "7",
                                  ["x-request-id"] = "r2" })
    assert.equal(7, err.retryAfter)
    assert.equal("r2", err.requestId)
  end)

  it("show their sentence when printed, and are plain tables", function()
    local err = errors.new("invalid", "the id is empty",
      { action = "delete generation" })
    assert.equal("delete generation: the id is empty.", tostring(err))
    assert.equal("> delete generation: the id is empty.", "> " .. err)
    assert.equal("delete generation: the id is empty.!", err .. "!")
    assert.is_true(errors.is_error(err))
    assert.is_false(errors.is_error { kind = "api" })
    assert.is_nil(err.reason)
    assert.same({}, err.details)
    assert.equal(0, err.attempts)
    assert.equal(0, err.seconds)
  end)

  it("are the service's own if they have its form", function()
    for body, is_own in pairs { ['{"errorCode":"a"}'] = true,
        ['{"error_code":"a"}'] = true,
        ['{"statusCode":404,"message":"m"}'] = true,
        ['{"statusCode":404}'] = false, ['{"message":"m"}'] = false,
        ['{"statusCode":"404","message":"m"}'] = false,
        ['{"statusCode":404,"message":""}'] = false, ["<html>"] = false } do
      assert.equal(is_own, errors.is_from_service(answer(404, body)), body)
    end
    assert.is_false(errors.is_from_service(errors.new("api", "m")))
    assert.is_false(errors.is_from_service {})
  end)

  it("are another server's if the call was", function()
    assert.is_true(errors.is_foreign(errors.new("api", "m",
      { is_foreign = true })))
    assert.is_false(errors.is_foreign(errors.new("api", "m", {})))
    assert.is_false(errors.is_foreign {})
  end)

  it("have what is known of the code", function()
    local function about(retryable)
      return { known_code = function(code)
        return code == "a" and { scope = "account", retryable = retryable }
      end }
    end
    local function facts(code, status, retryable)
      local err = errors.complete({ kind = "api", message = "m",
        errorCode = code, statusCode = status }, about(retryable))
      return { err.scope or "none", err.retryable }
    end
    assert.same({ "account", true }, facts("a", 409, true))
    assert.same({ "account", false }, facts("a", 409, false))
    assert.same({ "account", true }, facts("a", 499, true))
    assert.same({ "account", false }, facts("a", 501, true))
    assert.same({ "none", false }, facts("b", 409, true))
    assert.same({ "none", false }, facts(nil, 409, true))
    assert.same({ "account", false }, facts("a", nil, true))
  end)

  it("show no key that was sent back", function()
    local err = errors.new("api", "a key", { redact = function(text)
      return (text:gsub("key", "(key)"))
    end })
    assert.equal("a (key)", err.message)
  end)

  it("of a file name it, and the system's number", function()
    local about = { action = "a", method = "GET", path = "/v2/x" }
    local err = errors.from_failure({ code = "file_unreadable", path = "f",
      os_error = 13, os_name = "EACCES" }, about)
    assert.same({ "file", "f", 13 }, { err.kind, err.path, err.os_error })
    err = errors.from_failure({ code = "connect", os_error = 111,
      os_name = "ECONNREFUSED", body = ("x"):rep(7e4) }, about)
    assert.same({ "connection", "/v2/x" }, { err.kind, err.path })
    assert.is_nil(err.os_error)
    assert.equal(64 * 1024, #err.body)
  end)

  it("show the service's words on one line", function()
    local err = answer(400, '{"message":"one\\ntwo\\u0000"}')
    assert.equal("one\ntwo\0", err.message)
    assert.match("^list generations: 400 one two%.", tostring(err))
  end)

  it("say whether the request may have been done", function()
    for given, said in pairs { [true] = true, [false] = false } do
      local err = errors.new("timeout", "m", { outcome_unknown = given })
      assert.equal(said or nil, err.outcomeUnknown)
    end
  end)

  it("read the words of a storage up to 64 KiB", function()
    local function xml(length)
      local text = "<Error><Code>SlowDown</Code>"
      return text .. ("x"):rep(length - #text)
    end
    assert.equal("SlowDown", answer(503, xml(64 * 1024)).message)
    assert.equal("Service Unavailable", answer(503, xml(64 * 1024 + 1)).message)
  end)

  it("doubt the address only where no JSON came", function()
    for body, doubts in pairs { ['{"message":"m"}'] = false, ["[]"] = true,
                                [""] = true } do
      local err = errors.from_response({ status = 404, body = body,
        header = function() end }, { base_url = "https://h" })
      assert.equal(doubts,
        tostring(err):find("Is base_url", 1, true) ~= nil, body)
    end
  end)

  it("compare a date with that of the response", function()
    local err = answer(503, "", {
      ["retry-after"] = "Sun, 06 Nov 1994 08:51:07 GMT",
      date = "Sun, 06 Nov 1994 08:49:37 GMT" })
    assert.equal(90, err.retryAfter)
  end)
end)
