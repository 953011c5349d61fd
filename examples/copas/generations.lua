-- SPDX-License-Identifier: MIT
--
-- In copas: a listing streams while a server of the same program answers. One
-- thread of copas makes the steps; all that waits is in tasks.
--
--   SYNC_API_KEY=… lua5.4 examples/copas/generations.lua [STATUS]

local copas = require "copas"
local socket = require "socket"
local lipsync = require "lipsync"

local client = assert(lipsync.new())

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

-- The client as one of copas's sockets: what it receives are its steps. Only
-- one thread can watch a client.
local watched = {
  getfd = function() return client:fd() end,
  dirty = function() return false end,
}
function watched.receive()
  client:step()
  if client:pending() == 0 then return "the end" end
  return nil, "timeout"
end
copas.addthread(copas.receive, watched)

-- The program's own server, which answers meanwhile.
local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
local answers = 0
copas.addserver(server, function(peer)
  copas.send(peer, "hello\n")
  peer:close()
end)
copas.addthread(function()
  while client:pending() > 0 do
    local peer = socket.tcp()
    if copas.connect(peer, "127.0.0.1", port) and copas.receive(peer) then
      answers = answers + 1
    end
    peer:close()
  end
end)

-- What is due although nothing was received needs a step, too.
while client:pending() > 0 do
  copas.step(client:timeout() or 1)
  client:step()
end
client:close()
print("the server answered " .. answers .. " times meanwhile")
