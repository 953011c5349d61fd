-- SPDX-License-Identifier: MIT
--
-- Inside a real nginx. Rules of hosts: 3 (any step may finish another's
-- transfer), 5 (phases, environment, aborted requests), 14 (iterators yield),
-- 17 (raised errors); also the failures of a server.

local bad_days = require "spec.support.bad_days"
local emulator = require "spec.support.emulator"
local http = require "spec.support.http"
local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"

local binary = launch.find "nginx"
local modules = "/usr/lib/nginx/modules/"

local function is_here()
  return binary and launch.read(modules .. "ngx_http_lua_module.so") ~= ""
end

-- Further locations for the specs, beside the example's.
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
  client:spawn(function()
    coroutine.wrap(function() ngx.say(pcall(client.run, client)) end)()
  end)
  client:run()
  ngx.say(client:pending())
} }
location = /aborted { content_by_lua_block {
  local told, more = {}, 0
  client.options.on_task_error = function(err)
    told[#told + 1] = err
    for _ = 1, 10 do
      client:spawn(function()
        client.generations:count()
        more = more + 1
      end)
    end
  end
  for _ = 1, 3 do
    client:spawn(function()
      client.generations:count()
      pcall(coroutine.wrap(function() error "in its own coroutine" end))
    end)
  end
  client:run()
  client.options.on_task_error = nil
  ngx.say(client:pending(), " ", more, " ", #told, " ", told[1])
} }
location = /aborted_one { content_by_lua_block {
  local told = 0
  client.options.on_task_error = function() told = told + 1 end
  client:spawn(function()
    client.generations:count()
    pcall(coroutine.wrap(function() error "in its own coroutine" end))
  end)
  client:run()
  client.options.on_task_error = nil
  ngx.say(client:pending(), " ", told)
} }
location = /leave { content_by_lua_block {
  seen = seen or setmetatable({}, { __mode = "k" })
  -- One ends, one is canceled, one still runs when the request ends.
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
  for _ in pairs(seen or {}) do n = n + 1 end
  ngx.say(n)
} }
location = /unyieldable { content_by_lua_block {
  local function said(fn)
    local words = {}
    local function call() words[#words + 1] = select(2, pcall(fn)) end
    ("x"):gsub("x", call)
    table.sort({ 2, 1 }, call)
    package.preload.unyieldable, package.loaded.unyieldable = call, nil
    require "unyieldable"
    return words
  end
  local began = false
  for _, words in ipairs {
    said(function() client.generations:count() end),
    said(function() client:spawn(function() began = true end) end),
  } do
    for _, word in ipairs(words) do ngx.say(word) end
  end
  client:run()
  ngx.say(tostring(began), " ", client:pending())
} }
location = /narrow { content_by_lua_block {
  narrow = narrow or require "lipsync".new { max_in_flight = 1 }
  if ngx.var.arg_leave then
    ngx.thread.spawn(function() narrow.generations:count() end)
    ngx.exit(204)
  end
  ngx.say((narrow.generations:count()))
} }
location = /shared { content_by_lua_block {
  few = few or require "lipsync".new { max_waits = 1,
    on_event = function(event)
      asked = asked or event.path == "/v2/generations"
    end }
  few.options.max_waits = 0
  local id, wait = ngx.var.arg_id, require "lipsync.compound.wait"
  wait.seldom = tonumber(ngx.var.arg_seldom)
  if not ngx.var.arg_leave then
    return ngx.say(few.generations:wait(id).status)
  end
  ngx.thread.spawn(function() few.generations:wait(id) end)
  while not asked do ngx.sleep(0.01) end
  ngx.exit(204)
} }
location = /crowd { content_by_lua_block {
  local crowded, done = require "lipsync".new { max_in_flight = 1 }, 0
  local sleep, sleeps = ngx.sleep, 0
  function ngx.sleep(seconds)
    sleeps = sleeps + 1
    return sleep(seconds)
  end
  for _ = 1, 100 do
    crowded:spawn(function()
      assert(crowded.generations:count())
      done = done + 1
    end)
  end
  crowded:run()
  ngx.sleep = sleep
  ngx.say(done, " ", sleeps < 6000 or sleeps)
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
  set_by_lua_block $said {
    return (select(2, pcall(client.generations.count, client.generations)))
  }
  content_by_lua_block { ngx.print "body" }
  header_filter_by_lua_block {
    ngx.header.content_length = nil
    local ok, err = pcall(client.generations.count, client.generations)
    ngx.header["X-Said"] = tostring(err)
  }
  body_filter_by_lua_block {
    if ngx.arg[1] ~= "body" then return end
    local ok, err = pcall(client.generations.count, client.generations)
    ngx.arg[1] = tostring(err) .. " / " .. ngx.var.said
  }
}
location = /phases {
  rewrite_by_lua_block { ngx.ctx.rewrite = client.generations:count() }
  access_by_lua_block { ngx.ctx.access = client.generations:count() }
  content_by_lua_block {
    local in_timer
    ngx.timer.at(0, function() in_timer = client.generations:count() end)
    local content = client.generations:count()
    while not in_timer do ngx.sleep(0.001) end
    ngx.say(ngx.ctx.rewrite, " ", ngx.ctx.access, " ", content, " ", in_timer)
  }
}
location = /begun { content_by_lua_block { ngx.say(begun) } }
location = /hold { content_by_lua_block {
  local listing = client.generations:list()
  listing:next()
  ngx.say "begun"
  ngx.flush(true)
  if ngx.var.arg_unread then held = listing; ngx.sleep(30) end
  while listing:next() do ngx.sleep(0.05) end
} }
location = /live { content_by_lua_block {
  collectgarbage() collectgarbage()
  local sessions, transfers = require "lipsync.http".live()
  ngx.say(sessions, " ", transfers)
} }
location = /naps { content_by_lua_block {
  local sleep, least, now = ngx.sleep, 1, require "lipsync.core".now
  function ngx.sleep(seconds)
    least = math.min(least, seconds)
    return sleep(seconds)
  end
  client.generations:count()
  for _ in client.generations:list { page_size = 100, limit = 5 } do
    -- Longer than a slice, so it includes a wait of no time.
    local till = now() + 0.005
    while now() < till do end
  end
  ngx.sleep = sleep
  ngx.say(least > 0 and least < 0.1)
} }
location = /fresh { content_by_lua_block {
  local fresh = require "lipsync".new { base_url = ngx.var.arg_url }
  ngx.say(tostring(os.getenv "SYNC_API_KEY"), " ",
    tostring(select(2, fresh.generations:count())))
} }
location = /life { content_by_lua_block {
  local folder = ngx.var.arg_folder
  local threads = function()
    return io.open "/proc/self/status":read "*a":match "Threads:%s*(%d+)"
  end
  local generation = assert(client.generations:create({ model = "lipsync-2",
    input = { { type = "video", file = folder .. "/clip.mp4" },
              { type = "audio", file = folder .. "/voice.wav" } },
  }, { receipt = folder .. "/receipt.json" }))
  local before, result = threads()
  for id, ended, err in client.generations:wait_many { generation } do
    generation = assert(ended, tostring(err))
  end
  client:spawn(function()
    result = assert(generation:download(folder .. "/out.mp4"))
  end)
  client:run()
  ngx.say(generation.status, " ", result.type, " ", threads() == before)
} }
location = /bad_day { content_by_lua_block {
  ngx.say(require "spec.support.bad_days".run(client, ngx.var.arg_folder))
} }
location = /worker { content_by_lua_block { ngx.say(ngx.worker.pid()) } }
]]

describe("nginx", function()
  if not is_here() then return pending "nginx with ngx_lua is not here" end
  local service, folder, server, base_url

  local function get(target)
    return http.request(base_url, "GET", target)
  end

  -- Sends a request whose response is read later, or never.
  local function begin(target)
    return launch.start { folder = folder,
      command = "curl -sN -m 60 " .. launch.quote(base_url .. target) }
  end

  -- Waits until the service has seen `n` listings begin.
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
      command = ("%s%s -p %s/ -c %s"):format(options and options.before or "",
        binary, folder, path) }
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

  it("lists, deletes and stays fast with the example's configuration",
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

  it("creates from files, waits and downloads, without threads of its own",
     function()
    service:set { pending_seconds = 1, processing_seconds = 1 }
    start()
    launch.write(folder .. "/clip.mp4", ("v"):rep(300000))
    launch.write(folder .. "/voice.wav", "a")
    assert.equal("COMPLETED video/mp4 true\n",
      get("/life?folder=" .. folder).body)
    assert.equal("ftyp", launch.read(folder .. "/out.mp4"):sub(5, 8))
    assert.equal("", launch.read(folder .. "/out.mp4.part"))
  end)

  it("lives through a bad day", function()
    start { before = bad_days.before }
    assert.equal(bad_days.expected() .. "\n",
      get("/bad_day?folder=" .. folder).body)
  end)

  it("reads the key in the master; workers have no environment", function()
    start { change = function(text)
      return (text:gsub("\nenv [^\n]*", ""))
    end }
    assert.equal("3000\n", get("/count").body)
    local said = get("/fresh?url=" .. service.base_url).body
    assert.matches("^nil [^\n]*no API key", said)
    assert.matches('"env SYNC_API_KEY;"', said)
  end)

  it("has workers that do not use the master's connections", function()
    local function answers(...)
      local steps = {}
      for _, body in ipairs { ... } do
        steps[#steps + 1] = { read = true }
        steps[#steps + 1] = { send = scripted.response(200, body) }
      end
      return steps
    end
    local real = service
    service = scripted.start { answers("[]", '{"count":1}', '{"count":1}'),
      answers('{"count":2}', '{"count":3}') }
    service.key = "k"
    -- The master has an open connection when it forks its workers.
    start { change = function(text)
      return (text:gsub('new%(%)%)', "%0; assert(client:warm())"))
    end }
    assert.equal("2\n", get("/count").body)
    assert.equal("3\n", get("/count").body)
    server:stop()
    service:stop()
    service = real
  end)

  it("serves other requests while many wait", function()
    start()
    service:fault { route = "count", delay = 1, times = 20 }
    local readers = {}
    for i = 1, 20 do readers[i] = begin("/count") end
    -- Twenty blocking calls in sequence would take twenty seconds.
    local from = scripted.now()
    assert.is_true(get("/fast").json.fast)
    for _, reader in ipairs(readers) do
      assert.matches("^%d+", text_of(reader))
    end
    assert.is_true(scripted.now() - from < 15)
  end)

  it("yields from iterators, also through a nested coroutine", function()
    start()
    local n = get("/read").body
    assert.is_true(tonumber(n) > 2000)
    assert.equal(n, get("/wrap").body)
  end)

  it("makes tasks from its own threads", function()
    start()
    assert.equal("210 0\n", get("/tasks").body)
    assert.matches("a task failed: [^\n]*a task of this request",
      server:log())
  end)

  it("has no task that waits for itself by client:run()", function()
    start()
    local said = "was called by a task, and would wait for it"
    -- Also in a coroutine that a task made.
    assert.matches("^false[^\n]*" .. said .. "\n0\n$", get("/runs").body)
    assert.matches(said, server:log())
  end)

  it("does not wait for a task that nginx ended", function()
    start()
    assert.matches("^0 30 3 a coroutine of its own making died",
      get("/aborted").body)
    assert.equal("0 1\n", get("/aborted_one").body)
    assert.matches("in its own coroutine", server:log())
  end)

  it("wakes those that wait for a place when it is their turn", function()
    start()
    service:fault { route = "count", delay = 1, times = 1 }
    assert.equal("100 true\n", get("/crowd").body)
  end)

  it("gives the place of a request that has ended to another", function()
    start()
    service:fault { route = "count", delay = 60, times = 1 }
    assert.equal(204, get("/narrow?leave=1").status)
    local from = scripted.now()
    assert.equal("3000\n", get("/narrow").body)
    assert.is_true(scripted.now() - from < 20)
  end)

  it("waits on when the request that asked for it has ended", function()
    start()
    local function target(seldom)
      return ("/shared?id=%s&seldom=%s"):format(service:add {
        status = "PENDING" }, seldom)
    end
    service:fault { route = "list", delay = 60, times = 1 }
    local reader = begin(target(3))
    server:await(function() return #service:requests() > 0 end)
    assert.equal(204, get(target(0.1) .. "&leave=1").status)
    service:advance(3600)
    server:await(function() return get("/left").body == "0\n" end)
    assert.equal("COMPLETED\n", text_of(reader))
    local sent = service:requests()
    assert.equal(4, #sent)
    assert.match("ids=[^,]+,[^,]+$", sent[3].path)
    assert.match("ids=[^,]+$", sent[4].path)
  end)

  it("cancels the calls of a task in another request", function()
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

  it("raises where it cannot suspend, before anything is sent", function()
    start()
    local lines, n = get("/unyieldable").body, 0
    for where in lines:gmatch
      "\n?[^\n]*nothing can wait inside ([%w.]+) here[^\n]*" do
      assert.matches("^[srt][%w.]+$", where)
      n = n + 1
    end
    assert.equal(6, n, lines)
    assert.matches("\nfalse 0\n$", lines)
    assert.equal(0, #service:requests())
  end)

  it("never sleeps for no time, which would starve others", function()
    start()
    assert.equal("true\n", get("/naps").body)
  end)

  it("waits where nginx can: rewrite, access, content, timers", function()
    start()
    assert.equal("3000 3000 3000 3000\n", get("/phases").body)
  end)

  it("names the phase in which nothing can wait", function()
    start()
    get("/late")
    server:await(function()
      return server:log():find("nothing can wait in nginx's log phase", 1,
        true)
    end)
    assert.equal(0, #service:requests())  -- nothing was sent either
    local answer = get "/filter"
    local said = answer.headers["x-said"]
    assert.matches("header_filter phase", said)
    assert.matches("ngx%.timer%.at", said)
    assert.matches("body_filter phase.* / .*set phase", answer.body)
  end)

  it("may block while a worker starts", function()
    start { change = function(text)
      return (text:gsub("\n  init_by_lua_block", [[

  init_worker_by_lua_block { begun = client.generations:count() }%0]]))
    end }
    assert.equal("3000\n", get("/begun").body)
  end)

  it("logs the sentence of a raised error", function()
    start()
    assert.equal(500, get("/raise").status)
    assert.matches("list generations: 400 generation_input_validation_failed",
      server:log())
  end)

  it("deletes in its usual time beside eight idle readers", function()
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

  it("frees the open objects of an aborted request", function()
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

  -- A listing that takes a few seconds. Requests that begin during it must end
  -- before it.
  local function list_slowly(target)
    service:fault { route = "list", drip = 400000 }
    local reader = begin(target or "/generations")
    -- Its first lines arrive long before its last.
    server:await(function() return reader:log():find "\n" end)
    return reader
  end

  local function assert_goes_on(reader)
    assert.is_nil(reader:status())
    local _, n = text_of(reader):gsub("\n", "")
    assert.equal(3000, n)
  end

  it("is reloaded in mid-listing", function()
    start()
    local reader = list_slowly()
    local worker = get("/worker").body
    server:signal "HUP"
    server:await(function()
      local now = get("/worker").body
      return now and now ~= worker
    end)
    assert.equal("3000\n", get("/count").body)
    assert_goes_on(reader)
  end)

  it("works without the code cache, in mid-listing too", function()
    start { change = function(text)
      return (text:gsub("default_type application/json;",
        "%0 lua_code_cache off;"))
    end }
    local reader = list_slowly()
    for _ = 1, 5 do assert.equal("3000\n", get("/count").body) end
    assert_goes_on(reader)
    -- A Lua state that is closed with its listing under way.
    reader = list_slowly "/hold"
    reader:stop()
    server:await(function() return get("/live").body:match "^%d+ 0\n" end)
    assert.not_matches("exited on signal", server:log())
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
    assert.not_matches("exited on signal", server:log())
  end)
end)
