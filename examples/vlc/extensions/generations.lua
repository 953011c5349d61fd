-- SPDX-License-Identifier: MIT
--
-- An extension of VLC's window: View, "sync. generations" opens a list of the
-- newest generations, and what is chosen there plays.
--
-- Copy this file to ~/.local/share/vlc/lua/extensions/, and start VLC with the
-- key in SYNC_API_KEY.

local client, dialog, list
local shown = {}

function descriptor()
  return { title = "sync. generations", version = "1", author = "lipsync",
    capabilities = {} }
end

-- Fills the list. VLC asks after ten seconds whether to end the extension, so
-- a call is over before.
local function fill()
  local filter = { status = "COMPLETED", limit = 50 }
  local listing = client.generations:list(filter, { timeout = 8 })
  list:clear()
  shown = {}
  local generation, err = listing:next()
  while generation do
    if generation.outputUrl then
      shown[#shown + 1] = generation
      list:add_value(generation.outputFileName or generation.id, #shown)
    end
    generation, err = listing:next()
  end
  if err then list:add_value(tostring(err), 0) end
end

local function play()
  local items = {}
  for index in pairs(list:get_selection()) do
    local generation = shown[index]
    if generation then
      items[#items + 1] = { path = generation.outputUrl,
        title = generation.outputFileName or generation.id }
    end
  end
  if #items > 0 then vlc.playlist.add(items) end
end

-- Only here is there all of Lua, not yet where VLC reads what is above.
function activate()
  client = require "lipsync".new()
  dialog = vlc.dialog "sync. generations"
  list = dialog:add_list(1, 1, 2, 1)
  dialog:add_button("Play", play, 1, 2, 1, 1)
  dialog:add_button("Look again", fill, 2, 2, 1, 1)
  fill()
end

function deactivate()
  client:close()
end

-- The window was closed.
function close()
  vlc.deactivate()
end
