-- SPDX-License-Identifier: MIT
-- client.transcriptions: what is said in a video or a sound, word by word.

local api = require "lipsync.api"
local operation = require "lipsync.operation"
local wait = require "lipsync.compound.wait"

---@class lipsync.TranscriptionRequest
---@field sourceVideoUrl string|nil  this, or the next one
---@field sourceAudioUrl string|nil
---@field startMs integer|nil  milliseconds: a part of at most 60 minutes
---@field endMs integer|nil
---@field maxSourceSeconds number|nil
---@field projectId string|table|nil
---@field extra table|nil  members that this version does not know

---@class lipsync.Transcriptions
---@field create fun(self, request: lipsync.TranscriptionRequest,
---   options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil  repeated
---   like a read, because the same source gives the same transcription
---@field get fun(self, id: string|table, options: lipsync.CallOptions|nil):
---   table|nil, lipsync.Error|nil
---@field wait fun(self, id: string|table, options: lipsync.WaitOptions|nil):
---   table|nil, lipsync.Error|nil  until it is COMPLETED or FAILED
local Transcriptions = operation.resource("transcriptions", api.transcriptions)

wait.install(Transcriptions, "transcriptions", api.transcriptions)

return Transcriptions
