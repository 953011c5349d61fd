-- SPDX-License-Identifier: MIT
--
-- In Tarantool: fibers list and count at the same time while another ticks.
-- Calls wait in any fiber, by Tarantool's own wait for a descriptor.
--
--   SYNC_API_KEY=… tarantool examples/tarantool/generations.lua [STATUS]

local fiber = require "fiber"
local socket = require "socket"
local lipsync = require "lipsync"

local client
client = lipsync.new {
  host = function(_, target, seconds)
    if target and target:ready() then return end
    seconds = math.min(seconds, client:timeout() or seconds)
    socket.iowait(client:fd(), "R", seconds)
    client:step()
  end,
}

local left, ticks = 2, 0

local function start(fn, ...)
  fiber.create(function(...)
    local ok, problem = pcall(fn, ...)
    if not ok then io.stderr:write(tostring(problem), "\n") end
    left = left - 1
  end, ...)
end

start(function(status)
  for generation in client.generations:list { status = status } do
    print(generation.id, generation.status)
  end
end, arg[1])

-- Others wait at the same time.
start(function()
  print(lipsync.assert(client.generations:count()) .. " in all")
end)

while left > 0 do
  fiber.sleep(0.01)
  ticks = ticks + 1
end
client:close()
print("the fiber ticked " .. ticks .. " times meanwhile")
os.exit(0)
