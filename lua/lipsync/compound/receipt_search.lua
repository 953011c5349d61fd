-- SPDX-License-Identifier: MIT
-- Looks for the generation of a receipt that has been open for so long that the
-- service may have forgotten its key. A search only ever finds: it never sends
-- the request again.

local call = require "lipsync.call"
local core = require "lipsync.core"
local filter = require "lipsync.list.filter"
local http_date = require "lipsync.base.http_date"
local input_assets = require "lipsync.compound.input_assets"
local listing = require "lipsync.list.listing"
local receipt_file = require "lipsync.compound.receipt_file"
local shape = require "lipsync.shape"
local text = require "lipsync.base.text"
local time = require "lipsync.base.time"

local receipt_search = {}

-- How far around its sending a generation may have been created by the
-- service's clock (seconds).
local before, after = 120, 600

-- A name as it may come back: in other letter case, with other punctuation, or
-- with a suffix.
local function plain_name(name)
  return (text.lower(name):gsub("[^0-9a-z\128-\255]", ""))
end

local function is_name(found, wanted)
  if type(found) ~= "string" then return false end
  wanted = plain_name(wanted)
  return plain_name(found) == wanted
    or plain_name((found:gsub("%.[0-9A-Za-z]+$", ""))) == wanted
end

-- The request in a note, as the service reads it; of a multipart body without
-- its files.
local function request_of(note)
  if note.assets then return input_assets.fill(note.content, note.assets) end
  local content = core.decode(note.content)
  if not note.boundary then return content end
  local own = {}
  for _, part in ipairs(content) do own[part.name] = part.bytes end
  own.input = own.input and core.decode(own.input)
  return own
end

-- Whether a generation has the inputs of a request that are no files.
local function has_inputs(generation, input)
  local there = {}
  for _, item in ipairs(generation:decode().input or {}) do
    if type(item) == "table" then
      there[item.url or item.assetId or core.encode(item) or ""] = true
    end
  end
  for _, item in ipairs(input or {}) do
    local place = item.url or item.assetId
    if place and not there[place] then return false end
  end
  return true
end

-- The ids in the other receipts of the folder.
local function ids_of_others(path)
  local ids = {}
  for other, note in pairs(receipt_file.all(path:match "^.*/" or "") or {}) do
    if other ~= path and note.id then ids[note.id] = true end
  end
  return ids
end

-- The list of generations. Notes how far the service's clock is ahead of this
-- machine's, before it gives the first one.
local function list(generations, options, clock, seen)
  local spec = setmetatable({}, generations.specs.list)
  function spec.accept_page(this, status, value)
    local date = this.attempt:header "date"
    local at = date and http_date.parse(date)
    seen.ahead = at and at - core.time() or 0
    return shape.objects.accept(this, status, value)
  end
  spec.__index = spec
  local left = options.timeout
    and math.max(0, options.timeout - clock:seconds())
  return listing.new(generations, spec,
    filter.read(spec.query, { page_size = 100 }), call.part(options, left))
end

--- The generations that an open receipt can mean: those created when it was
--- sent, by the service's clock as it is now, with its name and inputs, and in
--- no other receipt of its folder.
---@param receipt table  of receipt_file
---@param generations lipsync.Generations
---@param options table  of the create
---@return lipsync.Generation[]|nil candidates
---@return lipsync.Error|nil err
function receipt_search.run(receipt, generations, options)
  local note, seen = receipt.note, {}
  local wanted = request_of(note)
  if type(wanted.outputFileName) ~= "string" then return {} end
  local taken, candidates = ids_of_others(receipt.path), {}
  local found = list(generations, options, receipt.clock, seen)
  while true do
    local generation, err = found:next()
    if err then return nil, err end
    local created = generation and time.parse(generation:get "createdAt")
    created = created and created - seen.ahead
    if not generation or created and created < note.open_at - before then
      break
    end
    if created and created <= (note.sent_at or note.open_at) + after
       and not taken[generation:get "id"]
       and is_name(generation:get "outputFileName", wanted.outputFileName)
       and generation:get "model" == wanted.model
       and has_inputs(generation, wanted.input) then
      candidates[#candidates + 1] = generation
    end
  end
  found:close()
  return candidates
end

return receipt_search
