-- SPDX-License-Identifier: MIT
-- Names for files whose names come from the service. A name is one segment of
-- a path on every system: no folder, no hidden file, no device. Pure.

local media_type = require "lipsync.base.media_type"
local texts = require "lipsync.base.text"

local cut, lower = texts.cut, texts.lower

local name = {}

-- The longest name (bytes) that file systems take, and what is appended to it
-- while the file is not complete.
local longest, reserved = 255, #".part.json"

-- Names that are devices on Windows, whatever their ending.
local devices = { con = true, prn = true, aux = true, nul = true }
for i = 1, 9 do
  devices["com" .. i], devices["lpt" .. i] = true, true
end

local function harmless(text)
  return (text:gsub('[%z\1-\31\127/\\<>:"|?*]', "_"))
end

--- A text as a name: with "_" for what separates folders or means something to
--- a shell or to Windows. Nil if nothing is left.
---@param text string|nil
---@param ending string|nil  ".mp4", appended unless the text has it
---@param more string|nil  "-1234abcd", put before the ending
---@return string|nil
function name.safe(text, ending, more)
  text, ending, more = text or "", ending or "", harmless(more or "")
  text = harmless(text):gsub("^[ .]+", "")
  local stem, own = text, media_type.ending(text)
  if own then
    stem = text:sub(1, -#own - 1)
    ending = own
  end
  stem = cut(stem, longest - reserved - #more - #ending)
    :gsub("[ .]+$", "")
  if not stem:find "[^_]" then return nil end
  if devices[lower(stem:match "^[^. ]*")] then stem = "_" .. stem end
  return stem .. more .. ending
end

return name
