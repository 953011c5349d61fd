-- SPDX-License-Identifier: MIT
--
-- A sidebar of VLC: the newest generations, each of which plays. It comes while
-- the list arrives.
--
-- Copy this file to ~/.local/share/vlc/lua/sd/, and start VLC with the key in
-- SYNC_API_KEY. The sidebar then is in its playlist, below Internet.

function descriptor()
  return { title = "sync. generations" }
end

function main()
  local client = require "lipsync".new()
  local filter = { status = "COMPLETED", limit = 100 }
  for generation in client.generations:list(filter) do
    if generation.outputUrl then
      vlc.sd.add_item { path = generation.outputUrl,
        title = generation.outputFileName or generation.id }
    end
  end
  client:close()
end
