-- SPDX-License-Identifier: MIT
--
-- mpv: Ctrl+g opens a menu of the newest COMPLETED generations, which fills
-- while they arrive. Up and down choose, Enter plays, Escape closes. A
-- generation's outputUrl is signed and expires: if it cannot be played, it is
-- asked for again, once.
--
--   SYNC_API_KEY=… mpv --idle --force-window \
--     --script=examples/mpv/generations.lua

local mp = require "mp"
local lipsync = require "lipsync"

local client = assert(lipsync.new())
local overlay = mp.create_osd_overlay "ass-events"
local rows, selected = {}, 1
local reading  -- the task that fills the menu
local opened   -- what was given to mpv to play: { id, is_fresh }
local height = 14

-- Text that ASS, the language of mpv's overlays, would take for a command.
local function plain(text)
  return (tostring(text):gsub("\\", "\\\226\129\160"):gsub("{", "\\{"))
end

local function duration(seconds)
  return seconds and ("%d:%02d"):format(seconds / 60, seconds % 60) or ""
end

local function row(generation, is_selected)
  return ("{\\c&H%s&}%s  %-18s %5s  %s"):format(
    is_selected and "66D9FF" or "FFFFFF", generation.createdAt:sub(1, 10),
    plain(generation.model), duration(generation.outputDuration),
    plain(generation.outputFileName or generation.id))
end

-- A menu as high as the screen allows, around what is selected.
local function draw(title)
  local first = math.max(1, math.min(selected - math.floor(height / 2),
                                     #rows - height + 1))
  local lines = { "{\\an7\\pos(40,40)\\fs34\\b1}" .. plain(title)
    .. "{\\b0\\fs28\\fnmonospace}" }
  for i = first, math.min(#rows, first + height - 1) do
    lines[#lines + 1] = row(rows[i], i == selected)
  end
  overlay.res_x, overlay.res_y = 1280, 720
  overlay.data = table.concat(lines, "\\N")
  overlay:update()
end

local function title()
  return ("Generations: %d%s"):format(#rows,
    reading and not reading:is_over() and ", arriving" or "")
end

-- A task: mpv goes on playing while next() waits. Drawing each one would
-- be a waste, so it is done for each of the first and then each tenth.
local function read()
  local listing = client.generations:list { status = "COMPLETED",
                                            limit = 100 }
  local generation, err = listing:next()
  while generation do
    rows[#rows + 1] = generation
    if #rows <= height or #rows % 10 == 0 then draw(title()) end
    generation, err = listing:next()
  end
  draw(err and tostring(err) or "Generations: " .. #rows)
end

-- The address comes from outside: only what is on the web is played.
local function load(generation, is_fresh)
  local address = generation.outputUrl
  if not address or not address:match "^https?://" then
    return mp.osd_message "This generation has nothing to play."
  end
  opened = { id = generation.id, is_fresh = is_fresh }
  mp.commandv("loadfile", address)
end

-- A task.
local function ask_again(id)
  local generation, err = client.generations:get(id)
  if generation then return load(generation, true) end
  mp.osd_message(tostring(err), 5)
end

mp.register_event("end-file", function(event)
  local this = opened
  if event.reason ~= "error" or not this then return end
  opened = nil
  if not this.is_fresh then return client:spawn(ask_again, this.id) end
  mp.osd_message("Cannot play " .. this.id, 5)
end)

local keys

local function close()
  if reading then reading:cancel() end
  reading = nil
  for key in pairs(keys) do mp.remove_key_binding("generations-" .. key) end
  overlay:remove()
end

local function move(by)
  selected = math.max(1, math.min(#rows, selected + by))
  draw(title())
end

local function choose()
  local generation = rows[selected]
  if not generation then return end
  close()
  load(generation, false)
end

keys = {
  UP = function() move(-1) end, DOWN = function() move(1) end,
  ENTER = choose, ESC = close,
}

local function open()
  if reading then return close() end
  rows, selected = {}, 1
  for key, fn in pairs(keys) do
    mp.add_forced_key_binding(key, "generations-" .. key, fn,
      { repeatable = true })
  end
  reading = client:spawn(read)
  draw "Generations"
end

mp.add_key_binding("Ctrl+g", "generations", open)
mp.register_event("shutdown", function() client:close() end)
