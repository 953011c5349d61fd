-- SPDX-License-Identifier: MIT
-- The filter of a list: checks it, copies it, and makes the targets of requests
-- from it. A given filter must not be empty: a loop meant for a few rows would
-- touch all. Pure.

local core = require "lipsync.core"
local misuse = require "lipsync.base.misuse"
local schema = require "lipsync.base.schema"
local url = require "lipsync.base.url"

local filter = {}

filter.ids_at_once = 100
filter.page_limit = 100  -- the most that the service gives in one page

-- A parameter that this version does not know, as text or an array of texts.
local function parameter(value, name)
  if type(value) == "table" then return schema.strings(value, name) end
  if type(value) == "string" then return schema.text(value, name) end
  if type(value) == "boolean" then return tostring(value) end
  local text = type(value) == "number" and core.encode(value)
  if text then return text end
  misuse.raise(("%s must be a string, a number, a boolean or an array of "
    .. "strings, got %s"):format(name, misuse.show(value)))
end

-- Those of the filter's `extra`, in the order of their names.
local function read_extra(value, name)
  misuse.plain_table(value, name)
  local own = {}
  for key in pairs(value) do schema.text(key, "a name in " .. name) end
  for i, key in ipairs(misuse.keys(value)) do
    own[i] = { url.encode(key), parameter(value[key], name .. "." .. key) }
  end
  return own
end

-- The fields of every filter.
local of_all = { extra = read_extra }

-- The fields of every list that can be paged.
local of_pages = {
  limit = schema.integer(),
  cursor = schema.text,
  page_size = schema.integer(filter.page_limit),
}

-- The fields of one that comes whole: a limit is counted here.
local of_whole = { limit = of_pages.limit }

-- Raises for a cursor without pages.
local function check_cursor(own)
  if own.cursor and not own.limit and not own.page_size then
    misuse.raise("cursor needs a limit or a page_size")
  end
end

-- Raises for fields that are valid each, but not together.
local function check_together(own)
  if not own.ids or #own.ids <= filter.ids_at_once then return end
  for name in pairs(of_pages) do
    if own[name] then
      misuse.raise(("%s does not go with more than %d ids, got %d")
        :format(name, filter.ids_at_once, #own.ids))
    end
  end
end

-- An empty list asks for nothing, because no row has one of no statuses.
local function asks_for_nothing(own)
  for name, value in pairs(own) do
    if type(value) == "table" and #value == 0 and name ~= "extra" then
      return true
    end
  end
  return false
end

local list_fields = setmetatable({}, { __mode = "k" })
local plain_fields = setmetatable({}, { __mode = "k" })

-- The fields of a row's query and `more`, joined once.
local function fields(known, query, more)
  if not known[query] then
    known[query] = schema.join(query.fields, of_all, more)
  end
  return known[query]
end

-- The filter when none was given.
local everything = { nothing = false, paged = false, selects = false }

-- Parameters of a query that leave no row out.
local only_order = { sortBy = true }

-- Whether the filter leaves rows out. A limit or a cursor does not count.
local function selects(query, own)
  for _, name in ipairs(query) do
    if own[name] ~= nil and not only_order[name] then return true end
  end
  return false
end

-- Reads a filter that may hold the fields `known`.
local function read(query, known, given)
  if given == nil then return everything end
  local own = schema.read(known, given, "filter")
  check_together(own)
  own.selects = selects(query, own)
  own.nothing = asks_for_nothing(own)
  own.paged = own.page_size ~= nil
    or own.limit ~= nil and own.limit > filter.page_limit
  return own
end

--- Checks a filter and copies it; raises what is wrong with it.
---@param query table  of a row in api.lua
---@param given table|nil
---@param paging string|nil  of the row
---@return table own  with the booleans `nothing`, `paged` and `selects`
---   added
function filter.read(query, given, paging)
  local is_whole = paging == "none"
  local own = read(query,
    fields(list_fields, query, is_whole and of_whole or of_pages), given)
  if not paging then check_cursor(own) end
  own.paged = own.paged and not is_whole
  return own
end

--- As filter.read, for a row that is no list in pages.
---@param query table
---@param given table|nil
---@return table own
function filter.read_plain(query, given)
  return read(query, fields(plain_fields, query), given)
end

--- As filter.read, for a count, which takes no limit, cursor or page_size.
---@param query table
---@param given table|nil
---@return table own
function filter.read_count(query, given)
  for name in pairs(type(given) == "table" and of_pages or {}) do
    if given[name] ~= nil then
      misuse.raise(name .. " does not go with count, which counts all")
    end
  end
  return filter.read_plain(query, given)
end

local all_of_them = { false }

--- The ids of `own` in groups of 100, in order; one group, false, without ids.
---@param own table
---@return (string[]|false)[]
function filter.groups(own)
  if not own.ids then return all_of_them end
  local groups = {}
  for i, id in ipairs(own.ids) do
    if i % filter.ids_at_once == 1 then groups[#groups + 1] = {} end
    local group = groups[#groups]
    group[#group + 1] = id
  end
  return groups
end

-- A query value, encoded. Commas stay; the service splits lists by them.
local function encode(value)
  if type(value) == "number" then return ("%d"):format(value) end
  if type(value) ~= "table" then return url.encode(value) end
  local parts = {}
  for i, item in ipairs(value) do parts[i] = url.encode(item) end
  return table.concat(parts, ",")
end

--- The target of one request; the order of its parameters never varies.
---@param query table  of a row in api.lua
---@param path string
---@param own table  from filter.read
---@param more { ids: string[]|false|nil, limit: integer|nil,
---   cursor: string|nil }  the values of this one request
---@return string
function filter.target(query, path, own, more)
  local parts = {}
  local function add(name, value)
    if value then parts[#parts + 1] = name .. "=" .. encode(value) end
  end
  for _, name in ipairs(query) do
    if name == "ids" then add(name, more.ids) else add(name, own[name]) end
  end
  add("limit", more.limit)
  add("cursor", more.cursor)
  for _, pair in ipairs(own.extra or {}) do add(pair[1], pair[2]) end
  if #parts == 0 then return path end
  return path .. "?" .. table.concat(parts, "&")
end

return filter
