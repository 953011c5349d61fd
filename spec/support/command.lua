-- SPDX-License-Identifier: MIT
--
-- Runs the command lipsync of this build, in a pipe or on a terminal.

local launch = require "spec.support.launch"
local program = require "spec.support.program"

local command = {}

local quote = launch.quote

-- The interpreter itself: what is called python3 may be a script that looks
-- for it for a second.
local finder = io.popen "python3 -c 'import sys; print(sys.executable)' 2>&-"
local python = finder:read "*l"
finder:close()

--- Whether a terminal can be had.
---@return boolean
function command.has_terminal()
  return python ~= nil
end

--- Whether the command can be run: it needs argparse. Under a sanitizer the
--- shells and Python around it would be watched, too.
---@return boolean
function command.can_run()
  return not os.getenv "LIPSYNC_SANITIZED" and (pcall(require, "argparse"))
end

local function words_of(words)
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = quote(word) end
  return table.concat(quoted, " ")
end

-- Variables of the environment; false takes one away.
local function environment(env)
  local set, taken = {}, {}
  for name, value in pairs(env) do
    if value then
      set[#set + 1] = name .. "=" .. quote(value)
    else
      taken[#taken + 1] = "-u " .. name
    end
  end
  table.sort(set)
  return "env " .. table.concat(taken, " ") .. " " .. table.concat(set, " ")
end

local function terminal(options)
  local words = { python, "spec/support/on_terminal.py", options.columns }
  for _, pair in ipairs(options.typed or {}) do
    words[#words + 1] = "-e"
    words[#words + 1] = pair[1]
    words[#words + 1] = pair[2]
  end
  words[#words + 1] = "--"
  return words_of(words)
end

--- The line for a shell that runs the command.
---@param words string[]
---@param options table  as of `run`
---@return string
function command.line(words, options)
  local env = { SYNC_API_KEY = options.key or "test-key",
                SYNC_BASE_URL = options.url or false, NO_COLOR = false,
                TERM = "xterm", SYNC_LOG = false }
  for name, value in pairs(options.env or {}) do env[name] = value end
  return ("%s %s %s bin/lipsync %s"):format(environment(env),
    options.columns and terminal(options) or "", program.vm, words_of(words))
end

--- Runs the command to its end.
---@param words string[]
---@param options table|nil  url: of the emulator; key; env: variables, false
---   takes one away; input: text for standard input; columns: of a terminal,
---   where it then runs, with standard error; typed: array of { after, text };
---   shell: what follows the command in the shell's line
---@return string out
---@return integer status
---@return string err
function command.run(words, options)
  options = options or {}
  local base = os.tmpname()
  launch.write(base, options.input or "")
  local pipe = assert(io.popen(("{ %s %s; } 2>%s.err <%s; printf '\\n%%s' $?")
    :format(command.line(words, options), options.shell or "", base,
      options.input and base or "/dev/null")))
  local out, status = pipe:read "*a":match "^(.*)\n(%d+)$"
  pipe:close()
  local err = launch.read(base .. ".err")
  os.remove(base)
  os.remove(base .. ".err")
  return out, tonumber(status), err
end

return command
