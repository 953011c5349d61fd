-- SPDX-License-Identifier: MIT
-- The contents and the target of a request.

local http = require "lipsync.http"
local scripted = require "spec.support.scripted"
local transfers = require "spec.support.transfers"

local function ok(body)
  return scripted.response(200, body or "{}", { Connection = "close" })
end

describe("a header of the caller's", function()
  it("is told why it cannot be sent", function()
    for _, case in ipairs { { "X-A", "b" }, { "x", "" }, { "a!~", "\t \200" },
        { "", "b", "name" }, { "a b", "b", "name" }, { "a:", "b", "name" },
        { "a\0", "b", "name" }, { "host\0", "b", "name" },
        { "X-API-Key", "b", "key" }, { "x-api-key", "\n", "key" },
        { "Host", "b", "reserved" }, { "TE", "\n", "reserved" },
        { "X-A", "\n", "value" }, { "X-A", "a\0", "value" },
        { "X-A", "\127", "value" }, { "X-A", "\31", "value" } } do
      assert.equal(case[3], http.check_header(case[1], case[2]), case[1])
      assert.equal(1, select("#", http.check_header(case[1], case[2])))
    end
    assert.has_error(function() http.check_header "X-A" end)
    assert.has_error(function() http.check_header(nil, "b") end)
  end)
end)

