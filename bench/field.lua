-- SPDX-License-Identifier: MIT
--
-- field FILE: reading a scalar field of a Generation again and again, beside
-- the cheapest __index there can be; nanoseconds each, without the loop's own.

local lipsync = require "lipsync"
local cheapest = require "bench_index"

local TIMES, ROUNDS = 200000, 15

local file = assert(io.open(arg[1], "rb"))
local text = file:read "*a"
file:close()
local generation = assert(lipsync.generation(text:match "^%[(%b{})"))

local function empty(object)
  local last
  for _ = 1, TIMES do last = object end
  return last
end

local function read(object)
  local last
  for _ = 1, TIMES do last = object.status end
  return last
end

local function time(what, object)
  local start = os.clock()
  assert(what(object))
  return (os.clock() - start) / TIMES * 1e9
end

-- The shortest of several each, in turn: those were disturbed least.
local loop, measure, field = math.huge, math.huge, math.huge
for _ = 1, ROUNDS do
  loop = math.min(loop, time(empty, cheapest))
  measure = math.min(measure, time(read, cheapest))
  field = math.min(field, time(read, generation))
end
measure, field = measure - loop, field - loop
io.write(("cheapest_ns %.2f\nns %.2f\nratio %.3f\n"):format(measure, field,
  field / measure))
