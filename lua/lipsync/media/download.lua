-- SPDX-License-Identifier: MIT
-- Fetches one file to disk. A state machine like a call, which a coroutine or a
-- pool drives: `advance` does what can be done now, `wants` returns what to
-- wait for. It has one call under way at a time: for the object that names the
-- file's address, or for the file. What a response means is in resume.lua, the
-- file on disk in part.lua.

local attempt = require "lipsync.call.attempt"
local call = require "lipsync.call"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local host = require "lipsync.host"
local http = require "lipsync.http"
local message = require "lipsync.error.message"
local name = require "lipsync.media.name"
local part = require "lipsync.media.part"
local place = require "lipsync.media.place"
local resume = require "lipsync.media.resume"
local schema = require "lipsync.base.schema"
local stopwatch = require "lipsync.base.stopwatch"
local lower = require "lipsync.base.text".lower
local url = require "lipsync.base.url"

local Download = {}
Download.__index = Download

local download = {}

-- Redirects in a row; how often a file is begun again from its first byte; how
-- many pieces (of at most 64 KiB) one step writes.
local hops_max, restarts_max, pieces_max = 5, 3, 16

-- A shorter value of a query is no secret, and may be part of any word.
local secret_min = 8

-- Seconds between two looks whether a lock is free.
local lock_nap = 0.25

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
---@field read fun(object: table): string|nil, string|nil  its file's address,
---   or nil and why there is none
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
    offset = 0, etag = nil, total = nil, restarts = 0, hops = 0,
    refreshed = false, resumed = false, moved = false, settle = false,
    probes = false, secrets = {},
  }, Download)
  local scheduler = runtime.scheduler
  if scheduler.is_used then scheduler:adopt(self) end
  return self
end

-- ---- Errors and the end ----

local function about_of(self)
  local about = self.client:about()
  about.action = self.subject.action .. " " .. url.readable(self.subject.id)
  about.tag, about.seconds = self.options.tag, self.clock:seconds()
  return about
end

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
  return finish(self, nil, errors.from_failure(raw, about_of(self)))
end

local function refuse(self, reason)
  return finish(self, nil, errors.new("invalid", reason, about_of(self)))
end

local function interrupted(self)
  local kind = self.client.closed and "closed" or "canceled"
  return errors.new(kind, message[kind], about_of(self), kind)
end

-- ---- Waiting for something else than a transfer ----

local Condition = {}
Condition.__index = Condition

function Condition:ready()
  local of = self.download
  return of.canceled or of.client.closed or self.is_reached(of)
end

local function wait_until(self, is_reached, nap)
  self.condition = setmetatable({ download = self, nap = nap,
                                  is_reached = is_reached }, Condition)
  return true
end

local function is_turn(of) return of.runtime.transfers:is_turn(of) end
local function is_due(of) return core.now() >= of.wake end

--- For the limiter: a place is free.
function Download:called()
  if self.condition then self.runtime.waiters:notify(self.condition) end
end

-- ---- States ----
--
-- Each does what it can and sets the next one. Returns true if the download
-- must wait or is over. Where a call is under way, `settle` reads its end.

local look, place_it, take_slot, lock, begin, fetch, stream, complete

-- Makes the call for the object; `settle` gets it.
local function ask(self, settle)
  local options, config = self.options, self.client.options
  local this, err = self.subject.ask({
    timeout = math.min(self.timeout, self.clock:seconds() + config.timeout),
    stall_timeout = options.stall_timeout, max_attempts = options.max_attempts,
    headers = options.headers, tag = options.tag,
  }, { clock = self.clock, group = self.group, action = self.subject.action })
  if not this then return finish(self, nil, err) end
  self.call, self.settle = this, settle
  return nil
end

-- The object has come: keeps it, or ends the download.
local function take_object(self, this)
  self.call = false
  if this.err then return finish(self, nil, this.err) end
  self.object = this.value
  local address, reason = self.subject.read(self.object)
  if not address then return refuse(self, reason) end
  self.url = address
end

-- The address of the file, from the object at hand or a newer one.
function look(self)
  self.kept = host.check(self.client, self.runtime.scheduler)
  self.state = place_it
  self.url = self.object and self.subject.read(self.object)
  return not self.url and ask(self, take_object)
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
  self.probes = wanted == "keep" and "keep" or false
end

function place_it(self)
  local subject = self.subject
  local found, failure = place.find(self.path, { id = subject.id,
    url = self.url, name = subject.name(self.object), more = subject.more })
  if not found then
    if failure.code == "path_nul" then
      return refuse(self, "the path has a NUL character")
    end
    return fail(self, failure)
  end
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

-- Another process may have the part. It is waited for as long as the caller
-- has said, and not at all if nothing was said.
function lock(self)
  if self.probes then
    self.state = fetch
    return
  end
  local opened, failure = part.open(self.at.target .. ".part")
  if opened then
    self.part, self.state = opened, begin
  elseif opened == nil then
    return fail(self, failure)
  elseif self:remaining() <= 0 or not self.options.timeout then
    return fail(self, { code = "file_locked", pid = failure,
                        path = self.at.target .. ".part" })
  else
    self.wake = core.now() + lock_nap
    return wait_until(self, is_due, lock_nap)
  end
