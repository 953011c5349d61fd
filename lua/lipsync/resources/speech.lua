-- SPDX-License-Identifier: MIT
-- client.speech: texts that are spoken, at once or by a job.

local api = require "lipsync.api"
local core = require "lipsync.core"
local operation = require "lipsync.operation"
local wait = require "lipsync.compound.wait"

core.object_type { name = "Speech", has_id = true, shows = { "id" } }

---@class lipsync.SpeechRequest
---@field script string  1 to 5000 characters
---@field voiceId string
---@field provider string|nil  "elevenlabs"
---@field stability number|nil  0 to 1
---@field similarityBoost number|nil  0 to 1
---@field extra table|nil  members that this version does not know

---@class lipsync.Speech
---@field create fun(self, request: lipsync.SpeechRequest,
---   options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil  id, url
---   and duration (seconds); never repeated once it may have been made
---@field start fun(self, request: lipsync.SpeechRequest,
---   options: lipsync.KeyedOptions|nil): table|nil, lipsync.Error|nil  a job,
---   which is begun once for each idempotency key
---@field get fun(self, id: string|table, options: lipsync.CallOptions|nil):
---   table|nil, lipsync.Error|nil
---@field wait fun(self, id: string|table, options: lipsync.WaitOptions|nil):
---   table|nil, lipsync.Error|nil  until it is SUCCESS or FAILED
local Speech = operation.resource("speech", api.speech)

wait.install(Speech, "speech", api.speech)

return Speech
