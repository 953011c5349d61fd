-- SPDX-License-Identifier: MIT
-- Where a request may go whose address a response has named.

local http = require "lipsync.http"
local scripted = require "spec.support.scripted"
local transfers = require "spec.support.transfers"

local function ok(body)
  return scripted.response(200, body or "{}", { Connection = "close" })
end

local function serve()
  return scripted.start { { { read = true }, { send = ok() } }, loop = true }
end

-- Addresses that no response may lead to.
local special = {
  "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
  "192.0.2.1", "224.0.0.1", "[fd00::1]", "[fe80::1]", "[::ffff:127.0.0.1]",
  "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "0xa9fea9fe",
}

describe("the guard of addresses", function()
  local server, api, session

  after_each(function()
    for _, each in ipairs { server or false, api or false } do
      if each then each:stop() end
    end
    if session then session:close() end
    server, api, session = nil, nil, nil
  end)

  -- The code of the failure of a request to `origin`; nil if it succeeded.
  local function code_of(origin)
    local transfer, failure = transfers.start(session,
      { origin = origin, path = "/media", key = false, mode = "chunks" })
    if not transfer then return failure.code end
    while not transfer:done() do session:poll(1) end
    local pieces, problem = transfers.chunks(session, transfer)
    assert.equal(problem == nil, transfer:sent())
    transfer:close()
    return #pieces == 0 and problem.code or nil
  end

  it("refuses special addresses before it connects", function()
    api = serve()
    session = transfers.session(api.base_url)
    for _, host in ipairs(special) do
      assert.equal("media_address", code_of("https://" .. host), host)
      assert.equal("media_http", code_of("http://" .. host .. ":8"), host)
    end
    assert.equal("media_http", code_of "http://8.8.8.8")
  end)

  it("leads to this machine if the API is here", function()
    api, server = serve(), serve()
    session = transfers.session(api.base_url)
    assert.is_nil(code_of(server.base_url))
    assert.is_nil(code_of("http://localhost:" .. server.port))
  end)

  it("does not lead to this machine if the API is elsewhere", function()
    server = serve()
    session = transfers.session "https://api.invalid"
    for _, host in ipairs { "127.0.0.1", "localhost", "127.1", "0",
        "2130706433", "x.localhost" } do
      local place = ("%s:%d"):format(host, server.port)
      for scheme, code in pairs { http = "media_http",
          https = "media_address" } do
        local found = code_of(scheme .. "://" .. place)
        -- libcurl before 7.85 asks a name server for it
        if host ~= "x.localhost" or found ~= "resolve" then
          assert.equal(code, found, host)
        end
      end
    end
    assert.same({}, server:connections(0))
  end)

  it("goes by the API's address, not by its name", function()
    api, server = serve(), serve()
    session = transfers.session("http://0.0.0.0:" .. api.port)
    assert.equal("media_http", code_of(server.base_url))
    assert.equal("{}", (transfers.read(session, transfers.start(session))))
    assert.is_nil(code_of(server.base_url))
  end)

  it("lets through the hosts that the program names", function()
    server = scripted.start { { { close = true } },
                              { { read = true }, { send = ok() } } }
    session = transfers.session("https://api.invalid",
      { media_hosts = { "files.example", "LOCALHOST" } })
    assert.equal("media_address", code_of "https://10.0.0.1")
    assert.equal("media_address", code_of("https://127.0.0.1:" .. server.port))
    -- It connects, and finds no TLS there.
    assert.equal("cut", code_of("https://localhost:" .. server.port))
    assert.is_nil(code_of("http://localhost:" .. server.port))
    assert.equal(2, #server:connections(2))
  end)

  it("needs allow_http for http: to a named host elsewhere", function()
    session = transfers.session("https://api.invalid", {
      media_hosts = { "192.0.2.1" }, connect_timeout = 0.01 })
    assert.equal("media_http", code_of "http://192.0.2.1")
    session:close()
    session = transfers.session("https://api.invalid", { allow_http = true,
      media_hosts = { "192.0.2.1" }, connect_timeout = 0.01 })
    assert.not_equal("media_http", code_of "http://192.0.2.1")
    assert.equal("media_http", code_of "http://192.0.2.2")
  end)

  describe("with a proxy", function()
    it("refuses the addresses that it can see", function()
      server = serve()
      session = transfers.session("https://api.invalid",
        { proxy = server.base_url })
      for _, host in ipairs(special) do
        assert.equal("media_address", code_of("https://" .. host), host)
      end
      assert.equal("media_address", code_of "https://127.0.0.1")
      assert.same({}, server:connections(0))
    end)

    it("asks it for names, though it is on this machine", function()
      server = serve()
      session = transfers.session("https://api.invalid",
        { proxy = server.base_url })
      code_of "https://files.invalid"
      assert.matches("^CONNECT files.invalid:443 ",
        server:requests(1)[1].head)
    end)

    it("follows no_proxy", function()
      server = serve()
      session = transfers.session("https://api.invalid",
        { proxy = server.base_url, no_proxy = "here.invalid,.b.invalid" })
      for _, host in ipairs { "here.invalid", "a.here.invalid",
          "a.b.invalid" } do
        assert.equal("resolve", code_of("https://" .. host), host)
      end
      assert.same({}, server:connections(0))
      code_of "https://where.invalid"
      code_of "https://b.invalid.x"
      assert.equal(2, #server:connections(2))
      assert.equal("media_address", code_of "https://10.0.0.1")
      session:close()
      session = transfers.session("https://api.invalid",
        { proxy = server.base_url, no_proxy = "*" })
      assert.equal("media_address", code_of "https://127.0.0.1")
      assert.equal(2, #server:connections(0))
    end)
  end)
end)

describe("the address that a response names", function()
  local function resolve(address, base)
    local origin, target = http.resolve(address, base)
    return origin and origin .. " " .. target or target.code
  end

  it("is taken apart, and encoded only where that is missing", function()
    for address, wanted in pairs {
        ["https://h/a%2Fb?X=%2F%2f&y=a+b#f"] =
          "https://h /a%2Fb?X=%2F%2f&y=a+b",
        ["HTTPS://h:443/a b"] = "https://h /a%20b",
        ["https://h:8443?x=1"] = "https://h:8443 /?x=1",
        ["http://127.1:80/\195\164"] = "http://127.0.0.1 /%c3%a4",
        ["https://[::1]:9/"] = "https://[::1]:9 /" } do
      assert.equal(wanted, resolve(address))
    end
  end)

  it("may be relative to another", function()
    local base = "https://h:8/x/y?q=1"
    for address, wanted in pairs {
        ["z?k=1"] = "/x/z?k=1", ["/z"] = "/z", ["../../z"] = "/z",
        ["?n"] = "/x/y?n" } do
      assert.equal("https://h:8 " .. wanted, resolve(address, base))
    end
    assert.equal("https://o /p", resolve("//o/p", base))
    assert.equal("http://o /p", resolve("http://o/p", base))
    assert.equal("https://h:8 /x/y?q=1", resolve("", base))
  end)

  it("is refused if it has a user or is none", function()
    for _, address in ipairs { "https://u@h/", "https://u:p@h/", "/a", "", "h",
        "https:///", "https://h\0.x/", "https://h/\n", "https://a b/" } do
      assert.equal("origin_malformed", resolve(address), address)
    end
  end)
end)
