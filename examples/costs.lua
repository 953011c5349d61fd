-- SPDX-License-Identifier: MIT
--
-- costs [DAYS]: what the generations of the last days (7) have cost, as CSV, by
-- project. Money comes as text and is added up without rounding.

local lipsync = require "lipsync"

local days = tonumber(arg[1] or 7)
local client = lipsync.new()  -- all from the environment

-- Millionths of a dollar of an amount such as "1.250000".
local function millionths(amount)
  local whole, part = (amount or "0"):match "^(%d+)%.?(%d*)$"
  assert(whole, "this is no amount: " .. tostring(amount))
  return whole * 1000000 + tonumber((part .. "000000"):sub(1, 6))
end

local function dollars(n)
  return ("%.0f.%06.0f"):format((n - n % 1000000) / 1000000, n % 1000000)
end

local since = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() - days * 24 * 3600)
local costs, ids = {}, {}  -- by the ids of generations; these, in order
for record in client.usage:list { startTime = since } do
  local id = record.generationId
  ids[#ids + 1], costs[id] = id, millionths(record.knownSubtotalUsd)
end

-- The projects, by a hundred ids in each request. A generation that was deleted
-- is listed no more, but has cost what it has.
local project_of, by_project, names = {}, {}, {}
for generation in client.generations:list { ids = ids } do
  project_of[generation.id] = generation.projectId or "none"
end
for _, id in ipairs(ids) do
  local project = project_of[id] or "deleted"
  local sum = by_project[project]
  if not sum then
    sum = { count = 0, cost = 0 }
    by_project[project], names[#names + 1] = sum, project
  end
  sum.count, sum.cost = sum.count + 1, sum.cost + costs[id]
end

table.sort(names)
print "project,generations,usd"
for _, name in ipairs(names) do
  local sum = by_project[name]
  print(("%s,%d,%s"):format(name, sum.count, dollars(sum.cost)))
end
