-- SPDX-License-Identifier: MIT
-- The command lipsync, in a process of its own: in a pipe and on a terminal,
-- against the emulator.

local command = require "spec.support.command"
local lipsync = require "lipsync"
local launch = require "spec.support.launch"

local found, module = pcall(require, "lipsync.emulator")
if not found or not command.can_run() then
  describe("the command lipsync", function()
    pending("needs lipsync.emulator and argparse")
  end)
  return
end

-- One with samples and one that has what a test adds; and which of them the
-- test is about.
local samples, empty, emulator

setup(function()
  samples = module.start { generations = 60 }
  empty = module.start { generations = 0 }
  emulator = samples
end)
teardown(function()
  samples:stop()
  empty:stop()
end)

local function run(words, options)
  options = options or {}
  if options.url == nil then options.url = emulator.base_url end
  return command.run(words, options)
end

-- As `run`, but it must end well and without a word on standard error.
local function out_of(words, options)
  local out, status, err = run(words, options)
  assert.equal("", err)
  assert.equal(0, status, out)
  return out
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

local function without_color(text)
  return (text:gsub("\27%[[%d;]*[mK]", ""))
end

-- The columns of a line in which each character takes one.
local function columns(line)
  return select(2, line:gsub("[^\128-\191]", ""))
end

-- Makes these the only ones there are. They are a day apart.
local function add(rows)
  emulator = empty
  for i, row in ipairs(rows) do
    row.createdAt = row.createdAt
      or os.date("!%Y-%m-%dT%H:%M:%SZ", 1785578400 + (i - 1) * 86400)
  end
  return emulator:add(rows)
end

after_each(function()
  emulator:reset()
  emulator = samples
end)

