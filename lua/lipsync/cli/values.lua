-- SPDX-License-Identifier: MIT
-- What the values of options may be. Each reader takes the text and returns the
-- value, or nil and what is wrong with it.

local core = require "lipsync.core"
local misuse = require "lipsync.base.misuse"
local texts = require "lipsync.base.text"
local time = require "lipsync.base.time"

local values = {}

local seconds_in = { s = 1, m = 60, h = 3600, d = 86400, w = 7 * 86400 }

--- The statuses that are documented, in the order of a generation's life.
values.statuses = { "PENDING", "PROCESSING", "COMPLETED", "FAILED", "REJECTED" }

--- A text that is not empty.
function values.text(given)
  if given == "" then return nil, "an empty text says nothing" end
  return given
end

--- A whole number of at least 1.
function values.integer(given)
  local n = given:match "^%d+$" and tonumber(given)
  if not n or n < 1 or n > 2 ^ 53 then
    return nil, ('"%s" is no whole number of at least 1'):format(given)
  end
  return n
end

-- A reader of whole numbers from 1 to `most`.
local function up_to(most, noun)
  return function(given)
    local n = given:match "^%d+$" and tonumber(given)
    if n and n >= 1 and n <= most then return n end
    return nil, ('"%s" is no %s from 1 to %d'):format(given, noun, most)
  end
end

values.port = up_to(65535, "port")

--- How many generations the service puts on a page.
values.page_size = up_to(100, "whole number")

--- A number of seconds above 0, also as "90s", "5m", "2h".
function values.seconds(given)
  local n, unit = given:match "^(%d+)([smhdw]?)$"
  n = tonumber(n)
  if not n or n < 1 then
    return nil, ('"%s" is no number of seconds, and nothing like 90s, 5m or 2h')
      :format(given)
  end
  return n * (seconds_in[unit] or 1)
end

--- A point in time: how long ago it was, or when, as ISO 8601.
---@return number|nil  seconds since 1970 UTC
function values.time(given)
  local n, unit = given:match "^(%d+)([smhdw])$"
  if n then return core.time() - tonumber(n) * seconds_in[unit] end
  local at = time.parse(given) or time.parse(given .. "T00:00:00Z")
  if at then return at end
  return nil, ('"%s" is no time such as 30d, 12h, 2026-08-25 or '
    .. "2026-08-25T10:00:00Z"):format(given)
end

-- "A, B" as an array of words.
local function split(given)
  local words = {}
  for word in given:gmatch "[^,]+" do
    word = texts.trim(word)
    if word ~= "" then words[#words + 1] = word end
  end
  return words
end

--- Words, separated by commas.
---@return string[]|nil
function values.words(given)
  local words = split(given)
  if #words == 0 then return nil, "an empty list says nothing" end
  return words
end

local is_status = {}
for _, name in ipairs(values.statuses) do is_status[name] = true end

local function upper(given)
  return (given:gsub("[a-z]", function(letter)
    return string.char(letter:byte() - 32)
  end))
end

--- Statuses, in any case. One that is not documented is refused, because a
--- misspelt one finds nothing.
---@return string[]|nil
function values.status(given)
  local words = split(upper(given))
  for _, word in ipairs(words) do
    if not is_status[word] then
      local near = misuse.nearest(word, values.statuses)
      return nil, ('there is no status "%s"; %s'):format(word,
        near and ("did you mean %s?"):format(near)
          or "known are " .. table.concat(values.statuses, ", "))
    end
  end
  if #words == 0 then return nil, "an empty list says nothing" end
  return words
end

-- The JSON value in a text, else the text itself.
local function json_or_text(text)
  local value = core.decode(text)
  if value == nil or value == core.null then return text end
  return value
end

--- "name=value" or "outer.inner=value", where a value that is JSON is read as
--- such.
---@return { path: string[], value: any }|nil
function values.pair(given)
  local name, value = given:match "^([^=]+)=(.*)$"
  if not name then
    return nil, ('"%s" is not like name=value'):format(given)
  end
  local path = {}
  for part in name:gmatch "[^.]+" do path[#path + 1] = part end
  if #path == 0 then return nil, ('"%s" has no name'):format(given) end
  return { path = path, value = json_or_text(value) }
end

--- Joins the lists of an option that was given several times.
---@param lists string[][]|nil
---@return string[]|nil  nil if it was not given
function values.join(lists)
  if not lists or #lists == 0 then return nil end
  local all = {}
  for _, list in ipairs(lists) do
    for _, word in ipairs(list) do all[#all + 1] = word end
  end
  return all
end

return values