end

-- Goes on with what is in the part; all of it may be there.
function begin(self)
  local offset, failure = self.part:begin(self.subject.id)
  if not offset then return fail(self, failure) end
  local note = self.part.note
  self.offset, self.etag, self.total = offset, note.etag, note.total
  self.resumed = offset > 0
  self.state = offset > 0 and offset == self.total and complete or fetch
end

-- ---- The response ----

local redirects = { [301] = true, [302] = true, [303] = true, [307] = true,
                    [308] = true }

-- Statuses of an address that has expired.
local expired = { [403] = true, [404] = true, [410] = true }

-- What resume.lua judges.
local function answer_of(this, status)
  local current = this.attempt
  local coding = current:header "transfer-encoding"
  return {
    status = status, etag = current:header "etag",
    content_range = current:header "content-range",
    content_length = current:header "content-length",
    content_encoding = current:header "content-encoding",
    is_chunked = coding ~= nil and lower(coding):find "chunked" ~= nil,
  }
end

-- The media type without its parameters.
local function type_of(this)
  local media = this.attempt:header "content-type"
  return media and lower(media:match "^[ \t]*([^; \t]*)") or nil
end

local function decides(this, status)
  local of = this.spec.download
  if redirects[status] then return this.attempt:header "location" ~= nil end
  if expired[status] then return not of.refreshed end
  return resume.decides(status, of.offset)
end

-- A page of a proxy or a login is no file, whatever its status.
local function is_page(this)
  local media = type_of(this)
  return media == "text/html" or media == "application/xhtml+xml"
end

-- A raw failure for a code of resume.lua.
local function raw_of(this, code)
  local found = this.attempt:header "content-encoding"
  if code ~= "media_encoding" then return { code = code } end
  return { code = "encoding", found = found or "" }
end

local function judge(this, status)
  local of = this.spec.download
  local answer = answer_of(this, status)
  if of.probes then
    of.length = resume.length(answer)
    return "length"
  end
  local action, facts = resume.judge({ offset = of.offset, etag = of.etag,
    total = of.total, allow_unknown = of.options.allow_unknown_length },
    answer)
  if not action then return nil, raw_of(this, facts) end
  of.facts, of.type = facts, type_of(this)
  this.keep_open = action == "append" or action == "rewrite" or nil
  of.has_no_length = this.keep_open and not facts.total
    and not answer.is_chunked
  return action
end

-- For the call: what a response asks for, by its head alone.
local function accept(this, status, body)
  local of = this.spec.download
  if redirects[status] then
    of.location = this.attempt:header "location"
    return "redirect"
  elseif expired[status] then
    return "expired"
  elseif status ~= 200 and status ~= 206 and status ~= 416 and status ~= 412
         or is_page(this) and status < 300 then
    return nil, this:unexpected("a file", body)
  end
  return judge(this, status)
end

local spec_of_all = {
  method = "GET", retry = "safe", key = false, mode = "chunks", is_long = true,
  read = attempt.head, read_on = attempt.chunk, decides = decides,
  accept = accept,
}
spec_of_all.__index = spec_of_all

local function headers_of(self)
  if self.probes then return { Range = "bytes=0-0" } end
  return resume.headers(self.offset, self.etag)
end

-- ---- What a response asks for ----

local function begin_again(self, code)
  self.restarts = self.restarts + 1
  if self.restarts > restarts_max then return fail(self, { code = code }) end
  self.offset, self.etag, self.total, self.resumed = 0, nil, nil, false
  local done, failure = self.part:rewind(0)
  if not done then return fail(self, failure) end
  return nil
end

local actions = {}

function actions.redirect(self)
  self.hops = self.hops + 1
  if self.hops > hops_max then
    return fail(self, { code = "media_redirects", limit = hops_max })
  end
  self.url, self.state = self.location, fetch
end

-- Asks for the object once more: its file has another address by now.
function actions.expired(self)
  self.refreshed, self.hops, self.base = true, 0, nil
  self.state = fetch
  return ask(self, take_object)
end

function actions.again(self)
  self.state = fetch
  return begin_again(self, self.facts)
end

function actions.probe(self)
  self.probes, self.state = "length", fetch
end

function actions.done(self)
  self.total, self.state = self.offset, complete
end

function actions.length(self)
  local purpose = self.probes
  self.probes = false
  if purpose == "keep" then
    if self.length ~= self.at.info.size then
      return fail(self, { code = "file_differs", path = self.at.target })
    end
    return finish(self, { path = self.at.target, bytes = self.length,
      resumed = false, existing = true, type = self.type })
  elseif self.length == self.offset then
    return actions.done(self)
  end
  self.facts = "media_changed"
  return actions.again(self)
end

function actions.append(self)
  local facts = self.facts
  self.etag, self.total = facts.etag, facts.total
  self.part:describe(self.etag, self.total)
  place.complete(self.at, self.type)
  self.state, self.moved = stream, false
  return check_existing(self)
