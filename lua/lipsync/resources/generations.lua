-- SPDX-License-Identifier: MIT
-- client.generations: operations on an organization's generations.

local api = require "lipsync.api"
local call = require "lipsync.call"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local listing = require "lipsync.list.listing"
local load = require "lipsync.host.load"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local retry_after = require "lipsync.error.retry_after"
local schema = require "lipsync.base.schema"
local sleep = require "lipsync.call.sleep"
local stopwatch = require "lipsync.base.stopwatch"

local create = load.later "lipsync.compound.create"
local create_many = load.later "lipsync.compound.create_many"
local delete_many = load.later "lipsync.compound.delete_many"
local download = load.later "lipsync.media.download"
local downloads = load.later "lipsync.compound.download"
local wait = load.later "lipsync.compound.wait"
local wait_many = load.later "lipsync.compound.wait_many"

---@class lipsync.Filter
---@field status string|string[]|nil  PENDING, PROCESSING, COMPLETED, FAILED,
---   REJECTED; other words are sent unchanged
---@field ids string|string[]|nil  made unique; a request takes 100
---@field source string|string[]|nil  labels such as "api"
---@field projectId string|table|nil  or a project
---@field limit integer|nil  how many at most
---@field cursor string|nil  id of the generation to begin after; needs limit
---   or page_size
---@field page_size integer|nil  1 to 100; lists in pages
---@field extra table|nil  parameters that this version does not know

---@class lipsync.Generations
---@field list fun(self, filter: lipsync.Filter|nil,
---   options: lipsync.CallOptions|nil): lipsync.Listing  as a stream. Checks
---   the filter at once; the first step sends the request. A `for` raises the
---   error object; `listing:next()` returns it, and also works where a `for`
---   cannot yield. No timeout unless given here
---@field get fun(self, id: string|lipsync.Generation,
---   options: lipsync.CallOptions|nil): lipsync.Generation|nil,
---   lipsync.Error|nil
---@field count fun(self, filter: lipsync.Filter|nil,
---   options: lipsync.CallOptions|nil): integer|nil, lipsync.Error|nil  the
---   filter without limit, cursor and page_size
---@field estimate fun(self, request: lipsync.EstimateRequest,
---   options: lipsync.CallOptions|nil): table|nil, lipsync.Error|nil  what a
---   generation would cost: an object with estimatedGenerationCost (USD),
---   estimatedFrameCount and estimatedCredits
local Generations = operation.resource("generations", api.generations)

---@class lipsync.EstimateRequest
---@field model string
---@field duration number  seconds
---@field fps number|nil  default 30
---@field reasoningEnabled boolean|nil
---@field workflow string|nil  "lipsync" or "translate-and-dub"
---@field extra table|nil  members that this version does not know

---@class lipsync.CostsOptions : lipsync.CallOptions
---@field wait boolean|nil  false: gives what is known now; default true
local costs_options = schema.join(operation.options, { wait = schema.boolean })

-- The shortest pause between two looks at the costs (seconds).
local least_pause = 0.25

-- The seconds after which the service says that more may be known; nil: it is
-- known, or it does not say.
local function costs_pause(costs)
  local asked = costs:get "availability" == "pending"
    and retry_after.body(costs:get "retryAfterSeconds")
  return asked and math.max(asked, least_pause) or nil
end

--- What a generation has cost: an object with totalCostUsd (text, nil until it
--- is known), knownSubtotalUsd, availability and components. While that is
--- pending it is asked for again when the service says, as long as the timeout
--- allows; then it is given as it is.
---@param id string|lipsync.Generation
---@param options lipsync.CostsOptions|nil
---@return table|nil
---@return lipsync.Error|nil err
function Generations:costs(id, options)
  local client = Generations.client_of(self, "costs")
  local spec, clock = Generations.specs.costs, stopwatch.new()
  options = schema.read(costs_options, options, "options")
  while true do
    local this, err = operation.prepare(self, spec, id, options,
      { clock = clock })
    if not this then return nil, err end
    local costs
    costs, err = this:run()
    local pause = costs and options.wait ~= false and costs_pause(costs)
    if not pause or pause >= this:remaining() then return costs, err end
    costs, err = sleep.run(client, pause, spec.action, clock, options.tag)
    if not costs then return nil, err end
  end
end

--- Creates a generation. Every request of the call carries the same
--- Idempotency-Key and the same bytes, so it is repeated like a read and makes
--- one generation; 10 minutes after an unknown outcome it is not repeated any
--- more, because the service forgets keys. Then `err.outcomeUnknown` is true,
--- and `err.idempotencyKey` given as `idempotency_key`, with the same request,
--- goes on. Waits where the organization has as many generations under way as
--- it may. Raises for wrong or unknown members of the request.
---@param request lipsync.CreateRequest
---@param options lipsync.CreateOptions|nil
---@return lipsync.Generation|nil  as it is now: not PENDING if it was created
---   by an earlier call with the key
---@return lipsync.Error|nil err
function Generations:create(request, options)
  Generations.client_of(self, "create")
  return create.run(self, Generations.specs.create, request, options)
