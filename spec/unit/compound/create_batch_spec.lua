-- SPDX-License-Identifier: MIT
-- Creating a batch: what is checked before it is sent, and what is done when
-- nobody knows whether it was created.

local calls = require "lipsync.call"
local clock = require "spec.support.clock"
local core = require "lipsync.core"
local file = require "lipsync.file"
local lipsync = require "lipsync"
local media = require "spec.support.media"
local service = require "spec.support.service"

local unpack = table.unpack or unpack

local function request(url)
  return { model = "lipsync-2", input = {
    { type = "video", url = url or "https://media.example/v.mp4" },
    { type = "audio", url = "https://media.example/a.wav" } } }
end

local function requests(n)
  local all = {}
  for i = 1, n do all[i] = request(("https://media.example/%d"):format(i)) end
  return all
end

local function row(i, payload)
  return { request_id = "r" .. i, endpoint = "/v2/generate",
           payload = payload or request() }
end

local function batch(id, created_at, total, rest)
  return ('{"id":"%s","created_at":"%s","status":"PENDING","metrics":'
    .. '{"total_generations":%d}%s}'):format(id, created_at, total, rest or "")
end

local new = batch("b1", "2026-08-25T10:00:00Z", 20)

local SENT = os.time()

local function at(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", SENT + seconds)
end

describe("client.batches:create", function()
  local here = service.fixture(after_each)
  local path

  before_each(function() path = os.tmpname() end)

  after_each(function() os.remove(path) end)

  local function start(...)
    here.start { ... }
    return here.client.batches
  end

  local function body_of(n)
    return assert(core.decode(here.server:requests(n)[n].body))
  end

  it("sends an array of requests as rows", function()
    local batches = start(service.answer(201, new))
    local made = assert(batches:create(requests(20),
      { webhook_url = "https://example.com" }))
    assert.equal("Batch b1 PENDING", tostring(made))
    local seen = here.server:requests(1)[1]
    assert.equal("POST /v2/batch", seen.method .. " " .. seen.target)
    assert.equal("application/json", seen.headers["content-type"])
    assert.is_nil(seen.headers["idempotency-key"])
    local body = body_of(1)
    assert.equal("https://example.com", body.webhook_url)
    assert.is_nil(body.dry_run)
    assert.equal(20, #body.rows)
    assert.equal("7", body.rows[7].request_id)
    assert.equal("/v2/generate", body.rows[7].endpoint)
    assert.same(request "https://media.example/7", body.rows[7].payload)
  end)

  it("takes rows, and a function that returns them", function()
    local batches, n = start(service.answer(201, new)), 0
    assert(batches:create(function()
      n = n + 1
      if n > 21 then return nil end
      return n % 2 == 0 and request() or row(n)
    end))
    local body = body_of(1)
    assert.equal(21, #body.rows)
    assert.equal("r1", body.rows[1].request_id)
    assert.equal("2", body.rows[2].request_id)
  end)

  it("has the rows only checked", function()
    local batches = start(service.answer(200, '{"status":"VALIDATED"}'))
    local checked = assert(batches:create(requests(20), { dry_run = true }))
    assert.equal("VALIDATED", checked.status)
    assert.is_true(body_of(1).dry_run)
  end)

  it("takes as many rows as there may be", function()
    local batches = start(service.answer(201, new))
    assert(batches:create(requests(500)))
    local rows = body_of(1).rows
    assert.equal(500, #rows)
    assert.equal("500", rows[500].request_id)
  end)

  it("has ten minutes, and five for the response", function()
    local batches, made = start(service.answer(201, new)), calls.new
    finally(function() calls.new = made end)
    local spec
    calls.new = function(client, own, ...)
      spec = own
      return made(client, own, ...)
    end
    assert(batches:create(requests(20)))
    assert.same({ 600, 300 }, { spec.timeout, spec.answer_timeout })
  end)

  it("raises for what is wrong with a row, and names it", function()
    local batches = start()
    local function fails(words, rows, options)
      local ok, problem = pcall(batches.create, batches, rows, options)
      assert.is_false(ok)
      assert.is_truthy(tostring(problem):find(words, 1, true), problem)
      assert.is_truthy(tostring(problem):find("create_batch_spec", 1, true))
    end
    local function with(i, value)
      local all = requests(20)
      all[i] = value
      return all
    end
    fails("a batch has 20 to 500 rows, got 19", requests(19))
    fails("a batch has at most 500 rows", requests(501))
    fails("requests must be a table", 5)
    fails("requests is an empty string", "")
    fails("requests[3] must be a table, got number 5", with(3, 5))
    fails('requests[3].request_id is string "r1", as that of requests[1]',
      (function()
        local all = with(1, row(1))
        all[3] = row(1)
        return all
      end)())
    fails("requests[3].model is missing",
      with(3, { input = request().input }))
    fails('unknown member "modle" of requests[3], did you mean "model"?',
      with(3, { modle = "x" }))
    fails("requests[3].payload.model is missing",
      with(3, { request_id = "x", payload = {} }))
    fails("requests[3].payload is missing", with(3, { request_id = "x" }))
    fails("requests[3].request_id is missing",
      with(3, { payload = request() }))
    fails('requests[3].endpoint must be "/v2/generate", got string "/v2/tts"',
      with(3, { request_id = "x", endpoint = "/v2/tts", payload = request() }))
    fails('requests[4].request_id is string "4", as that of requests[3]',
      with(3, { request_id = "4", payload = request() }))
    fails("requests[3].input[1].file: a batch takes no files; upload it with "
      .. "client.assets:upload", with(3, { model = "m", input = {
        { type = "video", file = "a.mp4" } } }))
    fails("requests[3].payload.input[1].file: a batch takes no files",
      with(3, row(3, { model = "m", input = { { type = "video",
                                                file = "a.mp4" } } })))
    fails("requests[3].input[1] must have one of url, assetId and file",
      with(3, { model = "m", input = { { type = "video" } } }))
    fails('unknown option "webhookUrl", did you mean "webhook_url"?',
      requests(20), { webhookUrl = "x" })
    assert.equal(0, #here.server:requests(0))
  end)

  it("returns what is wrong where it may come from elsewhere", function()
    local batches, all = start(), requests(20)
    all[2] = request "file:///v.mp4"
    local none, err = batches:create(all)
    assert.is_nil(none)
    assert.equal("requests[2].input[1].url", err.field)
    assert.equal("create batch: requests[2].input[1].url begins with file:, "
      .. "which the service does not read.", tostring(err))
    all[2] = request()
    all[2].options = { note = ("x"):rep(5 * 2 ^ 20) }
    none, err = batches:create(all)
    assert.is_nil(none)
    assert.matches("at most 5 MB of rows, got 52%d+ bytes", err.message)
    assert.equal("requests", err.field)
    all[2].options = { note = "\255" }
    none, err = batches:create(all)
    assert.is_nil(none)
    assert.equal("invalid", err.kind)
  end)

  describe("of a file", function()
    local function write(...)
      media.write(path, table.concat({ ... }, "\n"))
    end

    local function lines(n)
      local all = {}
      for i = 1, n do all[i] = lipsync.encode(row(i)) end
      return table.concat(all, "\r\n") .. "\n\n"
    end

    it("sends it as it is, from disk", function()
      local batches, sent = start(service.answer(201, new)), {}
      write(lines(20) .. " ")
      assert(batches:create(path, { webhook_url = "https://example.com",
        on_progress = function(n, total) sent = { n, total } end }))
      local seen = here.server:requests(1)[1]
      local boundary = seen.headers["content-type"]:match
        "^multipart/form%-data; boundary=(lipsync%-%x+)$"
      local name = path:match "[^/]*$"
      assert.equal(("--%s\r\nContent-Disposition: form-data; name=\"input\"; "
        .. 'filename="%s"\r\nContent-Type: application/x-ndjson\r\n\r\n%s\r\n'
        .. '--%s\r\nContent-Disposition: form-data; name="webhook_url"\r\n\r\n'
        .. "https://example.com\r\n--%s--\r\n"):format(boundary, name,
          lines(20) .. " ", boundary, boundary), seen.body)
      assert.same({ #seen.body, #seen.body }, sent)
    end)

    it("has it only checked", function()
      local batches = start(service.answer(200, '{"status":"VALIDATED"}'))
      write(lines(20))
      assert(batches:create(path, { dry_run = true, webhook_url = "w" }))
      assert.matches('name="webhook_url"\r\n\r\nw\r\n.*name="dry_run"'
        .. "\r\n\r\ntrue\r\n", here.server:requests(1)[1].body)
    end)

    it("sends one of 500 rows, whose lines are long", function()
      local batches, all = start(service.answer(201, new)), {}
      for i = 1, 500 do
        local payload = request()
        payload.options = { note = ("x"):rep(1000 + i) }
        all[i] = lipsync.encode(row(i, payload))
      end
      write(unpack(all))
      assert(batches:create(path))
      assert.is_truthy(here.server:requests(1)[1].body:find(all[500], 1, true))
    end)

    it("sends one of 5 MB, and none that is longer", function()
      local batches = start { { await = 100 }, { reset = true } }
      local text = lines(20)
      write(text .. (" "):rep(5 * 1024 * 1024 - #text))
      assert.equal("connection", select(2, batches:create(path)).kind)
      write(text .. (" "):rep(5 * 1024 * 1024 + 1 - #text))
      local none, err = batches:create(path)
      assert.is_nil(none)
      assert.equal("requests", err.field)
      assert.matches("a batch has at most 5 MB of rows, got 5242881 bytes%.$",
        tostring(err))
      assert.equal(1, #here.server:connections(1))
    end)

    it("sends nothing of one that cannot be read", function()
      local batches, open = start(), file.open
      write(lines(20))
      finally(function() file.open = open end)  -- luacheck: ignore
      file.open = function()  -- luacheck: ignore
        return { size = function() return 10 end, close = function() end,
          read = function()
            return nil, { code = "file_unread", path = path, os_error = 5 }
          end }
      end
      local none, err = batches:create(path)
      assert.is_nil(none)
      assert.same({ "file", 5, path }, { err.kind, err.os_error, err.path })
      assert.matches("^create batch: ", tostring(err))
    end)

    it("names the line that is wrong", function()
      local batches = start()
      local function fails(words)
        local none, err = batches:create(path)
        assert.is_nil(none)
        assert.is_truthy(tostring(err):find(words, 1, true), tostring(err))
        return err
      end
      for text, words in pairs {
        ["{"] = "line 22 is not JSON", ["5"] = "line 22 must be a table",
        [lipsync.encode(row(3))] =
          'line 22.request_id is string "r3", as that of line 3',
        [lipsync.encode(row(30, {}))] = "line 22.payload.model is missing",
        [lipsync.encode(row(30, request "data:x"))] =
          "line 22.payload.input[1].url begins with data:",
        [lipsync.encode(request())] = 'unknown member "',
      } do
        write(lines(20) .. text)
        local err = fails(words)
        assert.matches('^create batch: "/', tostring(err))
        assert.equal("requests", err.field)
      end
      write("\n" .. lines(20) .. "{")
      fails "line 23 is not JSON"
      write(lines(19))
      fails "a batch has 20 to 500 rows, got 19"
      write(lines(501))
      fails "a batch has at most 500 rows"
      write(lines(20) .. (" "):rep(5 * 2 ^ 20))
      fails "a batch has at most 5 MB of rows"
      write("")
      fails "got 0"
      os.remove(path)
      assert.equal("file", fails("there is no file").kind)
      for _, name in ipairs { "a\0b", "\0a", "a\255" } do
        local none, err = batches:create(name)
        assert.is_nil(none)
        assert.same({ "invalid", "requests" }, { err.kind, err.field })
        assert.equal("create batch: the path is no text.", tostring(err))
      end
      assert.equal(0, #here.server:requests(0))
    end)

    it("never completes one that has changed", function()
      local batches = start({ { await = 100 }, { hold = true } })
      write(lines(20))
      local none, err = batches:create(path, {
        headers = { ["X-Long"] = "1" }, timeout = 5,
        on_progress = function() media.write(path, lines(20) .. " ") end })
      assert.is_nil(none)
      assert.is_nil(err.outcomeUnknown)
    end)
  end)

  -- ---- An outcome that is unknown ----

  -- A list of these, with the service's clock so many seconds ahead.
  local function list(ahead, ...)
    return service.answer(200, "[" .. table.concat({ ... }, ",") .. "]",
      { Date = ahead and service.date(SENT + ahead)
        or nil })
  end

  local lost = { { read = true }, { reset = true } }

  it("is never repeated, and its batch is looked for once", function()
    local fine = batch("b9", at(3605), 20)
    for _, first in ipairs { lost, service.answer(502, "oops"),
        service.answer(503, "{}"), service.answer(524, "late"),
        service.answer(200, "{}") } do
      local batches = start(first, list(3600, fine,
        batch("b8", at(3605), 21), batch("b7", at(-9), 20)))
      local found, err, note = batches:create(requests(20))
      assert.is_nil(err)
      assert.same({ "b9", "found" }, { found.id, note })
      local seen = here.server:requests(2)
      assert.equal("POST", seen[1].method)
      assert.matches("^/v2/batch%?created_after=%d%d%d%d%-%d%d%-%d%dT",
        seen[2].target)
      here.stop()
    end
  end)

  it("is left to the caller where no batch, or several, can be it", function()
    local fine = batch("b9", at(5), 20)
    for candidates, answer in pairs {
      [""] = list(0), ["b9 b8"] = list(0, fine, batch("b8", at(9), 20)),
      ["b9"] = list(false, fine),
    } do
      local batches = start(lost, answer)
      local none, err = batches:create(requests(20))
      assert.is_nil(none)
      assert.is_true(err.outcomeUnknown)
      local ids = {}
      for i, each in ipairs(err.candidates) do ids[i] = each.id end
      assert.equal(candidates, table.concat(ids, " "))
      assert.matches("The batch may have been created; client.batches:list "
        .. '{ created_after = "%d+%-%d+%-%d+T[%d:]+Z" } shows it%.',
        tostring(err))
      here.stop()
    end
    local batches = start(lost, service.answer(400, "{}"))
    local _, err = batches:create(requests(20))
    assert.is_true(err.outcomeUnknown)
    assert.equal(400, err.cause.statusCode)
  end)

  it("is not taken for one of another webhook, or an earlier one", function()
    local batches = start(service.answer(201, batch("b8", at(0), 20)), lost,
      list(0, batch("b8", at(5), 20),
        batch("b7", at(5), 20, ',"webhookUrl":"https://other.example"'),
        batch("b6", at(5), 20, ',"webhookUrl":"https://a.example"')))
    assert(batches:create(requests(20)))
    local found = assert(batches:create(requests(20),
      { webhook_url = "https://a.example" }))
    assert.equal("b6", found.id)
  end)

  -- Stops the clock that tells what time it is.
  local function stop_time()
    local time = core.time
    finally(function() core.time = time end)
    core.time = function() return SENT end
  end

  it("is looked for among those of a day", function()
    stop_time()
    local day = 24 * 3600
    local batches = start(lost, list(false, batch("b9", at(-day), 20),
      batch("b8", at(-day - 1), 20), batch("b7", "yesterday", 20),
      batch("b6", at(0), 19), '{"id":"b5","created_at":"' .. at(0) .. '"}',
      '{"id":"b4","created_at":"' .. at(0) .. '","metrics":5}'))
    local none, err = batches:create(requests(20))
    assert.is_nil(none)
    assert.same({ 1, "b9" }, { #err.candidates, err.candidates[1].id })
    assert.equal("/v2/batch?created_after=" .. at(-day):gsub(":", "%%3A"),
      here.server:requests(2)[2].target)
    assert.matches('client.batches:list { created_after = "' .. at(0) .. '" }',
      tostring(err), 1, true)
  end)

  it("is looked for from two seconds before, where the clock is known",
    function()
      stop_time()
      for seconds, candidates in pairs { [-2] = 1, [-3] = 0 } do
        local batches = start(lost, list(100, batch("b9", at(100 + seconds),
          20)))
        local found, err = batches:create(requests(20))
        assert.equal(candidates, found and 1 or #err.candidates)
        here.stop()
      end
    end)

  it("may not say its webhook, or have one that was not asked for", function()
    local url = ',"webhookUrl":"https://a.example"'
    for rest, wanted in pairs { [""] = "https://a.example", [url] = false } do
      local batches = start(lost, list(0, batch("b9", at(5), 20, rest)))
      local found = assert(batches:create(requests(20),
        { webhook_url = wanted or nil }))
      assert.equal("b9", found.id)
      here.stop()
    end
  end)

  it("is looked for where nothing else may be created any more", function()
    local fine = list(0, batch("b9", at(5), 20))
    local busy = service.answer(429, '{"statusCode":429,"errorCode":'
      .. '"concurrency_limit_reached","message":"Busy."}',
      { ["Retry-After"] = "0" })
    local batches = start(busy, service.answer(400, "{}"),
      lost,  -- a dry run
      lost, fine, lost, list(0), lost, list(0, batch("b8", at(5), 20)))
    assert.is_nil((batches:create(requests(20))))
    local none, err = batches:create(requests(20), { dry_run = true,
                                                     max_attempts = 1 })
    assert.is_nil(none)
    assert.is_nil(err.candidates)
    assert.equal("b9", assert(batches:create(requests(20))).id)
    -- One that was not found may yet be created.
    none, err = batches:create(requests(20))
    assert.is_nil(none)
    assert.equal(0, #err.candidates)
    none, err = batches:create(requests(20))
    assert.is_nil(none)
    assert.equal("b8", err.candidates[1].id)
    assert.equal(9, #here.server:requests(9))
  end)

  it("is remembered for no longer than it is looked for", function()
    local batches = start(service.answer(201, batch("b1", at(0), 20)),
      service.answer(201, batch("b2", at(0), 20)),
      service.answer(201, batch("b3", at(0), 20)))
    local time, now = core.time, nil
    finally(function() core.time = time end)
    core.time = function() return now end
    local known = {}
    for i, seconds in ipairs { 0, 24 * 3600, 24 * 3600 + 1 } do
      now = SENT + seconds
      assert(batches:create(requests(20)))
      local ids = {}
      for id in pairs(batches._made) do ids[#ids + 1] = id end
      table.sort(ids)
      known[i] = table.concat(ids, " ")
    end
    assert.same({ "b1", "b1 b2", "b2 b3" }, known)
  end)

  it("is not taken for one that this client is about to create", function()
    local batches = start(lost, { { read = true }, { hold = true } },
      list(0, batch("b9", at(5), 20)))
    local client, found, err = here.client, nil, nil
    local tasks = {}
    for i = 1, 2 do
      tasks[i] = client:spawn(function()
        local made, problem = batches:create(requests(20))
        found, err = found or made, err or problem
        for _, other in ipairs(tasks) do other:cancel() end
      end)
    end
    client:run()
    assert.is_nil(found)
    assert.is_true(err.outcomeUnknown)
    assert.equal("b9", err.candidates[1].id)
  end)

  it("is no longer about to be created where something was raised", function()
    local batches = start()
    local function nothing_waits() batches:create(requests(20)) end
    here.client:spawn(function()
      pcall(table.sort, { 2, 1 }, nothing_waits)
    end)
    here.client:run()
    assert.equal(0, #here.server:requests())
    assert.equal(0, batches._open)
  end)

  it("is not looked for where the service has refused it", function()
    for _, status in ipairs { 400, 402, 501 } do
      local batches = start(service.answer(status, "{}"))
      local none, err = batches:create(requests(20))
      assert.is_nil(none)
      assert.equal(status, err.statusCode)
      assert.is_nil(err.outcomeUnknown)
      here.stop()
    end
  end)

  it("waits while the organization has too much under way", function()
    local busy = service.answer(429, '{"statusCode":429,"errorCode":'
      .. '"concurrency_limit_reached","message":"Busy."}',
      { ["Retry-After"] = "0" })
    local batches = start(busy, busy, service.answer(201, new))
    assert(batches:create(requests(20), { max_attempts = 1 }))
    here.stop()
    batches = start(busy)
    local _, err = batches:create(requests(20), { queue = false })
    assert.equal("concurrency_limit_reached", err.errorCode)
    assert.equal(1, #here.server:requests(1))
  end)
end)

describe("client.batches", function()
  local here = service.fixture(after_each)
  local stop_clock = clock.fixture(after_each)

  it("ends in two statuses", function()
    here.start {}
    assert.is_function(here.client.batches.list)  -- which makes the type
    for status, over in pairs { COMPLETED = true, FAILED = true,
        PENDING = false, JOBS_CREATED = false, PROCESSING = false,
        NEW = false } do
      local made = assert(core.object("Batch", batch("b1", at(0), 20)
        :gsub("PENDING", status)))
      assert.equal(over, made:is_terminal(), status)
    end
  end)

  it("tells in whole hundredths how far it is", function()
    stop_clock()
    local seen, script = {}, {}
    for i, metrics in ipairs { '{"total_generations":3,"pending_count":1}',
        '{"total_generations":1,"pending_count":1}',
        '{"total_generations":1,"pending_count":0}',
        '{"total_generations":0,"pending_count":0}',
        '{"total_generations":0.5,"pending_count":0}', "5", "null",
        '{"total_generations":"3","pending_count":1}',
        '{"total_generations":3,"pending_count":"1"}',
        '{"total_generations":3}', '{"pending_count":3}' } do
      script[i] = service.answer(200, ('{"id":"b1","status":"PROCESSING",'
        .. '"metrics":%s}'):format(metrics))
    end
    script[#script + 1] = service.answer(200, '{"id":"b1","status":"FAILED",'
      .. '"metrics":{"total_generations":8,"pending_count":0}}')
    here.start(script)
    assert(here.client.batches:wait("b1", {
      on_progress = function(percent) seen[#seen + 1] = percent end }))
    assert.same({ 66, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 100 }, seen)
  end)

  it("counts a limit by itself", function()
    here.start { service.answer(200, "[" .. new .. "," .. new .. "]") }
    local listing, n = here.client.batches:list { limit = 1 }, 0
    for _ in listing do n = n + 1 end
    assert.equal(1, n)
    assert.equal("/v2/batch", here.server:requests(1)[1].target)
  end)

  it("waits until a batch has ended, and tells how far it is", function()
    local function state(status, total, left)
      return service.answer(200, ('{"id":"b1","status":"%s","metrics":'
        .. '{"total_generations":%d,"pending_count":%d}}'):format(status,
          total, left), { ["Retry-After"] = "0" })
    end
    here.start { state("NEW", 20, 20), state("PROCESSING", 20, 7),
                 service.answer(200, '{"id":"b1","status":"FAILED"}') }
    local seen, told = {}, {}
    local ended = assert(here.client.batches:wait("b1", {
      on_progress = function(percent) seen[#seen + 1] = percent end,
      on_change = function(b) told[#told + 1] = b.status end }))
    assert.equal("FAILED", ended.status)
    assert.same({ 0, 65, 0 }, seen)
    assert.same({ "NEW", "PROCESSING", "FAILED" }, told)
    assert.equal(ended, (ended:wait()))
  end)
end)
