-- SPDX-License-Identifier: MIT
-- Every example runs, as a user would run it, against the emulator.

local emulator = require "spec.support.emulator"

-- The VM that runs these specs, as make test names it.
local vm = os.getenv "LIPSYNC_LUA" or arg[-1] or "lua"

local function examples()
  local found = {}
  local pipe = assert(io.popen "ls examples/*.lua 2>/dev/null")
  for path in pipe:lines() do found[#found + 1] = path end
  pipe:close()
  return found
end

-- What it printed, both streams, and whether it ended with status 0.
local function run(path)
  local command = ("build/lipsync-emulator --port 0 -- %s %s </dev/null 2>&1"
    .. " && echo status 0"):format(vm, path)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return text, text:match "\nstatus 0\n$" ~= nil
end

describe("examples", function()
  for _, path in ipairs(examples()) do
    it(path .. " runs", function()
      if not emulator.has_program() then pending "the emulator is left out" end
      local text, well = run(path)
      assert.is_true(well, text)
    end)
  end
end)
