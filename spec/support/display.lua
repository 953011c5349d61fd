-- SPDX-License-Identifier: MIT
--
-- A separate display for programs that need one: Xvfb, which chooses a free
-- number by itself.

local launch = require "spec.support.launch"

local display = {}

--- Whether Xvfb is installed.
---@return boolean
function display.is_here()
  return launch.find "Xvfb" ~= nil
end

--- Starts it.
---@param folder string  for its output
---@return table program  stop() ends it
---@return string name  for DISPLAY
function display.start(folder)
  local program = launch.start { folder = folder,
    command = "Xvfb -displayfd 1 -screen 0 1280x800x24 -nolisten tcp" }
  local number = program:await(function()
    return program:log():match "^(%d+)\n" or program:log():match "\n(%d+)\n"
  end)
  return program, ":" .. number
end

return display
