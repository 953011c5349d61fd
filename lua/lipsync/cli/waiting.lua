-- SPDX-License-Identifier: MIT
-- Waiting for generations with a bar, and what is said of those that did not
-- become a video.

local lipsync = require "lipsync"
local status = require "lipsync.cli.status"

local waiting = {}

local phases = { PENDING = "queued", PROCESSING = "rendering" }

--- The word for what a running generation does.
---@param name string  its status
---@return string
function waiting.phase(name)
  return phases[name] or name
end

--- What to say of a generation that has ended without a video; nil of others.
---@param generation lipsync.Generation
---@return string|nil
function waiting.problem(generation)
  if generation.status == "COMPLETED" then return nil end
  local why = generation.errorCode or "no error code"
  if generation.error then why = why .. ": " .. generation.error end
  return ("generation %s is %s: %s"):format(generation.id, generation.status,
    why)
end

-- How long to wait (seconds): as long as it takes, if nothing is said.
local function patience(run)
  return run.given.timeout or math.huge
end

--- Waits for one, and shows how far it is.
---@param run table
---@param id string|lipsync.Generation
---@return lipsync.Generation
function waiting.one(run, id)
  local screen, name = run.screen, "PENDING"
  local known = type(id) == "string" and id or id.id
  local options = { timeout = patience(run) }
  if screen.shows then
    screen:show("queued", true)
    function options.on_change(generation)
      name = generation.status
      screen:show(waiting.phase(name), true)
    end
    function options.on_progress(percent)
      screen:show(screen:bar(waiting.phase(name), percent, 100, "%"), true)
    end
  end
  local generation = run:protect(function()
    return run.check(run.try(function()
      return run:client().generations:wait(id, options)
    end))
  end, ("interrupted; generation %s goes on. To wait for it again: lipsync "
    .. "wait %s"):format(known, known))
  screen:clear()
  return generation
end

--- Waits for many.
---@param run table
---@param ids string[]
---@param on_end fun(generation: lipsync.Generation)  called for each
---@return integer status
function waiting.many(run, ids, on_end)
  local iterator = run.try(function()
    return (run:client().generations:wait_many(ids,
      { timeout = patience(run) }))
  end)
  local done, well, first = 0, 0, nil
  local function draw(now)
    run.screen:show(run.screen:bar("waiting", done, #ids), now)
  end
  draw(true)
  while true do
    local id, generation, err = iterator:next()
    if id == nil then
      run.check(err == nil or nil, err)
      break
    end
    done = done + 1
    run.screen:clear()
    local problem = generation and waiting.problem(generation) or err
    if generation then on_end(generation) end
    if problem then run:complain(problem, "generation") else well = well + 1 end
    first = first or problem
    draw(true)
  end
  run.screen:clear()
  if not first then return status.done end
  if well > 0 then return status.partly end
  return lipsync.is_error(first) and status.of(first) or status.refused
end

return waiting
