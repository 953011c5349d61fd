-- SPDX-License-Identifier: MIT
--
-- An interface of VLC without a window: plays the newest generations one after
-- the other, and whatever completes later.
--
-- Copy this file to ~/.local/share/vlc/lua/intf/, and run
--
--   SYNC_API_KEY=… vlc --intf luaintf --lua-intf generations

local client = require "lipsync".new()
local seen = {}

-- Enqueues what was not there before, the oldest first.
local function look()
  local fresh = {}
  local filter = { status = "COMPLETED", limit = 20 }
  for generation in client.generations:list(filter) do
    if generation.outputUrl and not seen[generation.id] then
      seen[generation.id] = true
      table.insert(fresh, 1, { path = generation.outputUrl,
        title = generation.outputFileName or generation.id })
    end
  end
  if #fresh > 0 then vlc.playlist.enqueue(fresh) end
  vlc.msg.info(#fresh .. " new generations")
end

-- A wait ends with an error when VLC ends, and so does this script.
while true do
  local ok, problem = pcall(look)
  if not ok then vlc.msg.err(tostring(problem)) end
  client:sleep(10)
end
