-- SPDX-License-Identifier: MIT
-- The files with commands, and the names of those in each. Apart from their
-- descriptions, because main looks here before anything else is loaded.

local groups = {}

--- The files, and the names of the commands in each, in the order of the
--- manual.
groups.files = {
  { "list", "list", "get", "count" }, { "create", "create" },
  { "wait", "wait", "watch" }, { "download", "download" },
  { "delete", "delete" }, { "assets", "upload", "assets" },
  { "catalog", "models", "errors" }, { "request", "request" },
  { "webhook", "webhook" }, { "shell", "completion", "help" },
}

-- Files whose commands make no client.
local is_local = { webhook = true, shell = true }

local place = {}
for _, group in ipairs(groups.files) do
  for i = 2, #group do place[group[i]] = { file = group[1], at = i - 1 } end
end

--- Where a command is described: a file, and its place there; nil: nowhere.
---@param name string
---@return { file: string, at: integer }|nil
function groups.place(name)
  return place[name]
end

--- Whether a command line will most likely need a client.
---@param words string[]
---@return boolean
function groups.needs_service(words)
  for _, word in ipairs(words) do
    if place[word] then return not is_local[place[word].file] end
  end
  return false
end

return groups
