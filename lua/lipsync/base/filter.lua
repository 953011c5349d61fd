-- SPDX-License-Identifier: MIT
-- The filter of a listing: checked, copied, and turned into requests' targets.
-- A filter that is given must say something, else a loop over what was meant
-- to be nothing would delete everything. Pure.

local misuse = require "lipsync.base.misuse"
local trim = require "lipsync.base.text".trim
local url = require "lipsync.base.url"

local filter = {}

filter.ids_at_once = 100
filter.page_limit = 100  -- the most the service gives in one page

---@class lipsync.Filter
---@field status string|string[]|nil  PENDING, PROCESSING, COMPLETED, FAILED,
---   REJECTED; other words are sent as they are
---@field ids string|string[]|nil  made unique; 100 are asked for at once
---@field source string|string[]|nil  labels such as "api"
---@field projectId string|nil
---@field limit integer|nil  how many at most
---@field cursor string|nil  id of the last generation before; needs limit
---@field page_size integer|nil  1 to 100: page after page

-- One element of a list filter.
local function element(text, name)
  if type(text) ~= "string" then
    misuse.raise(("%s must hold strings, got %s"):format(name,
      misuse.show(text)))
  elseif text == "" then
    misuse.raise(name .. " holds an empty string")
  end
  return text
end

-- "A, B" as { "A", "B" }.
local function split(text, name)
  local items = {}
  if not text:find "%S" then misuse.raise(name .. " is an empty string") end
  for part in (text .. ","):gmatch "([^,]*)," do
    items[#items + 1] = element(trim(part), name)
  end
  return items
end

-- A string or an array as an array of its own.
local function list(value, name)
  if value == nil then return nil end
  if type(value) == "string" then return split(value, name) end
  if type(value) ~= "table" then
    misuse.raise(("%s must be a string or an array of strings, got %s")
      :format(name, misuse.show(value)))
  end
  local items, count = {}, 0
  for _ in pairs(value) do count = count + 1 end
  for i = 1, count do
    if value[i] == nil then
      misuse.raise(name .. " must be an array without holes or names")
    end
    items[i] = element(value[i], name)
    if items[i]:find(",", 1, true) then
      misuse.raise(('%s holds an element with a comma: %s'):format(name,
        misuse.show(items[i])))
    end
  end
  return items
end

local function text(value, name)
  if value == nil then return nil end
  if type(value) ~= "string" then
    misuse.raise(("%s must be a string, got %s"):format(name,
      misuse.show(value)))
  elseif value == "" then
    misuse.raise(name .. " is an empty string")
  end
  return value
end

local function number(value, name, most)
  if value == nil then return nil end
  if type(value) ~= "number" or value % 1 ~= 0 or value < 1
     or value > (most or 2 ^ 53) then
    misuse.raise(("%s must be a whole number %s, got %s"):format(name,
      most and "from 1 to " .. most or "of at least 1", misuse.show(value)))
  end
  return value
end

local function unique(items)
  if not items then return nil end
  local seen, kept = {}, {}
  for _, item in ipairs(items) do
    if not seen[item] then
      seen[item] = true
      kept[#kept + 1] = item
    end
  end
  return kept
end

local readers = {
  status = list,
  ids = function(value, name) return unique(list(value, name)) end,
  source = list,
  projectId = text,
  limit = number,
  cursor = text,
  page_size = function(value, name)
    return number(value, name, filter.page_limit)
  end,
}

-- What fits each by itself but not together.
local function check_together(own)
  if own.cursor and own.page_size then
    misuse.raise("cursor does not go with page_size, which keeps its own")
  elseif own.cursor and not own.limit then
    misuse.raise("cursor needs a limit from 1 to 100")
  elseif own.cursor and own.limit > filter.page_limit then
    misuse.raise("cursor needs a limit from 1 to 100: "
      .. "above, pages are fetched with cursors of their own")
  end
  if not own.ids or #own.ids <= filter.ids_at_once then return end
  for _, name in ipairs { "limit", "cursor", "page_size" } do
    if own[name] then
      misuse.raise(("%s does not go with more than %d ids, got %d")
        :format(name, filter.ids_at_once, #own.ids))
    end
  end
end

-- Empty arrays ask for nothing: no generation has one of no statuses.
local function asks_for_nothing(own)
  for _, name in ipairs { "status", "ids", "source" } do
    if own[name] and #own[name] == 0 then return true end
  end
  return false
end

--- Checks a filter and copies it; raises what is wrong with it.
---@param given lipsync.Filter|nil
---@return table own  with `nothing` (boolean) and `paged` (boolean) added
function filter.read(given)
  given = misuse.table(given, "filter")
  misuse.names(given, readers, "filter")
  local own = {}
  for name, value in pairs(given) do own[name] = readers[name](value, name) end
  check_together(own)
  own.nothing = asks_for_nothing(own)
  own.paged = own.page_size ~= nil
    or own.limit ~= nil and own.limit > filter.page_limit
  return own
end

--- As filter.read, for a count: what belongs to pages says nothing there.
---@param given lipsync.Filter|nil
---@return table own
function filter.read_count(given)
  given = misuse.table(given, "filter")
  for _, name in ipairs { "limit", "cursor", "page_size" } do
    if given[name] ~= nil then
      misuse.raise(name .. " does not go with count, which counts all")
    end
  end
  return filter.read(given)
end

--- The ids of `own` in groups of 100, in order; one group, nil, without ids.
---@param own table
---@return (string[]|false)[]
function filter.groups(own)
  if not own.ids then return { false } end
  local groups = {}
  for i, id in ipairs(own.ids) do
    if i % filter.ids_at_once == 1 then groups[#groups + 1] = {} end
    local group = groups[#groups]
    group[#group + 1] = id
  end
  return groups
end

local function joined(items)
  local parts = {}
  for i, item in ipairs(items) do parts[i] = url.encode(item) end
  return table.concat(parts, ",")
end

--- The target of one request, in an order that never varies.
---@param path string
---@param own table  from filter.read
---@param more { ids: string[]|false|nil, limit: integer|nil,
---   cursor: string|nil }  what this one request differs in
---@return string
function filter.target(path, own, more)
  local query = {}
  local function add(name, value)
    if value then query[#query + 1] = { name, value } end
  end
  add("status", own.status and joined(own.status))
  add("ids", more.ids and joined(more.ids))
  add("source", own.source and joined(own.source))
  add("projectId", own.projectId and url.encode(own.projectId))
  add("limit", more.limit and ("%d"):format(more.limit))
  add("cursor", more.cursor and url.encode(more.cursor))
  return url.with_query(path, query)
end

--- The statuses a listing was asked for, as a set; nil where any will do.
---@param own table
---@return table<string, true>|nil
function filter.statuses(own)
  if not own.status then return nil end
  local set = {}
  for _, status in ipairs(own.status) do set[status] = true end
  return set
end

return filter
