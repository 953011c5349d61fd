-- SPDX-License-Identifier: MIT
-- TLS by Schannel, as far as Wine's can: with ca_file libcurl checks the
-- certificates itself. It compares names only, so servers have none but
-- "localhost". Not tested, because Wine does otherwise than Windows: without
-- ca_file, where Windows checks them, it accepts all; and it waits for more of
-- a server that does not use TLS.

local service = require "spec.support.service"
local tls = require "spec.support.tls"

local on_windows = package.config:sub(1, 1) == "\\"

if not on_windows or not tls.can_run() then
  describe("TLS on Windows", function() pending "needs it, nginx, openssl" end)
  return
end

describe("TLS on Windows", function()
  local server, client

  setup(function() server = tls.start(service.list(500)) end)
  teardown(function() server:stop() end)

  after_each(function()
    if client then client:close() end
    client = nil
  end)

  local function url(name)
    return "https://localhost:" .. server.ports[name]
  end

  local function connect(base_url, options)
    local own = { ca_file = server.ca_file, max_attempts = 3 }
    for name, value in pairs(options or {}) do own[name] = value end
    client = service.client(base_url, own)
    return client.generations:get "g1"
  end

  local function is_refused(generation, err, ...)
    assert.is_nil(generation)
    assert.equal("tls", err.kind, tostring(err))
    assert.equal(1, err.attempts)  -- another attempt would fail too
    local text = tostring(err)
    for _, part in ipairs { "localhost:", ... } do
      assert.is_truthy(text:find(part, 1, true), text)
    end
    assert.is_nil(text:find(service.key, 1, true))
  end

  it("works with a server with a valid certificate", function()
    assert.equal("g1", assert(connect(url "right")).id)
    assert.equal(500, #assert(client.generations:all()))
    for _ = 1, 5 do assert(client.generations:delete "g1") end
  end)

  it("refuses the certificate of another host", function()
    is_refused(connect(url "wrong"))
  end)

  it("refuses an expired certificate", function()
    is_refused(connect(url "expired"))
  end)

  it("refuses a self-signed certificate", function()
    is_refused(connect(url "selfsigned"))
  end)

  it("fails if the certificates cannot be read", function()
    local generation, err = connect(url "right",
      { ca_file = "/nowhere/ca.pem" })
    is_refused(generation, err, "/nowhere/ca.pem")
  end)

  it("has given the key to nobody else", function()
    for port, key in server:log():gmatch "(%d+) %u+ %S+ (%S+)\n" do
      assert.equal(tostring(server.ports.right), port)
      assert.equal(service.key, key)
    end
  end)
end)
