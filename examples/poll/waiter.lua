-- SPDX-License-Identifier: MIT
--
-- A loop of one's own. A client has one descriptor to watch (client:fd), a
-- time at which to come back (client:timeout) and something to do then
-- (client:step): that is all a loop has to know. Here it is poll(2), through
-- luaposix (Debian: lua-posix), with a pipe as the program's own descriptor.
--
--   SYNC_API_KEY=… lua5.3 examples/poll/waiter.lua

local lipsync = require "lipsync"
local posix = require "posix"

-- What the program itself watches: here a line written to the pipe.
local reader, writer = posix.pipe()
posix.write(writer, "hello\n")
local seen = 0

-- Waits until one of the two has something, at most so many seconds, and
-- gives each its turn.
local function turn(client, seconds)
  local fds = { [reader] = { events = { IN = true } } }
  local fd = client:fd()
  if fd then fds[fd] = { events = { IN = true } } end
  local due = math.min(client:timeout() or seconds, seconds)
  posix.poll(fds, math.ceil(due * 1000))
  local events = fds[reader].revents
  if events and events.IN then
    seen = seen + #posix.read(reader, 512)
  end
  client:step()
end

-- 1. A loop that moves tasks on until none is left.
local client = assert(lipsync.new())
for _, status in ipairs { "COMPLETED", "FAILED", "REJECTED" } do
  client:spawn(function()
    local n, err = client.generations:count { status = status }
    print(status, n or tostring(err))
  end)
end
while client:pending() > 0 do turn(client, 1) end
client:close()

-- 2. A waiter of one's own, for calls outside of tasks. It gets what to wait
-- for (nil: nothing, a sleep) and for how long at most. It may return early,
-- because its caller checks again.
client = assert(lipsync.new {
  host = function(_, target, seconds)
    if not (target and target:ready()) then turn(client, seconds) end
  end,
})
local n, err = client.generations:count()
print(n and n .. " in all" or tostring(err))
client:close()

print(seen .. " bytes of its own meanwhile")
