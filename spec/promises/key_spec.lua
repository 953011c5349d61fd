-- SPDX-License-Identifier: MIT
-- The key goes only to the origin. The key is a canary; the tests search for it
-- in everything that leaves the client: other sockets, errors, events, logs and
-- anything printable.

local lower = require "lipsync.base.text".lower
local lipsync = require "lipsync"
local operations = require "spec.support.operations"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local CANARY = "canary-3f9c5e71d2"

-- Whether `value`, or anything that its fields lead to, contains the canary.
local function holds(value, seen)
  seen = seen or {}
  if type(value) == "string" then
    return value:find(CANARY, 1, true) ~= nil
  elseif type(value) ~= "table" or seen[value] then
    return tostring(value):find(CANARY, 1, true) ~= nil
  end
  seen[value] = true
  for name, each in next, value do
    if holds(name, seen) or holds(each, seen) then return true end
  end
  return holds(tostring(value), seen)
end

local by_name = operations.by_name

-- Appends the responses that let all operations succeed.
local function append_successes(script)
  for _, operation in ipairs(operations.list) do
    for _, exchange in ipairs(operation.exchanges) do
      script[#script + 1] = service.answer(200, exchange[2])
    end
  end
  return script
end

-- Checks which of these requests had the key.
local function check_keys(seen)
  local n = 0
  for _, operation in ipairs(operations.list) do
    for _ = 1, #operation.exchanges do
      n = n + 1
      assert.equal(operation.key and CANARY or nil,
        seen[n].headers["x-api-key"])
      if not operation.key then assert.is_false(holds(seen[n].head)) end
    end
  end
  return n
end

local servers, clients = {}, {}

-- Runs a script in a process of its own; returns its output.
local function run(text, env)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  local words = { "env" }
  for name, value in pairs(env) do words[#words + 1] = name .. "=" .. value end
  words[#words + 1] = os.getenv "LIPSYNC_LUA" or arg[-1] or "lua"
  words[#words + 1] = path
  local pipe = assert(io.popen(table.concat(words, " ") .. " 2>&1"))
  local log = pipe:read "*a"
  pipe:close()
  os.remove(path)
  return log
end

local function start(script)
  local server = scripted.start(script)
  servers[#servers + 1] = server
  return server
end

-- A client with the canary, and all its events.
local function new(base_url, options)
  local events = {}
  local own = { api_key = CANARY, max_attempts = 1,
    on_event = function(event) events[#events + 1] = event end }
  for name, value in pairs(options or {}) do own[name] = value end
  local client = service.client(base_url, own)
  clients[#clients + 1] = client
  return client, events
end

local function stop()
  for _, client in ipairs(clients) do client:close() end
  for _, server in ipairs(servers) do server:stop() end
  servers, clients = {}, {}
end

local function read_once(answer)
  return { { read = true }, { send = answer }, { close = true } }
end

describe("the key", function()
  after_each(stop)

  it("is sent to the origin if it is needed", function()
    local script = append_successes {}
    local server = start(script)
    local client = new(server.base_url)
    for _, operation in ipairs(operations.list) do
      assert(operation:run(client))
    end
    assert.equal(#script, check_keys(server:requests(#script)))
    assert.equal(#script, #server:requests())
  end)

  it("does not follow a redirect to any place", function()
    local other = start({ { { hold = true } }, loop = true })
    local there = "127.0.0.1:" .. other.port
    local places = {
      "http://" .. there .. "/v2/generations", "//" .. there .. "/",
      "http://localhost:" .. other.port, "https://" .. there,
      "http://user:sesame@" .. there .. "/", "/v2/elsewhere", "",
      "http://api.sync.so@" .. there .. "/?x=" .. CANARY:sub(1, 6),
      "http://" .. there .. "#@api.sync.so", "file:///etc/passwd",
    }
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      local script = {}
      for _ = 1, #operations.list do
        for _, place in ipairs(places) do
          script[#script + 1] = service.answer(status, "",
            { Location = place })
        end
      end
      local server = start(script)
      local client, events = new(server.base_url)
      for _, operation in ipairs(operations.list) do
        for _, place in ipairs(places) do
          local none, err = operation:run(client)
          assert.is_nil(none)
          assert.equal("protocol", err.kind, place)
          assert.is_nil(tostring(err):find("sesame", 1, true))
          assert.is_false(holds(err))
        end
      end
      assert.equal(#script, #server:requests(#script))
      assert.is_false(holds(events))
    end
    assert.same({}, other:connections(0))
  end)

  it("is in no error, even if the server echoes it", function()
    local answers = {
      service.answer(400, '{"message":"x-api-key: ' .. CANARY .. '","sent":["'
        .. CANARY .. CANARY .. '"]}'),
      service.answer(500, "<p>\0" .. CANARY .. "</p>"),
      service.answer(200, CANARY, { ["Content-Type"] = "text/plain" }),
      service.answer(200, '{"not":"an array","' .. CANARY .. '":1}'),
      service.answer(200, '[{"id":"g"},' .. CANARY),
    }
    for _, operation in ipairs(operations.list) do
      local client, events = new(start(answers).base_url)
      for n = 1, #answers do
        local value, err = operation:run(client)
        assert.is_truthy(value or err)
        assert.is_false(holds(operations.plain(value)), n)
        assert.is_false(holds(err), n)
        -- Of what may be a secret itself nothing is shown.
        local body = err and err.body or "(key)"
        if operation ~= by_name.secret or body ~= "(hidden)" then
          assert.match("(key)", body, 1, true)
        end
        -- After the first generation nothing is kept of the response.
        if operation == by_name.list then
          assert.is_nil(value)
          assert.equal(n < 5, err.body ~= nil)
        end
      end
      assert.is_false(holds(events))
      stop()
    end
  end)

  it("is in no error or event, though a header or a cut sends it back",
    function()
      local long = CANARY .. "-" .. ("y"):rep(20)
      local padding = ("x"):rep(64 * 1024 - 40)
      local answers = {
        service.answer(400, "no", { ["X-Request-Id"] = long,
          ["Content-Type"] = "text/" .. long }),
        service.answer(200, "no", { ["X-Request-Id"] = long,
          ["Content-Type"] = "text/" .. long }),
        service.answer(200, "no", { ["Content-Encoding"] = long }),
        service.answer(302, "", { Location = "https://" .. long .. "/" }),
        read_once("HTTP/" .. long .. " 200 OK\r\n\r\n"),
        read_once("HTTP/1.1 500 " .. long .. "\r\nContent-Length: 0\r\n\r\n"),
        read_once("HTTP/1.1 200 OK\r\nContent-Length: " .. long .. "\r\n\r\n"),
        read_once("HTTP/1.1 200 OK\r\nTransfer-Encoding: " .. long
          .. "\r\n\r\n"),
      }
      for from = 0, 90, 10 do
        answers[#answers + 1] = service.answer(200,
          "[1" .. padding .. (" "):rep(from) .. long)
        answers[#answers + 1] = service.answer(400,
          padding .. (" "):rep(from) .. long)
        -- The cut in what is kept of a header.
        answers[#answers + 1] = service.answer(200, "[]",
          { ["Content-Encoding"] = ("x"):rep(from) .. long })
      end
      local client, events = new(start(answers).base_url, { api_key = long })
      for n = 1, #answers do
        local value, err = client.generations:all()
        assert.is_nil(value, n)
        assert.is_false(holds(err), n)
      end
      assert.is_false(holds(events))
    end)

  it("is in no error, though the server calls things by it", function()
    local function row(id, rest)
      return ('{"id":"%s","createdAt":"2026-08-25T10:00:00Z","status":"%s"%s}')
        :format(id, CANARY, rest or "")
    end
    local function list(...)
      return service.answer(200, "[" .. table.concat({ ... }, ",") .. "]")
    end
    local page = service.answer(200, '{"items":[{"id":"a"}],"nextCursor":"'
      .. CANARY .. '"}')
    for what, case in pairs {
      status = { { list(row "a") }, function(client)
        return client.generations:all { status = "FAILED" }
      end },
      id = { { list(row(CANARY)) }, function(client)
        return client.generations:all { ids = "a" }
      end },
      project = { { list(row("a", ',"projectId":"' .. CANARY .. '"')) },
        function(client)
          return client.generations:all { projectId = "p" }
        end },
      cursor = { { list(row(CANARY)), list(row(CANARY)) }, function(client)
        return client.generations:all { page_size = 1 }
      end },
      token = { { page, page }, function(client)
        local found, err = client.assets:list():next()
        while found do found, err = client.assets:list { cursor = CANARY }
          :next() end
        return found, err
      end },
      stray = { { list(row(CANARY)) }, function(client)
        return select(2, client.generations:wait_many({ "a" }):next())
      end },
    } do
      local client = new(start(case[1]).base_url)
      local value, err = case[2](client)
      assert.is_nil(value, what)
      assert.is_truthy(err, what)
      assert.equal("protocol", err.kind, what)
      assert.is_false(holds(err), what)
      stop()
    end
  end)

  it("is in no error, event or text", function()
    local bodies = { "<html>" .. ("x"):rep(100), "{}", "[1]", "", "nonsense",
      '{"message":"no","statusCode":401}' }
    local script = {}
    for i, body in ipairs(bodies) do
      for j, status in ipairs { 200, 400, 401, 500 } do
        script[(i - 1) * 4 + j] = service.answer(status, body)
      end
    end
    for _, operation in ipairs(operations.list) do
      local server = start(script)
      local client, events = new(server.base_url)
      for _ = 1, #script do
        local value, err = operation:run(client)
        assert.is_truthy(err or operation ~= by_name.list and value)
        assert.is_false(holds(operations.plain(value)))
        assert.is_false(holds(err))
      end
      server:stop()
      local _, err = operation:run(client)  -- nothing listens
      assert.equal("connection", err.kind)
      assert.is_false(holds(err))
      assert.is_false(holds(events))
      assert.is_false(holds(client))
      assert.is_false(holds(tostring(operation:begin(client))))
      client:close()
      local ok, problem = pcall(operation.run, operation, client)
      assert.is_false(ok)
      assert.is_false(holds(problem))
      stop()
    end
  end)

  it("does not go to the server of a file, nor where that leads", function()
    local there = start {
      service.answer(302, "", { Location = "/moved" }),
      service.answer(503, CANARY), service.answer(403, "<Error/>"),
      service.answer(404, "<Error/>", { ["X-Request-Id"] = CANARY }),
    }
    local row = service.generation("g1", "COMPLETED",
      (',"outputUrl":"%s/o.mp4?sig=%s"'):format(there.base_url, CANARY))
    local server = start { service.answer(200, row), service.answer(200, row) }
    local client, events = new(server.base_url, { max_attempts = 2,
      user_agent = CANARY, headers = { ["X-Own"] = CANARY } })
    local none, err = client.generations:download("g1", os.tmpname() .. ".mp4",
      { headers = { Cookie = CANARY } })
    assert.is_nil(none)
    assert.equal(404, err.statusCode)
    for i, request in ipairs(there:requests(4)) do
      -- The signature, which has the same text, is in no other place.
      local head = request.head:gsub("^GET %S+", "")
      assert.is_nil(head:find(CANARY, 1, true), i)
    end
    assert.equal(CANARY, server:requests()[2].headers["x-api-key"])
    err.generation = nil  -- as the service has sent it
    assert.is_false(holds(err))
    assert.is_false(holds(events))
  end)

  it("goes to the address of a batch's results, and not where that leads",
    function()
      local there = start {
        service.answer(302, "", { Location = "/moved" }),
        service.answer(200, '{"request_id":"a","response":{"message":"'
          .. CANARY .. '"}}\n', { ["X-Request-Id"] = CANARY }),
        service.answer(503, CANARY), service.answer(503, CANARY),
      }
      local server = start { service.answer(302, "", { Location =
        there.base_url .. "/r?sig=" .. CANARY }) }
      local client, events = new(server.base_url, { max_attempts = 2,
        user_agent = CANARY, headers = { ["X-Own"] = CANARY } })
      require "lipsync.resources.batches"
      local core = require "lipsync.core"
      local batch = assert(core.object("Batch", '{"id":"b1","status":'
        .. '"COMPLETED","outputUrl":"' .. server.base_url .. '/o"}', client))
      local results = batch:results { headers = { Cookie = CANARY } }
      assert.equal("a", (results:next()))
      assert.is_nil((results:next()))
      local sent = server:requests(1)[1]
      assert.equal(CANARY, sent.headers["x-api-key"])
      for i, request in ipairs(there:requests(2)) do
        -- The signature, which has the same text, is in no other place.
        local head = request.head:gsub("^GET %S+", "")
        assert.is_nil(head:find(CANARY, 1, true), i)
      end
      local other = assert(core.object("Batch", '{"id":"b1","status":'
        .. '"COMPLETED","outputUrl":"' .. there.base_url .. '/r"}', client))
      local _, _, err = other:results():next()
      assert.equal("api", err.kind)
      assert.is_false(holds(err))
      assert.is_false(holds(events))
      assert.is_nil(there:requests(4)[4].head:find(CANARY, 1, true))
    end)

  it("is told to hold what no key has, with the place, and not sent",
    function()
      local server = start { loop = true, { { close = true } } }
      for _, odd in ipairs { "\226\128\139", "\226\128\147", "\160" } do
        local client, events = new(server.base_url,
          { api_key = CANARY .. odd .. "x" })
        local _, err = client.generations:get "g"
        assert.equal("invalid", err.kind)
        assert.equal("api_key", err.field)
        assert.is_truthy(err.message:find(
          "at byte " .. #CANARY + 1 .. " ", 1, true), err.message)
        assert.is_false(holds(err))
        assert.is_false(holds(events))
      end
      assert.same({}, server:connections(0))
    end)

  it("is in no text form of an object", function()
    for _, tail in ipairs { "\n", "\r\n", "\r\nX-B: c", " ", "\0", "\127" } do
      local client = lipsync.new { api_key = CANARY .. tail,
                                   base_url = "http://127.0.0.1:9" }
      assert.is_false(holds(client))
      local none, err = client.generations:count()
      assert.is_nil(none)
      assert.equal("invalid", err.kind)
      assert.is_false(holds(err))
      client:close()
    end
    local ok, problem = pcall(lipsync.new, { api_key = { CANARY } })
    assert.is_false(ok)
    assert.is_false(holds(problem))
    ok, problem = pcall(lipsync.new, { [CANARY:sub(1, 3)] = 1,
                                       api_key = CANARY })
    assert.is_false(ok)
    assert.is_false(holds(problem))
  end)

  it("is in no log line, nor in what the system shows", function()
    local server = start({ read_once(scripted.response(500, "{}",
                           { ["Retry-After"] = "0" })), loop = true })
    local log = run([[
      local lipsync = require "lipsync"
      local operations = require "spec.support.operations"
      local client = lipsync.new { max_attempts = 2 }
      print(client)
      for _, operation in ipairs(operations.list) do
        print(operation.name, operation:run(client))
      end
      print(pcall(function() for _ in client.generations:list() do end end))
      local file = io.open "/proc/self/cmdline"
      print(file and file:read "*a")
    ]], { SYNC_API_KEY = CANARY, SYNC_LOG = "1",
          SYNC_BASE_URL = server.base_url })
    assert.matches("lipsync: [%d:.]+ request", log)
    assert.matches("500", log, 1, true)
    for _, operation in ipairs(operations.list) do
      assert.matches("\n" .. operation.name .. "\t", log, 1, true)
    end
    assert.is_false(holds(log))
  end)

  it("is not sent to the address of an output", function()
    local other = start({ { { hold = true } }, loop = true })
    local row = service.generation("g1", "COMPLETED",
      (',"outputUrl":"%s/o.mp4","outputMediaUrl":"%s/m.mp4",'
       .. '"webhookUrl":"%s/hook"'):format(other.base_url, other.base_url,
      other.base_url))
    local server = start { service.answer(200, "[" .. row .. "]"),
                           service.answer(200, row) }
    local client = new(server.base_url)
    local generation = assert(client.generations:list():next())
    assert.equal(other.base_url .. "/o.mp4", generation.outputUrl)
    assert.is_table(generation:decode())
    assert.is_string(tostring(generation))
    assert(generation:delete())
    assert.equal(2, #server:requests(2))
    assert.same({}, other:connections(0))
  end)

  it("passes no unencrypted proxy of the environment", function()
    local proxy = start({ { { hold = true } }, loop = true })
    local other = start({ { { hold = true } }, loop = true })
    local row = service.generation "g1"
    local script = {
      service.answer(200, "[" .. row .. "]"), service.answer(200, row),
      service.answer(302, "", { Location = other.base_url }),
      service.answer(401, '{"message":"Unauthorized","statusCode":401}'),
    }
    local first = #script
    append_successes(script)
    local server = start(script)
    local env = { SYNC_API_KEY = CANARY, SYNC_LOG = "1",
                  SYNC_BASE_URL = server.base_url }
    for _, name in ipairs { "http_proxy", "https_proxy", "all_proxy",
      "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY" } do
      env[name] = proxy.base_url
    end
    env.no_proxy, env.NO_PROXY = "nothing.example", "nothing.example"
    local log = run([[
      local client = require "lipsync".new { max_attempts = 1 }
      local list = assert(client.generations:all())
      print(#list, list[1]:delete())
      print(client.generations:get "g1")
      print(client.generations:count())
      local operations = require "spec.support.operations"
      for _, operation in ipairs(operations.list) do
        assert(operation:run(client))
      end
      local file = io.open "/proc/self/cmdline"
      print(file and file:read "*a")
    ]], env)
    assert.matches("Unauthorized", log, 1, true)
    assert.is_false(holds(log))
    local seen = server:requests(#script)
    assert.equal(#script, #seen)
    for _ = 1, first do
      assert.equal(CANARY, table.remove(seen, 1).headers["x-api-key"])
    end
    check_keys(seen)
    assert.same({}, proxy:connections(0))
    assert.same({}, other:connections(0))
  end)

  it("is hidden from a proxy to an https: origin", function()
    local proxy = start({ { { read = true }, { hold = true } }, loop = true })
    run([[
      local client = require "lipsync".new { max_attempts = 1 }
      for _, operation in ipairs(require "spec.support.operations".list) do
        client:spawn(function() operation:run(client, { timeout = 0.5 }) end)
      end
      client:run()
    ]], { SYNC_API_KEY = CANARY, SYNC_BASE_URL = "https://service.invalid",
          https_proxy = proxy.base_url, HTTP_PROXY = proxy.base_url,
          ALL_PROXY = proxy.base_url })
    assert.is_true(#proxy:requests(1) > 0)
    for _, request in ipairs(proxy:requests()) do
      assert.matches("^CONNECT service%.invalid:443 ", request.head)
      assert.is_false(holds(request.head))
    end
  end)

  it("is not in a CONNECT", function()
    local proxy = start({ loop = true, read_once(
      "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") })
    local client = new("https://service.invalid", { proxy = proxy.base_url })
    for i, operation in ipairs(operations.list) do
      local none, err = operation:run(client)
      assert.is_nil(none)
      assert.equal("connection", err.kind)
      local head = proxy:requests(i)[i].head
      assert.matches("^CONNECT service%.invalid:443 HTTP/1%.1\r\n", head)
      assert.is_false(holds(head))
      assert.is_false(holds(err))
    end
  end)

  it("goes by http: to no proxy, here or elsewhere, without allow_http",
    function()
      local proxy = start({ { { hold = true } }, loop = true })
      for _, url in ipairs { "http://service.invalid", "http://192.0.2.1" } do
        local client = new(url, { proxy = proxy.base_url })
        for _, operation in ipairs(operations.list) do
          assert.is_nil((operation:run(client, { timeout = 2 })))
        end
      end
      assert.same({}, proxy:connections(0))
    end)

  it("goes to no proxy where the service is on this machine", function()
    local proxy = start({ { { hold = true } }, loop = true })
    for _, host in ipairs { "localhost", "a.localhost", "A.LOCALHOST",
        "127.1.2.3", "[::1]" } do
      for _, scheme in ipairs { "http", "https" } do
        local client = new(scheme .. "://" .. host .. ":1", {
          proxy = proxy.base_url, allow_http = true })
        assert.is_nil((client.generations:count(nil, { timeout = 2 })))
      end
    end
    assert.same({}, proxy:connections(0))
  end)

  it("goes to a named proxy by absolute URL where http: is allowed",
    function()
      local script = append_successes { service.answer(200, "[]") }
      local proxy = start(script)
      local client = new("http://service.invalid/p", { proxy = proxy.base_url,
                                                       allow_http = true })
      assert(client.generations:all { source = "a b" })
      local seen = proxy:requests(1)[1]
      assert.equal("http://service.invalid/p/v2/generations?source=a%20b",
        seen.target)
      assert.equal(CANARY, seen.headers["x-api-key"])
      for _, operation in ipairs(operations.list) do
        assert(operation:run(client))
      end
      seen = proxy:requests(#script)
      table.remove(seen, 1)
      check_keys(seen)
      for _, request in ipairs(seen) do
        assert.matches("^http://service%.invalid/p/v2/", request.target)
      end
    end)

  it("goes through one of SOCKS by path, as without one", function()
    local granted = "\0\90\0\0\0\0\0\0"
    local proxy = start({ { { send = granted }, { read = true },
      { send = scripted.response(200, '{"count":3}') } } })
    local client = new("http://service.invalid/p", { allow_http = true,
      proxy = proxy.base_url:gsub("^http", "socks4a") })
    assert.equal(3, client.generations:count())
    local head = proxy:requests(1)[1].head
    assert.truthy(head:find("\0service.invalid\0GET /p/v2/", 1, true))
  end)
end)

describe("nothing makes a header of its own:", function()
  after_each(stop)

  local evil = { "a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1",
                 "a\0b", "\r\n\r\nGET /evil HTTP/1.1" }

  -- The server has seen only well-formed requests.
  local function check(server, n)
    for _, request in ipairs(server:requests(n)) do
      assert.is_nil(lower(request.head):find "\n%s*x%-evil")
      assert.is_nil(request.head:find "\r[^\n]")
      assert.is_nil(request.head:find "[^\r]\n")
      assert.is_nil(request.head:find("\nGET", 1, true))
    end
  end

  it("an id, a filter's value", function()
    local server = start({ { { read = true },
      { send = scripted.response(200, "[]", { Connection = "close" }) } },
      loop = true })
    local client = new(server.base_url)
    for _, text in ipairs(evil) do
      for _, operation in ipairs(operations.list) do
        for _, first in ipairs(operation.texts(text)) do
          pcall(operation.run, operation, client, nil, { first })
        end
      end
    end
    check(server)
  end)

  it("the key, the user agent, a header, the base URL", function()
    local server = start({ { { read = true },
      { send = scripted.response(200, "[]", { Connection = "close" }) } },
      loop = true })
    for _, text in ipairs(evil) do
      for _, options in ipairs {
        { api_key = text }, { user_agent = text },
        { headers = { ["X-A"] = text } }, { headers = { [text] = "a" } },
        { base_url = server.base_url .. "/" .. text },
      } do
        options.base_url = options.base_url or server.base_url
        options.api_key = options.api_key or CANARY
        local ok, client = pcall(lipsync.new, options)
        if ok and client then
          for _, operation in ipairs(operations.list) do
            pcall(operation.run, operation, client)
          end
          client:close()
        end
      end
      local client = new(server.base_url)
      for _, operation in ipairs(operations.list) do
        pcall(operation.run, operation, client,
          { headers = { ["X-A"] = text } })
      end
    end
    check(server)
  end)
end)
