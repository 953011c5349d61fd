-- SPDX-License-Identifier: MIT
-- Media types of files, by their suffixes. Pure.

local texts = require "lipsync.base.text"

local media_type = {}

-- By suffix: the type, or one for each kind of medium.
local types = {
  mp4 = { video = "video/mp4", audio = "audio/mp4" },
  m4v = "video/mp4", mov = "video/quicktime", avi = "video/x-msvideo",
  webm = { video = "video/webm", audio = "audio/webm" },
  wav = "audio/wav", mp3 = "audio/mpeg", ogg = "audio/ogg", oga = "audio/ogg",
  flac = "audio/flac", m4a = "audio/mp4", aac = "audio/aac",
  jpg = "image/jpeg", jpeg = "image/jpeg", png = "image/png",
  webp = "image/webp",
}

--- The media type of a file.
---@param path string
---@param kind string|nil  "video", "audio" or "image": what the file is for
---@return string  application/octet-stream for an unknown suffix
function media_type.of(path, kind)
  local suffix = path:match "%.([A-Za-z0-9]+)$"
  local found = suffix and types[texts.lower(suffix)]
  if type(found) == "table" then found = found[kind] or found.video end
  return found or "application/octet-stream"
end

--- The last segment of a path.
---@param path string
---@return string
function media_type.file_name(path)
  return path:match "[^/]*$"
end

return media_type
