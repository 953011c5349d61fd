-- SPDX-License-Identifier: MIT
-- client.usage: what the generations of a window of time have cost.

local api = require "lipsync.api"
local core = require "lipsync.core"
local operation = require "lipsync.operation"

core.object_type { name = "Usage",
  shows = { "generationId", "generationStatus", "totalCostUsd" } }

---@class lipsync.UsageFilter
---@field startTime string|nil  "2026-08-25T00:00:00Z": ended then or later
---@field endTime string|nil  ended before
---@field limit integer|nil  how many at most
---@field cursor string|nil  listing.cursor of a listing to go on with
---@field page_size integer|nil  1 to 100, default 100
---@field extra table|nil  parameters that this version does not know

---@class lipsync.UsageRecords
---@field list fun(self, filter: lipsync.UsageFilter|nil,
---   options: lipsync.CallOptions|nil): lipsync.TableListing  in pages, the
---   oldest first; of each generation generationId, totalCostUsd (text, nil
---   until it is known), knownSubtotalUsd, availability and components
return operation.resource("usage", api.usage)
