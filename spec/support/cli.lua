-- SPDX-License-Identifier: MIT
--
-- Runs a command of the command line in this process, with a client of the
-- spec's own: quick, and on a screen of any size. As a program, against the
-- emulator: spec/support/command.lua.

local core = require "lipsync.core"
local output = require "lipsync.cli.output"
local report = require "lipsync.cli.report"
local status = require "lipsync.cli.status"

local cli = {}

local Screen = { is_terminal = false, colored = false, moves = false,
                 shows = false, rewound = 0 }
Screen.__index = Screen

function Screen.columns() return 80 end
function Screen.rows() return 24 end
function Screen:clear() self.line = nil end
function Screen:show(text) self.line = text end
function Screen.bar() end
function Screen.paint(_, text) return text end
function Screen:rewind() self.rewound = self.rewound + 1 end
function Screen:mark(lines) self.marked = lines end

--- A screen: that of a pipe, but for what `own` says.
---@param own table|nil
---@return table
function cli.screen(own)
  return setmetatable(own or {}, Screen)
end

--- What `fn` writes to standard output.
---@param fn function
---@param screen table|nil  whose line must have been taken away before
---@return string
function cli.written(fn, screen)
  local write, flush, parts = output.write, output.flush, {}
  function output.write(...)
    assert(not (screen and screen.line), "it writes beside the progress")
    parts[#parts + 1] = table.concat { ... }
  end
  function output.flush() end
  local ok, problem = pcall(fn)
  output.write, output.flush = write, flush
  if not ok then core.raise(problem) end
  return table.concat(parts)
end

-- A run (lipsync.cli.run) that notes what it would write to standard error.
local function run_of(given, client, screen)
  local run = require("lipsync.cli.run").new(given)
  run.screen, run.errors = screen or cli.screen(), {}
  function run.client() return client end
  function run:say(text)
    self.screen:clear()
    self.errors[#self.errors + 1] = text
  end
  function run:complain(err, kind)
    self:say(report.text(err, given.json, kind))
  end
  return run
end

--- Runs a command to its end.
---@param words string[]  of the command line
---@param client table  with what the command calls
---@param screen table|nil  of cli.screen, default a pipe. Fails if something is
---   written before the line that says how far it is was taken away
---@return string out
---@return integer|nil status
---@return string err
function cli.run(words, client, screen)
  local ok, given = require("lipsync.cli.options").read(words)
  assert(ok, given)
  local run = run_of(given, client, screen)
  local code
  local out = cli.written(function()
    local well, result = pcall(
      require("lipsync.cli.commands").named(given.command).run, run, given)
    code = result
    if well then return end
    if not status.is_stop(result) then core.raise(result) end
    code = result.status
    run.screen:clear()
    if result.message then run:say(result.message) end
  end, run.screen)
  assert(not run.screen.line, "it leaves its progress behind")
  return out, code or status.done, table.concat(run.errors, "\n")
end

return cli
