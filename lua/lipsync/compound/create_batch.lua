-- SPDX-License-Identifier: MIT
-- Creating a batch: many requests for generations in one. Checks them here, as
-- far as it can, because one wrong row has the service refuse all of them. The
-- service has no idempotency keys for batches: a request whose outcome is
-- unknown is never repeated; its batch is looked for by time.

local api = require "lipsync.api"
local call = require "lipsync.call"
local core = require "lipsync.core"
local create = require "lipsync.compound.create"
local errors = require "lipsync.error"
local file = require "lipsync.file"
local filter = require "lipsync.list.filter"
local http_date = require "lipsync.base.http_date"
local media_type = require "lipsync.base.media_type"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"
local shape = require "lipsync.shape"
local time = require "lipsync.base.time"
local trim = require "lipsync.base.text".trim
local upload = require "lipsync.call.upload"

local create_batch = {}

---@class lipsync.BatchRow
---@field request_id string  a name for the row, which no other one has
---@field endpoint string|nil  "/v2/generate"
---@field payload lipsync.CreateRequest  without files

---@class lipsync.BatchOptions : lipsync.CallOptions
---@field webhook_url string|nil  is told when the batch has ended
---@field dry_run boolean|nil  true: the service only checks the rows
---@field timeout number|nil  seconds; default 600
---@field answer_timeout number|nil  seconds from the last byte of the request
---   to the first of the response; default 300
---@field queue boolean|nil  false: an organization with as much under way as it
---   may have is an error at once; default true: waits within the timeout
---@field on_progress nil|fun(sent: integer, total: integer)  bytes of a file of
---   rows
create_batch.options = schema.join(operation.options, {
  webhook_url = schema.text, dry_run = schema.boolean, queue = schema.boolean,
  answer_timeout = schema.seconds, on_progress = schema.callable(),
})

-- What a batch may have: rows, and bytes of them.
local rows_least, rows_most, bytes_most = 20, 500, 5 * 1024 * 1024

local endpoint = "/v2/generate"

-- In seconds: the whole call; from the last byte of the request to its
-- response, before which the service checks all rows.
local timeout, patience = 600, 300

-- Bytes that are read from a file at once.
local piece = 64 * 1024

-- ---- Reading the rows ----

local takes = api.generations.create.takes

local members = {
  request_id = schema.text, payload = takes,
  endpoint = function(value, name)
    if value == endpoint then return value end
    misuse.raise(('%s must be "%s", got %s'):format(name, endpoint,
      misuse.show(value)))
  end,
}

local row_type = schema.record(members, { "request_id", "payload" })

-- Nothing can be added to a line of a file.
local line_type = schema.record(members,
  { "request_id", "endpoint", "payload" })

-- A value as a row, and the name of its payload. A request of the program alone
-- is named after its number.
local function to_row(self, value, name, number)
  misuse.plain_table(value, name)
  if self.is_file then return line_type(value, name), name .. ".payload" end
  if value.payload == nil and value.request_id == nil then
    return { request_id = ("%d"):format(number), payload = takes(value, name) },
      name
  end
  return row_type(value, name), name .. ".payload"
end

-- Raises for a payload with a file, which no row can hold.
local function check_files(input, name)
  for i, item in ipairs(input) do
    if item.file then
      misuse.raise(("%s.input[%d].file: a batch takes no files; upload it with "
        .. "client.assets:upload and pass its assetId"):format(name, i))
    end
  end
end

-- Takes a row. Returns what is wrong with it and the field, if that may come
-- from elsewhere; raises for misuse.
local function take(self, value, name)
  local number = self.count + 1
  if number > rows_most then
    misuse.raise(("a batch has at most %d rows"):format(rows_most))
  end
  local row, of = to_row(self, value, name, number)
  local other = self.names[row.request_id]
  if other then
    misuse.raise(("%s.request_id is %s, as that of %s"):format(name,
      misuse.show(row.request_id), other))
  end
  check_files(row.payload.input, of)
  local problem, field = create.check_input(row.payload.input, of, of .. ".")
  if problem then return problem, field end
  row.endpoint = endpoint
  self.count, self.names[row.request_id] = number, name
  return nil, row
end

local function new_rows(is_file)
  return { count = 0, names = {}, is_file = is_file }
end

