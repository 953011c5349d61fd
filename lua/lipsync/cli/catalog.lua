-- SPDX-License-Identifier: MIT
-- lipsync models and errors: what the service knows.

local list = require "lipsync.cli.list"
local misuse = require "lipsync.base.misuse"
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

local columns = { { "code", width = 36 }, { "message", width = 40 },
                  { "suggestion" } }

local members = { "code", "message", "suggestion", "scope", "retryable" }

-- The entry of a code. Ends the command where there is none.
local function find(code, entries)
  local known = {}
  for i, entry in ipairs(entries) do
    if entry.code == code then return entry end
    known[i] = entry.code
  end
  local near = misuse.nearest(code, known)
  status.stop(status.refused, ('the service has no error code "%s"%s'):format(
    code, near and ('; did you mean "%s"?'):format(near) or "."))
end

catalog[2] = {
  name = "errors", summary = "Explain the service's error codes",
  text = "All of them in a table, or all that is known of the one that is "
    .. "given. Needs no key.",
  arguments = { { "code", count = "?", help = "an error code" } },
  options = list.formats,
  run = function(run, given)
    local entries = run.check(run:client(true).errors:list())
    if given.code then entries = { find(given.code, entries) } end
    if given.code and not (given.json or given.csv or given.fields) then
      output.record(entries[1], run.screen, members)
      return
    end
    local write = output.writer(given, columns, run.screen)
    for _, entry in ipairs(entries) do write(entry) end
  end,
}

return catalog
