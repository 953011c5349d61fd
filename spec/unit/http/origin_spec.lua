-- SPDX-License-Identifier: MIT
-- The address of the API: what it may be, what is kept of it, and whether it is
-- this machine's.

local http = require "lipsync.http"
local scripted = require "spec.support.scripted"
local transfers = require "spec.support.transfers"

-- The origin and the host that a session says; or the code of its failure.
local function open(base_url)
  local session, failure = http.session { base_url = base_url }
  if not session then return failure.code end
  local origin, host = session:origin(), session:host()
  session:close()
  return origin .. " " .. host
end

describe("the address of the API", function()
  it("is kept without the scheme's own port and without its path", function()
    for base_url, wanted in pairs {
        ["https://h"] = "https://h h",
        ["HTTPS://h/"] = "https://h h",
        ["http://h"] = "http://h h",
        ["https://h:443"] = "https://h h",
        ["http://h:80/a"] = "http://h h",
        ["https://h:80"] = "https://h:80 h:80",
        ["http://h:443"] = "http://h:443 h:443",
        ["https://h:8443/a/b/"] = "https://h:8443 h:8443",
        ["https://127.1:5"] = "https://127.0.0.1:5 127.0.0.1:5",
        ["https://[::1]"] = "https://[::1] [::1]",
        ["https://[::1]:9"] = "https://[::1]:9 [::1]:9",
        ["https://[fe80::1%25eth0]"] =
          "https://[fe80::1%25eth0] [fe80::1%25eth0]",
        ["https://[fe80::1%25eth0]:9/a"] =
          "https://[fe80::1%25eth0]:9 [fe80::1%25eth0]:9" } do
      assert.equal(wanted, open(base_url), base_url)
    end
  end)

  it("does not end with the version that is part of each path", function()
    for _, path in ipairs { "/v2", "/v2/", "/v2//", "/a/v2", "//v2" } do
      assert.equal("url_v2", open("https://h" .. path), path)
    end
    for _, path in ipairs { "/", "//", "/v", "/2", "/av2", "/v2a", "/v2/a",
        "/v3", "/v22", "/V2" } do
      assert.equal("https://h h", open("https://h" .. path), path)
    end
  end)

  it("has a scheme of HTTP, a host, and nothing beside a path", function()
    for base_url, code in pairs {
        [""] = "url_scheme", ["h"] = "url_scheme", ["ftp://h"] = "url_scheme",
        ["httpx://h"] = "url_scheme", ["file:///a"] = "url_scheme",
        ["https://"] = "url_malformed", ["https://h:x"] = "url_malformed",
        ["https://h:70000"] = "url_malformed",
        ["https://h\n"] = "url_malformed", ["https://h\127"] = "url_malformed",
        ["https://h/a b"] = "url_malformed",
        ["https://u@h"] = "url_user", ["https://:p@h"] = "url_user",
        ["https://u:p@h"] = "url_user", ["https://h?a"] = "url_query",
        ["https://h#a"] = "url_query", ["https://h/?a=b#c"] = "url_query" } do
      assert.equal(code, open(base_url), base_url)
    end
    -- C would cut it there.
    assert.equal("url_malformed", open "https://h\0.x")
  end)

  it("may have any path, after which that of a request comes", function()
    local script = { loop = true, { { read = true }, { send =
      scripted.response(200, "{}", { Connection = "close" }) } } }
    local server = scripted.start(script)
    for i, case in ipairs { { "", "/x" }, { "/", "/x" }, { "//", "/x" },
        { "/a", "/a/x" }, { "/a/", "/a/x" }, { "/a/b//", "/a/b/x" },
        { "/a//b", "/a//b/x" }, { "/v2/a", "/v2/a/x" } } do
      local session = transfers.session(server.base_url .. case[1])
      assert.equal("{}", (transfers.read(session,
        assert(transfers.start(session, { path = "/x" })))))
      assert.equal(case[2], server:requests(i)[i].target)
      session:close()
    end
    server:stop()
  end)

  it("is this machine's by its name, which no proxy is asked for", function()
    local proxy = scripted.start { loop = true, { { read = true },
      { close = true } } }
    local function code_of(host)
      local session = transfers.session("https://" .. host .. ":9",
        { proxy = proxy.base_url })
      local _, failure = transfers.read(session, transfers.start(session))
      session:close()
      return failure.code
    end
    for _, host in ipairs { "localhost", "LocalHost", "a.localhost",
        "127.0.0.1", "127.9.8.7", "[::1]" } do
      assert.is_nil(code_of(host):find "^proxy", host)
    end
    assert.same({}, proxy:connections(0))
    for i, host in ipairs { "xlocalhost", "localhost.invalid", "localhostx",
        "localhos", "127x.invalid", "128.0.0.1", "[::2]" } do
      assert.equal("proxy", code_of(host), host)
      assert.equal(i, #proxy:connections(i))
    end
    proxy:stop()
  end)
end)

describe("an address that a response names", function()
  it("may be as long as what it is relative to", function()
    local long = ("a"):rep(100000)
    local origin, target = http.resolve(long .. " ", "https://h:9/b/c?d")
    assert.equal("https://h:9", origin)
    assert.equal("/b/" .. long .. "%20", target)
    origin, target = http.resolve("?e", "http://h/" .. long)
    assert.equal("http://h", origin)
    assert.equal("/" .. long .. "?e", target)
  end)

  it("has a user or a password, or another scheme's form, or is none",
    function()
      for _, address in ipairs { "https://u@h/", "https://:p@h/",
          "https://h:x/", "https://" } do
        local origin, failure = http.resolve(address)
        assert.is_nil(origin, address)
        assert.same({ code = "origin_malformed" }, failure)
      end
    end)
end)
