-- SPDX-License-Identifier: MIT
--
-- The emulator's POST /v2/generate as multipart/form-data: how a form becomes a
-- generation, what is refused, and what is refused before its body.

local found, emulator = pcall(require, "lipsync.emulator")
local http = require "spec.support.http"
local scripted = require "scripted_core"

if not found then
  describe("the emulator's forms", function()
    pending("is not built: its libraries are missing")
  end)
  return
end

local TEXT = '{"type":"text","provider":{"name":"elevenlabs","voiceId":"v",'
  .. '"script":"Hi"}}'

describe("the emulator's forms", function()
  local service

  before_each(function()
    service = assert(emulator.start { generations = 0 })
  end)
  after_each(function() service:stop() end)

  -- A body of parts: { name, value } or { name, value, file name }.
  local function form(parts)
    local out = {}
    for _, part in ipairs(parts) do
      out[#out + 1] = "--xx\r\nContent-Disposition: form-data; name=\""
        .. part[1] .. '"' .. (part[3] and '; filename="' .. part[3] .. '"'
        or "") .. "\r\n\r\n" .. part[2] .. "\r\n"
    end
    return table.concat(out) .. "--xx--\r\n"
  end

  local function post(body, headers)
    headers = headers or {}
    headers["x-api-key"] = headers["x-api-key"] or service.key
    headers["Content-Type"] = headers["Content-Type"]
      or "multipart/form-data; boundary=xx"
    return http.request(service.base_url, "POST", "/v2/generate",
                        { headers = headers, body = body })
  end

  local function assert_refused(status, field, answer)
    assert.are.equal(status, answer.status, answer.body)
    assert.are.equal("generation_input_validation_failed",
                     answer.json.errorCode)
    assert.are.equal(field, answer.json.field)
  end

  local video, model = { "video", "moving", "a.mp4" }, { "model", "sync-3" }
  local audio = { "audio", "sound", "a.wav" }

  it("make a generation of files and fields", function()
    local answer = post(form { video, audio, model,
      { "options", '{"sync_mode":"loop"}' },
      { "outputFileName", "a \"b\"" } })
    assert.are.equal(201, answer.status, answer.body)
    local made = answer.json
    assert.are.equal("sync-3", made.model)
    assert.are.equal("loop", made.options.sync_mode)
    assert.are.equal("video", made.input[1].type)
    assert.are.equal("audio", made.input[2].type)
    local url = made.input[1].url
    assert.are.equal("moving", http.request(service.base_url, "GET",
      url:sub(#service.base_url + 1)).body)
    local sent = service:requests()
    assert.are.equal("/v2/generate", sent[1].path)
    assert.are.equal(201, sent[1].statusCode)
  end)

  it("take further inputs as one array, or one by one", function()
    local items = TEXT .. "," .. '{"type":"audio","url":"http://a.example/b"}'
    local function kinds(...)
      local answer = post(form { model, video, ... })
      -- refused after it was read: there are two sounds
      assert.are.equal(422, answer.status)
      return answer.json.message
    end
    local said = kinds { "input", " [ " .. items .. " ] " }
    assert.are.equal("several audio inputs need segments", said)
    assert.are.equal(said, kinds({ "input", TEXT }, { "input",
      '{"type":"audio","url":"http://a.example/b"}' }))
    assert.are.equal(said, kinds({ "input", TEXT }, { "input", "[]" },
      { "input", '[{"type":"audio","url":"http://a.example/b"}]' }))
    assert.are.equal("text", post(form { video, model, { "input", TEXT } })
      .json.input[2].type)
  end)

  it("are the same request if their files are the same", function()
    local function once(name, bytes)
      return post(form { { "video", bytes, name }, audio, model },
                  { ["Idempotency-Key"] = "k" })
    end
    local first = once("a.mp4", "moving")
    assert.are.equal(201, first.status)
    assert.are.equal(first.json.id, once("b.mp4", "moving").json.id)
    local other = once("a.mp4", "other")
    assert.are.equal(409, other.status)
    assert.are.equal("IDEMPOTENCY_KEY_CONFLICT", other.json.errorCode)
  end)

  it("may be chunked, and begin and end with what is ignored", function()
    local body = "ignored\r\n" .. form { video, audio, model } .. "ignored"
    local chunked = body:gsub(".", "1\r\n%0\r\n") .. "0\r\n\r\n"
    local reply = scripted.exchange(
      tonumber(service.base_url:match ":(%d+)$"),
      "POST /v2/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
      .. "x-api-key: " .. service.key .. "\r\nTransfer-Encoding: chunked\r\n"
      .. "Content-Type: Multipart/Form-Data;charset=utf-8; Boundary=\"xx\""
      .. "\r\n\r\n" .. chunked, 10)
    assert.are.equal("201", reply:match "^HTTP/1.1 (%d+)")
  end)

  it("are refused if they are not well formed", function()
    local body = form { video, audio, model }
    assert.are.equal("a part's Content-Disposition has no name",
      post((body:gsub('name="model"', ""))).json.message)
    assert_refused(400, nil, post(body:sub(1, -5)))
    for _, more in ipairs { "", "; boundary=xx; boundary=xx",
                            "; boundary=" .. ("x"):rep(71) } do
      local answer = post(body, {
        ["Content-Type"] = "multipart/form-data" .. more })
      assert_refused(400, nil, answer)
      assert.are.equal("Content-Type needs one boundary of at most 70 "
        .. "characters", answer.json.message)
    end
    assert_refused(400, "model", post(form { model, model }))
    assert_refused(400, "other", post(form { { "other", "x", "a.mp4" } }))
    assert_refused(400, "options", post(form { { "options", "[]" } }))
    assert_refused(400, "options", post(form { { "options", "{" } }))
    assert_refused(400, "segments", post(form { { "segments", "{}" } }))
    assert_refused(400, "input", post(form { { "input", '"x"' } }))
    assert_refused(400, "model", post(form { { "model", "\255" } }))
    assert_refused(400, "model", post(form { video, audio }))
    local empty = post(form { { "video", "", "a.mp4" }, audio, model })
    assert.are.equal(422, empty.status)
    assert.are.equal("generation_input_video_invalid", empty.json.errorCode)
  end)

  it("are refused if they hold too much", function()
    local fields, files = {}, { video, audio, { "image", "x", "a.png" },
                                { "more", "x", "x" } }
    for i = 1, 33 do fields[i] = { "f" .. i, "x" } end
    assert_refused(413, "f33", post(form(fields)))
    assert_refused(413, "more", post(form(files)))
    local long = ("x"):rep(1024 * 1024)
    assert_refused(400, "model", post(form { { "other", long } }))
    assert_refused(413, "other", post(form { { "other", long .. "x" } }))
    service:set { file_limit = 5 }
    assert_refused(413, "video", post(form { video, audio, model }))
    assert.are.equal(201, post(form { audio, { "video", "12345", "v" }, model })
      .status)
  end)

  it("are refused before their body, if the client waits", function()
    local expect = { Expect = "100-continue" }
    service:set { body_limit = 10 }
    local answer = post(form { video }, expect)
    assert_refused(413, nil, answer)
    assert.are.equal("close", answer.headers.connection:lower())
    assert.is_nil(answer.raw:find("100 Continue", 1, true))
    assert.are.equal(401, post(form { video }, {
      Expect = "100-continue", ["x-api-key"] = "wrong" }).status)
    assert_refused(413, nil, post(form { video }))
  end)

  it("keep the bytes of the newest files only", function()
    local urls = {}
    for i = 1, 66 do
      local made = post(form { { "video", "moving " .. i, "a.mp4" }, model,
                               { "input", TEXT } }).json
      urls[i] = made.input[1].url:sub(#service.base_url + 1)
    end
    for i, status in pairs { 404, 404, 200, [66] = 200 } do
      local answer = http.request(service.base_url, "GET", urls[i])
      assert.are.equal(status, answer.status)
    end
  end)

  it("suffer faults before their body, and after it", function()
    service:fault { route = "create", early = true, statusCode = 413 }
    service:fault { route = "create", early = true, reset = true }
    service:fault { route = "create", statusCode = 503, perform = true }
    assert_refused(413, nil, post(form { video, audio, model }))
    assert.is_nil(post(form { video, audio, model }).status)
    assert.are.equal(503, post(form { video, audio, model }).status)
    assert.are.equal(201, post(form { video, audio, model }).status)
    local answer = http.request(service.base_url, "GET",
      "/v2/generations/count", { headers = { ["x-api-key"] = service.key } })
    assert.are.equal(2, answer.json.count)
    assert.are.equal(5, #service:requests())
  end)
end)
