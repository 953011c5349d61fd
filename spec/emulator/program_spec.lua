-- SPDX-License-Identifier: MIT
--
-- The program lipsync-emulator: its command line, the command it runs, its
-- signals, and the files it reads and writes.

local program = require "spec.support.emulator"
local http = require "spec.support.http"

local PROGRAM = "build/lipsync-emulator"
local KEY = { headers = { ["x-api-key"] = "test-key" } }

if not program.has_program() then
  describe("the program lipsync-emulator", function()
    pending("is not built: its libraries are missing")
  end)
  return
end

-- Runs a shell command; returns its output and status. The status is printed
-- after the output, because the results of pclose differ between Lua versions.
local function run(line)
  local pipe = assert(io.popen("{ " .. line .. "; } 2>&1 </dev/null; "
    .. "printf '\\n%s' $?"))
  local output, status = pipe:read("*a"):match("^(.*)\n(%d+)$")
  pipe:close()
  return output, tonumber(status)
end

local function contents(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

describe("the program lipsync-emulator", function()
  local process, path

  before_each(function()
    path = os.tmpname()
    os.remove(path)
  end)

  after_each(function()
    if process then process:stop() end
    process = nil
    os.remove(path)
    os.remove(path .. "-journal")
  end)

  it("prints into no socket or database where it began without output",
    function()
      run(PROGRAM .. " --port 0 -- sh -c 'for i in 0 1 2; do "
        .. "readlink -e /dev/fd/$i >>" .. path .. "; done' <&- >&- 2>&-")
      local found = contents(path)
      assert.are.equal("/dev/null\n/dev/null\n", found:gsub(path .. "\n", ""))
    end)

  it("prints its base URL, responds there, ends on a signal", function()
    process = program.program {}
    assert.is_truthy(process.base_url:find "^http://127%.0%.0%.1:%d+$")
    local answer = http.request(process.base_url, "GET",
                                "/v2/generations/count", KEY)
    assert.are.equal('{"count":60}', answer.body)
    process:stop()
    assert.is_nil(http.request(process.base_url, "GET", "/v2/errors").status)
  end)

  it("prints its version and its options", function()
    local output, status = run(PROGRAM .. " --version")
    assert.is_truthy(output:find "^lipsync%-emulator %d+%.%d+%.%d+\n")
    assert.are.equal(0, status)
    output, status = run(PROGRAM .. " --help")
    assert.are.equal(0, status)
    for _, name in ipairs { "port", "host", "database", "keys", "generations",
                            "random-seed", "import", "export", "now", "log",
                            "gone-cursor", "hang-up-after",
                            "ignore-status-filter", "allow-unknown-members",
                            "media-lifetime", "media-redirect",
                            "version", "help" } do
      assert.is_truthy(output:find("--" .. name, 1, true), name)
    end
    for line in output:gmatch "[^\n]+" do assert.is_true(#line <= 80, line) end
    assert.are.equal(output, (run(PROGRAM .. " -h")))
  end)

  it("has an option for each parameter of the Lua module", function()
    local found, emulator = pcall(require, "lipsync.emulator")
    if not found then pending "lipsync.emulator is not built" end
    local _, message = pcall(emulator.start, { [""] = 1 })
    local names = { "version", "help" }
    for name in message:match("Known: (.*)"):gmatch "[%w_]+" do
      names[#names + 1] = name:gsub("_", "-")
    end
    local options = {}
    for name in run(PROGRAM .. " --help"):gmatch "\n  [-h, ]*%-%-([%w-]+)" do
      options[#options + 1] = name
    end
    table.sort(names)
    table.sort(options)
    assert.are.same(names, options)
  end)

  it("takes the settings that Lua and JSON take", function()
    process = program.program { "--generations", "2", "--gone-cursor=empty",
      "--ignore-status-filter", "--keys", "a=b=c", "--key", "d=c" }
    local key = { headers = { ["x-api-key"] = "a=b" } }
    local function list(query)
      return http.request(process.base_url, "GET", "/v2/generations?" .. query,
                          key)
    end
    local rows = list("status=REJECTED").json
    assert.are.equal(2, #rows)
    key.headers["x-api-key"] = "d"
    for _, row in ipairs(rows) do
      local answer = http.request(process.base_url, "DELETE",
        "/v2/generations/" .. row.id, key)
      if answer.status == 200 then
        assert.are.equal("[]", list("limit=1&cursor=" .. row.id).body)
      end
    end
    key.headers["x-api-key"] = "test-key"
    assert.are.equal(401, list("").status)
  end)

  it("reports wrong options", function()
    for line, text in pairs {
      ["--prot 1"] = 'unknown option "--prot", did you mean "--port"?',
      ["--port=x"] = 'whole number from 0 to 65535, not "x"',
      ["--port"] = "--port wants a value",
      ["--key abc"] = "--keys must be KEY=ORGANIZATION",
      ["--now today"] = "--now must be a time like",
      ["--log=1"] = "--log takes no value",
      ["--help=1"] = "--help takes no value",
      ["-x"] = 'unknown option "-x"',
      ["--gone_cursor=empty"] = 'did you mean "--gone-cursor"?',
      ["--gone-cursor=x"] = '"error" or "empty" or "position", not "x"',
      ["--hang-up-after 1.5"] = "--hang-up-after must be a whole number",
      ["--import -- ls"] = "--import wants a value",
      ["ls"] = 'what is "ls"?',
      ["--"] = 'a command must follow "--"',
    } do
      local output, status = run(PROGRAM .. " " .. line)
      assert.are.equal(2, status)
      assert.is_truthy(output:find(text, 1, true), output)
      assert.is_truthy(output:find("usage:", 1, true))
    end
  end)

  it("reports why it cannot start", function()
    local output, status = run(PROGRAM .. " --import /no/such/file")
    assert.are.equal(1, status)
    assert.is_truthy(output:find("cannot read /no/such/file", 1, true))
  end)

  it("runs a command with only its address and key", function()
    local output, status = run(PROGRAM .. " --key k=o --key l=p -- sh -c "
      .. [['echo "$SYNC_BASE_URL $SYNC_API_KEY $1"; exit 7' sh 'a b']])
    assert.are.equal(7, status)
    assert.is_truthy(output:find "^http://127%.0%.0%.1:%d+ k a b\n$")
  end)

  it("returns a shell's status if the command fails", function()
    assert.are.equal(127, select(2, run(PROGRAM .. " -- no-such-command")))
    assert.are.equal(126, select(2, run(PROGRAM .. " -- /")))
    assert.are.equal(128 + 9,
      select(2, run(PROGRAM .. " -- sh -c 'kill -9 $$'")))
  end)

  it("passes signals to its command", function()
    -- $PPID of the command is the emulator, which sends TERM on
    local output, status = run(PROGRAM .. " -- sh -c 'trap \"echo got; "
      .. "exit 3\" TERM; kill -TERM $PPID; while :; do sleep 0.05; done'")
    assert.are.equal("got\n", output)
    assert.are.equal(3, status)
  end)

  it("exports what it can import again", function()
    run(PROGRAM .. " --generations 250 --key a=b --export " .. path
      .. " -- true")
    local first = contents(path)
    assert.are.equal("[\n{", first:sub(1, 3))
    local output = run(PROGRAM .. " --key a=b --import " .. path
      .. " --export " .. path .. " -- true")
    assert.are.equal("", output)
    assert.are.equal(first, contents(path))
  end)

  it("imports unchanged what it exported of foreign JSON", function()
    local file = assert(io.open(path, "w"))
    file:write([=[[{"id":"\u0061","status":"FAIL\u0045D","model":"\u006d",
      "createdAt":"2026-08-25T12:00:00\u005a","input":[1e2],"x":1,"x":2}]]=])
    file:close()
    local command = ("%s --import %s --export %s -- true"):format(PROGRAM,
      path, path)
    assert.are.equal("", (run(command)))
    local first = contents(path)
    assert.is_truthy(first:find('"x":1,"x":2', 1, true))
    assert.are.equal("", (run(command)))
    assert.are.equal(first, contents(path))
  end)

  it("leaves a database that opens again after a kill", function()
    process = program.program { "--database", path, "--generations", "30" }
    local list = http.request(process.base_url, "GET",
                              "/v2/generations?limit=1&status=COMPLETED", KEY)
    local id = list.body:match '"id":"([^"]+)"'
    assert.are.equal(200, http.request(process.base_url, "DELETE",
      "/v2/generations/" .. id, KEY).status)
    os.execute("kill -9 " .. process.pid)
    process.pipe:close()
    process = program.program { "--database", path }
    assert.are.equal('{"count":29}', http.request(process.base_url, "GET",
      "/v2/generations/count", KEY).body)
  end)

  -- Overwrites one page of a database.
  local function damage(page)
    local file = assert(io.open(path, "r+b"))
    file:seek("set", (page - 1) * 4096)
    file:write(("\255"):rep(4096))
    file:close()
  end

  it("reports a file that it cannot read", function()
    run(PROGRAM .. " --generations 300 --database " .. path .. " -- true")
    damage(60)
    process = program.program { "--database", path }
    local answer = http.request(process.base_url, "GET", "/v2/generations",
                                KEY)
    assert.are.equal(200, answer.status)
    assert.is_true(#answer.body > 10000)
    assert.is_false(answer.whole)
    process:stop()
    damage(7)
    process = program.program { "--database", path }
    answer = http.request(process.base_url, "GET", "/v2/generations", KEY)
    assert.are.equal(500, answer.status)
    assert.are.equal("internal_error", answer.json.errorCode)
    local id = "00000000-0000-4000-8000-000000000000"
    assert.are.equal(404, http.request(process.base_url, "GET",
      "/v2/generations/" .. id, KEY).status)
  end)

  it("keeps the last export if it cannot make another", function()
    local export = os.tmpname()
    finally(function() os.remove(export) end)
    local command = ("%s --database %s --export %s -- "):format(PROGRAM, path,
                                                               export)
    run(command .. "true")
    local before = contents(export)
    damage(10)
    local output, status = run(command .. "true")
    assert.are.equal(1, status)
    assert.is_truthy(output:find("cannot write " .. export
      .. ": database disk image is malformed", 1, true), output)
    assert.are.equal(before, contents(export))
    assert.is_nil(io.open(export .. ".part"))
    assert.are.equal(7, select(2, run(command .. "sh -c 'exit 7'")))
  end)

  it("refuses a file of another program", function()
    local file = assert(io.open(path, "wb"))
    file:write(("this is no database\n"):rep(100))
    file:close()
    local output, status = run(PROGRAM .. " --database " .. path)
    assert.are.equal(1, status)
    assert.is_truthy(output:find("cannot open database", 1, true))
    assert.are.equal(2000, #contents(path))
  end)

  it("logs requests, but no key", function()
    local pipe = assert(io.popen("echo $$; exec " .. PROGRAM
      .. " --log </dev/null 2>" .. path))
    local pid, base_url = pipe:read "*l", pipe:read "*l"
    http.request(base_url, "GET", "/v2/generations?limit=1", KEY)
    os.execute("kill " .. pid)
    pipe:close() -- waits for its end, so everything was written
    local log = contents(path)
    assert.is_truthy(log:find "^GET /v2/generations%?limit=1 200 %d+ ms\n$")
  end)
end)
