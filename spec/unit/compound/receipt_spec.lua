-- SPDX-License-Identifier: MIT
-- A create under a receipt: whatever came in between, one generation.

local core = require "lipsync.core"
local file = require "lipsync.file"
local lua51 = require "lipsync.host.lua51"
local proc = require "spec.support.proc"
local receipt = require "lipsync.compound.receipt"
local scripted = require "spec.support.scripted"
local http = require "lipsync.http"
local service = require "spec.support.service"
local sleep = require "lipsync.call.sleep"

local GENERATION = service.generation("g1", "PENDING")
local WINDOW = receipt.window

describe("a receipt's step", function()
  local function note(state, more)
    local all = { version = 1, state = state, origin = "o", account = "a",
      content = "c", files = { { path = "p", stamp = "s" } },
      idempotency_key = "k", open_at = 1000, id = "g1" }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end
  local request = note "prepared"

  local function step(state, more, now)
    return receipt.decide(state and note(state, more), request, now or 1000,
      WINDOW)
  end

  it("sends where nothing can have been created", function()
    for _, more in ipairs { {}, { content = "other" }, { account = "b" } } do
      assert.equal("send", (step("prepared", more)))
      assert.equal("send", (step("refused", more)))
    end
    assert.equal("send", (step(nil)))
  end)

  it("fetches what was created", function()
    assert.equal("fetch", (step("created", nil, 1e9)))
  end)

  it("gives what is done", function()
    assert.equal("give", (step("done", nil, 1e9)))
  end)

  it("repeats what is open, as long as the key is good", function()
    assert.equal("repeat", (step("open", nil, 1000)))
    assert.equal("repeat", (step("open", nil, 1000 + WINDOW)))
    assert.equal("find", (step("open", nil, 1001 + WINDOW)))
    assert.equal("find", (step("open", nil, 999)))
  end)

  it("is none for anything else", function()
    for _, state in ipairs { "open", "created", "done" } do
      for _, case in ipairs { { { origin = "x" }, "is of another api_key or "
            .. "base_url" }, { { account = "x" }, "is of another api_key or "
            .. "base_url" }, { { content = "x" }, "is of another request" },
          { { files = {} }, "is of another request" },
          { { files = { { path = "p", stamp = "x" } } },
            "is of another request" } } do
        local got, problem = step(state, case[1])
        assert.is_nil(got)
        assert.equal(case[2], problem)
      end
    end
  end)
end)

