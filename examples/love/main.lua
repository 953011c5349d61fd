-- SPDX-License-Identifier: MIT
--
-- LÖVE: a list that can be scrolled while it arrives, at full frame rate.
-- Arrows, page keys and the wheel move; delete and then y deletes; escape
-- quits, at any moment.
--
--   SYNC_API_KEY=… love examples/love

local lipsync = require "lipsync"

local client = assert(lipsync.new())
local listing = client.generations:list()
local rows = {}        -- generations, as they arrive
local selected, top = 1, 1
local total, finished  -- how many there are; whether all have arrived
local message, asking  -- the last error; the generation to be deleted

local row_height, header, footer = 24, 56, 32
local colours = {
  COMPLETED = { 0.45, 0.85, 0.5 }, FAILED = { 1, 0.45, 0.4 },
  REJECTED = { 1, 0.45, 0.4 }, PENDING = { 0.95, 0.8, 0.4 },
  PROCESSING = { 0.95, 0.8, 0.4 },
}

-- Tasks: they wait as if nothing else happened, and the frames go on.
local function read()
  local generation, err = listing:next()
  while generation do
    rows[#rows + 1] = generation
    generation, err = listing:next()
  end
  finished, message = true, err and tostring(err)
end

local function count()
  local err
  total, err = client.generations:count()
  if err then message = tostring(err) end
end

local function delete(generation)
  local _, err = generation:delete()
  if err then
    message = tostring(err)
    return
  end
  for i, each in ipairs(rows) do
    if each.id == generation.id then
      table.remove(rows, i)
      break
    end
  end
  selected = math.max(1, math.min(selected, #rows))
end

function love.load()
  love.graphics.setFont(love.graphics.newFont(14))
  love.graphics.setBackgroundColor(0.09, 0.1, 0.13)
  love.keyboard.setKeyRepeat(true)
  client:spawn(count)
  client:spawn(read)
end

-- The one line that the game's loop needs: at most 2 ms of each frame.
function love.update()
  client:step(0.002)
end

local function visible()
  local room = love.graphics.getHeight() - header - footer
  return math.max(1, math.floor(room / row_height))
end

local function move(by)
  selected = math.max(1, math.min(#rows, selected + by))
  if selected < top then top = selected end
  if selected >= top + visible() then top = selected - visible() + 1 end
end

local function draw_progress(width)
  local done = total and listing.delivered / math.max(total,
    listing.delivered, 1) or 0
  love.graphics.setColor(0.2, 0.22, 0.28)
  love.graphics.rectangle("fill", 16, 36, width - 32, 8, 4)
  love.graphics.setColor(0.35, 0.6, 1)
  love.graphics.rectangle("fill", 16, 36, (width - 32) * done, 8, 4)
  love.graphics.setColor(1, 1, 1)
  love.graphics.print(("%d of %s generations%s"):format(listing.delivered,
    total or "…", finished and "" or ", arriving"), 16, 12)
  love.graphics.printf(("%.1f MB   %d frames a second"):format(
    listing.bytes / 1e6, love.timer.getFPS()), 0, 12, width - 16, "right")
end

local function draw_row(generation, y, is_selected, width)
  if is_selected then
    love.graphics.setColor(0.2, 0.26, 0.38)
    love.graphics.rectangle("fill", 8, y, width - 16, row_height, 4)
  end
  love.graphics.setColor(0.65, 0.68, 0.75)
  love.graphics.print(generation.id, 16, y + 3)
  love.graphics.print(generation.createdAt:sub(1, 16), 450, y + 3)
  love.graphics.setColor(colours[generation.status] or { 1, 1, 1 })
  love.graphics.print(generation.status, 335, y + 3)
  love.graphics.setColor(1, 1, 1)
  love.graphics.print(generation.errorCode or generation.outputFileName
    or generation.model, 595, y + 3)
end

local function draw_footer(width, y)
  local text = "up, down: choose   delete: delete   escape: quit"
  if asking then
    text = "Delete " .. asking.id .. "?   y: yes, any other key: no"
  elseif message then
    text = message
  end
  love.graphics.setColor(message and not asking and { 1, 0.45, 0.4 }
    or { 0.65, 0.68, 0.75 })
  love.graphics.printf(text, 16, y + 7, width - 32)
end

function love.draw()
  local width, height = love.graphics.getDimensions()
  draw_progress(width)
  for i = top, math.min(#rows, top + visible() - 1) do
    draw_row(rows[i], header + (i - top) * row_height, i == selected, width)
  end
  draw_footer(width, height - footer)
end

local keys = {
  up = function() move(-1) end, down = function() move(1) end,
  pageup = function() move(-visible()) end,
  pagedown = function() move(visible()) end,
  home = function() move(-#rows) end, ["end"] = function() move(#rows) end,
  delete = function() asking = rows[selected] end,
  escape = function() love.event.quit() end,
}

function love.keypressed(key)
  local answered = asking
  asking = nil
  if answered then
    if key == "y" then client:spawn(delete, answered) end
    return
  end
  message = nil
  if keys[key] then keys[key]() end
end

function love.wheelmoved(_, y)
  move(-3 * y)
end

-- What is still under way ends here.
function love.quit()
  client:close()
end
