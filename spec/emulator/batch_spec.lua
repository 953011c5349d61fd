-- SPDX-License-Identifier: MIT
--
-- Batches at the emulator: many creates in one request, as JSON or as a file of
-- lines, and what becomes of them.

local found, emulator = pcall(require, "lipsync.emulator")
local http = require "spec.support.http"
local json = require "lipsync"

if not found then
  describe("a batch at the emulator", function()
    pending("is not built: its libraries are missing")
  end)
  return
end

local NOBODY = "00000000-0000-4000-8000-000000000000"
local INVALID = "generation_input_validation_failed"

describe("a batch at the emulator", function()
  local service

  before_each(function()
    service = assert(emulator.start { generations = 0,
      keys = { a = "one", b = "two" }, now = "2026-08-25T12:00:00Z" })
  end)

  after_each(function() service:stop() end)

  local function ask(method, target, body, headers)
    headers = headers or {}
    headers["x-api-key"] = headers["x-api-key"] or "a"
    return http.request(service.base_url, method, target,
                        { headers = headers, body = body })
  end

  local function row(number)
    return { request_id = "r" .. number, endpoint = "/v2/generate",
             payload = { model = "lipsync-2", input = {
               { type = "video", url = "https://example.com/" .. number },
               { type = "audio", url = "https://example.com/a.wav" } } } }
  end

  local function rows(count)
    local all = {}
    for i = 1, count do all[i] = row(i) end
    return all
  end

  local function create(body)
    return ask("POST", "/v2/batch", json.encode(body))
  end

  -- Sends parts: name to text.
  local function send(parts)
    local pieces = {}
    for name, text in pairs(parts) do
      pieces[#pieces + 1] = ("--x\r\nContent-Disposition: form-data; "
        .. 'name="%s"\r\n\r\n%s\r\n'):format(name, text)
    end
    return ask("POST", "/v2/batch", table.concat(pieces) .. "--x--\r\n",
               { ["Content-Type"] = "multipart/form-data; boundary=x" })
  end

  local function lines(all)
    local texts = {}
    for i, each in ipairs(all) do texts[i] = json.encode(each) end
    return table.concat(texts, "\r\n") .. "\n\n"
  end

  local function count()
    return ask("GET", "/v2/generations/count").json.count
  end

  it("runs, counts its generations and gives their results", function()
    local answer = create { rows = rows(20),
                            webhook_url = "https://example.com/hook" }
    assert.are.equal(201, answer.status, answer.body)
    local batch = answer.json
    assert.are.equal("JOBS_CREATED", batch.status)
    assert.are.equal("2026-08-25T12:00:00.000Z", batch.created_at)
    assert.are.equal("https://example.com/hook", batch.webhookUrl)
    assert.are.equal("", batch.outputUrl)
    assert.are.same({ total_generations = 20, success_count = 0,
                      failed_count = 0, pending_count = 20 }, batch.metrics)
    assert.are.equal(20, count())
    local target = "/v2/batch/" .. batch.id
    assert.are.equal(409, ask("GET", target .. "/output").status)
    service:advance(60)
    assert.are.equal("PROCESSING", ask("GET", target).json.status)
    service:advance(300)
    batch = ask("GET", target).json
    assert.are.equal("COMPLETED", batch.status)
    assert.are.equal(20, batch.metrics.success_count)
    local path = batch.outputUrl:sub(#service.base_url + 1)
    assert.are.equal(target .. "/output", path)
    assert.are.equal(401, http.request(service.base_url, "GET", path).status)
    local location = ask("GET", path).headers["location"]
    local results = http.request(service.base_url, "GET",
                                 location:sub(#service.base_url + 1))
    assert.are.equal(200, results.status)
    local number = 0
    for id, url in results.body:gmatch(
      '{"request_id":"(r%d+)","response":{"id":[^\n]-"url":"([^"]+)"') do
      number = number + 1
      assert.are.equal("r" .. number, id)
      assert.are.equal("https://example.com/" .. number, url)
    end
    assert.are.equal(20, number)
    assert.are.equal(403, http.request(service.base_url, "GET",
      "/media/batches/" .. batch.id).status)
  end)

  -- The results of a completed batch: all of the response.
  local function results(id, headers)
    local path = ask("GET", "/v2/batch/" .. id .. "/output").headers["location"]
    return http.request(service.base_url, "GET",
      path:sub(#service.base_url + 1), { headers = headers })
  end

  it("gives its results in any order, and errors among them", function()
    service:set { batch_order = "mixed", batch_errors = 7 }
    local id = create({ rows = rows(20) }).json.id
    service:advance(360)
    local metrics = ask("GET", "/v2/batch/" .. id).json.metrics
    assert.are.equal(18, metrics.success_count)
    assert.are.equal(2, metrics.failed_count)
    local seen, order, errors = {}, {}, {}
    for line in results(id).body:gmatch "[^\n]+" do
      local request = line:match '"request_id":"(r%d+)"'
      seen[request] = (seen[request] or 0) + 1
      order[#order + 1] = request
      if line:find('"statusCode":500', 1, true) then
        errors[#errors + 1] = request
      end
    end
    assert.are.equal(20, #order)
    table.sort(errors)
    assert.are.same({ "r14", "r7" }, errors)
    local sent = {}
    for i = 1, 20 do
      sent[i] = "r" .. i
      assert.are.equal(1, seen["r" .. i])
    end
    assert.are_not.same(sent, order)
  end)

  it("gives its results as a file: in parts, and for a time", function()
    local id = create({ rows = rows(20) }).json.id
    service:advance(360)
    local whole = results(id)
    assert.is_truthy(whole.headers["etag"]:find '^"%x+"$')
    local part = results(id, { Range = "bytes=100-",
                               ["If-Range"] = whole.headers["etag"] })
    assert.are.equal(206, part.status)
    assert.are.equal(whole.body:sub(101), part.body)
    service:advance(1)
    assert.are_not.equal(whole.headers["etag"], results(id).headers["etag"])
    service:set { media_lifetime = 0 }
    assert.are.equal(403, results(id).status)
    service:set { media_lifetime = 60, media_redirect = "/moved" }
    assert.are.equal(302, results(id).status)
  end)

  it("may fail, and have failures in a completed one", function()
    service:fault { route = "batch", outcome = "FAILED" }
    local id = create({ rows = rows(20) }).json.id
    service:advance(360)
    local batch = ask("GET", "/v2/batch/" .. id).json
    assert.are.equal("COMPLETED", batch.status)
    assert.are.equal(20, batch.metrics.failed_count)
  end)

  it("comes as a file of lines, under either name", function()
    for _, name in ipairs { "input", "file" } do
      local answer = send { [name] = lines(rows(20)),
                            webhook_url = "https://example.com" }
      assert.are.equal(201, answer.status, answer.body)
      assert.are.equal("https://example.com", answer.json.webhookUrl)
    end
    assert.are.equal(40, count())
    local answer = send { input = lines(rows(20)) .. "{\n" }
    assert.are.equal(400, answer.status)
    assert.are.equal(22, answer.json.lineNumber)
    answer = send { input = lines(rows(20)) .. (" "):rep(5 * 2 ^ 20) }
    assert.are.equal(400, answer.status)
    assert.are.equal("input is larger than 5 MB", answer.json.message)
    assert.are.equal(400, ask("POST", "/v2/batch", "--x",
      { ["Content-Type"] = "multipart/form-data; boundary=x" }).status)
  end)

  it("is only checked by a dry run", function()
    for _, answer in ipairs { create { rows = rows(20), dry_run = true },
                              send { input = lines(rows(20)),
                                     dry_run = "true" } } do
      assert.are.equal(200, answer.status)
      assert.are.same({ status = "VALIDATED" }, answer.json)
    end
    assert.are.equal(0, count())
    assert.are.equal("[]", ask("GET", "/v2/batch").body)
  end)

  it("is refused as a whole, naming the row", function()
    local function assert_refused(status, field, line, all)
      local answer = create { rows = all }
      assert.are.equal(status, answer.status, answer.body)
      assert.are.equal(INVALID, answer.json.errorCode)
      assert.are.equal(field, answer.json.field)
      assert.are.equal(line, answer.json.lineNumber)
      assert.are.equal(0, count())
    end
    assert_refused(400, "rows", nil, rows(19))
    assert_refused(400, "rows", nil, rows(501))
    local all = rows(20)
    all[3].request_id = "r2"
    assert_refused(400, "rows", nil, all)
    all[3].request_id = nil
    assert_refused(400, "rows[2].request_id", nil, all)
    all = rows(20)
    all[4].endpoint = "/v2/tts"
    assert_refused(400, "rows[3].endpoint", nil, all)
    all = rows(20)
    all[20].payload.input = { all[1].payload.input[1] }
    assert_refused(422, "input", 20, all)
    assert.are.equal(400, create({ rows = 1 }).status)
    assert.are.equal(400, ask("POST", "/v2/batch", "{").status)
  end)

  it("is listed, newest first, by status and time", function()
    local first = create({ rows = rows(20) }).json.id
    service:advance(360)
    local second = create({ rows = rows(20) }).json.id
    local function ids(query)
      local all = {}
      for i, batch in ipairs(ask("GET", "/v2/batch" .. query).json) do
        all[i] = batch.id
      end
      return all
    end
    assert.are.same({ second, first }, ids "")
    assert.are.same({ first }, ids "?status=COMPLETED")
    assert.are.same({ second }, ids "?created_after=2026-08-25T12:00:00Z")
    assert.are.same({ first }, ids "?created_before=2026-08-25T12:05:00Z")
    assert.are.equal(400, ask("GET", "/v2/batch?created_after=x").status)
    local theirs = { ["x-api-key"] = "b" }
    assert.are.equal("[]", ask("GET", "/v2/batch", nil, theirs).body)
    assert.are.equal(404, ask("GET", "/v2/batch/" .. first, nil,
                              theirs).status)
    assert.are.equal(404, ask("GET", "/v2/batch/" .. NOBODY).status)
  end)

  it("does not count among the running generations", function()
    service:set { concurrency_limit = 1 }
    assert.are.equal(201, create({ rows = rows(20) }).status)
    local one = json.encode(row(1).payload)
    assert.are.equal(201, ask("POST", "/v2/generate", one).status)
    assert.are.equal(429, ask("POST", "/v2/generate", one).status)
  end)
end)
