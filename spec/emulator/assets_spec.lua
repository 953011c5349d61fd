-- SPDX-License-Identifier: MIT
--
-- The emulator's assets: announced, put at a signed URL, made, listed, deleted.

local found, emulator = pcall(require, "lipsync.emulator")
local http = require "spec.support.http"
local scripted = require "scripted_core"
local cjson = require "cjson"

if not found then
  describe("the emulator's assets", function()
    pending("is not built: its libraries are missing")
  end)
  return
end

local NOBODY = "00000000-0000-4000-8000-000000000000"

describe("the emulator's assets", function()
  local service

  before_each(function()
    service = assert(emulator.start {
      generations = 0, now = "2026-08-25T12:00:00Z",
      keys = { a = "first", b = "second" } })
  end)
  after_each(function() service:stop() end)

  local function ask(method, target, body, key)
    return http.request(service.base_url, method, target, {
      headers = { ["x-api-key"] = key or "a" },
      body = body and (type(body) == "string" and body or cjson.encode(body)) })
  end

  local function announce(changes)
    local body = { fileName = "a.mp4", contentType = "video/mp4", size = 5 }
    for name, value in pairs(changes or {}) do body[name] = value end
    return ask("POST", "/v2/assets/upload", body)
  end

  -- The announced URLs, the one to put at as a target.
  local function announced()
    local json = announce().json
    return json.uploadUrl:sub(#service.base_url + 1), json.url
  end

  local function put(target, bytes, headers)
    headers = headers or {}
    headers["Content-Type"] = headers["Content-Type"] or "video/mp4"
    return http.request(service.base_url, "PUT", target,
                        { headers = headers, body = bytes })
  end

  local function create(url, changes, key)
    local body = { url = url, type = "VIDEO", name = "Clip" }
    for name, value in pairs(changes or {}) do body[name] = value end
    return ask("POST", "/v2/assets", body, key)
  end

  local function assert_refused(status, code, field, answer)
    assert.are.equal(status, answer.status, answer.body)
    assert.are.equal(code, answer.json.errorCode)
    assert.are.equal(field, answer.json.field)
  end

  local function assert_xml(status, code, answer)
    assert.are.equal(status, answer.status, answer.body)
    assert.are.equal("application/xml", answer.headers["content-type"])
    assert.are.equal(code, answer.body:match "<Code>(%w+)</Code>")
  end

  it("are put where they were announced", function()
    local answer = announce()
    assert.are.equal(201, answer.status)
    assert.are.equal(604800, answer.json.expiresIn)
    assert.is_truthy(answer.json.url:find("%.mp4$"))
    local target, url = announced()
    local done = put(target, "12345")
    assert.are.equal(200, done.status)
    assert.are.equal("", done.body)
    assert.is_truthy(done.headers.etag:find '^"%x+"$')
    local made = create(url)
    assert.are.equal(201, made.status, made.body)
    local asset = made.json
    assert.are.equal("VIDEO Clip USER UPLOAD mp4", table.concat({
      asset.type, asset.name, asset.visibility, asset.inputType, asset.format,
    }, " "))
    assert.are.equal(5, asset.size)
    assert.are.equal("2026-08-25T12:00:00.000Z", asset.createdAt)
    assert.are.equal("12345", http.request(service.base_url, "GET",
      asset.url:sub(#service.base_url + 1)).body)
    assert.are.equal(asset.url,
      ask("GET", "/v2/assets/" .. asset.id .. "/download").body)
    assert.are.equal(201, create(asset.url).status)
  end)

  it("are refused elsewhere, changed, chunked and late, as by S3", function()
    local target = announced()
    assert_xml(403, "SignatureDoesNotMatch", put(target, "123456"))
    assert_xml(403, "SignatureDoesNotMatch", put(target, "1234"))
    assert_xml(403, "SignatureDoesNotMatch", put(target, "12345", {
      ["Content-Type"] = "video/webm" }))
    assert_xml(403, "SignatureDoesNotMatch", put(target .. "x", "12345"))
    assert_xml(403, "SignatureDoesNotMatch",
      put((target:gsub("%.mp4", ".mov")), "12345"))
    assert_xml(403, "SignatureDoesNotMatch",
      http.request(service.base_url, "GET", target))
    local chunked = scripted.exchange(
      tonumber(service.base_url:match ":(%d+)$"), "PUT " .. target
      .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
      .. "Content-Type: video/mp4\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. "5\r\n12345\r\n0\r\n\r\n", 10)
    assert.is_truthy(chunked:find("MissingContentLength", 1, true))
    assert.is_truthy(chunked:find("^HTTP/1.1 411"))
    service:advance(604800)
    local late = put(target, "12345", { Expect = "100-continue" })
    assert_xml(403, "AccessDenied", late)
    assert.is_nil(late.raw:find("100 Continue", 1, true))
    service:set { upload_lifetime = 60 }
    target = announced()
    assert.are.equal(60, announce().json.expiresIn)
    service:advance(59)
    assert.are.equal(200, put(target, "12345").status)
    service:reset()
    service:set { now = "2026-09-01T12:00:59Z" }
    assert_xml(404, "NoSuchUpload", put(target, "12345"))
  end)

  it("suffer faults", function()
    local target, url = announced()
    service:fault { route = "put", statusCode = 307,
                    headers = { Location = "http://10.0.0.1/" } }
    service:fault { route = "put", early = true, reset = true }
    service:fault { route = "put", reset = true, perform = true }
    assert.is_nil(put(target, "12345").status)
    assert.are.equal(307, put(target, "12345").status)
    assert_refused(422, "uploaded_file_not_found", "url", create(url))
    assert.is_nil(put(target, "12345").status)
    assert.are.equal(201, create(url).status)
  end)

  it("are announced by name, type and size", function()
    local invalid = "generation_input_validation_failed"
    assert_refused(400, invalid, "contentType",
                   announce { contentType = "text/plain" })
    assert_refused(400, invalid, "size", announce { size = 0 })
    assert_refused(400, invalid, "fileName", announce { fileName = cjson.null })
    assert_refused(422, "file_size_exceeds_plan_limit", "size",
                   announce { size = 5368709121 })
    service:set { file_limit = 4 }
    assert_refused(422, "file_size_exceeds_plan_limit", "size", announce())
  end)

  it("are made of what is there, and of any URL", function()
    local invalid = "generation_input_validation_failed"
    local target, url = announced()
    assert_refused(422, "uploaded_file_not_found", "url", create(url))
    put(target, "12345")
    assert_refused(422, "file_not_in_org_storage", "url", create(url, {}, "b"))
    assert_refused(422, "uploaded_file_not_found", "url",
                   create(service.base_url .. "/media/uploads/other"))
    assert_refused(400, invalid, "url", create "ftp://a.example/b")
    assert_refused(400, invalid, "type", create(url, { type = "TEXT" }))
    local made = create("https://a.example/b?c", { type = "AUDIO" })
    assert.are.equal(201, made.status)
    assert.are.equal("https://a.example/b?c", made.json.url)
    assert.are.equal("URL", made.json.inputType)
    assert.are.equal(401, ask("GET", "/v2/assets", nil, "wrong").status)
  end)

  it("are listed by page, name, type and order", function()
    for i, name in ipairs { "Beta", "alpha", "Gamma" } do
      create("https://a.example/" .. i, {
        name = name, type = i == 2 and "AUDIO" or nil })
      service:advance(1)
    end
    local function names(query)
      local list = ask("GET", "/v2/assets?" .. query).json
      local all = {}
      for i, asset in ipairs(list.items) do all[i] = asset.name end
      return table.concat(all, " "), list
    end
    local said, list = names ""
    assert.are.equal("Gamma alpha Beta", said)
    assert.are.equal(3, list.totalCount)
    assert.is_nil(list.nextCursor)
    said, list = names "limit=2&sortBy=nameAsc"
    assert.are.equal("alpha Beta", said)
    assert.are.equal(3, list.totalCount)
    assert.are.equal("Gamma",
      (names("limit=2&sortBy=nameAsc&cursor=" .. list.nextCursor)))
    assert.are.equal("Beta alpha Gamma", (names "sortBy=dateAsc"))
    assert.are.equal("Beta", (names "searchQuery=BET"))
    assert.are.equal("alpha", (names "types=AUDIO,IMAGE"))
    assert.are.equal("", (names "types=IMAGE"))
    assert.are.equal("", (names("projectId=" .. NOBODY)))
    for query, field in pairs { ["limit=0"] = "limit", ["limit=101"] = "limit",
                                ["cursor=x"] = "cursor", ["types=x"] = "types",
                                ["sortBy=age"] = "sortBy" } do
      assert_refused(400, "generation_input_validation_failed", field,
                     ask("GET", "/v2/assets?" .. query))
    end
    assert.are.same({}, ask("GET", "/v2/assets", nil, "b").json.items)
    assert.are.equal('{"count":0}', ask("GET", "/v2/generations/count").body)
  end)

  it("are changed by id", function()
    local id = create("https://a.example/b").json.id
    service:advance(1)
    local answer = ask("PATCH", "/v2/assets/" .. id, {
      name = "New", width = 64, other = 1, visibility = cjson.null })
    assert.are.equal(200, answer.status)
    local asset = ask("GET", "/v2/assets/" .. id).json
    assert.are.same(answer.json, asset)
    assert.are.equal("New USER 2026-08-25T12:00:01.000Z", table.concat({
      asset.name, asset.visibility, asset.updatedAt }, " "))
    assert.are.equal(64, asset.width)
    assert.is_nil(asset.other)
    assert_refused(400, "generation_input_validation_failed", "width",
                   ask("PATCH", "/v2/assets/" .. id, { width = "x" }))
    assert_refused(404, "asset_not_found", nil,
                   ask("PATCH", "/v2/assets/" .. NOBODY, { name = "x" }))
    assert_refused(404, "asset_not_found", nil,
                   ask("PATCH", "/v2/assets/" .. id, { name = "x" }, "b"))
  end)

  it("are read and deleted by id", function()
    local asset = create("https://a.example/b").json
    assert.are.equal("Clip", ask("GET", "/v2/assets/" .. asset.id).json.name)
    assert.are.equal(404,
                     ask("GET", "/v2/assets/" .. asset.id, nil, "b").status)
    assert.are.equal('{"id":"' .. asset.id .. '"}',
                     ask("DELETE", "/v2/assets/" .. asset.id).body)
    assert_refused(404, "asset_not_found", nil,
                   ask("DELETE", "/v2/assets/" .. asset.id))
    assert_refused(404, "asset_not_found", nil,
                   ask("GET", "/v2/assets/" .. NOBODY))
    assert_refused(400, "invalid_asset_id_format", nil,
                   ask("DELETE", "/v2/assets/x"))
  end)

  it("are given by their ids, a hundred at most", function()
    local ids = {}
    for i = 1, 3 do
      ids[i] = ("6533643b-aceb-4c40-967e-d9ba9baac39%d"):format(i)
      service:add { kind = "asset", id = ids[i], organization = i == 3
        and "second" or nil }
    end
    ids[4] = NOBODY
    local answer = ask("POST", "/v2/assets/batch", { ids = ids })
    assert.equal(200, answer.status)
    local ids_found = {}
    for i, each in ipairs(answer.json.items) do ids_found[i] = each.id end
    table.sort(ids_found)
    assert.same({ ids[1], ids[2] }, ids_found)
    for i = 1, 101 do ids[i] = NOBODY end
    for _, body in ipairs { {}, { ids = "x" }, { ids = { 5 } },
        { ids = { "" } }, { ids = ids } } do
      answer = ask("POST", "/v2/assets/batch", body)
      assert.equal(400, answer.status)
      assert.matches("^ids", answer.json.field)
    end
    assert.equal(400, ask("POST", "/v2/assets/batch", '{"ids":[]}').status)
  end)

  it("have no address where there is no file", function()
    service:add { kind = "asset", id = NOBODY }
    local answer = ask("GET", "/v2/assets/" .. NOBODY .. "/download")
    assert.equal(409, answer.status)
    assert.is_nil(answer.json.errorCode)
  end)
end)
