-- SPDX-License-Identifier: MIT
-- A receipt: a small file about one create, which outlives the process. Before
-- anything could be created it says under which Idempotency-Key, and afterwards
-- what came of it; so the same create, begun again, does not pay twice.
--
-- Its state is
--   prepared  nothing could have been created yet; `assets` has the ids of the
--             files that were uploaded before
--   open      since `open_at` (seconds since 1970) it may have been; the last
--             request was sent at `sent_at`
--   created   `id`, and `object`, the JSON text
--   done      the same, and nothing is left to do: its output was downloaded to
--             `path`, of `bytes`, or it was deleted
--   refused   nothing was created, and nothing will be under this key
-- It is replaced as a whole, and on disk before the create goes on; a thread
-- waits for the disk where other tasks could run meanwhile. A lock beside it,
-- NAME.lock, keeps other processes away as long as the create lasts.

local call = require "lipsync.call"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local file = require "lipsync.file"
local filter = require "lipsync.list.filter"
local host = require "lipsync.host"
local http = require "lipsync.http"
local http_date = require "lipsync.base.http_date"
local input_assets = require "lipsync.compound.input_assets"
local listing = require "lipsync.list.listing"
local lua51 = require "lipsync.host.lua51"
local message = require "lipsync.error.message"
local operation = require "lipsync.operation"
local shape = require "lipsync.shape"
local schema = require "lipsync.base.schema"
local sleep = require "lipsync.call.sleep"
local stopwatch = require "lipsync.base.stopwatch"
local text = require "lipsync.base.text"
local time = require "lipsync.base.time"

local Receipt = {}
Receipt.__index = Receipt

local receipt = {}

local version = 1

-- The longest receipt (bytes): it holds the request and the generation.
local longest = 4 * 1024 * 1024

-- Seconds between two looks whether another process has let go of it, and
-- whether the disk has it.
local lock_nap, disk_nap = 0.1, 0.005

-- How far around its sending a generation may have been created by the
-- service's clock (seconds).
local before, after = 120, 600

--- For how long after its sending a request is repeated under its key
--- (seconds). The service forgets keys after a time that is not known.
receipt.window = 600

-- ---- Reading and deciding ----

-- What else a state needs.
local states = {
  prepared = function() return true end,
  refused = function() return true end,
  open = function(note)
    return type(note.open_at) == "number"
      and type(note.sent_at or note.open_at) == "number"
  end,
  created = function(note) return type(note.id) == "string" end,
  done = function(note)
    return type(note.id) == "string" and type(note.object) == "string"
      and core.object("Generation", note.object) ~= nil
      and (note.path == nil
        or type(note.path) == "string" and type(note.bytes) == "number")
  end,
}

-- Whether a value is an array of files with their stamps.
local function are_files(value)
  if type(value) ~= "table" then return false end
  for _, each in ipairs(value) do
    if type(each) ~= "table" or type(each.path) ~= "string"
       or type(each.stamp) ~= "string" then
      return false
    end
  end
  return true
end

-- The receipt in a text; nil if it is none.
local function parse(bytes)
  local note = core.decode(bytes)
  local is_good = type(note) == "table" and note.version == version
    and states[note.state] and type(note.idempotency_key) == "string"
    and type(note.content) == "string"
    and type(core.decode(note.content)) == "table" and are_files(note.files)
    and (note.assets == nil or type(note.assets) == "table")
    and states[note.state](note)
  return is_good and note or nil
end

-- Whether a receipt is of this request: the same text and the same files.
local function is_of(note, request)
  if note.content ~= request.content or #note.files ~= #request.files then
    return false
  end
  for i, named in ipairs(request.files) do
    if named.path ~= note.files[i].path or named.stamp ~= note.files[i].stamp
    then
      return false
    end
  end
  return true
end

