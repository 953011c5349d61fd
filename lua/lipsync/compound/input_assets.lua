-- SPDX-License-Identifier: MIT
-- Inputs of a create that are files of this machine and become assets: each is
-- uploaded, and the request has the asset's id in place of the path. What is
-- fixed of the request are the paths, and the ids as they become known.

local call = require "lipsync.call"
local core = require "lipsync.core"
local media_type = require "lipsync.base.media_type"
local operation = require "lipsync.operation"
local upload_asset = require "lipsync.compound.upload_asset"

local input_assets = {}

-- As a receipt has it: an array with holes would be none in JSON.
local function key_of(index) return ("%d"):format(index) end

--- The paths of the files, by the index of their items.
---@param content string  JSON text of a request
---@return table<integer, string>
function input_assets.files(content)
  local files = {}
  for i, item in ipairs(core.decode(content).input) do files[i] = item.file end
  return files
end

--- The request with the ids.
---@param content string
---@param ids table<string, string>
---@return table
function input_assets.fill(content, ids)
  local request = core.decode(content)
  for i, item in ipairs(request.input) do
    if item.file then item.file, item.assetId = nil, ids[key_of(i)] end
  end
  return request
end

-- The stamp of a file in a receipt.
local function stamp_of(fixed, path)
  for _, each in ipairs(fixed.files or {}) do
    if each.path == path then return each.stamp end
  end
end

-- Uploads one; its id, or nil and an error.
local function upload(client, request, item, options, clock, stamp)
  local own = call.part(options, options.timeout)
  own.type, own.projectId = upload_asset.kinds[item.type], request.projectId
  own.content_type = media_type.of(item.file, item.type)
  own.answer_timeout = options.answer_timeout
  own.on_progress = options.on_progress
  local assets = operation.load "assets"
  local asset, err = upload_asset.run(client.assets, assets.specs, item.file,
    own, clock, stamp)
  return asset and asset:get "id", err
end

--- Uploads what has no id yet.
---@param client table
---@param fixed lipsync.FixedCreate  its `assets` gets the ids
---@param options lipsync.CreateOptions  checked
---@param clock table  a stopwatch for the whole create
---@param note nil|fun(): any, lipsync.Error|nil  called after each; nil and an
---   error end it
---@return boolean|nil
---@return lipsync.Error|nil err
function input_assets.upload(client, fixed, options, clock, note)
  local request = core.decode(fixed.content)
  for i, item in ipairs(request.input) do
    local key = key_of(i)
    if item.file and not fixed.assets[key] then
      local id, err = upload(client, request, item, options, clock,
        stamp_of(fixed, item.file))
      if not id then return nil, err end
      fixed.assets[key] = id
      local noted, problem = true, nil
      if note then noted, problem = note() end
      if not noted then return nil, problem end
    end
  end
  return true
end

return input_assets
