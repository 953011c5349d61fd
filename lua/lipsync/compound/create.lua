-- SPDX-License-Identifier: MIT
-- Creating a generation so that it is paid for once: every request of a call
-- carries the same Idempotency-Key and the same bytes. Files go along as parts
-- of a multipart body, read from disk while they are sent, or are uploaded as
-- assets before.

local call = require "lipsync.call"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local http = require "lipsync.http"
local load = require "lipsync.host.load"
local media_type = require "lipsync.base.media_type"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"
local stopwatch = require "lipsync.base.stopwatch"
local texts = require "lipsync.base.text"
local upload = require "lipsync.call.upload"

local create = {}

---@class lipsync.InputItem
---@field type string  video, audio, image or text
---@field url string|nil  of the medium: this, or one of the next two
---@field assetId string|nil
---@field file string|nil  path of a file on this machine
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
---@field timeout number|nil  seconds; a request with files has none unless it
---   is given here
---@field answer_timeout number|nil  seconds from the last byte of the request
---   to the first of the response; default 300 with files, else stall_timeout
---@field upload string|nil  "multipart" (default): files are sent with the
---   request; "asset": each is uploaded as an asset before
---@field on_progress nil|fun(sent: integer, total: integer)  bytes of the
---   request with files, or of the file that is uploaded; begins anew with each
---   attempt
---@field repeat_for number|nil  seconds for which a request is repeated under
---   its key after its outcome became unknown; default 600
---@field receipt string|nil  path of a file that remembers this create, so that
---   it is not paid for twice when the process is killed; see receipt.lua
---@field on_unknown string|nil  "create": sends the request anew where a
---   receipt is older than repeat_for and nothing is found; default "error"
create.options = schema.join(operation.options, {
  idempotency_key = schema.string, queue = schema.boolean,
  repeat_for = schema.seconds, receipt = schema.text,
  on_unknown = schema.choice { "error", "create" },
  answer_timeout = schema.seconds, on_progress = schema.callable(),
  upload = schema.choice { "multipart", "asset" },
})

-- In seconds: from the last byte of a request with files to its response. In
-- bytes: the end of a body that is held back until the files are known not to
-- have changed.
local patience, held = 300, 4096

-- ---- Reading a request ----

--- The requests of an array or an iterator, one by one. Raises for others, and
--- for one request alone.
---@param requests lipsync.CreateRequest[]|fun(): lipsync.CreateRequest|nil
---@return fun(): lipsync.CreateRequest|nil
function create.each(requests)
  if misuse.callable(requests) then return requests end
  misuse.length(requests, "requests")
  local index = 0
  return function()
    index = index + 1
    return requests[index]
  end
end

-- Types whose medium the service reads from somewhere.
local media = { video = true, audio = true, image = true }

-- Schemes that only this machine understands.
local is_local = { data = true, file = true }

-- Why the service cannot read this address; nil if it may.
local function bad_url(text)
  local scheme = text:match "^([A-Za-z][A-Za-z0-9+.-]+):"
  if not scheme then return "is no address that the service can read" end
  scheme = texts.lower(scheme)
  return is_local[scheme]
    and ("begins with %s:, which the service does not read"):format(scheme)
end

