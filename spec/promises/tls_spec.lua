-- SPDX-License-Identifier: MIT
-- TLS against a real server: which certificates are accepted, the errors for
-- others, and which version of HTTP is used.

local launch = require "spec.support.launch"
local proc = require "spec.support.proc"
local process = require "process"
local service = require "spec.support.service"
local scripted = require "spec.support.scripted"
local tls = require "spec.support.tls"

local ROWS = 40000  -- about 5 MB, far more than a paused stream reads

if not tls.can_run() then
  describe("TLS", function() pending("needs nginx and openssl") end)
  return
end

local it_measures = proc.is_here and it or pending
local function resident() return proc.memory "self" end

describe("TLS", function()
  local server, client

  setup(function() server = tls.start(service.list(ROWS)) end)
  teardown(function() server:stop() end)

  after_each(function()
    if client then client:close() end
    client = nil
  end)

  local function connect(url, options)
    local own = { ca_file = server.ca_file, max_attempts = 3 }
    for name, value in pairs(options or {}) do own[name] = value end
    client = service.client(url, own)
    return client.generations:get "g1"
  end

  local function is_refused(generation, err, ...)
    assert.is_nil(generation)
    assert.equal("tls", err.kind)
    assert.equal(1, err.attempts)  -- another attempt would fail too
    assert.is_false(err.retryable)
    local text = tostring(err)
    for _, part in ipairs { "127.0.0.1:", ... } do
      assert.is_truthy(text:find(part, 1, true), text)
    end
    assert.is_nil(text:find(service.key, 1, true))
  end

  it("works with a server with a valid certificate", function()
    assert.equal("g1", assert(connect(server:url "right")).id)
    client:close()
    local named = server:url "right":gsub("127.0.0.1", "localhost")
    assert.equal("g1", assert(connect(named)).id)
  end)

  it("refuses the certificate of another host", function()
    local generation, err = connect(server:url "wrong")
    is_refused(generation, err, "cannot be verified", "Not retried")
  end)

  it("refuses an expired certificate", function()
    local generation, err = connect(server:url "expired")
    is_refused(generation, err, "expired")
  end)

  it("refuses a self-signed certificate", function()
    local generation, err = connect(server:url "selfsigned")
    is_refused(generation, err, "self", "ca_file")
  end)

  it("refuses a certificate of an unknown CA", function()
    client = service.client(server:url "right")
    local generation, err = client.generations:get "g1"
    is_refused(generation, err, "unable to get local issuer certificate",
      "ca_file")
  end)

  it("fails if the certificates cannot be read", function()
    local generation, err = connect(server:url "right",
      { ca_file = "/nowhere/ca.pem" })
    is_refused(generation, err, "/nowhere/ca.pem")
  end)

  it("fails if the server does not use TLS", function()
    local plain = scripted.start { {
      { send = "HTTP/1.1 400 Bad Request\r\n\r\n" }, { hold = true } } }
    local generation, err = connect("https://127.0.0.1:" .. plain.port)
    is_refused(generation, err)
    plain:stop()
  end)

  it("takes the certificates that the environment names, unless it is strict",
    function()
      local path = os.tmpname()
      launch.write(path, ([[
        local lipsync = require "lipsync"
        for _, strict in ipairs { false, true } do
          local client = lipsync.new { base_url = %q, api_key = %q,
            max_attempts = 1, strict = strict }
          local generation, err = client.generations:get "g1"
          print(generation and generation.id or err)
          client:close()
        end
      ]]):format(server:url "right", service.key))
      local function run(variables)
        local pipe = assert(io.popen(("env -u CURL_CA_BUNDLE "
          .. "-u SSL_CERT_FILE %s %s %s 2>&1"):format(variables,
          os.getenv "LIPSYNC_LUA" or arg[-1] or "lua", path)))
        local text = pipe:read "*a"
        pipe:close()
        return text
      end
      for _, name in ipairs { "CURL_CA_BUNDLE", "SSL_CERT_FILE" } do
        assert.match("^g1\n[^\n]*cannot be verified[^\n]*\n$",
          run(name .. "=" .. server.ca_file))
        assert.match("looked for in /nowhere/ca.pem; set ca_file",
          run(name .. "=/nowhere/ca.pem"), 1, true)
      end
      os.remove(path)
    end)

  it("has given the key to nobody else", function()
    local log, right = server:log(), tostring(server.ports.right)
    for port, key in log:gmatch "(%d+) %u+ %S+ (%S+)\n" do
      assert.equal(right, port)
      assert.equal(service.key, key)
    end
  end)

  -- Since 7.87 libcurl caches the certificates.
  local function keeps_certificates()
    local version = require "lipsync.http".curl_version
    local minor = tonumber(version:match "libcurl/7%.(%d+)")
    return not minor or minor >= 87
  end

  it("is set up by client:warm: later calls do not connect",
    function()
      local ca_file = os.tmpname()
      launch.write(ca_file, launch.read(server.ca_file))
      local before = #server:log()
      client = service.client(server:url "right", { ca_file = ca_file })
      assert.is_true(client:warm())
      if keeps_certificates() then os.remove(ca_file) end
      for _ = 1, 5 do assert(client.generations:get "g1") end
      local first, connections = nil, 0
      for connection in server:log():sub(before + 1):gmatch "(%d+) [^\n]+" do
        if connection ~= first then connections = connections + 1 end
        first = connection
      end
      assert.equal(1, connections)
      -- A listing has a connection of its own.
      assert.equal("g1", assert(client.generations:list():next()).id)
      os.remove(ca_file)
    end)

  it("carries many calls at once on shared connections",
    function()
      connect(server:url "right", { max_in_flight = 100 })
      local n = 0
      for _ = 1, 3 do
        for _ = 1, 40 do
          client:spawn(function()
            assert(client.generations:get "g1")
            n = n + 1
          end)
        end
        client:run()
      end
      assert.equal(120, n)
      -- A listing can use the connections that they leave.
      assert.equal("g1", assert(client.generations:list():next()).id)
      assert.equal(ROWS, #assert(client.generations:all()))
    end)

  it_measures("carries a paused listing beside a hundred deletes, in no memory",
    function()
      connect(server:url "right")
      local listing = client.generations:list()
      assert.equal("g1", assert(listing:next()).id)
      assert(client.generations:delete "g1")
      collectgarbage()
      collectgarbage()
      local before = resident()
      for _ = 1, 100 do assert(client.generations:delete "g1") end
      collectgarbage()
      collectgarbage()
      if not os.getenv "LIPSYNC_SANITIZED" then
        assert.is_true(resident() - before < 1024, resident() - before)
      end
      local count = 1
      while true do
        local generation, err = listing:next()
        assert.is_nil(err)
        if not generation then break end
        count = count + 1
      end
      assert.equal(ROWS, count)
      client:close()
      -- The listing uses HTTP/1.1, the rest HTTP/2 where libcurl has it.
      local log = server:log()
      assert.matches("GET HTTP/1.1", log, 1, true)
      if tls.has_http2() then
        assert.matches("DELETE HTTP/2.0", log, 1, true)
        assert.is_nil(log:find("DELETE HTTP/1.1", 1, true))
      end
    end)

  it("carries many deletes beside listings, none mixed up", function()
    -- The listings first, because libcurl searches connections by age.
    client = service.client(server:url "right", { ca_file = server.ca_file })
    local listings, counts, deleted = {}, { 1, 1 }, 0
    for i = 1, 2 do
      listings[i] = client.generations:list()
      assert.equal("g1", assert(listings[i]:next()).id)
    end
    for _ = 1, 40 do
      client:spawn(function()
        local generation, err = client.generations:delete "g1"
        deleted = deleted + (assert(generation, err).id == "g1" and 1 or 0)
      end)
    end
    client:run()
    assert.equal(40, deleted)
    for i, listing in ipairs(listings) do
      local generation, err = listing:next()
      while generation do
        counts[i] = counts[i] + 1
        generation, err = listing:next()
      end
      assert.is_nil(err)
    end
    assert.same({ ROWS, ROWS }, counts)
  end)

  -- As with a balancer during a service's update.
  it("mixes up no responses if some servers use HTTP/2", function()
    for _ = 1, 30 do
      local own = service.client(server:url "mixed",
        { ca_file = server.ca_file, max_in_flight = 20 })
      local right = 0
      for i = 1, 60 do
        own:spawn(function()
          local generation = assert(own.generations:get("g" .. i))
          local is_right = generation.id == "g" .. i
          right = right + (is_right and 1 or 0)
        end)
      end
      own:run()
      own:close()
      assert.equal(60, right)
    end
  end)

  it("loses no call where connections end after five", function()
    local sent = 0
    client = service.client(server:url "short", { ca_file = server.ca_file,
      max_in_flight = 8, max_attempts = 1, on_event = function(event)
        if event.type == "request" then sent = sent + 1 end
      end })
    local before, done = #server:log(), 0
    for i = 1, 200 do
      client:spawn(function()
        local id = "g" .. i
        assert.equal(id, assert(client.generations:delete(id)).id)
        done = done + 1
      end)
    end
    client:run()
    assert.same({ 200, 200 }, { done, sent })
    local _, requests = server:log():sub(before + 1):gsub("DELETE", "")
    assert.equal(200, requests)
  end)

  it("works in parent and child, a thousand calls each",
    function()
      connect(server:url "right")
      local listing = client.generations:list()
      assert.equal("g1", assert(listing:next()).id)
      local function ask()
        for i = 1, 1000 do
          local method = i % 2 == 0 and "get" or "delete"
          local generation, err =
            client.generations[method](client.generations, "g1")
          if not generation then return tostring(err) end
          if generation.id ~= "g1" then return "mixed up" end
        end
        return "fine"
      end
      local pid, descriptor = process.fork(function()
        local said = ask()
        local _, err = listing:next()
        return said .. " " .. (err and err.kind or "open")
      end)
      assert.equal("fine", ask())
      assert.same({ "fine closed", 0 }, { process.wait(pid, descriptor) })
      assert.equal("g2", assert(listing:next()).id)
      listing:close()
    end)
end)
