-- SPDX-License-Identifier: MIT
-- lipsync list, get and count.

local ids = require "lipsync.cli.ids"
local output = require "lipsync.cli.output"
local selection = require "lipsync.cli.selection"
local values = require "lipsync.cli.values"

local list = {}

local formats = {
  { "--csv", help = "write CSV" },
  { "--fields", value = "NAMES", read = values.words,
    help = "the members to write, in this order: id,status" },
}

--- Options for what is written, for commands that list.
list.formats = formats

local function join(...)
  local all = {}
  for _, rows in ipairs { ... } do
    for _, row in ipairs(rows) do all[#all + 1] = row end
  end
  return all
end
list.join = join

list[1] = {
  name = "list", summary = "List generations",
  text = "Without --limit they come in no order; with it, or with --since or "
    .. "--until, the newest comes first. In a pipe the columns are separated "
    .. "by tabs.",
  options = join(selection.options, {
    { "--limit", value = "N", read = values.integer,
      help = "at most so many" },
    { "--since", value = "TIME", read = values.time,
      help = "made after this time: 30d, 12h, 2026-08-25, or with the hour" },
    { "--until", value = "TIME", read = values.time,
      help = "made before this time" },
    { "--oldest-first", help = "read all of them first, and begin with the "
      .. "oldest" },
    { "--page-size", value = "N", read = values.page_size,
      help = "ask for pages of 1 to 100, which a broken connection does not "
      .. "end" },
  }, formats),
  run = function(run, given)
    selection.check_time(given)
    local write = output.writer(given, output.generations, run.screen)
    for generation in selection.each(run, given) do
      write(generation)
      run:check_interrupt()
    end
  end,
}

list[2] = {
  name = "get", summary = "Show generations, with all that is known of them",
  text = "In a pipe a tab separates name and value.",
  arguments = { ids.argument "+" },
  options = formats,
  run = function(run, given)
    local as_rows = given.json or given.csv or given.fields
    local write = as_rows
      and output.writer(given, output.generations, run.screen)
    for i, id in ipairs(ids.read(given.id)) do
      local generation = run.check(run:client().generations:get(id))
      if write then
        write(generation)
      else
        if i > 1 then output.write "\n" end
        output.record(generation, run.screen)
      end
    end
  end,
}

-- How many generations there are of each status, and of those that are not
-- documented.
local function by_status(run, given, filter)
  local write = output.writer(given, {
    { "status", width = 12 }, { "count", width = 10 } }, run.screen)
  local generations = run:client().generations
  local sum = 0
  local wanted = filter.status or values.statuses
  for _, name in ipairs(wanted) do
    filter.status = name
    local count = run.check(generations:count(filter))
    sum = sum + count
    write { status = name, count = count }
  end
  if wanted ~= values.statuses then return end
  filter.status = nil
  local all = run.check(generations:count(filter))
  if all > sum then write { status = "OTHER", count = all - sum } end
end

list[3] = {
  name = "count", summary = "Count generations",
  text = "Prints a number, or a line for each status.",
  options = join(selection.options, {
    { "--by", value = "WHAT", choices = { "status" },
      help = "a line for each of them: status" },
    formats[1],
  }),
  run = function(run, given)
    local filter = selection.filter(given)
    if given.by then return by_status(run, given, filter) end
    local count = run.check(run.try(function()
      return run:client().generations:count(filter)
    end))
    if given.json or given.csv then
      output.writer(given, { { "count" } }, run.screen) { count = count }
    else
      output.write(("%d"):format(count), "\n")
    end
  end,
}

return list
