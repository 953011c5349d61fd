-- SPDX-License-Identifier: MIT
-- Makes a parser of argparse from the descriptions of commands. The manual and
-- the completions are made from the same.

local commands = require "lipsync.cli.commands"
local status = require "lipsync.cli.status"

local options = {}

---@class lipsync.cli.Option
---@field [1] string  its names: "-o --output"
---@field value string|nil  the word for its value; nil: a flag
---@field help string  one sentence
---@field many boolean|nil  may be given several times, which makes an array
---@field read nil|fun(given: string): any, string|nil
---@field choices string[]|nil  no other value is taken
---@field offers string[]|nil  what a shell completes; other values are taken
---@field default string|nil  as the manual shows it

---@class lipsync.cli.Argument
---@field [1] string  its name
---@field help string
---@field count string|nil  "?", "*" or "+"; default one
---@field choices string[]|nil

---@class lipsync.cli.Command
---@field name string
---@field summary string  for the list of commands
---@field text string  what it does
---@field arguments lipsync.cli.Argument[]|nil
---@field options lipsync.cli.Option[]|nil
---@field run fun(run: table, given: table): integer|nil  returns the status

-- A reader whose complaint begins with the name of its option.
local function named(row)
  local name = row[1]:match "%-%-%S+"
  return function(text)
    local value, problem = row.read(text)
    if value == nil then return nil, name .. ": " .. problem end
    return value
  end
end

local function add_option(parser, row, for_shells)
  local option = row.value and parser:option(row[1]) or parser:flag(row[1])
  option:description(row.help)
  if row.value then option:argname(row.value) end
  if row.read then option:convert(named(row)) end
  local choices = row.choices or for_shells and row.offers
  if choices then option:choices(choices) end
  if row.many then option:count "*" end
end

local function add_argument(parser, row)
  local argument = parser:argument(row[1]):description(row.help)
  argument:argname(row.shown or row[1]:gsub("[a-z]", function(letter)
    return string.char(letter:byte() - 32)
  end))
  if row.count then argument:args(row.count) end
  if row.choices then argument:choices(row.choices) end
end

-- Adds the arguments and options of a command.
local function describe(command, row, for_shells)
  for _, each in ipairs(row.arguments or {}) do add_argument(command, each) end
  for _, each in ipairs(row.options or {}) do
    add_option(command, each, for_shells)
  end
end

-- The module that reads command lines. Only the command needs it.
local function argparse()
  local found, module = pcall(require, "argparse")
  if found then return module end
  status.refuse("the Lua module argparse is missing. Debian has it as "
    .. "lua-argparse, LuaRocks as argparse.")
end

-- As the other options are described.
local help_option = { description = "show what there is, and exit" }

local common = 'For --json, --profile and the other options of all commands '
  .. 'see "lipsync help".'

--- A parser of the command line.
---@param words string[]|nil  of a command line, to describe only the commands
---   among them; nil: all
---@param for_shells boolean|nil  true: to make completions of, not to read with
---@return table
function options.parser(words, for_shells)
  local parser = argparse()("lipsync", commands.text)
  parser:command_target "command"
  parser:require_command(false)
  parser:help_max_width(80):usage_max_width(80):help_description_margin(28)
  parser:add_help(help_option)
  for _, row in ipairs(commands.options) do add_option(parser, row) end
  for _, row in ipairs(commands.among(words)) do
    local command = parser:command(row.name):summary(row.summary)
    command:description(row.summary .. ". " .. row.text)
    command:add_help(help_option):epilog(common)
    describe(command, row, for_shells)
    -- What argparse has for its own: the shells complete it by the commands.
    command._is_help_command = row.name == "help" or nil
  end
  return parser
end

-- Whether the help of all is asked for.
local function asks_help(words)
  for _, word in ipairs(words) do
    if word == "-h" or word == "--help" then return true end
  end
  return false
end

--- Reads a command line. What is wrong with one is said by what knows all
--- commands.
---@param words string[]
---@return boolean well
---@return table|string given  or what is wrong
function options.read(words)
  local ok, given = options.parser(not asks_help(words) and words or nil)
    :pparse(words)
  if ok then return true, given end
  return options.parser():pparse(words)
end

return options
