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
    assert.equal("connection", err.cause.kind)
  end)
end)
