-- SPDX-License-Identifier: MIT
-- Waiting in darktable, whose scripts share one lock. Its own sleep lets go of
-- it, so other scripts and darktable's own use of Lua go on.

local global = require "lipsync.host.global"
local nap = require "lipsync.host.nap"

local darktable = { name = "darktable", real = true, naps = true }

-- darktable itself loads this module, and its members are no plain tables.
local function control()
  local it = global.loaded "darktable"
  return it and it.control
end

--- Whether the program is darktable.
---@return boolean
function darktable.here()
  return control() ~= nil
end

-- darktable waits for its scripts before it ends. Its sleep takes milliseconds.
local function sleep(seconds)
  local it = control()
  if it.ending then error("darktable ends", 0) end
  it.sleep(math.max(1, math.ceil(seconds * 1000)))
end

--- Waits until `target:ready()` or `seconds` have passed. Raises when darktable
--- ends.
function darktable.wait(...)
  return nap.wait(sleep, ...)
end

return darktable