describe("create with a receipt", function()
  local here = service.fixture(after_each)
  local answer = service.answer
  local folder, path

  before_each(function()
    folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir " .. folder)
    path = folder .. "/one.json"
  end)

  after_each(function()
    os.execute("rm -r " .. folder)
  end)

  local function request(more)
    local all = { model = "lipsync-2", outputFileName = "one",
      input = { { type = "video", url = "https://media.example/v.mp4" },
                { type = "audio", assetId = "a1" } } }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  local created = answer(201, GENERATION)
  local cut = { { read = true }, { close = true } }

  local function says(status, code)
    return answer(status, ('{"message":"Words.","statusCode":%d,"errorCode":'
      .. '"%s"}'):format(status, code), { ["Retry-After"] = "0" })
  end

  local function note()
    local opened = assert(file.open(path, "read"))
    local bytes = opened:read(opened:size())
    opened:close()
    return core.decode(bytes), bytes
  end

  -- Changes the receipt as it is on disk.
  local function rewrite(members)
    local own = note()
    for name, value in pairs(members) do own[name] = value end
    assert(file.replace(path, core.encode(own)))
  end

  local function keys()
    local all = {}
    for i, each in ipairs(here.server:requests()) do
      all[i] = each.headers["idempotency-key"] or each.target
    end
    return all
  end

  it("notes what was created, and fetches it from then on", function()
    local generations = here.start { created, answer(200,
      service.generation("g1", "COMPLETED")), answer(404, '{"message":"Words.",'
      .. '"statusCode":404,"errorCode":"generation_not_found"}') }
    local options = { receipt = path }
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
    local seen = keys()
    assert.equal(3, #seen)
    assert.equal(own.idempotency_key, seen[1])
    assert.equal("/v2/generate/g1", seen[2])
  end)

  it("is open before the last bytes are sent", function()
    local states = {}
    local generations = here.start { created }
    local job = file.job
    finally(function() file.job = job end)  -- luacheck: ignore
    file.job = function(plan)  -- luacheck: ignore
      states[#states + 1] = core.decode(plan.bytes).state
      states[#states + 1] = #here.server:requests()
      assert.is_true(plan.here)
      return job(plan)
    end
    assert(generations:create(request(), { receipt = path }))
    assert.same({ "prepared", 0, "open", 0, "created", 1 }, states)
  end)

  -- A disk that takes its time: each job ends after so many looks at it.
  -- Returns how many requests there were at each look, by the state it is for.
  local function slow_disk(looks)
    local job, seen = file.job, {}
    finally(function() file.job = job end)  -- luacheck: ignore
    file.job = function(plan)  -- luacheck: ignore
      local state = core.decode(plan.bytes).state
      local left = looks
      assert.is_false(plan.here)
      plan.here = true
      local real = job(plan)
      return {
        done = function()
          left = left - 1
          if left >= 0 then
            seen[state] = (seen[state] or 0) + #here.server:requests()
            return false
          end
          return real:done()
        end,
        stop = function()
          left = 0
          return real:stop()
        end,
        close = function() real:close() end,
      }
    end
    return seen
  end

  it("waits in a task for the disk, and sends nothing before", function()
    local generations = here.start { created }
    local seen = slow_disk(20)
    local task = here.client:spawn(function()
      return generations:create(request(), { receipt = path })
    end)
    here.client:run()
    assert.equal("g1", assert(task:wait()).id)
    assert.same({ prepared = 0, open = 0, created = 20 }, seen)
    assert.equal("created", note().state)
  end)

  it("is whole when its task is canceled", function()
    local generations = here.start { cut }
    slow_disk(math.huge)
    local task = here.client:spawn(function()
      return generations:create(request(), { receipt = path })
    end)
    for _ = 1, 3 do here.client:step() end
    task:cancel()
    here.client:run()
    local _, err = task:wait()
    assert.equal("canceled", err.kind)
    assert.equal(0, #here.server:requests())
    local other = assert(file.open(path .. ".lock", "edit"))
    assert.is_true(other:lock())
    other:close()
    assert.equal("prepared", note().state)
  end)

  it("says why it could not be written, without sending anything", function()
    local generations = here.start { created, created }
    local job, failing = file.job, "open"
    finally(function() file.job = job end)  -- luacheck: ignore
    file.job = function(plan)  -- luacheck: ignore
      if core.decode(plan.bytes).state ~= failing then return job(plan) end
      return { close = function() end, done = function()
        return nil, { code = "file_unwritten", path = path, os_error = 28 }
      end }
    end
    local generation, err = generations:create(request(), { receipt = path })
    assert.is_nil(generation)
    assert.equal("file", err.kind)
    assert.equal(28, err.os_error)
    assert.equal(0, #here.server:requests())
    -- One that was created is given all the same.
    failing = "created"
    os.remove(path)
    local problem
    generation, err, problem = generations:create(request(),
      { receipt = path })
    assert.equal("g1", generation.id)
    assert.is_nil(err)
    assert.equal("file", problem.kind)
    assert.equal("open", note().state)
  end)

  it("is open since the first request that was not refused", function()
    local full = says(429, "concurrency_limit_reached")
    local time, shift = core.time, 0
    finally(function() core.time = time end)
    core.time = function() return time() + shift end
    local generations = here.start({ full, cut, cut }, {
      on_event = function(event)
        if event.type == "request" then shift = 200 * event.attempt end
      end })
    local began = time()
    local _, err = generations:create(request(), { receipt = path,
                                                   max_attempts = 2 })
    assert.is_true(err.outcomeUnknown)
    local own = note()
    assert.is_true(own.open_at >= began + 400 and own.open_at < began + 590)
    assert.is_true(own.sent_at >= own.open_at + 199)
  end)

  it("keeps no lock when a hook raises", function()
    if lua51.is_limited() then return end
    local raises = true
    local generations = here.start({ created }, { on_event = function()
      if raises then error "mine" end
    end })
    collectgarbage "stop"
    local ok = pcall(generations.create, generations, request(),
      { receipt = path })
    raises = false
    local generation, err = generations:create(request(),
      { receipt = path, timeout = 5 })
    collectgarbage "restart"
    assert.is_false(ok)
    assert(generation, err)
  end)

  it("takes no refusal whose code was lost for one", function()
    local headers = { ["Content-Length"] = "99" }
    local generations = here.start { { { read = true },
      { send = scripted.response(409, "{", headers) }, { close = true } } }
    local _, err = generations:create(request(), { receipt = path,
                                                   max_attempts = 1 })
    assert.equal(409, err.statusCode)
    assert.equal("open", note().state)
  end)

  it("goes on with the same bytes after a run that was cut off", function()
    local generations = here.start { cut, created }
    local options = { receipt = path, max_attempts = 1 }
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

  it("takes a refusal after such a run for no refusal", function()
    local generations = here.start { cut, says(422, "input_invalid"),
                                     created }
    local options = { receipt = path, max_attempts = 1 }
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
    local options = { receipt = path }
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
      local _, err = generations:create(request(), { receipt = path })
      assert.equal(case[1], err.statusCode)
      assert.equal("open", note().state)
      here.stop()
      os.remove(path)
    end
  end)

  it("refuses what it is not of", function()
    local generations = here.start { cut }
    local options = { receipt = path, max_attempts = 1 }
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
      assert(file.replace(path, core.encode(good)))
      rewrite(wrong)
      _, err = generations:create(request(), options)
      assert.matches("is none: another file has this name", tostring(err))
    end
    assert.equal(1, #here.server:requests())
  end)

  it("says which folder is missing", function()
    local generations = here.start {}
    local _, err = generations:create(request(),
      { receipt = folder .. "/no/one.json" })
    assert.equal("file", err.kind)
    assert.matches("/no/one.json", tostring(err))
    assert.equal(0, #here.server:requests())
  end)

  -- ---- After the window ----

  local function iso(at) return os.date("!%Y-%m-%dT%H:%M:%SZ", at) end

  local function row(id, more)
    local all = { id = id, createdAt = iso(os.time() - 2000),
      status = "PENDING", model = "lipsync-2", outputFileName = "One.mp4",
      input = { { type = "video", url = "https://media.example/v.mp4" },
                { type = "audio", assetId = "a1" } } }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  -- Has a run be cut off 2,000 seconds ago, and another one begin with such
  -- rows at the service, the last of them too old; calls `between` before that.
  local function find(rows, options, between)
    rows[#rows + 1] = row("old", { createdAt = iso(os.time() - 9000) })
    local generations = here.start { cut, answer(200, core.encode(rows)),
                                     created }
    generations:create(request(), { receipt = path, max_attempts = 1 })
    rewrite { open_at = os.time() - 2000, sent_at = os.time() - 2000 }
    if between then between() end
    local all = { receipt = path }
    for name, value in pairs(options or {}) do all[name] = value end
    return generations:create(request(), all)
  end

  it("finds the only one that can be meant", function()
    local generation = assert(find {
      row("late", { createdAt = iso(os.time()) }),
      row("name", { outputFileName = "two" }), row("model", { model = "x" }),
      row("input", { input = core.array {} }), row "it" })
    assert.equal("it", generation.id)
    assert.equal("it", note().id)
    assert.equal(2, #here.server:requests())
  end)

  it("sends nothing where several or none can be meant", function()
    local generation, err = find { row "a", row "b" }
    assert.is_nil(generation)
    assert.is_true(err.outcomeUnknown)
    assert.equal(2, #err.candidates)
    assert.is_string(err.idempotencyKey)
    assert.matches("^create generation: the receipt .* is open since "
      .. "%d+%-%d%d%-%d%dT.*, and of the generations made then 2 can be the "
      .. "one%.", tostring(err))
    assert.equal("open", note().state)
    here.stop()
    os.remove(path)
    generation, err = find({})
    assert.is_nil(generation)
    assert.equal(0, #err.candidates)
    assert.equal(2, #here.server:requests())
  end)

  it("looks by the service's clock", function()
    local function shifted(seconds)
      local rows = {}
      for i, id in ipairs { "before", "it", "late" } do
        rows[4 - i] = row(id, { createdAt =
          iso(os.time() + 7200 + seconds[i]) })
      end
      local generations = here.start { cut, answer(200, core.encode(rows),
        { Date = service.date(os.time() + 7200) }) }
      generations:create(request(), { receipt = path, max_attempts = 1 })
      rewrite { open_at = os.time() - 2000, sent_at = os.time() - 1900 }
      return generations:create(request(), { receipt = path })
    end
    assert.equal("it", assert(shifted { -2200, -2000, -1000 }).id)
  end)

  it("finds what its last request has made", function()
    local generation = assert(find({
      row("it", { createdAt = iso(os.time() - 700) }) }, nil, function()
        rewrite { sent_at = os.time() - 1290 }
      end))
    assert.equal("it", generation.id)
  end)

  it("does not take what another receipt has", function()
    assert(file.replace(folder .. "/two.json", core.encode { version = 1,
      state = "created", id = "a", idempotency_key = "k", content = "{}",
      files = core.array {} }))
    assert(file.replace(folder .. "/three.txt", "no receipt"))
    assert.equal("b", assert(find { row "a", row "b" }).id)
  end)

  it("takes what it wrote itself when its process was killed", function()
    local generation = assert(find({ row "a" }, nil, function()
      local own = note()
      own.state, own.id = "created", "a"
      assert(file.replace(path .. ".new", core.encode(own)))
    end))
    assert.equal("a", generation.id)
  end)

  it("sends anew if that is wanted, under another key", function()
    assert(find({}, { on_unknown = "create" }))
    local seen = keys()
    assert.equal(3, #seen)
    assert.not_equal(seen[1], seen[3])
    assert.equal("created", note().state)
  end)

  it("repeats for as long as it is told", function()
    local generations = here.start { cut, created }
    generations:create(request(), { receipt = path, max_attempts = 1 })
    rewrite { open_at = os.time() - 2000 }
    assert(generations:create(request(), { receipt = path,
                                           repeat_for = 3000 }))
    local seen = keys()
    assert.equal(seen[1], seen[2])
  end)

  -- ---- Two at once ----

  it("waits for another one that has it", function()
    local generations = here.start { created }
    local other = assert(file.open(path .. ".lock", "edit"))
    assert.is_true(other:lock())
    local generation, err = generations:create(request(),
      { receipt = path, timeout = 0.05 })
    assert.is_nil(generation)
    assert.equal("file", err.kind)
    assert.equal(path, err.path)
    if proc.is_here then
      assert.matches("is being written by process %d+%.", tostring(err))
    end
    assert.equal(0, #here.server:requests())
    local client, done = generations.client, false
    client:spawn(function()
      done = assert(generations:create(request(), { receipt = path }))
    end)
    for _ = 1, 5 do client:step() end
    assert.is_false(done)
    other:close()
    client:run()
    assert.equal("g1", done.id)
  end)

  it("counts the wait for it in the timeout", function()
    local generations = here.start { created }
    local other = assert(file.open(path .. ".lock", "edit"))
    assert.is_true(other:lock())
    local run = sleep.run
    finally(function() sleep.run = run end)
    function sleep.run(_, _, _, clock)
      clock:add(core.now(), core.now() + 100)
      other:close()
      return true
    end
    local generation, err = generations:create(request(),
      { receipt = path, timeout = 60 })
    assert.is_nil(generation)
    assert.equal("timeout", err.kind)
    assert.is_true(err.seconds >= 100)
  end)

  it("is for its own user only", function()
    assert(here.start { created }:create(request(), { receipt = path }))
    local pipe = io.popen("ls -l " .. folder)
    assert.equal(2, select(2, pipe:read "*a":gsub("%-rw%-%-%-%-%-%-%-", "")))
    pipe:close()
  end)

  -- ---- Files ----

  it("goes on with files that are as they were", function()
    local clip = folder .. "/clip.mp4"
    assert(file.replace(clip, "bytes"))
    local generations = here.start { cut, created }
    local options = { receipt = path, max_attempts = 1 }
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
    assert.matches("is of another request", tostring(err))
  end)

  it("sends no file that was changed after it was looked at", function()
    local clip = folder .. "/clip.mp4"
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
        { receipt = folder .. "/" .. way, upload = way })
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
    local generation = assert(generations:create(wanted, { receipt = path }))
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

  it_emulates("is done after the download, and nothing is asked again",
    function()
      local generations, generation = ended()
      local options = { receipt = path, if_exists = "keep" }
      local target = folder .. "/one.mp4"
      local result = assert(generation:download(target, options))
      local own = note()
      assert.same({ "done", generation.id, target, result.bytes },
        { own.state, own.id, own.path, own.bytes })
      asked()
      local again = assert(generations:create(wanted, { receipt = path }))
      assert.equal(generation:json { compact = true }, again:json())
      assert.is_true(assert(again:wait()):is_terminal())
      local kept = assert(again:download(target, options))
      assert.same({ target, result.bytes, true, result.type },
        { kept.path, kept.bytes, kept.existing, kept.type })
      assert.equal(0, asked())
      -- Where the file is another one, the service is asked.
      assert(file.replace(target, "x"))
      local _, err = again:download(target, options)
      assert.equal("file_exists", err.code or "file_exists")
      assert.is_true(asked() > 0)
      assert(os.remove(target))
      assert.is_nil(assert(again:download(target, options)).existing)
      assert.is_true(asked() > 0)
    end)

  it_emulates("is done after the deletion", function()
    local generations, generation = ended()
    assert.equal("done", (function()
      assert(generation:delete { receipt = path })
      return note().state
    end)())
    asked()
    local again = assert(generations:create(wanted, { receipt = path }))
    assert.equal("COMPLETED", again.status)
    assert.equal(0, asked())
    local deleted, err, what, problem = again:delete { receipt = path }
    assert.equal(again, deleted)
    assert.is_nil(err)
    assert.equal("already_gone", what)
    assert.is_nil(problem)
    assert.equal(generation.id,
      generations:delete(generation.id, { receipt = path }).id)
    -- Without it, what is gone is an error.
    assert.equal(404, select(2, again:delete()).statusCode)
  end)

  it_emulates("is done after delete_when_done", function()
    for _, how in ipairs { { discard = true },
                           { download = folder .. "/two.mp4" } } do
      os.remove(path)
      local generations, generation = ended()
      how.receipt = path
      assert(generations:delete_when_done(generation.id, how))
      assert.equal("done", note().state)
      assert.equal(how.download, note().path)
      here.stop()
    end
  end)

  it_emulates("of another generation is refused before anything is asked",
    function()
      local generations, generation = ended()
      local id = here.server:add { status = "PENDING" }
      asked()
      for _, wrong in ipairs { path, folder .. "/none.json" } do
        local _, err = generations:delete(id, { receipt = wrong })
        assert.equal("invalid", err.kind)
        assert.equal("receipt", err.field)
        _, err = generations:download(id, folder, { receipt = wrong })
        assert.equal("receipt", err.field)
      end
      assert.matches("does not exist", tostring(select(2,
        generation:delete { receipt = folder .. "/none.json" })))
      rewrite { account = "other" }
      assert.matches("is of another generation, api_key or base_url",
        tostring(select(2, generation:delete { receipt = path })))
      assert.equal(0, asked())
    end)

  it_emulates("gives the file, also if it cannot be written", function()
    local _, generation = ended()
    local other = assert(file.open(path .. ".lock", "edit"))
    assert.is_true(other:lock())
    local run = sleep.run
    finally(function() sleep.run = run end)
    function sleep.run(_, seconds, _, clock)
      clock:add(core.now(), core.now() + 100 + seconds)
      return true
    end
    local result, err, problem = generation:download(folder .. "/a.mp4",
      { receipt = path })
    assert.equal(folder .. "/a.mp4", result.path)
    assert.is_nil(err)
    assert.equal("file", problem.kind)
    assert.equal("created", note().state)
    local deleted, _, _, unnoted = generation:delete { receipt = path }
    other:close()
    assert.equal(generation.id, deleted.id)
    assert.equal("file", unnoted.kind)
  end)

  it("is checked for misuse", function()
    local generations = here.start {}
    for _, case in ipairs {
        { { receipt = 5 }, "receipt must be a string" },
        { { receipt = path, on_unknown = "x" },
          "on_unknown must be one of error, create" } } do
      local ok, problem = pcall(generations.create, generations, request(),
        case[1])
      assert.is_false(ok)
      assert.matches(case[2], problem)
    end
  end)
end)
