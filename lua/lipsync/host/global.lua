-- SPDX-License-Identifier: MIT
-- Looks whether a global or a loaded module is there, without a fault where
-- globals that do not exist raise, and through the metatables by which nginx
-- gives each request globals of its own.

local global = {}

-- Asked for at each wait, so neither is looked up.
local globals = _G
local loaded = type(rawget(_G, "package")) == "table" and package.loaded or {}

local function read(name)
  return globals[name]
end

--- The global `name`, or nil.
---@param name string
---@return any
function global.get(name)
  if not getmetatable(globals) then return globals[name] end
  local ok, found = pcall(read, name)
  return ok and found or nil
end

--- Whether one of two globals may be there: where it is false, neither is.
---@param one string
---@param other string
---@return boolean
function global.any(one, other)
  return getmetatable(globals) ~= nil or globals[one] ~= nil
    or globals[other] ~= nil
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
  local module = loaded[name]
  return type(module) == "table" and module or nil
end

return global
