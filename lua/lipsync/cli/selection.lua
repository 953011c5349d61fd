-- SPDX-License-Identifier: MIT
-- Which generations a command is about: the filter of the service, and what it
-- has none for, the time at which they were made.

local status = require "lipsync.cli.status"
local values = require "lipsync.cli.values"

local selection = {}

--- The options that make a filter.
selection.options = {
  { "--status", value = "STATUS", read = values.status, many = true,
    offers = values.statuses,
    help = "with this status: PENDING, PROCESSING, COMPLETED, FAILED or "
    .. "REJECTED; several are separated by commas" },
  { "--ids", value = "IDS", read = values.words, many = true,
    help = "these ids, separated by commas" },
  { "--source", value = "NAMES", read = values.words, many = true,
    help = "made by these, such as api" },
  { "--project", value = "ID", read = values.text, help = "of this project" },
}

--- The filter for a call of the library.
---@param given table
---@return table
function selection.filter(given)
  return { status = values.join(given.status), ids = values.join(given.ids),
           source = values.join(given.source), projectId = given.project }
end

--- Whether it leaves anything out by itself.
---@param filter table
---@return boolean
function selection.selects(filter)
  return next(filter) ~= nil
end

-- A listing. One by time comes in pages, because only pages have an order, and
-- so do more ids than fit into one request.
local function listing(run, given, in_pages)
  local filter = selection.filter(given)
  local many_ids = filter.ids and #filter.ids > 100
  if not in_pages then filter.limit = given.limit end
  filter.page_size = given.page_size
    or in_pages and not many_ids and 100 or nil
  return (run.try(function()
    return (run:client().generations:list(filter))
  end))
end

--- Refuses a time in which nothing can have been made.
---@param given table  `since` and `until` (seconds since 1970)
function selection.check_time(given)
  if given.since and given["until"] and given.since >= given["until"] then
    status.refuse("--since must be before --until: nothing was made between "
      .. "them.")
  end
end

--- Whether a generation was made in the time that is asked for. One whose time
--- cannot be read never was.
---@param given table  `since` and `until` (seconds since 1970)
---@param generation lipsync.Generation
---@return boolean is_in
---@return boolean is_older  than all that are asked for
function selection.is_in_time(given, generation)
  local from, to = given.since, given["until"]
  if not from and not to then return true, false end
  local at = generation:created_at()
  if not at then return false, false end
  local is_older = from ~= nil and at < from
  return not is_older and (not to or at < to), is_older
end

-- Whether a listing, which begins with the newest, has come to what is older
-- than all that are asked for. By ids it has no order.
local function is_past(given, is_older)
  return is_older and values.join(given.ids) == nil
end

-- All of them, the oldest first. Where two are of the same time, and where
-- there is none, the order of the service is turned around.
local function oldest_first(run, given)
  local found = {}
  for generation in listing(run, given, true) do
    local is_in, is_older = selection.is_in_time(given, generation)
    if is_in then found[#found + 1] = generation end
    if is_past(given, is_older) then break end
    run:check_interrupt()
  end
  local at = #found + 1
  return function()
    at = at - 1
    return found[at]
  end
end

-- As they come, from the newest on if only some are asked for.
local function as_they_come(run, given)
  local by_time = given.since or given["until"]
  local from = listing(run, given, by_time ~= nil)
  if not by_time then return from end
  return function()
    for generation in from do
      local is_in, is_older = selection.is_in_time(given, generation)
      if is_in then return generation end
      if is_past(given, is_older) then return nil end
    end
    return nil
  end
end

--- An iterator over the generations that are asked for.
---@param run table
---@param given table  the options of `list`
---@return fun(): lipsync.Generation|nil
function selection.each(run, given)
  local next_one = given.oldest_first and oldest_first(run, given)
    or as_they_come(run, given)
  if not given.limit then return next_one end
  local left = given.limit
  return function()
    if left == 0 then return nil end
    left = left - 1
    return next_one()
  end
end

return selection
