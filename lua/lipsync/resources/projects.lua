-- SPDX-License-Identifier: MIT
-- client.projects: what generations and assets are sorted into.

local api = require "lipsync.api"
local core = require "lipsync.core"
local operation = require "lipsync.operation"

core.object_type { name = "Project", has_id = true, shows = { "id", "name" } }

---@class lipsync.ProjectRequest
---@field id string|nil  a UUID; default a random one
---@field name string|nil  up to 255 characters; needed to create one
---@field description string|nil
---@field visibility string|nil  USER or ORGANIZATION
---@field mode string|nil  CREATOR or DEVELOPER
---@field defaultWorkflow string|nil  lipsync, translate_and_dub,
---   change_appearance, image_to_video, edit_dialogue, assistant or timeline
---@field extra table|nil  members that this version does not know

---@class lipsync.ProjectFilter
---@field searchQuery string|nil  a part of the name
---@field sortBy string|nil  updatedAt or name
---@field limit integer|nil  how many at most
---@field cursor string|nil  listing.cursor of a listing to go on with
---@field page_size integer|nil  1 to 100, default 100
---@field extra table|nil  parameters that this version does not know

---@class lipsync.Projects
---@field list fun(self, filter: lipsync.ProjectFilter|nil,
---   options: lipsync.CallOptions|nil): lipsync.TableListing  in pages
---@field get fun(self, id: string|table, options: lipsync.CallOptions|nil):
---   table|nil, lipsync.Error|nil
---@field create fun(self, request: lipsync.ProjectRequest,
---   options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil  repeated
---   like a read, because a request with the same id creates no second one
---@field update fun(self, id: string|table, request: lipsync.ProjectRequest,
---   options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil  changes
---   the members that are given, but not the id
---@field delete fun(self, id: string|table, options: lipsync.CallOptions|nil):
---   table|nil, lipsync.Error|nil, string|nil
---@field attach fun(self, id: string|table, asset: string|table,
---   options: lipsync.CallOptions|nil): boolean|nil, lipsync.Error|nil
---@field detach fun(self, id: string|table, asset: string|table,
---   options: lipsync.CallOptions|nil): boolean|nil, lipsync.Error|nil
return operation.resource("projects", api.projects)
