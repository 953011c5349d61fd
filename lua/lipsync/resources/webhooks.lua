-- SPDX-License-Identifier: MIT
-- client.webhooks: the secret that the service signs webhooks with. It is in no
-- error, event or line of the log.

local api = require "lipsync.api"
local operation = require "lipsync.operation"

---@class lipsync.SecretFilter
---@field masked boolean|nil  false: the secret itself; default what the service
---   shows of it

---@class lipsync.Webhooks
---@field secret fun(self, filter: lipsync.SecretFilter|nil,
---   options: lipsync.CallOptions|nil): string|nil, lipsync.Error|nil  the text
---   for lipsync.webhook.verify: "whsec_…"
return operation.resource("webhooks", api.webhooks)
