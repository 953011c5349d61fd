-- SPDX-License-Identifier: MIT
-- Loads the library's modules after `require "lipsync"`, by the `require` of
-- that moment: a program may lend it for that moment only (Minetest).

local global = require "lipsync.host.global"

local load = {}

local kept = require

-- The table of globals that this module, and each other one, was loaded with.
local getfenv = global.get "getfenv"
local globals = getfenv and getfenv(1) or _G

local loaded = global.field(global.get "package", "loaded") or {}

-- What Lua 5.1 and LuaJIT have in place of a module while it loads, as this one
-- does now. If that fails they leave it, for each module that was loading, and
-- the next `require` reports a loop. Later VMs leave nothing.
local mark = loaded[...]

local function forget_failed()
  if mark == nil then return end
  for name, module in pairs(loaded) do
    if module == mark and tostring(name):find "^lipsync%." then
      loaded[name] = nil
    end
  end
end

local function back(now, ok, ...)
  rawset(globals, "require", now)
  assert(ok, ...)
  return ...
end

--- As require, also for a module that failed to load before. The module's own
--- calls of `require` get the kept one, too.
---@param name string
---@return any
function load.module(name)
  if not global.loaded(name) then forget_failed() end
  local now = rawget(globals, "require")
  if now == kept then return kept(name) end
  rawset(globals, "require", kept)
  return back(now, pcall(kept, name))
end

return load
