-- SPDX-License-Identifier: MIT
-- All commands, in the order of the manual, and the options of each of them. A
-- file with commands is loaded when one of them is asked for: to load all takes
-- longer than to list ten generations.

local groups = require "lipsync.cli.groups"
local values = require "lipsync.cli.values"

local commands = {
  text = "Lists, makes, downloads and deletes generations of the sync. API.",
  options = {
    { "--profile", value = "NAME", read = values.text,
      help = "take key and address from this section of the file of profiles" },
    { "--key-file", value = "FILE", read = values.text,
      help = 'read the API key from a file; "-" is standard input' },
    { "--base-url", value = "URL", read = values.text,
      help = "the address of the service, without /v2" },
    { "--timeout", value = "SECONDS", read = values.seconds,
      help = "how long a call may take, with its retries: 20, 90s, 5m" },
    { "--json", help = "write JSON, one object on a line, and errors as one" },
    { "-q --quiet", help = "do not show how far it is" },
    { "--version", help = "print the version and exit" },
  },
}

--- The command of that name; nil: there is none.
---@param name string
---@return lipsync.cli.Command|nil
function commands.named(name)
  local found = groups.place(name)
  return found and require("lipsync.cli." .. found.file)[found.at]
end

--- Those that a command line may mean: of the words that it has; all, where no
--- word names one.
---@param words string[]|nil  nil: all
---@return lipsync.cli.Command[]
function commands.among(words)
  local all, named, is_word = {}, {}, {}
  for _, word in ipairs(words or {}) do is_word[word] = true end
  for _, group in ipairs(groups.files) do
    for i = 2, #group do
      all[#all + 1] = group[i]
      if is_word[group[i]] then named[#named + 1] = group[i] end
    end
  end
  local rows = #named > 0 and named or all
  for i, name in ipairs(rows) do rows[i] = commands.named(name) end
  return rows
end

return commands
