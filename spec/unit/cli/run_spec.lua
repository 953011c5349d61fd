-- SPDX-License-Identifier: MIT
-- One run of the command: its client, what Ctrl-C does, and what is said of
-- what fails. As a program: spec/command.

local blocking = require "lipsync.host.blocking"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local lipsync = require "lipsync"
local loader = require "lipsync.loader"
local profile = require "lipsync.cli.profile"
local run = require "lipsync.cli.run"
local status = require "lipsync.cli.status"
local terminal = require "lipsync.terminal"

describe("a run of the command", function()
  local getenv, interrupted, load = core.getenv, terminal.interrupted,
    loader.client
  local stderr, wait = io.stderr, blocking.wait
  local env, pressed, said, made

  before_each(function()
    env, pressed, said, made = { TERM = "dumb" }, false, "", {}
    function core.getenv(name) return env[name] end
    function terminal.interrupted() return pressed end
    function loader.client()
      return { new = function(own, origins)
        made[#made + 1] = { own = own, origins = origins, closed = 0,
                            runtime = function() return "runtime" end }
        local client = made[#made]
        function client.close() client.closed = client.closed + 1 end
        return client
      end }
    end
    rawset(io, "stderr", { write = function(_, ...)
      said = said .. table.concat { ... }
    end })
  end)
  after_each(function()
    core.getenv, terminal.interrupted, loader.client = getenv, interrupted, load
    blocking.wait = wait
    rawset(io, "stderr", stderr)
  end)

  -- "STATUS SENTENCE" of what ends the command early.
  local function stop(fn, ...)
    local ok, raised = pcall(fn, ...)
    assert.is_false(ok)
    assert.is_true(status.is_stop(raised), tostring(raised))
    return raised.status .. " " .. (raised.message or "")
  end

  it("makes one client, when it is first asked for", function()
    local on_event = print
    local this = run.new { timeout = 20, base_url = "https://a" }
    assert.equal("1 no API key: set SYNC_API_KEY, or give --key-file FILE or "
      .. "--profile NAME.", stop(this.client, this))
    assert.equal(0, #made)
    env.SYNC_API_KEY = "k"
    this.on_event = on_event
    local client = this:client()
    assert.equal(client, this:client())
    assert.equal(1, #made)
    assert.equal(20, client.own.timeout)
    assert.equal(on_event, client.own.on_event)
    assert.equal("https://a", client.own.base_url)
    assert.same({ base_url = "--base-url" }, client.origins)
    this:close()
    assert.equal(1, client.closed)
    run.new({}):close()
  end)

  it("has the service's address where a profile has none", function()
    local options, asked = profile.options, nil
    finally(function() profile.options = options end)
    function profile.options(given, service)
      asked = { given.profile, service }
      return { api_key = "k" }, {}
    end
    run.new({ profile = "p" }):client()
    assert.same({ "p", "https://api.sync.so" }, asked)
  end)

  it("needs no key where the service needs none", function()
    local this = run.new {}
    assert.is_truthy(this:client(true))
    assert.equal(1, #made)
  end)

  it("waits a tenth of a second at a time, and looks for Ctrl-C", function()
    env.SYNC_API_KEY = "k"
    local this, seen = run.new {}, {}
    local host = this:client().own.host
    function blocking.wait(...) seen = { ... } end
    host("session", "target", 5)
    assert.same({ "session", "target", 0.1, "runtime" }, seen)
    host("session", "target", 0.05)
    assert.equal(0.05, seen[3])
    seen, pressed = {}, true
    assert.equal("130 ", stop(host, "session", "target", 5))
    assert.same({}, seen)
    pressed = false
    function blocking.wait() pressed = true end
    assert.equal("130 ", stop(host, "session", "target", 5))
    this.is_finishing = true
    host("session", "target", 5)
  end)

  it("ends at Ctrl-C, unless it ends by itself", function()
    local this = run.new {}
    this:check_interrupt()
    pressed = true
    assert.equal("130 ", stop(this.check_interrupt, this))
    this.is_finishing = true
    this:check_interrupt()
  end)

  it("says what the library raises about what was typed", function()
    assert.same({ 1, nil, 3 }, { run.new({}).try(function(...)
      return ...
    end, 1, nil, 3) })
    local try = run.new({}).try
    local function raises(problem)
      return function() error(problem, 0) end
    end
    assert.equal("1 limit must be 5", stop(try,
      raises "/usr/share/lua/5.4/lipsync/cli/list.lua:7: limit must be 5"))
    assert.equal("1 a\nb", stop(try, raises "x/lipsync/cli/run.lua:12: a\nb"))
    for _, problem in ipairs { "lipsync/base/misuse.lua:7: no", "no",
        "a\nlipsync/cli/run.lua:12: no", "lipsync/cli/run.lua: no", 5, {},
        errors.new("api", "no") } do
      local ok, raised = pcall(try, raises(problem))
      assert.is_false(ok)
      assert.equal(problem, raised)
    end
  end)

  it("ends with the error that a call returned", function()
    local check = run.new({}).check
    local err = errors.new("api", "no")
    assert.same({ 1, nil, 3 }, { check(1, nil, 3) })
    assert.same({ 1, err }, { check(1, err) })
    assert.is_false((check(false, err)))
    assert.is_nil((check(nil, nil)))
    local ok, raised = pcall(check, nil, err)
    assert.is_false(ok)
    assert.equal(err, raised)
  end)

  it("says what Ctrl-C leaves, and nothing after other ends", function()
    local this = run.new {}
    assert.same({ 1, nil, 3 }, { this:protect(function()
      return 1, nil, 3
    end, "left") })
    local function leaves(after, code)
      said = ""
      local ok, raised = pcall(this.protect, this, function()
        status.stop(code or status.interrupted, "m")
      end, after)
      assert.is_false(ok)
      assert.equal("m", raised.message)
      return said
    end
    assert.equal("lipsync: left.\n", leaves "left.")
    assert.equal("lipsync: 3.\n", leaves(function() return "3." end))
    assert.equal("", leaves(function() return nil end))
    assert.equal("", leaves("left.", status.usage))
    local mine = {}
    local ok, raised = pcall(this.protect, this, function()
      error(mine)
    end, "left.")
    assert.is_false(ok)
    assert.equal(mine, raised)
    assert.equal("", said)
    this = run.new { json = true }
    assert.equal('{"kind":"interrupted","message":"left.",'
      .. '"sentence":"left."}\n', leaves "left.")
  end)

  it("writes to standard error, after the line of progress", function()
    local this, cleared = run.new {}, 0
    function this.screen.clear() cleared = cleared + 1 end
    this:say "a"
    this:complain "b."
    this:complain(errors.new("connection", "lost"))
    this:close()
    assert.equal("a\nlipsync: b.\nlipsync: lost.\n", said)
    assert.equal(4, cleared)
  end)

  it("says why a library does not load, without the place", function()
    local this = run.new {}
    assert.equal(5, this.load(function() return 5 end))
    for problem, sentence in pairs {
        ["a/lipsync/loader.lua:85: no curl"] = "no curl", ["no"] = "no",
        ["x\ny.lua:5: z"] = "x\ny.lua:5: z" } do
      assert.equal("1 " .. sentence, stop(this.load, function()
        error(problem, 0)
      end))
    end
  end)

  it("has the types of errors and generations", function()
    assert.is_truthy(lipsync.generation '{"id":"a"}')
    assert.is_true(core.is_error(errors.new("api", "no")))
  end)
end)
