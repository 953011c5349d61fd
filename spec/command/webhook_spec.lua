-- SPDX-License-Identifier: MIT
-- lipsync webhook verify and listen.

local emulated, emulator = pcall(require, "lipsync.emulator")
local core = require "lipsync.core"
local command = require "spec.support.command"
local http = require "spec.support.http"
local launch = require "spec.support.launch"
local lipsync = require "lipsync"

if not pcall(require, "lipsync.hmac") or not command.can_run() then
  describe("lipsync webhook", function()
    pending("needs lipsync.hmac and argparse")
  end)
  return
end

local scripted = require "spec.support.scripted"
local hmac = require "lipsync.hmac"
local body = '{"id":"a","status":"COMPLETED"}'

-- The header for a body that was signed so many seconds ago.
local function signed(secret, age, text)
  local at = ("%d"):format(os.time() - age)
  local digest = hmac.sha256(secret, at .. "." .. (text or body))
  if #digest == 32 then
    digest = digest:gsub(".", function(c)
      return ("%02x"):format(c:byte())
    end)
  end
  return "t=" .. at .. ",v1=" .. digest
end

describe("lipsync webhook verify", function()
  local folder

  before_each(function()
    folder = launch.folder()
    launch.write(folder .. "/secret", "whsec_old\nwhsec_new\n")
  end)
  after_each(function() launch.remove(folder) end)

  local function verify(signature, input, ...)
    return command.run({ "webhook", "verify", "--secret-file",
      folder .. "/secret", "--signature", signature, ... },
      { input = input, key = "" })
  end

  it("shows what the service has signed, by any of the secrets", function()
    for _, secret in ipairs { "whsec_old", "whsec_new" } do
      local out, status, err = verify(signed(secret, 0), body)
      assert.equal("", err)
      assert.equal(0, status)
      assert.equal("id\ta\nstatus\tCOMPLETED\n", out)
    end
    local out = verify(signed("whsec_old", 0), body, "--json")
    assert.equal("a", lipsync.generation(out).id)
    out = verify(signed("whsec_old", 0), body, "--csv", "--fields", "status")
    assert.equal("status\r\nCOMPLETED\r\n", out)
    out = command.run({ "webhook", "verify", "--json", "--signature",
      signed("whsec_env", 0) }, { input = body,
        env = { SYNC_WEBHOOK_SECRET = "whsec_env" } })
    assert.equal(body .. "\n", out)
  end)

  it("refuses what is forged, changed or late", function()
    for signature, input in pairs { [signed("whsec_x", 0)] = body,
        [signed("whsec_old", 1)] = body .. " ",
        [signed("whsec_old", 600)] = body, ["v1=00"] = body } do
      local out, status, err = verify(signature, input)
      assert.equal("", out)
      assert.equal(2, status, err)
      assert.matches("^lipsync: verify webhook: ", err)
      assert.is_nil(err:find("whsec", 1, true))
    end
    assert.equal(0, (select(2, verify(signed("whsec_old", 600), body,
      "--tolerance", "1h"))))
  end)

  it("says what is missing", function()
    local _, status, err = command.run { "webhook", "verify" }
    assert.equal(1, status)
    assert.equal("lipsync: give --signature.\n", err)
    _, status, err = command.run({ "webhook", "verify", "--signature", "t=1" },
      { env = { SYNC_WEBHOOK_SECRET = false } })
    assert.equal(1, status)
    assert.matches("^lipsync: no secret: give %-%-secret%-file FILE, or set",
      err)
    _, status, err = command.run { "webhook", "verify", "--signature", "t=1",
                                   "--secret-file", "-" }
    assert.equal(1, status)
    assert.matches("standard input has the body", err)
    _, status, err = command.run { "webhook", "verify", "--secret-file", "none",
                                   "--signature", "t=1" }
    assert.equal(1, status)
    assert.matches("^lipsync: none cannot be read: No such file", err)
  end)
end)

