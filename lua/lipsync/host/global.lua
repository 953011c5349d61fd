-- SPDX-License-Identifier: MIT
-- Finds globals and loaded modules without calling a function of the program,
-- because an undefined global may raise or be logged there. So tables are read
-- raw, and so are those they inherit from: nginx gives each request a table of
-- globals that inherits from the common one.

local global = {}

local globals, rawget, type = _G, rawget, type

-- A longer chain is a circle.
local longest_chain = 16

local raw_metatable = getmetatable

-- The field `name` of a table with a metatable.
local function raw_field(of, name)
  for _ = 1, longest_chain do
    local value = rawget(of, name)
    if value ~= nil then return value end
    local meta = raw_metatable(of)
    of = type(meta) == "table" and rawget(meta, "__index")
    if type(of) ~= "table" then return nil end
  end
  return nil
end

--- The field `name` of a table, or of a table that it inherits from.
---@param of any
---@param name string
---@return any  nil if `of` is not a table
function global.field(of, name)
  if type(of) ~= "table" then return nil end
  if raw_metatable(of) == nil then return of[name] end
  return raw_field(of, name)
end

--- The global `name`, or nil.
---@param name string
---@return any
function global.get(name)
  if raw_metatable(globals) == nil then return globals[name] end
  return raw_field(globals, name)
end

local field, get = global.field, global.get

-- `__metatable` hides a metatable from getmetatable, but not from debug's.
raw_metatable = field(get "debug", "getmetatable") or raw_metatable

--- The global `name` if it is a table with the field `key`.
---@param name string
---@param key string
---@return table|nil
function global.with(name, key)
  local value = get(name)
  return value ~= nil and field(value, key) ~= nil and value or nil
end

local loaded = field(get "package", "loaded") or {}

--- The module `name` if it was loaded.
---@param name string
---@return table|nil
function global.loaded(name)
  local module = loaded[name]
  return type(module) == "table" and module or nil
end

return global
