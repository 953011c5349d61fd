-- SPDX-License-Identifier: MIT
-- An uncaught error object is "unknown reason" to nginx, an empty line to mpv,
-- "unknown runtime error" to HAProxy, and "(error object is not a string)" to
-- Lua 5.1. So there its sentence is logged before it is raised.

local core = require "lipsync.core"
local global = require "lipsync.host.global"
local host = require "lipsync.host"
local lua51 = require "lipsync.host.lua51"

local raise = {}

-- Whether a pcall is on the stack, as far as can be known.
local function is_caught()
  local debug = global.with("debug", "getinfo")
  if not debug then return false end
  for level = 2, 200 do
    local frame = debug.getinfo(level, "f")
    if not frame then return false end
    if frame.func == pcall or frame.func == xpcall then return true end
  end
  return true
end

-- The program lua of 5.1, outside of coroutines; there errors are values.
local function is_mute()
  return lua51.is_limited() and coroutine.running() == nil
end

--- Raises an error object from a call that cannot return one.
---@param client table
---@param err lipsync.Error
function raise.error(client, err)
  if not client:runtime().scheduler.current and not is_caught() then
    if host.shows() then
      host.log(tostring(err))
    elseif is_mute() then
      core.log(tostring(err))
    end
  end
  core.raise(err)
end

return raise
