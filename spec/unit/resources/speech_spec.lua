-- SPDX-License-Identifier: MIT
-- What the contract does not hold of speech, transcriptions and edits of
-- dialogues: keys, types of their own, and how they end at the emulator.

local lipsync = require "lipsync"
local service = require "spec.support.service"

local it_emulates = pcall(require, "lipsync.emulator") and it or pending

local text = { script = "Hello.", voiceId = "v1", provider = "elevenlabs" }

describe("speech", function()
  local here = service.fixture(after_each)

  local function start(script)
    here.start(script)
    return here.client.speech
  end

  local function keys(n)
    local found = {}
    for i, request in ipairs(here.server:requests(n)) do
      found[i] = request.headers["idempotency-key"]
    end
    return found
  end

  it("repeats a job under its key, and says which that was", function()
    local speech = start { { { read = true }, { close = true } },
      service.answer(202, '{"id":"j1","status":"PENDING"}') }
    assert.equal("j1", assert(speech:start(text)).id)
    local sent = keys(2)
    assert.equal(32, #sent[1])
    assert.equal(sent[1], sent[2])
  end)

  it("gives an object of its own type", function()
    local speech = start { service.answer(200,
      '{"id":"s1","url":"https://a.example/s.mp3","duration":1.5}') }
    assert.equal("Speech s1", tostring(assert(speech:create(text))))
  end)

  it("takes a key of the caller's, and gives it back with errors", function()
    local speech = start { service.answer(409,
      '{"errorCode":"IDEMPOTENCY_KEY_CONFLICT","message":"No.",'
        .. '"statusCode":409}') }
    local job, err = speech:start(text, { idempotency_key = "k.1" })
    assert.is_nil(job)
    assert.equal("k.1", err.idempotencyKey)
    assert.same({ "k.1" }, keys(1))
    assert.equal("start speech job: 409 IDEMPOTENCY_KEY_CONFLICT: No. This "
      .. "idempotency_key was used for another request before.", tostring(err))
  end)

  it("refuses keys that cannot be sent, and other ways to send one", function()
    local speech = start {}
    local job, err = speech:start(text, { idempotency_key = "a b" })
    assert.is_nil(job)
    assert.equal("idempotency_key", err.field)
    local ok, message = pcall(speech.start, speech, text,
      { headers = { ["idempotency-Key"] = "x" } })
    assert.is_false(ok)
    assert.match("pass idempotency_key", message)
    ok, message = pcall(speech.create, speech, text, { idempotency_key = "x" })
    assert.is_false(ok)
    assert.match('unknown option "idempotency_key"', message)
    assert.equal(0, #here.server:connections())
  end)

  it("never speaks twice what may have been spoken", function()
    for _, answer in ipairs { { { read = true }, { close = true } },
        service.answer(500, ""), service.answer(503, "") } do
      local speech = start { answer, service.answer(200, '{"id":"s1"}') }
      local spoken, err = speech:create(text, { max_attempts = 3 })
      assert.is_nil(spoken)
      assert.equal(1, err.attempts)
      assert.is_true(err.outcomeUnknown)
      assert.equal(1, #here.server:requests(1))
      here.stop()
    end
  end)

  it("has objects of two types", function()
    local speech = start { service.answer(200, '{"id":"s1","duration":0.5}'),
      service.answer(202, '{"id":"j1","status":"PENDING"}') }
    assert.equal("Speech s1", tostring(speech:create(text)))
    assert.equal("SpeechJob j1 PENDING", tostring(speech:start(text)))
  end)

  it_emulates("begins one job for each key, and waits for it", function()
    here.emulate { generations = 0, pending_seconds = 0,
                   processing_seconds = 0 }
    local speech = here.client.speech
    local job = assert(speech:start(text, { idempotency_key = "k" }))
    assert.equal(job.id, assert(speech:start(text,
      { idempotency_key = "k" })).id)
    local other, err = speech:start({ script = "Hullo.", voiceId = "v1",
      provider = "elevenlabs" }, { idempotency_key = "k" })
    assert.is_nil(other)
    assert.equal("IDEMPOTENCY_KEY_CONFLICT", err.errorCode)
    local done = assert(job:wait { timeout = 20 })
    assert.equal("SUCCESS", done.status)
    assert.is_true(done.duration > 0)
    assert.match("^http.*%.wav%?", done.url)
    assert.is_true(lipsync.time(done.finishedAt)
      >= lipsync.time(done.startedAt))
    assert.match("^http.*%.wav%?", assert(speech:create(text)).url)
  end)
end)

describe("transcriptions and edits", function()
  local here = service.fixture(after_each)

  it_emulates("of the same part of a source are the same job", function()
    here.emulate { generations = 0, pending_seconds = 0,
                   processing_seconds = 0 }
    local transcriptions = here.client.transcriptions
    local first = assert(transcriptions:create { sourceAudioUrl = "https://a/b",
                                                 startMs = 500 })
    assert.equal(first.id, assert(transcriptions:create {
      sourceAudioUrl = "https://a/b", startMs = 500 }).id)
    assert.are_not.equal(first.id, assert(transcriptions:create {
      sourceAudioUrl = "https://a/b" }).id)
    local done = assert(transcriptions:wait(first.id, { timeout = 20 }))
    assert.equal("COMPLETED", done.status)
    local word = done.transcript.segments[1].words[1]
    assert.equal("w1", word.id)
    assert.equal(500, word.startMs)
  end)

  it_emulates("fail where they should", function()
    here.emulate { generations = 0, pending_seconds = 0,
                   processing_seconds = 0 }
    here.server:fault { route = "transcribe", outcome = "FAILED" }
    local done = assert(assert(here.client.transcriptions:create {
      sourceVideoUrl = "https://a/b" }):wait { timeout = 20 })
    assert.equal("FAILED", done.status)
    assert.is_string(done.error)
  end)

  it_emulates("end in part where a word is not there", function()
    here.emulate { generations = 0, pending_seconds = 0,
                   processing_seconds = 0 }
    local edits = here.client.dialogue_edits
    local function ends(word)
      local edit = assert(edits:create { sourceVideoUrl = "https://a/b",
        transcript = { segments = { { words = { { id = "w1" } } } } },
        edits = { { kind = "change", wordId = "w1", replacement = "x" },
                  { kind = "remove", wordIds = { word } } } })
      edit = assert(edit:wait { timeout = 20 })
      assert.is_true(edit:is_terminal())
      return edit.status
    end
    assert.equal("COMPLETED", ends "w1")
    assert.equal("COMPLETED_PARTIAL", ends "w2")
  end)
end)
