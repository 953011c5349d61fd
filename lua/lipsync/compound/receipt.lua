-- SPDX-License-Identifier: MIT
-- A receipt: a small file about one create, which outlives the process. Before
-- anything could be created it says under which Idempotency-Key, and afterwards
-- what came of it; so the same create, begun again, does not pay twice. What it
-- says is in receipt_note.lua, the file itself in receipt_file.lua.

local call = require "lipsync.call"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local http = require "lipsync.http"
local input_assets = require "lipsync.compound.input_assets"
local lua51 = require "lipsync.host.lua51"
local operation = require "lipsync.operation"
local receipt_file = require "lipsync.compound.receipt_file"
local receipt_note = require "lipsync.compound.receipt_note"
local receipt_search = require "lipsync.compound.receipt_search"
local schema = require "lipsync.base.schema"
local stopwatch = require "lipsync.base.stopwatch"

local receipt = {}

-- Whose generations a client makes: the origin, and what stands for the key.
local function owner_of(client)
  return { origin = client.known.base_url,
           account = client:runtime().session:account() or "" }
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

-- Whether a file that has no stamp is gone, and needed no more.
local function may_be_gone(self, failure)
  local state = self.note and self.note.state
  return failure.code == "file_missing"
    and (state == "created" or state == "done")
end

-- What the receipt has to be of.
local function describe(self, fixed)
  local request, files = owner_of(self.client), {}
  for i, path in ipairs(paths_of(fixed)) do
    local stamp, failure = http.stamp(path)
    if not stamp and not may_be_gone(self, failure) then
      return nil, self:broken(failure)
    end
    files[i] = { path = path, stamp = stamp }
  end
  request.content, request.files = fixed.content, files
  return request
end

-- The error where the outcome cannot be found out.
local function unknown(self, candidates)
  local about = self.about
  about.outcome_unknown = true
  about.idempotency_key = self.note.idempotency_key
  local err = self:unfit(("is open since %s, which is too long ago to repeat "
    .. "the request, and of the generations made then %s can be the one. Look "
    .. 'for it and remove the receipt, or pass on_unknown = "create", which '
    .. "may create a second one"):format(
      os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(self.note.open_at)),
      #candidates == 0 and "none" or ("%d"):format(#candidates)))
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
    self.note.id, call.part(options, options.timeout), { clock = self.clock,
      action = ('get generation of the receipt "%s",'):format(self.path) })
  if not this then return nil, err end
  return this:run()
end

-- Looks for the one that was created, and notes it. Returns nothing if a new
-- one is to be created.
local function find(self, generations, options)
  local candidates, err = receipt_search.run(self, generations, options)
  if not candidates then return nil, err end
  if #candidates == 1 then
    return candidates[1], nil, select(2, self:accept(candidates[1]))
  elseif options.on_unknown ~= "create" then
    return nil, unknown(self, candidates)
  end
end

-- Creates it, under a new key.
local function send(self, request, fixed, by)
  fixed.files = request.files
  local done, err = self:prepare(request, fixed)
  if done and fixed.assets then
    done, err = by.upload(fixed, function() return self:keep_assets() end)
  end
  if not done then return nil, err end
  return send_noted(self, by.send, fixed)
end

local function go_on(self, generations, options, fixed, by)
  local request, err = describe(self, fixed)
  if not request then return nil, err end
  local step, problem = receipt_note.decide(self.note, request, core.time(),
    options.repeat_for or receipt_note.window)
  if not step then return nil, self:unfit(problem) end
  if step == "fetch" then return fetch(self, generations, options) end
  if step == "give" then
    return core.object("Generation", self.note.object, self.client)
  elseif step == "repeat" then
    return send_noted(self, by.send, self.note, earlier_run(self))
  elseif step == "find" then
    local found, failure, unnoted = find(self, generations, options)
    if found or failure then return found, failure, unnoted end
  end
  return send(self, request, fixed, by)
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
  local self, err = receipt_file.open(generations.client, spec, options,
    by.clock)
  if not self then return nil, err end
  -- What is raised (by a hook) must not keep the lock. Lua 5.1 cannot yield
  -- inside pcall; there the collector gives it back.
  if lua51.is_limited() then
    return closed(self, true, go_on(self, generations, options, fixed, by))
  end
  return closed(self, pcall(go_on, self, generations, options, fixed, by))
end

-- ---- After the create ----

-- The error of a receipt that is of another generation, or nil.
local function check(self, id)
  local problem = receipt_note.foreign(self.note, owner_of(self.client), id)
  return problem and self:unfit(problem) or nil
end

--- Reads the receipt of a generation.
---@param client table
---@param spec table  of the row of the call that has the receipt
---@param options table  the call's own, with `receipt`
---@param id string
---@return table|nil note
---@return lipsync.Error|nil err
function receipt.read(client, spec, options, id)
  local self, err = receipt_file.read(client, spec, options, stopwatch.new())
  if self then err = check(self, id) end
  if err then return nil, err end
  return self.note
end

--- Finds the receipts of this client's generations in a folder. Several may be
--- of one: creates with the same key, or a copy.
---@param client table
---@param folder string
---@param about table  what an error reports
---@return table<string, { path: string, note: table }[]>|nil  by the ids
---@return lipsync.Error|nil err
function receipt.folder(client, folder, about)
  local notes, failure = receipt_file.all(folder .. "/")
  if not notes then return nil, errors.from_failure(failure, about) end
  local owner, found = owner_of(client), {}
  for path, note in pairs(notes) do
    if note.id and not receipt_note.foreign(note, owner, note.id) then
      local own = found[note.id] or {}
      own[#own + 1], found[note.id] = { path = path, note = note }, own
    end
  end
  return found
end

-- The JSON text that says more of a generation: one that was deleted by its id
-- may have only that.
local function fuller(known, generation)
  return generation:get "status" == nil and known
    or generation:json { compact = true }
end

--- Notes that nothing is left to do for a generation.
---@param client table
---@param spec table  of the row of the call that has the receipt
---@param options table  the call's own, with `receipt`
---@param id string
---@param generation lipsync.Generation
---@param members table|nil  the others of Receipt:finish
---@return boolean|nil
---@return lipsync.Error|nil err
function receipt.finish(client, spec, options, id, generation, members)
  local self, err = receipt_file.open(client, spec,
    { receipt = options.receipt, tag = options.tag }, stopwatch.new())
  if not self then return nil, err end
  err = check(self, id)
  local done
  if not err then
    done, err = self:finish(schema.join(members or {},
      { object = fuller(self.note.object, generation) }))
  end
  self:close()
  return done, err
end

--- The same for several receipts of one.
---@param client table
---@param spec table  of the row of the call that has the receipts
---@param options table  the call's own
---@param own { path: string, note: table }[]  of receipt.folder
---@param generation lipsync.Generation
---@param members table|nil
---@return lipsync.Error|nil err  of the last one that could not be written
function receipt.finish_all(client, spec, options, own, generation, members)
  local problem
  for _, each in ipairs(own) do
    local done, err = receipt.finish(client, spec,
      { receipt = each.path, tag = options.tag }, each.note.id, generation,
      members)
    if not done then problem = err end
  end
  return problem
end

return receipt
