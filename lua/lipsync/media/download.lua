-- SPDX-License-Identifier: MIT
-- Fetches one file to disk. A state machine like a call, which a coroutine or a
-- pool drives: `advance` does what can be done now, `wants` returns what to
-- wait for. It has one call under way at a time: for the object that names the
-- file's address, or for the file. Where its bytes come from is in source.lua,
-- the file on disk in part.lua.

local attempt = require "lipsync.call.attempt"
local condition = require "lipsync.call.condition"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local host = require "lipsync.host"
local media_type = require "lipsync.base.media_type"
local message = require "lipsync.error.message"
local part = require "lipsync.media.part"
local place = require "lipsync.media.place"
local schema = require "lipsync.base.schema"
local source = require "lipsync.media.source"
local stopwatch = require "lipsync.base.stopwatch"

local Download = {}
Download.__index = Download

local download = {}

-- How many pieces (of at most 64 KiB) one step writes.
local pieces_max = 16

-- Seconds between two looks whether a lock is free, and whether the disk has
-- done what it was to do.
local lock_nap, disk_nap = 0.25, 0.005

--- Options beside those of every call.
download.options = {
  if_exists = schema.choice { "refuse", "keep", "overwrite" },
  allow_unknown_length = schema.boolean,
}

---@class lipsync.Downloaded
---@field path string
---@field bytes integer  of the whole file
---@field resumed boolean  whether a part of it was here before the last request
---@field type string|nil  media type
---@field existing boolean|nil  true: it was there already
---@field verified boolean|nil  false: its length was not known

---@class lipsync.Subject  what to download
---@field id string
---@field action string  "download thing"
---@field noun string
---@field object table|nil  as the caller has it
---@field more string|nil  appended to the file's name
---@field ask fun(options: table, own: table): table|nil, lipsync.Error|nil
---   makes the call for the object
---@field locate nil|fun(options: table, own: table): table|nil,
---   lipsync.Error|nil  makes the call for the address of the object's file,
---   where the object itself does not say it
---@field read nil|fun(object: table): string|nil, string|nil  its file's
---   address, or nil and why there is none; not with `locate`
---@field name fun(object: table): string|nil  what its file may be called

--- Prepares a download. Nothing is sent before `advance`.
---@param client table
---@param subject lipsync.Subject
---@param path string  of the file, or of a folder
---@param options table  checked
---@param own { clock: table|nil, group: table|nil }|nil
---@return table
function download.new(client, subject, path, options, own)
  local runtime = client:runtime()
  local self = setmetatable({
    client = client, runtime = runtime, subject = subject, path = path,
    options = options, timeout = options.timeout or math.huge,
    clock = own and own.clock or stopwatch.new(), group = own and own.group,
    object = subject.object or false, call = false, part = false,
    state = false, over = false, condition = false, has_slot = false,
    settle = false, source = false, sink = {}, rests = false,
  }, Download)
  self.source = source.new(self, { mode = "chunks",
    read_on = attempt.saver(self.sink), is_long = true, expects = "a file" })
  local scheduler = runtime.scheduler
  if scheduler.is_used then scheduler:adopt(self) end
  return self
end

-- ---- Errors and the end ----

-- Closes what is open; the part stays for a later call. In a forked child it
-- is the parent's.
local function drop(self)
  local runtime = self.runtime
  if self.call then self.call:close() end
  if self.part then
    if self.client:runtime() == runtime then
      self.part:leave()
    else
      self.part:close()
    end
  end
  self.part = false
  if self.has_slot then
    self.has_slot = false
    runtime.transfers:release(self)
  end
  if self.place then runtime.transfers:leave(self) end
end

-- Ends the download with a value, or with nil and an error. Returns true.
local function finish(self, value, err)
  self.over, self.value, self.err = true, value, err
  if err and self.object then err[self.subject.noun] = self.object end
  drop(self)
  return true
end

local function fail(self, raw)
  return finish(self, nil, errors.from_failure(raw, self.source:about()))
end

local function refuse(self, reason)
  return finish(self, nil, errors.new("invalid", reason, self.source:about()))
