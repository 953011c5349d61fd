-- SPDX-License-Identifier: MIT
--
-- A module of Prosody: logs how many generations there are, and each that
-- failed, while Prosody serves. Its loop makes the steps of the tasks.
--
-- Copy this file to a folder of plugin_paths, enable "generations" in
-- modules_enabled, and start Prosody with SYNC_API_KEY.

local server = require "net.server"
local timer = require "util.timer"
local lipsync = require "lipsync"

local client = lipsync.new()

-- Prosody runs no timer while a descriptor can be read, which the client's can
-- for as long as a listing streams. So after each event it is not watched until
-- the timers have had their turn.
client:drive {
  watch = function(fd, fn)
    local handle
    handle = server.watchfd(fd, function()
      handle:set(false)
      handle.rest = timer.add_task(0, function()
        handle:set(true)
        fn()
      end)
    end)
    return handle
  end,
  unwatch = function(handle)
    if handle.rest then timer.stop(handle.rest) end
    handle:close()
  end,
  after = timer.add_task,
  cancel = timer.stop,
}

client:spawn(function()
  for generation in client.generations:list { status = "FAILED" } do
    module:log("info", "%s failed: %s", generation.id, generation.error)
  end
  local n = lipsync.assert(client.generations:count())
  module:log("info", "%d generations", n)
end)

function module.unload()
  client:close()
end
