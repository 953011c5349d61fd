-- SPDX-License-Identifier: MIT
-- Creating a generation so that it is paid for once: every request of a call
-- carries the same Idempotency-Key and the same bytes.

local call = require "lipsync.call"
local core = require "lipsync.core"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"

local create = {}

---@class lipsync.InputItem
---@field type string  video, audio, image or text
---@field url string|nil  of the medium: this or assetId
---@field assetId string|nil
---@field refId string|nil  its name in segments
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
---   a random one. The same key with the same request returns the generation
---   that it made before
---@field queue boolean|nil  false: an organization that already has as many
---   generations under way as it may is an error at once; default true: waits,
---   as long as the timeout allows
create.options = schema.join(operation.options, {
  idempotency_key = schema.string, queue = schema.boolean,
})

-- ---- Reading a request ----

-- Types whose medium the service reads from somewhere.
local media = { video = true, audio = true, image = true }

-- Schemes that only this machine understands.
local is_local = { data = true, file = true }

-- Why the service cannot read this address; nil if it may.
local function bad_url(text)
  local scheme = text:match "^(%a[%w+.-]+):"
  if not scheme then return "is no address that the service can read" end
  scheme = scheme:lower()
  return is_local[scheme]
    and ("begins with %s:, which the service does not read"):format(scheme)
end

-- Raises unless a medium has exactly one place to be read from.
local function check_place(item, name)
  local both = item.url and item.assetId
  if both or media[item.type] and not (item.url or item.assetId) then
    misuse.raise(("%s must have either url or assetId"):format(name))
  end
end

-- What is wrong with the items, apart from misuse: their addresses may come
-- from elsewhere. Returns the problem and the wrong field.
local function check_input(input)
  for i, item in ipairs(input) do
    check_place(item, ("request.input[%d]"):format(i))
    local problem = item.url and bad_url(item.url)
    if problem then
      local field = ("input[%d].url"):format(i)
      return field .. " " .. problem, field
    end
  end
end

-- The header must come from here only.
local function check_headers(headers)
  for name in pairs(headers or {}) do
    if name:lower() == "idempotency-key" then
      misuse.raise "headers must not hold Idempotency-Key: pass idempotency_key"
    end
  end
end

-- The key of a call, or nil and what is wrong.
local function key_of(options)
  local key = options.idempotency_key
  if not key then
    return core.random_text(), "the system has no random bytes for a key"
  elseif #key > 128 or not key:find "^[A-Za-z0-9._~-]+$" then
    return nil, "idempotency_key must be 1 to 128 of A-Z a-z 0-9 . _ ~ -"
  end
  return key
end

---@class lipsync.FixedCreate  what is the same in every request of a create,
---   also of a later process
---@field idempotency_key string
---@field content string  JSON text of the body

--- Checks a request and fixes what is sent of it. Raises for misuse.
---@param client table
---@param spec table  of the row
---@param request lipsync.CreateRequest
---@param options lipsync.CreateOptions  checked
---@return lipsync.FixedCreate|nil
---@return lipsync.Error|nil err  for what cannot be sent
function create.read(client, spec, request, options)
  local body = spec.takes(request, "request")
  check_headers(options.headers)
  local problem, field = check_input(body.input)
  if problem then
    return nil, operation.invalid(client, spec, problem, field)
  end
  local key, why = key_of(options)
  if not key then
    return nil, operation.invalid(client, spec, why, "idempotency_key")
  end
  local content, err = operation.encode(client, spec, body)
  if not content then return nil, err end
  return { idempotency_key = key, content = content }
end

-- ---- Sending it ----

-- Returned at once instead of waited for.
local not_queued = { IDEMPOTENCY_IN_PROGRESS = true,
                     concurrency_limit_reached = false }

-- Gets the generation that the service has named instead of its outcome.
local function get_named(generations, this, id)
  local options = this.options
  local generation, err = generations:get(id, { headers = options.headers,
    timeout = math.max(1, this:remaining()), tag = options.tag })
  if generation then return generation end
  local open = this.open
  open.cause = err
  return nil, open
end

--- Sends a fixed request until its outcome is known, or no repetition is
--- allowed any more.
---@param generations lipsync.Generations
---@param spec table  of the row
---@param fixed lipsync.FixedCreate
---@param options lipsync.CreateOptions  checked
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err
function create.send(generations, spec, fixed, options)
  local key = fixed.idempotency_key
  local this = call.new(generations.client, setmetatable({
    idempotency_key = key, body = fixed.content,
    content_type = "application/json",
    headers = schema.join(options.headers or {}, { ["Idempotency-Key"] = key }),
    later = options.queue == false and not_queued or nil,
  }, spec), options)
  local value, err, note = this:run()
  if note == "named" then return get_named(generations, this, value) end
  return value, err
end

--- See client.generations:create.
---@param generations lipsync.Generations
---@param spec table  of the row
---@param request lipsync.CreateRequest
---@param options lipsync.CreateOptions|nil
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err
function create.run(generations, spec, request, options)
  options = schema.read(create.options, options, "options")
  local fixed, err = create.read(generations.client, spec, request, options)
  if not fixed then return nil, err end
  return create.send(generations, spec, fixed, options)
end

return create
