-- SPDX-License-Identifier: MIT
--
-- The webhooks that the emulator sends, as a receiver sees them.

local found, emulator = pcall(require, "lipsync.emulator")
local http = require "spec.support.http"
local lipsync = require "lipsync"
local scripted = require "spec.support.scripted"

if not found or not pcall(require, "lipsync.hmac") then
  describe("a webhook of the emulator", function()
    pending("is not built: its libraries are missing")
  end)
  return
end

local verify = lipsync.webhook.verify
local noon = "2026-08-25T12:00:00Z"

describe("a webhook of the emulator", function()
  local service, receiver

  -- Answers each connection by the next script, the last one for all others.
  local function receive(...)
    local scripts = { loop = true }
    for i, answer in ipairs { ... } do
      if type(answer) == "number" then
        answer = { { read = true },
                   { send = scripted.response(answer, "{}") } }
      end
      scripts[i] = answer
    end
    receiver = scripted.start(scripts)
    return receiver.base_url .. "/hook?team=7"
  end

  local function start(options)
    options = options or {}
    options.generations = options.generations or 0
    options.now = options.now or noon
    service = assert(emulator.start(options))
    return service
  end

  after_each(function()
    if service then service:stop() end
    if receiver then receiver:stop() end
    service, receiver = nil, nil
  end)

  local nowhere = "http://192.0.2.1/"

  -- What was sent or refused, once it is that many.
  local function noted(n)
    local deadline, list = scripted.now() + 20
    repeat
      list = service:webhooks()
      if #list >= n then return list end
      scripted.sleep(0.005)
    until scripted.now() > deadline
    error(("%d of %d webhooks"):format(#list, n), 2)
  end

  -- What was sent, once all that has ended in `seconds` was: what ends now is
  -- handled last.
  local function drain(seconds)
    service:set { processing_seconds = seconds or 300 }
    service:add { status = "PROCESSING", webhookUrl = nowhere }
    service:set { processing_seconds = 300 }
    local before, list = #service:webhooks()
    service:advance(seconds or 300)
    repeat
      before = before + 1
      list = noted(before)
    until list[before].url == nowhere
    for i = #list, 1, -1 do
      if list[i].url == nowhere then table.remove(list, i) end
    end
    return list
  end

  local function end_with(status, url)
    local id = service:add { status = "PROCESSING", webhookUrl = url,
      errorCode = status == "FAILED" and "generation_pipeline_failed" or nil }
    service:advance(1000)
    return id
  end

  local function get(id)
    return http.request(service.base_url, "GET", "/v2/generate/" .. id,
      { headers = { ["x-api-key"] = service.key } })
  end

  it("is sent when a generation has ended, without any request", function()
    local url = receive(200)
    service = assert(emulator.start { generations = 0, pending_seconds = 0.05,
                                      processing_seconds = 0.05 })
    local id = service:add { status = "PENDING", webhookUrl = url }
    local request = receiver:requests(1, 20)[1]
    assert.equal("POST", request.method)
    assert.equal("/hook?team=7", request.target)
    assert.equal("application/json", request.headers["content-type"])
    assert.matches("^lipsync%-emulator/", request.headers["user-agent"])
    local generation = assert(verify(request.body, request.headers,
      "whsec_emulator"))
    assert.equal(id, generation.id)
    assert.equal("COMPLETED", generation.status)
    assert.matches("^http", generation.outputUrl)
    assert.equal(0, #service:requests())
    local note = noted(1)[1]
    assert.same({ kind = "generation", id = id, url = url, statusCode = 200 },
      note)
  end)

  it("says what a get says, under the names that webhooks have", function()
    local url = receive(200)
    start()
    local id = end_with("FAILED", url)
    local request = receiver:requests(1, 20)[1]
    local told = assert(lipsync.generation(request.body)):decode()
    local asked = assert(lipsync.generation(get(id).body)):decode()
    assert.equal("FAILED", told.status)
    assert.equal("generation_pipeline_failed", told.error_code)
    assert.is_nil(told.errorCode)
    told.error_code, told.errorCode = nil, asked.errorCode
    assert.same(asked, told)
  end)

  it("goes by the emulator's clock, and is signed by the real one", function()
    local url = receive(200)
    start()
    service:add { status = "PROCESSING", webhookUrl = url }
    assert.equal(0, #drain(299))
    service:advance(1)
    local request = receiver:requests(1, 20)[1]
    assert(verify(request.body, request.headers, "whsec_emulator"))
  end)

  it("is sent to no other machine", function()
    start()
    local refused = { "http://192.0.2.1/", "https://example.com/hook",
                      "http://localhost.example.com/", "http://10.0.0.1:80/",
                      "http://[2001:db8::1]/", "ftp://localhost/", "localhost",
                      "file:///etc/passwd", "http://localhost@192.0.2.1/" }
    for _, url in ipairs(refused) do end_with("COMPLETED", url) end
    for i, note in ipairs(noted(#refused)) do
      assert.equal(refused[i], note.url)
      assert.equal(0, note.statusCode)
      assert.matches("sends webhooks to this machine only", note.problem)
    end
  end)

  it("is sent to every name of this machine", function()
    local url = receive(200)
    start()
    for i, name in ipairs { "127.0.0.1", "localhost", "LOCALHOST",
                            "hooks.localhost", "127.1" } do
      end_with("COMPLETED", (url:gsub("127%.0%.0%.1", name)))
      assert.equal(200, noted(i)[i].statusCode, name)
    end
  end)

  it("is sent once, and is tried again where that is set", function()
    local url = receive(500, 503, 200)
    start()
    end_with("COMPLETED", url)
    assert.equal(500, drain()[1].statusCode)
    assert.equal(1, #receiver:requests())
    service:set { webhook_attempts = 5 }
    end_with("COMPLETED", url)
    local list = drain()
    assert.equal(503, list[2].statusCode)
    assert.equal(200, list[3].statusCode)
    for _, request in ipairs(receiver:requests(3)) do
      assert(verify(request.body, request.headers, "whsec_emulator"))
    end
    assert.equal(3, #receiver:requests())
    service:set { webhook_attempts = 0 }
    end_with("COMPLETED", url)
    assert.equal(3, #drain())
  end)

  it("is sent in copies", function()
    local url = receive(200)
    start { webhook_copies = 3 }
    end_with("COMPLETED", url)
    local requests = receiver:requests(3, 20)
    assert.equal(requests[1].body, requests[3].body)
    assert.equal(3, #noted(3))
  end)

  it("is sent in the order of the ends, or in the other", function()
    local function order(options)
      local url, ids = receive(200), {}
      start(options)
      for i = 1, 4 do
        ids[service:add { status = "PROCESSING", webhookUrl = url }] = i
        service:advance(1)
      end
      service:advance(1000)  -- all end by now, each at its own time
      local seen = {}
      for i, request in ipairs(receiver:requests(4, 20)) do
        seen[i] = ids[lipsync.generation(request.body).id]
      end
      service:stop()
      receiver:stop()
      return table.concat(seen, " ")
    end
    assert.equal("1 2 3 4", order())
    assert.equal("4 3 2 1", order { webhook_newest_first = true })
  end)

  it("tells of REJECTED ones only where that is set", function()
    local url = receive(200)
    start()
    local function reject()
      service:fault { route = "create", outcome = "REJECTED" }
      local made = http.request(service.base_url, "POST", "/v2/generate", {
        headers = { ["x-api-key"] = service.key },
        body = lipsync.encode { model = "lipsync-2", webhookUrl = url,
          input = { { type = "video", url = "https://example.com/v" },
                    { type = "audio", url = "https://example.com/a" } } } })
      assert.equal(201, made.status)
      service:advance(1000)
      return made.json.id
    end
    reject()
    assert.equal(0, #drain())
    service:set { webhook_rejected = true }
    local id = reject()
    local generation = lipsync.generation(receiver:requests(1, 20)[1].body)
    assert.equal(id, generation.id)
    assert.equal("REJECTED", generation.status)
  end)

  it("can be signed otherwise, or wrong", function()
    local url = receive(200)
    start { webhook_secret = ("whsec_long"):rep(10) }
    local n = 0
    local function send(settings, secret)
      service:set(settings)
      end_with("COMPLETED", url)
      n = n + 1
      local request = receiver:requests(n, 20)[n]
      local generation, err = verify(request.body, request.headers, secret)
      return generation, tostring(err), request
    end
    local long = ("whsec_long"):rep(10)
    assert(send({}, long))
    assert(send({ webhook_secret = "whsec_b" }, "whsec_b"))
    local generation, said, request = send({ webhook_old_header = true },
      "whsec_b")
    assert.is_truthy(generation, said)
    assert.is_nil(request.headers["sync-signature"])
    assert.is_string(request.headers["x-signature-primary"])
    service:set { webhook_old_header = false }
    generation, said = send({ webhook_signature = "wrong" }, "whsec_b")
    assert.is_nil(generation)
    assert.matches("does not fit", said)
    generation, said = send({ webhook_signature = "late" }, "whsec_b")
    assert.is_nil(generation)
    assert.matches("signed 36%d%d s ago", said)
    generation, said = send({ webhook_signature = "none" }, "whsec_b")
    assert.is_nil(generation)
    assert.matches("no signature", said)
    generation, said, request = send({ webhook_signature = "doubled" },
      "whsec_b")
    assert(generation, said)  -- this server keeps the last
    assert.equal(2, select(2, request.head:gsub("Sync%-Signature: t=", "")))
  end)

  it("is signed with the secret that the service gives", function()
    local url = receive(200)
    start { webhook_secret = 'whsec_"quoted"' }
    local client = lipsync.new { api_key = service.key,
                                 base_url = service.base_url }
    finally(function() client:close() end)
    local secret = assert(client.webhooks:secret { masked = false })
    assert.equal('whsec_"quoted"', secret)
    assert.equal('whsec_****ted"', client.webhooks:secret())
    end_with("COMPLETED", url)
    local request = receiver:requests(1, 20)[1]
    assert(verify(request.body, request.headers, secret))
  end)

  it("does not wait for a receiver longer than it is set", function()
    local url = receive({ { read = true }, { stall = 30 } }, 200)
    start { webhook_timeout = 0.2 }
    end_with("COMPLETED", url)
    local first = noted(1)[1]
    assert.equal(0, first.statusCode)
    assert.matches("[Tt]imeout", first.problem)
    service:set { webhook_timeout = 20 }
    end_with("COMPLETED", url)
    assert.equal(200, noted(2)[2].statusCode)
  end)

  it("holds up neither a request nor the end", function()
    local url = receive({ { read = true }, { stall = 60 } })
    start { webhook_timeout = 3600 }
    local id = end_with("COMPLETED", url)
    receiver:requests(1, 20)
    assert.equal(200, get(id).status)
    local from = scripted.now()
    service:stop()
    assert.is_true(scripted.now() - from < 30)
  end)

  it("is forgotten by a reset", function()
    -- The first one holds up the second until after the reset.
    local url = receive({ { read = true }, { stall = 30 } }, 200)
    start { webhook_timeout = 3 }
    end_with("COMPLETED", url)
    receiver:requests(1, 20)
    end_with("COMPLETED", url)
    service:reset()
    assert.is_true(#drain() <= 1)
    assert.equal(1, #receiver:requests())
  end)

  it("is told over HTTP, too", function()
    start()
    local id = end_with("COMPLETED", "http://192.0.2.1/")
    noted(1)
    local answer = http.request(service.base_url, "GET", "/_emulator/webhooks")
    assert.equal(200, answer.status)
    assert.equal(1, #answer.json)
    assert.equal(id, answer.json[1].id)
    assert.equal("generation", answer.json[1].kind)
  end)

  it("of a batch comes once, when all its generations have ended", function()
    local url = receive(200)
    start()
    local rows = {}
    for i = 1, 20 do
      rows[i] = { request_id = "r" .. i, endpoint = "/v2/generate",
        payload = { model = "lipsync-2", input = {
          { type = "video", url = "https://example.com/v" },
          { type = "audio", url = "https://example.com/a" } } } }
    end
    local key = { ["x-api-key"] = service.key }
    local made = http.request(service.base_url, "POST", "/v2/batch",
      { headers = key, body = lipsync.encode { rows = rows,
                                               webhook_url = url } })
    assert.equal(201, made.status)
    assert.equal(0, #drain(359))
    service:advance(1)
    local request = receiver:requests(1, 20)[1]
    local batch = assert(verify(request.body, request.headers,
      "whsec_emulator"))
    assert.equal("COMPLETED", batch.status)
    assert.equal(20, batch.metrics.success_count)
    local asked = http.request(service.base_url, "GET",
      "/v2/batch/" .. made.json.id, { headers = key })
    assert.equal(asked.body, request.body)
    assert.equal(1, #receiver:requests())
    assert.equal("batch", drain()[1].kind)
  end)

  it("of a batch that is quick does not come before its last row", function()
    local url = receive(200)
    service = assert(emulator.start { generations = 0, pending_seconds = 0,
                                      processing_seconds = 0 })
    local rows = {}
    for i = 1, 60 do
      rows[i] = { request_id = "r" .. i, endpoint = "/v2/generate",
        payload = { model = "lipsync-2", input = {
          { type = "video", url = "https://example.com/v" },
          { type = "audio", url = "https://example.com/a" } } } }
    end
    assert.equal(201, http.request(service.base_url, "POST", "/v2/batch", {
      headers = { ["x-api-key"] = service.key },
      body = lipsync.encode { rows = rows, webhook_url = url } }).status)
    local request = receiver:requests(1, 20)[1]
    assert.matches('"total_generations":60,"success_count":60', request.body)
    drain()
    assert.equal(1, #receiver:requests())
  end)
end)