--- What to do with a request whose receipt is there.
---@param note table|nil  the receipt
---@param request { origin: string, account: string, content: string,
---   files: table }
---@param now number  seconds since 1970
---@param window number  for how long a key is good (seconds)
---@return string|nil step  "send": under a new key; "repeat": under the old
---   one; "find": it may have been created, and must be looked for; "fetch": it
---   was created; "give": as the receipt has it
---@return string|nil problem  why none of them
function receipt.decide(note, request, now, window)
  if not note or note.state == "prepared" or note.state == "refused" then
    return "send"
  elseif note.origin ~= request.origin or note.account ~= request.account then
    return nil, "is of another api_key or base_url"
  elseif not is_of(note, request) then
    return nil, "is of another request"
  elseif note.state == "created" then
    return "fetch"
  elseif note.state == "done" then
    return "give"
  end
  -- A receipt from the future was written by a clock that cannot be trusted.
  local age = now - note.open_at
  return age >= 0 and age <= window and "repeat" or "find"
end

-- ---- The file ----

local function about_of(client, spec, options)
  local about = operation.about(client, spec, options)
  about.path = spec.path
  return about
end

-- The error of a failure of the file.
local function broken(self, failure)
  return errors.from_failure(failure, self.about)
end

local function refuse(self, problem)
  return errors.new("invalid", ('the receipt "%s" %s'):format(self.path,
    problem), self.about, nil, "receipt")
end

-- Locks the receipt; waits for another process until `timeout` on the clock.
local function take_lock(self, timeout)
  local opened, failure = file.open(self.path .. ".lock", "edit")
  if not opened then
    if failure.code == "file_missing" then failure.code = "folder_missing" end
    return nil, broken(self, failure)
  end
  self.lock = opened
  while true do
    local locked, holder = opened:lock()
    if locked then return true end
    local left = timeout - self.clock:seconds()
    if locked == nil then return nil, broken(self, holder) end
    if left <= 0 then
      return nil, broken(self, { code = "file_locked", path = self.path,
                                 pid = holder })
    end
    local slept, err = sleep.run(self.client, math.min(lock_nap, left),
      self.about.action, self.clock, self.about.tag)
    if not slept then return nil, err end
  end
end

-- Reads and closes a file; nil if it is no receipt for its length alone.
local function read_all(opened)
  local size = opened:size()
  local bytes = size and size <= longest and opened:read(size + 1)
  opened:close()
  return bytes or nil
end

-- Reads what is there.
local function load(self)
  local opened, failure = file.open(self.path, "read")
  if not opened then
    if failure.code == "file_missing" then return true end
    return nil, broken(self, failure)
  end
  local bytes = read_all(opened)
  self.note = parse(bytes or "")
  if self.note then return true end
  return nil, refuse(self, "is none: another file has this name")
end

local function new(client, spec, options, clock)
  return setmetatable({ client = client, path = options.receipt, lock = false,
    clock = clock, about = about_of(client, spec, options), job = false,
    written = nil, note = nil, attempt = false, ahead = 0, over = false },
    Receipt)
end

local function canceled(self)
  return nil, errors.new("canceled", message.canceled, self.about, "canceled")
end

-- Opens and locks it. It ends with its task, as a call does.
local function open(client, spec, options, clock)
  local self = new(client, spec, options, clock)
  local there, err = take_lock(self,
    options.timeout or client.options.timeout)
  local scheduler = client:runtime().scheduler
  if there and scheduler.is_used then
    scheduler:adopt(self)
    if self.over then return canceled(self) end
  end
  if there then there, err = load(self) end
  if there then return self end
  self:close()
  return nil, err
end

-- ---- Writing it ----

-- Begins to replace the receipt; by a thread, unless it is to be done here.
local function begin(self, note, here)
  self.written = note
  self.job = file.job { replace = self.path, bytes = core.encode(note) .. "\n",
                        here = here or host.waits_for_disk(self.client) }
end

-- Takes what the job for the disk returns: false if it has not ended, else
-- true, or nil and an error.
local function take(self, done, failure)
  if done == false then return false end
  self.job:close()
  self.job = false
  if not done then return nil, broken(self, failure) end
  self.note = self.written
  return true
end

-- Whether the disk has what was written; false: not yet.
local function settle(self)
  if not self.job then return true end
  return take(self, self.job:done())
end

