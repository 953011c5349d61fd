-- SPDX-License-Identifier: MIT
--
-- Generations that are created at the emulator: what a create may hold, that
-- a key makes one only, how many may run, and what becomes of them.

local found, emulator = pcall(require, "lipsync.emulator")
local http = require "spec.support.http"
local json = require "lipsync"

if not found then
  describe("a create at the emulator", function()
    pending("is not built: its libraries are missing")
  end)
  return
end

local VIDEO = { type = "video", url = "https://example.com/a.mp4" }
local AUDIO = { type = "audio", url = "https://example.com/a.wav" }
local NULL = json.null

local service

local function start(options)
  options = options or {}
  options.generations = 0
  options.now = "2026-08-25T12:00:00Z"
  service = assert(emulator.start(options))
end

local function ask(method, target, body, headers)
  headers = headers or {}
  headers["x-api-key"] = headers["x-api-key"] or service.key
  return http.request(service.base_url, method, target,
                      { headers = headers, body = body })
end

-- A body that is good but for these members.
local function body(members)
  local all = { model = "lipsync-2", input = { VIDEO, AUDIO } }
  for name, value in pairs(members or {}) do all[name] = value end
  return json.encode(all)
end

local function create(members, key, headers)
  headers = headers or {}
  headers["Idempotency-Key"] = key
  return ask("POST", "/v2/generate", body(members), headers)
end

local function count()
  return ask("GET", "/v2/generations/count").json.count
end

local function get(id)
  return ask("GET", "/v2/generate/" .. id).json
end

local function assert_error(status, code, answer)
  assert.are.equal(status, answer.status, answer.body)
  assert.are.equal(code, answer.json.errorCode)
  return answer
end

-- An input of these items; a name stands for one that needs no more.
local function input(...)
  return { ... }
end

local function text(members)
  local provider = { name = "elevenlabs", voiceId = "v", script = "Hi." }
  for name, value in pairs(members or {}) do provider[name] = value end
  for name, value in pairs(provider) do
    if value == "" then provider[name] = nil end
  end
  return { type = "text", provider = provider }
end

local function sound(ref)
  return { type = "audio", url = AUDIO.url, refId = ref }
end

local function segment(first, last, ref)
  return { startTime = first, endTime = last, audioInput = { refId = ref } }
end

local IMAGE = { type = "image", url = "https://example.com/a.png" }
local INVALID = "generation_input_validation_failed"
local SEGMENTS = "generation_input_segments_invalid"
local MODEL = "generation_unsupported_model"

