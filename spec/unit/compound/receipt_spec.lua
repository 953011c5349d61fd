-- SPDX-License-Identifier: MIT
-- A create under a receipt: whatever came in between, one generation.

local core = require "lipsync.core"
local file = require "lipsync.file"
local http = require "lipsync.http"
local launch = require "spec.support.launch"
local lua51 = require "lipsync.host.lua51"
local receipts = require "spec.support.receipts"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"
local sleep = require "lipsync.call.sleep"

local GENERATION = service.generation("g1", "PENDING")

describe("create with a receipt", function()
  local here = service.fixture(after_each)
  local at = receipts.fixture(before_each, after_each)
  local request, note, rewrite = at.request, at.note, at.rewrite
  local answer = service.answer
  local created, cut = receipts.created, receipts.cut
  local says = receipts.says
  local function keys() return receipts.keys(here.server) end

  it("notes what was created, and fetches it from then on", function()
    local generations = here.start { created, answer(200,
      service.generation("g1", "COMPLETED")), answer(404, '{"message":"Words.",'
      .. '"statusCode":404,"errorCode":"generation_not_found"}') }
    local options = { receipt = at.path }
    assert.equal("PENDING", assert(generations:create(request(),
      options)).status)
    local own, bytes = note()
    assert.equal("created", own.state)
    assert.equal("g1", own.id)
    assert.equal(GENERATION, own.object)
    assert.is_nil(bytes:find(service.key, 1, true))
    assert.equal("COMPLETED", assert(generations:create(request(),
      options)).status)
    -- One that is gone is not made anew.
    local generation, err = generations:create(request(), options)
    assert.is_nil(generation)
    assert.equal(404, err.statusCode)
    assert.equal(('get generation of the receipt "%s", g1: 404 '
      .. "generation_not_found: Words. It was deleted before, or belongs to "
      .. "another organization."):format(at.path), tostring(err))
    local seen = keys()
    assert.equal(3, #seen)
    assert.equal(own.idempotency_key, seen[1])
    assert.equal("/v2/generate/g1", seen[2])
  end)

  it("keeps no lock when a hook raises", function()
    if lua51.is_limited() then return end
    local raises = true
    local generations = here.start({ created }, { on_event = function()
      if raises then error "mine" end
    end })
    collectgarbage "stop"
    local ok = pcall(generations.create, generations, request(),
      { receipt = at.path })
    raises = false
    local generation, err = generations:create(request(),
      { receipt = at.path, timeout = 5 })
    collectgarbage "restart"
    assert.is_false(ok)
    assert(generation, err)
  end)

  it("takes no refusal whose code was lost for one", function()
    local headers = { ["Content-Length"] = "99" }
    local generations = here.start { { { read = true },
      { send = scripted.response(409, "{", headers) }, { close = true } } }
    local _, err = generations:create(request(), { receipt = at.path,
                                                   max_attempts = 1 })
    assert.equal(409, err.statusCode)
    assert.equal("open", note().state)
  end)

  it("goes on with the same bytes after a run that was cut off", function()
    local generations = here.start { cut, created }
    local options = { receipt = at.path, max_attempts = 1 }
    local generation, err = generations:create(request(), options)
    assert.is_nil(generation)
    assert.is_true(err.outcomeUnknown)
    assert.equal("open", note().state)
    generation = assert(generations:create(request(), options))
    assert.equal("g1", generation.id)
    local seen = here.server:requests()
    assert.equal(2, #seen)
    assert.equal(seen[1].body, seen[2].body)
    assert.equal(seen[1].headers["idempotency-key"],
      seen[2].headers["idempotency-key"])
    assert.equal("created", note().state)
  end)

  it("tells one key from another", function()
    local generations = here.start { created }
    assert(generations:create(request(), { receipt = at.path }))
    local other = service.client(here.server.base_url, { api_key = "another" })
    local none, err = other.generations:create(request(), { receipt = at.path })
    other:close()
    assert.is_nil(none)
    assert.matches("is of another api_key or base_url", tostring(err))
    assert.equal(1, #here.server:requests())
  end)

  it("has a generation on one line", function()
    local known = service.generation("g1", "COMPLETED")
    local pretty = known:gsub(",", ",\n  ")
    local generations = here.start { answer(201, pretty), answer(200, pretty) }
    assert(generations:create(request(), { receipt = at.path }))
    assert.same({ "created", known }, { note().state, note().object })
    assert(generations:delete("g1", { receipt = at.path }))
    assert.same({ "done", known }, { note().state, note().object })
  end)

  it("tells that a refusal could not be noted", function()
    local generations, job = here.start { says(422, "input_invalid") }, file.job
    finally(function() file.job = job end)  -- luacheck: ignore
    file.job = function(plan)  -- luacheck: ignore
      if core.decode(plan.bytes).state ~= "refused" then return job(plan) end
      return { close = function() end, done = function()
        return nil, { code = "file_unwritten", path = at.path, os_error = 28 }
      end }
    end
    local none, err = generations:create(request(), { receipt = at.path })
    assert.is_nil(none)
    assert.equal(422, err.statusCode)
    assert.equal(28, err.cause.os_error)
  end)

  it("takes a refusal after such a run for no refusal", function()
    local generations = here.start { cut, says(422, "input_invalid"),
                                     created }
    local options = { receipt = at.path, max_attempts = 1 }
    assert.is_nil((generations:create(request(), options)))
    local generation, err = generations:create(request(), options)
    assert.is_nil(generation)
    assert.is_true(err.outcomeUnknown)
    assert.equal(422, err.cause.statusCode)
    assert.matches("^create generation: an earlier run did not get the "
      .. "response, and then: .*Words", tostring(err))
    assert.equal("open", note().state)
    assert(generations:create(request(), options))
    local seen = keys()
    assert.equal(seen[1], seen[3])
  end)

  it("lets another request follow a refusal, under another key", function()
    local generations = here.start { says(422, "input_invalid"), created }
    local options = { receipt = at.path }
    local _, err = generations:create(request(), options)
    assert.equal(422, err.statusCode)
    assert.is_nil(err.outcomeUnknown)
    assert.equal("refused", note().state)
    assert(generations:create(request { model = "lipsync-2-pro" }, options))
    local seen = keys()
    assert.not_equal(seen[1], seen[2])
  end)

  it("does not take a key that is known otherwise for a refusal", function()
    for _, case in ipairs { { 409, "IDEMPOTENCY_KEY_CONFLICT" },
                            { 404, "generation_not_found" } } do
      local generations = here.start { says(case[1], case[2]) }
      local _, err = generations:create(request(), { receipt = at.path })
      assert.equal(case[1], err.statusCode)
      assert.equal("open", note().state)
      here.stop()
      os.remove(at.path)
    end
  end)

  it("refuses what it is not of", function()
    local generations = here.start { cut }
    local options = { receipt = at.path, max_attempts = 1 }
    generations:create(request(), options)
    local _, err = generations:create(request { model = "other" }, options)
    assert.equal("invalid", err.kind)
    assert.equal("receipt", err.field)
    assert.matches('^create generation: the receipt ".*one.json" is of another '
      .. "request", tostring(err))
    rewrite { account = "other" }
    _, err = generations:create(request(), options)
    assert.matches("is of another api_key or base_url", tostring(err))
    local good = note()
    for _, wrong in ipairs { { version = 2 }, { state = "x" },
        { content = "no JSON" }, { files = "x" }, { files = { "x" } },
        { files = { { path = "p" } } }, { files = { { stamp = "s" } } },
        { idempotency_key = 1 }, { open_at = "x" }, { sent_at = "x" },
        { assets = 1 }, { state = "created", id = 1 },
        { state = "done", id = "g1" },
        { state = "done", id = "g1", object = "no JSON" },
        { state = "done", id = "g1", object = "{}", path = "p" } } do
      assert(file.replace(at.path, core.encode(good)))
      rewrite(wrong)
      _, err = generations:create(request(), options)
      assert.matches("is none, or one that another version has written",
        tostring(err))
    end
    assert.equal(1, #here.server:requests())
  end)

  -- ---- Files ----

  it("goes on with files that are as they were", function()
    local clip = at.folder .. "/clip.mp4"
    assert(file.replace(clip, "bytes"))
    local generations = here.start { cut, created }
    local options = { receipt = at.path, max_attempts = 1 }
    local with_file = { model = "lipsync-2", input = {
      { type = "video", file = clip },
      { type = "audio", url = "https://media.example/a.wav" } } }
    generations:create(with_file, options)
    assert(generations:create(with_file, options))
    local seen = here.server:requests()
    assert.equal(seen[1].body, seen[2].body)
    assert.equal(seen[1].headers["content-type"],
      seen[2].headers["content-type"])
    assert(file.replace(clip, "other"))
    local _, err = generations:create(with_file, options)
    assert.matches('is of another request: ".*clip.mp4" has changed since%.$',
      tostring(err))
  end)

  it("needs the file of what may not have been created", function()
    local clip = at.folder .. "/clip.mp4"
    local with_file = { model = "lipsync-2", input = {
      { type = "video", file = clip },
      { type = "audio", url = "https://media.example/a.wav" } } }
    local generations = here.start { cut }
    for _, state in ipairs { "open", "prepared", "refused" } do
      assert(file.replace(clip, "bytes"))
      if state == "open" then
        generations:create(with_file, { receipt = at.path, max_attempts = 1 })
      end
      rewrite { state = state }
      os.remove(clip)
      local _, err = generations:create(with_file, { receipt = at.path })
      assert.equal("file", err.kind)
      assert.equal(clip, err.path)
    end
    assert.equal(1, #here.server:requests())
  end)

  it("sends no file that was changed after it was looked at", function()
    local clip = at.folder .. "/clip.mp4"
    assert(file.replace(clip, "bytes"))
    local generations = here.start {}
    local body = http.body
    finally(function() http.body = body end)  -- luacheck: ignore
    http.body = function(...)  -- luacheck: ignore
      assert(file.replace(clip, "other bytes"))
      return body(...)
    end
    for _, way in ipairs { "multipart", "asset" } do
      local _, err = generations:create({ model = "lipsync-2", input = {
        { type = "audio", url = "https://media.example/a.wav" },
        { type = "video", file = clip } } },
        { receipt = at.folder .. "/" .. way, upload = way })
      assert.equal("invalid", err.kind)
      assert.matches("clip.mp4", tostring(err))
    end
    assert.equal(0, #here.server:requests())
  end)

  -- ---- Afterwards ----

  local has_emulator = pcall(require, "lipsync.emulator")

  local wanted = request { input = {
    { type = "video", url = "https://media.example/v.mp4" },
    { type = "audio", url = "https://media.example/a.wav" } } }

  -- A generation that was created with the receipt and has ended.
  local function ended()
    local generations = here.emulate { generations = 0 }
    local generation = assert(generations:create(wanted, { receipt = at.path }))
    here.server:advance(3600)
    return generations, assert(generations:get(generation))
  end

  -- How many requests the emulator has had since the last look.
  local seen
  local function asked()
    local count = #here.server:requests()
    local more = count - (seen or 0)
    seen = count
    return more
  end

  local it_emulates = has_emulator and it or pending

  it_emulates("needs no file of what was created, which may be gone", function()
    local clip = at.folder .. "/clip.mp4"
    local function with_file(name)
      return { model = "lipsync-2", outputFileName = name, input = {
        { type = "video", file = clip },
        { type = "audio", url = "https://media.example/a.wav" } } }
    end
    for _, way in ipairs { "multipart", "asset" } do
      assert(file.replace(clip, "bytes"))
      local generations = here.emulate { generations = 0 }
      local options = { receipt = at.folder .. "/" .. way, upload = way }
      local id = assert(generations:create(with_file "a", options)).id
      os.remove(clip)
      assert.equal(id, assert(generations:create(with_file "a", options)).id)
      local _, err = generations:create(with_file "b", options)
      assert.matches("is of another request%.$", tostring(err))
      here.server:advance(3600)
      assert(generations:delete(id, { receipt = options.receipt }))
      assert.equal(id, assert(generations:create(with_file "a", options)).id)
      here.stop()
    end
  end)

  it_emulates("is done after the download, and nothing is asked again",
    function()
      local generations, generation = ended()
      local options = { receipt = at.path, if_exists = "keep" }
      local target = at.folder .. "/one.mp4"
      local result = assert(generation:download(target, options))
      local own = note()
      assert.same({ "done", generation.id, target, result.bytes },
        { own.state, own.id, own.path, own.bytes })
      asked()
      local again = assert(generations:create(wanted, { receipt = at.path }))
      assert.equal(generation:json { compact = true }, again:json())
      assert.is_true(assert(again:wait()):is_terminal())
      local kept = assert(again:download(target, options))
      assert.same({ path = target, bytes = result.bytes, type = result.type,
                    existing = true, resumed = false }, kept)
      assert.equal(0, asked())
      -- Where the file is another one, the service is asked.
      assert(file.replace(target, "x"))
      local _, err = again:download(target, options)
      assert.matches("exists already, and has another length", tostring(err))
      assert.is_true(asked() > 0)
      assert(os.remove(target))
      assert.is_nil(assert(again:download(target, options)).existing)
      assert.is_true(asked() > 0)
    end)

  it_emulates("is done after the deletion", function()
    local generations, generation = ended()
    assert.equal("done", (function()
      assert(generation:delete { receipt = at.path })
      return note().state
    end)())
    asked()
    local again = assert(generations:create(wanted, { receipt = at.path }))
    assert.equal("COMPLETED", again.status)
    assert.equal(0, asked())
    local deleted, err, what, problem = again:delete { receipt = at.path }
    assert.equal(again, deleted)
    assert.is_nil(err)
    assert.equal("already_gone", what)
    assert.is_nil(problem)
    assert.equal(generation.id,
      generations:delete(generation.id, { receipt = at.path }).id)
    assert.equal(0, asked())
    -- Without it, what is gone is an error.
    assert.equal(404, select(2, again:delete()).statusCode)
  end)

  it_emulates("asks nothing if a whole job was done", function()
    local generations, generation = ended()
    local target, options = at.folder .. "/one.mp4", { receipt = at.path }
    local kept = { receipt = at.path, if_exists = "keep" }
    assert(generation:download(target, kept))
    -- Killed before it could note the deletion, it finds out.
    assert(generation:delete())
    assert.equal("already_gone", select(3, generation:delete(options)))
    assert.equal(target, note().path)
    asked()
    local again = assert(generations:create(wanted, options))
    assert(again:wait())
    assert.is_true(assert(again:download(target, kept)).existing)
    assert.equal("already_gone", select(3, again:delete(options)))
    assert.equal("already_gone", select(3, generations:delete_when_done(again,
      { receipt = at.path, download = target, if_exists = "keep" })))
    assert.equal(0, asked())
  end)

  it("keeps what was known of one whose deletion says nothing", function()
    local known = service.generation("g1", "COMPLETED")
    local gone = says(404, "generation_not_found")
    for _, how in ipairs { { answer(204, "") }, { cut, gone } } do
      for _, many in ipairs { false, true } do
        os.remove(at.path)
        local generations = here.start { answer(201, known), how[1], how[2] }
        assert(generations:create(request(), { receipt = at.path }))
        if many then
          assert(generations:delete_many({ "g1" }, { receipts = at.folder }))
        else
          assert(generations:delete("g1", { receipt = at.path }))
        end
        assert.equal("done", note().state)
        local again = assert(generations:create(request(),
          { receipt = at.path }))
        assert.equal(known, again:json())
        here.stop()
      end
    end
  end)

  it("takes only the service's word that one is gone", function()
    local generations = here.start { created, answer(404, "no route"),
      says(409, "generation_conflict"), says(404, "generation_not_found") }
    local options = { receipt = at.path }
    assert(generations:create(request(), options))
    rewrite { state = "done" }
    for _, status in ipairs { 404, 409 } do
      local deleted, err, what = generations:delete("g1", options)
      assert.is_nil(deleted)
      assert.is_nil(what)
      assert.equal(status, err.statusCode)
      assert.is_nil(note().deleted)
    end
    local deleted, err, what = generations:delete("g1", options)
    assert.equal("g1", deleted.id)
    assert.is_nil(err)
    assert.equal("already_gone", what)
    assert.is_true(note().deleted)
  end)

  it_emulates("is done after delete_when_done", function()
    for _, how in ipairs { { discard = true },
                           { download = at.folder .. "/two.mp4" } } do
      os.remove(at.path)
      local generations, generation = ended()
      how.receipt = at.path
      assert(generations:delete_when_done(generation.id, how))
      assert.equal("done", note().state)
      assert.equal(how.download, note().path)
      -- Run again, it finds that all was done.
      how.if_exists = how.download and "keep"
      local deleted, err, what, kept = generations:delete_when_done(
        generation.id, how)
      assert.equal(generation.id, assert(deleted, err).id)
      assert.equal("already_gone", what)
      assert.equal(how.download and true or nil, kept and kept.existing)
      here.stop()
    end
  end)

  -- ---- Many ----

  -- Two requests.
  local function two()
    return { wanted, request { outputFileName = "two", input = wanted.input } }
  end

  -- Creates both under receipts of the folder; the generations, and their ids.
  local function create_two(generations)
    local all, ids = {}, {}
    for index, generation, err in generations:create_many(two(),
        { receipts = at.folder }) do
      assert(generation, err)
      all[index], ids[index] = generation, generation.id
    end
    return all, ids
  end

  local function note_of(index)
    at.path = ("%s/%06d.json"):format(at.folder, index)
    return note()
  end

  it_emulates("of many is done after download_many and delete_many",
    function()
      local generations = here.emulate { generations = 0 }
      local out, options = launch.folder(), { receipts = at.folder }
      finally(function() launch.remove(out) end)
      local _, ids = create_two(generations)
      local other = here.server:add { status = "PENDING" }
      here.server:advance(3600)
      -- One that has no receipt is downloaded and deleted all the same.
      ids[3] = other
      assert.equal(3, assert(generations:download_many(ids, out, options))
        .downloaded)
      for index = 1, 2 do
        local own = note_of(index)
        assert.same({ "done", ids[index] }, { own.state, own.id })
        assert.equal(own.bytes, file.info(own.path).size)
      end
      assert.equal(3, assert(generations:delete_many(ids, options)).deleted)
      -- Run again, it asks only whether they are still there.
      asked()
      local again = create_two(generations)
      assert.equal("COMPLETED", again[2].status)
      assert.equal(2, assert(generations:download_many(again, out, {
        receipts = at.folder, dry_run = true })).existing)
      local files = {}
      assert.same({ downloaded = 0, existing = 2, skipped = 0, failed = 0,
        errors = {} }, assert(generations:download_many(again, out, {
          receipts = at.folder, on_result = function(_, _, result)
            files[#files + 1] = result.path
          end })))
      table.sort(files)
      local paths = { note_of(1).path, note_of(2).path }
      table.sort(paths)
      assert.same(paths, files)
      assert.equal(0, asked())
      local result = assert(generations:delete_many(again, options))
      assert.same({ 0, 2 }, { result.deleted, result.gone })
    end)

  it_emulates("of many is done after delete_many alone", function()
    local generations = here.emulate { generations = 0 }
    local all = create_two(generations)
    here.server:advance(3600)
    assert.equal(2, assert(generations:delete_many(all,
      { receipts = at.folder, dry_run = true })).failed)
    assert.equal("created", note_of(1).state)
    assert.equal(2, assert(generations:delete_many(all,
      { receipts = at.folder })).deleted)
    assert.same({ "done", "done" }, { note_of(1).state, note_of(2).state })
    asked()
    for _, generation in ipairs(create_two(generations)) do
      assert.equal("COMPLETED", generation.status)
      local _, err, what = generation:delete { receipt = at.path }
      assert.equal(generation.id == note().id and "already_gone" or nil, what)
      assert.equal(generation.id ~= note().id, err ~= nil)
    end
    assert.equal(0, asked())
  end)

  it_emulates("of many is done although another one is of the same",
    function()
      local generations, options = here.emulate { generations = 0 },
        { receipts = at.folder }
      local ids = {}
      for index = 1, 2 do
        ids[index] = assert(generations:create(wanted, {
          receipt = ("%s/%06d.json"):format(at.folder, index),
          idempotency_key = "k1" })).id
      end
      assert.equal(ids[1], ids[2])
      here.server:advance(3600)
      assert.equal(1, assert(generations:download_many(ids, at.folder,
        options)).downloaded)
      assert.same({ "done", "done" }, { note_of(1).state, note_of(2).state })
      for index = 1, 2 do
        note_of(index)
        rewrite { state = "created" }
      end
      assert.equal(1, assert(generations:delete_many(ids, options)).deleted)
      assert.same({ "done", "done" }, { note_of(1).state, note_of(2).state })
    end)

  it_emulates("of many that cannot be written is told, and nothing is lost",
    function()
      local generations = here.emulate { generations = 0 }
      local _, ids = create_two(generations)
      here.server:advance(3600)
      local job, heard = file.job, {}
      finally(function() file.job = job end)  -- luacheck: ignore
      file.job = function(plan)  -- luacheck: ignore
        if plan.to then return job(plan) end
        return { close = function() end, done = function()
          return nil, { code = "file_unwritten", path = plan.replace,
                        os_error = 28 }
        end }
      end
      local options = { receipts = at.folder,
        on_result = function(_, outcome, result, err)
          assert.is_not_nil(result)
          heard[#heard + 1] = outcome .. " " .. err.os_error
        end }
      local result = assert(generations:download_many(ids, at.folder, options))
      assert.same({ 2, 0, 2 },
        { result.downloaded, result.failed, #result.errors })
      result = assert(generations:delete_many(ids, options))
      assert.same({ 2, 0, 2 },
        { result.deleted, result.failed, #result.errors })
      assert.same({ "downloaded 28", "downloaded 28", "deleted 28",
                    "deleted 28" }, heard)
      assert.equal("created", note_of(1).state)
    end)

  it("of many is looked for in a folder", function()
    local generations = here.start {}
    local wrong = at.folder .. "/none"
    local none, err, so_far = generations:download_many({ "a" }, at.folder,
      { receipts = wrong })
    assert.is_nil(none)
    assert.equal("file", err.kind)
    assert.matches("/none\" is no folder", tostring(err))
    assert.equal(0, so_far.downloaded)
    none, err = generations:delete_many({ "a" }, { receipts = wrong })
    assert.is_nil(none)
    assert.matches("^delete generation: \".*/none\" is no folder",
      tostring(err))
    assert.equal(0, #here.server:requests())
    local ok, problem = pcall(generations.delete_many, generations, { "a" },
      { receipts = "" })
    assert.is_false(ok)
    assert.matches("receipts is an empty string", problem)
    ok, problem = pcall(here.client.assets.delete_many, here.client.assets,
      { "a" }, { receipts = at.folder })
    assert.is_false(ok)
    assert.matches("unknown", problem)
  end)

  it_emulates("of another generation is refused before anything is asked",
    function()
      local generations, generation = ended()
      local id = here.server:add { status = "PENDING" }
      asked()
      for _, wrong in ipairs { at.path, at.folder .. "/none.json" } do
        local _, err = generations:delete(id, { receipt = wrong })
        assert.equal("invalid", err.kind)
        assert.equal("receipt", err.field)
        _, err = generations:download(id, at.folder, { receipt = wrong })
        assert.equal("receipt", err.field)
      end
      assert.matches("does not exist", tostring(select(2,
        generation:delete { receipt = at.folder .. "/none.json" })))
      rewrite { account = "other" }
      assert.matches("is of another generation, api_key or base_url",
        tostring(select(2, generation:delete { receipt = at.path })))
      assert.equal(0, asked())
    end)

  it_emulates("gives the file, also if it cannot be written", function()
    local _, generation = ended()
    local other = assert(file.open(at.path .. ".lock", "edit"))
    assert.is_true(other:lock())
    local run = sleep.run
    finally(function() sleep.run = run end)
    function sleep.run(_, seconds, _, clock)
      clock:add(core.now(), core.now() + 100 + seconds)
      return true
    end
    local result, err, problem = generation:download(at.folder .. "/a.mp4",
      { receipt = at.path })
    assert.equal(at.folder .. "/a.mp4", result.path)
    assert.is_nil(err)
    assert.equal("file", problem.kind)
    assert.equal("created", note().state)
    local deleted, _, _, unnoted = generation:delete { receipt = at.path }
    other:close()
    assert.equal(generation.id, deleted.id)
    assert.equal("file", unnoted.kind)
  end)

  it("is checked for misuse", function()
    local generations = here.start {}
    for _, case in ipairs {
        { { receipt = 5 }, "receipt must be a string" },
        { { receipt = "" }, "receipt is an empty string" },
        { { receipt = at.path, on_unknown = "x" },
          "on_unknown must be one of error, create" } } do
      local ok, problem = pcall(generations.create, generations, request(),
        case[1])
      assert.is_false(ok)
      assert.matches(case[2], problem)
    end
  end)
end)