end

local function interrupted(self)
  local kind = self.client.closed and "closed" or "canceled"
  return errors.new(kind, message[kind], self.source:about())
end

-- ---- Waiting for something else than a transfer ----

local function wait_until(self, is_reached, nap)
  self.condition = condition.new(self, nap, is_reached)
  return true
end

local function is_turn(of) return of.runtime.transfers:is_turn(of) end

-- Waits for the disk, which no timeout ends.
local function rest(self)
  self.rests, self.wake = true, core.now() + disk_nap
  return wait_until(self, condition.is_due, disk_nap)
end

--- For the limiter: a place is free.
function Download:called()
  if self.condition then self.runtime.waiters:notify(self.condition) end
end

-- ---- States ----
--
-- Each does what it can and sets the next one. Returns true if the download
-- must wait or is over. Where a call is under way, `settle` reads its end.

local look, place_it, take_slot, lock, begin, fetch, stream, complete, placed

-- Makes a call by a function of the subject; `settle` gets it.
local function ask(self, make, settle)
  local this, err = self.source:ask(make)
  if not this then return finish(self, nil, err) end
  self.call, self.settle = this, settle
  return nil
end

local ask_address

-- The address has come.
local function take_address(self, this)
  self.call = false
  if this.err then return finish(self, nil, this.err) end
  self.source:point(this.value)
end

-- The object has come: keeps it, or ends the download.
local function take_object(self, this)
  self.call = false
  if this.err then return finish(self, nil, this.err) end
  self.object = this.value
  if self.subject.locate then return ask_address(self) end
  local address, reason = self.subject.read(self.object)
  if not address then return refuse(self, reason) end
  self.source:point(address)
end

-- Asks for what says the address: the object, or, where that says none, a call
-- of its own.
function ask_address(self)
  local subject = self.subject
  if subject.locate and self.object then
    return ask(self, subject.locate, take_address)
  end
  return ask(self, subject.ask, take_object)
end

-- The address of the file, from the object at hand or a newer one.
function look(self)
  self.kept = host.check(self.client, self.runtime.scheduler)
  self.state = place_it
  local read = self.subject.read
  local address = self.object and read and read(self.object)
  if not address then return ask_address(self) end
  self.source:point(address)
end

-- Says no to what is there already, or has its length compared.
local function check_existing(self)
  local found, wanted = self.at, self.options.if_exists or "refuse"
  if not found.info then return nil end
  if found.info.type == "folder" then
    return fail(self, { code = "file_folder", path = found.target })
  elseif found.info.type ~= "file" then
    return fail(self, { code = "file_special", path = found.target })
  elseif wanted == "refuse" then
    return fail(self, { code = "file_exists", path = found.target })
  end
  self.source.probes = wanted == "keep" and "keep" or false
end

function place_it(self)
  local subject = self.subject
  local found, failure = place.find(self.path, { id = subject.id,
    url = self.source.url, name = subject.name(self.object),
    more = subject.more })
  if not found then return fail(self, failure) end
  self.at, self.state = found, take_slot
  return check_existing(self)
end

-- A caller that blocks everything else would wait for itself.
function take_slot(self)
  local slots = self.runtime.transfers
  if host.blocks(self.client) then
    self.state = lock
  elseif slots:take(self, core.now()) then
    self.has_slot, self.state = true, lock
  elseif self:remaining() <= 0 then
    return fail(self, { code = "deadline", limit = self.timeout,
                        slots = slots.slots, option = "max_transfers" })
  else
    self.wake = core.now() + slots:patience(self)
    return wait_until(self, is_turn, slots:nap(self))
  end
end

-- The part is this call's. Another one, which had it before, may have made the
-- file.
local function locked(self, opened)
  self.part, self.state = opened, begin
  place.look(self.at)
  if check_existing(self) then return true end
  if not self.source.probes then return nil end
  self.part:leave()
  self.part, self.state = false, fetch
end