-- Has the disk take what was written, for one that is not to wait any more.
local function hurry(self)
  local done, failure = self.job:stop()
  if done == false then  -- not begun, and now taken back
    self.job:close()
    begin(self, self.written, true)
    done, failure = self.job:done()
  end
  return take(self, done, failure)
end

-- Waits until the disk has what was written. A task that is canceled meanwhile
-- learns that from what it does next.
local function wait(self)
  local done, err = settle(self)
  while done == false do
    if sleep.run(self.client, disk_nap, self.about.action) then
      done, err = settle(self)
    else
      done, err = hurry(self)
    end
  end
  return done, err
end

-- Replaces the receipt.
local function write(self, note)
  if self.over then return canceled(self) end
  wait(self)  -- for what an attempt began whose response came early
  begin(self, note)
  return wait(self)
end

-- A copy with another state.
local function changed(self, state, members)
  local note = schema.join(self.note, members)
  note.state = state
  return note
end

local function change(self, state, members)
  return write(self, changed(self, state, members))
end

--- Says what is about to be sent.
---@param request table  as for receipt.decide
---@param fixed table  idempotency_key, boundary and assets; it gets those that
---   an earlier run of the same request has uploaded
---@return boolean|nil
---@return lipsync.Error|nil err
function Receipt:prepare(request, fixed)
  local earlier = self.note
  if fixed.assets and earlier and earlier.assets
     and earlier.state ~= "refused" and earlier.origin == request.origin
     and earlier.account == request.account and is_of(earlier, request) then
    fixed.assets = earlier.assets
  end
  return write(self, { version = version, state = "prepared",
    assets = fixed.assets,
    origin = request.origin, account = request.account,
    content = request.content, files = request.files,
    idempotency_key = fixed.idempotency_key, boundary = fixed.boundary })
end

--- Says which assets there are by now.
---@return boolean|nil
---@return lipsync.Error|nil err
function Receipt:keep_assets()
  return write(self, self.note)
end

--- Says that it may be created from now on. Requests that were refused before,
--- such as those of a wait for its turn, have created nothing.
---@param this table  the call, whose request waits for this
---@return boolean|nil  false: the disk has it not yet; call again
---@return lipsync.Error|nil err
function Receipt:expect(this)
  local done, err = settle(self)
  if not done or self.attempt == this.attempt then return done, err end
  self.attempt = this.attempt
  local now = core.time()
  begin(self, changed(self, "open", { sent_at = now,
    open_at = this.open and self.note.open_at or now }))
  return settle(self)
end

--- Says what was created.
---@param generation lipsync.Generation
---@return boolean|nil
---@return lipsync.Error|nil err
function Receipt:accept(generation)
  return change(self, "created", { id = generation:get "id",
    object = generation:json { compact = true } })
end

--- Says that nothing is left to do.
---@param members table  object, path, bytes, type and asked; see `done`
---@return boolean|nil
---@return lipsync.Error|nil err
function Receipt:finish(members)
  return change(self, "done", members)
end

--- Says that nothing was created.
---@return boolean|nil
---@return lipsync.Error|nil err
function Receipt:refuse()
  return change(self, "refused", {})
end

--- Lets go of the lock. Idempotent.
function Receipt:close()
  self.over = true
  if self.job then self.job:close() end
  self.job = false
  if self.lock then self.lock:close() end
  self.lock = false
end

--- For the task that it belongs to.
Receipt.cancel = Receipt.close

-- ---- Looking for what may have been created ----

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

-- The request in a receipt, as the service reads it; of a multipart body
-- without its files.
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

-- The ids in the other receipts of the folder. What a crash has left of the
-- writing of this one is none of them.
local function ids_of_others(path)
  local folder, own = path:match "^(.*/)[^/]*$", path:match "[^/]*$"
  local ids = {}
  for _, name in ipairs(file.names(folder or ".") or {}) do
    local other = name ~= own and name ~= own .. ".new"
      and not name:find("%.lock$")
      and file.open((folder or "") .. name, "read")
    local note = other and parse(read_all(other) or "")
    if note and note.id then ids[note.id] = true end
  end
  return ids
end

