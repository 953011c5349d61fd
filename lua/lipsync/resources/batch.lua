-- SPDX-License-Identifier: MIT
-- The Lua part of a Batch, for client.batches and for webhooks, which need
-- neither a client nor what api.lua needs, libcurl.

local object_type = require "lipsync.object_type"

---@class lipsync.Batch  every member of the JSON is a field
---@field id string
---@field created_at string  ISO 8601
---@field status string  PENDING, JOBS_CREATED, PROCESSING, COMPLETED (also with
---   failures among its generations), FAILED, or a newer one
---@field metrics table  total_generations, success_count, failed_count,
---   pending_count
---@field outputUrl string|nil  where its results are: see `results`
---@field webhookUrl string|nil
---@field is_terminal fun(self): boolean  whether it is COMPLETED or FAILED
---@field wait fun(self, options: lipsync.BatchWaitOptions|nil):
---   lipsync.Batch|nil, lipsync.Error|nil
---@field results fun(self, options: lipsync.ResultsOptions|nil):
---   lipsync.Results

object_type.install("batches", { type = "Batch", noun = "batch",
  ends = { COMPLETED = true, FAILED = true } }, nil, { "wait", "results" })

return true