-- Another process may have the part. It is waited for as long as the caller
-- has said, and not at all if nothing was said.
function lock(self)
  if self.source.probes then
    self.state = fetch
    return
  end
  local opened, failure = part.open(self.at.target .. ".part",
    host.waits_for_disk(self.client))
  if opened then
    return locked(self, opened)
  elseif opened == nil then
    return fail(self, failure)
  elseif self:remaining() <= 0 or not self.options.timeout then
    return fail(self, { code = "file_locked", pid = failure,
                        path = self.at.target .. ".part" })
  else
    self.wake = core.now() + lock_nap
    return wait_until(self, condition.is_due, lock_nap)
  end
end

-- Where the part ends. If all may be there, but only a response says what
-- ending the file gets, its last byte is fetched once more.
local function end_of_part(self)
  local of = self.part
  local offset, failure = of:begin(self.subject.id)
  if not self.at.needs_ending or not offset or offset == 0
     or offset ~= (of.note.total or offset) then
    return offset, failure
  end
  local done
  done, failure = of:rewind(offset - 1)
  return done and offset - 1, failure
end

-- Goes on with what is in the part; all of it may be there.
function begin(self)
  local offset, failure = end_of_part(self)
  if not offset then return fail(self, failure) end
  local note, from = self.part.note, self.source
  from:go_on(offset, note.etag, note.total)
  self.state = offset > 0 and offset == from.total and complete or fetch
end

-- ---- What a response asks for ----

-- What is in the part is of no use any more.
local function rewind(self)
  local done, failure = self.part:rewind(0)
  if not done then return fail(self, failure) end
  return nil
end

local actions = {}

function actions.fetch(self)
  self.state = fetch
end

-- Asks for the object once more: its file has another address by now.
function actions.ask(self)
  self.state = fetch
  return ask_address(self)
end

function actions.restart(self)
  self.state = fetch
  return rewind(self)
end

function actions.done(self)
  self.state = complete
end

-- The media type of a file: as its server says, or by its name.
local function type_of(self, path)
  return self.source.type or select(2, media_type.ending(path))
end

-- The file that is there already is kept if it is as long.
function actions.length(self)
  local from, found = self.source, self.at
  if from.length ~= found.info.size then
    return fail(self, { code = "file_differs", path = found.target })
  end
  return finish(self, { path = found.target, bytes = from.length,
    resumed = false, existing = true, type = type_of(self, found.target) })
end

-- Now the file's name is known. If there is one already that is to be kept,
-- this response has said how long it must be.
function actions.append(self)
  local from = self.source
  self.part:describe(from.etag, from.total)
  place.complete(self.at, from.type)
  self.state = stream
  if check_existing(self) then return true end
  if not from.probes then return nil end
  from.probes, from.length = false, from.total
  return actions.length(self)
end

function actions.rewrite(self)
  return rewind(self) or actions.append(self)
end

-- The response's head has come, or the call has failed.
local function take_answer(self, this)
  if this.err then
    self.call = false
    return finish(self, nil, this.err)
  end
  if not this.keep_open then self.call = false end
  local action, failure = self.source:take(this.value)
  if not action then return fail(self, failure) end
  return actions[action](self)
end

function fetch(self)
  local this, failure = self.source:fetch()
  if not this then return fail(self, failure) end
  self.call, self.settle = this, take_answer
end

-- ---- The body ----

-- Tells the caller, and raises what that raises after all is closed.
local function report(self)
  local on_progress, from = self.options.on_progress, self.source
  if not on_progress then return end
  local ok, problem = pcall(on_progress, from.offset, from.total)
  if ok then return end
  finish(self, nil, interrupted(self))
  core.raise(problem)
end

-- The next piece goes to the file, but nothing past the file's end.
local function follow(self)
  local sink, from = self.sink, self.source
  sink.file = self.part.file
  sink.room = from.total and from.total - from.offset or math.huge
  return self.call:follow()
end

-- More has come than the file has. So none of it can be relied on.
local function overflow(self)
  self.part:rewind(0)
  return fail(self, { code = "media_range" })
end

