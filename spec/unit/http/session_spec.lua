-- SPDX-License-Identifier: MIT

local core = require "lipsync.core"
local http = require "lipsync.http"
local growth = require "spec.support.growth"

local it_measures = growth.can_measure and it or pending

describe("a method", function()
  it("takes no table for its object", function()
    local session = assert(http.session { base_url = "http://127.0.0.1:9" })
    local class = getmetatable(session)
    local ok, message = pcall(class.account, setmetatable({}, class))
    session:close()
    assert.is_false(ok)
    assert.matches("Session expected, got", message)
  end)
end)

describe("lipsync.http", function()
  it("knows its libraries", function()
    local first, rest = http.curl_version:match "^(%S+)(.*)$"
    assert.matches("^libcurl/%d+%.%d+%.%d+[-%w]*$", first)
    assert.matches(" zlib/%d", rest)
    for word in rest:gmatch "%S+" do assert.matches("^%(?%a[%w-]*/%w", word) end
    assert.truthy(http.ca_file == nil or http.ca_file:find "^/.")
  end)

  it("counts what is open", function()
    local sessions, exchanges = http.live()
    local session = assert(http.session { base_url = "http://127.0.0.1:9" })
    local transfer = assert(session:start(nil, "GET", "/"))
    assert.same({ sessions + 1, exchanges + 1 }, { http.live() })
    assert.is_nil((session:start(nil, "GET", "no path")))
    assert.is_nil((http.session { base_url = "x" }))
    assert.same({ sessions + 1, exchanges + 1 }, { http.live() })
    session:close()
    assert.same({ sessions, exchanges + 1 }, { http.live() })
    transfer:close()
    assert.same({ sessions, exchanges }, { http.live() })
    assert.equal(http.forks(), http.forks())
  end)
end)

describe("a session", function()
  it("keeps no transfer that nothing else has", function()
    local session = assert(http.session { base_url = "http://127.0.0.1:9" })
    local function count() return (select(2, http.live())) end
    local function abandon()
      for _ = 1, 3 do assert(session:start(nil, "GET", "/")) end
      assert.equal(3, count())
    end
    abandon()
    for _ = 1, 3 do collectgarbage() end
    assert.equal(0, count())
    local kept = assert(session:start(nil, "GET", "/"))
    for _ = 1, 3 do collectgarbage() end
    assert.equal(1, count())
    kept:close()
    session:close()
  end)
end)

describe("a session's account", function()
  local function account(key)
    local session = assert(http.session { base_url = "http://127.0.0.1:9",
      api_key = key, user_agent = "spec" })
    local text = session:account()
    session:close()
    return text, session:account()
  end

  it("is the beginning of the key's SHA-256", function()
    assert.equal("9b346041bc9a4957", (account "key-one"))
  end)

  it("differs for another key", function()
    assert.not_equal((account "key-one"), (account "key-two"))
  end)

  it("is nil without a key and when the session is closed", function()
    assert.is_nil((account(nil)))
    assert.is_nil((select(2, account "key-one")))
  end)
end)

describe("a session's redaction", function()
  -- The text as a session with such a key shows it.
  local function redacted(key, text)
    local session = assert(http.session { base_url = "http://127.0.0.1:9",
      api_key = key })
    local made = session:redact(text)
    session:close()
    assert.equal(text, session:redact(text))
    return made
  end

  it("covers the key wherever it is", function()
    for text, wanted in pairs {
        [""] = "", ["1"] = "1", ["abcdefghij"] = "(key)",
        ["xabcdefghij"] = "x(key)", ["abcdefghijx"] = "(key)x",
        ["abcdefghijabcdefghij"] = "(key)(key)",
        ["x abcdefghij y abcdefghij z"] = "x (key) y (key) z",
        ["aabcdefghij"] = "a(key)", ["abcdefghiabcdefghijj"] =
          "abcdefghi(key)j",
        ["a\0abcdefghij\0b"] = "a\0(key)\0b", ["bcdefghij"] = "bcdefghij",
        ["ABCDEFGHIJ"] = "ABCDEFGHIJ", ["a b c d e f"] = "a b c d e f" } do
      assert.equal(wanted, redacted("abcdefghij", text))
    end
  end)

  it("covers eight characters and more that the text is cut after", function()
    for text, wanted in pairs {
        ["abcdefghi"] = "(key)", ["abcdefgh"] = "(key)", ["abcdefg"] =
          "abcdefg", ["x abcdefghi"] = "x (key)", ["x abcdefgh"] = "x (key)",
        ["x abcdefg"] = "x abcdefg", ["abcdefghij abcdefghi"] =
          "(key) (key)", ["abcdefghi x"] = "abcdefghi x", ["x abcdefgi"] =
          "x abcdefgi" } do
      assert.equal(wanted, redacted("abcdefghij", text))
    end
  end)

  it("leaves alone a key that is too short to be one, and no key", function()
    assert.equal("(key) 1234567", redacted("12345678", "12345678 1234567"))
    assert.equal("x 1234567 y", redacted("1234567", "x 1234567 y"))
    assert.equal("x y", redacted(nil, "x y"))
  end)
end)

