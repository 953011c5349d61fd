-- SPDX-License-Identifier: MIT
-- What each row of the table says of its own operation, spelt out once more as
-- the service's documentation has it: filters, members that must be there, when
-- objects have ended, what "not yet" is. What rows have in common:
-- spec/contract.

local api = require "lipsync.api"
local filter = require "lipsync.list.filter"
local service = require "spec.support.service"
local sleep = require "lipsync.call.sleep"

-- The row called "generations.list".
local function row_of(name)
  local resource, method = name:match "^(.-)%.(.*)$"
  return api[resource][method]
end

describe("a filter", function()
  for name, case in pairs {
    ["generations.list"] = { { status = "A", ids = "b", source = "c",
      projectId = "d" }, "status=A&ids=b&source=c&projectId=d" },
    ["generations.count"] = { { status = "A", ids = "b", source = "c",
      projectId = "d" }, "status=A&ids=b&source=c&projectId=d" },
    ["assets.list"] = { { projectId = "a", userId = "b", searchQuery = "c",
      sortBy = "d", types = "e,f" },
      "projectId=a&userId=b&searchQuery=c&sortBy=d&types=e,f" },
    ["projects.list"] = { { searchQuery = "a", sortBy = "b" },
      "searchQuery=a&sortBy=b" },
    ["voices.list"] = { { provider = "a" }, "provider=a" },
    ["usage.list"] = { { startTime = "a", endTime = "b" },
      "startTime=a&endTime=b" },
    ["webhooks.secret"] = { { masked = true }, "masked=true" },
    ["batches.list"] = { { status = "A", created_after = "b",
      created_before = "c" }, "status=A&created_after=b&created_before=c" },
  } do
    it("of " .. name .. " has all that is documented", function()
      local query = row_of(name).query
      local own = filter.read_plain(query, case[1])
      assert.equal("/p?" .. case[2], filter.target(query, "/p", own,
        { ids = own.ids }))
      local n = 0
      for _ in pairs(query.fields) do n = n + 1 end
      assert.equal(n, #query)
    end)
  end
end)

describe("a request", function()
  local medium = { { type = "video", url = "https://a" } }

  for name, least in pairs {
    ["generations.create"] = { model = "m", input = medium },
    ["generations.estimate"] = { model = "m", duration = 1.5 },
    ["assets.get_many"] = { ids = { "a" } },
    ["assets.create"] = { url = "https://a", type = "VIDEO" },
    ["assets.update"] = {}, ["projects.update"] = {},
    ["projects.create"] = { name = "n" },
    ["voices.clone"] = { name = "n", provider = "p" },
    ["speech.create"] = { script = "s", voiceId = "v" },
    ["speech.start"] = { script = "s", voiceId = "v" },
    ["transcriptions.create"] = {},
    ["dialogue_edits.create"] = { sourceVideoUrl = "https://a",
      transcript = { segments = {} }, edits = { { kind = "remove" } } },
  } do
    it("of " .. name .. " needs what is documented, and no more", function()
      local takes = row_of(name).takes
      assert.same(least, takes(least, "request"))
      for member in pairs(least) do
        local less = {}
        for each, value in pairs(least) do
          if each ~= member then less[each] = value end
        end
        local ok, problem = pcall(takes, less, "request")
        assert.is_false(ok)
        assert.matches(": request%." .. member .. " is missing$", problem)
      end
    end)
  end

  it("of a generation has media of a type each", function()
    local ok, problem = pcall(api.generations.create.takes, { model = "m",
      input = { { type = "video" }, { url = "https://a" } } }, "request")
    assert.is_false(ok)
    assert.matches("request%.input%[2%]%.type is missing$", problem)
  end)

  local here = service.fixture(after_each)

  -- Each is an object of the service's, which came from a call.
  it("takes an object where an id is wanted", function()
    here.start { service.answer(200, '{"id":"p1"}'),
                 service.answer(200, '{"id":"a1"}'),
                 service.answer(200, '{"id":"d1"}') }
    local client = here.client
    local project = assert(client.projects:get "p1")
    local asset = assert(client.assets:get "a1")
    local edit = assert(client.dialogue_edits:get "d1")
    for name, more in pairs { ["generations.create"] = { model = "m",
          input = medium }, ["assets.create"] = { url = "u", type = "VIDEO" },
        ["transcriptions.create"] = {}, ["dialogue_edits.create"] = {
          sourceVideoUrl = "u", transcript = {}, edits = { {} } } } do
      more.projectId = project
      assert.equal("p1", row_of(name).takes(more, "request").projectId, name)
      more.projectId = asset
      assert.is_false(pcall(row_of(name).takes, more, "request"), name)
    end
    assert.equal("p1", filter.read_plain(api.assets.list.query,
      { projectId = project }).projectId)
    assert.equal("a1", api.voices.clone.takes({ name = "n", provider = "p",
      assetId = asset }, "request").assetId)
    assert.equal("d1", api.dialogue_edits.create.takes({ sourceVideoUrl = "u",
      transcript = {}, edits = { {} }, rerunOfJobId = edit }, "request")
      .rerunOfJobId)
  end)
end)

describe("an object", function()
  local here = service.fixture(after_each)

  -- What a status means: whether its object has ended.
  local ends = {
    speech = { PENDING = false, PROCESSING = false, SUCCESS = true,
               FAILED = true, COMPLETED = false },
    transcriptions = { PENDING = false, COMPLETED = true, FAILED = true,
                       SUCCESS = false },
    dialogue_edits = { PENDING = false, COMPLETED = true,
                       COMPLETED_PARTIAL = true, FAILED = true },
    batches = { PENDING = false, JOBS_CREATED = false, PROCESSING = false,
                COMPLETED = true, FAILED = true },
    generations = { PENDING = false, PROCESSING = false, COMPLETED = true,
                    FAILED = true, REJECTED = true },
  }

  for name, statuses in pairs(ends) do
    it("of client." .. name .. " has ended in some statuses", function()
      local script, cases = {}, {}
      for status, is_end in pairs(statuses) do
        cases[#cases + 1] = { status, is_end }
        script[#cases] = service.answer(200, ('{"id":"a","status":"%s"}')
          :format(status))
      end
      here.start(script)
      for _, case in ipairs(cases) do
        local object = assert(here.client[name]:get "a")
        assert.equal(case[2], object:is_terminal(), case[1])
      end
    end)
  end

  local types = { speech = "SpeechJob a", transcriptions = "Transcription a",
    dialogue_edits = "DialogueEdit a", batches = "Batch a",
    generations = "Generation a", assets = "Asset a", projects = "Project a",
    voices = "Voice a" }

  for name, shown in pairs(types) do
    it("of client." .. name .. " says of what type it is", function()
      here.start { service.answer(200, '{"id":"a","provider":"p"}') }
      assert.equal(shown, tostring(here.client[name]:get "a"):sub(1, #shown))
    end)
  end

  it("of client.models and client.usage, too", function()
    here.start { service.answer(200, '[{"id":"a"}]'),
      service.answer(200, '{"items":[{"generationId":"g"}]}') }
    assert.equal("Model a", tostring(here.client.models:list()[1]):sub(1, 7))
    assert.matches("^Usage", tostring(here.client.usage:list():next()))
  end)

  -- The seconds between two looks, where the service does not say.
  for name, seconds in pairs { speech = 3, transcriptions = 3,
                               dialogue_edits = 3, batches = 5 } do
    it("of client." .. name .. " is looked at now and then", function()
      local run, pauses = sleep.run, {}
      finally(function() sleep.run = run end)
      function sleep.run(_, pause)
        pauses[#pauses + 1] = pause
        return true
      end
      here.start { service.answer(200, '{"id":"a","status":"PENDING"}'),
                   service.answer(200, '{"id":"a","status":"PENDING"}'),
                   service.answer(200, '{"id":"a","status":"FAILED"}') }
      assert(here.client[name]:wait "a")
      assert.equal(2, #pauses)
      for _, pause in ipairs(pauses) do
        assert.is_true(pause >= seconds and pause <= seconds * 1.25, pause)
      end
    end)
  end
end)

describe("what is not yet possible", function()
  local here = service.fixture(after_each)

  local calls = {
    generations = function(options)
      return here.client.generations:create({ model = "m", input = {
        { type = "video", url = "https://a" } } }, options)
    end,
    speech = function(options)
      return here.client.speech:start({ script = "s", voiceId = "v" }, options)
    end,
  }

  -- Asked again, although there is one attempt alone: it is none of those.
  for name, codes in pairs {
      generations = { concurrency_limit_reached = 429,
                      IDEMPOTENCY_IN_PROGRESS = 409 },
      speech = { IDEMPOTENCY_IN_PROGRESS = 409 } } do
    for code, status in pairs(codes) do
      it(("is asked for again: %s of client.%s"):format(code, name), function()
        here.start { service.answer(status, ('{"errorCode":"%s"}'):format(code),
          { ["Retry-After"] = "0" }),
          service.answer(201, '{"id":"a","status":"PENDING"}') }
        assert.equal("a", assert(calls[name] { max_attempts = 1 }).id)
      end)
    end
  end

  it("leaves open what an earlier request has done", function()
    for name, codes in pairs {
        generations = { IDEMPOTENCY_IN_PROGRESS = true,
                        IDEMPOTENCY_OUTCOME_UNKNOWN = true,
                        concurrency_limit_reached = false,
                        IDEMPOTENCY_KEY_CONFLICT = false },
        speech = { IDEMPOTENCY_IN_PROGRESS = true,
                   IDEMPOTENCY_KEY_CONFLICT = false } } do
      for code, is_open in pairs(codes) do
        here.start { service.answer(409, ('{"errorCode":"%s"}'):format(code),
          { ["Retry-After"] = "30" }) }
        local made, err = calls[name] { timeout = 5 }
        assert.is_nil(made)
        assert.equal(code, err.errorCode)
        assert.equal(is_open, err.outcomeUnknown or false, name .. code)
        here.stop()
      end
    end
  end)

  it("may have been done: then its id is the answer", function()
    here.start { service.answer(409, '{"errorCode":'
      .. '"IDEMPOTENCY_OUTCOME_UNKNOWN","generationId":"g9"}'),
      service.answer(200, '{"id":"g9","status":"PENDING"}') }
    assert.equal("g9", assert(calls.generations {}).id)
  end)
end)

describe("a listing", function()
  local here = service.fixture(after_each)

  -- What the first object of a listing is, where the service heeds no filter.
  for _, case in ipairs {
    { "generations", { ids = "A" }, '"id":"a"', true },
    { "generations", { ids = "A" }, '"id":"b"', false },
    { "generations", { status = "FAILED" }, '"id":"a","status":"FAILED"',
      true },
    { "generations", { status = "FAILED" }, '"id":"a","status":"failed"',
      false },
    { "generations", { status = "FAILED" }, '"id":"a"', false },
    { "generations", { projectId = "P" }, '"id":"a","projectId":"p"', true },
    { "generations", { projectId = "P" }, '"id":"a"', true },
    { "generations", { projectId = "P" }, '"id":"a","projectId":"q"', false },
    { "batches", { status = "FAILED" }, '"id":"a","status":"FAILED"', true },
    { "batches", { status = "FAILED" }, '"id":"a","status":"failed"', false },
    { "batches", { status = "FAILED" }, '"id":"a"', false },
  } do
    local resource, given, object, is_good = case[1], case[2], case[3], case[4]
    it(("of client.%s %s {%s} for %s"):format(resource, is_good and "takes"
        or "refuses", object, next(given)), function()
      here.start { service.answer(200, "[{" .. object .. "}]") }
      local found, err = here.client[resource]:list(given):next()
      assert.equal(is_good, found ~= nil)
      if not is_good then assert.equal("protocol", err.kind) end
    end)
  end

  it("of batches comes whole, and is counted here", function()
    here.start { service.answer(200, '[{"id":"a"},{"id":"b"},{"id":"c"}]') }
    local batches, n = here.client.batches:list { limit = 2 }, 0
    for _ in batches do n = n + 1 end
    assert.equal(2, n)
    assert.equal("/v2/batch", here.server:requests(1)[1].target)
  end)
end)
