-- SPDX-License-Identifier: MIT
-- lipsync request, upload, assets, models and errors, with a service of the
-- spec's own. Against the emulator: spec/command.

if not pcall(require, "argparse") then
  describe("lipsync request", function() pending("argparse is missing") end)
  return
end

local cli = require "spec.support.cli"
local commands = require "lipsync.cli.commands"
local errors = require "lipsync.error"
local launch = require "spec.support.launch"
local lipsync = require "lipsync"
local options = require "lipsync.cli.options"
local terminal = require "lipsync.terminal"

describe("lipsync request", function()
  -- What is asked for, and what is written of a response.
  local function ask(response, ...)
    local asked
    local client = { request = function(_, method, path, given)
      asked = given
      asked.what = method .. " " .. path
      return response
    end }
    local out, code, err = cli.run({ "request", "POST", "/v2/x", ... }, client)
    return out, asked, code, err
  end

  it("sends a text, a file or nothing", function()
    local path = os.tmpname()
    finally(function() os.remove(path) end)
    launch.write(path, "a\r\nb\0")
    for given, wanted in pairs { ["{}"] = "{}", ["x@y"] = "x@y",
                                 ["@" .. path] = "a\r\nb\0" } do
      local _, asked = ask({}, "--data", given)
      assert.same({ what = "POST /v2/x", body = wanted }, asked)
    end
    local _, asked = ask({})
    assert.same({ what = "POST /v2/x" }, asked)
    local _, _, code, err = ask({}, "--data", "@" .. path .. ".none")
    assert.equal(1, code)
    -- in the language of the locale
    assert.equal(select(2, io.open(path .. ".none")) .. ".", err)
  end)

  it("reads a body from standard input, and sends nothing that is wrong",
    function()
      local stdin = io.stdin
      finally(function() rawset(io, "stdin", stdin) end)
      rawset(io, "stdin", { read = function(_, format)
        return format == "*a" and "a\r\nb" or nil
      end })
      local _, asked = ask({}, "--data", "-")
      assert.equal("a\r\nb", asked.body)
      local ok, problem = options.read { "request", "GET", "/x", "--query",
                                         "=1" }
      assert.is_false(ok)
      assert.equal('--query: "=1" is not like name=value', problem)
    end)

  it("ends with the error of the service", function()
    local ok, err = pcall(cli.run, { "request", "GET", "/v2/x" }, {
      request = function() return nil, errors.new("api", "no") end })
    assert.is_false(ok)
    assert.equal("api", err.kind)
  end)

  it("has a query and a key", function()
    local _, asked = ask({}, "--query", "a=1", "--query", "b=x=y",
      "--idempotency-key", "k")
    assert.same({ what = "POST /v2/x", query = { a = "1", b = "x=y" },
                  idempotency_key = "k" }, asked)
  end)

  it("writes the body of the response", function()
    assert.equal('{"a":[1]}\n', (ask { body = { a = { 1 } } }))
    assert.equal("false\n", (ask { body = false }))
    assert.equal("text\n", (ask { body = "text" }))
    assert.equal("", (ask {}))
  end)
end)

