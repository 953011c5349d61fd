-- SPDX-License-Identifier: MIT
--
-- What generations cost at the emulator: estimates before, costs afterwards.

local found, emulator = pcall(require, "lipsync.emulator")
local http = require "spec.support.http"
local json = require "lipsync"
local cjson = require "cjson"

if not found then
  describe("prices at the emulator", function()
    pending("is not built: its libraries are missing")
  end)
  return
end

describe("prices at the emulator:", function()
  local service

  before_each(function()
    service = assert(emulator.start { generations = 0 })
  end)

  after_each(function() service:stop() end)

  local function ask(method, target, body)
    return http.request(service.base_url, method, target, {
      headers = { ["x-api-key"] = service.key },
      body = body and json.encode(body),
    })
  end

  local function estimate(body)
    return ask("POST", "/v2/generations/estimate", body)
  end

  it("an estimate counts frames and grows with the length", function()
    local body = { model = "lipsync-2", duration = 2.5 }
    local answer = estimate(body)
    assert.are.equal(200, answer.status)
    assert.are.equal(75, answer.json.estimatedFrameCount)
    assert.are.equal(0.125, answer.json.estimatedGenerationCost)
    assert.are.equal("number", type(answer.json.estimatedCredits))
    assert.are.equal(answer.body,
      ask("POST", "/v2/generate/estimate-cost", body).body)
    body.fps, body.reasoningEnabled = 23.9, true
    local dearer = estimate(body).json
    assert.are.equal(60, dearer.estimatedFrameCount)
    assert.is_true(dearer.estimatedGenerationCost > 0.125)
    body.workflow = "translate-and-dub"
    local dub = estimate(body).json
    assert.are.equal(cjson.null, dub.estimatedCredits)
    assert.is_true(dub.estimatedGenerationCost
      > dearer.estimatedGenerationCost)
  end)

  for _, case in ipairs {
    { {}, 400, "model" },
    { { model = "sync-3" }, 400, "duration" },
    { { model = "sync-3", duration = 0 }, 400, "duration" },
    { { model = "sync-3", duration = "1" }, 400, "duration" },
    { { model = "sync-3", duration = 1, fps = 0 }, 400, "fps" },
    { { model = "sync-3", duration = 1, workflow = "x" }, 400, "workflow" },
    { { model = "sync-9", duration = 1 }, 422, "model" },
  } do
    it("an estimate refuses " .. json.encode(case[1]), function()
      local answer = estimate(case[1])
      assert.are.equal(case[2], answer.status)
      assert.are.equal(case[3], answer.json.field)
      assert.are.equal(case[2] == 422 and "cost_estimate_unavailable"
        or "generation_input_validation_failed", answer.json.errorCode)
    end)
  end

  it("the older estimate takes a create and gives an array", function()
    local video = { type = "video", url = "https://example.com/a.mp4" }
    local speech = { type = "text", provider = { name = "elevenlabs",
      voiceId = "v", script = ("x"):rep(150 * 15) } }
    local body = { model = "sync-3", input = { video, speech } }
    local answer = ask("POST", "/v2/analyze/cost", body)
    assert.are.equal(200, answer.status)
    assert.are.equal(1, #answer.json)
    assert.are.equal(4500, answer.json[1].estimatedFrameCount)
    assert.are.equal(18, answer.json[1].estimatedGenerationCost)
    body.input = { video }
    assert.are.equal(422, ask("POST", "/v2/analyze/cost", body).status)
  end)

  it("costs are texts, when they are known", function()
    local function costs(members)
      local id = service:add(members)
      local answer = ask("GET", "/v2/generate/" .. id .. "/costs")
      assert.are.equal(200, answer.status)
      assert.are.equal(id, answer.json.generationId)
      assert.are.equal("USD", answer.json.currency)
      return answer.json
    end
    local done = costs { status = "COMPLETED", model = "lipsync-2",
                         outputDuration = 4.5 }
    assert.are.equal("complete", done.availability)
    assert.are.equal("0.225000", done.totalCostUsd)
    assert.are.equal("0.225000", done.knownSubtotalUsd)
    assert.are.equal("0.225000", done.components[1].costUsd)
    assert.are.equal(cjson.null, done.retryAfterSeconds)
    local running = costs { status = "PROCESSING" }
    assert.are.equal("pending", running.availability)
    assert.are.equal("PROCESSING", running.generationStatus)
    assert.are.equal(cjson.null, running.totalCostUsd)
    assert.are.equal("0.000000", running.knownSubtotalUsd)
    assert.are.equal("number", type(running.retryAfterSeconds))
    assert.are.equal("0.000000", costs { status = "FAILED" }.totalCostUsd)
    assert.are.equal("unavailable",
                     costs { status = "COMPLETED" }.availability)
    assert.are.equal(404, ask("GET", "/v2/generate/"
      .. "00000000-0000-4000-8000-000000000000/costs").status)
  end)
end)
