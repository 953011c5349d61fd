-- SPDX-License-Identifier: MIT
-- lipsync completion and help. In the shells: spec/command/shell_spec.lua.

if not pcall(require, "argparse") then
  describe("lipsync help", function() pending("argparse is missing") end)
  return
end

local cli = require "spec.support.cli"
local commands = require "lipsync.cli.commands"
local groups = require "lipsync.cli.groups"
local options = require "lipsync.cli.options"

-- All that there are, in the order of the manual.
local names = { "list", "get", "count", "create", "wait", "watch", "download",
                "delete", "upload", "assets", "models", "errors", "request",
                "webhook", "completion", "help" }

-- The text of the right column of what is shown.
local function right_of(out)
  local lines = {}
  for line in out:gmatch "[^\n]+" do lines[#lines + 1] = line:sub(29) end
  return table.concat(lines, " ")
end

describe("lipsync help", function()
  it("shows all commands", function()
    local out, code = cli.run({ "help" }, {})
    assert.equal(0, code)
    local at = 0
    for _, name in ipairs(names) do
      local from = out:find("\n +" .. name .. " +%u", at + 1)
      assert.is_truthy(from, name)
      at = from
    end
    for _, name in ipairs { "--profile", "--key-file", "--base-url",
        "--timeout", "--json", "-q, --quiet", "--version",
        "-h, --help" } do
      assert.is_truthy(out:find(name, 1, true), name)
    end
    for line in out:gmatch "[^\n]+" do assert.is_true(#line <= 80, line) end
    assert.is_truthy(out:find("show what there is, and exit", 1, true))
  end)

  it("is what --help shows, too", function()
    local print_, exit, shown = print, os.exit, nil
    finally(function()
      rawset(_G, "print", print_)
      rawset(os, "exit", exit)
    end)
    rawset(_G, "print", function(text) shown = text end)
    rawset(os, "exit", function(code) error("exit " .. code, 0) end)
    local all, list = cli.run({ "help" }, {}), cli.run({ "help", "list" }, {})
    for words, wanted in pairs { [{ "--help" }] = all, [{ "-h" }] = all,
        [{ "-h", "list" }] = all, [{ "list", "--help" }] = list,
        [{ "list", "-h" }] = list } do
      local ok, problem = pcall(options.read, words)
      assert.is_false(ok)
      assert.matches("exit 0", problem)
      assert.equal(wanted, shown .. "\n")
    end
  end)

  it("shows the options of one, and where the others are", function()
    for _, name in ipairs(names) do
      local out, code = cli.run({ "help", name }, {})
      assert.equal(0, code)
      assert.matches("^Usage: lipsync " .. name .. " ", out)
      assert.is_truthy(out:find(commands.named(name).summary .. ". ", 1, true))
      assert.is_truthy(out:find("--help", 1, true))
      for line in out:gmatch "[^\n]+" do assert.is_true(#line <= 80, line) end
      local right = right_of(out)
      assert.is_truthy(right:find("show what there is, and exit", 1, true))
      for _, row in ipairs(commands.named(name).options or {}) do
        assert.is_truthy(right:find(row.help, 1, true), row.help)
        assert.is_true(not row.value or out:find(row.value, 1, true) ~= nil)
      end
      for _, row in ipairs(commands.named(name).arguments or {}) do
        assert.is_truthy(right:find(row.help, 1, true), row.help)
        local shown = row.shown or row[1]:gsub(".", function(letter)
          return string.char(letter:byte() - 32)
        end)
        assert.is_true(row.choices ~= nil or out:find(shown, 1, true) ~= nil)
      end
      assert.matches('see "lipsync help"%.\n$', (out:gsub("\n +", " ")))
    end
  end)

  it("knows no others", function()
    local out, code, err = cli.run({ "help", "shell" }, {})
    assert.equal('1there is no command "shell"; "lipsync help" lists them.',
      out .. code .. err)
  end)
end)

describe("lipsync completion", function()
  it("writes what each shell reads", function()
    for shell, first in pairs { bash = "_lipsync() {", zsh = "#compdef lipsync",
                                fish = "complete -c lipsync " } do
      local out, code = cli.run({ "completion", shell }, {})
      assert.equal(0, code)
      assert.is_truthy(out:find(first, 1, true), shell)
      for _, name in ipairs(names) do
        assert.is_truthy(out:find(name, 1, true), name)
      end
      -- What else may be given is offered, but not demanded.
      for _, status in ipairs { "PENDING", "REJECTED", "VIDEO" } do
        assert.is_truthy(out:find(status, 1, true), status)
      end
    end
    local ok, problem = options.read { "completion", "csh" }
    assert.is_false(ok)
    assert.matches("must be one of 'bash', 'zsh', 'fish'", problem)
    assert.is_true((options.read { "assets", "--type", "OTHER" }))
  end)
end)

describe("the commands", function()
  it("need the service, but for those that work here", function()
    for i, name in ipairs(names) do
      assert.equal(i < 14, groups.needs_service { name }, name)
      assert.equal(i < 14, groups.needs_service { "-q", name, "list" }, name)
      assert.is_truthy(groups.place(name))
    end
    assert.is_false(groups.needs_service {})
    assert.is_nil(groups.place "none")
  end)

  it("stand in one order", function()
    local found = {}
    for i, command in ipairs(commands.among()) do found[i] = command.name end
    assert.same(names, found)
  end)
end)
