-- SPDX-License-Identifier: MIT
--
-- Runs a Lua program as a user would: in a process of its own, with the VM
-- that runs these specs, against the emulator in another.

local emulator = require "spec.support.emulator"

local program = {}

-- The VM, as `make test` calls it.
program.vm = os.getenv "LIPSYNC_LUA" or arg[-1] or "lua"

--- Whether there is an emulator to run against.
program.can_run = emulator.has_program

--- Runs a command of the shell beside an emulator.
---@param command string
---@param options string|nil  of the emulator
---@return string text its output, both streams
---@return boolean well whether it ended with status 0
function program.run_command(command, options)
  local pipe = assert(io.popen(("build/lipsync-emulator --port 0 %s -- %s "
    .. "</dev/null 2>&1 && echo status 0"):format(options or "", command)))
  local text = pipe:read "*a"
  pipe:close()
  local printed = text:match "^(.*)status 0\n$"
  return printed or text, printed ~= nil
end

--- Runs the file `path`.
---@param path string
---@return string text
---@return boolean well
function program.run(path, options)
  return program.run_command(program.vm .. " " .. path, options)
end

-- Runs a file that holds `code`, after the VM's arguments and in what is
-- `before` the VM.
local function run_text(before, arguments, code, ending, options)
  local name = os.tmpname()
  local path = name .. ending
  local file = assert(io.open(path, "wb"))
  file:write(code)
  file:close()
  local text, well = program.run_command(("%s%s %s%s"):format(before or "",
    program.vm, arguments, path), options)
  os.remove(path)
  os.remove(name)
  return text, well
end

--- Runs a text as a program.
---@param code string
---@param options string|nil  of the emulator
---@param before string|nil  "env NAME=VALUE "
---@return string text
---@return boolean well
function program.run_text(code, options, before)
  return run_text(before, "", code, "", options)
end

--- Runs a text as a spec of busted.
---@param code string
---@return string text
---@return boolean well
function program.run_spec(code)
  local text, well = run_text(nil, '"$(command -v busted)" ', code,
    "_spec.lua")
  return text, well and text:find "[1-9]%d* success" ~= nil
end

return program