-- The list of generations. Notes how far the service's clock is ahead of this
-- machine's, before it gives the first one.
local function list(self, generations, options)
  local spec = setmetatable({}, generations.specs.list)
  function spec.accept_page(this, status, value)
    local date = this.attempt:header "date"
    local at = date and http_date.parse(date)
    self.ahead = at and at - core.time() or 0
    return shape.objects.accept(this, status, value)
  end
  spec.__index = spec
  local left = options.timeout
    and math.max(0, options.timeout - self.clock:seconds())
  return listing.new(generations, spec,
    filter.read(spec.query, { page_size = 100 }), call.part(options, left))
end

--- Looks for the generation of an open receipt, among those that were created
--- when it was sent, by the service's clock as it is now.
---@param generations lipsync.Generations
---@param options table  of the create
---@return lipsync.Generation[]|nil candidates
---@return lipsync.Error|nil err
function Receipt:find(generations, options)
  local wanted = request_of(self.note)
  local note = self.note
  if type(wanted.outputFileName) ~= "string" then return {} end
  local taken, candidates = ids_of_others(self.path), {}
  local found = list(self, generations, options)
  while true do
    local generation, err = found:next()
    if err then return nil, err end
    local created = generation and time.parse(generation:get "createdAt")
    created = created and created - self.ahead
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

-- ---- A create with a receipt ----

