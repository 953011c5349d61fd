-- SPDX-License-Identifier: MIT
-- What is done to texts in more than one place. Pure, and the same in every
-- locale.

local text = {}

--- Without the white space around it. In linear time, however much there is:
--- "%s+$" would look at each space for all that follow.
---@param given string
---@return string
function text.trim(given)
  -- By name, since what else %s is depends on the locale.
  return given:match "^[ \t-\r]*(.*)$":match "^(.*[^ \t-\r])" or ""
end

--- The first `most` bytes at most, but no part of a character.
---@param given string
---@param most integer
---@return string
function text.cut(given, most)
  if #given <= most then return given end
  return (given:sub(1, most):gsub("[\192-\255]?[\128-\191]*$", ""))
end

return text
