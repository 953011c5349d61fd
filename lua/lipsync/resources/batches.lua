-- SPDX-License-Identifier: MIT
-- client.batches: many generations in one request, and their results.

local api = require "lipsync.api"
local create_batch = require "lipsync.compound.create_batch"
local operation = require "lipsync.operation"
local results = require "lipsync.compound.results"
local wait = require "lipsync.compound.wait"
require "lipsync.resources.batch"  -- the type, before wait.lua makes one

---@class lipsync.BatchFilter
---@field status string|nil  one of those above
---@field created_after string|nil  ISO 8601
---@field created_before string|nil
---@field limit integer|nil  how many at most
---@field extra table|nil  parameters that this version does not know

---@class lipsync.BatchWaitOptions : lipsync.WaitOptions
---@field on_progress nil|fun(percent: number, batch: lipsync.Batch)  after each
---   look

---@class lipsync.BatchListing : lipsync.Listing
---@field next fun(self): lipsync.Batch|nil, lipsync.Error|nil
---@overload fun(): lipsync.Batch|nil

---@class lipsync.Batches
---@field list fun(self, filter: lipsync.BatchFilter|nil,
---   options: lipsync.CallOptions|nil): lipsync.BatchListing  newest first
---@field get fun(self, id: string|lipsync.Batch,
---   options: lipsync.CallOptions|nil): lipsync.Batch|nil, lipsync.Error|nil
---@field wait fun(self, id: string|lipsync.Batch,
---   options: lipsync.BatchWaitOptions|nil): lipsync.Batch|nil,
---   lipsync.Error|nil  until it is COMPLETED or FAILED
local Batches = operation.resource("batches", api.batches)

-- How much of a batch has ended.
local function percent(batch)
  local metrics = batch:get "metrics"
  if type(metrics) ~= "table" then return 0 end
  local total, left = metrics.total_generations, metrics.pending_count
  if type(total) ~= "number" or type(left) ~= "number" or total < 1 then
    return 0
  end
  return math.floor(100 * (total - left) / total)
end

wait.install(Batches, "batches", api.batches, nil, percent)

--- Creates a batch of 20 to 500 generations. `requests` is an array of requests
--- as of client.generations:create, or of rows with a name each; a function
--- that returns one after the other; or the path of a file with such rows, one
--- in a line, which is sent as it is. All are checked before anything is sent.
--- Raises for misuse; what is wrong in a file is returned.
---@param requests (lipsync.CreateRequest|lipsync.BatchRow)[]|string|fun():
---   lipsync.CreateRequest|lipsync.BatchRow|nil
---@param options lipsync.BatchOptions|nil
---@return lipsync.Batch|nil batch  with `dry_run` only { status = "VALIDATED" }
---@return lipsync.Error|nil err  `outcomeUnknown`: the batch may exist; then
---   `candidates` are those that it may be
---@return string|nil note  "found": the response was lost, and the batch was
---   found in the list
function Batches:create(requests, options)
  Batches.client_of(self, "create")
  return create_batch.run(self, Batches.specs, requests, options)
end

--- The results of a batch that has ended, as `for request_id, generation, err
--- in …`, in the order of the service. A row that became no generation comes as
--- `request_id, nil, err`; a generation may be FAILED. Asks for the batch first
--- where only its id is given, or where it had not ended.
---@param batch string|lipsync.Batch
---@param options lipsync.ResultsOptions|nil
---@return lipsync.Results
function Batches:results(batch, options)
  Batches.client_of(self, "results")
  return operation.iterator(results.new(self, Batches.specs.get, batch,
    options))
end

return Batches