describe("lipsync webhook listen", function()
  if not emulated then return pending "lipsync.emulator is left out" end
  local folder, listener

  before_each(function() folder = launch.folder() end)
  after_each(function()
    if listener then listener:stop() end
    listener = nil
    launch.remove(folder)
  end)

  -- Starts it with these options; returns its address.
  local function start(options, env)
    env = env or { SYNC_WEBHOOK_SECRET = "whsec_emulator" }
    local words = { "webhook", "listen" }
    for _, word in ipairs(options) do words[#words + 1] = word end
    listener = launch.start { folder = folder,
      env = { LUA_CPATH = package.cpath },
      command = command.line(words, { env = env, key = "" }) .. " 2>" .. folder
        .. "/err" }
    return listener:await(function()
      return launch.read(folder .. "/err"):match "http://[%d.]+:%d+"
    end)
  end

  local function said() return launch.read(folder .. "/err") end

  local function post(url, text, signature, headers)
    headers = headers or {}
    headers["Sync-Signature"] = signature
    return http.request(url, "POST", "/hook", { headers = headers,
                                                body = text })
  end

  -- The ids on standard output, in JSON lines.
  local function shown()
    local ids = {}
    for line in listener:log():gmatch "[^\n]+" do
      ids[#ids + 1] = lipsync.generation(line).id
    end
    return ids
  end

  it("writes what the emulator signs, once, and refuses all else", function()
    local url = start { "--json" }
    local service = emulator.start { generations = 0 }
    finally(function() service:stop() end)
    local function send(settings, code)
      service:set(settings)
      local before = #service:webhooks()
      local id = service:add { status = "PROCESSING", errorCode = code,
                               webhookUrl = url .. "/hook?team=7" }
      service:advance(1000)
      local copies = settings.webhook_copies or 1
      listener:await(function()
        return #service:webhooks() == before + copies
      end)
      local all = service:webhooks()
      return all[#all].statusCode, id
    end
    local ids = {}
    for i, settings in ipairs { {}, { webhook_old_header = true },
        { webhook_old_header = false, webhook_copies = 2 } } do
      local status, id = send(settings,
        i == 2 and "generation_pipeline_failed" or nil)
      assert.equal(200, status)
      ids[i] = id
    end
    service:set { webhook_copies = 1 }
    for _, how in ipairs { "wrong", "late", "doubled", "none" } do
      assert.equal(401, (send { webhook_signature = how }), how)
    end
    listener:await(function() return #shown() == 3 end)
    assert.same(ids, shown())
    assert.matches('"status":"FAILED"', listener:log())
    listener:signal "INT"
    assert.equal(130, (listener:finish()))
    assert.same(ids, shown())
    local lines = {}
    for line in said():gmatch "[^\n]+" do
      lines[#lines + 1] = assert(core.decode(line))
    end
    assert.same({ kind = "listening", url = url }, lines[1])
    assert.equal("repeat", lines[2].kind)
    assert.matches(ids[3], lines[2].sentence, 1, true)
    for i, text in ipairs { "does not fit the secret", "ago, and the tolerance",
                            "came more than once", "has no signature" } do
      assert.equal("signature", lines[2 + i].kind)
      assert.matches(text, lines[2 + i].sentence)
    end
    assert.equal("3 taken, 4 refused.", lines[7].sentence)
    assert.is_nil(said():find("whsec", 1, true))
  end)

  it("answers what is wrong by its status, and keeps no long body", function()
    launch.write(folder .. "/secret", "a\nb\n")
    local url = start({ "--secret-file", folder .. "/secret" },
      { SYNC_WEBHOOK_SECRET = "whsec_other" })
    local get = http.request(url, "GET", "/")
    assert.equal(405, get.status)
    assert.equal("POST", get.headers.allow)
    assert.equal("", get.body)
    local long = ("x"):rep(1024 * 1024 + 1)
    assert.equal(413, post(url, long, signed("b", 0, long)).status)
    local reply = scripted.exchange(tonumber(url:match "%d+$"),
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
      .. "Transfer-Encoding: chunked\r\n\r\n"
      .. ("10000\r\n" .. ("x"):rep(65536) .. "\r\n"):rep(17)
      .. "0\r\n\r\n", 30)
    assert.matches("^HTTP/1.1 413 ", reply)
    assert.equal(400, post(url, "[]", signed("b", 0, "[]")).status)
    assert.equal(401, post(url, body, signed("whsec_other", 0)).status)
    local good = signed("b", 0)
    assert.equal(401, post(url, body .. " ", good).status)
    assert.equal(200, post(url, body, good).status)
    assert.equal(200, post(url, body, good).status)  -- a replay
    local batch = '{"id":"b1","status":"COMPLETED","metrics":{}}'
    assert.equal(200, post(url, batch, signed("a", 10, batch)).status)
    listener:await(function() return listener:log():find "b1" end)
    assert.equal("a\tCOMPLETED\t\t\t\t\nb1\tCOMPLETED\t\t\t\t\n",
      listener:log())
    assert.matches("its method is GET, not POST%.", said())
    assert.matches("its body is longer than 1 MiB%.", said())
  end)

  it("ends after so many, and reads a secret from standard input", function()
    local port = tostring(launch.port())
    local url = "http://127.0.0.1:" .. port
    launch.write(folder .. "/secret", "a")
    listener = launch.start { folder = folder,
      env = { LUA_CPATH = package.cpath }, command = "LC_ALL=C "
        .. command.line({ "webhook", "listen", "--secret-file", "-", "--port",
                          port, "--limit", "2", "--quiet", "--csv", "--fields",
                          "id" }, { key = "" })
        .. " <" .. folder .. "/secret" }
    for i = 1, 2 do
      local text = body:gsub('"a"', '"' .. i .. '"')
      local answer = listener:await(function()
        local answer = post(url, text, signed("a", 0, text))
        return answer.status and answer
      end)
      assert.equal(200, answer.status)
    end
    local status, log = listener:finish()
    assert.equal("id\r\n1\r\n2\r\n", log)
    assert.equal(0, status)
  end)

  it("draws a table on a terminal", function()
    if not command.has_terminal() then pending "python3 is missing" end
    for _, columns in ipairs { 40, 80, 200 } do
      local port = launch.port()
      listener = launch.start { folder = folder,
        env = { LUA_CPATH = package.cpath },
        command = command.line({ "webhook", "listen", "--port", tostring(port),
          "--limit", "1" }, { key = "", columns = columns,
            env = { SYNC_WEBHOOK_SECRET = "a", NO_COLOR = "1" } }) }
      listener:await(function()
        return post("http://127.0.0.1:" .. port, body, signed("a", 0)).status
      end)
      local status, log = listener:finish()
      assert.equal(0, status, log)
      assert.matches("Ctrl%-C ends it%.\n", log)
      assert.matches("\nID +STATUS", log)
      assert.matches("\na +COMPLETED", log)
      for line in log:match "\n(.*)$":gmatch "[^\n]+" do
        assert.is_true(#line <= columns, line)
      end
    end
  end)

  it("ends with its numbers after Ctrl-C, on a terminal", function()
    if not command.has_terminal() then pending "python3 is missing" end
    local out, status = command.run({ "webhook", "listen" }, { columns = 80,
      env = { SYNC_WEBHOOK_SECRET = "a" }, key = "",
      typed = { { "Ctrl-C ends it.\n", "\\x03" } } })
    assert.equal(130, status)
    assert.matches("^lipsync: listening at http://127%.0%.0%.1:%d+; Ctrl%-C "
      .. "ends it%.\nlipsync: 0 taken, 0 refused%.\n$", out)
  end)

  it("says what it lacks, or cannot do", function()
    local env = { SYNC_WEBHOOK_SECRET = "a" }
    local server = scripted.start { loop = true, {} }
    finally(function() server:stop() end)
    for words, sentence in pairs {
      [{ "--port", tostring(server.port) }] = "^lipsync: cannot listen on "
        .. "127%.0%.0%.1 port %d+: Address already in use%.\n$",
      [{ "--port", "0" }] = '"0" is no port from 1 to 65535',
      [{ "--port", "65536" }] = '"65536" is no port from 1 to 65535',
      [{ "--host", "192.0.2.1" }] = "cannot listen on 192%.0%.2%.1",
      [{ "--signature", "t=1" }] = "%-%-signature is for webhook verify%.",
      [{ "--secret-file", "none" }] = "none cannot be read: No such file",
    } do
      local out, status, err = command.run({ "webhook", "listen",
        (table.unpack or unpack)(words) }, { env = env, key = "" })
      assert.equal("", out)
      assert.equal(1, status)
      assert.matches(sentence, err)
    end
    local _, status, err = command.run({ "webhook", "verify", "--port", "1" },
      { env = env })
    assert.equal(1, status)
    assert.matches("%-%-port is for webhook listen%.", err)
    _, status, err = command.run({ "webhook", "listen" },
      { env = { SYNC_WEBHOOK_SECRET = false } })
    assert.equal(1, status)
    assert.matches("no secret: give %-%-secret%-file FILE, or set", err)
  end)

  it("says where the server comes from, where it is missing", function()
    for problem, sentence in pairs {
      ["module 'lipsync.emulator' not found:"] = "^lipsync: webhook listen "
        .. "needs the emulator's module, which is not installed: `make install`"
        .. " has it where libmicrohttpd and SQLite are, LuaRocks as "
        .. "lipsync%-emulator%.\n$",
      ["libsqlite3.so.0: no such file"] = "^lipsync: webhook listen needs the "
        .. "emulator's module, which does not load: .*libsqlite3",
    } do
      local _, status, err = command.run({ "webhook", "listen" }, { env = {
        SYNC_WEBHOOK_SECRET = "a", LUA_INIT = ("package.preload["
          .. "'lipsync.emulator'] = function() error(%q, 0) end"):format(
            problem) } })
      assert.equal(1, status)
      assert.matches(sentence, err)
    end
  end)
end)
