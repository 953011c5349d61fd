-- SPDX-License-Identifier: MIT
-- Deletes many objects of a resource, several at once, and keeps a program from
-- deleting what it did not mean.

local each = require "lipsync.bulk.each"
local errors = require "lipsync.error"
local listing = require "lipsync.list.listing"
local load = require "lipsync.host.load"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"

local delete_many = {}

---@class lipsync.DeleteManyOptions : lipsync.CallOptions
---@field concurrency integer|nil  deletions under way at once; default 8
---@field everything boolean|nil  true: also a listing without a filter
---@field max integer|nil  the most deletions
---@field dry_run boolean|nil  true: deletes nothing, only counts what would be
---   deleted
---@field when nil|fun(item: table|string, stop: fun()): any
---   gets an item of the listing or the array; false or nil: skip it. stop()
---   begins no more deletions
---@field on_result nil|fun(id: string, outcome: string, object: table|nil,
---   err: lipsync.Error|nil, stop: fun())
---   outcome: "deleted", "gone", "skipped" or "failed"
---@field on_progress nil|fun(done: integer, total: integer|nil, stop: fun())
---   `total` is nil for a listing that is read meanwhile
---@field receipts string|nil  of generations: a folder with receipts of their
---   creates, which then say that nothing is left to do
local options_of = schema.join(operation.options, each.options,
  { everything = schema.boolean })

local options_with_receipts = schema.join(options_of,
  { receipts = schema.text })

---@class lipsync.Deleted
---@field deleted integer  deleted by this call
---@field gone integer  no longer there: 404, or gone after an unknown outcome
---@field skipped integer  refused by `when`, or an id given twice
---@field failed integer  not deleted; see `errors`
---@field errors lipsync.Error[]  of the failed ones, and of receipts that could
---   not be written, in the order of their end; at most 100, with at most 1 KiB
---   of each body

-- Arrays of all objects, which no filter has chosen.
local unselected = setmetatable({}, { __mode = "k" })

--- Notes an array of all objects of a listing: without a filter it is as
--- dangerous as the listing.
---@param items table[]
---@param from lipsync.Listing
function delete_many.note(items, from)
  unselected[items] = not from.filter.selects or nil
end

local function outcome_of(call)
  if call.note == "already_gone" then return "gone" end
  if call.value ~= nil then return "deleted" end
  local is_gone = call.err.statusCode == 404
    and errors.is_from_service(call.err)
  return is_gone and "gone" or "failed"
end

-- Raises if everything would be deleted without an explicit request.
local function check_selected(items, options, how)
  local selected = not unselected[items]
  if listing.is(items) then selected = items.filter.selects end
  if selected or options.everything then return end
  misuse.raise(("no filter was given, so all %s would be deleted. Pass a "
    .. "filter such as %s, or everything = true."):format(how.all, how.filter))
end

-- Whether the next page of a listing depends on rows that are deleted: a token
-- may be the id of one, or count them.
local function must_be_read_first(items, options)
  return listing.is(items) and items.spec.paging == "token"
    and not options.dry_run
end

---@class lipsync.DeletingHow
---@field all string  what goes without a filter: "things that have ended"
---@field filter string  an example of one
---@field list string  how a listing is written
---@field foresee nil|fun(item: any): string  the outcome that an item would
---   have; default "deleted"
---@field has_receipts boolean|nil  whether there is the option `receipts`

-- Notes deletions in the receipts of a folder; nil and an error if that is
-- none.
local function recorder(client, spec, options)
  local receipt = load.module "lipsync.compound.receipt"
  local found, err = receipt.folder(client, options.receipts,
    operation.about(client, spec, options))
  if not found then return nil, err end
  return function(done)
    local object, own = done.value, {}
    for _, each_one in ipairs(found[object:get "id"] or own) do
      if each_one.note.state ~= "done" then own[#own + 1] = each_one end
    end
    return receipt.finish_all(client, spec, options, own, object,
      { deleted = true })
  end
end

--- See client.generations:delete_many.
---@param resource table
---@param spec table  of the row `delete`
---@param items (string|table)[]|lipsync.Listing
---@param options lipsync.DeleteManyOptions|nil
---@param how lipsync.DeletingHow
---@return lipsync.Deleted|nil result
---@return lipsync.Error|nil err
---@return lipsync.Deleted|nil so_far
function delete_many.run(resource, spec, items, options, how)
  options = schema.read(how.has_receipts and options_with_receipts
    or options_of, options, "options")
  if items ~= nil then check_selected(items, options, how) end
  local work = {
    action = ("delete %ss"):format(spec.noun), noun = spec.noun,
    list = how.list, outcome_of = outcome_of,
    foresee = how.foresee or function() return "deleted" end,
    tally = { deleted = 0, gone = 0, skipped = 0, failed = 0, errors = {} },
    prepare = function(item, group)
      return operation.prepare(resource, spec, item, options,
        { group = group, clock = group.clock:lap() })
    end,
    identify = function(item)
      return (operation.identify(item, spec))
    end,
  }
  local err
  if options.receipts and not options.dry_run then
    each.items(resource.client, items, work)  -- raises what is wrong with them
    work.finish, err = recorder(resource.client, spec, options)
    if err then return nil, err, work.tally end
  end
  if must_be_read_first(items, options) then
    local found
    found, err =
      listing.read(each.items(resource.client, items, work))
    if not found then return nil, err, work.tally end
    items = found
  end
  return each.run(resource.client, items, options, work)
end

return delete_many
