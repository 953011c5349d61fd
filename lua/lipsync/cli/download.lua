-- SPDX-License-Identifier: MIT
-- lipsync download: outputs of generations as files.

local ids = require "lipsync.cli.ids"
local lipsync = require "lipsync"
local output = require "lipsync.cli.output"
local status = require "lipsync.cli.status"
local values = require "lipsync.cli.values"

local again = "interrupted; what is there stays, and the same command goes on."

-- Writes a file that is there now.
local function write(run, id, result)
  run.screen:clear()
  if run.given.json then
    output.write(lipsync.encode { id = id, path = result.path,
      bytes = result.bytes, type = result.type, existing = result.existing },
      "\n")
  else
    output.write(result.path, "\n")
  end
  output.flush()
end

local function one(run, given, id)
  local screen = run.screen
  local result = run:protect(function()
    return run.check(run.try(function()
      return run:client().generations:download(id, given.output or ".", {
        if_exists = given.overwrite and "overwrite" or nil,
        on_progress = screen.shows and function(received, total)
          screen:show(screen:bar("download", received, total, "bytes"))
        end or nil,
      })
    end))
  end, again)
  write(run, id, result)
end

local function many(run, given, items, total)
  local done, first = 0, nil
  local tally, err, so_far = run:protect(function()
    return run.try(function()
      return run:client().generations:download_many(items, given.output or ".",
        { if_exists = given.overwrite and "overwrite" or nil,
          on_result = function(id, outcome, result, problem)
            done = done + 1
            if outcome == "failed" then
              first = first or problem
              run:complain(problem)
            elseif result then
              write(run, id, result)
            end
            run.screen:show(run.screen:bar("download", done, total), true)
          end })
    end)
  end, again)
  run.screen:clear()
  local counts = tally or so_far
  if err then run:complain(err) end
  return status.of_many(counts.downloaded + counts.existing, err or first)
end

local function download(run, given)
  if given.all_completed == (#given.id > 0) then
    status.refuse "give ids, or --all-completed."
  elseif given.all_completed then
    return many(run, given, (run:client().generations:list {
      status = "COMPLETED", page_size = 100 }))
  end
  local all = ids.read(given.id)
  if #all == 1 then return one(run, given, all[1]) end
  return many(run, given, all, #all)
end

return { {
  name = "download", summary = "Download what was made",
  text = "One generation to a file or into a folder, several into a folder "
    .. "that is there. Prints the paths. Begun again it goes on where it was; "
    .. "of several, files that are there are kept.",
  arguments = { ids.argument "*" },
  options = {
    { "-o --output", value = "PATH", read = values.text,
      help = "the folder, or of one generation the file (default: here)" },
    { "--all-completed", help = "all that are COMPLETED" },
    { "--overwrite", help = "replace files that are there" },
  },
  run = function(run, given)
    given.all_completed = given.all_completed or false
    return download(run, given)
  end,
} }
