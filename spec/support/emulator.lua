-- SPDX-License-Identifier: MIT
--
-- The emulator for specs: in this process if its module was built, so a spec
-- can add generations, cause failures and see requests; else, or by program(),
-- in a process of its own.

local emulator = {}

local PROGRAM = "build/lipsync-emulator"

local Process = {}
Process.__index = Process

--- Ends the started process and waits for it.
function Process:stop()
  if not self.pipe then return end
  os.execute("kill " .. self.pid)
  self.pipe:close()
  self.pipe = nil
end

-- Quotes a word for the shell.
local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

--- Whether the program was built.
---@return boolean
function emulator.has_program()
  local file = io.open(PROGRAM, "rb")
  if file then file:close() end
  return file ~= nil
end

--- Starts the program on a free port.
---@param arguments string[]? as on its command line
---@return table process pid, base_url, key; stop()
function emulator.program(arguments)
  local words = { quote(PROGRAM), "--port", "0" }
  for _, word in ipairs(arguments or {}) do words[#words + 1] = quote(word) end
  -- exec keeps the shell's process id, which is printed first.
  local pipe = assert(io.popen("echo $$; exec " .. table.concat(words, " ")
    .. " </dev/null"))
  local pid = pipe:read "*l"
  local base_url = pipe:read "*l"
  if not base_url then
    pipe:close()
    error("the emulator did not start: " .. table.concat(words, " "), 2)
  end
  return setmetatable({ pipe = pipe, pid = pid, base_url = base_url,
                        key = "test-key" }, Process)
end

local as_argument = { database = "--database", generations = "--generations",
                      random_seed = "--random-seed", import = "--import",
                      now = "--now" }

local function start_program(options)
  local arguments = {}
  for name, value in pairs(options) do
    local argument = as_argument[name]
    if not argument then
      error("lipsync.emulator is needed for the option " .. name, 3)
    end
    arguments[#arguments + 1] = argument
    arguments[#arguments + 1] = value
  end
  return emulator.program(arguments)
end

--- Starts the emulator, on a free port unless told otherwise.
---@param options table? as lipsync.emulator.start takes
---@return table emulator base_url, key; stop() and, in this process, all else
function emulator.start(options)
  local found, module = pcall(require, "lipsync.emulator")
  if found then return assert(module.start(options or {})) end
  return start_program(options or {})
end

return emulator
