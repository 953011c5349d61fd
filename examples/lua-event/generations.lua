-- SPDX-License-Identifier: MIT
--
-- In libevent's loop by lua-event: a listing streams while a timer goes on
-- ticking.
--
--   SYNC_API_KEY=… lua5.4 examples/lua-event/generations.lua [STATUS]

local event = require "luaevent"
local lipsync = require "lipsync"

local client = assert(lipsync.new())
local base = event.core.new()

-- A callback returns what to wait for next; event.core.LEAVE ends it. It keeps
-- its own event: lua-event crashes if that is collected while it calls.
client:drive {
  watch = function(fd, fn)
    return base:addevent(fd, event.core.EV_READ, function()
      fn()
      return event.core.EV_READ
    end)
  end,
  unwatch = function(handle) handle:close() end,
  after = function(seconds, fn)
    local handle
    handle = base:addevent(nil, event.core.EV_TIMEOUT, function()
      fn()
      return handle and event.core.LEAVE
    end, math.max(seconds, 0.001))
    return handle
  end,
  cancel = function(handle) handle:close() end,
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

-- An event that nobody keeps is collected, and then it is over.
local ticks = 0
local ticker = base:addevent(nil, event.core.EV_TIMEOUT, function()
  ticks = ticks + 1
  if client:pending() == 0 then return event.core.LEAVE end
  return event.core.EV_TIMEOUT, 0.01
end, 0.01)
base:loop()
ticker:close()
client:close()
print("the timer ticked " .. ticks .. " times meanwhile")
