-- SPDX-License-Identifier: MIT
-- Waiting in VLC, whose scripts run in threads of their own.

local global = require "lipsync.host.global"
local nap = require "lipsync.host.nap"

local vlc = { name = "vlc", real = true, naps = true }

local function misc()
  local it = global.field(global.get "vlc", "misc")
  return global.field(it, "mwait") and it or nil
end

--- Whether the program is VLC.
---@return boolean
function vlc.here()
  return misc() ~= nil
end

-- Raises "Interrupted." when VLC ends.
local function sleep(seconds)
  local it = misc()
  it.mwait(it.mdate() + math.floor(seconds * 1e6))
end

--- Waits until `target:ready()` or `seconds` have passed. Raises when VLC ends.
function vlc.wait(...)
  return nap.wait(sleep, ...)
end

return vlc