-- The test (core.fits) of a request in which nothing is left to be checked, as
-- in most: all items of its input have addresses with https: and no other
-- place. `form` is the test of any request.
local function plain_form(form)
  local own, item = schema.join(form), schema.join(form.input[0])
  item.url, item.assetId, item.file = "https:", nil, nil
  item[#item + 1] = "url"
  own.input = { [0] = item }
  return own
end

-- The body of a request, and whether nothing is left to be checked of it.
-- Raises for misuse.
local function read_body(spec, request)
  spec.plain = spec.plain or plain_form(spec.test)
  if core.fits(request, spec.plain) then return request, true end
  if core.fits(request, spec.test) then return request, false end
  return spec.takes(request, "request"), false
end

-- Raises unless a medium has exactly one place to be read from.
local function check_place(item, name)
  local count = (item.url and 1 or 0) + (item.assetId and 1 or 0)
    + (item.file and 1 or 0)
  if count > 1 or media[item.type] and count == 0 then
    misuse.raise(name .. " must have one of url, assetId and file")
  end
end

-- Raises for a file of a type that no file has.
local function check_type(item, name)
  if media[item.type] then return end
  misuse.raise(("%s.type must be video, audio or image with a file, got %s")
    :format(name, misuse.show(item.type)))
end

-- Raises for a file with what no part can have: it has the name of its type,
-- and nothing else.
local function check_part(item, name, seen)
  if seen[item.type] then
    misuse.raise(("request.input has two files of the type %s; one of them "
      .. "must be an asset"):format(item.type))
  end
  seen[item.type] = true
  for member in pairs(item) do
    if member ~= "type" and member ~= "file" then
      misuse.raise(("%s.%s does not go with file, only with url or assetId")
        :format(name, member))
    end
  end
end

-- Why this path names no file; nil if it may.
local function bad_path(path)
  if path:find("\0", 1, true) then return "has a NUL" end
  return not core.encode(path) and "is not UTF-8; rename the file" or nil
end

-- Why a file can become no asset; nil if it can.
local function untyped(item)
  return media_type.of(item.file, item.type) == media_type.unknown
    and "has no ending by which its media type is known; upload it with "
      .. "client.assets:upload and content_type, and pass its assetId" or nil
end

-- What is wrong with an item, apart from misuse, for which it raises, and which
-- member. `parts` has the types of the files before it; nil: they are no parts.
local function check_item(item, name, parts)
  check_place(item, name)
  if not item.file then return item.url and bad_url(item.url), "url" end
  check_type(item, name)
  if parts then check_part(item, name, parts) end
  return bad_path(item.file) or not parts and untyped(item), "file"
end

--- What is wrong with the items of an input, apart from misuse: their addresses
--- may come from elsewhere. Raises for misuse.
---@param input lipsync.InputItem[]
---@param name string  of the request: "request"
---@param field_of string  what comes before "input" in a field: ""
---@param as_assets boolean|nil  whether files become assets, and are no parts
---@return string|false problem
---@return string|boolean field  the wrong one, or whether there are files
function create.check_input(input, name, field_of, as_assets)
  local files, has_files = not as_assets and {} or nil, false
  for i = 1, #input do
    has_files = has_files or input[i].file and true or false
    local problem, member = check_item(input[i], ("%s.input[%d]"):format(name,
      i), files)
    if problem then
      local field = ("%sinput[%d].%s"):format(field_of, i, member)
      return field .. " " .. problem, field
    end
  end
  return false, has_files
end

-- The key of a call, or nil and what is wrong.
local function key_of(options)
  local key = options.idempotency_key
  if not key then
    return core.random_text(), "the system has no random bytes for a key"
  end
  local problem = operation.bad_key(key)
  return not problem and key or nil, problem
end

-- The parts of a multipart body: plain text, or JSON where the value is no
-- text; then the files. Other items of the input are one array.
local function parts_of(body)
  local fields, parts, files, items = schema.join(body), {}, {}, {}
  for _, item in ipairs(body.input) do
    if item.file then
      files[#files + 1] = { name = item.type, file = item.file,
        filename = media_type.file_name(item.file),
        type = media_type.of(item.file, item.type) }
    else
      items[#items + 1] = item
    end
  end
  fields.input = items[1] and items
  for _, name in ipairs(misuse.keys(fields)) do
    local value = fields[name]
    parts[#parts + 1] = { name = name, bytes = type(value) == "string"
      and value or core.encode(value) }
  end
  for _, file in ipairs(files) do parts[#parts + 1] = file end
  return parts
end

---@class lipsync.FixedCreate  what is the same in every request of a create,
---   also of a later process
---@field idempotency_key string
---@field boundary string|nil  of a multipart body
---@field content string  JSON text of the body, or of the array of its parts
---@field assets table<string, string>|nil  the files of the body become assets,
---   see input_assets.lua
---@field files { path: string, stamp: string }[]|nil  the files as they must be

--- Checks a request and fixes what is sent of it. Raises for misuse.
---@param client table
---@param spec table  of the row
---@param request lipsync.CreateRequest
---@param options lipsync.CreateOptions  checked
---@return lipsync.FixedCreate|nil
---@return lipsync.Error|nil err  for what cannot be sent
function create.read(client, spec, request, options)
  local body, is_plain = read_body(spec, request)
  operation.check_headers(options)
  local as_assets, has_files = options.upload == "asset", false
  if not is_plain then
    local problem, found = create.check_input(body.input, "request", "",
      as_assets)
    if problem then
      return nil, operation.invalid(client, spec, options, problem, found)
    end
    has_files = found
  end
  local key, why = key_of(options)
  if not key then
    return nil, operation.invalid(client, spec, options, why,
      "idempotency_key")
  end
  local content, err = operation.encode(client, spec, options, body)
  if not content then return nil, err end
  if not has_files or as_assets then
    return { idempotency_key = key, content = content,
             assets = has_files and {} or nil }
  end
  return { idempotency_key = key, boundary = "lipsync-" .. core.random_text(),
           content = core.encode(parts_of(body)) }
end

-- ---- Sending it ----

-- Loaded when it is used, as the resources are that it needs.
local function input_assets()
  return load.module "lipsync.compound.input_assets"
end

-- Returned at once instead of waited for.
local not_queued = { IDEMPOTENCY_IN_PROGRESS = true,
                     concurrency_limit_reached = false }

-- Gets the generation that the service has named instead of its outcome.
local function get_named(generations, this, id)
  local generation, err = generations:get(id,
    call.part(this.options, math.max(1, this:remaining())))
  if generation then return generation end
  local open = this.repeats.err
  open.cause = err
  return nil, open
end

-- The path of a part whose file is another one than a receipt says.
local function changed_since(fixed, parts, body)
  local n = 0
  for i, part in ipairs(fixed.files and parts or {}) do
    if part.file then
      n = n + 1
      if body:stamp(i) ~= fixed.files[n].stamp then return part.file end
    end
  end
end

--- The members of a call's spec that have to do with its body. Opens its files,
--- and holds the end of the body back until `upload.check_files` was asked.
---@param client table
---@param spec table  of the row
---@param fixed lipsync.FixedCreate
---@param options table  the call's own
---@return table|nil own
---@return lipsync.Error|nil err
function create.open_body(client, spec, fixed, options)
  if not fixed.boundary then
    local content = fixed.assets
      and core.encode(input_assets().fill(fixed.content, fixed.assets))
    return { body = content or fixed.content,
             content_type = "application/json",
             idempotency_key = fixed.idempotency_key }
  end
  local parts = core.decode(fixed.content)
  parts.boundary = fixed.boundary
  local body, raw = http.body(parts)
  local changed = body and changed_since(fixed, parts, body)
  if changed then
    body:close()
    body, raw = nil, { code = "file_changed", path = changed }
  end
  if not body then
    return nil, errors.from_failure(raw,
      operation.about(client, spec, options))
  end
  return { body = body, parts = parts, length = body:length(), hold = held,
           idempotency_key = fixed.idempotency_key, is_transfer = true,
           timeout = math.huge, answer_timeout = patience }
end

-- Has the end of a body wait for `on_held`, where that is given, and for a look
-- at the files, where there are some. `own` is the call's spec.
local function hold(own, on_held)
  own.hold = own.hold or on_held and held or nil
  own.on_held = own.hold and function(this)
    local unchanged, problem = upload.check_files(this)
    if not unchanged then return nil, problem end
    if on_held then return on_held(this) end
    return true
  end
end

--- Sends a fixed request until its outcome is known, or no repetition is
--- allowed any more.
---@param generations lipsync.Generations
---@param spec table  of the row
---@param fixed lipsync.FixedCreate
---@param options lipsync.CreateOptions  checked
---@param on_held nil|fun(call: table): any, lipsync.Error|nil  called before
---   the last bytes of each attempt are sent; see lipsync.Spec
---@param earlier table|nil  what an earlier process left open, see
---   call/init.lua
---@param clock table|nil  a stopwatch that has run before; there is one where
---   files became assets
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err
function create.send(generations, spec, fixed, options, on_held, earlier, clock)
  local client = generations.client
  local own, err = create.open_body(client, spec, fixed, options)
  if not own then return nil, err end
  if own.hold or clock or next(options) ~= nil then
    own.earlier, own.repeat_window = earlier, options.repeat_for
    own.clock, own.is_patient = clock, options.is_patient
    own.later = options.queue == false and not_queued or nil
    if fixed.assets then
      own.timeout = clock:seconds() + client.options.timeout
    end
    hold(own, on_held)
    spec = setmetatable(own, spec)
  end
  local this = call.new(client, spec, options, nil, nil, nil, own)
  local value, failure, note = upload.run(this, own.length)
  if note == "named" then return get_named(generations, this, value) end
  return value, failure
end

--- Sends a fixed request as its options say: with a receipt or without.
---@param generations lipsync.Generations
---@param spec table  of the row
---@param fixed lipsync.FixedCreate
---@param options lipsync.CreateOptions  checked
---@param note nil|fun(key: string)  gets the idempotency key that is used
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err
---@return lipsync.Error|nil problem  of a receipt that could not be written
function create.perform(generations, spec, fixed, options, note)
  if not fixed.assets and not options.receipt then
    if note then note(fixed.idempotency_key) end
    return create.send(generations, spec, fixed, options)
  end
  local clock = stopwatch.new()
  local function uploaded(of, noted)
    return input_assets().upload(generations.client, of, options, clock, noted)
  end
  local function send(of, on_held, earlier)
    if note then note(of.idempotency_key) end
    return create.send(generations, spec, of, options, on_held, earlier, clock)
  end
  if options.receipt then
    local receipt = load.module "lipsync.compound.receipt"
    return receipt.run(generations, spec, options, fixed, { send = send,
      upload = uploaded, clock = clock })
  end
  local done, err = uploaded(fixed)
  if not done then return nil, err end
  return send(fixed)
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
  return create.perform(generations, spec, fixed, options)
end

return create