describe("a session", function()
  -- Of each of these the library makes copies.
  local long = ("x"):rep(50)
  local function config(more)
    local all = { base_url = "http://127.0.0.1:9/" .. long, api_key = long,
      user_agent = long, bare_agent = long, ca_file = long,
      proxy = "http://" .. long .. ":9", no_proxy = long,
      media_hosts = { long, long }, headers = { ["X-A"] = long } }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  it_measures("leaves no memory behind, also where it is refused", function()
    for what, more in pairs {
        ["nothing"] = {},
        ["a zone"] = { base_url = "https://[fe80::1%25" .. long .. "]:9/"
          .. long },
        ["a scheme"] = { base_url = "ftp://" .. long .. "/" .. long },
        ["a user"] = { base_url = "https://" .. long .. "@h/" .. long },
        ["a query"] = { base_url = "https://" .. long .. "/?" .. long },
        ["a version"] = { base_url = "https://" .. long .. "/" .. long
          .. "/v2" },
        ["a key"] = { api_key = long .. "\n" },
        ["an agent"] = { user_agent = "\n" },
        ["a header"] = { headers = { ["X-A"] = long .. "\n" } },
        ["a proxy"] = { proxy = "ftp://" .. long .. ":" .. "9" } } do
      local all = config(more)
      local grown = growth.of(function()
        local session = http.session(all)
        if session then session:close() end
      end)
      assert.is_true(grown < 16, what .. ": " .. grown)
    end
  end)

  it_measures("leaves no memory of an address that was taken apart", function()
    for _, address in ipairs { "https://h/" .. long .. "?" .. long,
        "https://" .. long .. "@h/", "https://h:x/" .. long,
        "mailto:" .. long } do
      local grown = growth.of(function()
        http.resolve(address, "https://h/" .. long)
      end)
      assert.is_true(grown < 16, address .. ": " .. grown)
    end
  end)

  it_measures("leaves no memory of a request, sent or not", function()
    local session = assert(http.session { base_url = "http://127.0.0.1:9" })
    local body = assert(http.body { bytes = long .. long .. long .. long })
    local headers = { ["X-A"] = long }
    local bad = { ["X-A"] = long, ["X-B"] = "\n" }
    for what, call in pairs {
        ["closed"] = { "/" .. long, headers, body, { query = long } },
        ["bytes"] = { "/" .. long, headers, long, { mode = "chunks" } },
        ["a header"] = { "/", bad, body, {} },
        ["a path"] = { "/ ", headers, body, { query = long } },
        ["an origin"] = { "/", headers, body,
          { origin = "https://h/" .. long } } } do
      local grown = growth.of(function()
        local transfer = session:start(nil, "POST", call[1], nil, true,
          call[2], nil, call[3], nil, call[4])
        if transfer then transfer:close() end
      end)
      assert.is_true(grown < 16, what .. ": " .. grown)
    end
    session:close()
  end)

  it("gives nothing to do before its first request, or once closed", function()
    local session = assert(http.session { base_url = "http://127.0.0.1:9" })
    assert.equal(0, session:step())
    assert.is_nil(session:timeout())
    assert.is_nil(session:next_ready())
    local before = core.now()
    local n, is_ready, from, to = session:poll(0)
    assert.same({ 0, false }, { n, is_ready })
    assert.is_true(before <= from and from <= to and to <= core.now())
    assert.equal(4, select("#", session:poll(0)))
    assert.is_true(session:is_open())
    session:close()
    assert.is_false(session:is_open())
    for _, method in ipairs { "fd", "timeout", "next_ready", "account",
        "drain" } do
      assert.equal(0, select("#", session[method](session)), method)
    end
    assert.equal(0, session:step(1))
    n, is_ready = session:poll(5)
    assert.same({ 0, false }, { n, is_ready })
    for _, method in ipairs { "origin", "host" } do
      assert.has_error(function() session[method](session) end,
        "the session is closed")
    end
    local none, failure = session:start(nil, "GET", "/")
    assert.is_nil(none)
    assert.same({ code = "closed" }, failure)
  end)

  it("is made of a table with a base_url", function()
    assert.has_error(function() http.session() end)
    assert.has_error(function() http.session "https://h" end)
    assert.has_error(function() http.session {} end,
      "bad argument #1 to 'session' (no base_url)")
    for _, headers in ipairs { { 1 }, { [{}] = "a" }, { a = 1 },
        { a = false } } do
      assert.has_error(function()
        http.session { base_url = "https://h", headers = headers }
      end, "headers must map strings to strings")
    end
    for _, hosts in ipairs { { 1 }, { "a", {} } } do
      assert.has_error(function()
        http.session { base_url = "https://h", media_hosts = hosts }
      end, "media_hosts must hold strings")
    end
    for _, wrong in ipairs { { user_agent = "a\nb", code = "agent_malformed" },
        { bare_agent = "a\nb", code = "agent_malformed" },
        { user_agent = "a\0b", code = "agent_malformed" },
        { api_key = "a\0b", code = "key_control" },
        { api_key = "a\127", code = "key_control" },
        { api_key = "a b", code = "key_control" },
        { api_key = " ", code = "key_control" },
        { api_key = "\31a", code = "key_control" },
        { api_key = "a\nb", code = "key_control" },
        { api_key = "a\r", code = "key_line_break" },
        { api_key = "\r", code = "key_line_break" },
        { headers = { ["a\0"] = "b" }, code = "header_malformed" },
        { headers = { a = "b\0c" }, code = "header_malformed" },
        { headers = { HOST = "a" }, code = "header_reserved" } } do
      wrong.base_url = "https://h"
      local none, failure = http.session(wrong)
      assert.is_nil(none)
      assert.same({ code = wrong.code }, failure)
    end
    local session = assert(http.session { base_url = "https://h",
      api_key = "!~", user_agent = "", bare_agent = "", headers = {},
      media_hosts = {}, proxy = "" })
    assert.equal("Session (https://h)", tostring(session))
    session:close()
  end)
end)