-- The paths of the files of a request, in their order.
local function paths_of(fixed)
  local paths = {}
  if fixed.assets then
    for _, path in pairs(input_assets.files(fixed.content)) do
      paths[#paths + 1] = path
    end
    table.sort(paths)
  end
  for _, part in ipairs(fixed.boundary and core.decode(fixed.content) or {}) do
    paths[#paths + 1] = part.file
  end
  return paths
end

-- Whose generations a client makes: the origin, and what stands for the key.
local function owner_of(client)
  return client.known.base_url, client:runtime().session:account() or ""
end

-- What the receipt has to be of.
local function describe(self, client, fixed)
  local files = {}
  for i, path in ipairs(paths_of(fixed)) do
    local stamp, failure = http.stamp(path)
    if not stamp then return nil, broken(self, failure) end
    files[i] = { path = path, stamp = stamp }
  end
  local origin, account = owner_of(client)
  return { origin = origin, account = account, content = fixed.content,
           files = files }
end

-- The error where the outcome cannot be found out.
local function unknown(self, candidates)
  local about = self.about
  about.outcome_unknown = true
  about.idempotency_key = self.note.idempotency_key
  local err = errors.new("invalid", ('the receipt "%s" is open since %s, which '
    .. "is too long ago to repeat the request, and of the generations made "
    .. "then %s can be the one. Look for it and remove the receipt, or pass "
    .. 'on_unknown = "create", which may create a second one'):format(
      self.path, os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(self.note.open_at)),
      #candidates == 0 and "none" or ("%d"):format(#candidates)),
    about, nil, "receipt")
  err.candidates = candidates
  return err
end

-- Whether an error means that nothing was created, and nothing will be. A key
-- that the service knows from another request (409, whose body may be cut), or
-- from a deleted object (404), was used to create one.
local function is_refusal(err)
  return not err.outcomeUnknown and err.statusCode ~= 404
    and err.statusCode ~= 409
end

-- Sends the request and notes the outcome. A generation that was created and
-- cannot be noted is still returned; the receipt then stays open, and the next
-- run gets the same one by its key.
local function send_noted(self, send, fixed, earlier)
  local value, err = send(fixed, function(this)
    return self:expect(this)
  end, earlier)
  if value then return value, nil, select(2, self:accept(value)) end
  if is_refusal(err) then
    local done, problem = self:refuse()
    if not done then err.cause = err.cause or problem end
  end
  return nil, err
end

-- What an earlier run left open, for call/init.lua.
local function earlier_run(self)
  self.about.outcome_unknown = true
  return { at = self.note.open_at, err = errors.new("connection",
    "an earlier run did not get the response", self.about) }
end

-- Fetches the generation that was created.
local function fetch(self, generations, options)
  local this, err = operation.prepare(generations, generations.specs.get,
    self.note.id, call.part(options, options.timeout), { clock = self.clock })
  if not this then return nil, err end
  return this:run()
end

local function go_on(self, generations, options, fixed, by)
  local request, err = describe(self, generations.client, fixed)
  if not request then return nil, err end
  local step, problem = receipt.decide(self.note, request, core.time(),
    options.repeat_for or receipt.window)
  if not step then return nil, refuse(self, problem) end
  if step == "fetch" then return fetch(self, generations, options) end
  if step == "give" then
    return core.object("Generation", self.note.object, self.client)
  end
  if step == "repeat" then
    return send_noted(self, by.send, self.note, earlier_run(self))
  end
  if step == "find" then
    local candidates
    candidates, err = self:find(generations, options)
    if not candidates then return nil, err end
    if #candidates == 1 then
      return candidates[1], nil, select(2, self:accept(candidates[1]))
    elseif options.on_unknown ~= "create" then
      return nil, unknown(self, candidates)
    end
  end
  local done
  fixed.files = request.files
  done, err = self:prepare(request, fixed)
  if done and fixed.assets then
    done, err = by.upload(fixed, function() return self:keep_assets() end)
  end
  if not done then return nil, err end
  return send_noted(self, by.send, fixed)
end

local function closed(self, ok, ...)
  self:close()
  if ok then return ... end
  core.raise((...))
end

--- Creates a generation under a receipt, or goes on with what an earlier run
--- began under it.
---@param generations lipsync.Generations
---@param spec table  of the row
---@param options lipsync.CreateOptions  checked; `receipt` is its path
---@param fixed lipsync.FixedCreate
---@param by { send: function, upload: function, clock: table }
---   send: fun(fixed: lipsync.FixedCreate, on_held: function,
---   earlier: table|nil): lipsync.Generation|nil, lipsync.Error|nil.
---   upload: fun(fixed: lipsync.FixedCreate, note: function): boolean|nil,
---   lipsync.Error|nil, uploads the files that become assets.
---   clock: a stopwatch for the whole
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err
---@return lipsync.Error|nil unnoted  why the receipt does not say so
function receipt.run(generations, spec, options, fixed, by)
  local self, err = open(generations.client, spec, options, by.clock)
  if not self then return nil, err end
  -- What is raised (by a hook) must not keep the lock. Lua 5.1 cannot yield
  -- inside pcall; there the collector gives it back.
  if lua51.is_limited() then
    return closed(self, true, go_on(self, generations, options, fixed, by))
  end
  return closed(self, pcall(go_on, self, generations, options, fixed, by))
end

-- ---- After the create ----

-- An error unless the receipt, as it was read, is of this generation.
local function check_own(self, id)
  local note = self.note
  if not note then return refuse(self, "does not exist") end
  local origin, account = owner_of(self.client)
  if note.id ~= id or note.origin ~= origin or note.account ~= account then
    return refuse(self, "is of another generation, api_key or base_url")
  end
  return nil
end

--- Reads the receipt of a generation.
---@param client table
---@param spec table  of the row of the call that has the receipt
---@param options table  the call's own, with `receipt`
---@param id string
---@return table|nil note
---@return lipsync.Error|nil err
function receipt.read(client, spec, options, id)
  local self = new(client, spec, options, stopwatch.new())
  local there, err = load(self)
  if there then err = check_own(self, id) end
  if err then return nil, err end
  return self.note
end

--- Notes that nothing is left to do for a generation.
---@param client table
---@param spec table  of the row of the call that has the receipt
---@param options table  the call's own, with `receipt`
---@param id string
---@param members table  see Receipt:finish
---@return boolean|nil
---@return lipsync.Error|nil err
function receipt.finish(client, spec, options, id, members)
  local self, err = open(client, spec, { receipt = options.receipt,
    tag = options.tag }, stopwatch.new())
  if not self then return nil, err end
  err = check_own(self, id)
  if err then
    self:close()
    return nil, err
  end
  local done, problem = self:finish(members)
  self:close()
  return done, problem
end

return receipt
