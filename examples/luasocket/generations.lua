-- SPDX-License-Identifier: MIT
--
-- In a loop of luasocket's select: a listing streams while the loop goes on.
-- The client is one of the objects that select watches.
--
--   SYNC_API_KEY=… lua5.4 examples/luasocket/generations.lua [STATUS]

local socket = require "socket"
local lipsync = require "lipsync"

local client = assert(lipsync.new())

-- What select asks of an object: its descriptor, and whether it has read ahead.
local watched = {
  getfd = function() return client:fd() end,
  dirty = function() return false end,
}

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

local turns = 0
while client:pending() > 0 do
  -- Here are the program's own sockets, too.
  socket.select({ watched }, nil, math.min(client:timeout() or 1, 0.01))
  client:step()
  turns = turns + 1
end
client:close()
print("the loop turned " .. turns .. " times meanwhile")
