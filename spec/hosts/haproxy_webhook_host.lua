-- SPDX-License-Identifier: MIT
--
-- Webhooks in a real HAProxy, from the emulator with each of its faults, by the
-- example's configuration.

local emulator = require "spec.support.emulator"
local http = require "spec.support.http"
local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"

local binary = launch.find "haproxy"

describe("a webhook in HAProxy", function()
  if not (binary
          and launch.read "build/lua5.3/lipsync/hmac.so" ~= "") then
    return pending "HAProxy is not here, or nothing was built for Lua 5.3"
  end
  local service, folder, server, base_url

  before_each(function()
    service = emulator.start { generations = 0 }
    folder = launch.folder()
    local port = launch.port()
    local text = launch.read "examples/haproxy/webhooks.cfg"
    text = text:gsub("127%.0%.0%.1:8081\n", "127.0.0.1:" .. port .. "\n")
    launch.write(folder .. "/haproxy.cfg", text)
    server = launch.start { folder = folder, vm = "lua5.3",
      env = { SYNC_WEBHOOK_SECRET = "whsec_emulator" },
      command = ("%s -f %s/haproxy.cfg"):format(binary, folder) }
    base_url = "http://127.0.0.1:" .. port
    server:await(function()
      return http.request(base_url, "GET", "/").status
    end)
  end)

  after_each(function()
    server:stop()
    service:stop()
    launch.remove(folder)
  end)

  -- The status that the emulator was given.
  local function send(settings)
    service:set(settings)
    local id = service:add { status = "PROCESSING",
                             webhookUrl = base_url .. "/webhook" }
    local before = #service:webhooks()
    service:advance(1000)
    server:await(function() return #service:webhooks() > before end)
    local all = service:webhooks()
    return all[#all].statusCode, id
  end

  -- How often a generation was handled.
  local function handled(id)
    return select(2, server:log():gsub("Generation " .. id:gsub("%-", "%%-")
      .. " COMPLETED", ""))
  end

  it("is handled once, and refused when it is not signed well", function()
    local status, id = send { webhook_copies = 3 }
    assert.equal(200, status)
    server:await(function()
      return #service:webhooks() == 3 and handled(id) > 0
    end)
    assert.equal(1, handled(id))
    service:set { webhook_copies = 1 }
    for how, said in pairs { wrong = "does not fit the secret",
                             late = "signed 36%d%d s ago",
                             doubled = "came more than once",
                             none = "has no signature" } do
      status, id = send { webhook_signature = how }
      assert.equal(401, status, how)
      server:await(function() return server:log():find(said) end)
      assert.equal(0, handled(id))
    end
    status, id = send { webhook_signature = "right", webhook_old_header = true }
    assert.equal(200, status)
    server:await(function() return handled(id) == 1 end)
  end)

  it("has a limit, with its length and without", function()
    assert.equal(413, http.request(base_url, "POST", "/webhook",
      { headers = { ["Content-Length"] = "2097152" } }).status)
    local chunk = "80000\r\n" .. ("x"):rep(0x80000) .. "\r\n"
    local port = tonumber(base_url:match "%d+$")
    local reply = scripted.exchange(port,
      "POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
      .. "Transfer-Encoding: chunked\r\n\r\n"
      .. chunk:rep(4) .. "0\r\n\r\n", 20)
    assert.matches("^HTTP/1.1 401 ", reply)
    assert.equal(404, http.request(base_url, "GET", "/webhook").status)
  end)
end)
