-- SPDX-License-Identifier: MIT
-- The command lipsync: reads the command line, runs one command, and returns
-- the exit status.

-- Where the core is for another Lua, or missing, `core` is the sentence.
local is_loaded, core = pcall(require("lipsync.loader").binary, "lipsync.core")

require("lipsync.host.load").as_used()

local cli = {}

-- Errors of the program itself keep their trace.
local function with_trace(problem)
  if type(problem) ~= "string" then return problem end
  return debug.traceback(problem, 2)
end

-- The status for what ended a command early, after it was said.
local function finish(run, problem, as_json)
  local status = require "lipsync.cli.status"
  local text = require("lipsync.cli.report").text
  if run then run.screen:clear() end
  if status.is_stop(problem) then
    if problem.message then
      io.stderr:write(text(problem.message, as_json), "\n")
    end
    return problem.status
  elseif core.is_error(problem) then
    io.stderr:write(text(problem, as_json), "\n")
    return status.of(problem)
  end
  io.stderr:write("lipsync: an error of this program: ", tostring(problem),
    "\n")
  return status.usage
end

-- Whether errors are to be objects, as far as that can be known of a command
-- line that is wrong.
local function wants_json(arguments)
  for _, word in ipairs(arguments) do
    if word == "--json" then return true end
  end
  return false
end

-- What to ask for help about: the command that is named first, if any.
local function help_for(arguments)
  local commands = require "lipsync.cli.commands"
  for _, word in ipairs(arguments) do
    if commands.named(word) then return "lipsync help " .. word end
  end
  return "lipsync help"
end

-- Reads the command line; ends the command after a wrong one.
local function read(arguments)
  local ok, given = require("lipsync.cli.options").read(arguments)
  if ok then return given end
  local sentence = given:gsub("\n", ". "):gsub("([^.?])$", "%1.")
  require("lipsync.cli.status").refuse(sentence
    .. (' "%s" says more.'):format(help_for(arguments)))
end

-- Without a command there is nothing to do but to say which there are.
local function usage()
  local text = require("lipsync.cli.options").parser():get_help()
  io.stderr:write(text, "\n")
  return require("lipsync.cli.status").usage
end

local function version()
  local output = require "lipsync.cli.output"
  output.write("lipsync ", core._VERSION, "\n")
end

-- Runs the command that was given.
local function execute(run)
  local output = require "lipsync.cli.output"
  local given, code = run.given, nil
  output.open(run.screen)
  if given.version then
    version()
  elseif not given.command then
    return usage()
  else
    local command = require("lipsync.cli.commands").named(given.command)
    code = command.run(run, given)
  end
  output.flush()
  local complaint = output.complaint()
  if complaint then run:complain(complaint) end
  return code or require("lipsync.cli.status").done
end

--- Runs the command.
---@param arguments string[]
---@return integer  the exit status
function cli.main(arguments)
  if not is_loaded then
    io.stderr:write("lipsync: ", (core:gsub("^[^\n]-%.lua:%d+: ", "")), "\n")
    return 1
  end
  -- What scripts ask most; without all the rest.
  if #arguments == 1 and arguments[1] == "--version" then
    print("lipsync " .. core._VERSION)
    return 0
  end
  require("lipsync.terminal").catch_signals()
  local ahead = require "lipsync.cli.ahead"
  if require("lipsync.cli.groups").needs_service(arguments) then
    ahead.begin()
  end
  local run
  local ok, code = xpcall(function()
    run = require("lipsync.cli.run").new(read(arguments))
    return execute(run)
  end, with_trace)
  if not ok then code = finish(run, code, wants_json(arguments)) end
  if run then run:close() end
  ahead.finish()
  return code
end

return cli
