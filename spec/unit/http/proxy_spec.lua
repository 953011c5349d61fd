-- SPDX-License-Identifier: MIT
-- Proxies: what errors say of them, and when one is used. The service behind
-- them is never reached, since a CONNECT is all that these ever see.

local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local password = "proxy-s3cret"

local servers, clients = {}, {}

after_each(function()
  for _, client in ipairs(clients) do client:close() end
  for _, server in ipairs(servers) do server:stop() end
  servers, clients = {}, {}
end)

-- A proxy that answers each CONNECT so; nil: never.
local function answering(head)
  local server = scripted.start { loop = true, { { read = true },
    head and { send = head .. "\r\nContent-Length: 0\r\n\r\n" }
      or { hold = true } } }
  servers[#servers + 1] = server
  return server
end

-- Its address with a user and the password.
local function address(server)
  return (server.base_url:gsub("//", "//user:" .. password .. "@"))
end

local function shown(server)
  return (server.base_url:gsub("^http://", ""))
end

-- All texts that an error leads to.
local function everything(value, seen)
  seen = seen or {}
  if type(value) ~= "table" or seen[value] then return tostring(value) end
  seen[value] = true
  local texts = { tostring(value) }
  for name, each in next, value do
    texts[#texts + 1] = everything(name, seen) .. "=" .. everything(each, seen)
  end
  return table.concat(texts, " ")
end

-- The error of a call to `url` through the proxy, which shows the password
-- nowhere.
local function error_of(proxy, options, url)
  local own = { proxy = proxy, max_attempts = 2 }
  for name, value in pairs(options or {}) do own[name] = value end
  local client = service.client(url or "https://service.invalid", own)
  clients[#clients + 1] = client
  local none, err = client.generations:count()
  assert.is_nil(none)
  assert.is_nil(everything(err):find(password, 1, true))
  return err
end

-- What a program of its own prints, with these variables.
local function run(code, env)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(code)
  file:close()
  local words = { "env" }
  for name, value in pairs(env) do
    words[#words + 1] = ("%s='%s'"):format(name, value)
  end
  words[#words + 1] = os.getenv "LIPSYNC_LUA" or arg[-1] or "lua"
  words[#words + 1] = path .. " 2>&1"
  local pipe = assert(io.popen(table.concat(words, " ")))
  local log = pipe:read "*a"
  pipe:close()
  os.remove(path)
  return log
end

describe("a proxy", function()
  it("that is down is named, and tried again", function()
    local server = answering "HTTP/1.1 200 OK"
    server:stop()
    table.remove(servers)
    local err = error_of(address(server))
    assert.equal("connection", err.kind)
    assert.equal(2, err.attempts)
    assert.equal(server.base_url, err.proxy)
    assert.matches("^count generations: cannot connect to the proxy "
      .. "127%.0%.0%.1:%d+: connection refused%. 2 attempts in .* s%. "
      .. "The proxy's address comes from proxy%.$", tostring(err))
  end)

  it("without an address is named", function()
    local err = error_of "http://proxy.invalid:3128"
    assert.equal("connection", err.kind)
    assert.equal("http://proxy.invalid:3128", err.proxy)
    assert.equal("cannot resolve the proxy proxy.invalid:3128", err.message)
  end)

  it("without a port is at libcurl's", function()
    for scheme, port in pairs { http = 1080, https = 443, socks = 1080,
        socks4 = 1080, socks4a = 1080, socks5 = 1080, socks5h = 1080 } do
      local err = error_of(scheme .. "://127.1.2.3", { max_attempts = 1 })
      assert.equal(("%s://127.1.2.3:%d"):format(scheme, port), err.proxy)
    end
  end)

  it("without a scheme is one of HTTP, whatever its name", function()
    local server = answering "HTTP/1.1 403 No"
    local err = error_of("user:" .. password .. "@" .. shown(server))
    assert.equal(server.base_url, err.proxy)
    assert.equal(403, err.proxyStatus)
    for _, host in ipairs { "ftp.invalid", "smtp.invalid" } do
      assert.equal(("http://%s:3128"):format(host), error_of(host .. ":3128",
        { max_attempts = 1 }).proxy)
    end
  end)

  it("that refuses is not asked again", function()
    for status, phrase in pairs { [300] = "refused", [403] =
        "Forbidden", [407] = "Proxy Authentication Required" } do
      local server = answering(("HTTP/1.1 %d No"):format(status))
      local err = error_of(address(server))
      assert.equal("connection", err.kind)
      assert.equal(status, err.proxyStatus)
      assert.is_nil(err.statusCode)  -- which would be the service's
      assert.equal(1, err.attempts)
      assert.is_false(err.retryable)
      assert.equal(1, #server:requests(1))
      assert.equal(("the proxy %s answers %d %s, and does not connect to "
        .. "service.invalid"):format(shown(server), status, phrase),
        err.message)
      assert.equal(server.base_url, err.proxy)
    end
  end)

  it("that wants a password says so", function()
    local err = error_of(answering("HTTP/1.1 407 No").base_url)
    assert.matches("The proxy's address comes from proxy; it has to hold the "
      .. "user and the password: http://user:password@host%.$", tostring(err))
  end)

  it("that cannot reach the service is tried again", function()
    local server = answering "HTTP/1.1 502 Bad Gateway"
    local err = error_of(address(server))
    assert.equal(502, err.proxyStatus)
    assert.equal(2, err.attempts)
    assert.matches("answers 502 Bad Gateway, and does not connect to "
      .. "service%.invalid", err.message)
  end)

  it("that hangs is named", function()
    local server = answering()
    local err = error_of(address(server), { connect_timeout = 0.1 })
    assert.equal("timeout", err.kind)
    assert.equal(server.base_url, err.proxy)
    assert.equal(("no connection to service.invalid through the proxy %s in "
      .. "time (connect_timeout)"):format(shown(server)), err.message)
    assert.matches("The proxy's address comes from proxy%.$", tostring(err))
  end)

  it("that hangs up is named", function()
    local server = scripted.start { { { read = true }, { close = true } },
                                    loop = true }
    servers[1] = server
    local err = error_of(address(server))
    assert.equal("connection", err.kind)
    assert.equal(server.base_url, err.proxy)
    assert.matches("^the proxy 127%.0%.0%.1:%d+ failed: ", err.message)
  end)

  it("is named where it answers in place of a service by http:", function()
    local server = answering "HTTP/1.1 407 No"
    local err = error_of(address(server), { allow_http = true },
      "http://service.invalid")
    assert.equal(407, err.statusCode)
    assert.equal(server.base_url, err.proxy)
    assert.matches("407 Proxy Authentication Required", tostring(err))
    assert.matches("The proxy's address comes from proxy", tostring(err))
  end)

  it("is not blamed for the service's responses", function()
    local server = answering "HTTP/1.1 403 No"
    local err = error_of(address(server), { allow_http = true },
      "http://service.invalid")
    assert.is_nil(err.proxy)
  end)

  it("is not blamed for what it hands on and does not read", function()
    local server = scripted.start { loop = true, {
      { send = "\0\90\0\0\0\0\0\0" }, { read = true },
      { send = "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n" } } }
    servers[1] = server
    local err = error_of((server.base_url:gsub("^http", "socks4a")),
      { allow_http = true }, "http://service.invalid")
    assert.equal(407, err.statusCode)
    assert.is_nil(err.proxy)
  end)

  it("with an address that is none is told at the call", function()
    for _, wrong in ipairs { "http://u:" .. password .. "@:x",
        "ftp://u:" .. password .. "@host", "http://u:" .. password .. " @host",
        "u:" .. password .. "@" } do
      local err = error_of(wrong)
      assert.equal("invalid", err.kind)
      assert.equal("proxy", err.field)
      assert.matches("^count generations: the proxy's address is not valid%. "
        .. "It comes from proxy%.$", tostring(err))
    end
  end)

  it("of the environment is named with its variable", function()
    local server = answering "HTTP/1.1 403 No"
    local log = run([[
      local client = require "lipsync".new { max_attempts = 1 }
      print(client.generations:count())
      print(client.closed)
    ]], { SYNC_API_KEY = "k", SYNC_BASE_URL = "https://service.invalid",
          SYNC_LOG = "1", https_proxy = address(server) })
    assert.matches("The proxy's address comes from https_proxy%.", log)
    assert.is_nil(log:find(password, 1, true))
  end)

  it("of the environment is that of the first variable", function()
    local names = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" }
    local env = { SYNC_API_KEY = "k",
                  SYNC_BASE_URL = "https://service.invalid" }
    local server = answering "HTTP/1.1 403 No"
    for i = #names, 1, -1 do
      env[names[i]] = server.base_url
      assert.matches("The proxy's address comes from " .. names[i] .. "%.",
        run([[print(require "lipsync".new().generations:count())]], env))
    end
    assert.equal(#names, #server:requests(#names))
  end)

  it("is not used for hosts of no_proxy", function()
    local server = answering "HTTP/1.1 403 No"
    local env = { SYNC_API_KEY = "k",
                  SYNC_BASE_URL = "https://service.invalid",
                  https_proxy = server.base_url }
    local code = [[
      local _, err = require "lipsync".new { max_attempts = 1 }
        .generations:count()
      print(err.message)
    ]]
    assert.matches("answers 403", run(code, env))
    for name, list in pairs { no_proxy = "x, .invalid", NO_PROXY = "*" } do
      env[name] = list
      assert.matches("cannot resolve service%.invalid", run(code, env))
      env[name] = nil
    end
    env.no_proxy = "other.invalid"
    assert.matches("answers 403", run(code, env))
    env.no_proxy, env.NO_PROXY = nil, nil
  end)

  it("of the environment is not used where a client is strict", function()
    local server = answering "HTTP/1.1 403 No"
    assert.matches("cannot resolve service%.invalid", run([[
      local lipsync = require "lipsync"
      print(lipsync.new { strict = true, api_key = "k", max_attempts = 1,
        base_url = "https://service.invalid" }.generations:count())
      print(lipsync.new { strict = true, api_key = "k", max_attempts = 1,
        base_url = "https://service.invalid",
        proxy = "]] .. server.base_url .. [[" }.generations:count())
    ]], { ALL_PROXY = server.base_url, no_proxy = "*" }))
    assert.equal(1, #server:requests(1))
  end)
end)