-- Counts a piece that was written. Returns true if that ended the download.
local function take(self, bytes)
  local from, sink = self.source, self.sink
  if bytes == 0 and not sink.failure then return overflow(self) end
  local _, failure = self.part:added(bytes)
  failure = sink.failure or failure
  if failure then return fail(self, failure) end
  from:move(from.offset + bytes)
  report(self)
  return self.over
end

-- The connection broke: goes on where the file ends, if the same bytes can be
-- had again, or from the beginning.
local function break_off(self, err)
  local action = self.part and self.source:repeat_call(self.call, err)
  if not action then return finish(self, nil, err) end
  self.settle = take_answer
  return action == "restart" and rewind(self)
end

-- The response has ended, perhaps before the file has.
local function end_body(self)
  local is_whole, can_go_on = self.source:is_whole()
  if not is_whole and not can_go_on then
    return break_off(self, self.call:error("connection",
      "the connection broke"))
  end
  self.call:close()
  self.call = false
  -- The server may send only so much at once.
  self.state = is_whole and complete or fetch
end

function stream(self)
  local ends = self.client.step_ends
  local settled, failure = self.part:settle()
  if settled == nil then return fail(self, failure) end
  if self.part:is_ahead() then return rest(self) end
  for _ = 1, pieces_max do
    local over, bytes, err = follow(self)
    if not over then
      return true
    elseif err then
      return break_off(self, err)
    elseif not bytes then
      return end_body(self)
    elseif take(self, bytes) or ends and core.now() >= ends then
      return true
    end
  end
  return true
end

-- All of the file is in the part. The disk takes it, and it gets its name.
function complete(self)
  local settled, failure = self.part:settle()
  if self.source.offset == 0 then
    return fail(self, { code = "media_empty" })
  end
  if settled == nil then return fail(self, failure) end
  if not settled then return rest(self) end
  self.part:place(self.at.target, self.options.if_exists == "overwrite")
  self.state = placed
end

function placed(self)
  local settled, failure = self.part:settle()
  if settled == false then return rest(self) end
  if not settled then return fail(self, failure) end
  self.part:close()
  self.part = false
  local target, from = self.at.target, self.source
  local result = {
    path = target, bytes = from.offset, resumed = from.resumed,
    type = type_of(self, target),
  }
  if from.has_no_length then result.verified = false end
  return finish(self, result)
end

-- ---- Driving it ----

--- Seconds left of the whole download.
---@return number
function Download:remaining()
  return self.timeout - self.clock:seconds()
end

-- Whether the step that this is in has no time for anything more. Then it goes
-- on in the next one.
local function is_late(self)
  local ends = self.client.step_ends
  if not ends or core.now() < ends then return false end
  self.rests, self.wake = true, 0
  return wait_until(self, condition.is_due, 0)
end

--- Does what can be done without waiting.
---@return boolean over  then `value` or `err` is set
function Download:advance()
  while not self.over do
    if self.client.closed or self.canceled then
      return finish(self, nil, interrupted(self))
    end
    local settle = self.settle
    self.rests = false
    if settle then
      if not self.call:advance() then return false end
      self.settle = false
      settle(self, self.call)
    elseif (self.state or look)(self) then
      return self.over
    end
    if not self.over and is_late(self) then return false end
  end
  return true
end

--- What to wait for, and for how long at most.
---@return table target
---@return number seconds
function Download:wants()
  if self.call and not self.rests then return self.call:wants() end
  local left = self.rests and math.huge or self:remaining()
  return self.condition, math.max(0, math.min(left, self.wake - core.now()))
end

--- Advances and waits until the download is over.
---@return lipsync.Downloaded|nil
---@return lipsync.Error|nil err
function Download:run()
  local client = self.client
  while not self:advance() do
    local target, seconds = self:wants()
    self.clock:add(host.wait(client, self.runtime, target, seconds))
  end
  return self.value, self.err
end

--- Ends the download from outside; who waits in it gets `canceled`.
function Download:cancel()
  self.canceled = true
  if self.call then self.call:cancel() end
  drop(self)
  if self.condition then self.runtime.waiters:notify(self.condition) end
end

return download
