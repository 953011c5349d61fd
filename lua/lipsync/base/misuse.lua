-- SPDX-License-Identifier: MIT
-- Misuse: an error in the caller's program is raised as a string that begins
-- with the caller's line. Knows no option or filter by name.

local core = require "lipsync.core"
local texts = require "lipsync.base.text"

local misuse = {}

-- Our own folders below lipsync/.
local folders = { base = true, error = true, host = true, call = true,
                  sched = true, list = true, bulk = true, media = true,
                  compound = true, resources = true, webhook = true }

-- The folder in "lua/lipsync/base/misuse.lua:12: ", without our own subfolder;
-- nil if the text names no file. Windows takes both slashes, and Lua's path has
-- one where a template had the other.
local function folder(where)
  local path = where:gsub("\\", "/"):match "^(.*/)[^/]*:%d+: $"
  local above, last = (path or ""):match "^(.*/)([^/]+)/$"
  return folders[last] and above or path
end

-- "file:line: " of the function at `level`; "" for C functions and for levels
-- that do not exist. Uses the prefix that `error` adds, because some hosts have
-- no debug library.
local position = core.where

-- Lua cuts the front of long paths ("...ib/lua/5.4/lipsync/"), at another place
-- for each file; so it is enough that one ends with the other.
local function same_folder(a, b)
  if a == b then return true end
  if not a or not b then return false end
  local cut = a:sub(1, 3) == "..." or b:sub(1, 3) == "..."
  a, b = a:gsub("^%.%.%.", ""), b:gsub("^%.%.%.", "")
  return cut and (a:sub(-#b) == b or b:sub(-#a) == a)
end

--- The position of the nearest function on the stack that is not ours. Walks
--- the stack, because counted levels are wrong across tail calls.
---@return string where  "cleanup.lua:9: ", or "" if unknown
function misuse.caller()
  local own
  for level = 1, 60 do
    local where = position(level)
    if where ~= "" then
      local path = folder(where)
      own = own or path
      if not same_folder(path, own) then return where end
    end
  end
  return ""
end

--- Raises `message` with the line of the caller.
---@param message string
function misuse.raise(message)
  core.raise(misuse.caller() .. message)
end

--- Calls fn(...), where what it would raise as misuse is no mistake of the
--- program: it comes from a file, or is one of many. Raises anything else.
---@param fn function
---@param ... any
---@return boolean ok
---@return any value  or the message, without a line
---@return any more
function misuse.caught(fn, ...)
  local where = misuse.caller()
  local ok, value, more = pcall(fn, ...)
  if ok then return true, value, more end
  if type(value) ~= "string" or value:sub(1, #where) ~= where
     or where == "" and value == "not enough memory" then
    core.raise(value)
  end
  return false, value:sub(#where + 1)
end

-- How many letters to insert, remove, replace or swap with a neighbour to turn
-- `a` into `b`.
local function distance(a, b)
  local rows = {}
  for i = 0, #a do rows[i] = { [0] = i } end
  for j = 1, #b do rows[0][j] = j end
  for i = 1, #a do
    local row, above = rows[i], rows[i - 1]
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local best = math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost)
      -- (There is no byte 0, so nothing equals it.)
      if a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        best = math.min(best, rows[i - 2][j - 2] + 1)
      end
      row[j] = best
    end
  end
  return rows[#a][#b]
end

-- For a misspelt name, project_id and projectId are the same word.
local function plain(name)
  return (texts.lower(name):gsub("[_ \t-\r-]", ""))
end

--- The name in `known` that is nearest to `name`, nil if none is near.
---@param name string
---@param known string[]
---@return string|nil
function misuse.nearest(name, known)
  local wanted, best, least = plain(name:sub(1, 40)), nil, math.huge
  for _, candidate in ipairs(known) do
    local d = distance(wanted, plain(candidate))
    if d < least then best, least = candidate, d end
  end
  return least <= math.max(1, math.floor(#wanted / 3)) and best or nil
end

--- The keys of `set`, sorted.
---@param set table<string, any>
---@return string[]
function misuse.keys(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- A value for a message: short, on one line, never the whole text of a secret.
---@param value any
---@return string
function misuse.show(value)
  if type(value) == "string" then
    local short = #value > 40 and texts.cut(value, 40) .. "…" or value
    return 'string "' .. short:gsub("[" .. texts.control .. "]", "?") .. '"'
  elseif type(value) == "number" or type(value) == "boolean" then
    return type(value) .. " " .. tostring(value)
  elseif core.is_error(value) then
    return "an error object: " .. tostring(value)
  end
  return core.type_of(value) or type(value)
end

-- Raises: "unknown filter" and what else could have been meant.
local function raise_unknown(what, name, of, known)
  local names = misuse.keys(known)
  local near = misuse.nearest(name, names)
  misuse.raise(('%s "%s"%s%s Known: %s.'):format(what, name, of,
    near and (', did you mean "%s"?'):format(near) or ".",
    table.concat(names, ", ")))
end

--- Raises unless `known` has `name`.
---@param name any
---@param known table<string, any>  without false
---@param what string  the noun for it: "filter", "option"
---@param of string|nil  which table has the key, if there are several
function misuse.name(name, known, what, of)
  of = of and " of " .. of or ""
  if type(name) ~= "string" then
    misuse.raise(("unknown %s [%s]%s. Known: %s."):format(what,
      tostring(name), of, table.concat(misuse.keys(known), ", ")))
  elseif not known[name] then
    raise_unknown("unknown " .. what, name, of, known)
  end
end

--- The same for each key of `given`.
---@param given table
---@param known table<string, any>
---@param what string
---@param of string|nil
function misuse.names(given, known, what, of)
  for name in pairs(given) do misuse.name(name, known, what, of) end
end

--- Raises, because an object has no such member, or it cannot be set.
---@param what string  the object: "a listing"
---@param name any
---@param known table<string, any>  its members
function misuse.no_member(what, name, known)
  if known[name] then
    misuse.raise(("%s of %s cannot be set"):format(name, what))
  end
  raise_unknown(what .. " has no", tostring(name), "", known)
end

--- Raises unless `value` is a table without a metatable. A table that gets its
--- values through a metatable would be read as empty.
---@param value any
---@param what string  the noun for the table: "filter"
function misuse.plain_table(value, what)
  if type(value) == "table" and getmetatable(value) == nil then return end
  if core.is_error(value) then
    misuse.raise(("%s is an error object: %s"):format(what, tostring(value)))
  elseif type(value) ~= "table" then
    misuse.raise(("%s must be a table, got %s"):format(what,
      misuse.show(value)))
  end
  misuse.raise(what .. " must be a table without a metatable")
end

-- The metatable that marks a table as an array.
local array_mark = getmetatable(core.array {})

--- As plain_table, for an array, which `lipsync.array` may have marked.
---@param value any
---@param what string
function misuse.plain_array(value, what)
  if type(value) == "table" and getmetatable(value) == array_mark then
    return
  end
  misuse.plain_table(value, what)
end

--- Raises unless `value` is such an array, without holes and names.
---@param value any
---@param what string
---@return integer  how many elements it has
function misuse.length(value, what)
  local count = 0
  misuse.plain_array(value, what)
  for _ in pairs(value) do count = count + 1 end
  for i = 1, count do
    if value[i] == nil then
      misuse.raise(what .. " must be an array without holes or names")
    end
  end
  return count
end

--- Raises unless `self` is an object of `class`: then the caller wrote a dot
--- instead of a colon.
---@param self any
---@param class table  the metatable
---@param call string  how it is written, "client:%s(…)"
---@param name string|nil  the method's, for %s
function misuse.self(self, class, call, name)
  if getmetatable(self) ~= class then
    misuse.raise("call it with a colon: " .. call:format(name))
  end
end

--- Whether `value` can be called.
---@param value any
---@return boolean
function misuse.callable(value)
  local kind = type(value)
  if kind == "function" then return true end
  local meta = (kind == "table" or kind == "userdata") and getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil
end

return misuse
