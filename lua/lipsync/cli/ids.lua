-- SPDX-License-Identifier: MIT
-- Ids of the command line, or of standard input: what `lipsync list --fields
-- id` writes.

local status = require "lipsync.cli.status"
local texts = require "lipsync.base.text"

local ids = {}

--- The argument for commands that take ids.
---@param count string  "+" or "*"
---@return lipsync.cli.Argument
function ids.argument(count)
  return { "id", count = count,
           help = 'of a generation; "-" reads them from standard input, one '
           .. "on each line" }
end

local function read_input(into)
  for line in io.stdin:lines() do
    local id = texts.trim(line)
    if id ~= "" then into[#into + 1] = id end
  end
  if #into == 0 then status.refuse "standard input has no ids." end
end

--- The ids that were given, each once.
---@param given string[]
---@return string[]
function ids.read(given)
  local all = {}
  for _, id in ipairs(given) do
    if id == "-" then
      read_input(all)
    elseif id == "" then
      status.refuse "an id is empty."
    else
      all[#all + 1] = id
    end
  end
  local seen, once = {}, {}
  for _, id in ipairs(all) do
    if not seen[id] then once[#once + 1] = id end
    seen[id] = true
  end
  return once
end

return ids