describe("lipsync upload and assets", function()
  it("give a name to one file", function()
    local paths = {}
    local client = { assets = { upload = function(_, path, given)
      paths[#paths + 1] = path .. " " .. tostring(given.name)
      return lipsync.generation '{"id":"a1"}'
    end } }
    assert.equal("a1\n", (cli.run({ "upload", "f", "--name", "n" }, client)))
    assert.equal("a1\na1\n", (cli.run({ "upload", "f", "g" }, client)))
    assert.same({ "f n", "f nil", "g nil" }, paths)
    local _, code, err = cli.run({ "upload", "f", "g", "--name", "n" }, client)
    assert.equal("1 --name is for one file.", code .. " " .. err)
    assert.equal('{"id":"a1"}\n', (cli.run({ "--json", "upload", "f" },
      client)))
  end)

  it("send what is said of a file", function()
    local sent
    local client = { assets = { upload = function(_, path, given)
      sent = { path, given }
      return lipsync.generation '{"id":"a1"}'
    end } }
    for _, kind in ipairs { "VIDEO", "AUDIO", "IMAGE" } do
      cli.run({ "upload", "f", "--name", "n", "--project", "p", "--type", kind,
                "--content-type", "x/y" }, client)
      assert.same({ "f", { name = "n", projectId = "p", type = kind,
                           content_type = "x/y" } }, sent)
    end
    local ok, problem = options.read { "upload", "f", "--type", "TEXT" }
    assert.is_false(ok)
    assert.matches("must be one of 'VIDEO', 'AUDIO', 'IMAGE'", problem)
  end)

  it("go on after a file that is refused, with a status for it", function()
    local client = { assets = { upload = function(_, path, given)
      given.on_progress(1, 2)
      if path == "bad" then
        return nil, errors.new("api", "no", { action = "upload bad" })
      end
      return lipsync.generation(('{"id":"%s"}'):format(path))
    end } }
    for words, wanted in pairs { ["a b"] = "a\nb\n0", ["bad b"] = "b\n4",
                                 ["a bad b"] = "a\nb\n4", ["bad"] = "2" } do
      local line = { "upload" }
      for word in words:gmatch "%S+" do line[#line + 1] = word end
      local out, code, err = cli.run(line, client, cli.screen { shows = true })
      assert.equal(wanted, out .. code)
      assert.equal(words:find "bad" and "lipsync: upload bad: no." or "", err)
    end
  end)

  it("write the columns that are documented", function()
    local rows, at = { lipsync.generation('{"id":"a","type":"VIDEO","url":"u",'
      .. '"name":"n","size":5,"createdAt":"2026-08-25T10:00:00Z"}'),
      lipsync.generation '{"id":"b"}' }, 0
    local client = { assets = { list = function()
      at = 0
      return function()
        at = at + 1
        return rows[at]
      end
    end } }
    assert.equal("a\tVIDEO\tn\t5\t2026-08-25T10:00:00Z\nb\t\t\t\t\n",
      (cli.run({ "assets" }, client)))
    assert.equal("id,type,name,size,createdAt\r\n", (cli.run({ "assets",
      "--csv" }, client):match "^[^\n]*\n"))
    local interrupted = terminal.interrupted
    finally(function() terminal.interrupted = interrupted end)
    function terminal.interrupted() return at == 1 end
    local out, code = cli.run({ "assets", "--fields", "id" }, client)
    assert.equal("a\n130", out .. code)
  end)

  it("list what is asked for", function()
    local asked
    local client = { assets = { list = function(_, filter)
      asked = filter
      return function() end
    end } }
    cli.run({ "assets", "--type", "VIDEO,AUDIO", "--search", "s", "--project",
              "p", "--sort", "nameAsc", "--limit", "2" }, client)
    assert.same({ types = { "VIDEO", "AUDIO" }, searchQuery = "s",
                  projectId = "p", sortBy = "nameAsc", limit = 2 }, asked)
  end)
end)

describe("lipsync models and errors", function()
  local codes = { { code = "internal_error", message = "m", suggestion = "s",
                    scope = "service", retryable = true },
                  { code = "rate_limit", message = "n", suggestion = "t" } }
  local client = {
    errors = { list = function() return codes end },
    models = { list = function()
      return { { id = "lipsync-2", name = "n", type = "t", version = "v",
                 description = "d", price = 1 } }
    end },
  }

  it("write the columns that are documented", function()
    assert.equal("lipsync-2\tn\tt\tv\td\n", (cli.run({ "models" }, client)))
    assert.equal("internal_error\tm\ts\nrate_limit\tn\tt\n",
      (cli.run({ "errors" }, client)))
  end)

  it("write a table on a terminal", function()
    local screen = cli.screen { is_terminal = true,
                                columns = function() return 300 end }
    local function head(...)
      return (cli.run({ ... }, client, screen):match "^[^\n]*")
    end
    client.assets = { list = function()
      local is_first = true
      return function()
        local value = is_first and {} or nil
        is_first = false
        return value
      end
    end }
    client.generations = { count = function() return 1 end }
    assert.equal(("%-20s  %-24s  %-12s  %-8s  DESCRIPTION"):format("ID", "NAME",
      "TYPE", "VERSION"), head "models")
    assert.equal(("%-36s  %-40s  SUGGESTION"):format("CODE", "MESSAGE"),
      head "errors")
    assert.equal(("%-36s  %-5s  %-30s  %-12s  CREATEDAT"):format("ID", "TYPE",
      "NAME", "SIZE"), head "assets")
    assert.equal(("%-12s  COUNT"):format "STATUS", head("count", "--by",
      "status"))
  end)

  it("need a key for the models alone", function()
    local asked = {}
    local function client_of(_, needs_no_key)
      asked[#asked + 1] = needs_no_key or false
      return client
    end
    for i, name in ipairs { "models", "errors" } do
      cli.written(function()
        commands.named(name).run({ client = client_of, given = {},
          check = function(...) return ... end, screen = cli.screen() }, {})
      end)
      assert.equal(i == 2, asked[i])
    end
  end)

  it("show all of one code, or say which may be meant", function()
    assert.equal("code\tinternal_error\nmessage\tm\nsuggestion\ts\n"
      .. "scope\tservice\nretryable\ttrue\n",
      (cli.run({ "errors", "internal_error" }, client)))
    for _, option in ipairs { "--json", "--csv", "--fields=code" } do
      assert.is_nil((cli.run({ "errors", "rate_limit", option }, client))
        :find("code\trate", 1, true))
    end
    local _, code, err = cli.run({ "errors", "rate_limits" }, client)
    assert.equal(2, code)
    assert.equal('the service has no error code "rate_limits"; did you mean '
      .. '"rate_limit"?', err)
    _, code, err = cli.run({ "errors", "zzz" }, client)
    assert.equal(2, code)
    assert.equal('the service has no error code "zzz".', err)
  end)
end)
