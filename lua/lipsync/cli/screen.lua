-- SPDX-License-Identifier: MIT
-- The terminal, where there is one: its width, colours, and one line at its
-- bottom that says how far something is. Where standard error is no terminal
-- nothing of that is written.

local core = require "lipsync.core"
local terminal = require "lipsync.terminal"
local width = require "lipsync.cli.width"

local screen = {}

local out, err = 1, 2  -- descriptors

-- Seconds between two drawings of the line.
local pause = 0.1

-- A terminal that knows no escape sequences.
local function is_dumb()
  local term = core.getenv "TERM"
  return term == nil or term == "" or term == "dumb"
end

local Screen = {}
Screen.__index = Screen

--- Looks at standard output and standard error.
---@param quiet boolean|nil  true: no line of progress
---@return table
function screen.new(quiet)
  local no_color = core.getenv "NO_COLOR"
  local dumb = is_dumb()
  local is_terminal = terminal.is_terminal(out)
  return setmetatable({
    is_terminal = is_terminal,
    colored = is_terminal and not dumb and (no_color == nil or no_color == ""),
    moves = is_terminal and not dumb,
    shows = not quiet and not dumb and terminal.is_terminal(err),
    drawn = false, due = 0, marked = 0,
  }, Screen)
end

--- Whether a person can be asked.
---@return boolean
function screen.can_ask()
  return terminal.is_terminal(0) and terminal.is_terminal(err)
end

--- The columns of standard output; those of standard error if `of_err`.
---@return integer
function Screen.columns(_, of_err)
  return (terminal.size(of_err and err or out)) or 80
end

--- The lines of standard output.
---@return integer
function Screen.rows()
  return select(2, terminal.size(out)) or 24
end

--- Remembers that the last lines may be drawn anew.
---@param lines integer
function Screen:mark(lines)
  self.marked = lines
end

--- Takes those lines away.
function Screen:rewind()
  if self.marked == 0 then return end
  io.stdout:write(("\27[%dA\27[J"):format(self.marked))
  self.marked = 0
end

local codes = { bold = "1", red = "31", green = "32", yellow = "33",
                blue = "34", magenta = "35" }

--- A text in a colour, where colours are wanted.
---@param text string
---@param color string|nil
---@return string
function Screen:paint(text, color)
  if not color or not self.colored then return text end
  return "\27[" .. codes[color] .. "m" .. text .. "\27[0m"
end

local of_status = { COMPLETED = "green", FAILED = "red", REJECTED = "magenta",
                    PROCESSING = "blue", PENDING = "yellow" }

--- The colour of a status, nil for one that is not known.
---@param status string
---@return string|nil
function screen.color_of(status)
  return of_status[status]
end

--- Draws the line, in place of what it said before; not more often than can be
--- read.
---@param text string
---@param now boolean|nil  true: whenever the last one was
function Screen:show(text, now)
  if not self.shows then return end
  local at = core.now()
  if not now and at < self.due then return end
  self.due, self.drawn = at + pause, true
  io.stderr:write("\r", width.cut(text, self:columns(true) - 1), "\27[K")
end

--- Takes the line away, before something else is written.
function Screen:clear()
  if not self.drawn then return end
  self.drawn, self.due = false, 0
  io.stderr:write "\r\27[K"
end

local function scaled(bytes)
  local units, at = { "B", "kB", "MB", "GB", "TB" }, 1
  while bytes >= 1000 and at < #units do bytes, at = bytes / 1000, at + 1 end
  local text = at == 1 and ("%d"):format(bytes)
    or ("%d.%d"):format(math.floor(bytes), math.floor(bytes * 10 % 10))
  return text .. " " .. units[at]
end

--- "upload clip.mp4  [=====     ]  50%  1.5 of 3.0 MB" for that line.
---@param label string
---@param done number
---@param total number|nil
---@param unit string|nil  "bytes", or the noun of what is counted
---@return string
function Screen:bar(label, done, total, unit)
  local is_bytes = unit == "bytes"
  local count = is_bytes and scaled(done) or ("%d"):format(math.floor(done))
  if not total or total <= 0 then return label .. "  " .. count end
  local part = math.min(1, done / total)
  local of = is_bytes and scaled(total) or ("%d"):format(total)
  local text = ("%3d%%"):format(math.floor(part * 100))
  if unit ~= "%" then text = text .. ("  %s of %s"):format(count, of) end
  local room = self:columns(true) - width.of(label) - #text - 8
  if room < 10 then return label .. "  " .. text end
  room = math.min(room, 30)
  local full = math.floor(room * part)
  return ("%s  [%s%s]  %s"):format(label, ("="):rep(full),
    (" "):rep(room - full), text)
end

return screen
