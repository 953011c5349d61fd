-- SPDX-License-Identifier: MIT
-- Looks whether a global or a loaded module is there, without a fault where
-- globals that do not exist raise, and through the metatables by which nginx
-- gives each request globals of its own.

local global = {}

local function read(name)
  return _G[name]
end

--- The global `name`, or nil.
---@param name string
---@return any
function global.get(name)
  local value = rawget(_G, name)
  if value ~= nil or not getmetatable(_G) then return value end
  local ok, found = pcall(read, name)
  return ok and found or nil
end

--- The global `name` if it is a table with the function `field`.
---@param name string
---@param field string
---@return table|nil
function global.with(name, field)
  local value = global.get(name)
  return type(value) == "table" and value[field] ~= nil and value or nil
end

--- The module `name` if somebody has loaded it.
---@param name string
---@return table|nil
function global.loaded(name)
  local package = global.get "package"
  local loaded = type(package) == "table" and package.loaded
  local module = type(loaded) == "table" and loaded[name]
  return type(module) == "table" and module or nil
end

return global
