-- SPDX-License-Identifier: MIT
-- Names for files whose names come from the service. A name is one segment of
-- a path on every system: no folder, no hidden file, no device. Pure.

local texts = require "lipsync.base.text"

local cut, lower = texts.cut, texts.lower

local name = {}

-- The longest name (bytes) that file systems take, and what is appended to it
-- while the file is not complete.
local longest, reserved = 255, #".part.json"

-- Endings and the media types that they stand for; the first one of a type is
-- its own.
local endings = {
  { "mp4", "video/mp4" }, { "mov", "video/quicktime" },
  { "webm", "video/webm" }, { "avi", "video/x-msvideo" },
  { "mkv", "video/x-matroska" }, { "m4v", "video/mp4" },
  { "wav", "audio/wav" }, { "wav", "audio/x-wav" }, { "wav", "audio/wave" },
  { "mp3", "audio/mpeg" }, { "ogg", "audio/ogg" }, { "flac", "audio/flac" },
  { "m4a", "audio/mp4" }, { "aac", "audio/aac" }, { "png", "image/png" },
  { "jpg", "image/jpeg" }, { "jpeg", "image/jpeg" }, { "webp", "image/webp" },
  { "gif", "image/gif" }, { "srt", "application/x-subrip" },
  { "json", "application/json" }, { "jsonl", "application/jsonl" },
}

local by_ending, by_type = {}, {}
for _, pair in ipairs(endings) do
  by_ending[pair[1]] = by_ending[pair[1]] or pair[2]
  by_type[pair[2]] = by_type[pair[2]] or "." .. pair[1]
end

-- Names that are devices on Windows, whatever their ending.
local devices = { con = true, prn = true, aux = true, nul = true }
for i = 1, 9 do
  devices["com" .. i], devices["lpt" .. i] = true, true
end

--- The ending of a name or path, with its dot, if it is one of a media type.
---@param text string|nil
---@return string|nil ending
---@return string|nil type
function name.ending(text)
  local ending = (text or ""):match "%.([A-Za-z0-9]+)$"
  local media = ending and by_ending[lower(ending)]
  if not media then return nil end
  return "." .. ending, media
end

--- The ending for a Content-Type, with its dot.
---@param media string|nil
---@return string|nil
function name.ending_of_type(media)
  local plain = (media or ""):match "^[ \t]*([^; \t]+)"
  return plain and by_type[lower(plain)] or nil
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
  local stem, own = text, name.ending(text)
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
