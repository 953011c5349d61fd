-- SPDX-License-Identifier: MIT
--
-- In GLib's main loop by lgi, as GTK and awesome have it: a listing streams
-- while a timer goes on ticking.
--
--   SYNC_API_KEY=… lua5.3 examples/glib/generations.lua [STATUS]

local GLib = require("lgi").GLib
local lipsync = require "lipsync"

local client = assert(lipsync.new())
local loop = GLib.MainLoop.new(nil, false)

-- Milliseconds, rounded up: a timer that is early would find nothing to do.
client:drive {
  watch = function(fd, fn)
    return GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, fd, GLib.IOCondition.IN,
      function() fn() return true end)
  end,
  unwatch = GLib.source_remove,
  after = function(seconds, fn)
    return GLib.timeout_add(GLib.PRIORITY_DEFAULT, math.ceil(seconds * 1000),
      function() fn() return false end)
  end,
  cancel = GLib.source_remove,
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

local ticks = 0
GLib.timeout_add(GLib.PRIORITY_DEFAULT, 10, function()
  ticks = ticks + 1
  if client:pending() == 0 then loop:quit() end
  return true
end)
loop:run()
client:close()
print("the timer ticked " .. ticks .. " times meanwhile")
