-- SPDX-License-Identifier: MIT
-- lipsync models and errors: what the service knows.

local list = require "lipsync.cli.list"
local output = require "lipsync.cli.output"
local status = require "lipsync.cli.status"

local catalog = {}

catalog[1] = {
  name = "models", summary = "List the models",
  text = "Those that generations can be made with.",
  options = list.formats,
  run = function(run, given)
    local write = output.writer(given, {
      { "id", width = 20 }, { "name", width = 24 }, { "type", width = 12 },
      { "version", width = 8 }, { "description" },
    }, run.screen)
    for _, model in ipairs(run.check(run:client().models:list())) do
      write(model)
    end
  end,
}

catalog[2] = {
  name = "errors", summary = "Explain the service's error codes",
  text = "All of them, or the one that is given. Needs no key.",
  arguments = { { "code", count = "?", help = "an error code" } },
  options = list.formats,
  run = function(run, given)
    local write = output.writer(given, {
      { "code", width = 36 }, { "message", width = 40 }, { "suggestion" },
    }, run.screen)
    local found = false
    for _, entry in ipairs(run.check(run:client(true).errors:list())) do
      if not given.code or entry.code == given.code then
        write(entry)
        found = true
      end
    end
    if not found then
      status.stop(status.refused, ('the service has no error code "%s".')
        :format(given.code or ""))
    end
  end,
}

return catalog
