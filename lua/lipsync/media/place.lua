-- SPDX-License-Identifier: MIT
-- Where a file goes: to a path, or into a folder under a safe name.

local file = require "lipsync.file"
local media_type = require "lipsync.base.media_type"
local name = require "lipsync.media.name"

local place = {}

local function joined(folder, last)
  return folder:match "^(.-)/*$" .. "/" .. last
end

-- The name, from the words of the service. Nil if none of them makes one.
local function named(subject, ending)
  return name.safe(subject.name, ending, subject.more)
    or name.safe(subject.id, ending, subject.more)
    or name.safe("file", ending, subject.more)
end

---@class lipsync.Place
---@field target string  the file's path
---@field needs_ending boolean  whether it lacks the ending of its type
---@field info table|nil  what is there already, see lipsync.file

--- Looks where a file goes.
---@param path string
---@param subject { id: string, name: string|nil, url: string,
---   more: string|nil }  `name` from the service, `more` appended to it
---@return lipsync.Place|nil
---@return table|nil failure
function place.find(path, subject)
  if path:find("\0", 1, true) then
    return nil, { code = "path_nul" }
  end
  local info, failure = file.info(path)
  if not info and failure.code ~= "file_missing" then return nil, failure end
  local is_folder = info and info.type == "folder"
  if not is_folder then
    if path:find "/$" then
      return nil, { code = "folder_missing", path = path }
    end
    return { target = path, needs_ending = false, info = info }
  end
  local ending = media_type.ending(subject.url:match "^[^?#]*")
  local target = joined(path, named(subject, ending))
  return { target = target, needs_ending = not media_type.ending(target),
           info = (file.info(target)) }
end

--- Looks again what is there: another call may have made the file meanwhile.
---@param found lipsync.Place
function place.look(found)
  found.info = file.info(found.target)
end

--- Appends the ending of a media type to a target that lacks one.
---@param found lipsync.Place
---@param media string|nil  Content-Type
function place.complete(found, media)
  if not found.needs_ending then return end
  local ending = media_type.ending_of(media)
  if not ending then return end
  found.target, found.needs_ending = found.target .. ending, false
  place.look(found)
end

return place