describe("lipsync list in a pipe", function()
  it("writes a line for each, with tabs", function()
    local lines = lines_of(out_of { "list" })
    assert.equal(60, #lines)
    for _, line in ipairs(lines) do
      assert.matches("^%x+%-[%x-]+\t%u+\t20[%d-]+T", line)
    end
  end)

  it("filters, and stops at the limit", function()
    local text = out_of { "list", "--status", "failed,REJECTED", "--limit=3",
                          "--fields", "status" }
    assert.equal(3, #lines_of(text))
    for _, line in ipairs(lines_of(text)) do
      assert.is_true(line == "FAILED" or line == "REJECTED", line)
    end
    local id = out_of({ "list", "--limit", "1", "--fields", "id" })
      :match "%S+"
    assert.equal(id .. "\n", out_of { "list", "--ids", id, "--fields", "id" })
    assert.equal("", out_of { "list", "--source", "nobody" })
    assert.equal("", out_of { "list", "--project",
      "00000000-0000-4000-8000-000000000000" })
  end)

  it("writes one line of JSON for each, whatever the service's spacing",
    function()
      local lines = lines_of(out_of { "list", "--json" })
      assert.equal(60, #lines)
      for _, line in ipairs(lines) do
        assert.is_truthy(lipsync.generation(line), line)
      end
      emulator:fault { route = "list", statusCode = 200,
        body = '[ {\n  "id": "a",\n  "status":\t"FAILED"\n}, {"id":\r\n"b"} ]' }
      assert.same({ '{"id":"a","status":"FAILED"}', '{"id":"b"}' },
        lines_of(out_of { "list", "--json" }))
    end)

  it("writes the fields that are asked for, in their order", function()
    add { { status = "FAILED", errorCode = "internal_error",
            outputFileName = "a-b" } }
    assert.equal('{"status":"FAILED","errorCode":"internal_error",'
      .. '"webhookUrl":null}\n',
      out_of { "list", "--json", "--fields", "status,errorCode,webhookUrl" })
    assert.equal("a-b\tFAILED\n", out_of { "list", "--fields",
      "outputFileName, status" })
  end)

  it("says which of the fields nothing has", function()
    add { { status = "FAILED" } }
    local function err_of(...)
      local _, status, err = run { "list", "--limit", "5", ... }
      assert.equal(0, status)
      return err
    end
    for _, how in ipairs { "--json", "--csv", "-q" } do
      local err = err_of(how, "--fields", "id,stats")
      assert.matches('^[^\n]*nothing that was written has a member \\?"stats'
        .. '\\?"; did you mean \\?"status\\?"%? Known: createdAt, [^\n]*, '
        .. "status%.[^\n]*\n$", err)
      assert.equal(how == "--json", err:sub(1, 1) == "{")
    end
    assert.matches('member "a", or "bc"%. Known: ', err_of("--fields", "bc,a"))
    -- Those that are documented, and one that only a few have.
    assert.equal("", err_of("--fields", "errorCode,webhookUrl,outputUrl"))
    emulator:fault { route = "list", statusCode = 200,
      body = '[{"id":"a"},{"id":"b","new":null},{"id":"c"}]' }
    assert.equal("", err_of("--fields", "id,new"))
    assert.equal("", err_of("--status", "REJECTED", "--fields", "no"))
  end)

  it("writes CSV that keeps quotes, commas and line breaks", function()
    emulator:fault { route = "list", statusCode = 200, body =
      [==[[{"id":"a","error":"say \"x\", then\nstop","n":1.5,"m":[1]}]]==] }
    assert.equal('id,error,n,m\r\na,"say ""x"", then\nstop",1.5,[1]\r\n',
      out_of { "list", "--csv", "--fields", "id,error,n,m" })
  end)

  it("keeps tabs and line breaks out of its columns", function()
    emulator:fault { route = "list", statusCode = 200,
      body = [==[[{"id":"a","error":"x\ty\n\u001b[31mz"}]]==] }
    assert.equal("a\tx y  [31mz\n", out_of { "list", "--fields", "id,error" })
  end)

  it("selects by time, and begins with the newest or the oldest", function()
    local rows = {}
    for i = 1, 5 do
      rows[i] = { status = "FAILED", outputFileName = "n" .. i }
    end
    add(rows)
    local function names(...)
      local text = out_of { "list", "--fields", "outputFileName", ... }
      return (text:gsub("\n", " "))
    end
    assert.equal("n5 n4 n3 ", names("--since", "2026-08-03"))
    assert.equal("n2 n1 ", names("--until", "2026-08-02T10:00:01Z"))
    assert.equal("n3 ", names("--since", "2026-08-02T12:00:00Z", "--until",
      "2026-08-04"))
    assert.equal("n1 n2 n3 n4 n5 ", names("--oldest-first"))
    assert.equal("n2 n3 ", names("--oldest-first", "--since", "2026-08-02",
      "--limit", "2"))
    assert.equal("n4 n3 ", names("--until", "2026-08-05", "--limit", "2"))
    assert.equal("", names("--since", "1s"))
  end)
end)

describe("lipsync list on a terminal", function()
  for width, wanted in pairs { [40] = { "ID", "STATUS" },
      [80] = { "ID", "STATUS", "CREATED (UTC)", "MODEL" },
      [200] = { "ID", "STATUS", "CREATED (UTC)", "MODEL", "ERROR", "NAME" } } do
    it(("fits %d columns"):format(width), function()
      if not command.has_terminal() then pending "python3 is missing" end
      local out = run({ "list" }, { columns = width })
      assert.is_truthy(out:find("\27[32mCOMPLETED", 1, true))
      local lines = lines_of(without_color(out))
      assert.equal(61, #lines)
      local titles = {}
      for title in (lines[1] .. "  "):gmatch "(%u.-)  +" do
        titles[#titles + 1] = title
      end
      assert.same(wanted, titles)
      for _, line in ipairs(lines) do
        assert.is_true(columns(line) <= width, line)
        assert.matches("^ID", lines[1])
      end
    end)
  end

  it("has no colours where they are not wanted", function()
    if not command.has_terminal() then pending "python3 is missing" end
    for _, env in ipairs { { NO_COLOR = "1" }, { TERM = "dumb" } } do
      local out = run({ "list", "--limit", "3" }, { columns = 80, env = env })
      local lines = lines_of(out)
      assert.equal(4, #lines)
      assert.equal(("%-36s  %-10s  %-16s  MODEL"):format("ID", "STATUS",
        "CREATED (UTC)"), lines[1])
      assert.is_nil(out:find "\27")
    end
  end)

  it("lets no text of the service move the cursor", function()
    if not command.has_terminal() then pending "python3 is missing" end
    emulator:fault { route = "list", statusCode = 200,
      body = [==[[{"id":"a","status":"\u001b]0;x\u0007\u009b2J"}]]==] }
    local out = run({ "list" }, { columns = 80, env = { NO_COLOR = "1" } })
    assert.is_nil(out:find "[\1-\9\11-\31\127]")
    assert.is_nil(out:find "\194\155")
  end)
end)

describe("lipsync get, count, models and errors", function()
  it("count as CSV, too", function()
    local plain = out_of { "count", "--csv" }
    assert.equal("count\r\n60\r\n", plain)
    local lines = out_of { "count", "--by", "status", "--csv", "--status",
      "failed,pending" }
    assert.matches("^status,count\r\nFAILED,%d+\r\nPENDING,%d+\r\n$", lines)
  end)

  it("show what there is", function()
    local id = out_of({ "list", "--limit", "1", "--fields", "id" }):match "%S+"
    assert.matches("^id\t" .. id:gsub("%-", "%%-") .. "\n",
      out_of { "get", id })
    assert.equal(id, lipsync.generation(out_of { "get", id, "--json" }).id)
    assert.equal(id .. "\n", out_of({ "get", "-", "--fields", "id" },
      { input = id .. "\n" }))
    assert.equal("60\n", out_of { "count" })
    assert.equal('{"count":60}\n', out_of { "count", "--json" })
    local sum = 0
    for status, n in out_of { "count", "--by", "status" }
        :gmatch "(%u+)\t(%d+)\n" do
      assert.equal(n .. "\n", out_of { "count", "--status", status })
      sum = sum + tonumber(n)
    end
    assert.equal(60, sum)
    assert.matches("^lipsync%-2\t", out_of { "models" })
    assert.matches("^code\trate_limit_exceeded\nmessage\tRate limit exceeded.*"
      .. "\nsuggestion\t%u[^\n]+\nscope\taccount\nretryable\ttrue\n$",
      out_of({ "errors", "rate_limit_exceeded" }, { key = false }))
    assert.matches('^code,suggestion\r\nrate_limit_exceeded,[^\n]+\r\n$',
      out_of { "errors", "rate_limit_exceeded", "--csv", "--fields",
        "code,suggestion" })
    assert.is_true(#lines_of(out_of { "errors" }) > 50)
  end)

  it("list in tables on a terminal of any width", function()
    if not command.has_terminal() then pending "python3 is missing" end
    for _, width in ipairs { 40, 80, 200 } do
      for _, name in ipairs { "models", "errors", "count" } do
        local out = run({ name, name == "count" and "--by=status" or nil },
          { columns = width })
        local lines = lines_of(without_color(out))
        assert.is_true(#lines > 4, out)
        for _, line in ipairs(lines) do
          assert.is_true(columns(line) <= width, line)
        end
      end
    end
  end)

  it("show a member and its value on a line", function()
    if not command.has_terminal() then pending "python3 is missing" end
    local id = add { { status = "FAILED", errorCode = "internal_error" } }[1]
    local out = without_color(run({ "get", id }, { columns = 80 }))
    assert.matches("\nerrorCode +internal_error\n", "\n" .. out)
    -- A table of this width would cut the sentences.
    out = without_color(run({ "errors", "rate_limit_exceeded" },
      { columns = 40 }))
    assert.matches("\nsuggestion +%u[^\n…]+%.\n", out)
  end)
end)

describe("the exit status of lipsync", function()
  it("is 0 where all was done", function()
    assert.equal("lipsync " .. lipsync._VERSION .. "\n",
      out_of { "--version" })
    assert.matches("Commands:.*list.*count", out_of { "help" })
    assert.matches("%-%-oldest%-first", out_of { "help", "list" })
    assert.matches("%-%-oldest%-first", out_of { "list", "--help" })
  end)

  it("is 1 where the module is for another Lua", function()
    local out, status, err = run({ "count" },
      { env = { LUA_CPATH = "/none/?.so" } })
    assert.equal("", out)
    assert.equal(1, status)
    assert.matches("^lipsync: lipsync.core was not found for [^\n]* run "
      .. '"make install LUA=[^\n]*\n$', err)
  end)

  -- What else may be wrong: spec/unit/cli/options_spec.lua.
  it("is 1 where the command line is wrong", function()
    for sentence, words in pairs {
      ["unknown option '--stats'. Did you mean '--status'? "
        .. '"lipsync help list" says more.'] = { "list", "--stats", "A" },
      ['--page-size: "200" is no whole number from 1 to 100. "lipsync help '
        .. 'list" says more.']
        = { "list", "--page-size", "200" },
      ["--since must be before --until: nothing was made between them."] =
        { "list", "--since", "1d", "--until", "2d" },
      ["unknown command 'lst'. Did you mean 'list'? \"lipsync help\" says "
        .. "more."] = { "lst" },
      ['there is no command "lst"; "lipsync help" lists them.'] =
        { "help", "lst" },
    } do
      local out, status, err = run(words)
      assert.equal("", out)
      assert.equal(1, status, err)
      assert.equal("lipsync: " .. sentence .. "\n", err)
    end
    local _, status, err = run({ "list" }, { key = "" })
    assert.equal(1, status)
    assert.matches("^lipsync: no API key: set SYNC_API_KEY, or give", err)
    _, status, err = run {}
    assert.equal(1, status)
    assert.matches("^Usage: lipsync.*Commands:", err)
  end)

  it("is 2 where the service refuses", function()
    local _, status, err = run { "get", "6533643b-aceb-4c40-967e-d9ba9baac39e" }
    assert.equal(2, status)
    assert.matches("^lipsync: get generation 6533643b.-: 404 "
      .. "generation_not_found: [^\n]+\n$", err)
    _, status, err = run({ "list" }, { key = "wrong" })
    assert.equal(2, status)
    assert.matches("^lipsync: list generations: 401 ", err)
    _, status, err = run { "errors", "no_such_code" }
    assert.equal(2, status)
    assert.matches('no error code "no_such_code"', err)
  end)

  it("is 3 where the service is not reached", function()
    local port = launch.port()
    local _, status, err = run({ "count" },
      { url = "http://127.0.0.1:" .. port })
    assert.equal(3, status)
    assert.matches("connection refused", err)
    emulator:fault { route = "count", delay = 5 }
    _, status, err = run { "count", "--timeout", "1" }
    assert.equal(3, status)
    assert.matches("1 s have passed %(timeout%)", err)
    emulator:fault { statusCode = 200, body = "<html>Sign in</html>" }
    _, status, err = run { "list" }
    assert.equal(3, status)
    assert.matches("expected a JSON array", err)
    _, status = run({ "count" }, {
      url = emulator.base_url:gsub("http:", "https:") })
    assert.equal(3, status)
  end)

  it("is 130 after Ctrl-C, which leaves no trace of Lua", function()
    if not command.has_terminal() then pending "python3 is missing" end
    emulator:fault { route = "list", skip = 1, delay = 60 }
    local out, status = run({ "list", "--page-size", "20" }, {
      columns = 80, typed = { { "ID", "\\x03" } } })
    assert.equal(130, status)
    assert.is_nil(out:find("traceback", 1, true))
  end)
end)

describe("an error of lipsync with --json", function()
  it("is the error object", function()
    local _, status, err = run { "get", "abc", "--json" }
    assert.equal(2, status)
    local object = assert(lipsync.generation((err:gsub("^{", '{"id":"x",'))))
    assert.equal("api", object.kind)
    assert.equal(400, object.statusCode)
    assert.equal("invalid_generation_id", object.errorCode)
    assert.matches("^get generation abc: 400 ", object.sentence)
    _, status, err = run { "--json", "lst" }
    assert.equal(1, status)
    object = assert(lipsync.generation((err:gsub("^{", '{"id":"x",'))))
    assert.matches("^unknown command 'lst'", object.sentence)
  end)
end)

describe("what lipsync writes to", function()
  it("may close, also where the signal is ignored", function()
    local rows = {}
    for i = 1, 500 do rows[i] = { status = "FAILED" } end
    add(rows)
    for _, before in ipairs { "", "trap '' PIPE; " } do
      local base = os.tmpname()
      local line = command.line({ "list", "--json" },
        { url = emulator.base_url })
      local pipe = io.popen(("(%s%s) 2>%s | head -n 1"):format(before, line,
        base))
      assert.equal(1, #lines_of(pipe:read "*a"))
      pipe:close()
      assert.equal("", launch.read(base))
      os.remove(base)
    end
  end)

  it("may be full", function()
    if not io.open("/dev/full", "w") then pending "there is no /dev/full" end
    local _, status, err = run({ "count" }, { shell = ">/dev/full" })
    assert.equal(1, status)
    assert.equal("lipsync: standard output cannot be written: No space left "
      .. "on device.\n", err)
  end)
end)

describe("the key of lipsync", function()
  local home

  before_each(function() home = launch.folder() end)
  after_each(function() launch.remove(home) end)

  local function profiles(text, mode)
    os.execute("mkdir -p " .. home .. "/lipsync")
    launch.write(home .. "/lipsync/profiles", text)
    os.execute(("chmod %s %s/lipsync/profiles"):format(mode or "600", home))
    return { XDG_CONFIG_HOME = home, SYNC_API_KEY = "wrong" }
  end

  it("comes from a file, or from standard input", function()
    launch.write(home .. "/key", "test-key\n")
    assert.equal("60\n", out_of({ "count", "--key-file", home .. "/key" },
      { key = "wrong" }))
    assert.equal("60\n", out_of({ "count", "--key-file", "-" },
      { key = "wrong", input = "test-key\n" }))
    local _, status, err = run { "count", "--key-file", home .. "/none" }
    assert.equal(1, status)
    assert.matches("none cannot be read: No such file or directory%.\n$", err)
    _, status, err = run { "count", "--key-file", "-" }
    assert.equal(1, status)
    assert.matches("standard input has no key", err)
  end)

  it("goes to the address that is given, whatever the environment has",
    function()
      local url = emulator.base_url
      assert.equal("60\n", out_of({ "count", "--base-url", url },
        { url = "http://127.0.0.1:1" }))
    end)

  it("is asked for on a terminal, which does not show it", function()
    if not command.has_terminal() then pending "python3 is missing" end
    local out, status = run({ "count", "--key-file", "-" }, { columns = 80,
      key = "wrong", typed = { { "API key: ", "test-key\\n" } } })
    assert.equal(0, status)
    assert.matches("60\n$", out)
    assert.is_nil(out:find("test-key", 1, true))
  end)

  it("comes from a profile, with the address", function()
    local env = profiles(("# mine\n[studio]\napi_key = test-key\n"
      .. "base_url = %s\n[other]\napi_key = k\n"):format(emulator.base_url))
    assert.equal("60\n", out_of({ "count", "--profile", "studio" },
      { url = false, env = env }))
    local _, status, err = run({ "count", "--profile", "stdio" },
      { env = env })
    assert.equal(1, status)
    assert.matches('there is no profile "stdio" in .*; it has other, studio',
      err)
  end)

  -- Not the option of the library, which the user does not see.
  it("and the address are named by where they come from", function()
    local env = profiles(([[
      [down]
      api_key = test-key
      base_url = http://127.0.0.1:1
      [wrong]
      api_key = other
      base_url = %s
      [bad%%key]
      api_key = a b
      [strange]
      api_key = k
      base_url = ftp://127.0.0.1]]):format(emulator.base_url))
    launch.write(home .. "/key", "other")
    local function says(words, expected, options)
      options = options or { env = env }
      local _, status, err = run(words, options)
      assert.is_true(status > 0)
      assert.is_truthy(err:find(expected, 1, true), err)
    end
    local count = { "count", "--timeout", "1", "--profile" }
    local function with(name)
      return { count[1], count[2], count[3], count[4], name }
    end
    says(with "down",
      'The address comes from base_url of the profile "down".\n')
    says(with "wrong", "does not accept the key from api_key of the profile "
      .. '"wrong".\n')
    says(with "bad%key", 'count generations: api_key of the profile "bad%key" '
      .. "holds a space or control character.\n")
    says(with "strange", "lipsync: base_url must begin with https:// (or "
      .. "http:// for this machine). The address comes from base_url of the "
      .. 'profile "strange".\n')
    says({ "count", "--timeout", "1", "--base-url", "http://127.0.0.1:1" },
      "The address comes from --base-url.\n")
    says({ "count", "--timeout", "1" },
      "The address comes from SYNC_BASE_URL.\n",
      { url = "http://127.0.0.1:1" })
    says({ "count", "--key-file", home .. "/key" },
      "does not accept the key from " .. home .. "/key.\n", {})
    says({ "count", "--key-file", "-" },
      "does not accept the key from standard input.\n", { input = "other" })
  end)

  -- Else the key of one would reach the address of another.
  it("of a profile goes with its own address only", function()
    profiles "[a]\napi_key = k\n[b]\nbase_url = http://127.0.0.1:1\n"
    local code = [[
      local profile = require "lipsync.cli.profile"
      print(profile.options({ profile = "a" }, "https://service").base_url)
      print(pcall(profile.options, { profile = "b" }, "https://service"))]]
    launch.write(home .. "/ask.lua", code)
    local status, log = launch.run { folder = home, vm = launch.vm,
      env = { LUA_CPATH = package.cpath, XDG_CONFIG_HOME = home,
              SYNC_API_KEY = "secret",
              SYNC_BASE_URL = "http://127.0.0.1:2" },
      command = require("spec.support.program").vm .. " " .. home
        .. "/ask.lua" }
    assert.equal(0, status, log)
    assert.matches("^https://service\nfalse\tthe profile \"b\" has no api_key",
      log)
  end)

  it("is refused where others may read the profiles", function()
    for _, mode in ipairs { "640", "604", "620" } do
      local env = profiles("[a]\napi_key = test-key\n", mode)
      local _, status, err = run({ "count", "--profile", "a" }, { env = env })
      assert.equal(1, status)
      assert.equal(("lipsync: %s/lipsync/profiles holds keys, and others may "
        .. "read it. Run: chmod 600 %s/lipsync/profiles\n"):format(home, home),
        err)
    end
  end)

  it("is not shown where a line of the profiles is wrong", function()
    local env = profiles "[a]\napi-key = secret\n"
    local _, status, err = run({ "count", "--profile", "a" }, { env = env })
    assert.equal(1, status)
    assert.matches("profiles, line 2: expected %[NAME%], or one of api_key, ",
      err)
    assert.is_nil(err:find("secret", 1, true))
  end)
end)

describe("the program", function()
  it("says what is missing where argparse is", function()
    local _, status, err = run({ "list" }, { env = {
      LUA_PATH = "lua/?.lua;lua/?/init.lua" } })
    assert.equal(1, status)
    assert.matches("^lipsync: the Lua module argparse is missing%.", err)
  end)

  it("loads libcurl for commands alone that need it", function()
    for _, words in ipairs { { "help" }, { "help", "list" }, { "--version" },
        { "webhook", "verify" }, { "completion", "fish" }, { "list" } } do
      local _, _, err = run(words, { env = { LD_DEBUG = "files" } })
      if not err:find("terminal.so", 1, true) and #words > 1 then
        return pending "this C library does not tell what it loads"
      end
      assert.equal(words[1] == "list", err:find("libcurl", 1, true) ~= nil,
        table.concat(words, " "))
    end
  end)

  it("loads no file of Lua that it does not use", function()
    local program = require("spec.support.program").vm
    local pipe = assert(io.popen(([[SYNC_API_KEY=test-key SYNC_BASE_URL=%s \
      %s -e 'local exit = os.exit; os.exit = function(...)
        for name in pairs(package.loaded) do print("has", name) end
        exit(...) end' bin/lipsync list --limit 1]]):format(emulator.base_url,
      program)))
    local text = pipe:read "*a"
    pipe:close()
    assert.is_truthy(text:find("has\tlipsync.client\n", 1, true), text)
    for _, name in ipairs { "compound.create", "compound.wait",
        "compound.download", "compound.delete_many", "media.download",
        "list.page_source", "request", "webhook.verify", "cli.create",
        "cli.manual" } do
      assert.is_nil(text:find("has\tlipsync." .. name, 1, true), name)
    end
  end)

  it("says which library is missing, in a sentence", function()
    local folder = launch.folder()
    local build = package.cpath:match "[^;]*build/[^/;]+/"
    os.execute(("mkdir %s/lipsync && cp %slipsync/core.so %slipsync/file.so "
      .. "%slipsync/terminal.so %s/lipsync"):format(folder, build, build, build,
      folder))
    for library, words in pairs { http = { "list" }, hmac = { "webhook",
        "verify", "--signature", "t=1" } } do
      local out, status, err = run(words, { env = {
        LUA_CPATH = folder .. "/?.so" } })
      assert.equal("", out)
      assert.equal(1, status)
      assert.matches("^lipsync: lipsync%." .. library .. " was not found for "
        .. "[^\n]*make install LUA=[^\n]*%.\n$", err)
    end
    launch.remove(folder)
  end)

  it("is the one of the VM and the folders that it is installed for",
    function()
      local base = launch.folder()
      local build = package.cpath:match "build/([^/;]+)/%?%.so"
      local folder = launch.root .. "/build/" .. build
      -- As for a package: put elsewhere, and moved afterwards.
      local installed = io.popen(([[LUA=%s RUN_LUADIR=%s/l RUN_LIBDIR=%s/c \
        scripts/install put all %s %s/d/l %s/d/c %s/d/bin && mv %s/d/* %s]])
        :format(require("spec.support.program").vm, base, base, folder, base,
        base, base, base, base))
      local said = installed:read "*a"
      installed:close()
      assert.is_truthy(said:find(("export LUA_PATH='%s/l/?.lua;%s/l/?/init.lua"
        .. ";;'\n  export LUA_CPATH='%s/c/?.so;;'"):format(base, base, base), 1,
        true), said)
      local pipe = io.popen(("cd / && env -u LUA_PATH -u LUA_CPATH "
        .. "SYNC_BASE_URL=%s SYNC_API_KEY=test-key %s/bin/lipsync count 2>&1")
        :format(emulator.base_url, base))
      local text = pipe:read "*a"
      pipe:close()
      launch.remove(base)
      assert.equal("60\n", text)
    end)
end)
