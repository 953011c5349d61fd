-- SPDX-License-Identifier: MIT
-- The command from its line to its status, in this process. As a program:
-- spec/command.

if not pcall(require, "argparse") then
  describe("lipsync", function() pending("argparse is missing") end)
  return
end

local ahead = require "lipsync.cli.ahead"
local commands = require "lipsync.cli.commands"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local loader = require "lipsync.loader"
local main = require "lipsync.cli".main
local output = require "lipsync.cli.output"
local run = require "lipsync.cli.run"
local status = require "lipsync.cli.status"
local terminal = require "lipsync.terminal"

describe("lipsync", function()
  local stderr, named = io.stderr, commands.named
  local write, flush, open = output.write, output.flush, output.open
  local begin, finish, new = ahead.begin, ahead.finish, run.new
  local caught, complaint = terminal.catch_signals, output.complaint
  local out, err, calls, body

  local function note(name)
    return function() calls[#calls + 1] = name end
  end

  before_each(function()
    out, err, calls, body = "", "", {}, nil
    function output.write(...) out = out .. table.concat { ... } end
    output.flush, output.open = note "flush", note "open"
    ahead.begin, ahead.finish = note "begin", note "finish"
    terminal.catch_signals = note "catch"
    rawset(io, "stderr", { write = function(_, ...)
      err = err .. table.concat { ... }
    end })
    -- A command whose work is the spec's.
    function commands.named(name)
      local command = named(name)
      if not command or not body then return command end
      return setmetatable({ run = body }, { __index = command })
    end
    function run.new(given)
      local this = new(given)
      local close = this.close
      function this.close(...)
        calls[#calls + 1] = "close"
        return close(...)
      end
      return this
    end
  end)
  after_each(function()
    rawset(io, "stderr", stderr)
    output.write, output.flush, output.open = write, flush, open
    ahead.begin, ahead.finish, run.new = begin, finish, new
    terminal.catch_signals, output.complaint = caught, complaint
    commands.named = named
  end)

  it("says its version", function()
    local print_, printed = print, nil
    finally(function() rawset(_G, "print", print_) end)
    rawset(_G, "print", function(text) printed = text end)
    assert.equal(0, main { "--version" })
    assert.equal("lipsync " .. core._VERSION, printed)
    assert.same({}, calls)
    assert.equal(0, main { "-q", "--version" })
    assert.equal("lipsync " .. core._VERSION .. "\n", out)
    assert.same({ "catch", "open", "flush", "close", "finish" }, calls)
  end)

  it("says why its core does not load, whatever it is asked", function()
    local binary, loaded = loader.binary, package.loaded["lipsync.cli"]
    finally(function()
      loader.binary, package.loaded["lipsync.cli"] = binary, loaded
    end)
    function loader.binary(name)
      error("lua/lipsync/loader.lua:87: " .. name .. " was not found", 0)
    end
    package.loaded["lipsync.cli"] = nil
    local other = require "lipsync.cli"
    for _, words in ipairs { { "--version" }, { "list" } } do
      err = ""
      assert.equal(1, other.main(words))
      assert.equal("lipsync: lipsync.core was not found\n", err)
    end
    assert.same({}, calls)
  end)

  it("runs a command, and gives its status", function()
    local given
    function body(_, ...)
      given = ...
      calls[#calls + 1] = "run"
    end
    assert.equal(0, main { "list", "--limit", "5" })
    assert.equal(5, given.limit)
    assert.same({ "catch", "begin", "open", "run", "flush", "close",
                  "finish" }, calls)
    function body() return 4 end
    assert.equal(4, main { "list" })
    calls = {}
    assert.equal(4, main { "completion", "bash" })
    assert.same({ "catch", "open", "flush", "close", "finish" }, calls)
    assert.equal("", out .. err)
  end)

  it("says how it is used where nothing is said", function()
    assert.equal(1, main {})
    assert.equal("", out)
    assert.matches("^Usage: lipsync ", err)
    assert.matches("List generations", err)
  end)

  it("says what is wrong with a command line, and where more is", function()
    for line, said in pairs {
        ["lst"] = "unknown command 'lst'. Did you mean 'list'? \"lipsync "
          .. 'help" says more.',
        ["list --limit 0"] = '--limit: "0" is no whole number of at least 1. '
          .. '"lipsync help list" says more.',
        ["get"] = "missing argument 'id'. \"lipsync help get\" says more." } do
      local words = {}
      for word in line:gmatch "%S+" do words[#words + 1] = word end
      err = ""
      assert.equal(1, main(words))
      assert.equal("lipsync: " .. said .. "\n", err)
    end
    err = ""
    assert.equal(1, main { "get", "--json" })
    local sentence = "missing argument 'id'. \"lipsync help get\" says more."
    assert.same({ kind = "usage", message = sentence, sentence = sentence },
      core.decode(err))
    assert.equal("", out)
  end)

  it("ends as what was raised says", function()
    for _, case in ipairs {
      { { "list" }, function() status.refuse "no file." end, 1,
        "lipsync: no file.\n" },
      { { "list" }, function() status.stop(130) end, 130, "" },
      { { "list" }, function()
        core.raise(errors.new("connection", "lost", { action = "list" }))
      end, 3, "lipsync: list: lost.\n" },
      { { "list", "--json" }, function() status.refuse "no file." end, 1,
        '{"kind":"usage","message":"no file.","sentence":"no file."}\n' },
    } do
      err, calls, body = "", {}, case[2]
      assert.equal(case[3], main(case[1]))
      assert.equal(case[4], err)
      assert.same({ "catch", "begin", "open", "close", "finish" }, calls)
    end
    err = ""
    function body() core.raise(errors.new("api", "no")) end
    assert.equal(2, main { "list", "--json" })
    assert.equal("api", core.decode(err).kind)
  end)

  it("shows where an error of the program itself is from", function()
    function body() error "a slip" end
    err = ""
    assert.equal(1, main { "list" })
    assert.matches("^lipsync: an error of this program: [^\n]*init_spec%.lua:"
      .. "%d+: a slip\nstack traceback:\n", err)
    err = ""
    function body() error({}) end
    assert.equal(1, main { "list" })
    assert.matches("^lipsync: an error of this program: table: ", err)
  end)

  it("says at its end which fields nothing had", function()
    function output.complaint() return "--fields: none." end
    function body() return 4 end
    assert.equal(4, main { "list" })
    assert.equal("lipsync: --fields: none.\n", err)
  end)
end)
