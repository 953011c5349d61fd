-- SPDX-License-Identifier: MIT
-- lipsync delete: by ids, or by a filter. Asks first; after Ctrl-C it begins no
-- more, waits for those under way and says how far it came.

local core = require "lipsync.core"
local checkpoint = require "lipsync.cli.checkpoint"
local ids = require "lipsync.cli.ids"
local list = require "lipsync.cli.list"
local output = require "lipsync.cli.output"
local screen = require "lipsync.cli.screen"
local selection = require "lipsync.cli.selection"
local status = require "lipsync.cli.status"
local terminal = require "lipsync.terminal"
local values = require "lipsync.cli.values"

-- "1 generation", "2 generations"
local function count_of(n)
  return ("%d generation%s"):format(n, n == 1 and "" or "s")
end

-- ---- What is to be deleted ----

-- Refuses what would delete more than a person may have meant.
local function check(given)
  local filter = selection.filter(given)
  local selects = selection.selects(filter)
  if #given.id > 0 then
    if selects or given.older_than or given.everything or given.limit then
      status.refuse "give ids or a filter, not both."
    end
    return
  end
  if selects or given.everything then return end
  status.refuse("nothing was deleted: without --status, --ids, --source or "
    .. "--project this would delete everything that has ended"
    .. (given.older_than and " and is that old" or "")
    .. ". --everything says that it is meant.")
end

-- Whether a generation of a listing is wanted. One that still runs cannot be
-- deleted, and of one without a readable time the age is not known.
local function is_wanted(given, generation)
  if not generation:is_terminal() then return false end
  if not given.older_than then return true end
  return (generation:created_at() or math.huge) < given.older_than
end

