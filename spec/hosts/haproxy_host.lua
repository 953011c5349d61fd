-- SPDX-License-Identifier: MIT
--
-- Inside a real HAProxy. Rules of hosts: 4 (a wait that does not wait), 6
-- (converters, fetches, no root, a chroot), 17 (raised errors).

local emulator = require "spec.support.emulator"
local http = require "spec.support.http"
local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"
local service_ = require "spec.support.service"
local tls = require "spec.support.tls"

local binary = launch.find "haproxy"

local services = [[
local lipsync = require "lipsync"
local lipsync_core = require "lipsync.core"
local client = assert(lipsync.new { max_attempts = 1 })

-- What spins takes all of the time; what sleeps takes little, but on a busy
-- machine others of this process may take some.
local function cost(name, fn)
  local cpu, from = os.clock(), lipsync_core.now()
  local n, err = fn()
  local waited = lipsync_core.now() - from
  core.log(core.err, ("%s %s %s"):format(name, tostring(n or err),
    os.clock() - cpu < waited * 0.9 and "slept" or "spun"))
  return n
end

local function count() return client.generations:count() end

cost("top", count)
core.register_init(function() cost("init", count) end)
core.register_task(function() cost("task", count) end)

local function serve(name, fn)
  core.register_service(name, "http", function(applet)
    local text = tostring(fn())
    applet:set_status(200)
    applet:add_header("content-length", tostring(#text))
    applet:start_response()
    applet:send(text)
  end)
end

serve("wrapped", function()
  return cost("wrapped", coroutine.wrap(count))
end)
serve("tasks", function()
  local sum = 0
  for i = 1, 10 do
    client:spawn(function() count() sum = sum + i end)
  end
  client:run()
  return sum
end)
serve("raise", function()
  for _ in client.generations:list { status = "NOPE" } do end
end)

core.register_action("counted", { "http-req" }, function(txn)
  txn:set_var("txn.said", tostring(cost("action", count)))
end)

local function refused()
  local ok, err = pcall(count)
  return tostring(ok) .. " " .. tostring(err)
end
serve("unyieldable", function()
  local words = {}
  ("x"):gsub("x", function() words[1] = refused() end)
  return words[1]
end)
core.register_converters("refused", refused)
core.register_fetches("refused", refused)
]]

-- Has loaded its certificates before HAProxy changes its root.
local secure = [[
local client = require "lipsync".new { base_url = os.getenv "SECURE_URL",
  ca_file = os.getenv "SECURE_CA", max_attempts = 1 }
assert(client:warm())
core.register_service("secure", "http", function(applet)
  local one, err = client.generations:get "g1"
  local listing = client.generations:list()
  local first, refused = listing:next()
  listing:close()
  local text = tostring(one and first and "both" or err or refused)
  local file = io.open(os.getenv "OUTSIDE")
  text = text .. (file and " outside" or " inside")
  applet:set_status(200)
  applet:add_header("content-length", tostring(#text))
  applet:start_response()
  applet:send(text)
end)
]]

local rules = [[
  http-request use-service lua.wrapped if { path /wrapped }
  http-request use-service lua.tasks if { path /tasks }
  http-request use-service lua.unyieldable if { path /unyieldable }
  http-request use-service lua.raise if { path /raise }
  http-request set-var(txn.said) path,lua.refused if { path /converter }
  http-request set-var(txn.said) lua.refused if { path /fetch }
  http-request lua.counted if { path /action }
  acl said path /converter /fetch /action
  http-request return content-type text/plain lf-string %[var(txn.said)] if said
]]

describe("HAProxy", function()
  if not (binary
          and launch.read "build/lua5.3/lipsync/core.so" ~= "") then
    return pending "HAProxy is not here, or nothing was built for Lua 5.3"
  end
  local service, folder, server, base_url

  local function get(target)
    return http.request(base_url, "GET", target)
  end

  local function start(change, env, more, mode)
    local port = launch.port()
    launch.write(folder .. "/services.lua", services .. (more or ""))
    local text = launch.read "examples/haproxy/haproxy.cfg"
    text = text:gsub("127%.0%.0%.1:8080\n", "127.0.0.1:" .. port .. "\n")
      :gsub("lua%-load [^\n]*", function(found)
        return found .. "\n  lua-load " .. folder .. "/services.lua"
      end)
      :gsub("  http%-request use%-service lua%.list", function(found)
        return rules .. found
      end)
    if change then text = change(text) end
    local path = folder .. "/haproxy.cfg"
    launch.write(path, text)
    local all = { SYNC_API_KEY = service.key,
                  SYNC_BASE_URL = service.base_url }
    for name, value in pairs(env or {}) do all[name] = value end
    server = launch.start { folder = folder, env = all, vm = "lua5.3",
      command = ("%s %s -f %s"):format(binary, mode or "", path) }
    base_url = "http://127.0.0.1:" .. port
    server:await(function() return get("/fast").status end)
  end

  before_each(function()
    folder = launch.folder()
    service = emulator.start { generations = 1000 }
  end)

  after_each(function()
    if server then server:stop() end
    server = nil
    service:stop()
    launch.remove(folder)
  end)

  it("lists and deletes by the example's configuration", function()
    start()
    local lines = get("/generations")
    assert.equal(200, lines.status)
    local _, n = lines.body:gsub("\n", "")
    assert.equal(1000, n)
    assert.equal(400, get("/generations?status=NOPE").status)
    local id = get("/generations?status=FAILED").body:match '"id":"([^"]+)"'
    local path = "/generations/" .. id
    assert.equal(200, http.request(base_url, "DELETE", path).status)
    assert.equal(404, http.request(base_url, "DELETE", path).status)
  end)

  it("serves another route while calls wait", function()
    start()
    service:fault { route = "list", delay = 2, times = 5 }
    local readers = {}
    for i = 1, 5 do
      readers[i] = launch.start { folder = folder,
        command = "curl -s -m 30 " .. base_url .. "/generations?status=FAILED" }
    end
    scripted.sleep(0.2)
    local from = scripted.now()
    assert.equal("fast", get("/fast").body)
    for _, reader in ipairs(readers) do
      local _, text = reader:finish()
      assert.matches("FAILED", text)
    end
    assert.is_true(scripted.now() - from < 8)
  end)

  it("polls without spinning where its sleep does not wait", function()
    service:fault { route = "count", delay = 0.5, times = 0 }
    start()
    assert.equal("1000", get("/wrapped").body)
    for _, where in ipairs { "top", "init", "task", "wrapped" } do
      server:await(function()
        return server:log():match(where .. " 1000 slept")
      end)
    end
  end)

  it("waits in an action too", function()
    service:fault { route = "count", delay = 0.2, times = 0 }
    start()
    assert.equal("1000", get("/action").body)
    assert.matches("action 1000 slept", server:log())
  end)

  it("runs tasks in a service", function()
    start()
    assert.equal("55", get("/tasks").body)
  end)

  it("refuses to wait in converters and fetches", function()
    start()
    server:await(function() return server:log():match "task %d+" end)
    local before = #service:requests()
    for _, path in ipairs { "/converter", "/fetch" } do
      assert.matches("^false [^\n]*nothing can wait in a converter or a fetch",
        get(path).body)
    end
    assert.equal(before, #service:requests())
  end)

  it("says so where it cannot yield, and sends nothing", function()
    start()
    server:await(function() return server:log():match "task %d+" end)
    local before = #service:requests()
    assert.matches("^false [^\n]*nothing can wait inside string.gsub here",
      get("/unyieldable").body)
    assert.equal(before, #service:requests())
  end)

  it("itself stops a converter older than the client", function()
    launch.write(folder .. "/early.lua", [[
      core.register_converters("early", function()
        client = client or require "lipsync".new()
        return tostring(client.generations:count())
      end)
    ]])
    start(function(text)
      return (text:gsub("  lua%-load", "  lua-load " .. folder
          .. "/early.lua\n%0", 1)
        :gsub("  http%-request use%-service lua%.list",
          "  http-request set-var(txn.said) path,lua.early if { path /early }"
          .. "\n%0"))
    end)
    get "/early"
    assert.matches("Lua converter 'early': yield functions [^\n]* not allowed",
      server:log())
  end)

  it("logs the sentence of a raised error", function()
    start()
    assert.equal(500, get("/raise").status)
    assert.matches("list generations: 400 generation_input_validation",
      server:log())
  end)

  -- The response to a call over TLS with the root folder `jail`.
  local function in_jail(server_, jail, mode)
    local outside = folder .. "/outside"
    launch.write(outside, "")
    start(function(text)
      return (text:gsub("\nglobal\n", "%0  chroot " .. jail .. "\n")
        :gsub("  http%-request use%-service lua%.list",
          "  http-request use-service lua.secure if { path /secure }\n%0"))
    end, { SECURE_URL = server_:url "right", SECURE_CA = server_.ca_file,
           OUTSIDE = outside }, "do\n" .. secure .. "end\n", mode)
    return get("/secure").body
  end

  it("has loaded the certificates before it enters a chroot", function()
    if not tls.can_run() then return pending "openssl is not here" end
    local server_, jail = tls.start(service_.list(10)), folder .. "/jail"
    os.execute("mkdir " .. jail)
    local said = in_jail(server_, jail)
    server_:stop()
    assert.equal("both inside", said)
  end)

  it("needs a copy of them inside if it forks earlier", function()
    if not tls.can_run() then return pending "openssl is not here" end
    local server_, jail = tls.start(service_.list(10)), folder .. "/jail"
    os.execute("mkdir " .. jail)
    local without = in_jail(server_, jail, "-W")
    server:stop()
    local ca_file = server_.ca_file
    os.execute(("mkdir -p %s%s && cp %s %s%s"):format(jail,
      ca_file:match "(.*)/", ca_file, jail, ca_file))
    local with = in_jail(server_, jail, "-W")
    server_:stop()
    assert.matches(ca_file, without, 1, true)
    assert.matches(" inside$", without)
    assert.equal("both inside", with)
  end)

  it("works as nobody, by address and, if allowed, by name", function()
    -- Its files are read before it drops root.
    local function nobody(text)
      return (text:gsub("\nglobal\n", "%0  user nobody\n"))
    end
    start(function(text)
      return (nobody(text):gsub("  insecure%-fork%-wanted\n", ""))
    end)
    assert.equal("55", get("/tasks").body)
    server:stop()
    start(nobody, { SYNC_BASE_URL =
      service.base_url:gsub("127%.0%.0%.1", "localhost") .. "" })
    assert.equal("55", get("/tasks").body)
  end)
end)
