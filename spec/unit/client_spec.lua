-- SPDX-License-Identifier: MIT
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local core = require "lipsync.core"
local lipsync = require "lipsync"
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