end

--- Creates many generations, several at a time. Gives each when it is
--- accepted, as `for index, generation, err in …` or by `iterator:next()`: one
--- that cannot be created comes as `index, nil, err`, and nothing of a request
--- is raised.
--- Each is created as `create` does it, and waits for its turn where the
--- organization has as many under way as it may.
---@param requests lipsync.CreateRequest[]|fun(): lipsync.CreateRequest|nil
---@param options lipsync.CreateManyOptions|nil
---@return lipsync.Creates
function Generations:create_many(requests, options)
  Generations.client_of(self, "create_many")
  return operation.iterator(create_many.new(self, Generations.specs.create,
    requests, options))
end

--- Waits until a generation has ended; COMPLETED, FAILED and REJECTED are
--- values, not errors. Waits as the host waits, so other tasks go on. Goes on
--- after a temporary error, such as a broken connection, but not after a 404.
---@param id string|lipsync.Generation
---@param options lipsync.GenerationWaitOptions|nil
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err  `err.generation` is the last state seen
function Generations:wait(id, options)
  Generations.client_of(self, "wait")
  return wait.run(self, Generations.specs.get, id,
    schema.read(wait.generation_options, options, "options"))
end

--- Waits for many generations at once. Gives each when it has ended, as
--- `for id, generation, err in …` or by `iterator:next()`: one that cannot be
--- waited for comes as `id, nil, err`. Asks in rounds of one request for each
--- hundred, every 2 s at first and up to 15 s apart later.
---@param items (string|lipsync.Generation)[]|lipsync.Listing
---@param options lipsync.WaitManyOptions|nil
---@return lipsync.Waits
function Generations:wait_many(items, options)
  Generations.client_of(self, "wait_many")
  return operation.iterator(wait_many.new(self, Generations.specs, items,
    options))
end

--- Downloads the output of a generation. Writes to PATH.part, which a later
--- call goes on with after an error, and renames it once it is complete and on
--- the disk. Asks for the generation first where only its id is given, or where
--- it was not COMPLETED; and again if the address of its output has expired.
---@param id string|lipsync.Generation
---@param path string  of the file; or of a folder, where it is named after
---   outputFileName, or its id
---@param options lipsync.DownloadOptions|nil
---@return lipsync.Downloaded|nil
---@return lipsync.Error|nil err  of kind `file` for what the disk refuses;
---   `err.generation` is the last state seen
---@return lipsync.Error|nil problem  of a receipt that could not be written
function Generations:download(id, path, options)
  Generations.client_of(self, "download")
  return downloads.one(self, Generations.specs.get, id, path, options)
end

---@class lipsync.DownloadedMany
---@field downloaded integer  by this call
---@field existing integer  were there already
---@field skipped integer  refused by `when`, or an id given twice
---@field failed integer  see `errors`
---@field errors lipsync.Error[]  of the failed ones, in the order of their end;
---   at most 100

--- Downloads many outputs into a folder, several at once, while it reads the
--- listing. Each file is named after outputFileName, or the id, and the first 8
--- characters of the id. Goes on after a failed one, but not after a broken
--- listing, a rejected key (401), a 429 that does not end, a closed client or a
--- full disk. Called again it goes on: files that are there already are kept.
---@param items (string|lipsync.Generation)[]|lipsync.Listing
---@param folder string  is there already
---@param options lipsync.DownloadManyOptions|nil
---@return lipsync.DownloadedMany|nil result
---@return lipsync.Error|nil err  why it stopped early
---@return lipsync.DownloadedMany|nil so_far  what was done until then
function Generations:download_many(items, folder, options)
  Generations.client_of(self, "download_many")
  return downloads.many(self, Generations.specs.get, items, folder, options)
end

---@class lipsync.DeleteOptions : lipsync.CallOptions
---@field receipt string|nil  path of the receipt of its create, which then says
---   that nothing is left to do
local delete_options = schema.join(operation.options,
  { receipt = schema.text })

-- The method of the row.
local delete = Generations.delete

-- Deletes a generation and notes that in the receipt of its create. If that
-- says that it was deleted, nothing is asked; if it says only that nothing is
-- left to do, the generation may be gone already.
local function delete_with_receipt(self, given, options)
  local spec, receipt = Generations.specs.delete,
    load.module "lipsync.compound.receipt"
  local id, object = operation.identify(given, spec)
  local known, err = receipt.read(self.client, spec, options, id)
  if not known then return nil, err end
  local was_done = known.state == "done"
  local before = was_done
    and (object or core.object("Generation", known.object, self.client))
  if before and known.deleted then return before, nil, "already_gone" end
  local deleted, note
  deleted, err, note = delete(self, given, call.part(options, options.timeout))
  if err and was_done and err.statusCode == 404
     and errors.is_from_service(err) then
    deleted, err, note = before, nil, "already_gone"
  end
  if not deleted then return nil, err end
  return deleted, nil, note, select(2, receipt.finish(self.client, spec,
    options, id, deleted, { deleted = true }))
