-- SPDX-License-Identifier: MIT
-- How many columns of a terminal a text takes, and texts cut to fit. Knows the
-- scripts whose characters take two columns, and the marks that take none.
-- Pure; independent of the locale.

local texts = require "lipsync.base.text"

local width = {}

-- First and last code points, in order.
local none = { 0x300, 0x36f, 0x200b, 0x200f, 0xfe00, 0xfe0f }
local two = { 0x1100, 0x115f, 0x2e80, 0xa4cf, 0xac00, 0xd7a3, 0xf900, 0xfaff,
              0xfe30, 0xfe6f, 0xff00, 0xff60, 0xffe0, 0xffe6, 0x1f300, 0x1f64f,
              0x1f900, 0x1f9ff, 0x20000, 0x3fffd }

local function is_in(ranges, code)
  for i = 1, #ranges, 2 do
    if code < ranges[i] then return false end
    if code <= ranges[i + 1] then return true end
  end
  return false
end

-- The code point of one character in UTF-8.
local function code_of(character)
  local first = character:byte()
  local code = first < 0xe0 and first % 0x20 or first < 0xf0 and first % 0x10
    or first % 0x08
  for i = 2, #character do code = code * 64 + character:byte(i) % 64 end
  return code
end

local function columns_of(character)
  if #character < 2 then return 1 end
  local code = code_of(character)
  return is_in(none, code) and 0 or is_in(two, code) and 2 or 1
end

local one_character = "[%z\1-\127\192-\255][\128-\191]*"

--- The columns that a text without control characters takes.
---@param text string
---@return integer
function width.of(text)
  if not text:find "[\128-\255]" then return #text end
  local sum = 0
  for character in text:gmatch(one_character) do
    sum = sum + columns_of(character)
  end
  return sum
end

-- The beginning of a text that takes at most so many columns.
local function head(text, most)
  local sum, at = 0, 1
  while at <= #text do
    local character = text:match("^" .. one_character, at) or text:sub(at, at)
    sum = sum + columns_of(character)
    if sum > most then break end
    at = at + #character
  end
  return text:sub(1, at - 1)
end

--- A text of at most `most` columns; a longer one ends with "…".
---@param text string
---@param most integer
---@return string
function width.cut(text, most)
  if width.of(text) <= most then return text end
  return head(text, most - 1) .. "…"
end

--- A text of exactly so many columns.
---@param text string
---@param columns integer
---@return string
function width.fit(text, columns)
  local cut = width.cut(text, columns)
  return cut .. (" "):rep(columns - width.of(cut))
end

--- A text for one line of a terminal: without what would move its cursor.
---@param text string
---@return string
function width.plain(text)
  return (text:gsub("[" .. texts.control .. "]", " "):gsub("\194[\128-\159]",
    " "))
end

return width
