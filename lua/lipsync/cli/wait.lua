-- SPDX-License-Identifier: MIT
-- lipsync wait and watch.

local core = require "lipsync.core"
local errors = require "lipsync.error"
local ids = require "lipsync.cli.ids"
local list = require "lipsync.cli.list"
local output = require "lipsync.cli.output"
local status = require "lipsync.cli.status"
local waiting = require "lipsync.cli.waiting"
local values = require "lipsync.cli.values"

local wait = {}

wait[1] = {
  name = "wait", summary = "Wait until generations have ended",
  text = "Writes each when it has ended. Waits as long as it takes, or as "
    .. "--timeout says.",
  arguments = { ids.argument "+" }, options = list.formats,
  run = function(run, given)
    local write_row = output.writer(given, output.generations, run.screen)
    local function write(generation)
      write_row(generation)
      output.flush()
    end
    local all = ids.read(given.id)
    if #all > 1 then return waiting.many(run, all, write) end
    local generation = waiting.one(run, all[1])
    write(generation)
    local problem = waiting.problem(generation)
    if not problem then return status.done end
    run:complain(problem, "generation")
    return status.refused
  end,
}

-- ---- Watching ----

local running = { "PENDING", "PROCESSING" }

-- How many are asked for their percent in each round.
local most_asked = 8

-- What has been rendered (percent) of those that are on the screen, by id.
local function percents(run, generations)
  local found = {}
  for i = 1, math.min(#generations, most_asked) do
    local id = generations[i].id
    local response = generations[i].status == "PROCESSING"
      and run:client():request("GET", "/v2/generate/" .. id,
        { query = { include = "progress" }, max_attempts = 1 })
    local body = response and response.body
    found[id] = type(body) == "table" and tonumber(body.progress_percent) or nil
  end
  return found
end

-- One as a row of the table.
local function row_of(generation, percent)
  local made = generation:created_at()
  local age = made and math.max(0, math.floor(core.time() - made))
  return { id = generation.id, status = generation.status,
           progress = percent and ("%d%%"):format(math.floor(percent)),
           since = age and ("%d:%02d"):format(math.floor(age / 60), age % 60),
           model = generation.model, name = generation.outputFileName }
end

local columns = { { "id", width = 36 }, { "status", width = 10, least = 10 },
                  { "progress", width = 8 }, { "since", width = 8 },
                  { "model", width = 18 }, { "name" } }

-- Draws the rows over those of the last round.
local function draw(run, generations)
  local screen = run.screen
  local of, rows = percents(run, generations), screen:rows()
  screen:rewind()
  local write = output.writer(run.given, columns, screen)
  for i, generation in ipairs(generations) do
    if i > rows - 2 then
      output.write(("… and %d more\n"):format(#generations - i + 1))
      break
    end
    write(row_of(generation, of[generation.id]))
  end
  screen:mark(math.min(#generations + 1, rows))
  output.flush()
end

-- Writes those that run no more, each once; of one that was deleted, nothing.
local function write_ended(run, seen, generations, write)
  local now, ended = {}, {}
  for _, generation in ipairs(generations) do now[generation.id] = true end
  for id in pairs(seen) do
    if not now[id] then ended[#ended + 1] = id end
  end
  table.sort(ended)
  for _, id in ipairs(ended) do
    local generation, err = run:client().generations:get(id)
    seen[id] = nil
    if generation then
      write(generation)
    elseif err.statusCode ~= 404 or not errors.is_from_service(err) then
      run.screen:rewind()
      output.flush()
      run:complain(err)
    end
  end
end

wait[2] = {
  name = "watch", summary = "Show what is running until nothing is",
  text = "On a terminal a table that is drawn anew; in a pipe a line for each "
    .. "change.",
  options = list.join({
    { "--interval", value = "SECONDS", read = values.seconds,
      help = "how often to look (default: 2)" },
  }, list.formats),
  run = function(run, given)
    local in_place = run.screen.moves and not given.json and not given.csv
      and not given.fields
    local write_row = output.writer(given, output.generations, run.screen)
    local seen = {}
    local function write(generation)
      if in_place then run.screen:rewind() end
      write_row(generation)
      output.flush()
    end
    while true do
      local generations = run.check(run:client().generations:all {
        status = running })
      write_ended(run, seen, generations, write)
      for _, generation in ipairs(generations) do
        local is_new = seen[generation.id] ~= generation.status
        seen[generation.id] = generation.status
        if is_new and not in_place then write(generation) end
      end
      if #generations == 0 then break end
      if in_place then draw(run, generations) end
      run.check(run:client():sleep(given.interval or 2))
    end
    if in_place then run.screen:rewind() end
  end,
}

return wait
