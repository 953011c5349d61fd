-- SPDX-License-Identifier: MIT
-- Media types of files, and the endings of names that stand for them. Pure.

local texts = require "lipsync.base.text"

local lower = texts.lower

--- `unknown` is the type of a file of which nothing is known.
local media_type = { unknown = "application/octet-stream" }

-- Endings and media types. The first type of an ending is its own, unless the
-- file is for another kind of medium; the first ending of a type is its own.
local pairs_of = {
  { "mp4", "video/mp4" }, { "m4v", "video/mp4" }, { "mov", "video/quicktime" },
  { "webm", "video/webm" }, { "webm", "audio/webm" },
  { "avi", "video/x-msvideo" }, { "mkv", "video/x-matroska" },
  { "wav", "audio/wav" }, { "wav", "audio/x-wav" }, { "wav", "audio/wave" },
  { "mp3", "audio/mpeg" }, { "ogg", "audio/ogg" }, { "oga", "audio/ogg" },
  { "flac", "audio/flac" }, { "m4a", "audio/mp4" }, { "mp4", "audio/mp4" },
  { "aac", "audio/aac" }, { "png", "image/png" }, { "jpg", "image/jpeg" },
  { "jpeg", "image/jpeg" }, { "webp", "image/webp" }, { "gif", "image/gif" },
  { "srt", "application/x-subrip" }, { "json", "application/json" },
  { "jsonl", "application/jsonl" },
}

-- By ending, and by ending and kind; by type.
local types, endings = {}, {}
for _, pair in ipairs(pairs_of) do
  local ending, media = pair[1], pair[2]
  local kind = ending .. " " .. media:match "^[a-z]+"
  types[ending], types[kind] = types[ending] or media, types[kind] or media
  endings[media] = endings[media] or "." .. ending
end

--- The media type of a file.
---@param path string
---@param kind string|nil  "video", "audio" or "image": what the file is for
---@return string  `unknown` for an unknown ending
function media_type.of(path, kind)
  local ending, media = media_type.ending(path)
  return ending and types[lower(ending:sub(2)) .. " " .. (kind or "")]
    or media or media_type.unknown
end

--- The ending of a name or path, with its dot, if it is one of a media type.
---@param text string|nil
---@return string|nil ending
---@return string|nil type
function media_type.ending(text)
  local ending = (text or ""):match "%.([A-Za-z0-9]+)$"
  local media = ending and types[lower(ending)]
  if not media then return nil end
  return "." .. ending, media
end

--- The ending for a Content-Type, with its dot.
---@param media string|nil
---@return string|nil
function media_type.ending_of(media)
  local plain = (media or ""):match "^[ \t]*([^; \t]+)"
  return plain and endings[lower(plain)] or nil
end

--- The last segment of a path.
---@param path string
---@return string
function media_type.file_name(path)
  return path:match "[^/]*$"
end

return media_type
