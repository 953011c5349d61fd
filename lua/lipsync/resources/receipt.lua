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
--   refused   nothing was created, and nothing will be under this key
-- It is replaced as a whole, and on disk before the create goes on. A lock
-- beside it, NAME.lock, keeps other processes away as long as the create lasts.

local core = require "lipsync.core"
local errors = require "lipsync.error"
local file = require "lipsync.file"
local http = require "lipsync.http"
local input_assets = require "lipsync.resources.input_assets"
local lua51 = require "lipsync.host.lua51"
local operation = require "lipsync.operation"
local sleep = require "lipsync.call.sleep"
local text = require "lipsync.base.text"
local time = require "lipsync.base.time"

local Receipt = {}
Receipt.__index = Receipt

local receipt = {}

local version = 1

-- The longest receipt (bytes): it holds the request and the generation.
local longest = 4 * 1024 * 1024

-- Seconds between two looks whether another process has let go of it.
local lock_nap = 0.1

-- How far around its sending a generation may have been created by the
-- service's clock (seconds).
local before, after = 120, 600

--- For how long after its sending a request is repeated under its key
--- (seconds). The service forgets keys after a time that is not known.
receipt.window = 600

-- ---- Reading and deciding ----

local states = { prepared = true, open = true, created = true,
                 refused = true }

-- The receipt in a text; nil if it is none.
local function parse(bytes)
  local note = core.decode(bytes)
  local is_good = type(note) == "table" and note.version == version
    and states[note.state] and type(note.idempotency_key) == "string"
    and type(note.content) == "string" and type(note.files) == "table"
    and (note.assets == nil or type(note.assets) == "table")
    and (note.state ~= "open" or type(note.open_at) == "number"
      and type(note.sent_at or note.open_at) == "number")
    and (note.state ~= "created" or type(note.id) == "string")
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
---   was created
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

-- Locks the receipt; waits for another process at most `patience` seconds.
local function take_lock(self, client, patience)
  local opened, failure = file.open(self.path .. ".lock", "edit")
  if not opened then
    if failure.code == "file_missing" then failure.code = "folder_missing" end
    return nil, broken(self, failure)
  end
  self.lock = opened
  local until_ = core.now() + patience
  while true do
    local locked, holder = opened:lock()
    if locked then return true end
    local left = until_ - core.now()
    if locked == nil then return nil, broken(self, holder) end
    if left <= 0 then
      return nil, broken(self, { code = "file_locked", path = self.path,
                                 pid = holder })
    end
    local slept, err = sleep.run(client, math.min(lock_nap, left),
      self.about.action, nil, self.about.tag)
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

-- Opens and locks it.
local function open(client, spec, options)
  local self = setmetatable({ path = options.receipt, lock = false, note = nil,
    about = about_of(client, spec, options) }, Receipt)
  local there, err = take_lock(self, client,
    options.timeout or client.options.timeout)
  if there then there, err = load(self) end
  if there then return self end
  self:close()
  return nil, err
end

-- Replaces the receipt.
local function write(self, note)
  local done, failure = file.replace(self.path, core.encode(note) .. "\n")
  if not done then return nil, broken(self, failure) end
  self.note = note
  return true
end

-- Writes a copy with another state.
local function change(self, state, members)
  local note = {}
  for name, value in pairs(self.note) do note[name] = value end
  for name, value in pairs(members or {}) do note[name] = value end
  note.state = state
  return write(self, note)
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
---@param now number  seconds since 1970
---@param is_open boolean  whether an earlier request may have created it
---@return boolean|nil
---@return lipsync.Error|nil err
function Receipt:expect(now, is_open)
  local since = is_open and self.note.open_at or now
  return change(self, "open", { open_at = since, sent_at = now })
end

--- Says what was created.
---@param generation lipsync.Generation
---@return boolean|nil
---@return lipsync.Error|nil err
function Receipt:accept(generation)
  return change(self, "created", { id = generation:get "id",
    object = generation:json { compact = true } })
end

--- Says that nothing was created.
---@return boolean|nil
---@return lipsync.Error|nil err
function Receipt:refuse()
  return change(self, "refused", {})
end

--- Lets go of the lock.
function Receipt:close()
  if self.lock then self.lock:close() end
  self.lock = false
end

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

--- Looks for the generation of an open receipt, among those that were created
--- when it was sent.
---@param generations lipsync.Generations
---@param options table  of the create
---@return lipsync.Generation[]|nil candidates
---@return lipsync.Error|nil err
function Receipt:find(generations, options)
  local wanted = request_of(self.note)
  local note = self.note
  local from, to = note.open_at - before, (note.sent_at or note.open_at) + after
  if type(wanted.outputFileName) ~= "string" then return {} end
  local taken, candidates = ids_of_others(self.path), {}
  local listing = generations:list({ page_size = 100 },
    { headers = options.headers, tag = options.tag })
  while true do
    local generation, err = listing:next()
    if err then return nil, err end
    local created = generation and time.parse(generation:get "createdAt")
    if not generation or created and created < from then break end
    if created and created <= to and not taken[generation:get "id"]
       and is_name(generation:get "outputFileName", wanted.outputFileName)
       and generation:get "model" == wanted.model
       and has_inputs(generation, wanted.input) then
      candidates[#candidates + 1] = generation
    end
  end
  listing:close()
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

-- What the receipt has to be of.
local function describe(self, client, fixed)
  local files = {}
  for i, path in ipairs(paths_of(fixed)) do
    local stamp, failure = http.stamp(path)
    if not stamp then return nil, broken(self, failure) end
    files[i] = { path = path, stamp = stamp }
  end
  return { origin = client.known.base_url, content = fixed.content,
           account = client:runtime().session:account() or "", files = files }
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
    return self:expect(core.time(), this.open and true or false)
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
  return generations:get(self.note.id, { timeout = options.timeout,
    max_attempts = options.max_attempts, headers = options.headers,
    stall_timeout = options.stall_timeout, tag = options.tag })
end

local function go_on(self, generations, options, fixed, send, upload)
  local request, err = describe(self, generations.client, fixed)
  if not request then return nil, err end
  local step, problem = receipt.decide(self.note, request, core.time(),
    options.repeat_for or receipt.window)
  if not step then return nil, refuse(self, problem) end
  if step == "fetch" then return fetch(self, generations, options) end
  if step == "repeat" then
    return send_noted(self, send, self.note, earlier_run(self))
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
  done, err = self:prepare(request, fixed)
  if done and fixed.assets then
    done, err = upload(fixed, function() return self:keep_assets() end)
  end
  if not done then return nil, err end
  return send_noted(self, send, fixed)
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
---@param send fun(fixed: lipsync.FixedCreate, on_held: function,
---   earlier: table|nil): lipsync.Generation|nil, lipsync.Error|nil
---@param upload fun(fixed: lipsync.FixedCreate, note: function): boolean|nil,
---   lipsync.Error|nil  uploads the files that become assets
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err
---@return lipsync.Error|nil unnoted  why the receipt does not say so
function receipt.run(generations, spec, options, fixed, send, upload)
  local self, err = open(generations.client, spec, options)
  if not self then return nil, err end
  -- What is raised (by a hook) must not keep the lock. Lua 5.1 cannot yield
  -- inside pcall; there the collector gives it back.
  if lua51.is_limited() then
    return closed(self, true, go_on(self, generations, options, fixed, send,
      upload))
  end
  return closed(self, pcall(go_on, self, generations, options, fixed, send,
    upload))
end

return receipt
