-- SPDX-License-Identifier: MIT
-- One download, against servers that answer as real ones do.

local core = require "lipsync.core"
local download = require "lipsync.media.download"
local lipsync = require "lipsync"
local file = require "lipsync.file"
local media = require "spec.support.media"
local program = require "spec.support.program"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local body, once, partial = media.body, media.once, media.partial

describe("a download", function()
  local here = media.fixture(before_each, after_each)

  local function is_done(result, err)
    assert(result, tostring(err))
    assert.equal(here.path, result.path)
    assert.equal(#body, result.bytes)
    assert.is_true(body == media.read(here.path))
    assert.equal("out.mp4", here.names())
    return result
  end

  -- The part that an earlier call left, with its note.
  local function leave(n, note)
    local all = { id = "g1", etag = media.etag, total = #body, synced = 0,
                  boot_id = file.boot_id() }
    for name, value in pairs(note or {}) do all[name] = value or nil end
    media.write(here.path .. ".part", body:sub(1, n))
    media.write(here.path .. ".part.json", core.encode(all))
  end

  it("asks for a range, without key and headers of the client", function()
    local result = is_done(here.fetch({ once(partial(0)) }))
    assert.same({ path = here.path, bytes = #body, resumed = false,
                  type = "video/mp4" }, result)
    local seen = here.server:requests(1)[1]
    assert.equal("/o.mp4?sig=5ec3e7f0a1", seen.target)
    assert.same({ host = "127.0.0.1:" .. here.server.port,
      ["user-agent"] = seen.headers["user-agent"],
      ["accept-encoding"] = "identity", range = "bytes=0-" }, seen.headers)
  end)

  it("takes a server without ranges, without length, without tag", function()
    for _, text in ipairs { media.whole(), media.whole { ETag = false },
        media.chunked(), media.chunked { ETag = false },
        partial(0, { ETag = 'W/"v1"' }),
        partial(0, { ["Content-Length"] = false, Connection = "close" }) } do
      is_done(here.fetch { once(text) })
      here.stop()
      os.remove(here.path)
    end
  end)

  it("refuses a file whose length nobody tells", function()
    local text = media.whole { ["Content-Length"] = false,
                               Connection = "close" }
    local none, err = here.fetch { once(text) }
    assert.is_nil(none)
    assert.equal("protocol", err.kind)
    assert.matches("allow_unknown_length = true takes it", err.message)
    here.stop()
    local result = is_done(here.fetch({ once(text) },
      { allow_unknown_length = true }))
    assert.is_false(result.verified)
  end)

  it("reports progress", function()
    local seen = {}
    is_done(here.fetch({ once(partial(0)) },
      { on_progress = function(n, total) seen[#seen + 1] = { n, total } end }))
    assert.same({ #body, #body }, seen[#seen])
  end)

  it("closes all before it raises what on_progress has raised", function()
    here.start { once(partial(0)) }
    local ok, problem = pcall(function()
      return here.client.generations:download(media.generation(here.url),
        here.path, { on_progress = function() error({ "mine" }) end })
    end)
    assert.is_false(ok)
    assert.same({ "mine" }, problem)
    assert.equal("out.mp4.part\nout.mp4.part.json", here.names())
  end)

  describe("of a generation", function()
    local function serve(generations, script)
      local other = scripted.start(script)
      local all = {}
      for i, text in ipairs(generations) do
        all[i] = service.answer(200, (text:gsub("{url}", other.base_url)))
      end
      here.start(all)
      return other
    end

    it("by id asks for it first", function()
      local other = serve({ service.generation("g1", "COMPLETED",
        ',"outputUrl":"{url}/o.mp4"') }, { once(partial(0)) })
      is_done(here.client.generations:download("g1", here.path))
      assert.equal("/v2/generate/g1", here.server:requests(1)[1].target)
      other:stop()
    end)

    it("that was not COMPLETED asks once more", function()
      local other = serve({
        service.generation("g1", "COMPLETED", ',"outputUrl":"{url}/o.mp4"'),
        service.generation("g1", "PROCESSING"),
      }, { once(partial(0)) })
      local before = assert(lipsync.generation(
        service.generation("g1", "PROCESSING")))
      is_done(here.client.generations:download(before, here.path))
      os.remove(here.path)
      local none, err = here.client.generations:download(before, here.path)
      assert.is_nil(none)
      assert.equal("invalid", err.kind)
      assert.equal("PROCESSING", err.generation.status)
      assert.equal("download generation g1: it is PROCESSING, and can be "
        .. "downloaded once it is COMPLETED.", tostring(err))
      assert.equal(2, #here.server:requests())
      assert.equal("", here.names())
      other:stop()
    end)

    it("that failed has nothing to wait for", function()
      for _, status in ipairs { "FAILED", "REJECTED" } do
        here.start { service.answer(200, service.generation("g1", status)) }
        local none, err = here.client.generations:download("g1", here.path)
        assert.is_nil(none)
        assert.equal(("download generation g1: it is %s, and so has no "
          .. "output."):format(status), tostring(err))
        here.stop()
      end
    end)

    it("without an address says so", function()
      local other = serve({ service.generation("g1", "COMPLETED",
        ',"outputUrl":""') }, { {} })
      local _, err = here.client.generations:download("g1", here.path)
      assert.equal("download generation g1: it has no outputUrl.",
        tostring(err))
      other:stop()
    end)

    it("that is gone is the service's 404", function()
      here.start { service.answer(404, '{"statusCode":404,"message":"gone"}') }
      local _, err = here.client.generations:download("g1", here.path)
      assert.equal(404, err.statusCode)
      assert.equal(1, #here.server:requests())
    end)

    it("has the same method", function()
      local other = serve({ service.generation("g1", "COMPLETED",
        ',"outputUrl":"{url}/o.mp4"') }, { once(partial(0)) })
      local generation = assert(here.client.generations:get "g1")
      is_done(generation:download(here.path))
      other:stop()
    end)
  end)

  -- ---- Broken connections ----

  it("goes on where the connection broke", function()
    local result = is_done(here.fetch { media.cut(partial(0), 1000),
      media.cut(partial(1000), 500), once(partial(1500)) })
    assert.is_true(result.resumed)
    assert.equal("bytes=0- bytes=1000- bytes=1500-", here.ranges(3))
    local headers = here.server:requests()[3].headers
    assert.equal(media.etag, headers["if-range"])
    assert.equal(media.etag, headers["if-match"])
  end)

  it("begins again without a strong tag, three times at most", function()
    for _, text in ipairs { partial(0, { ETag = 'W/"v1"' }),
        partial(0, { ETag = false }), media.whole { ETag = false } } do
      is_done(here.fetch { media.cut(text, 1000), once(text) })
      assert.equal("bytes=0- bytes=0-", here.ranges(2))
      here.stop()
      os.remove(here.path)
      local cut = media.cut(text, 1000)
      local none, err = here.fetch { cut, cut, cut, cut, cut }
      assert.is_nil(none)
      assert.equal("connection", err.kind)
      assert.equal(4, #here.server:requests())
      here.stop()
    end
  end)

  it("begins again as often as it may before the first byte", function()
    for _, etag in ipairs { media.etag, false } do
      local cut = media.cut(partial(0, { ETag = etag }), 0)
      local result = is_done(here.fetch { cut, once(partial(0)) })
      assert.is_false(result.resumed)
      here.stop()
      os.remove(here.path)
      local none, err = here.fetch({ cut, loop = true }, { max_attempts = 6 })
      assert.is_nil(none)
      assert.equal("connection", err.kind)
      assert.equal(6, #here.server:requests())
      here.stop()
    end
  end)

  it("takes an early end for a broken connection", function()
    local text = partial(0, { ["Content-Length"] = false, ETag = false },
      body:sub(1, 2000)):gsub("0%-1999/2000", "0-4095/4096")
    local none, err = here.fetch { loop = true, once(text) }
    assert.is_nil(none)
    assert.same({ "connection", "the connection broke" },
      { err.kind, err.message })
    assert.equal(4, #here.server:requests())
  end)

  it("gives up after max_attempts without a byte", function()
    local cut = media.cut(partial(1000), 0)
    local none, err = here.fetch { media.cut(partial(0), 1000), cut, cut, cut,
      cut }
    assert.is_nil(none)
    assert.equal("connection", err.kind)
    assert.is_nil(err.outcomeUnknown)
    assert.equal(4, #here.server:requests())
    -- The next call goes on there.
    here.stop()
    is_done(here.fetch { once(partial(1000)) })
    assert.equal("bytes=1000-", here.ranges(1))
  end)

  it("retries a busy server, and reports any other error of it", function()
    is_done(here.fetch { once(media.answer(503)), once(media.answer(500)),
      once(partial(0)) })
    here.stop()
    os.remove(here.path)
    local none, err = here.fetch { once(media.answer(400, {}, "<Error/>")) }
    assert.is_nil(none)
    assert.equal(400, err.statusCode)
    assert.equal("<Error/>", err.body)
    assert.equal("", here.names())
  end)

  it("ends at its timeout, and at a stall", function()
    for _, options in ipairs { { timeout = 0.5 },
        { stall_timeout = 0.5, max_attempts = 1 } } do
      local none, err = here.fetch({ { { read = true },
        { send = partial(0):sub(1, 1000) }, { hold = true } } }, options)
      assert.is_nil(none)
      assert.equal("timeout", err.kind)
      assert.equal("out.mp4.part\nout.mp4.part.json", here.names())
      here.stop()
      media.shell("rm " .. here.path .. ".part*")
    end
  end)

  it("ends with its client", function()
    here.start { { { read = true }, { send = partial(0):sub(1, 1000) },
                   { hold = true } } }
    local none, err = here.client.generations:download(
      media.generation(here.url), here.path,
      { on_progress = function() here.client:close() end })
    assert.is_nil(none)
    assert.equal("closed", err.kind)
  end)

  it("ends with its task, and leaves the part", function()
    here.start { { { read = true }, { send = partial(0):sub(1, 1000) },
                   { hold = true } } }
    local err
    local task = here.client:spawn(function()
      err = select(2, here.client.generations:download(
        media.generation(here.url), here.path))
    end)
    local deadline = core.now() + 5
    while media.read(here.path .. ".part") ~= body:sub(1, #body
          - (#partial(0) - 1000)) and core.now() < deadline do
      here.client:step(0.01)
    end
    task:cancel()
    here.client:run()
    assert.is_true(err == nil or err.kind == "canceled")
    assert.equal("out.mp4.part\nout.mp4.part.json", here.names())
  end)

  -- ---- What was left behind ----

  describe("that was left behind", function()
    it("goes on after its first byte", function()
      leave(1)
      local result = is_done(here.fetch { once(partial(1)) })
      assert.is_true(result.resumed)
      assert.equal("bytes=1-", here.ranges(1))
    end)

    it("goes on", function()
      leave(1000)
      local result = is_done(here.fetch { once(partial(1000)) })
      assert.is_true(result.resumed)
      assert.equal("bytes=1000-", here.ranges(1))
    end)

    it("needs no request if all of it is there", function()
      leave(#body)
      here.start { once() }
      local result = is_done(here.client.generations:download(
        media.generation(here.url), here.path))
      assert.is_true(result.resumed)
      assert.same({}, here.server:requests(0))
    end)

    it("under another boot goes on from what was synced", function()
      leave(1000, { synced = 300, boot_id = "another" })
      -- What the disk had not got yet reads as zeros.
      media.write(here.path .. ".part", body:sub(1, 300) .. ("\0"):rep(700))
      is_done(here.fetch { once(partial(300)) })
      assert.equal("bytes=300-", here.ranges(1))
    end)

    it("is begun again if it is another's or cannot be read", function()
      for _, note in ipairs { { id = "g2" }, { etag = false },
          { total = 10 } } do
        leave(1000, note)
        is_done(here.fetch { once(partial(0)) })
        assert.equal("bytes=0-", here.ranges(1))
        here.stop()
        os.remove(here.path)
      end
      for _, text in ipairs { "", "{", "[]", '{"id":1}' } do
        leave(1000)
        media.write(here.path .. ".part.json", text)
        is_done(here.fetch { once(partial(0)) })
        here.stop()
        os.remove(here.path)
      end
    end)
  end)

  describe("that goes on", function()
    -- The responses, and the ranges that are asked for.
    local xml = { ["Content-Type"] = "application/xml" }
    local gone = media.answer(416, { ["Content-Range"] = "bytes */4096",
      ["Content-Type"] = "application/xml" }, "<Error/>")
    local rows = {
      { "a 200 in place of a 206", { media.whole() }, "bytes=1000-" },
      { "the 200 of another file", { media.whole { ETag = '"v2"' } },
        "bytes=1000-" },
      { "a chunked 200", { media.chunked() }, "bytes=1000-" },
      { "another start", { partial(900), partial(0) },
        "bytes=1000- bytes=0-" },
      { "the start", { partial(0), partial(0) }, "bytes=1000- bytes=0-" },
      { "another total", { partial(1000, { ["Content-Range"] =
          "bytes 1000-4095/5000" }), partial(0) }, "bytes=1000- bytes=0-" },
      { "another tag", { partial(1000, { ETag = '"v2"' }, media.other),
          partial(0) }, "bytes=1000- bytes=0-" },
      { "a weak tag", { partial(1000, { ETag = 'W/"v1"' }), partial(0) },
        "bytes=1000- bytes=0-" },
      { "no tag", { partial(1000, { ETag = false }), partial(0) },
        "bytes=1000- bytes=0-" },
      { "gzip on a 206", { partial(1000, { ["Content-Encoding"] = "gzip" }),
          partial(0) }, "bytes=1000- bytes=0-" },
      { "412", { media.answer(412), partial(0) }, "bytes=1000- bytes=0-" },
      { "416 with another total", { media.answer(416,
          { ["Content-Range"] = "bytes */900" }), partial(0) },
        "bytes=1000- bytes=0-" },
      { "416 without a total, and a longer file", { media.answer(416),
          partial(0, { ["Content-Range"] = "bytes 0-0/4096",
                       ["Content-Length"] = "1" }), partial(0) },
        "bytes=1000- bytes=0-0 bytes=0-" },
      { "less than was asked for", { partial(1000, {
          ["Content-Range"] = "bytes 1000-1999/4096",
          ["Content-Length"] = "1000" }, body:sub(1, 2000)), partial(2000) },
        "bytes=1000- bytes=2000-" },
      { "an end without a length", { partial(1000,
          { ["Content-Length"] = false }, body:sub(1, 2000))
            :gsub("1000%-1999/2000", "1000-4095/4096"), partial(2000) },
        "bytes=1000- bytes=2000-" },
    }
    for _, row in ipairs(rows) do
      it("gets the right file after " .. row[1], function()
        leave(1000)
        local script = {}
        for i, text in ipairs(row[2]) do script[i] = once(text) end
        local result = is_done(here.fetch(script))
        assert.equal(row[3], here.ranges(#row[2]))
        -- What was there before the last request is of use, or it is not.
        assert.equal(row[3]:find " bytes=2000%-$" ~= nil, result.resumed)
      end)
    end

    it("is done after 416 if the total is unknown until then", function()
      for _, texts in ipairs { { gone }, { media.answer(416, xml),
          partial(0, { ["Content-Range"] = "bytes 0-0/4096",
                       ["Content-Length"] = "1" }) },
          { media.answer(416, xml), media.whole() } } do
        leave(#body, { total = false })
        local script = {}
        for i, text in ipairs(texts) do script[i] = once(text) end
        assert.equal("video/mp4", is_done(here.fetch(script)).type)
        here.stop()
        os.remove(here.path)
      end
    end)

    it("does not loop on a server that always sends something else",
      function()
        for _, text in ipairs { partial(900), media.answer(412),
            partial(1000, { ETag = '"v2"' }) } do
          leave(1000)
          local loop = once(text)
          local script = { loop = true, loop }
          local none, err = here.fetch(script)
          assert.is_nil(none)
          assert.is_true(#here.server:requests() <= 5, #here.server:requests())
          assert.is_true(err.kind == "protocol" or err.kind == "api", err.kind)
          here.stop()
        end
        -- A file that changes with each request.
        leave(1000)
        local script = {}
        for i = 1, 9 do
          script[i] = media.cut(media.whole { ETag = '"n' .. i .. '"' }, 10)
        end
        local none, err = here.fetch(script)
        assert.is_nil(none)
        assert.equal("protocol", err.kind)
        assert.matches("another one each time", err.message)
        assert.equal(5, #here.server:requests() + 1)
      end)
  end)

  it("refuses what is no file of this kind", function()
    local rows = {
      [media.whole { ["Content-Length"] = "0" }:gsub("\r\n\r\n.*",
        "\r\n\r\n")] = "the file is empty",
      [media.answer(416, { ["Content-Range"] = "bytes */0" })] =
        "the file is empty",
      [media.chunked({}, "")] = "the file is empty",
      [media.whole { ["Content-Encoding"] = "gzip" }] =
        'is encoded as "gzip", which was not asked for',
      [partial(0, { ["Content-Encoding"] = "gzip" })] =
        'is encoded as "gzip", which was not asked for',
      [partial(5)] = "other bytes of the file than were asked for",
      [media.whole { ["Content-Type"] = "text/html; charset=utf-8" }] =
        "expected a file, got text/html (200).",
      [media.answer(201, { ["Content-Type"] = "video/mp4" }, body)] =
        "expected a file, got video/mp4 (201).",
      [media.answer(204, { ["Content-Length"] = false })] =
        "expected a file, got no content type (204)",
      [media.answer(302)] = "302, a status that this API does not have",
    }
    for text, sentence in pairs(rows) do
      local none, err = here.fetch { once(text) }
      assert.is_nil(none)
      assert.equal("protocol", err.kind, sentence)
      assert.is_truthy(tostring(err):find(sentence, 1, true), tostring(err))
      assert.equal("", here.names())
      assert.equal(1, #here.server:requests())
      here.stop()
    end
  end)

  it("keeps nothing if more comes than the file has", function()
    for _, at in ipairs { 1, #body } do
      local cut = ("%x\r\n%s\r\n"):format(at, body:sub(1, at))
      local head = partial(0, { ["Content-Length"] = false,
        ["Transfer-Encoding"] = "chunked",
        ["Content-Range"] = ("bytes 0-%d/%d"):format(at - 1, at) })
        :match "^.-\r\n\r\n"
      local none, err = here.fetch { { { read = true }, { send = head .. cut },
        { stall = 0.05 }, { send = "1\r\nx\r\n0\r\n\r\n" } } }
      assert.is_nil(none)
      assert.equal("protocol", err.kind)
      assert.matches("other bytes of the file", err.message)
      assert.equal("", here.names())
      here.stop()
    end
  end)

  -- ---- Addresses ----

  describe("of an address that has expired", function()
    local function fresh(name)
      return once(scripted.response(200, service.generation("g1", "COMPLETED",
        ',"outputUrl":"' .. here.url:gsub("/o%.mp4.*", "/" .. name) .. '"'),
        { Connection = "close" }))
    end

    -- Picks by the path: /o.mp4 answers with the first texts, /new with others.
    local function serve(old, new)
      local script = { pick = true }
      local function add(path, texts)
        for _, each in ipairs(texts) do
          table.remove(each, 1)  -- the request is read already
          each.when, each.times = "GET " .. path, 1
          script[#script + 1] = each
        end
      end
      add("/o.mp4", old)
      add("/new", new)
      -- The port is known only now, so the service is another server.
      here.server = scripted.start(script)
      here.url = here.server.base_url .. "/o.mp4?sig=1"
      here.api = scripted.start { fresh "new?sig=2", fresh "new?sig=3",
                                  loop = true }
      here.client = service.client(here.api.base_url)
      return here.client.generations:download(media.generation(here.url),
        here.path)
    end

    after_each(function()
      if here.api then here.api:stop() end
      here.api = nil
    end)

    for _, status in ipairs { 403, 404, 410 } do
      it(("asks for another after %d"):format(status), function()
        is_done(serve({ once(media.answer(status)) }, { once(partial(0)) }))
        assert.equal(1, #here.api:requests())
        assert.equal("/new?sig=2", here.server:requests(2)[2].target)
      end)

      it(("ends at the second %d"):format(status), function()
        local none, err = serve({ once(media.answer(status)) },
          { once(media.answer(status, {}, "<Error/>")) })
        assert.is_nil(none)
        assert.equal(status, err.statusCode)
        assert.equal(1, #here.api:requests())
        assert.equal(2, #here.server:requests())
        assert.is_nil(tostring(err):find("sig", 1, true))
      end)
    end

    it("in the middle goes on with another", function()
      is_done(serve({ media.cut(partial(0), 1000), once(media.answer(403)) },
        { once(partial(1000)) }))
      assert.equal("bytes=0- bytes=1000- bytes=1000-", here.ranges(3))
    end)
  end)

  describe("follows redirects", function()
    local function to(place, status)
      return once(media.answer(status or 302, { Location = place }))
    end

    it("of all kinds, with the range and without the key", function()
      here.start { to("/a/b?x=1", 301), to("c", 302), to("?y=2", 303),
                   to("/d e", 307), to("/d%20e", 308), once(partial(0)) }
      is_done(here.client.generations:download(media.generation(here.url),
        here.path))
      local seen = here.server:requests(6)
      local targets = {}
      for i, request in ipairs(seen) do
        targets[i] = request.target
        assert.equal("bytes=0-", request.headers.range)
        assert.is_nil(request.headers["x-api-key"])
      end
      assert.same({ "/o.mp4?sig=5ec3e7f0a1", "/a/b?x=1", "/a/c", "/a/c?y=2",
                    "/d%20e", "/d%20e" }, targets)
    end)

    it("five times at most", function()
      here.start { loop = true, to "/again" }
      local none, err = here.client.generations:download(
        media.generation(here.url), here.path)
      assert.is_nil(none)
      assert.equal("protocol", err.kind)
      assert.equal("download generation g1: more than 5 redirects one after "
        .. "the other.", tostring(err))
      assert.equal(6, #here.server:requests())
    end)

    it("nowhere else than an output may be", function()
      for place, reason in pairs {
          ["https://10.0.0.1/x"] = "10.0.0.1 has an address that is not public",
          ["https://169.254.169.254/latest?k=5ec3e7f0a1"] =
            "169.254.169.254 has an address that is not public",
          ["http://192.168.0.1:81/x"] = "http: is refused for 192.168.0.1:81",
          ["https://[::ffff:7f00:1]/"] = "[::ffff:7f00:1] has an address",
          ["ftp://127.0.0.1/x"] = "the address is not https://host",
          ["file:///etc/passwd"] = "the address is not https://host",
          ["https://u:p@127.0.0.1/"] = "the address is not https://host",
          } do
        here.start { to(place) }
        local none, err = here.client.generations:download(
          media.generation(here.url), here.path)
        assert.is_nil(none)
        assert.equal("invalid", err.kind)
        assert.is_truthy(tostring(err):find(reason, 1, true), tostring(err))
        assert.is_nil(tostring(err):find("5ec3e7f0a1", 1, true))
        assert.equal(1, #here.server:requests())
        here.stop()
      end
    end)
  end)

  it("goes to no address of this machine for a service elsewhere", function()
    here.server = scripted.start { loop = true, once(partial(0)) }
    here.client = service.client "https://api.invalid"
    local url = here.server.base_url .. "/o.mp4"
    for _, address in ipairs { url, (url:gsub("^http", "https")),
        (url:gsub("127.0.0.1", "localhost")), "gopher://127.0.0.1/", "x",
        "/o.mp4" } do
      local none, err = here.client.generations:download(
        media.generation(address), here.path)
      assert.is_nil(none)
      assert.equal("invalid", err.kind, address)
    end
    assert.same({}, here.server:connections(0))
    assert.equal("", here.names())
  end)

  it("shows no query of an address anywhere", function()
    local events, secret = {}, "5ec3e7f0a1"
    here.start({ once(media.answer(302, { Location = "/m?k=5ec3e7f0a1" })),
      once(media.answer(400, { ["X-Request-Id"] = "sig=5ec3e7f0a1" },
        "<Error>/m?k=5ec3e7f0a1 5ec3e7f0a1</Error>")) },
      { on_event = function(event)
        for _, value in pairs(event) do
          events[#events + 1] = tostring(value)
        end
      end })
    local _, err = here.client.generations:download(
      media.generation(here.url), here.path)
    assert.equal(400, err.statusCode)
    assert.equal(here.server.base_url .. "/m", err.path)
    assert.is_nil(table.concat(events, "\n"):find(secret, 1, true))
    for name, value in pairs(err) do
      if name ~= "generation" then
        assert.is_nil(tostring(value):find(secret, 1, true), name)
      end
    end
    assert.is_nil(tostring(err):find(secret, 1, true))
  end)

  -- ---- The disk ----

  describe("whose target exists", function()
    it("is refused before any request", function()
      media.write(here.path, "mine")
      here.start { {} }
      local none, err = here.client.generations:download(
        media.generation(here.url), here.path)
      assert.is_nil(none)
      assert.equal("file", err.kind)
      assert.equal(here.path, err.path)
      assert.equal('download generation g1: "' .. here.path
        .. '" exists already.', tostring(err))
      assert.equal("mine", media.read(here.path))
      none, err = here.client.generations:download(media.generation(here.url),
        here.path, { if_exists = "refuse" })
      assert.is_nil(none)
      assert.matches("exists already%.$", tostring(err))
      assert.same({}, here.server:connections(0))
    end)

    it("is refused if it appeared meanwhile; all of the part stays", function()
      here.start { once(partial(0)) }
      local none, err = here.client.generations:download(
        media.generation(here.url), here.path,
        { on_progress = function() media.write(here.path, "mine") end })
      assert.is_nil(none)
      assert.equal("file", err.kind)
      assert.equal("mine", media.read(here.path))
      is_done(here.client.generations:download(media.generation(here.url),
        here.path, { if_exists = "overwrite" }))
    end)

    it("is overwritten at the end only", function()
      media.write(here.path, "mine")
      here.start { media.cut(partial(0), 1000), once(partial(1000)) }
      is_done(here.client.generations:download(media.generation(here.url),
        here.path, { if_exists = "overwrite", on_progress = function(n)
          if n < #body then assert.equal("mine", media.read(here.path)) end
        end }))
    end)

    it("is kept if it is as long", function()
      media.write(here.path, body)
      for _, text in ipairs { media.whole(), partial(0, { ["Content-Range"] =
          "bytes 0-0/4096", ["Content-Length"] = "1" }) } do
        local result = is_done(here.fetch({ once(text) },
          { if_exists = "keep" }))
        assert.same({ path = here.path, bytes = #body, resumed = false,
                      existing = true, type = "video/mp4" }, result)
        assert.equal("bytes=0-0", here.ranges(1))
        here.stop()
      end
      media.write(here.path, "mine")
      local none, err = here.fetch({ once(media.whole()) },
        { if_exists = "keep" })
      assert.is_nil(none)
      assert.matches("exists already, and has another length", err.message)
      assert.equal("mine", media.read(here.path))
    end)

    it("is a folder or no file", function()
      local refused = { [here.folder .. "/"] = "is a folder" }
      if package.config:sub(1, 1) == "/" then  -- a system that has it
        refused["/dev/null"] = "is no regular file"
      end
      for path, words in pairs(refused) do
        media.shell("mkdir -p " .. here.folder .. "/g1.mp4")
        here.start { {} }
        local none, err = here.client.generations:download(
          media.generation(here.url), path)
        assert.is_nil(none)
        assert.equal("file", err.kind)
        assert.is_truthy(err.message:find(words, 1, true), err.message)
        assert.same({}, here.server:connections(0))
        here.stop()
      end
    end)
  end)

  it("into a folder takes a safe name", function()
    local rows = {
      { ',"outputFileName":"episode-12"', "/o.mp4", "episode-12.mp4" },
      { ',"outputFileName":"a/../b"', "/o.wav?x=.mp4", "a_.._b.wav" },
      { ',"outputFileName":"clip.mov"', "/o.mp4", "clip.mov" },
      { ',"outputFileName":".."', "/o.mp4", "g1.mp4" },
      { ',"outputFileName":"nul"', "/o.mp4", "_nul.mp4" },
      { ',"outputFileName":"a\\u0000b"', "/o.mp4", "a_b.mp4" },
      { ',"outputFileName":null', "/o.mp4", "g1.mp4" },
      { "", "/o.mp4", "g1.mp4" },
      { "", "/o", "g1.mp4" },  -- by its type
    }
    for _, row in ipairs(rows) do
      here.start { once(partial(0)) }
      local result = assert(here.client.generations:download(
        media.generation(here.server.base_url .. row[2], row[1]),
        here.folder .. "/"))
      assert.equal(here.folder .. "/" .. row[3], result.path)
      assert.equal(row[3], here.names())
      os.remove(result.path)
      here.stop()
    end
    here.start { once(partial(0)) }
    local result = assert(here.client.generations:download(
      media.generation(here.url, ',"outputFileName":"'
        .. ("x"):rep(300) .. '"'), here.folder))
    assert.is_true(#result.path:match "[^/]*$" <= 255)
  end)

  describe("whose ending only the response says", function()
    local target

    before_each(function() target = here.folder .. "/g1.mp4" end)

    local function fetch(script, options)
      here.start(script)
      return here.client.generations:download(
        media.generation(here.server.base_url .. "/o"), here.folder, options)
    end

    it("keeps the file that is there, if it is as long", function()
      media.write(target, body)
      local result = assert(fetch({ once(partial(0)) },
        { if_exists = "keep" }))
      assert.same({ path = target, bytes = #body, resumed = false,
                    existing = true, type = "video/mp4" }, result)
      assert.equal("g1.mp4", here.names())
      here.stop()
      media.write(target, "mine")
      local none, err = fetch({ once(partial(0)) }, { if_exists = "keep" })
      assert.is_nil(none)
      assert.matches("exists already, and has another length", err.message)
      assert.equal("mine", media.read(target))
      assert.equal("g1.mp4", here.names())
    end)

    it("gets it although all of it is in the part", function()
      for _, row in ipairs { { #body, #body }, { 1, 1 }, { #body } } do
        local size = row[1]
        local own = body:sub(1, size)
        media.write(here.folder .. "/g1.part", own)
        media.write(here.folder .. "/g1.part.json", core.encode { id = "g1",
          etag = media.etag, total = row[2], synced = size,
          boot_id = file.boot_id() })
        local result = assert(fetch { once(partial(size - 1, nil, own)) })
        assert.equal(target, result.path)
        assert.equal(("bytes=%d-"):format(size - 1), here.ranges(1))
        assert.is_true(own == media.read(target))
        assert.equal("g1.mp4", here.names())
        os.remove(target)
        here.stop()
      end
    end)
  end)

  it("is no file error where the path cannot be", function()
    here.start { {} }
    for path, reason in pairs {
        [here.folder .. "/no/x.mp4"] = "there is no folder for",
        [here.folder .. "/no/"] = "there is no folder for",
        [here.folder .. "/" .. ("x"):rep(300)] = "the name is too long" } do
      local none, err = here.client.generations:download(
        media.generation(here.url), path)
      assert.is_nil(none)
      assert.equal("file", err.kind)
      assert.is_truthy(tostring(err):find(reason, 1, true), tostring(err))
    end
    local none, err = here.client.generations:download(
      media.generation(here.url), here.folder .. "/a\0b")
    assert.is_nil(none)
    assert.equal("invalid", err.kind)
    assert.same({}, here.server:connections(0))
    for _, path in ipairs { "", 5, {} } do
      assert.has_error(function()
        here.client.generations:download("g1", path)
      end)
    end
    assert.has_error(function()
      here.client.generations:download("g1", "x", { if_exists = "ask" })
    end)
  end)

  -- Downloads in a program that may write no file longer than `blocks` of 512
  -- bytes.
  local function with_limit(blocks)
    return media.shell(([[trap "" XFSZ; ulimit -f %d; %s -e '
      package.path, package.cpath = "%s", "%s"
      local media = require "spec.support.media"
      local client = require "lipsync".new { api_key = "k", base_url = "%s" }
      local none, err = client.generations:download(
        media.generation "%s", "%s")
      print(none, err.kind, err.path, err.os_error, err)' 2>&1]])
      :format(blocks, program.vm, package.path, package.cpath,
        here.server.base_url, here.url, here.path))
  end

  it("keeps the part when the disk takes no more, at any write", function()
    for _, blocks in ipairs { 0, 1, 4, 7 } do
      local size = blocks * 512
      here.start { once(partial(0)), once(partial(size)) }
      assert.matches(
        "^nil%s+file%s+%S+out.mp4.part%s+%d+%s.*too large a file",
        with_limit(blocks))
      -- What nothing is in is of no use.
      assert.equal(size > 0 and size or nil,
        size > 0 and #media.read(here.path .. ".part")
          or file.info(here.path .. ".part"))
      is_done(here.client.generations:download(media.generation(here.url),
        here.path))
      assert.equal(("bytes=0- bytes=%d-"):format(size), here.ranges(2))
      here.stop()
      os.remove(here.path)
    end
  end)

  -- As slow_disk.c has it, a step that waited for the disk would fail.
  it("waits for no disk in a step", function()
    assert.same({ "true\ttrue\n", true }, { program.run_text(([[
      local lipsync, file = require "lipsync", require "lipsync.file"
      local client, folder = lipsync.new(), "%s"
      local asked, asks = folder .. "/asked", 0
      local list = client.generations:list { status = "COMPLETED", limit = 1 }
      local generation = lipsync.assert(list:next())
      client:spawn(function()
        lipsync.assert(generation:download(folder .. "/out.mp4"))
      end)
      while client:pending() > 0 do
        client:step(0.002)
        if file.info(asked) then
          asks = asks + 1
          io.open(folder .. "/go", "w"):close()
          while file.info(folder .. "/go") do end
        end
      end
      print(asks >= 2, file.info(folder .. "/out.mp4").size > 0)]])
      :format(here.folder), "--generations 20",
      ("env LD_PRELOAD=\"$LD_PRELOAD build/slow_disk.so\" SLOW_DISK=%s ")
      :format(here.folder)) })
  end)

  it("begins by as many steps as it takes without time", function()
    here.start { once(partial(0)) }
    local generation, result = media.generation(here.url), nil
    here.client:spawn(function()
      result = here.client.generations:download(generation, here.path)
    end)
    local to_part, to_request, steps = nil, nil, 0
    while not result do
      here.client:step(0)
      steps = steps + 1
      to_part = to_part or file.info(here.path .. ".part") and steps
      to_request = to_request or here.server:connections(0)[1] and steps
    end
    is_done(result)
    assert.is_true(to_part > 2 and to_request > to_part)
  end)

  it("of the same file by another is told or waited for", function()
    here.start { { { read = true }, { send = partial(0):sub(1, 1000) },
                   { stall = 0.2 }, { send = partial(0):sub(1001) } },
                 once(partial(0)) }
    local generation = media.generation(here.url)
    local first, told, waited
    here.client:spawn(function()
      first = here.client.generations:download(generation, here.path)
    end)
    here.client:spawn(function()
      here.client:sleep(0.02)
      told = select(2, here.client.generations:download(generation, here.path))
    end)
    here.client:spawn(function()
      here.client:sleep(0.02)
      waited = here.client.generations:download(generation, here.path,
        { timeout = 10, if_exists = "overwrite" })
    end)
    here.client:run()
    assert.is_truthy(first)
    assert.equal("file", told.kind)
    assert.matches("is being written by", told.message)
    assert.is_truthy(waited)
    is_done(waited)
  end)

  it("looks again whether the file is there, after such a wait", function()
    here.start { { { read = true }, { send = partial(0):sub(1, 1000) },
                   { stall = 0.2 }, { send = partial(0):sub(1001) } },
                 once(partial(0, { ["Content-Range"] = "bytes 0-0/4096",
                                   ["Content-Length"] = "1" })) }
    local generation = media.generation(here.url)
    local kept, refused
    here.client:spawn(function()
      here.client.generations:download(generation, here.path)
    end)
    here.client:spawn(function()
      here.client:sleep(0.02)
      kept = here.client.generations:download(generation, here.path,
        { timeout = 10, if_exists = "keep" })
    end)
    here.client:spawn(function()
      here.client:sleep(0.02)
      refused = select(2, here.client.generations:download(generation,
        here.path, { timeout = 10 }))
    end)
    here.client:run()
    assert.is_true(is_done(kept).existing)
    assert.matches("exists already%.$", tostring(refused))
    assert.equal("bytes=0- bytes=0-0", here.ranges(2))
    assert.equal(2, #here.server:requests())
  end)

  it("waits for a part that another has, as long as the caller says", function()
    here.start { once(partial(0)) }
    local held = assert(file.open(here.path .. ".part", "edit"))
    assert.is_true(held:lock())
    local function fetch(timeout)
      return here.client.generations:download(media.generation(here.url),
        here.path, { timeout = timeout })
    end
    for _, timeout in ipairs { false, 0.05 } do
      local none, err = fetch(timeout or nil)
      assert.is_nil(none)
      assert.equal("file", err.kind)
      assert.matches('out%.mp4%.part" is being written by ', err.message)
    end
    assert.equal(0, #here.server:connections())
    local done
    here.client:spawn(function() done = is_done(fetch(60)) end)
    here.client:spawn(function()
      here.client:sleep(0.02)
      held:close()
    end)
    here.client:run()
    assert.is_truthy(done)
  end)

  it("says that there is no folder for its part", function()
    local none, err = here.fetch({}, nil, here.folder .. "/none/out.mp4")
    assert.is_nil(none)
    assert.equal("file", err.kind)
    assert.matches("^there is no folder for .*out%.mp4%.part", err.message)
  end)

  -- One that the test drives itself.
  local function prepare(options)
    return download.new(here.client, { id = "t1", action = "download thing",
      noun = "thing", object = { id = "t1" },
      read = function() return here.url end,
      name = function() return nil end }, here.path, options or {})
  end

  it("ends from outside, and leaves nothing open", function()
    for _, kind in ipairs { "canceled", "closed" } do
      here.start { { { read = true }, { hold = true } } }
      local this = prepare()
      assert.is_false(this:advance())
      local target = this:wants()
      assert.is_false(target:ready())
      assert.equal("out.mp4.part", here.names())
      if kind == "closed" then here.client:close() else this:cancel() end
      assert.is_true(this:advance())
      assert.is_true(this:advance())
      assert.is_nil(this.value)
      assert.equal(kind, this.err.kind)
      assert.equal("t1", this.err.thing.id)
      assert.matches("^download thing t1: the c", tostring(this.err))
      assert.equal("", here.names())
      assert.is_nil(next(this.runtime.transfers.taken))
      here.stop()
    end
  end)

  it("waits for its turn as long as it may", function()
    here.start({}, { max_transfers = 1 })
    here.client.options.host = function() end
    local slots, other = here.client:runtime().transfers, {}
    assert.is_true(slots:take(other, core.now()))
    local this = prepare { timeout = 10 }
    assert.is_false(this:advance())
    local target, seconds = this:wants()
    assert.is_false(target:ready())
    assert.is_true(seconds > 0 and seconds <= 10)
    this.clock:add(0, 9.5)
    assert.is_false(this:advance())
    local woken = 0
    target = this:wants()
    here.client:runtime().waiters:subscribe(target, { wake = function()
      woken = woken + 1
    end })
    slots:release(other)
    assert.equal(1, woken)
    assert.is_true(target:ready())
    other.blocks = true  -- it goes first
    assert.is_true(slots:take(other, core.now()))
    assert.is_false(target:ready())
    this.clock:add(9.5, 10)
    assert.is_true(this:advance())
    assert.equal("download thing t1: 10 s have passed (timeout), waiting for "
      .. "one of 1 connection (max_transfers).", tostring(this.err))
    assert.equal("", here.names())
  end)

  it("ends from outside while it waits for its turn", function()
    here.start({}, { max_transfers = 1 })
    here.client.options.host = function() end
    local slots, other = here.client:runtime().transfers, {}
    assert.is_true(slots:take(other, core.now()))
    local this = prepare()
    assert.is_false(this:advance())
    local target = this:wants()
    this:cancel()
    assert.is_true(target:ready())
    assert.is_true(this:advance())
    assert.equal("canceled", this.err.kind)
    assert.is_nil(this.place)
    slots:release(other)
  end)

  it("looks now and then whether another has let go of the part", function()
    here.start {}
    local held = assert(file.open(here.path .. ".part", "edit"))
    assert.is_true(held:lock())
    local this = prepare { timeout = 10 }
    assert.is_false(this:advance())
    local target, seconds = this:wants()
    assert.is_false(target:ready())
    assert.is_true(seconds > 0 and seconds <= 0.25)
    assert.equal(0.25, target.nap)
    this.clock:add(0, 9.5)
    assert.is_false(this:advance())
    this.clock:add(9.5, 10)
    assert.is_true(this:advance())
    assert.matches("is being written by", this.err.message)
    held:close()
  end)

  it("needs no slot of max_in_flight", function()
    here.start({ { { read = true }, { hold = true } }, once(partial(0)) },
      { max_in_flight = 1 })
    local generation, result = media.generation(here.url), nil
    local counts = here.client:spawn(function()
      here.client.generations:count()
    end)
    local deadline = core.now() + 10
    while #here.server:requests(0) < 1 and core.now() < deadline do
      here.client:step(0.01)
    end
    here.client:spawn(function()
      result = here.client.generations:download(generation, here.path)
    end)
    while not result and core.now() < deadline do here.client:step(0.01) end
    counts:cancel()
    is_done(result)
  end)

  it("has the type that its server says, or that of its name", function()
    local result = is_done(here.fetch { once(partial(0,
      { ["Content-Type"] = "audio/wav; x=1" })) })
    assert.equal("audio/wav", result.type)
    here.stop()
    os.remove(here.path)
    result = is_done(here.fetch { once(partial(0,
      { ["Content-Type"] = false })) })
    assert.equal("video/mp4", result.type)
  end)

  it("counts in max_transfers, and not in max_in_flight", function()
    local slow = { { read = true }, { send = partial(0):sub(1, 300) },
                   { stall = 0.1 }, { send = partial(0):sub(301) },
                   { close = true } }
    here.start({ slow, slow, slow, slow }, { max_transfers = 2,
                                             max_in_flight = 1 })
    local most, now, done = 0, 0, 0
    for i = 1, 4 do
      here.client:spawn(function()
        assert(here.client.generations:download(media.generation(here.url),
          here.folder .. "/" .. i, { on_progress = function(n)
            if n < #body then now = now + 1 end
            most = math.max(most, now)
          end }))
        now, done = now - 1, done + 1
      end)
    end
    here.client:run()
    assert.equal(4, done)
    assert.is_true(most <= 2, most)
  end)
end)
