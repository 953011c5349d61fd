-- SPDX-License-Identifier: MIT
-- lipsync webhook verify and listen, with a server of the spec's own. By real
-- connections: spec/command/webhook_spec.lua.

local found, hmac = pcall(require, "lipsync.hmac")

if not pcall(require, "argparse") or not found then
  describe("lipsync webhook", function()
    pending("needs lipsync.hmac and argparse")
  end)
  return
end

local cli = require "spec.support.cli"
local core = require "lipsync.core"
local lipsync = require "lipsync"
local terminal = require "lipsync.terminal"
local verifying = require "lipsync.webhook.verify"

local secret = "whsec_a"
local completed = '{"id":"a","status":"COMPLETED"}'

local function signature_of(body, age, other)
  local time = os.time() - (age or 0)
  return ("t=%d,v1=%s"):format(time,
    hmac.sha256(other or secret, time .. "." .. body):gsub(".", function(byte)
      return ("%02x"):format(byte:byte())
    end))
end

describe("lipsync webhook", function()
  local getenv, stdin, interrupted = core.getenv, io.stdin, terminal.interrupted
  local emulator = package.loaded["lipsync.emulator"]
  local env, input

  before_each(function()
    env, input = { SYNC_WEBHOOK_SECRET = secret }, nil
    function core.getenv(name) return env[name] end
    rawset(io, "stdin", { read = function() return input end })
  end)
  after_each(function()
    core.getenv, terminal.interrupted = getenv, interrupted
    package.loaded["lipsync.emulator"] = emulator
    rawset(io, "stdin", stdin)
  end)

  local function run(...)
    local out, code, err = cli.run({ "webhook", ... }, {})
    return out .. code .. err
  end

  it("has options that are for one of its two", function()
    for action, options in pairs { verify = { "--port=5", "--host=::1",
                                             "--limit=1" },
                                   listen = { "--signature=t" } } do
      for _, option in ipairs(options) do
        assert.equal(("1%s is for webhook %s."):format(option:match "[^=]*",
          action == "verify" and "listen" or "verify"), run(action, option))
      end
    end
  end)

  it("says which secret is missing", function()
    local missing = "1no secret: give --secret-file FILE, or set "
      .. "SYNC_WEBHOOK_SECRET."
    env = {}
    assert.equal(missing, run("verify", "--signature", "t"))
    env.SYNC_WEBHOOK_SECRET = " \t"
    assert.equal("1SYNC_WEBHOOK_SECRET is empty.", run "listen")
    input = "\n"
    assert.equal("1standard input is empty.", run("listen", "--secret-file",
      "-"))
    assert.equal("1give --signature.", run "verify")
    assert.equal("1standard input has the body; the secret is in a file.",
      run("verify", "--signature", "t", "--secret-file", "-"))
  end)

  it("says why its library does not load, before it reads a secret", function()
    local load = verifying.load
    finally(function() verifying.load = load end)
    function verifying.load() error("lua/lipsync/loader.lua:87: no hmac", 0) end
    env = {}
    for _, action in ipairs { "verify", "listen" } do
      assert.equal("1no hmac", run(action))
    end
  end)

  it("shows what was signed, as a record or in a format", function()
    input, env.SYNC_WEBHOOK_SECRET = completed, "whsec_b\r\nwhsec_a"
    local function verify(...)
      return run("verify", "--signature", signature_of(completed), ...)
    end
    assert.equal("id\ta\nstatus\tCOMPLETED\n0", verify())
    assert.equal(completed .. "\n0", verify "--json")
    assert.equal("id\r\na\r\n0", verify("--csv", "--fields", "id"))
    assert.equal("a\n0", verify("--fields", "id"))
    local ok, err = pcall(run, "verify", "--signature",
      signature_of(completed, 400))
    assert.is_false(ok)
    assert.matches("was signed 40%d s ago", tostring(err))
    assert.equal("id\ta\nstatus\tCOMPLETED\n0", run("verify", "--tolerance",
      "500", "--signature", signature_of(completed, 400)))
  end)

  -- A module whose server brings these requests, one after another; false:
  -- none came for a while. What was asked of it.
  local asked, answers, stopped, pauses

  local function serve(requests)
    asked, answers, stopped, pauses = nil, {}, 0, {}
    terminal.interrupted = interrupted
    local at = 0
    package.loaded["lipsync.emulator"] = { receive = function(options)
      asked = options
      if not requests then return nil, "cannot listen" end
      local receiver = { url = "http://127.0.0.1:7" }
      function receiver.next(_, seconds)
        pauses[#pauses + 1] = seconds
        at = at + 1
        if at > #requests then
          function terminal.interrupted() return true end
        end
        return requests[at] or nil
      end
      function receiver.answer(_, code) answers[#answers + 1] = code end
      function receiver.stop() stopped = stopped + 1 end
      return receiver
    end }
  end

  local function post(body, more)
    local request = { method = "POST", body = body,
      headers = { ["sync-signature"] = body and signature_of(body) } }
    for name, value in pairs(more or {}) do request[name] = value end
    return request
  end

  local listening = "lipsync: listening at http://127.0.0.1:7; Ctrl-C ends it."

  it("writes each that was signed once, until there are enough", function()
    local other = '{"id":"a","status":"FAILED"}'
    serve { post(completed), false, post(completed), post(other),
            post(completed) }
    assert.equal("a\tCOMPLETED\t\t\t\t\na\tFAILED\t\t\t\t\n0" .. listening
      .. "\nlipsync: webhook of a came again; it is not shown twice.",
      run("listen", "--limit", "2"))
    assert.same({ 200, 200, 200 }, answers)
    assert.same({ max_body = 1048576 }, asked)
    assert.equal(1, stopped)
    assert.same({ 0.1, 0.1, 0.1, 0.1 }, pauses)
    serve { post(completed) }
    assert.equal("id\r\na\r\n0", run("listen", "--limit", "1", "-q", "--csv",
      "--fields", "id", "--host", "::1", "--port", "80"))
    assert.same({ host = "::1", port = 80, max_body = 1048576 }, asked)
  end)

  it("answers what is wrong by its status, and says why", function()
    serve { post(completed, { method = "PUT\27" }), { method = "POST",
      headers = {} }, post(completed, { headers = {} }), post "[]",
      post(completed, { headers = { ["sync-signature"] =
        signature_of(completed, 400) } }) }
    local out = run("listen", "--json")
    assert.same({ 405, 413, 401, 400, 401 }, answers)
    local lines = {}
    for line in out:match "^130(.*)$":gmatch "[^\n]+" do
      lines[#lines + 1] = core.decode(line)
    end
    assert.same({ kind = "listening", url = "http://127.0.0.1:7" }, lines[1])
    local verifies = "verify webhook: "
    for i, case in ipairs { { "signature", verifies
        .. "its method is PUT , not POST." }, { "signature", verifies
        .. "its body is longer than 1 MiB." }, { "signature", verifies
        .. "it has no signature" }, { "protocol", "read webhook: " },
        { "signature", verifies .. "it was signed 40" }, { "interrupted",
        "0 taken, 5 refused." } } do
      assert.equal(case[1], lines[i + 1].kind)
      assert.equal(case[2], lines[i + 1].sentence:sub(1, #case[2]))
    end
    assert.equal(7, #lines)
    assert.equal(1, stopped)
    serve { post(completed, { headers = { ["sync-signature"] =
      signature_of(completed, 400) } }) }
    assert.equal("a\n0", run("listen", "--tolerance", "500", "-q", "--fields",
      "id", "--limit", "1"))
  end)

  it("ends with its numbers, whatever ends it", function()
    serve { post(completed) }
    assert.equal("a\tCOMPLETED\t\t\t\t\n130" .. listening
      .. "\nlipsync: 1 taken, 0 refused.", run "listen")
    serve {}
    package.loaded["lipsync.emulator"].receive = function()
      return { url = "u", next = function() error("broken", 0) end,
               stop = function() stopped = stopped + 1 end }
    end
    local ok, problem = pcall(run, "listen")
    assert.is_false(ok)
    assert.equal("broken", problem)
    assert.equal(1, stopped)
    serve(nil)
    assert.equal("1cannot listen.", run "listen")
  end)

  it("says where its server is missing", function()
    local preload = package.preload["lipsync.emulator"]
    finally(function() package.preload["lipsync.emulator"] = preload end)
    local needs = "1webhook listen needs the emulator's module, which "
    for problem, said in pairs {
        ["module 'lipsync.emulator' not found:\n\tno file"] = "is not "
          .. "installed: `make install` has it where libmicrohttpd and SQLite "
          .. "are, LuaRocks as lipsync-emulator.",
        ["x.so: no such file\n\tmore"] = "does not load: x.so: no such file",
    } do
      package.loaded["lipsync.emulator"] = nil
      package.preload["lipsync.emulator"] = function() error(problem, 0) end
      local text = run "listen"
      assert.equal(needs .. said, (text:gsub("load: .-x%.so", "load: x.so")))
    end
    -- An older one, which takes no webhooks.
    package.loaded["lipsync.emulator"] = {}
    assert.matches("which is not installed", run "listen")
  end)

  it("forgets the oldest of very many", function()
    local verify, requests, n = lipsync.webhook.verify, {}, 10000
    finally(function() lipsync.webhook.verify = verify end)
    function lipsync.webhook.verify(body) return lipsync.generation(body) end
    for i = 1, n + 1 do
      requests[i] = { method = "POST", headers = {},
                      body = ('{"id":"%d","status":"FAILED"}'):format(i) }
    end
    requests[n + 2] = requests[2]
    requests[n + 3] = requests[n + 1]
    requests[n + 4] = requests[1]
    serve(requests)
    local out = run("listen", "-q", "--fields", "id", "--limit",
      tostring(n + 2))
    assert.matches("\n9999\n10000\n10001\n1\n0lipsync: webhook of 2 came "
      .. "again; it is not shown twice.\nlipsync: webhook of 10001 came again",
      out)
  end)
end)