describe("a create at the emulator", function()
  before_each(function() start() end)
  after_each(function() service:stop() end)

  it("makes a generation that runs and completes", function()
    local answer = create({ outputFileName = "My film (1)!", unknown = 1,
                            options = { sync_mode = "loop" } }, nil,
                          { ["x-sync-source"] = "studio" })
    assert.are.equal(201, answer.status)
    local made = answer.json
    assert.are.equal("PENDING", made.status)
    assert.are.equal("2026-08-25T12:00:00.000Z", made.createdAt)
    assert.are.equal("My_film_1", made.outputFileName)
    assert.are.equal("loop", made.options.sync_mode)
    assert.are.same({ VIDEO, AUDIO }, made.input)
    assert.is_nil(made.unknown)
    assert.is_nil(made.source)
    assert.are.same(made, get(made.id))
    assert.are.equal(made.id,
      ask("GET", "/v2/generations?source=studio").json[1].id)
    service:advance(60)
    assert.are.equal("PROCESSING", get(made.id).status)
    service:advance(300)
    assert.are.equal("COMPLETED", get(made.id).status)
    assert.is_string(get(made.id).outputUrl)
  end)

  it("takes all that goes together", function()
    for _, members in ipairs {
      { input = input(VIDEO, text { stability = 0.5, similarityBoost = 1 }) },
      { input = input(IMAGE, AUDIO), model = "sync-3" },
      { input = input(VIDEO, sound "a", sound "b"),
        segments = { segment(0, 1, "a"), segment(1, 2.5, "b") } },
      { input = input(VIDEO), dubParams = { targetLang = "de" } },
      { input = input(VIDEO), dialogueEdit = { id = "d" }, model = "sync-3" },
      { options = { temperature = NULL, model_mode = "face", prompt = "sad",
          active_speaker_detection = { auto_detect = false, frame_number = 3,
                                       coordinates = { 1, 2.5 } } },
        webhookUrl = "https://example.com/hook", projectId = NULL },
    } do
      assert.are.equal(201, create(members).status)
    end
  end)

  for _, case in ipairs {
    -- members, status, code, field
    { { model = NULL }, 400, INVALID, "model" },
    { { model = 1 }, 400, INVALID, "model" },
    { { model = "sync-9" }, 422, MODEL, "model" },
    { { input = NULL }, 400, INVALID, "input" },
    { { input = "x" }, 400, INVALID, "input" },
    { { input = input(VIDEO, 1) }, 400, INVALID, "input[1]" },
    { { input = input({ url = "https://a" }) }, 400, INVALID,
      "input[0].type" },
    { { input = input({ type = "film" }) }, 400, INVALID, "input[0].type" },
    { { input = input({ type = "video" }, AUDIO) }, 422, INVALID, "input[0]" },
    { { input = input({ type = "video", url = "https://a", assetId =
        "3f8c2a71-5b0e-4d6f-9a1c-7e2b4c5d6e80" }, AUDIO) }, 422, INVALID,
      "input[0]" },
    { { input = input({ type = "video", assetId = "a" }) }, 400, INVALID,
      "input[0].assetId" },
    { { input = input(VIDEO, { type = "audio", url = "data:audio/wav," }) },
      422, "generation_input_audio_inaccessible", "input[1].url" },
    { { input = input(VIDEO, text { script = "" }) }, 400, INVALID,
      "input[1].provider.script" },
    { { input = input(VIDEO, text { script = ("é"):rep(5001) }) }, 400,
      INVALID, "input[1].provider.script" },
    { { input = input(VIDEO, text { voiceId = "" }) }, 400, INVALID,
      "input[1].provider.voiceId" },
    { { input = input(VIDEO, text { stability = 1.5 }) }, 400, INVALID,
      "input[1].provider.stability" },
    { { input = input(AUDIO) }, 422, INVALID, "input" },
    { { input = input(VIDEO) }, 422, INVALID, "input" },
    { { input = input(VIDEO, VIDEO, AUDIO) }, 422,
      "generation_input_too_many_visual", "input" },
    { { input = input(IMAGE, AUDIO) }, 422, MODEL, "model" },
    { { input = input(VIDEO, AUDIO), dubParams = { targetLang = "de" } }, 422,
      "generation_input_dub_audio_conflict", "input" },
    { { input = input(VIDEO), dubParams = { sourceLang = "auto" } }, 400,
      INVALID, "dubParams.targetLang" },
    { { input = input(VIDEO), dialogueEdit = { id = "d" } }, 422, MODEL,
      "model" },
    { { input = input(VIDEO, sound "a", sound "b") }, 422, INVALID, "input" },
    { { input = input(VIDEO, sound "a", sound "a"),
        segments = { segment(0, 1, "a") } }, 422, SEGMENTS, "input" },
    { { input = input(VIDEO, sound "a"), segments = { segment(0, 1, "b") } },
      422, SEGMENTS, "segments[0].audioInput.refId" },
    { { input = input(VIDEO, sound "a"), segments = { segment(1, 1, "a") } },
      422, SEGMENTS, "segments[0].endTime" },
    { { input = input(VIDEO, sound "a"),
        segments = { segment(0, 2, "a"), segment(1, 3, "a") } }, 422, SEGMENTS,
      "segments[1].startTime" },
    { { input = input(VIDEO, sound "a"), segments = { { startTime = 0 } } },
      400, INVALID, "segments[0].endTime" },
    { { options = { sync_mode = "jump" } }, 400, INVALID,
      "options.sync_mode" },
    { { options = { temperature = 1.01 } }, 400, INVALID,
      "options.temperature" },
    { { options = { active_speaker_detection = { auto_detect = 1 } } }, 400,
      INVALID, "options.active_speaker_detection.auto_detect" },
    { { outputFileName = ("x"):rep(256) }, 400, INVALID, "outputFileName" },
    { { projectId = "p" }, 400, INVALID, "projectId" },
  } do
    it("is refused with its field: " .. body(case[1]):sub(1, 60) .. " "
       .. case[4], function()
      local answer = assert_error(case[2], case[3], create(case[1]))
      assert.are.equal(case[4], answer.json.field)
      assert.are.equal(0, count())
    end)
  end

  it("takes assets of the organization that are of the item's type", function()
    local function with(id, kind)
      return create { input = input({ type = kind or "video", assetId = id },
                                    kind and VIDEO or AUDIO) }
    end
    local video = service:add { kind = "asset", type = "VIDEO" }
    assert.are.equal(201, with(video).status)
    local answer = assert_error(422, "generation_input_asset_type_mismatch",
                                with(video, "audio"))
    assert.are.equal("input[0].assetId", answer.json.field)
    answer = assert_error(404, "asset_not_found",
                          with "3f8c2a71-5b0e-4d6f-9a1c-7e2b4c5d6e80")
    assert.are.equal("input[0].assetId", answer.json.field)
    assert_error(404, "asset_not_found", with(service:add {
      kind = "asset", type = "VIDEO", organization = "another" }))
  end)

  it("is refused if it is no JSON object", function()
    for _, wrong in ipairs { "", "{", "[]", "1", '{"model":"\255"}' } do
      assert_error(400, INVALID, ask("POST", "/v2/generate", wrong))
    end
    assert.are.equal(413,
      ask("POST", "/v2/generate", (" "):rep(1024 * 1024 + 1)).status)
  end)

  it("fails or is rejected where a fault says so", function()
    service:fault { route = "create", outcome = "FAILED" }
    service:fault { route = "create", outcome = "REJECTED",
                    errorCode = "generation_input_audio_invalid" }
    local failed, rejected = create().json, create().json
    local good = create().json
    assert.are.equal("PENDING", failed.status)
    service:advance(60)
    assert.are.equal("PROCESSING", get(failed.id).status)
    assert.are_not.equal("string", type(get(failed.id).errorCode))
    assert.are.equal("REJECTED", get(rejected.id).status)
    assert.are.equal("generation_input_audio_invalid",
                     get(rejected.id).errorCode)
    service:advance(300)
    assert.are.equal("FAILED", get(failed.id).status)
    assert.are.equal("generation_pipeline_failed", get(failed.id).errorCode)
    assert.is_string(get(failed.id).error)
    assert.are.equal("COMPLETED", get(good.id).status)
  end)

  it("runs as long as is set", function()
    service:set { pending_seconds = 0.5, processing_seconds = 2 }
    local id = create().json.id
    service:advance(0.5)
    assert.are.equal("PROCESSING", get(id).status)
    service:advance(2)
    assert.are.equal("COMPLETED", get(id).status)
    service:set { pending_seconds = 0, processing_seconds = 0 }
    id = create().json.id
    assert.are.equal("COMPLETED", get(id).status)
  end)

  describe("with a key", function()
    local function assert_same(first, members, key, status)
      local answer = create(members, key)
      assert.are.equal(status or 201, answer.status, answer.body)
      assert.are.equal(first.id, answer.json.id)
      return answer.json
    end

    it("makes one, which repeats see as it is", function()
      local first = create({}, "key").json
      assert_same(first, {}, "key")
      service:advance(360)
      assert.are.equal("COMPLETED", assert_same(first, {}, "key").status)
      service:set { replay_ok = true }
      assert_same(first, {}, "key", 200)
      assert.are.equal(1, count())
      local requests = service:requests()
      assert.are.equal("key", requests[1].headers["idempotency-key"])
    end)

    it("compares JSON, not its text", function()
      local headers = { ["Idempotency-Key"] = "k" }
      local one = '{"model":"sync-3","input":[%s,%s],"options":'
        .. '{"temperature":0.5,"sync_mode":"loop"},"n":1}'
      local other = ' { "n" : 1.0, "input" : [ %s , %s ], '
        .. '"model":"sync\\u002d3",'
        .. '"options":{"sync_mode":"loop","temperature":5e-1}}'
      local video, audio = json.encode(VIDEO), json.encode(AUDIO)
      local function send(form, a, b)
        return ask("POST", "/v2/generate", form:format(a, b), headers)
      end
      local first = send(one, video, audio)
      assert.are.equal(201, first.status)
      assert.are.equal(first.body, send(other, video, audio).body)
      assert_error(409, "IDEMPOTENCY_KEY_CONFLICT", send(one, audio, video))
      assert_error(409, "IDEMPOTENCY_KEY_CONFLICT",
                   send((one:gsub('"n":1', '"n":"1"')), video, audio))
      assert_error(409, "IDEMPOTENCY_KEY_CONFLICT",
                   send((one:gsub(',"n":1', "")), video, audio))
      assert.are.equal(1, count())
    end)

    it("is another one for each key, case and organization", function()
      service:stop()
      start { keys = { a = "one", b = "one", c = "two" } }
      local seen, kinds = {}, 0
      for _, case in ipairs { { "a", "k" }, { "b", "k" }, { "a", "K" },
                              { "c", "k" }, { "a" }, { "a" } } do
        local id = create({}, case[2], { ["x-api-key"] = case[1] }).json.id
        kinds = kinds + (seen[id] and 0 or 1)
        seen[id] = true
      end
      assert.are.equal(5, kinds)
    end)

    it("is refused if that is malformed, empty or doubled", function()
      for _, key in ipairs { "", "a b", "a,b", "é", ("x"):rep(129),
                             "a\r\nIdempotency-Key: a" } do
        assert_error(400, "INVALID_IDEMPOTENCY_KEY", create({}, key))
      end
      assert.are.equal(0, count())
      assert.are.equal(201, create({}, ("~"):rep(128)).status)
    end)

    it("does not use it up if it is refused", function()
      assert_error(400, INVALID, create({ model = 1 }, "k"))
      assert_error(422, MODEL, create({ model = "x" }, "k"))
      service:set { concurrency_limit = 1 }
      local running = create({}, "other")
      assert_error(429, "concurrency_limit_reached", create({}, "k"))
      service:set { concurrency_limit = 0 }
      local first = create({}, "k")
      assert.are.equal(201, first.status)
      assert.are_not.equal(running.json.id, first.json.id)
      assert_same(first.json, {}, "k")
    end)

    it("forgets it after a day, or what is set", function()
      local first = create({}, "k").json
      service:advance(86399)
      assert_same(first, {}, "k")
      service:advance(1)
      assert.are_not.equal(first.id, create({}, "k").json.id)
      service:set { idempotency_seconds = 5 }
      service:advance(5)
      assert.are.equal(201, create({ model = "sync-3" }, "k").status)
      assert.are.equal(3, count())
    end)

    it("finds it deleted, or does what is set", function()
      local first = create({}, "k").json
      service:advance(360)
      ask("DELETE", "/v2/generations/" .. first.id)
      assert_error(404, "generation_not_found", create({}, "k"))
      assert_error(409, "IDEMPOTENCY_KEY_CONFLICT",
                   create({ model = "sync-3" }, "k"))
      service:set { replay_deleted = "answer" }
      assert.are.equal("PENDING", assert_same(first, {}, "k").status)
      assert.are.equal(0, count())
      service:set { replay_deleted = "create" }
      local second = create({}, "k").json
      assert.are_not.equal(first.id, second.id)
      assert_same(second, {}, "k")
    end)

    it("keeps it in the database", function()
      service:stop()
      local path = os.tmpname()
      os.remove(path)
      finally(function() os.remove(path) end)
      start { database = path }
      local first = create({}, "k").json
      service:stop()
      start { database = path }
      assert_same(first, {}, "k")
    end)

    it("makes one although the answer is lost", function()
      service:fault { route = "create", reset = true, perform = true }
      assert.is_nil(create({}, "k").status)
      service:fault { route = "create", cut = 20 }
      assert.are.equal(20, #create({}, "k").body)
      assert.are.equal(201, create({}, "k").status)
      assert.are.equal(1, count())
      assert.are.equal(3 + 1, #service:requests())
    end)

    it("has an unknown outcome, and tells the id or not", function()
      local fault = { route = "create", statusCode = 503, perform = true,
                      errorCode = "IDEMPOTENCY_OUTCOME_UNKNOWN",
                      retryAfter = 1, tellId = true }
      service:fault(fault)
      local told = assert_error(503, fault.errorCode, create({}, "k"))
      assert.are.equal("1", told.headers["retry-after"])
      assert_same({ id = told.json.generationId }, {}, "k")
      fault.tellId = false
      service:fault(fault)
      assert.is_nil(create({}, "k").json.generationId)
      fault.perform, fault.tellId = false, true
      service:fault(fault)
      assert.is_nil(create({}, "other").json.generationId)
      assert.are.equal(1, count())
    end)
  end)

  it("is in progress until its first request is settled", function()
    service:set { create_seconds = 60 }
    local sent = { headers = { ["x-api-key"] = service.key,
                               ["Idempotency-Key"] = "k" }, body = body(),
                   seconds = 0.3 }
    local answer
    repeat -- those that come first have no answer
      answer = http.request(service.base_url, "POST", "/v2/generate", sent)
    until answer.status
    assert_error(409, "IDEMPOTENCY_IN_PROGRESS", answer)
    assert.are.equal("2", answer.headers["retry-after"])
    assert_error(409, "IDEMPOTENCY_KEY_CONFLICT",
                 create({ model = "sync-3" }, "k"))
    service:set { create_seconds = 0 }
    local deadline = os.time() + 20
    repeat answer = create({}, "k")
    until answer.status ~= 409 or os.time() > deadline
    assert.are.equal(201, answer.status)
    assert.are.equal(1, count())
  end)

  it("is refused while as many run as may", function()
    service:stop()
    start { keys = { a = "one", b = "two" }, concurrency_limit = 2 }
    local first = create().json
    service:advance(10)
    create()
    local answer = assert_error(429, "concurrency_limit_reached", create())
    assert.are.equal(2, answer.json.activeGenerations)
    assert.are.equal(2, answer.json.concurrencyLimit)
    assert.are.equal(50, answer.json.retryAfterSeconds)
    assert.are.equal("50", answer.headers["retry-after"])
    assert.are.equal("2", answer.headers["x-sync-concurrency-limit"])
    assert.are.equal("2", answer.headers["x-sync-active-generations"])
    assert.are.equal(201, create({}, nil, { ["x-api-key"] = "b" }).status)
    service:advance(350)
    assert.are.equal("COMPLETED", get(first.id).status)
    assert.are.equal(201, create().status)
  end)
end)
