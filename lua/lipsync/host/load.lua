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

-- What all systems say of too many open files: of the machine, of the process.
local no_descriptor = { [23] = true, [24] = true }

-- Whether nothing more can be opened: then a module is "not found".
local function lacks_descriptors()
  local open = global.field(global.get "io", "open")
  if not open then return false end
  local file, _, code = open "."
  if file then file:close() end
  return no_descriptor[code] or false
end

-- As require. Where nothing can be opened, clients that the program has
-- abandoned may hold the descriptors until they are collected.
local function load_module(name)
  if global.loaded(name) then return kept(name) end
  forget_failed()
  local ok, module = pcall(kept, name)
  if not ok and lacks_descriptors() then
    forget_failed()
    collectgarbage()
    ok, module = pcall(kept, name)
    if not ok and lacks_descriptors() then
      module = name .. " cannot be loaded: too many open files"
    end
  end
  if not ok then
    error(module, 0)
    assert(false, module)  -- the `error` of OBS does not raise
  end
  return module
end

local function back(now, ok, ...)
  rawset(globals, "require", now)
  assert(ok, ...)
  return ...
end

--- As require, also for a module that failed to load before. The module's own
--- calls of `require` get the kept one, too. Raises what require does, and says
--- where that is for want of descriptors.
---@param name string
---@return any
function load.module(name)
  local now = rawget(globals, "require")
  if now == kept then return load_module(name) end
  rawset(globals, "require", kept)
  return back(now, pcall(load_module, name))
end

-- The stand-ins whose modules are not loaded yet, by the name of the module.
local put_off = {}

local as_used = false

local function fill(name)
  getmetatable(put_off[name]).__index = load.module(name)
  put_off[name] = nil
end

--- A stand-in for a module that not every program uses. It is loaded by
--- load.rest, or when a field of it is first read.
---@param name string
---@return table
function load.later(name)
  local stand_in = put_off[name]
  if stand_in then return stand_in end
  stand_in = setmetatable({}, { __index = function(self, field)
    fill(name)
    return self[field]
  end })
  put_off[name] = stand_in
  return stand_in
end

--- Loads what was put off until now. The library does so as a rule: a program
--- may enter a chroot, or be unable to wait for the disk, after its start.
function load.rest()
  local name = not as_used and next(put_off)
  while name do
    fill(name)
    name = next(put_off)
  end
end

--- From now on modules are loaded when they are used. For the command, which is
--- started anew for each call.
function load.as_used()
  as_used = true
end

return load
