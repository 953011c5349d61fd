-- SPDX-License-Identifier: MIT
-- lipsync completion and help: for those who type commands.

local output = require "lipsync.cli.output"
local status = require "lipsync.cli.status"

local shell = {}

-- The parser, which is made from all commands, these too.
local function parser(for_shells)
  return require("lipsync.cli.options").parser(nil, for_shells)
end

shell[1] = {
  name = "completion", summary = "Write what completes commands in a shell",
  text = "Where `make install` has not put it already: in bash, source "
    .. "<(lipsync completion bash).",
  arguments = { { "shell", choices = { "bash", "zsh", "fish" },
                  help = "bash, zsh or fish" } },
  run = function(_, given)
    local made = parser(true)
    output.write((made["get_" .. given.shell .. "_complete"](made)))
  end,
}

shell[2] = {
  name = "help", summary = "Show what there is",
  text = "All commands, or the options of one.",
  arguments = { { "topic", shown = "COMMAND", count = "?",
                  help = "a command" } },
  run = function(_, given)
    local made = parser()
    if not given.topic then
      output.write(made:get_help(), "\n")
      return
    end
    for _, command in ipairs(made._commands) do
      if command._name == given.topic then
        output.write(command:get_help(), "\n")
        return
      end
    end
    status.refuse(('there is no command "%s"; "lipsync help" lists them.')
      :format(given.topic))
  end,
}

return shell
