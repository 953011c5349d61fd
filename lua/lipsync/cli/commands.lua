-- SPDX-License-Identifier: MIT
-- All commands, in the order of the manual, and the options of each of them.

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
  list = {}, by_name = {},
}

local groups = { "list", "create", "wait", "download", "delete", "assets",
                 "catalog", "request", "webhook", "shell" }

for _, group in ipairs(groups) do
  for _, command in ipairs(require("lipsync.cli." .. group)) do
    table.insert(commands.list, command)
    commands.by_name[command.name] = command
  end
end

return commands
