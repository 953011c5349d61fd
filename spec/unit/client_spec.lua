-- SPDX-License-Identifier: MIT
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local core = require "lipsync.core"
local lipsync = require "lipsync"
local clients = require("lipsync.loader").client()
local events = require "lipsync.call.events"
local host = require "lipsync.host"
local http = require "lipsync.http"

describe("client", function()
  local server, client, getenv

  before_each(function() getenv = core.getenv end)

  after_each(function()
    core.getenv = getenv
    if client then client:close() end
    if server then server:stop() end
    server, client = nil, nil
  end)

  local function environment(values)
    core.getenv = function(name) return values[name] end
  end

  local function start(script, options)
    server = scripted.start(script)
    client = service.client(server.base_url, options)
    return client
  end

  local function raises(options, pattern)
    local ok, message = pcall(function()
      lipsync.new(options)
      return nil
    end)
    assert.is_false(ok)
    assert.match("client_spec.lua:%d+: ", message)
    assert.match(pattern, message)
  end

  it("is made without a key; each call returns the error", function()
    environment {}
    server = scripted.start {}
    client = assert(lipsync.new { base_url = server.base_url })
    for _, call in ipairs { "list", "get", "delete", "count", "all" } do
      local of = client.generations
      local value, err
      if call == "list" then
        value, err = of:list():next()
      else
        value, err = of[call](of, call ~= "count" and call ~= "all" and "id"
          or nil)
      end
      assert.is_nil(value)
      assert.equal("invalid", err.kind)
      assert.equal("api_key", err.field)
      assert.match('no API key%. Pass lipsync%.new { api_key = "…" } or set '
        .. "SYNC_API_KEY", tostring(err))
    end
    assert.equal(0, #server:connections())
  end)

  it("takes key and address from the environment", function()
    server = scripted.start { service.answer(401, '{"message":"No."}') }
    environment { SYNC_API_KEY = "from-env", SYNC_BASE_URL = server.base_url }
    client = assert(lipsync.new())
    local _, err = client.generations:count()
    assert.equal("from-env", server:requests(1)[1].headers["x-api-key"])
    assert.match("does not accept the key from SYNC_API_KEY%.$",
      tostring(err))
    server:stop()
    _, err = client.generations:count(nil, { max_attempts = 1 })
    assert.match("The address comes from SYNC_BASE_URL%.$", tostring(err))
  end)

  it("treats empty variables as absent", function()
    environment { SYNC_API_KEY = "", SYNC_BASE_URL = "" }
    client = assert(lipsync.new())
    assert.equal("lipsync client for api.sync.so", tostring(client))
    assert.is_false(client.has_key)
  end)

  it("names the option of a wrong key", function()
    local _, err = start({ service.answer(401, '{"message":"No."}') })
      .generations:count()
    assert.match("127%.0%.0%.1:%d+ does not accept the key given as api_key",
      tostring(err))
  end)

  it("is made with a bad key or header; each call says so", function()
    local made = start({}, { api_key = "abc\n" })
    local value, err = made.generations:count()
    assert.is_nil(value)
    assert.equal("invalid", err.kind)
    assert.equal("api_key", err.field)
    assert.equal("count generations: api_key ends in a line break (read from "
      .. 'a file? key:match "%S+").', tostring(err))
    environment { SYNC_API_KEY = "abc\r" }
    local listing = lipsync.new({ base_url = server.base_url })
      .generations:list()
    assert.match("^list generations: SYNC_API_KEY ends in a line break",
      tostring(select(2, listing:next())))
    environment {}
    made = start({}, { headers = { a = "b\nc" } })
    for _, call in ipairs { made.errors.list, made.errors.explain } do
      value, err = call(made.errors, call == made.errors.explain and "x" or nil)
      assert.is_nil(value)
      assert.equal("headers", err.field)
    end
    value, err = start({}).generations:count(nil,
      { headers = { a = "b\nc" } })
    assert.is_nil(value)
    assert.equal("headers", err.field)
    assert.equal(0, #server:connections())
  end)

  it("needs no key for the catalog, not even a valid one", function()
    local made = start({ service.answer(200, '[{"code":"c"}]') },
      { api_key = "abc\n" })
    assert.equal("c", assert(made.errors:list())[1].code)
    assert.is_nil(server:requests(1)[1].headers["x-api-key"])
  end)

  it("raises for invalid addresses", function()
    raises({ base_url = "https://x.example/v2" },
      "base_url must not end in /v2: it is added to every path%.$")
    raises({ base_url = "https://u:p@x.example" },
      "base_url must not hold a user or password%.$")
    raises({ base_url = "ftp://x" }, "base_url must begin with .*%.$")
    raises({ base_url = "" }, "base_url must begin with .*%.$")
    environment { SYNC_BASE_URL = "https://x.example/v2/" }
    raises({}, "added to every path%. The address comes from SYNC_BASE_URL%.$")
  end)

  it("takes no key of the environment if api_key is false", function()
    server = scripted.start {}
    environment { SYNC_API_KEY = "the-key-of-another-tenant",
                  SYNC_BASE_URL = "https://another.example" }
    for _, options in ipairs { { api_key = false }, { api_key = "" },
                               { strict = true } } do
      options.base_url = server.base_url
      client = assert(lipsync.new(options))
      local value, err = client.generations:count()
      assert.is_nil(value)
      assert.equal("api_key", err.field)
      client:close()
    end
    client = assert(lipsync.new { api_key = "k", strict = true })
    assert.match("api%.sync%.so", tostring(client))
    assert.equal(0, #server:connections())
  end)

  it("raises for options set too late", function()
    start {}
    for _, name in ipairs { "timeout", "on_event", "api_key" } do
      local ok, message = pcall(function() client[name] = 5 end)
      assert.is_false(ok)
      assert.match("client_spec.lua:%d+: " .. name .. " is an option of "
        .. "lipsync.new", message)
    end
    client.mine = 5
    assert.equal(5, client.mine)
  end)

  it("raises for unknown hosts and options", function()
    raises({ host = "bloking" },
      'unknown host "bloking", did you mean "blocking"%? Known: blocking')
    raises({ apikey = "x" }, 'did you mean "api_key"')
    raises("key", "options must be a table")
  end)

  it("keeps a path prefix, and appends to its user agent", function()
    server = scripted.start { service.answer(200, '{"count":1}') }
    client = service.client(server.base_url .. "/proxy",
      { user_agent = "mine/1", headers = { ["X-More"] = "y" } })
    assert(client.generations:count())
    local request = server:requests(1)[1]
    assert.equal("/proxy/v2/generations/count", request.target)
    assert.match("^lipsync/%S+ %(Lua.*%) mine/1$",
      request.headers["user-agent"])
    assert.equal("y", request.headers["x-more"])
  end)

  it("has methods for a program's own loop", function()
    start {}
    assert.is_true(client:fd() == nil or client:fd() >= 0)
    assert.is_true(client:timeout() == nil or client:timeout() >= 0)
    assert.equal(0, client:step())
    assert.equal(0, client:step(0.001))
    assert.has_error(function() client:step "x" end)
  end)

  it("warms up without the key, whatever the response", function()
    start { service.answer(404, ""), loop = true }
    assert.is_true(client:warm())
    assert.is_nil(server:requests(1)[1].headers["x-api-key"])
    server:stop()
    local warm, err = client:warm()
    assert.is_nil(warm)
    assert.equal("connection", err.kind)
  end)

  it("is closed only once", function()
    start {}
    local generations = client.generations
    client:close()
    client:close()
    for _, fn in ipairs {
      function() generations:list() end,
      function() generations:delete "a" end,
      function() client.errors:explain "a" end,
      function() client:step() end,
    } do
      local ok, message = pcall(fn)
      assert.is_false(ok)
      assert.match("client_spec.lua:%d+: this client was closed$", message)
    end
    assert.match("%(closed%)$", tostring(client))
  end)

  it("reports a dot in place of a colon", function()
    start {}
    local ok, message = pcall(function() client.close() end)
    assert.is_false(ok)
    assert.match("call it with a colon: client:close", message)
    ok, message = pcall(function() client.generations.list {} end)
    assert.is_false(ok)
    assert.match("client_spec.lua:%d+: call it with a colon: "
      .. "client.generations:list%(…%)", message)
  end)

  it("starts anew in a forked child", function()
    start { service.answer(200, '{"count":1}') }
    local before, forks = client:runtime(), http.forks
    http.forks = function() return forks() + 1 end
    local after = client:runtime()
    local again = client:runtime()
    local n = client.generations:count()
    http.forks = forks
    before.session:close()
    after.session:close()
    assert.equal(1, n)
    assert.equal(after, again)
    assert.are_not.equal(before.session, after.session)
    assert.are_not.equal(before.limiter, after.limiter)
    assert.are_not.equal(before.retry_budget, after.retry_budget)
  end)

  it("shows no key", function()
    start { service.answer(400, '{"message":"No."}') }
    local _, err = client.generations:count()
    assert.is_nil(tostring(client):find(service.key, 1, true))
    for _, value in pairs(err) do
      assert.is_nil(tostring(value):find(service.key, 1, true))
    end
  end)
end)

-- Whether this VM asks __pairs.
local asks_pairs = false
pairs(setmetatable({}, { __pairs = function(self)
  asks_pairs = true
  return next, self, nil
end }))

describe("a new client", function()
  local getenv, session, wants_log = core.getenv, http.session,
    events.wants_log
  local env, config, logs, made

  before_each(function()
    env, made = {}, {}
    function core.getenv(name) return env[name] end
    function http.session(given)
      config = {}
      for name, value in pairs(given) do config[name] = value end
      return session(given)
    end
    function events.wants_log(value)
      logs = value
      return false
    end
  end)
  after_each(function()
    core.getenv, http.session, events.wants_log = getenv, session, wants_log
    for _, each in ipairs(made) do each:close() end
  end)

  local function new(options, origins)
    made[#made + 1] = clients.new(options, origins)
    return made[#made]
  end

  it("has the limits that are documented", function()
    local own = new().options
    for name, wanted in pairs { timeout = 60, connect_timeout = 10,
        stall_timeout = 30, max_attempts = 4, max_in_flight = 8,
        max_transfers = 8, max_waits = 32, max_generation = 1048576,
        max_response = 16777216 } do
      assert.equal(wanted, own[name], name)
    end
    assert.equal(10, config.connect_timeout)
    assert.equal(16777216, config.max_response)
    assert.equal(1048576, config.max_object)
    assert.equal("https://api.sync.so", config.base_url)
    assert.is_false(config.allow_http)
    assert.equal("lipsync client for api.sync.so", tostring(made[1]))
    assert.equal(("lipsync/%s (%s)"):format(core._VERSION, _VERSION),
      config.user_agent)
  end)

  it("gives its session what it is given", function()
    new { connect_timeout = 3, max_response = 5000, max_generation = 500,
          allow_http = true, media_hosts = "a.example", ca_file = "/none.pem",
          headers = { ["X-A"] = "b" }, user_agent = "mine/1",
          proxy = "http://p:1", api_key = "k" }
    assert.same({ 3, 5000, 500, true, "a.example", "/none.pem", "b", "k" },
      { config.connect_timeout, config.max_response, config.max_object,
        config.allow_http, config.media_hosts[1], config.ca_file,
        config.headers["X-A"], config.api_key })
    local own = ("lipsync/%s (%s)"):format(core._VERSION, _VERSION)
    assert.equal(own .. " mine/1", config.user_agent)
    assert.equal(own, config.bare_agent)
    assert.equal("http://p:1", config.proxy)
    assert.is_true(config.proxy_is_named)
  end)

  -- What a setting is with all of these variables, then without the first of
  -- them, and so on.
  local function check_order(setting, ...)
    local names = { ... }
    for i, name in ipairs(names) do env[name] = "http://p:" .. i end
    for i, name in ipairs(names) do
      local client = new()
      assert.equal("http://p:" .. i, config[setting])
      if setting == "proxy" then
        assert.equal(name, client:about().proxy_from)
        assert.is_false(config.proxy_is_named)
      end
      new { strict = true }
      assert.is_nil(config[setting])
      env[name] = i % 2 == 0 and "" or nil
    end
    new()
    assert.is_nil(config[setting])
  end

  it("takes the variables of curl, in their order", function()
    check_order("proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
      "ALL_PROXY")
    check_order("no_proxy", "no_proxy", "NO_PROXY")
    check_order("ca_file", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    env.https_proxy, env.CURL_CA_BUNDLE = "http://p:1", "/a.pem"
    local client = new { proxy = "", ca_file = "/b.pem" }
    assert.equal("", config.proxy)
    assert.is_true(config.proxy_is_named)
    assert.equal("proxy", client:about().proxy_from)
    assert.equal("/b.pem", config.ca_file)
    assert.equal("/b.pem", client:about().ca_file)
    assert.equal(http.ca_file, new { strict = true }:about().ca_file)
  end)

  it("logs where the environment wants it", function()
    new()
    assert.is_nil(logs)
    env.SYNC_LOG = "1"
    new()
    assert.equal("1", logs)
    new { strict = true }
    assert.is_nil(logs)
  end)

  it("knows where its key and its address come from", function()
    local url, other = "https://a.example", "https://b.example"
    local service_url = "https://api.sync.so"
    env.SYNC_API_KEY = "e"
    for _, case in ipairs {
      -- options, $SYNC_BASE_URL; then key, its origin, address, its origin
      { {}, nil, "e", "SYNC_API_KEY", service_url, nil },
      { { strict = true }, url, nil, "api_key", service_url, nil },
      { { api_key = "k" }, nil, "k", "api_key", service_url, nil },
      { { api_key = false }, nil, nil, "api_key", service_url, nil },
      { { api_key = "" }, nil, nil, "api_key", service_url, nil },
      { {}, url, "e", "SYNC_API_KEY", url, "SYNC_BASE_URL" },
      { { base_url = other }, url, "e", "SYNC_API_KEY", other, "base_url" },
      { { base_url = other }, nil, "e", "SYNC_API_KEY", other, "base_url" },
      { { base_url = service_url }, url, "e", "SYNC_API_KEY", service_url,
        nil },
    } do
      env.SYNC_BASE_URL = case[2]
      local client = new(case[1])
      local about = client:about()
      assert.equal(case[3], config.api_key)
      assert.equal(case[3] ~= nil, client.has_key)
      assert.equal(case[4], about.key_from)
      assert.equal(case[5], config.base_url)
      assert.equal(case[5], about.base_url)
      assert.equal(case[6], about.base_url_from)
    end
    local about = new({ base_url = url, api_key = "k", proxy = "http://p:1" },
      { base_url = "--url", api_key = "a file", proxy = "a profile" }):about()
    assert.equal("--url a file a profile", about.base_url_from .. " "
      .. about.key_from .. " " .. about.proxy_from)
    for origin, said in pairs { ["--url"] = " The address comes from --url.",
                                base_url = "" } do
      local ok, problem = pcall(new, { base_url = "https://a/v2" },
        { base_url = origin })
      assert.is_false(ok)
      assert.equal("added to every path." .. said,
        problem:match "added to every path.*")
    end
  end)

  it("raises for options that are none", function()
    for said, options in pairs {
        ["api_key must be a string, got number"] = { api_key = 5 },
        ["base_url must be a string, got boolean false"] = { base_url = false },
        ["host must be a host's name or a function, got number 5"] = {
          host = 5 },
        ['unknown option "timout", did you mean "timeout"?'] = { timout = 1 },
        ["options must be a table, got number 5"] = 5 } do
      local ok, problem = pcall(new, options)
      assert.is_false(ok)
      assert.is_truthy(problem:find(said, 1, true), problem)
    end
    local names = {}
    for _, name in ipairs(host.names()) do
      names[#names + 1] = name
      assert.equal(name, new { host = name }.options.host)
    end
    assert.is_true(#names > 5)
  end)
end)

describe("the methods of a client", function()
  local client

  before_each(function()
    client = service.client "http://127.0.0.1:1"
  end)
  after_each(function() client:close() end)

  -- What a call raises, after the caller's line.
  local function raised(fn, ...)
    local arguments = { ... }
    local ok, problem = pcall(function()
      local value = fn((table.unpack or unpack)(arguments))
      return value
    end)
    assert.is_false(ok)
    return problem:match "client_spec%.lua:%d+: (.*)$" or problem
  end

  local names = { "fd", "timeout", "spawn", "step", "drive", "pending", "run",
                  "sleep", "warm", "request" }

  it("are called with a colon, until it is closed", function()
    for _, name in ipairs(names) do
      assert.equal("call it with a colon: client:" .. name .. "(…)",
        raised(client[name], {}))
    end
    assert.equal("call it with a colon: client:close()",
      raised(client.close, {}))
    client:close()
    for _, name in ipairs(names) do
      assert.equal("this client was closed", raised(client[name], client))
    end
  end)

  it("are shown, and nothing else but the resources", function()
    if not asks_pairs then return pending "this VM does not ask __pairs" end
    local found = {}
    for name, value in pairs(client) do
      found[#found + 1] = name
      assert.is_truthy(value)
    end
    table.sort(found)
    assert.equal("assets batches close dialogue_edits drive errors fd "
      .. "generations models pending projects request run sleep spawn speech "
      .. "step timeout transcriptions usage voices warm webhooks",
      table.concat(found, " "))
  end)

  it("take what they are for", function()
    local step = "budget must be a number of seconds, got "
    assert.equal(step .. 'string "x"', raised(client.step, client, "x"))
    assert.equal(step .. "boolean false", raised(client.step, client, false))
    assert.matches("^" .. step .. "number ", raised(client.step, client, 0 / 0))
    assert.equal("spawn takes a function, got number 5",
      raised(client.spawn, client, 5))
    local sleeps = "sleep takes a number of seconds, got "
    assert.equal(sleeps .. "number -1", raised(client.sleep, client, -1))
    assert.equal(sleeps .. 'string "1"', raised(client.sleep, client, "1"))
    assert.equal(sleeps .. "nil", raised(client.sleep, client))
    assert.matches("^" .. sleeps .. "number ",
      raised(client.sleep, client, 0 / 0))
    assert.is_true(client:sleep(0))
    assert.is_true(client:sleep(0.001))
  end)

  it("drive by a loop that has what is needed", function()
    local function fn() end
    local needed = "client:drive takes { after = …, cancel = …, watch = …, "
      .. "unwatch = … }: after is needed, and watch and unwatch go together"
    for _, loop in ipairs { {}, { after = fn, watch = fn },
        { after = fn, unwatch = fn }, { watch = fn, unwatch = fn } } do
      assert.equal(needed, raised(client.drive, client, loop))
    end
    assert.equal(needed, raised(client.drive, client))
    assert.equal("after must be a function, got number 5",
      raised(client.drive, client, { after = 5 }))
    assert.equal("loop must be a table, got number 5",
      raised(client.drive, client, 5))
    client:drive { after = fn }
    client:drive { after = fn, watch = fn, unwatch = fn, cancel = fn }
  end)

  it("say how long a program's own loop may sleep", function()
    local runtime = client:runtime()
    local session = runtime.session
    finally(function() runtime.session = session end)
    for _, case in ipairs { { nil, nil, nil }, { 2, nil, 2 }, { nil, 3, 3 },
                            { 2, 3, 2 }, { 3, 2, 2 }, { 0, 3, 0 } } do
      runtime.session = { timeout = function() return case[1] end }
      function runtime.scheduler.timeout() return case[2] end
      assert.equal(case[3], client:timeout())
    end
  end)

  it("step for two milliseconds, or as long as is said", function()
    local scheduler, given = client:runtime().scheduler, nil
    function scheduler.step(_, budget)
      given = budget
      return 7
    end
    assert.equal(7, client:step())
    assert.equal(0.002, given)
    client:step(0)
    assert.equal(0, given)
  end)

  it("end with the client", function()
    local slept, err
    client:spawn(function() slept, err = client:sleep(1000) end)
    client:step()
    client:close()
    assert.is_nil(slept)
    assert.equal("closed", err.kind)
    assert.equal("sleep: the client was closed.", tostring(err))
  end)

  it("refuse to wait for the task that they are called by", function()
    local problem
    client:spawn(function()
      problem = raised(client.run, client)
    end)
    assert.equal(1, client:pending())
    client:run()
    assert.equal(0, client:pending())
    assert.equal("client:run() was called by a task, and would wait for it",
      problem)
  end)
end)
