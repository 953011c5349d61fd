-- SPDX-License-Identifier: MIT
-- Finds globals and loaded modules without running a function of the program:
-- in some programs an undefined global raises, in others it is logged. So
-- tables are read raw, and so are those that they inherit from: nginx gives
-- each request a table of globals that inherits from the common one.

local global = {}

local globals = _G

-- Longer chains are circles.
local longest_chain = 16

local raw_metatable = getmetatable

--- The field `name` of a table, or of a table that it inherits from.
---@param of any
---@param name string
---@return any  nil where `of` is no table
function global.field(of, name)
  for _ = 1, longest_chain do
    if type(of) ~= "table" then return nil end
    local value = rawget(of, name)
    if value ~= nil then return value end
    local meta = raw_metatable(of)
    if type(meta) ~= "table" then return nil end
    of = rawget(meta, "__index")
  end
  return nil
end

--- The global `name`, or nil.
---@param name string
---@return any
function global.get(name)
  return global.field(globals, name)
end

-- `__metatable` hides a metatable from getmetatable, but not from this.
raw_metatable = global.field(global.get "debug", "getmetatable")
  or raw_metatable

--- The global `name` if it is a table with the field `field`.
---@param name string
---@param field string
---@return table|nil
function global.with(name, field)
  local value = global.get(name)
  return global.field(value, field) ~= nil and value or nil
end

local loaded = global.field(global.get "package", "loaded") or {}

--- The module `name` if it was loaded.
---@param name string
---@return table|nil
function global.loaded(name)
  local module = loaded[name]
  return type(module) == "table" and module or nil
end

return global
