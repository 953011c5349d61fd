-- SPDX-License-Identifier: MIT
-- Loads what is loaded at two moments: the core with `require "lipsync"`, and
-- with the first client everything else at once, libcurl with its thirty
-- libraries among it. So a program that makes none does not pay for it, and
-- one that goes into a chroot behind its first client has all it needs.

local global = require "lipsync.host.global"

local loader = {}

-- How this VM is called in `make install LUA=…`.
local function vm()
  if global.get "jit" then return "luajit", "LuaJIT" end
  return _VERSION:lower():gsub(" ", ""), _VERSION
end

--- Loads one of the two libraries, or says how to get it. Raises by assert:
--- the function `error` of OBS does not, it only logs.
---@param name string
---@return table
function loader.binary(name)
  local ok, module = pcall(require, name)
  if ok then return module end
  -- Found, but refused to load: that has a reason of its own.
  assert(tostring(module):find("'" .. name .. "' not found", 1, true),
    tostring(module))
  local command, vm_name = vm()
  local cpath = global.field(global.get "package", "cpath") or "unknown"
  assert(false, ('%s was not found for %s (package.cpath %s): run '
    .. '"make install LUA=%s".'):format(name, vm_name, cpath, command))
end

local loaded = global.field(global.get "package", "loaded") or {}

-- Lua 5.1 and LuaJIT leave a mark, which is no table, for a module that failed
-- to load, and would tell the next who asks for it of a loop.
local function forget_failed()
  for name, module in pairs(loaded) do
    if type(module) ~= "table" and tostring(name):find "^lipsync%." then
      loaded[name] = nil
    end
  end
end

local client

--- Loads all that the core is not; the first time only. Raises where that
--- fails, and may be tried again.
---@return table  the module lipsync.client
function loader.client()
  if client then return client end
  forget_failed()
  loader.binary "lipsync.http"
  client = require "lipsync.client"
  return client
end

return loader