-- A listing for the filter, in pages, so that it may be read slowly.
local function listing(run, given)
  local filter = selection.filter(given)
  if not (filter.ids and #filter.ids > 100) then filter.page_size = 100 end
  return (run.try(function()
    return (run:client().generations:list(filter))
  end))
end

-- Calls `fn` with each generation that the filter finds.
local function each(run, given, fn)
  local found = 0
  for generation in listing(run, given) do
    if is_wanted(given, generation) then
      found = found + 1
      fn(generation)
      if found == given.limit then break end
    end
    run.screen:show(("looking  %d found"):format(found))
    run:check_interrupt()
  end
  run.screen:clear()
  return found
end

local function ids_of(run, given)
  if #given.id > 0 then return ids.read(given.id) end
  local found = {}
  each(run, given, function(generation) found[#found + 1] = generation.id end)
  return found
end

-- ---- Asking ----

local function ask(run, n, total)
  local text = total and total > n
    and ("Go on with %s of %d?"):format(count_of(n), total)
    or ("Delete %s?"):format(count_of(n))
  run.screen:clear()
  io.stderr:write(text, " There is no way back. [y/N] ")
  local answer = io.stdin:read "*l"
  run:check_interrupt()
  if answer and answer:find "^[yY]" then return end
  status.stop(status.usage, "nothing was deleted.")
end

-- ---- Deleting ----

-- Counts what came of each, shows it, and takes notes.
local function counting(run, noted, total)
  local tally = { deleted = 0, gone = 0, failed = 0, skipped = 0 }
  local first
  local function on_result(id, outcome, _, err, stop)
    if terminal.interrupted() then stop() end
    if outcome == "skipped" and terminal.interrupted() then return end
    tally[outcome] = tally[outcome] + 1
    if outcome == "failed" then
      first = first or err
      run:complain(err)
    elseif outcome ~= "skipped" and noted then
      noted:note(id)
    end
    run.screen:show(run.screen:bar("deleting",
      tally.deleted + tally.gone + tally.failed, total))
  end
  return tally, on_result, function() return first end
end

-- Writes the numbers.
local function write(run, tally)
  run.screen:clear()
  if run.given.json then
    output.write(core.encode(tally), "\n")
    return
  end
  local parts = { ("%d deleted"):format(tally.deleted) }
  for _, name in ipairs { "gone", "failed", "skipped" } do
    if tally[name] > 0 then
      parts[#parts + 1] = ("%d %s"):format(tally[name], name)
    end
  end
  output.write(table.concat(parts, ", "), "\n")
end

-- The status after all of it.
local function finish(run, tally, err, first)
  write(run, tally)
  local done = tally.deleted + tally.gone
  if terminal.interrupted() then
    run:say "lipsync: interrupted; what was under way was waited for."
    return status.interrupted
  elseif not err then
    return status.of_many(done, first)
  end
  run:complain(err)
  return done > 0 and status.partly or status.of(err)
end

-- Deletes the items: ids, or a listing, whose length is not known.
local function perform(run, given, items, noted, total)
  local tally, on_result, first = counting(run, noted, total)
  run.is_finishing = true
  local result, err = run.try(function()
    return run:client().generations:delete_many(items, {
      everything = given.everything, max = given.limit, on_result = on_result,
      when = function(item, stop)
        if terminal.interrupted() then
          stop()
          return false
        end
        return type(item) == "string" or is_wanted(given, item)
      end,
    })
  end)
  if noted then noted:close(result and tally.failed == 0
    and not terminal.interrupted()) end
  return finish(run, tally, err, first())
end

-- ---- The command ----

-- Shows what would be deleted.
local function rehearse(run, given)
  local write_row = output.writer(given, #given.id > 0 and { { "id" } }
    or output.generations, run.screen)
  local n = 0
  if #given.id > 0 then
    for _, id in ipairs(ids.read(given.id)) do
      write_row { id = id }
      n = n + 1
    end
  else
    n = each(run, given, function(generation)
      run.screen:clear()
      write_row(generation)
    end)
  end
  run:say(count_of(n) .. " would be deleted.")
end

-- The ids of a checkpoint that is there, or of a new one.
local function checkpointed(run, given)
  local what = #given.id > 0 and ids.read(given.id)
    or { filter = selection.filter(given), everything = given.everything,
         limit = given.limit, by_age = given.older_than ~= nil }
  local noted, left, total = checkpoint.open(given.checkpoint, run:client(),
    what)
  if not noted then
    left = ids_of(run, given)
    total = #left
  end
  if not given.yes and #left > 0 then ask(run, #left, total) end
  noted = noted or checkpoint.create(given.checkpoint, run:client(), what, left)
  return left, noted
end

local function delete(run, given)
  check(given)
  if given.dry_run then return rehearse(run, given) end
  if not given.yes and not screen.can_ask() then
    status.refuse("nothing was deleted: nobody can be asked here. --yes "
      .. "deletes without a question, --dry-run shows what would go.")
  end
  local items, noted
  if given.checkpoint then
    items, noted = checkpointed(run, given)
  elseif given.yes and #given.id == 0 then
    return perform(run, given, listing(run, given))
  else
    items = ids_of(run, given)
    if not given.yes and #items > 0 then ask(run, #items) end
  end
  given.limit = nil  -- they are chosen
  return perform(run, given, items, noted, #items)
end

return { {
  name = "delete", summary = "Delete generations",
  text = "By ids, or by a filter. Asks first, with their number. What still "
    .. "runs cannot be deleted. After Ctrl-C no more are begun, those under "
    .. "way are waited for, and the numbers are printed; a second Ctrl-C ends "
    .. "it at once.",
  arguments = { ids.argument "*" },
  options = list.join(selection.options, {
    { "--older-than", value = "TIME", read = values.time,
      help = "only what was made before this time: 30d, 12h, 2026-08-25" },
    { "--limit", value = "N", read = values.integer, help = "at most so many" },
    { "--everything", help = "delete all that has ended, without a filter" },
    { "-y --yes", help = "do not ask" },
    { "--dry-run", help = "show what would be deleted, and delete nothing" },
    { "--checkpoint", value = "FILE", read = values.text,
      help = "remember in a file how far it came, and go on from there" },
  }, list.formats),
  run = delete,
} }
