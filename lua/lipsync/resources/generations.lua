-- SPDX-License-Identifier: MIT
-- client.generations: what can be asked of an organization's generations.

local call = require "lipsync.call"
local misuse = require "lipsync.base.misuse"
local stopwatch = require "lipsync.base.stopwatch"
local core = require "lipsync.core"
local delete = require "lipsync.resources.delete"
local delete_many = require "lipsync.bulk.delete_many"
local errors = require "lipsync.error"
local filter = require "lipsync.base.filter"
local listing = require "lipsync.list.listing"
local options = require "lipsync.base.options"
local url = require "lipsync.base.url"

---@class lipsync.Generations
local Generations = {}
Generations.__index = Generations

local generations = {}

---@class lipsync.CallOptions
---@field timeout number|nil  seconds, the whole call with its retries; default
---   the client's, none for a listing
---@field stall_timeout number|nil  seconds without a byte; default the
---   client's
---@field max_attempts integer|nil  default the client's
---@field headers table<string, string>|nil  further ones
---@field tag any  comes back in events and errors

-- From 5.4 on a `for` closes its fourth value, also on break and error.
local closes = _VERSION ~= "Lua 5.1" and _VERSION ~= "Lua 5.2"
  and _VERSION ~= "Lua 5.3"

---@param client table
---@return lipsync.Generations
function generations.new(client)
  return setmetatable({ client = client }, Generations)
end

-- The client behind `self`, for a method written as `name`.
local function client_of(self, name)
  misuse.self(self, Generations, "client.generations:%s(…)", name)
  self.client:check_open()
  return self.client
end

--- Lists generations, as a stream. The filter is checked now, the request
--- goes out at the first step. A `for` raises the error object; use
--- `listing:next()` to get it returned, or where a `for` cannot yield.
---@param filter_ lipsync.Filter|nil  nil: all
---@param options_ lipsync.CallOptions|nil  no timeout unless given here
---@return lipsync.Listing
function Generations:list(filter_, options_)
  local client = client_of(self, "list")
  local made = listing.new(client, filter.read(filter_),
    options.call(options_))
  if closes then return made, nil, nil, made end
  return made
end

--- All generations of a listing in an array.
---@param filter_ lipsync.Filter|nil
---@param options_ lipsync.CallOptions|nil
---@return lipsync.Generation[]|nil
---@return lipsync.Error|nil err
function Generations:all(filter_, options_)
  local client = client_of(self, "all")
  local from = listing.new(client, filter.read(filter_),
    options.call(options_))
  local found = {}
  while true do
    local generation, err = from:next()
    if err then return nil, err end
    if not generation then return found end
    found[#found + 1] = generation
  end
end

-- The body as a Generation, or what is wrong with it.
local function accept_generation(this, _, body)
  local most = this.client.options.max_generation
  if #body > most then
    return nil, { kind = "limit", reason = "max_generation", message =
      ("the generation is longer than %.0f bytes (max_generation)")
        :format(most) }
  end
  local generation = core.generation(body, this.client)
  if generation and type(generation:get "id") == "string" then
    return generation
  end
  return nil, this:unexpected("a generation", body)
end

--- Gets one generation.
---@param id string|lipsync.Generation
---@param options_ lipsync.CallOptions|nil
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err
function Generations:get(id, options_)
  local client = client_of(self, "get")
  local given = options.call(options_)
  id = delete.identify(id)
  local segment, problem = url.segment(id)
  if not segment then
    return nil, delete.bad_id(client, "GET", "get generation", problem)
  end
  return generations.plain(call.new(client, {
    action = "get generation", id = id,
    method = "GET", path = "/v2/generate/" .. segment,
    read = call.read_whole, accept = accept_generation,
  }, given))
end

-- {"count": n}
local function accept_count(this, _, body)
  local value = #body <= errors.body_limit and core.decode(body)
  local n = type(value) == "table" and value.count
  if type(n) == "number" and n >= 0 and n % 1 == 0 then return n end
  return nil, this:unexpected('{"count": n}', body)
end

--- Counts generations.
---@param filter_ lipsync.Filter|nil  without limit, cursor, page_size
---@param options_ lipsync.CallOptions|nil
---@return integer|nil
---@return lipsync.Error|nil err
function Generations:count(filter_, options_)
  local client = client_of(self, "count")
  local own, given = filter.read_count(filter_), options.call(options_)
  if own.nothing then return 0 end
  local path, total, waited = "/v2/generations/count", 0, stopwatch.new()
  for _, ids in ipairs(filter.groups(own)) do
    local n, err = call.new(client, {
      action = "count generations", method = "GET", path = path,
      target = filter.target(path, own, { ids = ids }), clock = waited,
      read = call.read_whole, accept = accept_count,
    }, given):run()
    if not n then return nil, err end
    total = total + n
  end
  return total
end

--- Deletes one generation. Only COMPLETED, FAILED and REJECTED ones can be.
---@param id string|lipsync.Generation
---@param options_ lipsync.CallOptions|nil
---@return lipsync.Generation|nil deleted
---@return lipsync.Error|nil err
---@return string|nil note  "already_gone": an attempt's outcome was unknown,
---   and then it was not there any more
function Generations:delete(id, options_)
  local client = client_of(self, "delete")
  local this, err = delete.prepare(client, id, options.call(options_))
  if not this then return nil, err end
  return this:run()
end

---@class lipsync.DeleteManyOptions : lipsync.CallOptions
---@field concurrency integer|nil  deletions under way at once; default 8
---@field when nil|fun(item: lipsync.Generation|string): any  false or nil: not
---   this one; gets what the listing gives, or what stands in the array
---@field on_result nil|fun(id: string, outcome: string,
---   generation: lipsync.Generation|nil, err: lipsync.Error|nil)  outcome:
---   "deleted", "gone", "skipped" or "failed"

--- Deletes many, several at once; a listing is read on meanwhile. One that
--- fails does not stop the rest, but a listing that breaks, a key that is not
--- accepted (401) and a closed client do.
---@param items (string|lipsync.Generation)[]|lipsync.Listing
---@param options_ lipsync.DeleteManyOptions|nil
---@return lipsync.Deleted|nil result
---@return lipsync.Error|nil err  why it stopped early
---@return lipsync.Deleted|nil so_far  what was done until then
function Generations:delete_many(items, options_)
  local client = client_of(self, "delete_many")
  return delete_many.run(client, items, options.delete_many(options_))
end

-- Runs a call of which only value and error are the caller's.
function generations.plain(this)
  local value, err = this:run()
  return value, err
end

return generations
