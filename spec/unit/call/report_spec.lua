-- SPDX-License-Identifier: MIT
-- What is told about a call whose response has come.

local calls = require "spec.support.calls"
local report = require "lipsync.call.report"

-- A call that waits for the rest of such a response.
local function received(plan, more)
  plan.arrived, plan.unread = true, true
  local this = calls.call(calls.client { plan }, { tag = "t" }, more)
  assert.is_false(this:advance())
  return this
end

describe("report", function()
  it("names the call and its object", function()
    local about = report.about(received({ status = 200 }, { id = "a\nb" }))
    assert.equal("get x a%0Ab", about.action)
    assert.same({ "a\nb", "GET", "/v2/x", "t", 1 }, { about.id, about.method,
      about.path, about.tag, about.attempts })
    assert.equal("here.example", about.host)
  end)

  it("says nothing of the API where another server was asked", function()
    local about = report.about(received({ status = 200 },
      { origin = "https://there.example" }))
    assert.equal("there.example", about.host)
    assert.is_true(about.is_foreign)
  end)

  it("shows no secret of a request", function()
    local this = received({ status = 404, headers = {
      ["x-request-id"] = "r-0123" } }, { secrets = { "0123" } })
    local err = report.refusal(this, "no 0123 here")
    assert.equal("no (secret) here", err.body)
    assert.equal("r-(secret)", err.requestId)
    assert.equal("r-(secret)", report.response(this).requestId)
  end)

  it("shows none in what the server has sent back", function()
    local this = received({ status = 200 }, { secrets = { "0123" } })
    for _, raw in ipairs {
        { code = "unexpected", wanted = "w", body = "a 0123" },
        { code = "encoding", found = "a 0123" },
        { code = "not_http", detail = "a 0123" } } do
      local err = report.explained(this, raw)
      assert.is_truthy(tostring(err):find("a (secret)", 1, true), raw.code)
      assert.equal(200, err.statusCode)
    end
  end)

  it("says nothing of an attempt that was not made", function()
    local this = calls.call(calls.client {})
    assert.same({ bytes = 0, seconds = 0 }, report.response(this))
    assert.is_nil(report.explained(this, { code = "cut" }).statusCode)
  end)

  it("says which media came, rather than where it is no JSON", function()
    local function message(media, code, body, expects)
      local this = received({ status = 200, headers = {
        ["content-type"] = media } }, { expects = expects })
      return report.explained(this, { code = code, offset = 1, detail = "d",
        wanted = "array", index = 2, limit = 3, noun = "row", body = body })
        .message
    end
    local html, json = "Text/HTML; charset=x", "application/problem+JSON"
    for _, code in ipairs { "json_syntax", "json_depth" } do
      assert.equal('expected a JSON array, got Text/HTML (200): "<p>"',
        message(html, code, "<p>"))
      assert.equal("expected a JSON array, got Text/HTML (200), nothing in it",
        message(html, code))
      assert.equal('expected lines, got Text/HTML (200): "<p>"',
        message(html, code, "<p>", "lines"))
    end
    assert.equal("invalid JSON at byte 2: d",
      message(html, "json_syntax", nil, "lines"))
    assert.equal("invalid JSON at byte 2: d",
      message(json, "json_syntax", "<p>"))
    assert.equal("invalid JSON at byte 2: d",
      message(nil, "json_syntax", "<p>"))
    assert.equal("row 2 is longer than 3 bytes (max_generation)",
      message(html, "json_size", "<p>"))
    assert.equal("the connection broke", message(html, "cut", "<p>"))
  end)

  it("tells a listener of no address that a response has named", function()
    local this = received { status = 200 }
    local heard = {}
    function this.client.listener(event, target)
      heard[#heard + 1] = { event.type, event.attempt, target or false }
    end
    this.spec.target = "/v2/x?y"
    assert.is_true((report.event(this, "request", {})))
    this.spec.origin = "https://there.example"
    assert.is_true((report.event(this, "queued", { attempt = 2 })))
    assert.same({ { "request", 1, "/v2/x?y" }, { "queued", 2, false } }, heard)
  end)

  it("says where a listing broke", function()
    local this = received({ status = 200 }, { noun = "row",
      listing = { delivered = 3 } })
    local err = report.broken(this, { code = "cut" })
    assert.equal("the connection broke after 3 rows", err.message)
    assert.equal(3, err.delivered)
    assert.same({ "connection", "connection" }, { err.kind, err.cause.kind })
    assert.matches("A listing in one answer cannot be resumed", tostring(err))
    this.spec.listing = {}
    err = report.broken(this, { code = "stall", limit = 30 })
    assert.same({ "timeout", "nothing received for 30 s (stall_timeout), after "
      .. "0 rows" }, { err.kind, err.message })
    assert.equal("protocol", report.broken(this, { code = "gzip" }).kind)
    this.spec.listing = nil
    err = report.broken(this, { code = "cut" })
    assert.equal("the connection broke", err.message)
    assert.is_nil(err.cause)
  end)

  it("says what may have been done only if it may", function()
    local this = received({ status = 200 }, { unknown = "It may be gone" })
    assert.is_falsy(report.about(this).unknown)
    this.outcome_unknown = true
    assert.equal("It may be gone", report.about(this).unknown)
    assert.is_true(report.about(this).outcome_unknown)
  end)

  it("names no key of a request that had none", function()
    for key, named in pairs { [false] = false, [true] = "api_key" } do
      local this = received({ status = 200 }, { key = key })
      function this.client.about() return { key_from = "api_key" } end
      assert.equal(named or nil, report.about(this).key_from)
    end
  end)

  it("tells a call that was not sent when it could be", function()
    local this = calls.call(calls.client {})
    local err = report.resting(this, 7)
    assert.same({ "api", 429, 7, 0, true }, { err.kind, err.statusCode,
      err.retryAfter, err.attempts, err.retryable })
  end)

  it("takes from 400 on for a refusal, and less for a redirect", function()
    local err = report.refusal(received { status = 400 }, '{"message":"No."}')
    assert.same({ "api", 400, "No." }, { err.kind, err.statusCode,
                                         err.message })
    err = report.refusal(received { status = 399 })
    assert.same({ "protocol", 399 }, { err.kind, err.statusCode })
    err = report.refusal(received { status = 302,
      headers = { location = "/x" } })
    assert.equal("302 redirect to https://here.example, which is not followed",
      err.message)
    assert.equal("304, a status that this API does not have",
      report.refusal(received { status = 304 }).message)
  end)
end)
