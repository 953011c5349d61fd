-- SPDX-License-Identifier: MIT
--
-- The emulator's output files: signed URLs, ranges and conditions as S3 takes
-- them, and the settings that make a media server a worse one.

local found, emulator = pcall(require, "lipsync.emulator")
local http = require "spec.support.http"

local NOW = "2026-08-25T12:00:00Z"

if not found then
  describe("the emulator's media", function()
    pending("is not built: its libraries are missing")
  end)
  return
end

describe("the emulator's media", function()
  local service, id

  before_each(function()
    service = assert(emulator.start { generations = 0, now = NOW })
    id = service:add { status = "PROCESSING" }
    service:advance(300)
  end)
  after_each(function() service:stop() end)

  local function ask(method, target, headers)
    return http.request(service.base_url, method, target,
                        { headers = headers })
  end

  local function with_key(target)
    return ask("GET", target, { ["x-api-key"] = service.key })
  end

  -- The target of the output's URL, as it is signed now.
  local function output()
    local url = with_key("/v2/generations/" .. id .. "/download").body
    assert.are.equal(service.base_url, url:sub(1, #service.base_url))
    return url:sub(#service.base_url + 1)
  end

  local function get(headers, target)
    return ask("GET", target or output(), headers)
  end

  local function assert_refused(status, code, answer)
    assert.are.equal(status, answer.status)
    assert.are.equal("application/xml", answer.headers["content-type"])
    assert.are.equal(code, answer.body:match "<Code>(%w+)</Code>")
    assert.are.equal(answer.headers["x-request-id"],
                     answer.body:match "<RequestId>([%x-]+)</RequestId>")
  end

  -- What ffprobe says of the bytes; nil where it is not installed.
  local function probe(bytes)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(bytes)
    file:close()
    local pipe = io.popen("ffprobe -v warning -count_frames -of csv=p=0 "
      .. "-show_entries stream=codec_name,width,nb_read_frames,duration "
      .. path .. " 2>&1 || echo missing")
    local said = pipe:read "*a"
    pipe:close()
    os.remove(path)
    return not said:find "not found" and said or nil
  end

  it("needs no key, is small and the same each time", function()
    local answer = get()
    assert.are.equal(200, answer.status)
    assert.are.equal("video/mp4", answer.headers["content-type"])
    assert.are.equal("4096", answer.headers["content-length"])
    assert.are.equal("bytes", answer.headers["accept-ranges"])
    assert.is_truthy(answer.headers.etag:find '^"%x+"$')
    assert.are.equal("ftyp", answer.body:sub(5, 8))
    assert.are.equal(answer.body, get().body)
    local sent = service:requests()
    assert.is_nil(sent[#sent].headers["x-api-key"])
    assert.is_nil(sent[#sent].headers.cookie)
  end)

  it("is a film that plays, and a tone", function()
    local said = probe(get().body)
    if not said then pending "ffprobe is not installed" end
    assert.are.equal("h264,64,1.000000,25\n", said)
    local tone = service:add {
      status = "COMPLETED", outputUrl = "emulator:/media/outputs/a.wav" }
    local url = with_key("/v2/generate/" .. tone).json.outputUrl
    local answer = get(nil, url:sub(#service.base_url + 1))
    assert.are.equal("audio/wav", answer.headers["content-type"])
    said = probe(answer.body)
    assert.are.equal("pcm_u8,0.506500", said:match "^[^,]+,[^,\n]+")
  end)

  it("differs by generation and version", function()
    local first = get()
    service:set { media_version = 2 }
    local second = get()
    assert.are_not.equal(first.body, second.body)
    assert.are_not.equal(first.headers.etag, second.headers.etag)
    id = service:add { status = "PROCESSING" }
    service:advance(300)
    assert.are_not.equal(second.body, get().body)
  end)

  it("has any size, with the same beginning", function()
    local names = { [0] = "", [1] = "\0", [7] = "\0\0\0\32fty" }
    for size, bytes in pairs(names) do
      service:set { media_size = size }
      assert.are.equal(bytes, get().body)
    end
    service:set { media_size = 1e12 }
    local answer = get { Range = "bytes=999999999990-" }
    assert.are.equal(206, answer.status)
    assert.are.equal(10, #answer.body)
    assert.are.equal("bytes 999999999990-999999999999/1000000000000",
                     answer.headers["content-range"])
    assert.is_truthy(get({ Range = "bytes=0-1500" }).body:find("free", 1, true))
  end)

  it("gives the range that is asked for, and one only", function()
    local whole = get().body
    for range, wanted in pairs {
      ["bytes=0-0"] = "1 1", ["bytes=10-19"] = "11 20",
      ["bytes=4095-"] = "4096 4096", ["bytes=100-9999"] = "101 4096",
      ["bytes=-5"] = "4092 4096", ["bytes=-9999"] = "1 4096",
      ["BYTES=3-4"] = "4 5",
    } do
      local first, last = wanted:match "(%d+) (%d+)"
      local answer = get { Range = range }
      assert.are.equal(206, answer.status, range)
      assert.are.equal(whole:sub(first, last), answer.body, range)
      assert.are.equal(("bytes %d-%d/4096"):format(first - 1, last - 1),
                       answer.headers["content-range"])
    end
    for _, range in ipairs { "bytes=0-1,4-5", "bytes=5-4", "bytes=x-",
                             "bytes=-", "items=0-1", "bytes=0-1x",
                             "bytes=0-99999999999999999999" } do
      local answer = get { Range = range }
      assert.are.equal(200, answer.status, range)
      assert.are.equal(whole, answer.body)
    end
    for _, range in ipairs { "bytes=4096-", "bytes=-0", "bytes=5000-6000" } do
      local answer = get { Range = range }
      assert_refused(416, "InvalidRange", answer)
      assert.are.equal("bytes */4096", answer.headers["content-range"])
    end
  end)

  it("keeps to conditions", function()
    local etag = get().headers.etag
    local function part(name, value)
      return get { Range = "bytes=0-9", [name] = value }.status
    end
    assert.are.equal(206, part("If-Range", etag))
    assert.are.equal(200, part("If-Range", '"other"'))
    assert.are.equal(200, part("If-Range", "W/" .. etag))
    assert.are.equal(200, part("If-Range", "*"))
    assert.are.equal(200, part("If-Range", '"a", ' .. etag))
    assert.are.equal(200, part("If-Range", "Tue, 25 Aug 2026 12:00:00 GMT"))
    assert.are.equal(206, part("If-Match", '"a", ' .. etag))
    assert.are.equal(206, part("If-Match", "*"))
    assert.are.equal(304, part("If-None-Match", etag))
    assert_refused(412, "PreconditionFailed", get { ["If-Match"] = '"a"' })
  end)

  it("has the entity tag that is set", function()
    local etag = get().headers.etag
    service:set { media_etag = "weak" }
    local answer = get { Range = "bytes=0-9", ["If-Range"] = "W/" .. etag }
    assert.are.equal(200, answer.status)
    assert.are.equal("W/" .. etag, answer.headers.etag)
    assert.are.equal(412, get({ ["If-Match"] = etag }).status)
    service:set { media_etag = "none" }
    answer = get { ["If-Match"] = etag }
    assert.are.equal(200, answer.status)
    assert.is_nil(answer.headers.etag)
  end)

  it("ignores ranges and omits the length if configured so", function()
    service:set { media_ignore_range = true, media_chunked = true }
    local answer = get { Range = "bytes=0-9" }
    assert.are.equal(200, answer.status)
    assert.are.equal(4096, #answer.body)
    assert.is_nil(answer.headers["accept-ranges"])
    assert.is_nil(answer.headers["content-length"])
    assert.are.equal("chunked", answer.headers["transfer-encoding"])
  end)

  it("is refused after its time, and signed anew", function()
    local target = output()
    service:advance(604799)
    assert.are.equal(200, get(nil, target).status)
    service:advance(1)
    local answer = get(nil, target)
    assert_refused(403, "AccessDenied", answer)
    assert.is_truthy(answer.body:find("Request has expired", 1, true))
    assert.are.equal("2026-09-01T12:05:00.000Z",
                     answer.body:match "<Expires>(.-)</Expires>")
    assert.are.equal(200, get().status)
    service:set { media_lifetime = 0 }
    assert_refused(403, "AccessDenied", get())
  end)

  it("is refused to another method, name, time and signature", function()
    local target = output()
    local name = target:match "^[^?]+"
    assert.are.equal(403, ask("HEAD", target).status)
    for _, wrong in ipairs {
      name, (target:gsub("%.mp4", ".mp5")),
      (target:gsub("Expires=604800", "Expires=604801")), target .. "0",
      (target:gsub("media", "%%6Dedia")),
      (target:gsub("Date=2026", "Date=2027")), name .. "?X-Amz-Date=x",
    } do
      assert_refused(403, "SignatureDoesNotMatch", get(nil, wrong))
    end
  end)

  it("signs each answer anew, and keeps what was added", function()
    service:add { outputUrl = "https://media.example.com/a?b=emulator:/media/" }
    local listed = with_key("/v2/generations").json
    assert.are.equal(output(), listed[1].outputUrl:sub(#service.base_url + 1))
    assert.are.equal("https://media.example.com/a?b=emulator:/media/",
                     listed[2].outputUrl)
    service:advance(60)
    local later = with_key("/v2/generations?limit=2").json[2].outputUrl
    assert.are_not.equal(listed[1].outputUrl, later)
    assert.are.equal(later, ask("DELETE", "/v2/generations/" .. id, {
      ["x-api-key"] = service.key }).json.outputUrl)
  end)

  it("redirects to another path, or another emulator", function()
    service:set { media_redirect = "/moved" }
    local answer = get()
    assert.are.equal(302, answer.status)
    assert.are.equal("/moved" .. output(), answer.headers.location)
    assert.are.equal(200, get(nil, answer.headers.location).status)
    local other = assert(emulator.start { generations = 0, now = NOW })
    service:set { media_redirect = other.base_url }
    answer = get()
    local target = answer.headers.location:sub(#other.base_url + 1)
    other:advance(300)
    service:set { media_redirect = "" }
    local moved = http.request(other.base_url, "GET", target)
    other:stop()
    assert.are.equal(200, moved.status)
    assert.are.equal(get().body, moved.body)
  end)

  it("suffers faults", function()
    service:fault { route = "media", cut = 1000 }
    local answer = get()
    assert.are.equal(1000, #answer.body)
    service:fault { route = "media", statusCode = 404, body = "<Error/>" }
    assert.are.equal(404, get().status)
  end)
end)
