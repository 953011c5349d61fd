-- SPDX-License-Identifier: MIT
-- client.models: the models for generations.

local api = require "lipsync.api"
local core = require "lipsync.core"
local operation = require "lipsync.operation"

core.object_type { name = "Model", has_id = true, shows = { "id", "name" } }

---@class lipsync.Models
---@field list fun(self, options: lipsync.CallOptions|nil): table[]|nil,
---   lipsync.Error|nil  an array of models: id, name, type, version, and
---   description and deprecatedAt if the service sent them
return operation.resource("models", api.models)
