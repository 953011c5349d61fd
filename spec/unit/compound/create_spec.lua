-- SPDX-License-Identifier: MIT
-- Creating a generation: whatever the server and the connection do, all
-- requests of a call have the same key and the same bytes.

local lower = require "lipsync.base.text".lower
local core = require "lipsync.core"
local lipsync = require "lipsync"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local GENERATION = service.generation("g1", "PENDING")

describe("create", function()
  local here = service.fixture(after_each)
  local answer = service.answer

  local function request()
    return { model = "lipsync-2", outputFileName = "one",
      input = { { type = "video", url = "https://media.example/v.mp4" },
                { type = "audio", assetId = "a1", refId = "r" } } }
  end

  local created = answer(201, GENERATION)

  -- An answer of the service's with a code.
  local function says(status, code, more, headers)
    return answer(status, ('{"message":"Words.","statusCode":%d,"errorCode":'
      .. '"%s"%s}'):format(status, code, more or ""),
      headers or { ["Retry-After"] = "0" })
  end

  local cut = { { read = true }, { close = true } }

  -- Checks that `n` requests came, which do not differ. Returns the first.
  local function check_same(n)
    local seen = here.server:requests(n)
    assert.equal(n, #seen)
    for _, each in ipairs(seen) do
      assert.equal("POST", each.method)
      assert.equal(seen[1].body, each.body)
      assert.equal(seen[1].headers["idempotency-key"],
        each.headers["idempotency-key"])
    end
    return seen[1]
  end

  it("repeats one request, whatever happens to it", function()
    local whole = scripted.response(201, GENERATION, { Connection = "close" })
    local now = { ["Retry-After"] = "0" }
    local failures = { cut, { { read = true }, { reset = true } },
      { { read = true }, { send = whole:sub(1, 40) }, { close = true } },
      { { read = true }, { send = whole:sub(1, -2) }, { close = true } },
      answer(500, "", now), answer(502, "<html>", now), answer(504, "", now),
      answer(408, "", now), says(429, "rate_limit_exceeded"),
      says(503, "controller_unavailable"),
      says(503, "IDEMPOTENCY_OUTCOME_UNKNOWN") }
    local script = {}
    for i, failure in ipairs(failures) do
      script[2 * i - 1], script[2 * i] = failure, created
    end
    local generations = here.start(script)
    local keys = {}
    for i = 1, #failures do
      local generation = assert(generations:create(request()))
      assert.equal("PENDING", generation.status)
      local seen = here.server:requests(2 * i)
      assert.equal(2 * i, #seen)
      local first, second = seen[2 * i - 1], seen[2 * i]
      local key = first.headers["idempotency-key"]
      assert.matches("^%x+$", key)
      assert.equal(32, #key)
      assert.is_nil(keys[key])
      keys[key] = true
      assert.equal(key, second.headers["idempotency-key"])
      assert.equal(first.body, second.body)
      assert.equal("application/json", first.headers["content-type"])
      assert.equal('{"input":[{"type":"video","url":"https://media.example/'
        .. 'v.mp4"},{"assetId":"a1","refId":"r","type":"audio"}],"model":'
        .. '"lipsync-2","outputFileName":"one"}', first.body)
    end
  end)

  it("is sent again on a kept connection only by the client", function()
    local kept = { { read = true },
      { send = scripted.response(201, GENERATION) }, { read = true },
      { close = true } }
    local generations = here.start { kept, created, loop = true }
    assert(generations:create(request(), { idempotency_key = "a" }))
    assert(generations:create(request(), { idempotency_key = "b" }))
    local seen = here.server:requests(3)
    assert.equal(3, #seen)
    assert.equal(seen[1].connection, seen[2].connection)
    assert.equal("b", seen[2].headers["idempotency-key"])
    assert.equal("b", seen[3].headers["idempotency-key"])
    assert.equal(seen[2].body, seen[3].body)
  end)

  it("uses the given key, or another random one for each call", function()
    local longest = ("aZ0._~-"):rep(19):sub(1, 128)
    local generations = here.start { created, created, created }
    assert(generations:create(request(), { idempotency_key = longest }))
    assert(generations:create(request()))
    assert(generations:create(request()))
    local seen = here.server:requests(3)
    assert.equal(longest, seen[1].headers["idempotency-key"])
    assert.not_equal(seen[2].headers["idempotency-key"],
      seen[3].headers["idempotency-key"])
  end)

  it("returns what cannot be sent, before anything is", function()
    local generations = here.start {}
    local function fails(field, words, change, options)
      local own = request()
      if change then change(own) end
      local value, err = generations:create(own, options)
      assert.is_nil(value)
      assert.equal("invalid", err.kind)
      assert.equal(field, err.field)
      assert.equal("create generation: " .. words, tostring(err))
    end
    for _, key in ipairs { "", "a b", "ä", "a\n", ("k"):rep(129) } do
      fails("idempotency_key", "idempotency_key must be 1 to 128 of A-Z a-z "
        .. "0-9 . _ ~ -.", nil, { idempotency_key = key })
    end
    for _, url in ipairs { "data:video/mp4;base64,AA", "DATA:,x",
                           "file:///v.mp4" } do
      fails("input[2].url", ("input[2].url begins with %s:, which the service "
        .. "does not read."):format(lower(url:match "^%a+")), function(own)
          own.input[2] = { type = "audio", url = url }
        end)
    end
    for _, url in ipairs { "clip.mp4", "C:\\clip.mp4", "/tmp/a:b" } do
      fails("input[1].url", "input[1].url is no address that the service can "
        .. "read.", function(own) own.input[1].url = url end)
    end
    fails("options.prompt", "options.prompt: invalid UTF-8.", function(own)
      own.options = { prompt = "\255" }
    end)
    assert.equal(0, #here.server:connections())
  end)

  it("takes its defaults for options", function()
    local generations = here.start { created }
    assert(generations:create(request(), { queue = true, repeat_for = 600,
      upload = "multipart", on_unknown = "error" }))
  end)

  it("raises wrong requests with the caller's line", function()
    local generations = here.start {}
    local function raises(words, change, options)
      local own = request()
      change(own)
      local ok, raised = pcall(function()
        local value = generations:create(own, options)
        return value
      end)
      assert.is_false(ok)
      assert.matches("^[^:]*create_spec%.lua:%d+: ", raised)
      assert.matches(": " .. words, raised, 1, true)
    end
    local function item(first)
      return function(own) own.input[1] = first end
    end
    local either = "request.input[1] must have one of url, assetId and file"
    for _, medium in ipairs { "video", "audio", "image" } do
      raises(either, item { type = medium })
    end
    raises(either, item { type = "video", url = "https://a", assetId = "b" })
    raises(either, item { type = "new", url = "https://a", assetId = "b" })
    raises("request.input[1].type is missing", item { url = "https://a" })
    raises('unknown member "asset_id" of request.input[1], did you mean '
      .. '"assetId"?', item { type = "video", asset_id = "b" })
    raises("request.input is empty", function(own) own.input = {} end)
    raises("request.input must be an array without holes or names",
      function(own) own.input = { type = "video" } end)
    raises("request.model is an empty string",
      function(own) own.model = "" end)
    raises("request.extra must be a table", function(own) own.extra = 5 end)
    raises("request must be a table without a metatable",
      function(own) setmetatable(own, {}) end)
    raises("headers must not hold Idempotency-Key: pass idempotency_key",
      function() end, { headers = { ["idempotency-KEY"] = "x" } })
    raises('unknown option "idempotencyKey", did you mean "idempotency_key"?',
      function() end, { idempotencyKey = "x" })
    assert.equal(0, #here.server:connections())
  end)

  it("sends members that it does not know, and inputs without a medium",
     function()
    local generations = here.start { created }
    assert(generations:create { model = "m", extra = { newer = { 1 } },
      input = { { type = "text", provider = { voiceId = "v" } },
                { type = "hologram", extra = { depth = 0.5, file = false } } },
      segments = lipsync.array {} })
    assert.equal('{"input":[{"provider":{"voiceId":"v"},"type":"text"},'
      .. '{"depth":0.5,"file":false,"type":"hologram"}],"model":"m",'
      .. '"newer":[1],"segments":[]}', here.server:requests(1)[1].body)
  end)

  it("takes the input of a generation that exists", function()
    local generations = here.start { created }
    local old = assert(lipsync.generation('{"id":"g0","model":"m","input":'
      .. '[{"type":"video","url":"https://a"}],"options":{"temperature":1}}'))
    assert(generations:create { model = old.model, input = old.input,
                                options = old.options })
    assert.equal('{"input":[{"type":"video","url":"https://a"}],"model":"m",'
      .. '"options":{"temperature":1}}', here.server:requests(1)[1].body)
  end)

  it("ends at a refusal, which makes nothing unknown", function()
    local refusals = { says(400, "INVALID_IDEMPOTENCY_KEY"),
      says(402, "free_tier_generations_exhausted"),
      says(409, "IDEMPOTENCY_KEY_CONFLICT"),
      says(413, "generation_input_validation_failed"),
      says(422, "generation_input_video_inaccessible"),
      answer(403, "<html>Blocked", { ["Content-Type"] = "text/html" }) }
    local generations = here.start(refusals)
    for i = 1, #refusals do
      local generation, err = generations:create(request(),
        { idempotency_key = "k" .. i })
      assert.is_nil(generation)
      assert.equal("api", err.kind)
      assert.equal(1, err.attempts)
      assert.is_nil(err.outcomeUnknown)
      assert.is_nil(err.cause)
      assert.equal("k" .. i, err.idempotencyKey)
    end
    assert.equal(#refusals, #here.server:requests(#refusals))
  end)

  it("says what a conflict of keys means", function()
    local generations = here.start { says(409, "IDEMPOTENCY_KEY_CONFLICT") }
    local _, err = generations:create(request())
    assert.equal("create generation: 409 IDEMPOTENCY_KEY_CONFLICT: Words. "
      .. "This idempotency_key was used for another request before.",
      tostring(err))
  end)

  it("keeps an unknown outcome when a later attempt is refused", function()
    local generations = here.start { cut, answer(500, ""),
      says(422, "generation_input_video_inaccessible") }
    local generation, err = generations:create(request())
    assert.is_nil(generation)
    assert.is_true(err.outcomeUnknown)
    assert.equal("api", err.kind)
    assert.equal(500, err.statusCode)
    assert.equal(3, err.attempts)
    assert.equal(422, err.cause.statusCode)
    local key = check_same(3).headers["idempotency-key"]
    assert.equal(key, err.idempotencyKey)
    assert.matches("^create generation: 500 Internal Server Error %(.-%), and "
      .. "then: 422 generation_input_video_inaccessible: Words%. The "
      .. "generation may have been created; ", tostring(err))
  end)

  it("is not refused by a conflict after an unknown outcome", function()
    local generations = here.start { cut,
      says(409, "IDEMPOTENCY_KEY_CONFLICT") }
    local _, err = generations:create(request())
    assert.is_true(err.outcomeUnknown)
    assert.equal("connection", err.kind)
    assert.equal("IDEMPOTENCY_KEY_CONFLICT", err.cause.errorCode)
  end)

  it("waits while the first request under the key is in progress", function()
    local busy = says(409, "IDEMPOTENCY_IN_PROGRESS")
    local generations = here.start { busy, busy, busy, created, busy, created }
    assert(generations:create(request(), { max_attempts = 1 }))
    check_same(4)
    -- Which has nothing to do with the organization's other generations.
    assert(generations:create(request(), { max_attempts = 1, queue = false }))
  end)

  it("does not know what a request in progress will do", function()
    local generations = here.start { says(409, "IDEMPOTENCY_IN_PROGRESS", "",
      { ["Retry-After"] = "30" }) }
    local _, err = generations:create(request(), { timeout = 5 })
    assert.equal("IDEMPOTENCY_IN_PROGRESS", err.errorCode)
    assert.is_true(err.outcomeUnknown)
    assert.matches("may have been created", tostring(err), 1, true)
    check_same(1)
  end)

  it("gets the generation that an unknown outcome names", function()
    local generations = here.start { says(503, "IDEMPOTENCY_OUTCOME_UNKNOWN",
      ',"generationId":"g1"'), answer(200, GENERATION) }
    assert.equal("g1", assert(generations:create(request())).id)
    local seen = here.server:requests(2)
    assert.equal("/v2/generate/g1", seen[2].target)
    assert.equal("GET", seen[2].method)
  end)

  it("stays unknown if that one cannot be got", function()
    local generations = here.start { says(503, "IDEMPOTENCY_OUTCOME_UNKNOWN",
      ',"generationId":"g1"'), says(404, "generation_not_found") }
    local generation, err = generations:create(request())
    assert.is_nil(generation)
    assert.equal("IDEMPOTENCY_OUTCOME_UNKNOWN", err.errorCode)
    assert.is_true(err.outcomeUnknown)
    assert.equal("g1", err.details.generationId)
    assert.equal(404, err.cause.statusCode)
    assert.equal(2, #here.server:requests(2))
  end)

  it("takes 2xx without an id for an unknown outcome", function()
    local bodies = { "", "{}", "<html>", "[]", '{"id":5}' }
    local script = {}
    for i, body in ipairs(bodies) do script[i] = answer(201, body) end
    local generations = here.start(script)
    for i = 1, #bodies do
      local _, err = generations:create(request(), { idempotency_key = "k" })
      assert.equal("protocol", err.kind)
      assert.is_true(err.outcomeUnknown)
      assert.equal("k", err.idempotencyKey)
      assert.equal(i, #here.server:requests(i))
    end
  end)

  it("waits for the organization's other generations", function()
    local full = says(429, "concurrency_limit_reached",
      ',"activeGenerations":3,"concurrencyLimit":3,"retryAfterSeconds":0', {})
    local generations = here.start { full, full, created }
    assert(generations:create(request(), { max_attempts = 1 }))
    check_same(3)
  end)

  it("does not wait for them without a queue, or longer than it may",
     function()
    local full = says(429, "concurrency_limit_reached", "",
      { ["Retry-After"] = "0" })
    local long = says(429, "concurrency_limit_reached", "",
      { ["Retry-After"] = "30" })
    local generations = here.start { full, long }
    for i, options in ipairs { { queue = false }, { timeout = 5 } } do
      local _, err = generations:create(request(), options)
      assert.equal("concurrency_limit_reached", err.errorCode)
      assert.is_nil(err.outcomeUnknown)
      assert.matches("It can be created once another generation of the "
        .. "organization has ended.", tostring(err), 1, true)
      assert.equal(i, #here.server:requests(i))
    end
  end)

  it("is not repeated ten minutes after an unknown outcome", function()
    local time, shift = core.time, 0
    finally(function() core.time = time end)
    -- As after a sleep of the machine, while the clock of waits stood still.
    core.time = function() return time() + shift end
    local generations = here.start({ cut, says(429, "rate_limit_exceeded"),
      created }, { on_event = function(event)
        if event.statusCode == 429 then shift = 601 end
      end })
    local generation, err = generations:create(request())
    assert.is_nil(generation)
    assert.equal("connection", err.kind)
    assert.is_true(err.outcomeUnknown)
    assert.equal(429, err.cause.statusCode)
    check_same(2)
  end)

  it("is repeated for longer where each outcome is known", function()
    local time, shift = core.time, 0
    finally(function() core.time = time end)
    core.time = function() return time() + shift end
    local generations = here.start({ says(429, "rate_limit_exceeded"),
      says(429, "concurrency_limit_reached"), created },
      { on_event = function(event)
        if event.type == "response" then shift = shift + 601 end
      end })
    assert(generations:create(request()))
    check_same(3)
  end)

  it("tells its key in events", function()
    local keys, types = {}, {}
    local generations = here.start({ answer(500, ""), created },
      { on_event = function(event)
        keys[event.idempotencyKey or "none"] = true
        types[#types + 1] = event.type
      end })
    assert(generations:create(request(), { idempotency_key = "k" }))
    assert.same({ k = true }, keys)
    assert.same({ "request", "response", "retry", "request", "response" },
      types)
  end)

  it("does not know its outcome if it is given up", function()
    local generations = here.start { { { read = true }, { hold = true } } }
    local generation, err
    here.client:spawn(function()
      generation, err = generations:create(request())
    end)
    while #here.server:requests() == 0 do
      here.client:step()
      scripted.sleep(0.001)
    end
    here.client:close()
    assert.is_nil(generation)
    assert.equal("closed", err.kind)
    assert.is_true(err.outcomeUnknown)
    assert.equal(here.server:requests(1)[1].headers["idempotency-key"],
      err.idempotencyKey)
  end)

  it("is sent once more without Expect after 417", function()
    local own = request()
    own.extra = { text = ("x"):rep(2 * 1024 * 1024) }
    local refuse = scripted.response(417, "", { Connection = "close" })
    local generations = here.start { { { await = 0 }, { send = refuse } },
                                     created }
    assert(generations:create(own, { max_attempts = 1 }))
    local seen = here.server:requests(1)
    assert.is_nil(seen[1].headers.expect)
    assert.equal(2, #here.server:connections(2))
  end)

  it("ends at a second 417", function()
    local no = answer(417, "")
    local generations = here.start { no, no }
    local _, err = generations:create(request())
    assert.equal(417, err.statusCode)
    check_same(2)
  end)
end)
