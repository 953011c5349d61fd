-- SPDX-License-Identifier: MIT
-- Text functions used in more than one place. Pure; independent of the locale.

local text = {}

--- White space and control characters of ASCII, for sets in patterns: %s and %c
--- ask the locale, which may have more of them, inside of UTF-8 too.
text.space, text.control = " \t-\r", "%z\1-\31\127"

--- Trims white space in linear time. The pattern "%s+$" would be quadratic,
--- because it tries every run of spaces from each of its positions.
---@param given string
---@return string
function text.trim(given)
  -- Lists the characters, because %s depends on the locale.
  return given:match "^[ \t-\r]*(.*)$":match "^(.*[^ \t-\r])" or ""
end

--- The first `most` bytes, without a partial character at the end.
---@param given string
---@param most integer
---@return string
function text.cut(given, most)
  while most > 0 and given:find("^[\128-\191]", most + 1) do most = most - 1 end
  return given:sub(1, most)
end

--- The text with each `part` of it replaced. Both are taken as they are.
---@param given string
---@param part string  not empty
---@param by string
---@return string
function text.replace(given, part, by)
  local pieces, at = {}, 1
  while true do
    local from, to = given:find(part, at, true)
    if not from then break end
    pieces[#pieces + 1] = given:sub(at, from - 1) .. by
    at = to + 1
  end
  return at == 1 and given or table.concat(pieces) .. given:sub(at)
end

local small = {}
for byte = ("A"):byte(), ("Z"):byte() do
  small[string.char(byte)] = string.char(byte + 32)
end

--- With small letters, of ASCII only: string.lower asks the locale, and in
--- Turkish leaves the I.
---@param given string
---@return string
function text.lower(given)
  return (given:gsub("[A-Z]", small))
end

return text
