-- SPDX-License-Identifier: MIT
-- Loads the library in two parts: the core with `require "lipsync"`, and with
-- the first client the rest, including libcurl and its thirty libraries. So a
-- program without a client does not pay for it. Resources that are not used are
-- not loaded (client.lua), unless client:warm is called: then a program that
-- enters a chroot has all it needs.

local global = require "lipsync.host.global"

local loader = {}

-- The name of this VM in `make install LUA=…`.
local function vm()
  if global.get "jit" then return "luajit", "LuaJIT" end
  return "lua" .. _VERSION:sub(5), _VERSION
end

--- Loads one of the libraries, or raises how to get it. Uses assert, because
--- the `error` of OBS does not raise, it only logs.
---@param name string
---@param needs string|nil  what it is only built with
---@return table
function loader.binary(name, needs)
  local ok, module = pcall(require, name)
  if ok then return module end
  -- Found, but refused to load; its own message gives the reason.
  assert(tostring(module):find("'" .. name .. "' not found", 1, true),
    tostring(module))
  local command, vm_name = vm()
  local cpath = global.field(global.get "package", "cpath") or "unknown"
  assert(false, ('%s was not found for %s (package.cpath %s): run '
    .. '"make install LUA=%s"%s.'):format(name, vm_name, cpath, command,
    needs and ", where there is " .. needs or ""))
end

local loaded = global.field(global.get "package", "loaded") or {}

-- Lua 5.1 and LuaJIT leave a mark, which is no table, for a module that failed
-- to load; the next `require` would then report a loop.
local function forget_failed()
  for name, module in pairs(loaded) do
    if type(module) ~= "table" and tostring(name):find "^lipsync%." then
      loaded[name] = nil
    end
  end
end

local client

--- Loads everything but the core, once. Raises if that fails, and may be called
--- again.
---@return table  the module lipsync.client
function loader.client()
  if client then return client end
  forget_failed()
  loader.binary "lipsync.http"
  loader.binary "lipsync.file"
  client = require "lipsync.client"
  return client
end

--- Shows a text where the host shows errors.
---@param text string
function loader.log(text)
  local where = client and "lipsync.host" or "lipsync.core"
  require(where).log(text)
end

return loader
