-- SPDX-License-Identifier: MIT
--
-- Speech, transcriptions, edits of dialogues and usage at the emulator: what it
-- refuses, and what a repeat gets.

local found, emulator = pcall(require, "lipsync.emulator")
local http = require "spec.support.http"
local json = require "lipsync"
local cjson = require "cjson"

if not found then
  describe("speech at the emulator", function()
    pending("is not built: its libraries are missing")
  end)
  return
end

describe("at the emulator", function()
  local service

  before_each(function()
    service = assert(emulator.start { generations = 0,
      now = "2026-08-25T12:00:00Z" })
  end)

  after_each(function() service:stop() end)

  local function ask(method, target, body, headers)
    local own = { ["x-api-key"] = service.key }
    for name, value in pairs(headers or {}) do own[name] = value end
    return http.request(service.base_url, method, target,
      { headers = own, body = body and json.encode(body) })
  end

  local text = { script = "Hello there.", voiceId = "v",
                 provider = "elevenlabs" }

  local function with(body, name, value)
    local copy = {}
    for key, each in pairs(body) do copy[key] = each end
    copy[name] = value
    return copy
  end

  local source = { sourceVideoUrl = "https://a/b.mp4" }
  local edit = {
    sourceVideoUrl = "https://a/b.mp4",
    transcript = { segments = { { words = { { id = "w1" } } } } },
    edits = { { kind = "remove", wordIds = { "w1" } } },
  }

  for _, case in ipairs {
    { "/v2/tts", with(text, "script", ""), "script" },
    { "/v2/tts", with(text, "script", ("x"):rep(5001)), "script" },
    { "/v2/tts", with(text, "voiceId", nil), "voiceId" },
    { "/v2/tts", with(text, "provider", "other"), "provider" },
    { "/v2/tts/jobs", with(text, "stability", 1.5), "stability" },
    { "/v2/tts/jobs", with(text, "similarityBoost", -1), "similarityBoost" },
    { "/v2/transcriptions", {}, "sourceVideoUrl" },
    { "/v2/transcriptions", with(source, "sourceAudioUrl", "https://a/c"),
      "sourceVideoUrl" },
    { "/v2/transcriptions", with(source, "endMs", 3600001), "endMs" },
    { "/v2/transcriptions", with(source, "endMs", 0), "endMs" },
    { "/v2/transcriptions", with(source, "projectId", "x"), "projectId" },
    { "/v2/dialogue-edits", with(edit, "transcript", nil), "transcript" },
    { "/v2/dialogue-edits", with(edit, "edits", json.array {}), "edits" },
    { "/v2/dialogue-edits", with(edit, "edits", { { kind = "change",
      wordId = "w1" } }), "edits[0]" },
    { "/v2/dialogue-edits", with(edit, "edits", { { kind = "remove" } }),
      "edits[0]" },
    { "/v2/dialogue-edits", with(edit, "edits", { { kind = "sing" } }),
      "edits[0].kind" },
  } do
    it(case[1] .. " refuses a wrong " .. case[3], function()
      local answer = ask("POST", case[1], case[2])
      assert.are.equal(400, answer.status)
      assert.are.equal(case[3], answer.json.field)
    end)
  end

  it("a speech job is begun once for each key", function()
    local function start(key, body)
      return ask("POST", "/v2/tts/jobs", body or text,
        { ["Idempotency-Key"] = key })
    end
    local first, again = start "k 1", start "  k 1  "
    assert.are.equal(202, first.status)
    assert.are.equal("/v2/tts/jobs/" .. first.json.id, first.headers.location)
    assert.are.equal(202, again.status)
    assert.are.equal(first.json.id, again.json.id)
    assert.are_not.equal(first.json.id, start("k2").json.id)
    assert.are_not.equal(first.json.id, start(nil).json.id)
    local other = start("k 1", with(text, "script", "Bye."))
    assert.are.equal(409, other.status)
    assert.are.equal("IDEMPOTENCY_KEY_CONFLICT", other.json.errorCode)
    for _, key in ipairs { "", "   ", ("x"):rep(129) } do
      assert.are.equal("INVALID_IDEMPOTENCY_KEY", start(key).json.errorCode)
    end
    service:advance(1000)
    assert.are.equal("SUCCESS", start("k 1").json.status)
  end)

  it("a job says when to look again until it has ended", function()
    local job = ask("POST", "/v2/tts/jobs", text).json
    local function look() return ask("GET", "/v2/tts/jobs/" .. job.id) end
    assert.are.equal("PENDING", look().json.status)
    assert.are.equal("3", look().headers["retry-after"])
    service:advance(60)
    local working = look()
    assert.are.equal("PROCESSING", working.json.status)
    assert.are.equal("2026-08-25T12:01:00.000Z", working.json.startedAt)
    assert.are.equal(cjson.null, working.json.finishedAt)
    service:advance(300)
    local done = look()
    assert.are.equal("SUCCESS", done.json.status)
    assert.are.equal("2026-08-25T12:06:00.000Z", done.json.finishedAt)
    assert.is_nil(done.headers["retry-after"])
    local sound = http.request(service.base_url, "GET",
      done.json.url:match "^http://[^/]*(.*)$")
    assert.are.equal(200, sound.status)
    assert.are.equal("audio/wav", sound.headers["content-type"])
  end)

  it("jobs have ids of their own, for their organization", function()
    service:set { keys = { [service.key] = "a", other = "b" } }
    for path, body in pairs { ["/v2/tts/jobs"] = text,
        ["/v2/transcriptions"] = source, ["/v2/dialogue-edits"] = edit } do
      local one = path .. "/" .. ask("POST", path, body).json.id
      assert.are.equal(200, ask("GET", one).status)
      assert.are.equal(404, ask("GET", one, nil,
        { ["x-api-key"] = "other" }).status)
      assert.are.equal(400, ask("GET", path .. "/x").status)
    end
  end)

  it("usage is by when generations ended, oldest first", function()
    local function add(at, seconds, status)
      return service:add { model = "lipsync-2", status = status or "COMPLETED",
        createdAt = at, outputDuration = seconds }
    end
    local second = add("2026-08-25T10:00:00Z", 2)
    local first = add("2026-08-25T09:00:00Z", 1)
    local third = add("2026-08-25T11:00:00Z", 3, "FAILED")
    add("2026-08-25T11:59:00Z", 4, "PROCESSING")
    local function usage(query)
      local answer = ask("GET", "/v2/usage/generations" .. (query or ""))
      assert.are.equal(200, answer.status)
      local ids = {}
      for i, item in ipairs(answer.json.items) do ids[i] = item.generationId end
      return ids, answer.json
    end
    local ids, all = usage()
    assert.are.same({ first, second, third }, ids)
    assert.are.equal("0.100000", all.items[2].totalCostUsd)
    assert.are.equal("0.000000", all.items[3].totalCostUsd)
    assert.are.equal(cjson.null, all.nextCursor)
    -- They end six minutes after they were created.
    assert.are.same({ second }, (usage("?startTime=2026-08-25T10:06:00Z"
        .. "&endTime=2026-08-25T11:06:00Z")))
    local page, part = usage "?limit=2"
    assert.are.same({ first, second }, page)
    assert.are.same({ third }, (usage("?limit=2&cursor=" .. part.nextCursor)))
    for _, query in ipairs { "?limit=501", "?limit=0", "?startTime=x",
                             "?cursor=x" } do
      assert.are.equal(400,
        ask("GET", "/v2/usage/generations" .. query).status)
    end
  end)
end)
