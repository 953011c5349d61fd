-- SPDX-License-Identifier: MIT
-- Creating a generation, so that it is paid once: every request carries an
-- Idempotency-Key, and each of its repeats is the same to the byte.

local core = require "lipsync.core"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"

local create = {}

---@class lipsync.InputItem
---@field type string  video, audio, image or text
---@field url string|nil  of the medium: this or assetId
---@field assetId string|nil
---@field refId string|nil  what segments call it
---@field provider table|nil  of a text: the voice that speaks it
---@field extra table|nil  members that this version does not know

---@class lipsync.CreateRequest  the API's own body
---@field model string
---@field input lipsync.InputItem[]
---@field outputFileName string|nil
---@field webhookUrl string|nil
---@field projectId string|nil
---@field options table|nil
---@field segments table[]|nil
---@field dubParams table|nil
---@field dialogueEdit table|nil
---@field extra table|nil  members that this version does not know

---@class lipsync.CreateOptions : lipsync.CallOptions
---@field idempotency_key string|nil  1 to 128 of A-Z a-z 0-9 . _ ~ -; default
---   a random one. The same key with the same request gives the generation that
---   it has made before
---@field queue boolean|nil  false: an organization that has as many generations
---   under way as it may is an error at once; default true: that is waited for,
---   as long as the timeout allows
local fields = schema.join(operation.options, {
  idempotency_key = schema.string, queue = schema.boolean,
})

-- What is wrong with an item, as misuse or, for an address that may have come
-- from elsewhere, as a problem.
local function check_item(item, name)
  if item.type == "text" then return nil end
  if (item.url == nil) == (item.assetId == nil) then
    misuse.raise(name .. " must have either url or assetId")
  end
  local scheme = item.url and item.url:match "^(%a[%w+.-]*):"
  if item.url and (scheme or ""):lower() ~= "https"
     and (scheme or ""):lower() ~= "http" then
    return name .. ".url must begin with https://: the service gets it there"
  end
end

local function check_input(input)
  for i, item in ipairs(input) do
    local name = ("request.input[%d]"):format(i)
    local problem = check_item(item, name)
    if problem then return problem, ("input[%d].url"):format(i) end
  end
end

-- 128 bits.
local function new_key()
  local parts = {}
  for i = 1, 8 do parts[i] = ("%04x"):format(math.floor(core.random() * 65536)) end
  return table.concat(parts)
end

local function is_key(key)
  return #key <= 128 and key:find "^[A-Za-z0-9._~-]+$" ~= nil
end

-- The key may only be said once.
local function check_headers(headers)
  for name in pairs(headers or {}) do
    if name:lower() == "idempotency-key" then
      misuse.raise "headers must not hold Idempotency-Key: pass idempotency_key"
    end
  end
end

--- See client.generations:create.
---@param generations lipsync.Generations
---@param spec table  of the row
---@param request lipsync.CreateRequest
---@param options lipsync.CreateOptions|nil
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err
function create.run(generations, spec, request, options)
  local client = generations.client
  local body = spec.takes(request, "request")
  options = schema.read(fields, options, "options")
  check_headers(options.headers)
  local problem, field = check_input(body.input)
  if problem then
    return nil, operation.invalid(client, spec, problem, field)
  end
  local key = options.idempotency_key or new_key()
  if not is_key(key) then
    return nil, operation.invalid(client, spec, "the key must be 1 to 128 of "
      .. "A-Z a-z 0-9 . _ ~ -", "idempotency_key")
  end
  local later = options.queue == false and { IDEMPOTENCY_IN_PROGRESS = true }
  local this, err = operation.post(generations, spec, body, options,
    { ["Idempotency-Key"] = key },
    { idempotency_key = key, later = later or spec.later })
  if not this then return nil, err end
  local generation, failed, note = this:run()
  if note == "made_before" then
    return generations:get(generation, { timeout = this:remaining(),
      headers = options.headers, tag = options.tag })
  end
  return generation, failed
end

return create
