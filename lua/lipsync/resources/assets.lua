-- SPDX-License-Identifier: MIT
-- client.assets: the files that generations are made from.

local api = require "lipsync.api"
local core = require "lipsync.core"
local operation = require "lipsync.operation"
local upload_asset = require "lipsync.resources.upload_asset"

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

---@class lipsync.Assets
---@field list fun(self, filter: lipsync.AssetFilter|nil,
---   options: lipsync.CallOptions|nil): lipsync.Listing  in pages
---@field get fun(self, id: string|table, options: lipsync.CallOptions|nil):
---   table|nil, lipsync.Error|nil
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

return Assets
