-- SPDX-License-Identifier: MIT
-- Loads the library in two parts: the core with `require "lipsync"`, and with
-- the first client the rest, including libcurl and its thirty libraries. So a
-- program without a client does not pay for it. Resources that are not used are
-- not loaded (client.lua), unless client:warm is called: then a program that
-- enters a chroot has all it needs. The command loads less, see load.as_used.

local global = require "lipsync.host.global"
local load = require "lipsync.host.load"

local loader = {}

-- The name of this VM in `make install LUA=…`.
local function vm()
  if global.get "jit" then return "luajit", "LuaJIT" end
  return "lua" .. _VERSION:sub(5), _VERSION
end

local function package_field(name)
  return global.field(global.get "package", name)
end

-- The path of this VM's own library in the process's memory. Another VM's would
-- do harm, so its name must have the version.
local function own_library()
  local open = global.field(global.get "io", "open")
  local file = open and open "/proc/self/maps"
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  local version = (vm()):gsub("^lua", "lua%%-?"):gsub("5%.", "5%%.?")
  for path in text:gmatch "/[^\n]*" do
    local name = path:match "[^/]*$"
    if name:find("^lib" .. version .. "[-.%d]*%.so") then return path end
  end
  return nil
end

-- Makes Lua's functions visible to modules where Lua came with a plugin that
-- keeps it to itself (VLC, collectd). PUC Lua 5.1 has no "*" for that.
local function make_visible()
  local loadlib, path = package_field "loadlib", own_library()
  return loadlib ~= nil and path ~= nil and (loadlib(path, "*")) == true
end

-- Why a library that was found did not load, where its own text says little.
-- Every Lua has lua_gettop.
local function explain(name, problem)
  local command, vm_name = vm()
  local detail = problem:match "([^\n\t]*)\n*$"
  if problem:find("not enabled", 1, true) then
    return ("this program cannot load modules in C, which %s is (%s)"):format(
      name, detail)
  elseif problem:find("undefined symbol: lua_gettop", 1, true) then
    return ("this program keeps its Lua from modules in C, which %s is (%s)")
      :format(name, detail)
  elseif problem:find("undefined symbol: lua", 1, true)
         or problem:find("version mismatch", 1, true) then
    return ('%s was built for another Lua than %s: run "make install LUA=%s" '
      .. "(%s)"):format(name, vm_name, command, detail)
  end
  return problem
end

-- As pcall(load.module, name), and once more if that made Lua visible.
local function try(name)
  local ok, module = pcall(load.module, name)
  if not ok and tostring(module):find("undefined symbol: lua", 1, true)
     and make_visible() then
    ok, module = pcall(load.module, name)
  end
  return ok, module
end

--- Loads one of the libraries, or raises how to get it. Uses assert, because
--- the `error` of OBS does not raise, it only logs.
---@param name string
---@param needs string|nil  what it is only built with
---@return table
function loader.binary(name, needs)
  local ok, module = try(name)
  if ok then return module end
  -- Found, but refused to load.
  assert(tostring(module):find("'" .. name .. "' not found", 1, true),
    explain(name, tostring(module)))
  local command, vm_name = vm()
  assert(false, ('%s was not found for %s (package.cpath %s): run '
    .. '"make install LUA=%s"%s.'):format(name, vm_name,
    package_field "cpath" or "unknown", command,
    needs and ", where there is " .. needs or ""))
end

local client

--- Loads everything but the core, once. Raises if that fails, and may be called
--- again.
---@return table  the module lipsync.client
function loader.client()
  if not client then
    loader.binary "lipsync.http"
    loader.binary "lipsync.file"
    client = load.module "lipsync.client"
  end
  load.rest()
  return client
end

--- Shows a text where the host shows errors.
---@param text string
function loader.log(text)
  local where = client and "lipsync.host" or "lipsync.core"
  load.module(where).log(text)
end

return loader
