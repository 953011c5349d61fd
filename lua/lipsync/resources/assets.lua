-- SPDX-License-Identifier: MIT
-- client.assets: the files that generations are made from.

local api = require "lipsync.api"
local call = require "lipsync.call"
local core = require "lipsync.core"
local delete_many = require "lipsync.compound.delete_many"
local downloads = require "lipsync.compound.download"
local filter = require "lipsync.list.filter"
local lower = require "lipsync.base.text".lower
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"
local stopwatch = require "lipsync.base.stopwatch"
local time = require "lipsync.base.time"
local unkeyed = require "lipsync.compound.unkeyed"
local upload_asset = require "lipsync.compound.upload_asset"

core.object_type { name = "Asset", has_id = true,
                   shows = { "id", "type", "name" } }

---@class lipsync.AssetFilter
---@field projectId string|nil
---@field userId string|nil
---@field searchQuery string|nil  a part of the name
---@field sortBy string|nil  name, date, duration, size or kind, and then Asc or
---   Desc: "dateDesc"
---@field types string|string[]|nil  VIDEO, AUDIO, IMAGE
---@field limit integer|nil  how many at most
---@field cursor string|nil  listing.cursor of a listing to go on with
---@field page_size integer|nil  1 to 100, default 100
---@field extra table|nil  parameters that this version does not know

---@class lipsync.AssetRequest
---@field url string|nil  public; it is fetched later, so it has to stay. Needed
---   to create one
---@field type string|nil  VIDEO, AUDIO or IMAGE; needed to create one
---@field name string|nil
---@field visibility string|nil  USER (the service's default) or ORGANIZATION
---@field projectId string|table|nil  or a project
---@field extra table|nil  members that this version does not know

---@class lipsync.AssetChanges
---@field name string|nil
---@field visibility string|nil  USER or ORGANIZATION
---@field durationSeconds number|nil
---@field size integer|nil  bytes
---@field format string|nil
---@field width integer|nil
---@field height integer|nil
---@field extra table|nil  members that this version does not know

---@class lipsync.Assets
---@field list fun(self, filter: lipsync.AssetFilter|nil,
---   options: lipsync.CallOptions|nil): lipsync.TableListing  in pages
---@field get fun(self, id: string|table, options: lipsync.CallOptions|nil):
---   table|nil, lipsync.Error|nil
---@field download_url fun(self, id: string|table,
---   options: lipsync.CallOptions|nil): string|nil, lipsync.Error|nil  signed:
---   who has it can read the file for a while
---@field update fun(self, id: string|table, request: lipsync.AssetChanges,
---   options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil
---@field delete fun(self, id: string|table, options: lipsync.CallOptions|nil):
---   table|nil, lipsync.Error|nil, string|nil
local Assets = operation.resource("assets", api.assets)

--- Uploads a file and makes an asset of it. The file is read from disk while it
--- is sent; one that changes meanwhile is never completed.
---@param path string
---@param options lipsync.UploadOptions|nil
---@return table|nil asset
---@return lipsync.Error|nil err
function Assets:upload(path, options)
  Assets.client_of(self, "upload")
  return upload_asset.run(self, Assets.specs, path, options)
end

-- How much older than the first request an asset may be that it has made: the
-- clocks may differ (seconds).
local slack = 120

-- The asset that an earlier request has made, if it has: the newest with its
-- name, type and url that is no older. Returns also an error if that cannot be
-- known.
local function find(self, body, since, options)
  local listing = self:list({ searchQuery = body.name, sortBy = "dateDesc",
                              limit = filter.page_limit }, options)
  while true do
    local asset, err = listing:next()
    if not asset then return nil, err end
    local at = time.parse(asset:get "createdAt")
    if asset:get "url" == body.url and asset:get "type" == body.type
       and (not body.name or asset:get "name" == body.name)
       and at and at >= since - slack then
      return asset
    end
  end
end

--- Makes an asset of a public URL. After an unknown outcome it looks for the
--- asset before it asks again.
---@param request lipsync.AssetRequest
---@param options lipsync.CallOptions|nil
---@return table|nil asset
---@return lipsync.Error|nil err
function Assets:create(request, options)
  local client = Assets.client_of(self, "create")
  local body = Assets.specs.create.takes(request, "request")
  options = schema.read(operation.options, options, "options")
  local since = core.time()
  return unkeyed.create {
    client = client, spec = Assets.specs.create, body = body,
    clock = stopwatch.new(),
    timeout = options.timeout or client.options.timeout,
    options = function() return options end,
    find = function() return find(self, body, since, options) end,
  }
end

-- The ids of an array of ids and assets, each once.
local function ids_of(items)
  if type(items) ~= "table" then
    misuse.raise("items must be an array of ids or assets, got "
      .. misuse.show(items))
  end
  local ids, seen = {}, {}
  for i = 1, misuse.length(items, "items") do
    local id = operation.identify(items[i], Assets.specs.get)
    if not seen[id] then ids[#ids + 1], seen[id] = id, true end
  end
  return ids
end

--- Many assets by their ids, a hundred with each request.
---@param items (string|table)[]  ids and assets
---@param options lipsync.CallOptions|nil  its timeout is for all of it
---@return table[]|nil assets  in the order of the ids, each once
---@return lipsync.Error|nil err
---@return string[]|nil missing  the ids that there are no assets of
function Assets:get_many(items, options)
  local client = Assets.client_of(self, "get_many")
  local ids, spec = ids_of(items), Assets.specs.get_many
  options = schema.read(operation.options, options, "options")
  local by_id, found, missing, clock = {}, {}, {}, stopwatch.new()
  for _, group in ipairs(filter.groups { ids = ids }) do
    local text, bad = operation.encode(client, spec, options, { ids = group })
    if not text then return nil, bad end
    local this = call.new(client, setmetatable({ body = text,
      content_type = "application/json", clock = clock }, spec), options)
    local assets, err = this:run()
    err = err or operation.stray(this, group, assets)
    if err then return nil, err end
    for _, asset in ipairs(assets) do by_id[lower(asset:get "id")] = asset end
  end
  for _, id in ipairs(ids) do
    local asset = by_id[lower(id)]
    local list = asset and found or missing
    list[#list + 1] = asset or id
  end
  return found, nil, missing[1] and missing or nil
end

local function name_of(asset)
  local name = asset:get "name"
  return type(name) == "string" and name or nil
end

--- Downloads the file of an asset, as client.generations:download does.
---@param id string|table
---@param path string  of the file; or of a folder, where it is named after the
---   asset, or its id
---@param options lipsync.DownloadOptions|nil
---@return lipsync.Downloaded|nil
---@return lipsync.Error|nil err
function Assets:download(id, path, options)
  Assets.client_of(self, "download")
  return downloads.located(self, Assets.specs, id, path, options, name_of)
end

local how = { all = "assets", filter = "projectId",
              list = "client.assets:list { … }" }

--- Deletes many assets, as client.generations:delete_many does. A listing is
--- read to its end first, because its pages depend on the assets before them.
---@param items (string|table)[]|lipsync.Listing
---@param options lipsync.DeleteManyOptions|nil
---@return lipsync.Deleted|nil result
---@return lipsync.Error|nil err  why it stopped early
---@return lipsync.Deleted|nil so_far  what was done until then
function Assets:delete_many(items, options)
  Assets.client_of(self, "delete_many")
  return delete_many.run(self, Assets.specs.delete, items, options, how)
end

return Assets
