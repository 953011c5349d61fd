-- SPDX-License-Identifier: MIT
-- The command line: what it takes, and what it says about a wrong one.

if not pcall(require, "argparse") then
  describe("the command line", function() pending("argparse is missing") end)
  return
end

local commands = require "lipsync.cli.commands"
local groups = require "lipsync.cli.groups"
local options = require "lipsync.cli.options"

local function read(line)
  local words = {}
  for word in (line .. " "):gmatch "([^ ]*) " do words[#words + 1] = word end
  return options.read(words)
end

describe("the command line", function()
  it("has what its options are named for", function()
    local ok, given = read("--timeout 2m list --status failed,PENDING "
      .. "--status REJECTED --limit 3 --fields id,status --json -q")
    assert.is_true(ok, given)
    assert.equal("list", given.command)
    assert.equal(120, given.timeout)
    assert.same({ { "FAILED", "PENDING" }, { "REJECTED" } }, given.status)
    assert.equal(3, given.limit)
    assert.same({ "id", "status" }, given.fields)
    assert.is_true(given.json and given.quiet)
  end)

  for line, sentence in pairs {
    ["lst"] = "unknown command 'lst'\nDid you mean 'list'?",
    ["list --stats A"] = "unknown option '--stats'\nDid you mean '--status'?",
    ["list --status FALED"] = '--status: there is no status "FALED"; '
      .. "did you mean FAILED?",
    ["list --status x"] = '--status: there is no status "X"; known are '
      .. "PENDING, PROCESSING, COMPLETED, FAILED, REJECTED",
    ["list --status ,"] = "--status: an empty list says nothing",
    ["list --limit 0"] = '--limit: "0" is no whole number of at least 1',
    ["list --limit 1.5"] = '--limit: "1.5" is no whole number of at least 1',
    ["list --limit"] = "option '--limit' requires an argument",
    ["list --page-size 101"] = '--page-size: "101" is no whole number from 1 '
      .. "to 100",
    ["webhook listen --port 0"] = '--port: "0" is no port from 1 to 65535',
    ["download a -o "] = "--output: an empty text says nothing",
    ["list --since yesterday"] = '--since: "yesterday" is no time such as 30d, '
      .. "12h, 2026-08-25 or 2026-08-25T10:00:00Z",
    ["list --timeout x"] = '--timeout: "x" is no number of seconds, and '
      .. "nothing like 90s, 5m or 2h",
    ["list --profile "] = "--profile: an empty text says nothing",
    ["count --by model"] = "argument for option '--by' must be one of 'status'",
    ["get"] = "missing argument 'id'",
    ["get a --csv=1"] = "option '--csv' does not take arguments",
  } do
    it("says what is wrong with: " .. line, function()
      local ok, problem = read(line)
      assert.is_false(ok)
      assert.equal(sentence, problem)
    end)
  end

  it("may have no command", function()
    local ok, given = read "--json"
    assert.is_true(ok, given)
    assert.is_nil(given.command)
    assert.is_true(given.json)
  end)

  it("may have the name of another command as a value", function()
    local ok, given = read "--profile list count --by status"
    assert.is_true(ok, given)
    assert.equal("count", given.command)
    assert.equal("status", given.by)
  end)

  it("finds each command by its name, without loading the others", function()
    local names = {}
    for i, command in ipairs(commands.among()) do
      names[i] = command.name
      assert.equal(command, commands.named(command.name))
    end
    assert.is_true(#names > 15)
    assert.is_nil(commands.named "lst")
    assert.is_nil(commands.named "shell")
    local found = commands.among { "--profile", "wait", "list", "--limit" }
    assert.equal("list", found[1].name)
    assert.equal("wait", found[2].name)
    assert.equal(2, #found)
    assert.equal(#names, #commands.among { "lst" })
    assert.is_true(groups.needs_service { "-q", "list", "webhook" })
    assert.is_false(groups.needs_service { "webhook", "list" })
    assert.is_false(groups.needs_service { "--help" })
  end)

  it("has no option and no argument that nothing reads", function()
    local pipe = io.popen "cat lua/lipsync/cli/*.lua"
    local source = pipe:read "*a"
    pipe:close()
    local function check(rows)
      for _, row in ipairs(rows or {}) do
        local name = row[1]:match "%-%-(%S+)" or row[1]
        name = name:gsub("%-", "_")
        assert.is_truthy(source:find("given." .. name, 1, true)
          or source:find('given["' .. name .. '"]', 1, true)
          or source:find('{[^{}]*"' .. name .. '"[^{}]*} do\n +if given%['),
          row[1])
      end
    end
    check(commands.options)
    for _, command in ipairs(commands.among()) do
      check(command.options)
      check(command.arguments)
    end
  end)

  it("has a sentence for each command and option", function()
    local function check(rows)
      for _, row in ipairs(rows or {}) do
        assert.is_truthy(row.help and #row.help > 0, row[1])
        assert.is_nil(row.help:find "%.$", row[1])
        assert.is_truthy((row.value or "N"):find "^%u[%u=]*$", row[1])
      end
    end
    check(commands.options)
    for _, command in ipairs(commands.among()) do
      assert.matches("^%u.*[^.]$", command.summary)
      assert.matches("^%u.*%.$", command.text)
      check(command.options)
      check(command.arguments)
    end
  end)
end)