end

function actions.rewrite(self)
  if self.offset > 0 and begin_again(self, "media_changed") then return true end
  return actions.append(self)
end

-- The response's head has come, or the call has failed.
local function take_answer(self, this)
  if this.err then
    self.call = false
    return finish(self, nil, this.err)
  end
  if not this.keep_open then self.call = false end
  return actions[this.value](self)
end

-- The values in the query of an address: among them is what signs it.
local function note_secrets(self, target)
  for value in (target:match "%?(.*)$" or ""):gmatch "=([^&]+)" do
    if #value >= secret_min then
      self.secrets[#self.secrets + 1] = value
    end
  end
end

function fetch(self)
  local origin, target = http.resolve(self.url, self.base)
  if not origin then return fail(self, target) end
  self.base = origin .. target
  note_secrets(self, target)
  local options = self.options
  self.call, self.settle = call.new(self.client, setmetatable({
    action = self.subject.action, id = self.subject.id,
    noun = self.subject.noun, origin = origin, target = target,
    path = self.base:match "^[^?]*", headers = headers_of(self),
    clock = self.clock, group = self.group, download = self,
    secrets = self.secrets,
  }, spec_of_all), {
    timeout = self.timeout, stall_timeout = options.stall_timeout,
    max_attempts = options.max_attempts, tag = options.tag,
  }), take_answer
end

-- ---- The body ----

-- Tells the caller, and raises what that raises after all is closed.
local function report(self)
  local on_progress = self.options.on_progress
  if not on_progress then return end
  local ok, problem = pcall(on_progress, self.offset, self.total)
  if ok then return end
  finish(self, nil, interrupted(self))
  core.raise(problem)
end

-- Writes a piece. Returns true if that ended the download.
local function take(self, chunk)
  if self.total and self.offset + #chunk > self.total then
    return fail(self, { code = "media_range" })
  end
  local done, failure = self.part:write(chunk)
  if not done then return fail(self, failure) end
  self.offset = self.offset + #chunk
  self.moved, self.refreshed = true, false
  report(self)
  return self.over
end

-- The connection broke: goes on where the file ends, if the same bytes can be
-- had again, or from the beginning.
local function break_off(self, err)
  if not err.retryable or not self.part then return finish(self, nil, err) end
  local this, moved = self.call, self.moved
  if self.etag then
    self.resumed = self.resumed or self.offset > 0
  elseif self.offset > 0 then
    if self.restarts == restarts_max then return finish(self, nil, err) end
    if begin_again(self, "media_changed") then return true end
  end
  self.moved = false
  this.spec.headers = headers_of(self)
  this:again(err, moved)
  self.settle = take_answer
end

-- The response has ended, perhaps before the file has.
local function end_body(self)
  local is_whole = not self.total or self.offset == self.total
  if not is_whole and not (self.moved and self.etag) then
    return break_off(self, self.call:error("connection",
      "the connection broke", "cut"))
  end
  self.call:close()
  self.call = false
  -- The server may send only so much at once.
  self.state = is_whole and complete or fetch
end

function stream(self)
  local ends = self.client.step_ends
  for _ = 1, pieces_max do
    local over, chunk, err = self.call:follow()
    if not over then
      return true
    elseif err then
      return break_off(self, err)
    elseif not chunk then
      return end_body(self)
    elseif take(self, chunk) or ends and core.now() >= ends then
      return true
    end
  end
  return true
end

function complete(self)
  local target = self.at.target
  if self.offset == 0 then return fail(self, { code = "media_empty" }) end
  local overwrites = self.options.if_exists == "overwrite"
  local done, failure = self.part:place(target, overwrites)
  if not done then return fail(self, failure) end
  self.part = false
  local result = {
    path = target, bytes = self.offset, resumed = self.resumed,
    type = self.type or select(2, name.ending(target)),
  }
  if self.has_no_length then result.verified = false end
  return finish(self, result)
end

-- ---- Driving it ----

--- Seconds left of the whole download.
---@return number
function Download:remaining()
  return self.timeout - self.clock:seconds()
end

--- Does what can be done without waiting.
---@return boolean over  then `value` or `err` is set
function Download:advance()
  while not self.over do
    if self.client.closed or self.canceled then
      return finish(self, nil, interrupted(self))
    end
    local settle = self.settle
    if settle then
      if not self.call:advance() then return false end
      self.settle = false
      settle(self, self.call)
    elseif (self.state or look)(self) then
      return self.over
    end
  end
  return true
end

--- What to wait for, and for how long at most.
---@return table target
---@return number seconds
function Download:wants()
  if self.call then return self.call:wants() end
  return self.condition, math.max(0, math.min(self:remaining(),
    self.wake - core.now()))
end

--- Advances and waits until the download is over.
---@return lipsync.Downloaded|nil
---@return lipsync.Error|nil err
function Download:run()
  local client = self.client
  while not self:advance() do
    local target, seconds = self:wants()
    self.clock:add(host.wait(client, self.runtime.session, target, seconds))
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