describe("a request", function()
  local server, session

  local function serve(script, more)
    server = scripted.start(script)
    session = transfers.session(server.base_url, more)
  end

  after_each(function()
    if session then session:close() end
    server:stop()
    session = nil
  end)

  local function refused(request)
    local transfer, failure = transfers.start(session, request)
    assert.is_nil(transfer)
    return failure.code
  end

  it("carries path and query unchanged after base_url's path",
    function()
      server = scripted.start { { { read = true }, { send = ok() } },
                                loop = true }
      session = transfers.session(server.base_url .. "/pre")
      for i, case in ipairs {
          { "/a/../b//c", nil, "/pre/a/../b//c" },
          { "/a", "x=%20&y=/?{}", "/pre/a?x=%20&y=/?{}" },
          { "/a", "", "/pre/a" }, { "/a?b", nil, "/pre/a?b" } } do
        local transfer = assert(transfers.start(session,
          { path = case[1], query = case[2] }))
        assert.equal("{}", (transfers.read(session, transfer)))
        assert.equal(case[3], server:requests(i)[i].target)
      end
    end)

  it("carries its method, type and idempotency key", function()
    serve { { { read = true }, { send = ok() } }, loop = true }
    for i, case in ipairs { { "GET" }, { "POST" }, { "PUT" }, { "PATCH" },
        { "DELETE" }, { "HEAD" }, { "OPTIONS" },
        { "POST", "text/x", "key-1", "body" }, { "GET", nil, "k" } } do
      local transfer = assert(session:start(nil, case[1], "/", nil, true, nil,
        case[3], case[4], case[2]))
      local body = transfers.read(session, transfer)
      assert.equal(case[1] == "HEAD" and "" or "{}", body)
      local seen = server:requests(i)[i]
      assert.equal(case[1], seen.method)
      assert.equal(case[2], seen.headers["content-type"])
      assert.equal(case[3], seen.headers["idempotency-key"])
      assert.equal(case[4] or "", seen.body)
    end
  end)

  it("has a method, a path, and known members", function()
    serve { {} }
    for _, call in ipairs { { nil, "/" }, { "GET" }, { 5, "/" },
        { "GET", {} } } do
      assert.has_error(function() session:start(nil, call[1], call[2]) end)
    end
    local function start(more)
      return session:start(nil, "GET", "/", nil, false, nil, nil, nil, nil,
        more)
    end
    for _, more in ipairs { "chunks", 5, { mode = "other" }, { mode = 5 } } do
      assert.has_error(function() start(more) end)
    end
    assert.has_error(function()
      session:start(nil, "GET", "/", nil, false, { 1 })
    end, "headers must map strings to strings")
    assert.has_error(function()
      session:start(nil, "POST", "/", nil, false, nil, nil, {})
    end)
    -- What C would cut at its NUL is refused.
    assert.equal("path_malformed", refused { path = "/a\0b" })
    assert.equal("path_malformed", refused { query = "a\0b" })
    assert.equal("origin_malformed", refused { origin = "https://h\0" })
    assert.equal("header_malformed", refused { idempotency_key = "a\0b" })
    assert.equal("header_malformed", refused { idempotency_key = "a\n" })
    assert.equal("header_malformed", refused { content_type = "a\nb",
      method = "POST", body = "x" })
    assert.same({}, server:requests(0))
  end)

  it("may hold bytes of any value up to the last of ASCII", function()
    serve { { { read = true }, { send = ok() } }, loop = true }
    assert.equal("path_malformed", refused { path = "/\127" })
    assert.equal("path_malformed", refused { path = "/\31" })
    local transfer = assert(transfers.start(session, { path = "/!~", query =
      "!~" }))
    assert.equal("{}", (transfers.read(session, transfer)))
    assert.equal("/!~?!~", server:requests(1)[1].target)
  end)

  it("is refused if it cannot be sent", function()
    serve { {} }
    for _, path in ipairs { "", "a", "/a b", "/a\nb", "/a#b", "/\195\164" } do
      assert.equal("path_malformed", refused { path = path })
      assert.equal("path_malformed", refused { query = "/" .. path .. "#" })
    end
    local long = ("a"):rep(20e6)
    assert.equal("path_long", refused { path = "/" .. long })
    assert.equal("path_long", refused { query = long })
    for _, origin in ipairs { "", "x", "ftp://x", "https://u@x", "https://x/a",
        "https://x?a", "https://x#a", "https:///", "https://x y" } do
      assert.equal("origin_malformed", refused { origin = origin })
    end
    assert.same({}, server:requests(0))
  end)

  describe("to another origin", function()
    local other
    local canaries = { "canary-key", "canary-header", "canary-agent" }

    local function serve_both(script)
      other = scripted.start(script)
      serve({ { { read = true }, { send = ok() } }, loop = true }, {
        api_key = "canary-key-0123456789",
        headers = { ["X-Canary"] = "canary-header", Cookie = "canary-header" },
        user_agent = "lipsync/1 canary-agent", bare_agent = "lipsync/1",
      })
    end

    after_each(function() other:stop() end)

    it("carries nothing of the session", function()
      serve_both { { { read = true }, { send = ok() } }, loop = true }
      for i, more in ipairs { {}, { mode = "chunks" }, { mode = "objects" },
          { method = "DELETE" }, { key = false } } do
        more.origin, more.path = other.base_url, "/media/a.mp4"
        more.query = "sig=abc"
        local transfer = assert(transfers.start(session, more))
        while not transfer:done() do session:poll(1) end
        assert.equal(200, transfer:status())
        local seen = other:requests(i)[i]
        assert.equal("/media/a.mp4?sig=abc", seen.target)
        assert.same({ host = "127.0.0.1:" .. other.port,
          ["user-agent"] = "lipsync/1", ["accept-encoding"] = "identity" },
          seen.headers)
        for _, canary in ipairs(canaries) do
          assert.is_nil(seen.head:find(canary, 1, true))
        end
      end
      assert.same({}, server:requests(0))
    end)

    it("carries exactly the headers given", function()
      serve_both { { { read = true }, { send = ok() } } }
      local transfer = assert(transfers.start(session, {
        origin = other.base_url, headers = { Accept = "video/*",
          Range = "bytes=5-", ["x-amz-meta-a"] = "b" } }))
      assert.equal("{}", (transfers.read(session, transfer)))
      assert.same({ host = "127.0.0.1:" .. other.port, accept = "video/*",
        range = "bytes=5-", ["x-amz-meta-a"] = "b",
        ["user-agent"] = "lipsync/1", ["accept-encoding"] = "identity" },
        other:requests(1)[1].headers)
    end)

    it("cannot carry a header with the key either", function()
      serve_both { {} }
      assert.equal("header_reserved", refused { origin = other.base_url,
        headers = { ["X-API-Key"] = "x" } })
    end)

    it("leaves nothing for the next request", function()
      serve_both { { { read = true }, { send = ok() } }, loop = true }
      for i = 1, 3 do
        for _, origin in ipairs { false, other.base_url } do
          local transfer = assert(transfers.start(session,
            { origin = origin or nil, headers = { ["X-N"] = ("%d"):format(i) }
            }))
          assert.equal("{}", (transfers.read(session, transfer)))
        end
        local mine = server:requests(i)[i].headers
        assert.equal("canary-key-0123456789", mine["x-api-key"])
        assert.equal("canary-header", mine["x-canary"])
        assert.equal("lipsync/1 canary-agent", mine["user-agent"])
        assert.equal("gzip", mine["accept-encoding"])
        local theirs = other:requests(i)[i].headers
        assert.is_nil(theirs["x-api-key"])
        assert.equal(("%d"):format(i), theirs["x-n"])
      end
    end)

    it("does not carry the session's user agent", function()
      other = scripted.start { { { read = true }, { send = ok() } } }
      serve({ {} }, { user_agent = "canary-agent" })
      local transfer = assert(transfers.start(session,
        { origin = other.base_url }))
      assert.equal("{}", (transfers.read(session, transfer)))
      assert.is_nil(other:requests(1)[1].headers["user-agent"])
    end)

    it("by http: goes to this machine only", function()
      serve_both { {} }
      local transfer = assert(transfers.start(session,
        { origin = "http://192.0.2.1" }))
      local _, failure = transfers.read(session, transfer)
      assert.equal("media_http", failure.code)
      assert.is_false(transfer:sent())
    end)
  end)

  describe("to the session's origin, named", function()
    it("carries the key on request, and no path of base_url",
      function()
        server = scripted.start { { { read = true }, { send = ok() } },
                                  loop = true }
        session = transfers.session(server.base_url .. "/pre",
          { headers = { ["X-A"] = "b" } })
        for i, case in ipairs { { true, "test-key" }, { false, nil } } do
          local transfer = assert(transfers.start(session,
            { origin = server.base_url, key = case[1], path = "/x" }))
          assert.equal("{}", (transfers.read(session, transfer)))
          local seen = server:requests(i)[i]
          assert.equal(case[2], seen.headers["x-api-key"])
          assert.equal("b", seen.headers["x-a"])
          assert.equal("/x", seen.target)
        end
      end)

    it("carries nothing of the session if it is to be bare", function()
      serve({ { { read = true }, { send = ok() } }, loop = true },
        { headers = { ["X-A"] = "b" } })
      for i, case in ipairs { { server.base_url, nil }, { nil, "b" } } do
        local transfer = assert(session:start(nil, "GET", "/x", nil, false, nil,
          nil, nil, nil, { origin = case[1], bare = true }))
        assert.equal("{}", (transfers.read(session, transfer)))
        local headers = server:requests(i)[i].headers
        assert.equal(case[2], headers["x-a"])
        assert.is_nil(headers["x-api-key"])
      end
    end)

    it("ignores case and the scheme's default port", function()
      server = scripted.start { { { read = true }, { send = ok() } } }
      session = transfers.session("http://LOCALHOST:" .. server.port)
      local transfer = assert(transfers.start(session,
        { origin = "http://localhost:" .. server.port }))
      assert.equal("{}", (transfers.read(session, transfer)))
      assert.equal("test-key", server:requests(1)[1].headers["x-api-key"])
      local named = transfers.session "https://api.invalid:443"
      assert.equal("https://api.invalid", named:origin())
      named:close()
    end)
  end)
end)
