-- SPDX-License-Identifier: MIT
-- client.dialogue_edits: other words for what is said in a video.

local api = require "lipsync.api"
local operation = require "lipsync.operation"
local wait = require "lipsync.compound.wait"

---@class lipsync.DialogueEditRequest
---@field sourceVideoUrl string
---@field transcript table  of a transcription
---@field edits table[]  { kind = "change", wordId, replacement,
---   pronunciation } or { kind = "remove", wordIds }
---@field projectId string|table|nil
---@field voiceId string|nil
---@field rerunOfJobId string|table|nil  the id of an earlier edit, or that
---@field extra table|nil  members that this version does not know

---@class lipsync.DialogueEdits
---@field create fun(self, request: lipsync.DialogueEditRequest,
---   options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil  never
---   repeated once it may have been carried out
---@field get fun(self, id: string|table, options: lipsync.CallOptions|nil):
---   table|nil, lipsync.Error|nil
---@field wait fun(self, id: string|table, options: lipsync.WaitOptions|nil):
---   table|nil, lipsync.Error|nil  until it is COMPLETED, COMPLETED_PARTIAL or
---   FAILED
local DialogueEdits = operation.resource("dialogue_edits", api.dialogue_edits)

wait.install(DialogueEdits, "dialogue_edits", api.dialogue_edits)

return DialogueEdits
