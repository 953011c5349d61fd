-- SPDX-License-Identifier: MIT
-- Waiting in VLC, whose scripts run in threads of their own. A wait by VLC's
-- own sleep ends, with an error, when VLC ends; any other would hold it up.

local core = require "lipsync.core"
local global = require "lipsync.host.global"
local poll_interval = require "lipsync.host.poll_interval"

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

--- Waits until `target:ready()` or `seconds` have passed. Raises when VLC ends.
---@param session table
---@param target table|nil
---@param seconds number
---@param client table
function vlc.wait(session, target, seconds, client)
  local it, until_, n = misc(), core.now() + seconds, 0
  repeat
    local left = math.max(until_ - core.now(), 0)
    local pause = math.min(poll_interval.of(target, n), left)
    it.mwait(it.mdate() + math.floor(pause * 1e6))
    n = n + 1
    if not session:is_open() then return end
    session:step()
    client:runtime().waiters:dispatch(session)
  until target and target:ready() or core.now() >= until_
end

return vlc