local function count_problem(self)
  if self.count >= rows_least then return nil end
  return ("a batch has %d to %d rows, got %d"):format(rows_least, rows_most,
    self.count)
end

local function size_problem(size)
  if size <= bytes_most then return nil end
  return ("a batch has at most 5 MB of rows, got %.0f bytes"):format(size)
end

local function invalid(self, problem, field)
  return operation.invalid(self.client, self.spec, self.options, problem, field)
end

-- Reads requests of the program into the JSON text of a body.
local function read_requests(self, requests)
  local rows, all, more = new_rows(false), {}, create.each(requests)
  while true do
    local value = more()
    if value == nil then break end
    local problem, row = take(rows, value, ("requests[%d]"):format(#all + 1))
    if problem then
      return nil, invalid(self, problem, row)
    end
    all[#all + 1] = row
  end
  local problem = count_problem(rows)
  if problem then misuse.raise(problem) end
  local options = self.options
  local text, err = operation.encode(self.client, self.spec, options, {
    rows = all, webhook_url = options.webhook_url, dry_run = options.dry_run })
  if not text then return nil, err end
  problem = size_problem(#text)
  if problem then
    return nil, invalid(self, problem, "requests")
  end
  return { content = text, count = rows.count }
end

-- ---- A file of rows ----

-- Calls fn(line, number) for the lines of a file, until it returns something.
local function each_line(from, fn)
  local rest, number = "", 0
  while true do
    local bytes, failure = from:read(piece)
    if not bytes then return nil, failure end
    rest = rest .. bytes
    -- No pattern: it would look for the end of a long line from each byte.
    local at, stop = 1, rest:find("\n", 1, true)
    while stop do
      number = number + 1
      local result = fn(rest:sub(at, stop - 1), number)
      if result then return result end
      at = stop + 1
      stop = rest:find("\n", at, true)
    end
    rest = rest:sub(at)
    if bytes == "" then return rest ~= "" and fn(rest, number + 1) or nil end
  end
end

-- Checks the rows of an open file. Returns their number, or nil and a problem,
-- or nil, nil and a raw failure.
local function check_lines(from)
  local rows = new_rows(true)
  local problem, failure = each_line(from, function(line, number)
    if trim(line) == "" then return nil end
    local name = ("line %d"):format(number)
    local value = core.decode(line)
    if value == nil then return name .. " is not JSON" end
    local _, wrong = misuse.caught(take, rows, value, name)
    return wrong
  end)
  if failure then return nil, nil, failure end
  problem = problem or count_problem(rows)
  return not problem and rows.count or nil, problem
end

local function refuse_file(self, problem, raw)
  if problem then
    return nil, invalid(self, ('"%s": %s'):format(self.path, problem),
      "requests")
  end
  return nil, errors.from_failure(raw,
    operation.about(self.client, self.spec, self.options))
end

-- Checks a file of rows, and fixes what is sent of it: its bytes, as they are.
local function read_file(self, path)
  self.path = path
  if path:find("\0", 1, true) or not core.encode(path) then
    return nil, invalid(self, "the path is no text", "requests")
  end
  local from, failure = file.open(path, "read")
  if not from then return refuse_file(self, nil, failure) end
  local problem, count = size_problem(from:size() or 0), nil
  if not problem then count, problem, failure = check_lines(from) end
  from:close()
  if not count then return refuse_file(self, problem, failure) end
  local parts = { { name = "input", file = path, type = "application/x-ndjson",
                    filename = media_type.file_name(path) } }
  local options = self.options
  for _, name in ipairs { "webhook_url", "dry_run" } do
    local value = options[name]
    if value then
      parts[#parts + 1] = { name = name, bytes = tostring(value) }
    end
  end
  return { content = core.encode(parts), count = count,
           boundary = "lipsync-" .. core.random_text() }
end

-- ---- Sending them ----

local not_queued = { concurrency_limit_reached = false }

-- Makes the call. The errors of one with an unknown outcome say where to look.
-- Notes when the last bytes were sent, or could have been.
local function make_call(self, fixed)
  local options = self.options
  local own, err = create.open_body(self.client, self.spec, fixed, options)
  if not own then return nil, err end
  own.timeout, own.answer_timeout = timeout, patience
  own.later = options.queue == false and not_queued or nil
  own.on_held = own.hold and function(this)
    local unchanged, problem = upload.check_files(this)
    self.sent_at = core.time()
    return unchanged, problem
  end
  -- From then on it may create one, even if something is raised later.
  function own.on_start()
    self.sent_at = core.time()
    if self.is_open or options.dry_run then return end
    self.is_open, self.batches._open = true, self.batches._open + 1
  end
  if self.spec.unknown then
    own.unknown = self.spec.unknown:format(self.since)
  end
  return call.new(self.client, setmetatable(own, self.spec), options),
    nil, own.length
end

-- ---- Looking for what may have been created ----

-- In seconds: how much earlier than this machine's clock says the service may
-- have created the batch, and by how much its clock may differ where that is
-- known from its response, which has whole seconds.
local clocks, second = 24 * 3600, 2

local function iso(at)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(at))
end

-- Whether a batch may be the one, which was not created before `since`.
local function fits(self, batch, since, count)
  local created = time.parse(batch:get "created_at")
  local metrics, url = batch:get "metrics", batch:get "webhookUrl"
  local wanted = self.options.webhook_url
  return created ~= nil and created >= since
    and type(metrics) == "table" and metrics.total_generations == count
    and (not wanted or type(url) ~= "string" or url == wanted)
    and not self.batches._made[batch:get "id"]
end

-- The call for the batches since then. Notes the difference of the clocks.
local function list_call(self)
  local spec = self.batches.specs.list
  local own = { read = shape.objects.read, target = filter.target(spec.query,
    spec.path, { created_after = iso(self.sent_at - clocks) }, {}) }
  function own.accept(this, status, value)
    local date = this.attempt:header "date"
    local at = date and http_date.parse(date)
    self.ahead = at and at - core.time() or nil
    return shape.objects.accept(this, status, value)
  end
  return call.new(self.client, setmetatable(own, spec),
    call.part(self.options))
end

-- Looks once for the batch of a request whose outcome is unknown. Returns it,
-- or adds to the error what was found.
local function look_up(self, err, count)
  local found, problem = list_call(self):run()
  if not found then
    err.cause = err.cause or problem
    return nil, err
  end
  local since = self.ahead and self.sent_at + self.ahead - second
    or self.sent_at - clocks
  err.candidates = {}
  for _, batch in ipairs(found) do
    if fits(self, batch, since, count) then
      err.candidates[#err.candidates + 1] = batch
    end
  end
  -- Another request of this client may have created it.
  if #err.candidates == 1 and self.ahead and self.batches._open == 1 then
    return err.candidates[1], nil, "found"
  end
  return nil, err
end

-- Remembers that this client has created a batch, for as long as a look-up
-- could come upon it.
local function remember(batches, id)
  local made, at = batches._made, core.time()
  for other, since in pairs(made) do
    if at - since > clocks then made[other] = nil end
  end
  made[id] = at
end

-- ---- All of it ----

--- See client.batches:create.
---@param batches lipsync.Batches
---@param specs table  of its rows
---@param requests table|string|function
---@param options lipsync.BatchOptions|nil
---@return lipsync.Batch|nil batch
---@return lipsync.Error|nil err
---@return string|nil note
function create_batch.run(batches, specs, requests, options)
  options = schema.read(create_batch.options, options, "options")
  -- When this client has created batches, by their ids, and how many requests
  -- may still create one.
  batches._made = batches._made or {}
  batches._open = batches._open or 0
  local self = { batches = batches, client = batches.client, options = options,
                 spec = options.dry_run and specs.check or specs.create }
  local fixed, err
  if type(requests) == "string" then
    fixed, err = read_file(self, schema.text(requests, "requests"))
  else
    fixed, err = read_requests(self, requests)
  end
  if not fixed then return nil, err end
  self.since = iso(core.time())
  local this, failure, length = make_call(self, fixed)
  if not this then return nil, failure end
  local batch, note
  batch, err, note = upload.run(this, length)
  if err and err.outcomeUnknown and not options.dry_run then
    batch, err, note = look_up(self, err, fixed.count)
  end
  if self.is_open and (batch or not err.outcomeUnknown) then
    batches._open = batches._open - 1
  end
  if batch and not options.dry_run then remember(batches, batch:get "id") end
  return batch, err, note
end

return create_batch
