-- SPDX-License-Identifier: MIT
-- Loads the library's modules after `require "lipsync"`, by the `require` of
-- that moment: a program may lend it for that moment only (Minetest).

local global = require "lipsync.host.global"

local load = {}

local kept = require

-- The table of globals that this module, and each other one, was loaded with.
local getfenv = global.get "getfenv"
local globals = getfenv and getfenv(1) or _G

local function back(now, ok, ...)
  rawset(globals, "require", now)
  assert(ok, ...)
  return ...
end

--- As require. The module's own calls of `require` get the kept one, too.
---@param name string
---@return any
function load.module(name)
  local now = rawget(globals, "require")
  if now == kept then return kept(name) end
  rawset(globals, "require", kept)
  return back(now, pcall(kept, name))
end

return load
