-- SPDX-License-Identifier: MIT
--
-- Inside a real nginx. Rules of hosts: 3 (any step may finish another's
-- transfer), 5 (phases, environment, aborted requests), 14 (iterators yield),
-- 17 (raised errors), and the bad days of a server.

local emulator = require "spec.support.emulator"
local http = require "spec.support.http"
local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"

local binary = launch.find "nginx"
local modules = "/usr/lib/nginx/modules/"

local function is_here()
  return binary and launch.read(modules .. "ngx_http_lua_module.so") ~= ""
end

-- What the specs need beside the example's locations.
local locations = [[
location = /count { content_by_lua_block {
  local n, err = client.generations:count()
  ngx.say(n or tostring(err))
} }
location = /read { content_by_lua_block {
  local n = 0
  for generation in client.generations:list() do n = n + 1 end
  ngx.say(n)
} }
location = /raise { content_by_lua_block {
  for _ in client.generations:list { status = "NOPE" } do end
} }
location = /wrap { content_by_lua_block {
  local ids = coroutine.wrap(function()
    for generation in client.generations:list { page_size = 100 } do
      coroutine.yield(generation.id)
    end
  end)
  local n = 0
  for id in ids do
    assert(type(id) == "string")
    n = n + 1
  end
  ngx.say(n)
} }
location = /tasks { content_by_lua_block {
  local sum = 0
  for i = 1, 20 do
    client:spawn(function(k)
      ngx.sleep(0.001)
      local n = assert(client.generations:count())
      sum = sum + (n > 0 and k or 0)
    end, i)
  end
  client:spawn(function() error "a task of this request" end)
  local endless = client:spawn(function()
    while true do client.generations:count() end
  end)
  endless:cancel()
  client:run()
  ngx.say(sum, " ", client:pending())
} }
location = /runs { content_by_lua_block {
  client:spawn(function() client:run() end)
  client:run()
  ngx.say(client:pending())
} }
location = /leave { content_by_lua_block {
  seen = seen or setmetatable({}, { __mode = "k" })
  -- One ends, one is canceled, one is left behind with the request.
  client:spawn(function() seen[coroutine.running()] = true end)
  for i = 1, 2 do
    local task = client:spawn(function()
      seen[coroutine.running()] = true
      ngx.sleep(30)
    end)
    if i == 1 then task:cancel() end
  end
  ngx.exit(204)
} }
location = /left { content_by_lua_block {
  collectgarbage() collectgarbage()
  local n = 0
  for _ in pairs(seen) do n = n + 1 end
  ngx.say(n)
} }
location = /slow { content_by_lua_block {
  local words = {}
  slow = client:spawn(function()
    for _ = 1, 2 do
      local _, err = client.generations:count()
      words[#words + 1] = tostring(err and err.kind)
    end
    ngx.say(table.concat(words, " "))
  end)
} }
location = /stop { content_by_lua_block {
  slow:cancel()
  ngx.say(tostring(slow))
} }
location = /late { return 200 "late";
  log_by_lua_block { client.generations:count() } }
location = /filter {
  content_by_lua_block { ngx.say "body" }
  header_filter_by_lua_block {
    local ok, err = pcall(client.generations.count, client.generations)
    ngx.header["X-Said"] = tostring(err)
  }
}
location = /hold { content_by_lua_block {
  local listing = client.generations:list()
  listing:next()
  if ngx.var.arg_unread then held = listing; ngx.sleep(30) end
  while listing:next() do ngx.sleep(0.05) end
} }
location = /live { content_by_lua_block {
  collectgarbage() collectgarbage()
  local sessions, transfers = require "lipsync.wire".live()
  ngx.say(sessions, " ", transfers)
} }
location = /worker { content_by_lua_block { ngx.say(ngx.worker.pid()) } }
]]

describe("nginx", function()
  if not is_here() then return pending "nginx with ngx_lua is not here" end
  local service, folder, server, base_url

  local function get(target)
    return http.request(base_url, "GET", target)
  end

  -- A request whose answer is waited for later, or never.
  local function begin(target)
    return launch.start { folder = folder,
      command = "curl -sN -m 60 " .. launch.quote(base_url .. target) }
  end

  -- Waits until the service has seen so many listings begin.
  local function await_listings(n)
    server:await(function()
      local seen = 0
      for _, request in ipairs(service:requests()) do
        if request.path:find("/v2/generations", 1, true)
           and request.method == "GET" and not request.path:find "count" then
          seen = seen + 1
        end
      end
      return seen >= n
    end)
  end

  local function text_of(reader)
    local _, text = reader:finish()
    return text
  end

  local function start(options)
    local port = launch.port()
    local text = launch.read "examples/nginx/nginx.conf"
    text = text:gsub("127%.0%.0%.1:8080;", "127.0.0.1:" .. port .. ";")
      :gsub("build/nginx%.pid", folder .. "/nginx.pid")
      :gsub("%${prefix}", launch.root .. "/")
      :gsub("\nevents {}", "\nuser root;\nworker_rlimit_core 0;\nevents {}")
      :gsub("\n    location = /fast", function(found)
        return "\n" .. locations .. found
      end)
    if options and options.change then text = options.change(text) end
    local path = folder .. "/nginx.conf"
    launch.write(path, text)
    server = launch.start { folder = folder,
      env = { SYNC_API_KEY = service.key, SYNC_BASE_URL = service.base_url },
      command = ("%s -p %s/ -c %s"):format(binary, folder, path) }
    base_url = "http://127.0.0.1:" .. port
    server:await(function() return get("/fast").status end)
  end

  before_each(function()
    service = emulator.start { generations = 3000 }
    folder = launch.folder()
    os.execute("mkdir " .. folder .. "/logs")
  end)

  after_each(function()
    server:stop()
    service:stop()
    launch.remove(folder)
  end)

  it("lists, deletes and stays fast by the example's configuration",
     function()
    start()
    local lines = get("/generations")
    local _, n = lines.body:gsub("\n", "")
    assert.equal(200, lines.status)
    assert.equal(3000, n)
    assert.equal(400, get("/generations?status=NOPE").status)
    local failed = get("/generations?status=FAILED").body
    local id = failed:match '"id":"([^"]+)"'
    local path = "/generations/" .. id
    local deleted = http.request(base_url, "DELETE", path)
    assert.equal(200, deleted.status)
    assert.equal(id, deleted.json.id)
    assert.equal(404, http.request(base_url, "DELETE", path).status)
    assert.equal(403, get(path).status)
    assert.is_true(get("/fast").json.fast)
  end)

  it("reads the key in the master and uses it in workers", function()
    start()
    assert.matches("^%d+", get("/count").body)
  end)

  it("serves other requests while many wait", function()
    start()
    service:fault { route = "count", delay = 1, times = 20 }
    local readers = {}
    for i = 1, 20 do readers[i] = begin("/count") end
    -- Twenty blocking calls one after the other would take twenty seconds.
    local from = scripted.now()
    assert.is_true(get("/fast").json.fast)
    for _, reader in ipairs(readers) do
      assert.matches("^%d+", text_of(reader))
    end
    assert.is_true(scripted.now() - from < 15)
  end)

  it("yields from iterators, also through a coroutine of one's own",
     function()
    start()
    local n = get("/read").body
    assert.is_true(tonumber(n) > 2000)
    assert.equal(n, get("/wrap").body)
  end)

  it("makes tasks of its own threads", function()
    start()
    assert.equal("210 0\n", get("/tasks").body)
    assert.matches("a task failed: [^\n]*a task of this request",
      server:log())
  end)

  it("has no task wait for itself by client:run()", function()
    start()
    assert.equal("0\n", get("/runs").body)
    assert.matches("was called by a task, and would wait for it",
      server:log())
  end)

  it("cancels what a task of another request does", function()
    start()
    service:fault { route = "count", delay = 20, times = 1 }
    local reader = begin "/slow"
    server:await(function() return #service:requests() > 0 end)
    assert.equal("lipsync task (over)\n", get("/stop").body)
    assert.equal("canceled canceled\n", text_of(reader))
  end)

  it("keeps nothing of its tasks, however they ended", function()
    start()
    for _ = 1, 10 do assert.equal(204, get("/leave").status) end
    server:await(function() return get("/left").body == "0\n" end)
  end)

  it("names the phase in which nothing can wait", function()
    start()
    get("/late")
    server:await(function()
      return server:log():find("nothing can wait in nginx's log phase", 1,
        true)
    end)
    local said = get("/filter").headers["x-said"]
    assert.matches("header_filter phase", said)
    assert.matches("ngx%.timer%.at", said)
  end)

  it("logs a raised error that it would call unknown", function()
    start()
    assert.equal(500, get("/raise").status)
    assert.matches("list generations: 400 generation_input_validation_failed",
      server:log())
  end)

  it("deletes in its usual time beside eight readers that never read",
     function()
    start()
    local readers = {}
    for i = 1, 8 do readers[i] = begin("/hold?unread=1") end
    await_listings(8)
    local list = get("/generations?status=FAILED").body
    local id = list:match '"id":"([^"]+)"'
    local from = scripted.now()
    local answer = http.request(base_url, "DELETE", "/generations/" .. id)
    assert.equal(200, answer.status)
    assert.is_true(scripted.now() - from < 5)
    for _, reader in ipairs(readers) do reader:stop() end
  end)

  it("frees what an aborted request had open", function()
    start()
    local readers = {}
    for i = 1, 4 do readers[i] = begin("/hold") end
    await_listings(4)
    for _, reader in ipairs(readers) do reader:stop() end
    server:await(function()
      return get("/live").body == "1 0\n"
    end)
  end)

  it("goes on after its worker was killed in mid-listing", function()
    start()
    local reader = begin("/hold")
    await_listings(1)
    local worker = get("/worker").body:match "%d+"
    os.execute("kill -KILL " .. worker)
    reader:finish()
    server:await(function()
      return get("/count").body:match "^%d+"
    end)
    assert.not_equal(worker, get("/worker").body:match "%d+")
  end)

  it("is reloaded in mid-listing", function()
    start()
    local reader = begin("/generations")
    await_listings(1)
    local worker = get("/worker").body
    server:signal "HUP"
    local _, n = text_of(reader):gsub("\n", "")
    assert.is_true(n > 2000)
    server:await(function()
      local now = get("/worker").body
      return now and now ~= worker
    end)
    assert.matches("^%d+", get("/count").body)
  end)

  it("works without the code cache, in mid-listing too", function()
    start { change = function(text)
      return (text:gsub("default_type application/json;",
        "%0 lua_code_cache off;"))
    end }
    local reader = begin("/generations")
    for _ = 1, 5 do
      assert.matches("^%d+", get("/count").body)
    end
    local _, n = text_of(reader):gsub("\n", "")
    assert.is_true(n > 2000)
  end)

  it("quits with transfers in flight", function()
    start()
    service:fault { route = "count", delay = 20, times = 3 }
    local readers = {}
    for i = 1, 3 do readers[i] = begin("/count") end
    scripted.sleep(0.2)
    server:signal "TERM"
    assert.equal(0, (server:finish(15)))
    for _, reader in ipairs(readers) do reader:stop() end
    assert.not_matches("signal 11", server:log())
  end)
end)