end

--- Deletes a generation; only if it is COMPLETED, FAILED or REJECTED.
---@param id string|lipsync.Generation
---@param options lipsync.DeleteOptions|nil
---@return lipsync.Generation|nil deleted
---@return lipsync.Error|nil err
---@return string|nil note  "already_gone": it is gone, after an attempt with an
---   unknown outcome, or one of an earlier run of which the receipt knows
---@return lipsync.Error|nil problem  of a receipt that could not be written
function Generations:delete(id, options)
  if type(options) ~= "table" or options.receipt == nil then
    return delete(self, id, options)
  end
  Generations.client_of(self, "delete")
  return delete_with_receipt(self, id,
    schema.read(delete_options, options, "options"))
end

---@class lipsync.DeleteWhenDoneOptions : lipsync.GenerationWaitOptions
---@field download string|nil  where to download the output first: a path as of
---   download
---@field if_exists string|nil  as of download
---@field discard boolean|nil  true: the output is not wanted
---@field receipt string|nil  as of download and delete
local function delete_when_done_options()
  return schema.join(wait.generation_options, {
    download = schema.text, if_exists = download.options.if_exists,
    discard = schema.boolean, receipt = schema.text,
  })
end

-- Raises unless the options say what becomes of the output, which is gone with
-- its generation.
local function check_output(options)
  if options.download and options.discard then
    misuse.raise "download does not go with discard"
  elseif not options.download and not options.discard then
    misuse.raise("delete_when_done needs download = path, or discard = true, "
      .. "because the output is lost")
  end
end

-- What to wait for: where the receipt says that nothing was left to do, the
-- generation that it has, which the service may have no more.
local function awaited(self, given, options)
  if not options.receipt then return given end
  local spec = Generations.specs.delete
  local note, err = load.module "lipsync.compound.receipt".read(self.client,
    spec, options, (operation.identify(given, spec)))
  if not note then return nil, err end
  return note.state == "done"
    and core.object("Generation", note.object, self.client) or given
end

--- Waits as `wait` does, downloads the output if it should, and deletes. With
--- `download` nothing is deleted before the file is complete and on the disk:
--- not after a failed download, and not if it has ended without an output.
---@param id string|lipsync.Generation
---@param options lipsync.DeleteWhenDoneOptions
---@return lipsync.Generation|nil deleted
---@return lipsync.Error|nil err  `err.generation` is the last state seen
---@return string|nil note  as of delete
---@return lipsync.Downloaded|nil file
---@return lipsync.Error|nil problem  of a receipt that could not be written
function Generations:delete_when_done(id, options)
  Generations.client_of(self, "delete_when_done")
  options = schema.read(delete_when_done_options(), options, "options")
  check_output(options)
  local waits_for, unfit = awaited(self, id, options)
  if not waits_for then return nil, unfit end
  local done, late = wait.run(self, Generations.specs.get, waits_for, options)
  if not done then return nil, late end
  local file, failure, problem
  -- The `timeout` is that of the wait.
  local own = call.part(options)
  own.receipt = options.receipt
  if options.download then
    file, failure, problem = self:download(done, options.download,
      schema.join(own, { if_exists = options.if_exists }))
    if not file then return nil, failure end
  end
  local deleted, err, note, unnoted = self:delete(done, own)
  if err then err.generation = done end
  return deleted, err, note, file, unnoted or problem
end

--- All generations of a listing in an array.
---@param filter lipsync.Filter|nil
---@param options lipsync.CallOptions|nil
---@return lipsync.Generation[]|nil
---@return lipsync.Error|nil err
function Generations:all(filter, options)
  Generations.client_of(self, "all")
  local from = self:list(filter, options)
  local found, err = listing.read(from)
  if not found then return nil, err end
  delete_many.note(found, from)
  return found
end

-- The outcome that an item would have.
local function foresee(item)
  local is_running = type(item) ~= "string" and not item:is_terminal()
  return is_running and "failed" or "deleted"
end

local how = {
  all = "generations that have ended", filter = "status", foresee = foresee,
  list = "client.generations:list { … }", has_receipts = true,
}

--- Deletes many generations, several at once, while it reads the listing. Goes
--- on after a failed one, but not after a broken listing, a rejected key (401),
--- a 429 that does not end, or a closed client. An error raised in a callback
--- stops it too; that is the `cause` of the error returned with the result.
--- Raises for a listing, or an array of `all`, without a filter.
---@param items (string|lipsync.Generation)[]|lipsync.Listing
---@param options lipsync.DeleteManyOptions|nil
---@return lipsync.Deleted|nil result
---@return lipsync.Error|nil err  why it stopped early
---@return lipsync.Deleted|nil so_far  what was done until then
function Generations:delete_many(items, options)
  Generations.client_of(self, "delete_many")
  return delete_many.run(self, Generations.specs.delete, items, options, how)
end

return Generations
