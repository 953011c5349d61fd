-- SPDX-License-Identifier: MIT
-- lipsync upload and assets: the files that generations are made from.

local list = require "lipsync.cli.list"
local output = require "lipsync.cli.output"
local status = require "lipsync.cli.status"
local values = require "lipsync.cli.values"

local assets = {}

local types = { "VIDEO", "AUDIO", "IMAGE" }

-- Uploads one file; nil after saying why not.
local function upload(run, given, path)
  local screen = run.screen
  local asset, err = run.try(function()
    return run:client().assets:upload(path, {
      name = given.name, projectId = given.project, type = given.type,
      content_type = given.content_type,
      on_progress = screen.shows and function(sent, total)
        screen:show(screen:bar(path, sent, total, "bytes"))
      end or nil,
    })
  end)
  screen:clear()
  if not asset then run:complain(err) end
  return asset, err
end

assets[1] = {
  name = "upload", summary = "Upload files as assets",
  text = "Prints the ids, which `lipsync create` takes for a medium.",
  arguments = { { "file", count = "+", help = "of a video, a sound or an "
                  .. "image" } },
  options = {
    { "--name", value = "NAME", read = values.text,
      help = "the asset's name (default: the file's)" },
    { "--project", value = "ID", read = values.text,
      help = "the project that it belongs to" },
    { "--type", value = "TYPE", choices = types,
      help = "VIDEO, AUDIO or IMAGE (default: by the content type)" },
    { "--content-type", value = "TYPE", read = values.text,
      help = "the media type, such as video/mp4 (default: by the suffix)" },
  },
  run = function(run, given)
    if given.name and #given.file > 1 then
      status.refuse "--name is for one file."
    end
    local done, first = 0, nil
    for _, path in ipairs(given.file) do
      local asset, err = upload(run, given, path)
      first = first or err
      if asset then
        done = done + 1
        output.write(given.json and output.json(asset) or asset.id, "\n")
        output.flush()
      end
    end
    return status.of_many(done, first)
  end,
}

assets[2] = {
  name = "assets", summary = "List assets",
  text = "The files of the organization that generations can be made from.",
  options = list.join({
    { "--type", value = "TYPES", read = values.words, many = true,
      offers = types,
      help = "VIDEO, AUDIO or IMAGE; several are separated by commas" },
    { "--search", value = "TEXT", read = values.text,
      help = "with this in the name" },
    { "--project", value = "ID", read = values.text, help = "of this project" },
    { "--sort", value = "HOW", read = values.text,
      help = "in this order: nameAsc, dateDesc, durationAsc, sizeDesc and so "
        .. "on" },
    { "--limit", value = "N", read = values.integer, help = "at most so many" },
  }, list.formats),
  run = function(run, given)
    local write = output.writer(given, {
      { "id", width = 36 }, { "type", width = 5, least = 5 },
      { "name", width = 30 }, { "size", width = 12 }, { "createdAt" },
    }, run.screen)
    local listing = run.try(function()
      return (run:client().assets:list {
        types = values.join(given.type), searchQuery = given.search,
        projectId = given.project, sortBy = given.sort, limit = given.limit })
    end)
    for asset in listing do
      write(asset)
      run:check_interrupt()
    end
  end,
}

return assets
