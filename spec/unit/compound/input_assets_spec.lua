-- SPDX-License-Identifier: MIT
-- Creating a generation from files that are uploaded as assets before.

local core = require "lipsync.core"
local launch = require "spec.support.launch"
local media = require "spec.support.media"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

describe('create with upload = "asset"', function()
  local here = service.fixture(after_each)
  local folder, clip, voice, receipt, storage

  before_each(function()
    folder = launch.folder()
    clip, voice = folder .. "/clip.mp4", folder .. "/voice.wav"
    receipt = folder .. "/receipt.json"
    launch.write(clip, "VIDEO")
    launch.write(voice, "AUDIO")
  end)

  after_each(function()
    if storage then storage:stop() end
    storage = nil
    launch.remove(folder)
  end)

  local function request()
    return { model = "lipsync-2", projectId = "p1", input = {
      { type = "video", file = clip },
      { type = "text", provider = { name = "elevenlabs", voiceId = "v",
                                    script = "Hello." } },
      { type = "audio", file = voice, refId = "r" } } }
  end

  local function address()
    return service.answer(201, ('{"uploadUrl":"%s/a?sig=0123456789",'
      .. '"expiresIn":60,"url":"https://cdn.example/a"}')
      :format(storage.base_url))
  end

  local function asset(id)
    return service.answer(201, ('{"id":"%s"}'):format(id))
  end

  local cut = { { read = true }, { close = true } }
  local created = service.answer(201, service.generation("g1", "PENDING"))

  -- `make` makes the script, once the storage is there.
  local function start(make)
    storage = storage or scripted.start { loop = true, service.answer(200, "") }
    return here.start(make())
  end

  -- "METHOD path" of each request.
  local function log(n)
    local lines = {}
    for i, each in ipairs(here.server:requests(n)) do
      lines[i] = each.method .. " " .. each.target
    end
    return table.concat(lines, " ")
  end

  local one_upload = "POST /v2/assets/upload POST /v2/assets"
  local body = '{"input":[{"assetId":"a1","type":"video"},{"provider":{"name":'
    .. '"elevenlabs","script":"Hello.","voiceId":"v"},"type":"text"},'
    .. '{"assetId":"a2","refId":"r","type":"audio"}],"model":"lipsync-2",'
    .. '"projectId":"p1"}'

  it("uploads the files, then sends their ids", function()
    local told = 0
    local generations = start(function()
      return { address(), asset "a1", address(), asset "a2", created }
    end)
    local generation = assert(generations:create(request(), {
      upload = "asset", on_progress = function(n) told = told + n end }))
    assert.equal("g1", generation.id)
    assert.equal(one_upload .. " " .. one_upload .. " POST /v2/generate",
      log(5))
    local seen = here.server:requests(5)
    assert.equal("VIDEO", core.decode(seen[2].body).type)
    assert.equal("p1", core.decode(seen[2].body).projectId)
    assert.equal("AUDIO", core.decode(seen[4].body).type)
    assert.equal(body, seen[5].body)
    assert.is_truthy(seen[5].headers["idempotency-key"])
    local stored = storage:requests(2)
    assert.equal("VIDEO", stored[1].body)
    assert.equal("AUDIO", stored[2].body)
    assert.is_true(told >= 10)
  end)

  it("repeats only the request, with the same bytes", function()
    local generations = start(function()
      return { address(), asset "a1", address(), asset "a2", cut, created }
    end)
    assert(generations:create(request(), { upload = "asset" }))
    local seen = here.server:requests(6)
    assert.equal(body, seen[5].body)
    assert.equal(body, seen[6].body)
    assert.equal(seen[5].headers["idempotency-key"],
      seen[6].headers["idempotency-key"])
  end)

  it("makes nothing if an upload fails", function()
    local generations = start(function()
      return { address(), asset "a1", service.answer(401, "{}") }
    end)
    local none, err = generations:create(request(), { upload = "asset" })
    assert.is_nil(none)
    assert.matches("^upload asset: 401", tostring(err))
    launch.write(voice, "")
    none, err = generations:create({ model = "m", input = {
      { type = "audio", file = voice } } }, { upload = "asset" })
    assert.is_nil(none)
    assert.equal("file", err.kind)
    assert.equal(3, #here.server:requests(3))
  end)

  it("uploads nothing where a file has no ending of a media type", function()
    start(function() return { created } end)
    clip = folder .. "/clip"
    launch.write(clip, "VIDEO")
    local none, err = here.client.generations:create(request(),
      { upload = "asset" })
    assert.is_nil(none)
    assert.equal("invalid", err.kind)
    assert.equal("input[1].file", err.field)
    assert.matches("^create generation: input%[1%]%.file has no ending by "
      .. "which its media type is known; upload it with", tostring(err))
    assert.equal(0, #here.server:requests())
  end)

  it("needs no upload without files", function()
    local generations = start(function() return { created } end)
    assert(generations:create({ model = "m", input = {
      { type = "video", assetId = "a9" } } }, { upload = "asset" }))
    assert.equal('{"input":[{"assetId":"a9","type":"video"}],"model":"m"}',
      here.server:requests(1)[1].body)
  end)

  it("raises for what is wrong with the call", function()
    local generations = start(function() return { created } end)
    for _, item in ipairs { { type = "text", file = clip },
        { type = "video", file = clip, url = "https://example.com/" } } do
      assert.has_error(function()
        generations:create({ model = "m", input = { item } },
          { upload = "asset" })
      end)
    end
    assert.has_error(function()
      generations:create(request(), { upload = "both" })
    end)
  end)

  describe("and a receipt", function()
    local generations

    local function create()
      return generations:create(request(), { upload = "asset",
        receipt = receipt, max_attempts = 1 })
    end

    local function note() return core.decode(media.read(receipt)) end

    -- A first run that gets as far as the second file, and what further ones
    -- are answered.
    local function begin(make)
      generations = start(function()
        local script = make()
        table.insert(script, 1, service.answer(401, "{}"))
        table.insert(script, 1, asset "a1")
        table.insert(script, 1, address())
        return script
      end)
      local none, err = create()
      assert.is_nil(none)
      assert.equal(401, err.statusCode)
      assert.equal("prepared", note().state)
      assert.same({ ["1"] = "a1" }, note().assets)
    end

    it("uploads nothing twice", function()
      begin(function()
        return { address(), asset "a2", created,
                 service.answer(200, service.generation("g1", "PENDING")) }
      end)
      assert(create())
      assert.same({ ["1"] = "a1", ["3"] = "a2" }, note().assets)
      assert.equal("g1", assert(create()).id)
      local seen = here.server:requests(7)
      assert.equal(one_upload .. " POST /v2/assets/upload " .. one_upload
        .. " POST /v2/generate GET /v2/generate/g1", log(7))
      assert.equal(body, seen[6].body)
    end)

    it("sends the same bytes after an unknown outcome", function()
      begin(function() return { address(), asset "a2", cut, created } end)
      local none, err = create()
      assert.is_nil(none)
      assert.is_true(err.outcomeUnknown)
      assert.equal("g1", assert(create()).id)
      local seen = here.server:requests(7)
      assert.equal(body, seen[6].body)
      assert.equal(body, seen[7].body)
      assert.equal(seen[6].headers["idempotency-key"],
        seen[7].headers["idempotency-key"])
    end)

    it("uploads all of it again if a file has changed", function()
      begin(function()
        return { address(), asset "a3", address(), asset "a4", created }
      end)
      launch.write(clip, "OTHER FILE")
      assert(create())
      assert.same({ ["1"] = "a3", ["3"] = "a4" }, note().assets)
      launch.write(clip, "YET ANOTHER ONE")
      local none, err = create()
      assert.is_nil(none)
      assert.matches("is of another request", tostring(err))
    end)
  end)

  local it_runs = pcall(require, "lipsync.emulator") and it or pending

  it_runs("makes a generation at the emulator", function()
    local generations = here.emulate()
    local generation = assert(generations:create({
      model = "lipsync-2", input = { { type = "video", file = clip },
                                     { type = "audio", file = voice } },
    }, { upload = "asset" }))
    local ids = {}
    for i, item in ipairs(generation.input) do
      ids[i] = assert(here.client.assets:get(item.assetId)).type
    end
    assert.same({ "VIDEO", "AUDIO" }, ids)
  end)
end)
