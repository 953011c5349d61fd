-- SPDX-License-Identifier: MIT
--
-- In an event loop of luv: a listing streams while a timer goes on ticking.
-- luv makes the steps; all that waits is in tasks.
--
--   SYNC_API_KEY=… lua5.4 examples/luv/generations.lua [STATUS]

local uv = require "luv"
local lipsync = require "lipsync"

local client = assert(lipsync.new())
local ticks = 0

local clock = uv.new_timer()
clock:start(10, 10, function() ticks = ticks + 1 end)

client:spawn(function(status)
  local listing = client.generations:list { status = status }
  local generation, err = listing:next()
  while generation do
    print(generation.id, generation.status)
    generation, err = listing:next()
  end
  if err then io.stderr:write(tostring(err), "\n") end
end, arg[1])

-- Others wait at the same time.
client:spawn(function()
  local n, err = client.generations:count()
  print(n and n .. " in all" or tostring(err))
end)

-- The loop ends when the tasks have ended: the timer does not keep it alive.
clock:unref()
uv.run()
clock:close()
uv.run()  -- luv gives closed handles back in the next turn, or crashes at exit
client:close()
print("the timer ticked " .. ticks .. " times meanwhile")
