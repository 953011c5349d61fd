-- SPDX-License-Identifier: MIT
local calls = require "lipsync.call"
local clock = require "spec.support.clock"
local core = require "lipsync.core"
local service = require "spec.support.service"

local it_emulates = pcall(require, "lipsync.emulator") and it or pending

describe("voices:clone", function()
  local here = service.fixture(after_each)
  local stop_clock = clock.fixture(after_each)
  local path

  after_each(function()
    if path then os.remove(path) end
    path = nil
  end)

  local function start(script)
    here.start(script)
    return here.client.voices
  end

  local function voice(id, name)
    return ('{"id":"%s","provider":"elevenlabs","name":"%s"}'):format(id, name)
  end

  local function list(...)
    return service.answer(200, "[" .. table.concat({ ... }, ",") .. "]")
  end

  local wanted = { name = "Me", provider = "elevenlabs", assetId = "a1" }

  -- The requests, by method and target.
  local function sent(n)
    local found = {}
    for i, request in ipairs(here.server:requests(n)) do
      found[i] = request.method .. " " .. request.target
    end
    return found
  end

  local looks = "GET /v2/voices?provider=elevenlabs"

  it("are compared by their ids, which some have in another place", function()
    local function of(json)
      local voices = start { service.answer(200, json),
                             service.answer(200, json) }
      local got, err = voices:get "V1"
      local deleted, problem = voices:delete "V1"
      here.stop()
      assert.equal(got ~= nil, deleted ~= nil)
      for _, each in ipairs { err, problem } do
        assert.equal("protocol", each.kind)
        assert.match("expected the voice V1, got", tostring(each))
      end
      return got ~= nil
    end
    assert.is_true(of(voice("v1", "Me")))
    assert.is_true(of '{"provider":"e","voiceId":"V1"}')
    assert.is_true(of '{"provider":"e","id":"5","voiceId":"V1"}')
    assert.is_true(of '{"provider":"e","name":"Says not which"}')
    assert.is_false(of(voice("v2", "Me")))
    assert.is_false(of '{"provider":"e","voiceId":"v2"}')
    assert.is_false(of '{"provider":"e","id":"5","voiceId":"v2"}')
  end)

  it("looks before it clones", function()
    local voices = start { list(), service.answer(201, voice("v1", "Me")) }
    assert.equal("Voice v1 Me", tostring(assert(voices:clone(wanted))))
    assert.same({ looks, "POST /v2/voices" }, sent(2))
    local request = here.server:requests(2)[2]
    assert.equal('{"assetId":"a1","name":"Me","provider":"elevenlabs"}',
      request.body)
    assert.equal("application/json", request.headers["content-type"])
  end)

  it("finds what a request has cloned whose answer was lost", function()
    local voices = start { list(voice("v0", "Me")),
      { { read = true }, { close = true } },
      list(voice("v0", "Me"), voice("v2", "Other")),
      list(voice("v0", "Me"), voice("v1", "Me")) }
    assert.equal("v1", assert(voices:clone(wanted)).id)
    assert.same({ looks, "POST /v2/voices", looks, looks }, sent(4))
  end)

  it("tells voices apart that have no id", function()
    local function of(rest)
      return '{"provider":"elevenlabs","name":"Me"' .. rest .. "}"
    end
    local x, y = of ',"voiceId":"x"', of ',"voiceId":"y"'
    local voices = start { list(x), service.answer(502, ""), list(x, y) }
    assert.equal("y", assert(voices:clone(wanted)).voiceId)
    here.stop()
    voices = start { list(x), service.answer(502, ""), list(of "", x) }
    assert.is_nil(assert(voices:clone(wanted)).voiceId)
  end)

  -- Looks for a voice that never comes: the error; the sleeps between the
  -- looks, which would be up to twice as long; the timeouts of the requests.
  local function look(options)
    local rests, random, made, timeouts = stop_clock(), core.random, calls.new,
      {}
    finally(function() core.random, calls.new = random, made end)
    core.random = function() return 0.5 end
    calls.new = function(client, spec, given, ...)
      timeouts[#timeouts + 1] = given.timeout
      return made(client, spec, given, ...)
    end
    local voices = start { pick = true,
      { when = "POST ", service.answer(502, "")[2] },
      { when = "GET ", list()[2] } }
    local cloned, err = voices:clone(wanted, options)
    assert.is_nil(cloned)
    assert.is_true(err.outcomeUnknown)
    return rests, timeouts
  end

  it("looks as often as a request may be repeated, ever later", function()
    local rests, timeouts = look()
    assert.same({ 0.125, 0.25, 0.5 }, rests)
    assert.same({ looks, "POST /v2/voices", looks, looks, looks, looks },
      sent(6))
    for i = 1, 6 do assert.equal(20, timeouts[i]) end
  end)

  it("looks for no longer than it may", function()
    local rests, timeouts = look { timeout = 0.375 }
    assert.same({ 0.125, 0.25 }, rests)
    assert.same({ 0.375, 0.375, 0.375, 0.25, 0.001 }, timeouts)
  end)

  it("says that it is not known, and clones no second time", function()
    local voices = start { list(voice("v0", "Me")), service.answer(502, ""),
      list(voice("v0", "Me")), service.answer(404, "{}") }
    local cloned, err = voices:clone(wanted, { max_attempts = 2 })
    assert.is_nil(cloned)
    assert.is_true(err.outcomeUnknown)
    assert.equal(502, err.statusCode)
    assert.match("The voice may have been cloned%.$", tostring(err))
    assert.same({ looks, "POST /v2/voices", looks, looks }, sent(4))
  end)

  it("takes a refusal for what it is", function()
    local voices = start { list(), service.answer(409,
      '{"errorCode":"voice_name_conflict","message":"No.","statusCode":409}') }
    local cloned, err = voices:clone(wanted)
    assert.is_nil(cloned)
    assert.equal("voice_name_conflict", err.errorCode)
    assert.is_nil(err.outcomeUnknown)
    assert.same({ looks, "POST /v2/voices" }, sent(2))
  end)

  it("clones nothing where it cannot look", function()
    local voices = start { service.answer(403, "{}") }
    local cloned, err = voices:clone(wanted)
    assert.is_nil(cloned)
    assert.equal(403, err.statusCode)
    assert.same({ looks }, sent(1))
  end)

  it("raises unless there is one sample", function()
    local voices = start {}
    for _, request in ipairs {
      { name = "Me", provider = "elevenlabs" },
      { name = "Me", provider = "elevenlabs", url = "u", assetId = "a" },
      { name = "Me", provider = "elevenlabs", file = "f", assetId = "a" },
    } do
      local ok, message = pcall(voices.clone, voices, request)
      assert.is_false(ok)
      assert.match("request must have one of file, assetId and url", message)
    end
    local ok, message = pcall(voices.clone, voices, { name = "Me" })
    assert.is_false(ok)
    assert.match("request%.provider is missing", message)
  end)

  local function sample(bytes)
    path = os.tmpname() .. ".wav"
    local file = assert(io.open(path, "wb"))
    file:write(("x"):rep(bytes))
    file:close()
    return path
  end

  it_emulates("uploads a file, and the voice can be deleted", function()
    here.emulate { generations = 0, voice_limit = 1 }
    local voices = here.client.voices
    local made = assert(voices:clone { name = "Me", provider = "elevenlabs",
                                       file = sample(300) })
    assert.equal("Me", assert(voices:get(made)).name)
    assert.equal(3, #assert(voices:list()))
    local refused = {}
    for i, name in ipairs { "ME", "Other" } do
      local other, err = voices:clone { name = name, provider = "elevenlabs",
                                        file = path }
      assert.is_nil(other)
      refused[i] = err.errorCode
    end
    assert.same({ "voice_name_conflict", "voice_clone_limit_reached" }, refused)
    assert.equal(made.id, assert(voices:delete(made)).id)
    assert.equal(404, select(2, voices:delete(made)).statusCode)
    assert.equal(2, #assert(voices:list()))
  end)

  it_emulates("is refused for a sample that will not do", function()
    here.emulate { generations = 0 }
    local function code(request)
      request.name, request.provider = "Me", "elevenlabs"
      local made, err = here.client.voices:clone(request)
      assert.is_nil(made)
      return err.errorCode
    end
    assert.equal("voice_sample_upload_required", code { url = "https://a/b" })
    assert.equal("asset_not_found",
      code { assetId = "6533643b-aceb-4c40-967e-d9ba9baac39e" })
    assert.equal("voice_sample_too_short", code { file = sample(10) })
    local image = here.server:add { kind = "asset", type = "IMAGE", size = 999 }
    assert.equal("voice_sample_type_unsupported", code { assetId = image })
    local long = here.server:add { kind = "asset", type = "AUDIO",
                                   size = 2 ^ 31 }
    assert.equal("voice_sample_source_too_large", code { assetId = long })
  end)
end)
