-- SPDX-License-Identifier: MIT
-- lipsync wait and watch, with a service of the spec's own. On a terminal, and
-- against the emulator: spec/command/create_spec.lua.

if not pcall(require, "argparse") then
  describe("lipsync watch", function() pending("argparse is missing") end)
  return
end

local cli = require "spec.support.cli"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local lipsync = require "lipsync"
local stops = require "lipsync.cli.status"

local function generation(id, status, more)
  return lipsync.generation(('{"id":"%s","status":"%s"%s}'):format(id, status,
    more or ""))
end

-- The requests for the percent, and what answers them.
local asked, percent

-- A client whose n-th listing is the n-th of these, and then empty.
local function client_of(...)
  local rounds, n = { ... }, 0
  local generations = {}
  function generations.all(_, filter)
    assert.same({ status = { "PENDING", "PROCESSING" } }, filter)
    n = n + 1
    return rounds[n] or {}
  end
  function generations.get(_, id)
    return generation(id, "COMPLETED", ',"outputFileName":"done"')
  end
  local client = { generations = generations, slept = {} }
  function client:sleep(seconds)
    self.slept[#self.slept + 1] = seconds
    return true
  end
  function client.request(_, method, path, options)
    asked[#asked + 1] = method .. " " .. path .. "?include="
      .. options.query.include .. " " .. options.max_attempts
    return percent and { body = percent }
  end
  return client
end

-- A terminal of so many lines.
local function terminal(rows)
  return cli.screen { is_terminal = true, moves = true,
                      rows = function() return rows end,
                      columns = function() return 120 end }
end

describe("lipsync watch", function()
  before_each(function() asked, percent = {}, nil end)

  it("draws no more rows than the terminal has", function()
    for n, wanted in pairs { [2] = 0, [3] = 0, [4] = 1, [6] = 3 } do
      local all = {}
      for i = 1, n do all[i] = generation("g" .. i, "PENDING") end
      local screen = terminal(5)
      local out = cli.run({ "watch" }, client_of(all), screen)
      local _, rows = out:gsub("g%d+ +PENDING", "")
      assert.equal(n - wanted, rows)
      assert.equal(wanted > 0 and tostring(wanted) or nil,
        out:match "\n… and (%d+) more\n")
      assert.equal(math.min(n + 1, 5), screen.marked)
      assert.equal(("%-36s  %-10s  %-8s  %-8s  %-18s  NAME"):format("ID",
        "STATUS", "PROGRESS", "SINCE", "MODEL"), out:match "^[^\n]*")
    end
  end)

  it("says how old each is, and how much of it is done", function()
    local time = core.time
    finally(function() core.time = time end)
    local now = lipsync.time "2026-08-25T10:00:05.500Z"
    function core.time() return now end
    local function row(status, created, body)
      percent = body
      local out = cli.run({ "watch" }, client_of { generation("g1", status,
        ',"model":"m","createdAt":"' .. created .. '"') }, terminal(24))
      return out:match "\n(g1[^\n]*)\n":gsub(" +", " ")
    end
    assert.equal("g1 PROCESSING 40% 0:05 m", (row("PROCESSING",
      "2026-08-25T10:00:00Z", { progress_percent = 40 })))
    assert.equal("g1 PROCESSING 40% 1:05 m", (row("PROCESSING",
      "2026-08-25T09:59:00Z", { progress_percent = 40.9 })))
    assert.equal("g1 PROCESSING 7% 60:59 m", (row("PROCESSING",
      "2026-08-25T08:59:06Z", { progress_percent = "7" })))
    assert.equal("g1 PROCESSING 0:00 m", (row("PROCESSING",
      "2026-08-25T11:00:00Z", {})))
    assert.equal("g1 PROCESSING 0:05 m", (row("PROCESSING",
      "2026-08-25T10:00:00Z", "<html>")))
    assert.equal("g1 PROCESSING m", (row("PROCESSING", "?", nil)))
    local n = #asked
    assert.equal("GET /v2/generate/g1?include=progress 1", asked[n])
    assert.equal("g1 PENDING 0:05 m", (row("PENDING", "2026-08-25T10:00:00Z",
      { progress_percent = 40 })))
    assert.equal(n, #asked)
  end)

  it("asks for the percent of the first eight", function()
    local all = {}
    for i = 1, 9 do all[i] = generation("g" .. i, "PROCESSING") end
    cli.run({ "watch" }, client_of(all), terminal(24))
    assert.equal(8, #asked)
    assert.equal("GET /v2/generate/g8?include=progress 1", asked[8])
  end)

  it("looks every two seconds, or as often as is said", function()
    local client = client_of({ generation("a", "PENDING") },
      { generation("a", "PENDING") })
    cli.run({ "watch" }, client)
    assert.same({ 2, 2 }, client.slept)
    client = client_of { generation("a", "PENDING") }
    cli.run({ "watch", "--interval", "7" }, client)
    assert.same({ 7 }, client.slept)
  end)

  it("writes each change once, and each end", function()
    local out = cli.run({ "watch", "--fields", "id,status" }, client_of(
      { generation("a", "PENDING"), generation("b", "PENDING") },
      { generation("a", "PENDING"), generation("b", "PROCESSING") },
      { generation("b", "PROCESSING") }))
    assert.equal("a\tPENDING\nb\tPENDING\nb\tPROCESSING\na\tCOMPLETED\n"
      .. "b\tCOMPLETED\n", out)
    assert.equal(0, #asked)
  end)

  it("writes those that have ended in one order", function()
    local all = {}
    for i = 1, 9 do all[10 - i] = generation("g" .. i, "PENDING") end
    local out = cli.run({ "watch", "--fields", "id" }, client_of(all))
    assert.equal("g1\ng2\ng3\ng4\ng5\ng6\ng7\ng8\ng9\n",
      out:match("g1\ng2.*"))
  end)

  it("tells what it could not get, but for what was deleted", function()
    local function refusal(status, text)
      return errors.from_response({ status = status, body = text,
        header = function() end }, { action = "get generation a" })
    end
    local gone = '{"errorCode":"generation_not_found","message":"No."}'
    for _, case in ipairs { { 404, gone, "" }, { 404, "no route",
        "lipsync: get generation a: 404 Not Found." }, { 403, gone,
        "lipsync: get generation a: 403 generation_not_found: No." } } do
      local client = client_of { generation("a", "PENDING") }
      function client.generations.get()
        return nil, refusal(case[1], case[2])
      end
      local screen = terminal(24)
      local _, code, err = cli.run({ "watch" }, client, screen)
      assert.equal("0 " .. case[3], code .. " " .. err)
      assert.equal(case[3] == "" and 2 or 3, screen.rewound)
    end
  end)

  it("draws in place only what is no data", function()
    for _, option in ipairs { "--json", "--csv", "--fields=id" } do
      local screen = terminal(24)
      cli.run({ "watch", option }, client_of { generation("a", "PENDING") },
        screen)
      assert.equal(0, screen.rewound)
      assert.is_nil(screen.marked)
    end
    local screen = terminal(24)
    cli.run({ "watch" }, client_of { generation("a", "PENDING") }, screen)
    assert.is_true(screen.rewound > 1)
  end)
end)

describe("lipsync wait", function()
  -- A client whose waits end so, by id.
  local function waiting(ends)
    local generations = {}
    function generations.wait(_, id, options)
      assert.equal(math.huge, options.timeout)
      return ends[id]
    end
    function generations.wait_many(_, ids)
      local at = 0
      return { next = function()
        at = at + 1
        local id = ids[at]
        local value = id and ends[id]
        if lipsync.is_error(value) then return id, nil, value end
        return id, value
      end }
    end
    return { generations = generations }
  end

  local ends = {
    a = generation("a", "COMPLETED"), b = generation("b", "COMPLETED"),
    failed = generation("failed", "FAILED",
      ',"errorCode":"internal_error","error":"it broke"'),
    rejected = generation("rejected", "REJECTED"),
    gone = errors.new("api", "gone", { statusCode = 404 }),
    lost = errors.new("connection", "lost", {}),
  }

  it("ends with a status for what became of them", function()
    for words, wanted in pairs { ["a"] = 0, ["failed"] = 2, ["a b"] = 0,
        ["a failed"] = 4, ["failed a"] = 4, ["failed rejected"] = 2,
        ["lost failed"] = 3, ["failed lost"] = 2, ["gone a"] = 4 } do
      local ids = {}
      for id in words:gmatch "%S+" do ids[#ids + 1] = id end
      local _, code = cli.run({ "wait", (table.unpack or unpack)(ids) },
        waiting(ends))
      assert.equal(wanted, code, words)
    end
  end)

  it("waits as long as it is told", function()
    local patience
    local function note(_, _, options)
      patience = options.timeout
      return options.timeout and ends.a
    end
    local client = { generations = { wait = note,
      wait_many = function(...)
        note(...)
        return { next = function() end }
      end } }
    for _, words in ipairs { { "wait", "a" }, { "wait", "a", "b" } } do
      cli.run(words, client)
      assert.equal(math.huge, patience)
      words[#words + 1] = "--timeout"
      words[#words + 1] = "90s"
      cli.run(words, client)
      assert.equal(90, patience)
    end
  end)

  -- A terminal, and the lines that are drawn on it.
  local function drawing()
    local drawn = {}
    return cli.screen { shows = true,
      bar = function(_, ...) return table.concat({ ... }, " ") end,
      show = function(self, text, now)
        drawn[#drawn + 1] = text .. " " .. tostring(now)
        self.line = text
      end }, drawn
  end

  it("says how many it has waited for", function()
    local screen, drawn = drawing()
    local out, code = cli.run({ "wait", "a", "lost", "b", "--fields", "id" },
      waiting(ends), screen)
    assert.equal("a\nb\n4", out .. code)
    assert.same({ "waiting 0 3 true", "waiting 1 3 true", "waiting 2 3 true",
                  "waiting 3 3 true" }, drawn)
  end)

  it("says in which phase one is", function()
    local screen, drawn = drawing()
    cli.run({ "wait", "a" }, { generations = { wait = function(_, _, options)
      for _, status in ipairs { "PENDING", "PROCESSING", "POLISHING" } do
        options.on_change(generation("a", status))
        options.on_progress(7)
      end
      return ends.a
    end } }, screen)
    assert.same({ "queued true", "queued true", "queued 7 100 % true",
      "rendering true", "rendering 7 100 % true", "POLISHING true",
      "POLISHING 7 100 % true" }, drawn)
    drawn = nil
    cli.run({ "wait", "a" }, { generations = { wait = function(_, _, options)
      drawn = options
      return ends.a
    end } })
    assert.same({ timeout = math.huge }, drawn)
  end)

  it("says after Ctrl-C that they go on", function()
    local client = { generations = { wait = function()
      stops.stop(stops.interrupted)
    end } }
    local out, code, err = cli.run({ "wait", "a" }, client)
    assert.equal("130lipsync: interrupted; generation a goes on. To wait for "
      .. "it again: lipsync wait a", out .. code .. err:match "^[^\n]*")
  end)

  it("ends with an error that is of none of them", function()
    local lost = errors.new("connection", "lost", {})
    local n = 0
    local ok, raised = pcall(cli.run, { "wait", "a", "b" }, { generations = {
      wait_many = function()
        return { next = function()
          n = n + 1
          if n == 1 then return "a", ends.a end
          return nil, nil, lost
        end }
      end } })
    assert.is_false(ok)
    assert.equal(lost, raised)
  end)

  it("writes one as it writes many", function()
    for _, words in ipairs { { "wait", "a" }, { "wait", "failed" },
                             { "wait", "a", "failed" } } do
      local wanted = {}
      for i = 2, #words do wanted[#wanted + 1] = words[i] .. "\n" end
      words[#words + 1] = "--fields=id"
      assert.equal(table.concat(wanted), (cli.run(words, waiting(ends))))
    end
  end)

  it("says why there is no video", function()
    local out, _, err = cli.run({ "wait", "failed", "rejected", "a",
      "--fields", "id" }, waiting(ends))
    assert.equal("failed\nrejected\na\n", out)
    assert.equal("lipsync: generation failed is FAILED: internal_error: it "
      .. "broke\nlipsync: generation rejected is REJECTED: no error code", err)
    _, _, err = cli.run({ "--json", "wait", "failed" }, waiting(ends))
    assert.matches('"kind":"generation"', err)
  end)
end)
