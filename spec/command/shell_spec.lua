-- SPDX-License-Identifier: MIT
-- The completions in the shells that they are for, and the manual pages.

local command = require "spec.support.command"
local launch = require "spec.support.launch"
local program = require "spec.support.program"

if not command.can_run() then
  describe("the completions of lipsync", function()
    pending("argparse is missing")
  end)
  return
end

local folder

setup(function()
  folder = launch.folder()
  local _, log = launch.run { folder = folder,
    env = { LUA_CPATH = package.cpath },
    command = program.vm .. " scripts/share.lua " .. folder }
  assert(log == "", log)
end)
teardown(function() launch.remove(folder) end)

local function need(name)
  if not launch.find(name) then pending(name .. " is missing") end
end

local function output_of(line)
  local pipe = assert(io.popen(line .. " 2>&1 </dev/null"))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

describe("the completions of lipsync", function()
  it("are what `lipsync completion` writes", function()
    for shell, path in pairs {
      bash = "bash-completion/completions/lipsync",
      zsh = "zsh/site-functions/_lipsync",
      fish = "fish/vendor_completions.d/lipsync.fish",
    } do
      local out, status = command.run { "completion", shell }
      assert.equal(0, status)
      assert.equal(launch.read(folder .. "/" .. path), out)
    end
    assert.equal(1, (select(2, command.run { "completion", "csh" })))
  end)

  it("complete commands and options in bash", function()
    need "bash"
    local script = [[
      source %s/bash-completion/completions/lipsync || exit 1
      try () {
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        _lipsync
        echo "${COMPREPLY[*]}"
      }
      try lipsync de; try lipsync list --oldest; try lipsync help wa
      try lipsync count --by ""; try lipsync --prof
      try lipsync list --status P; try lipsync list --json --st]]
    launch.write(folder .. "/try.bash", script:format(folder))
    assert.equal("delete\n--oldest-first\nwait watch\nstatus\n--profile\n"
      .. "PENDING PROCESSING\n--status\n",
      output_of("bash --norc " .. folder .. "/try.bash"))
  end)

  it("complete commands and options in zsh", function()
    need "zsh"
    need "python3"
    launch.write(folder .. "/.zshrc", ([[
      PS1="ready> "
      fpath=(%s/zsh/site-functions $fpath)
      autoload -Uz compinit
      compinit -u -D
      lipsync() { print -r "RAN $*" }]]):format(folder))
    local text = output_of(("env ZDOTDIR=%s TERM=xterm timeout 60 python3 "
      .. "spec/support/on_terminal.py 80 -e 'ready> ' 'lipsync cou\\t\\n' "
      .. "-e RAN 'lipsync list --oldes\\t\\n' -e RAN 'lipsync list --status "
      .. "REJ\\t\\n' -e REJECTED 'exit\\n' -- zsh -i")
      :format(folder))
    assert.is_truthy(text:find("RAN count", 1, true), text)
    assert.is_truthy(text:find("RAN list --oldest-first", 1, true), text)
    assert.is_truthy(text:find("RAN list --status REJECTED", 1, true), text)
  end)

  it("complete commands and options in fish", function()
    need "fish"
    launch.write(folder .. "/try.fish", ([[
      source %s/fish/vendor_completions.d/lipsync.fish
      complete -C "lipsync de"
      complete -C "lipsync list --oldest"
      complete -C "lipsync count --by "
      complete -C "lipsync delete --status RE"]]):format(folder))
    local text = output_of(("env HOME=%s fish --no-config %s/try.fish"):format(
      folder, folder))
    assert.matches("^delete\tDelete generations\n%-%-oldest%-first\t", text)
    assert.matches("\nstatus.*\nREJECTED", text)
  end)
end)

describe("the manual", function()
  local pages = { "lipsync.1", "lipsync-emulator.1" }

  it("is set without a warning", function()
    need "man"
    need "groff"
    for _, page in ipairs(pages) do
      local path = folder .. "/man/man1/" .. page
      assert.equal("", output_of("env LC_ALL=C.UTF-8 MANWIDTH=80 man "
        .. "--warnings -E UTF-8 -l -Tutf8 -Z " .. path .. " >/dev/null"))
      assert.equal("", output_of("groff -man -ww -Tutf8 " .. path
        .. " >/dev/null"))
    end
  end)

  it("has all commands, options, statuses, and nothing roff would eat",
    function()
      local commands = require "lipsync.cli.commands"
      local text = launch.read(folder .. "/man/man1/lipsync.1")
      local function has(words)
        words = words:gsub("%-", "\\-")
        assert.is_truthy(text:find(words, 1, true), words)
      end
      local function has_all(rows)
        for _, row in ipairs(rows or {}) do
          for name in row[1]:gmatch "%S+" do has("\\fB" .. name .. "\\fR") end
          -- The page gives it a capital, which a value would not survive.
          assert.is_nil(row.help:find "^%l+%u", row.help)
        end
      end
      has_all(commands.options)
      for _, row in ipairs(commands.among()) do
        has(".SS \\fB" .. row.name .. "\\fR")
        has_all(row.options)
      end
      for _, number in ipairs { 0, 1, 2, 3, 4, 130 } do
        has(("\n.TP\n\\fB%d\\fR\n"):format(number))
      end
      for line in text:gmatch "[^\n]+" do
        assert.is_truthy(not line:find "^[.']" or line:find "^%.%u%u", line)
      end
    end)

  it("names the other page", function()
    for i, page in ipairs(pages) do
      local other = pages[3 - i]:gsub("%.1$", ""):gsub("%-", "\\-")
      assert.equal("\\fB" .. other .. "\\fR(1)",
        launch.read(folder .. "/man/man1/" .. page)
          :match '\n%.SH "SEE ALSO"\n([^\n]*)\n$')
    end
  end)

  it("of the emulator has all that it takes", function()
    local text = launch.read(folder .. "/man/man1/lipsync-emulator.1")
    local count = 0
    for name in output_of "build/lipsync-emulator --help"
        :gmatch "\n  (%-%-[%l-]+)" do
      count = count + 1
      assert.is_truthy(text:find((name:gsub("%-", "\\-")), 1, true), name)
    end
    assert.is_true(count > 10)
  end)
end)
