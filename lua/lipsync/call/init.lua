-- SPDX-License-Identifier: MIT
-- One public call: attempts (attempt.lua) until one ends it, and between them
-- the limiter's slot and the delay before a retry. A state machine that never
-- waits, so one coroutine can drive many calls: `advance` does what can be done
-- now, `wants` returns what to wait for, and `run` does both until the call is
-- over. The states follow in the order of a call: begin, take_slot, perform;
-- and before a retry, pause.

local abandoned = require "lipsync.call.abandoned"
local attempt = require "lipsync.call.attempt"
local condition = require "lipsync.call.condition"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local failure = require "lipsync.error.failure"
local host = require "lipsync.host"
local lua51 = require "lipsync.host.lua51"
local message = require "lipsync.error.message"
local repeats = require "lipsync.call.repeats"
local report = require "lipsync.call.report"
local retry = require "lipsync.error.retry"
local schema = require "lipsync.base.schema"
local stopwatch = require "lipsync.base.stopwatch"

-- What others read of a call is there from the start; of what most calls never
-- set, the default is here.
local Call = { kept = false, rests = false, queued = false, bytes = 0,
               condition = false, postponed = 0, wake = 0, took = 0,
               canceled = false, blocks = false }
Call.__index = Call

local call = {}

-- The longest sleep (seconds) before a retry where nothing wakes it.
local retry_nap = 0.25

-- Seconds between two looks whether the end of a body may be sent.
local held_nap = 0.005

local limited = lua51.is_limited()

---@class lipsync.Spec  what to call; operation.lua makes one of each row
---@field action string  "get model"; `id` is appended
---@field noun string  what one object is called
---@field type string|nil  its type
---@field method string
---@field path string  without the query
---@field target string|nil  path with the query; default `path`
---@field key boolean|nil  false: sent without the API key
---@field origin string|nil  of another server than the API's: it gets neither
---   the key nor the headers of client and call
---@field secrets string[]|nil  what no error and no event may hold
---@field secret string|nil  a pattern of the same
---@field mode string|nil  "objects" or "chunks": the response is a stream
---@field expects string|nil  of a stream: what it is, "a JSON array"
---@field id string|nil
---@field retry string  see api.lua
---@field later table|nil  see api.lua; an errorCode that is false in it ends
---   the call
---@field unsettled table|nil  see api.lua
---@field repeat_window number|nil  seconds, see repeats.lua
---@field earlier { err: lipsync.Error, at: number }|nil  an earlier process
---   sent this request, at this time (seconds since 1970), and its outcome is
---   unknown
---@field headers table|nil  of the request, in place of the options' own
---@field hold integer|nil  bytes at the end of the body that wait for `on_held`
---@field is_transfer boolean|nil  true: it moves a file, which takes a slot of
---   max_transfers
---@field answer_timeout number|nil  see attempt.lua
---@field unknown string|nil  see api.lua
---@field advice table|nil  see api.lua
---@field clock table|nil  a stopwatch shared with other calls
---@field group table|nil  see limiter.lua
---@field is_patient boolean|nil  true: one of many calls, as all with a group.
---   While the service refuses everything (429) it waits, and no attempt counts
---@field is_long boolean|nil  a long poll, which takes no slot
---@field listing table|nil  errors report its `delivered`
---@field read function  see attempt.lua
---@field read_on function|nil  the same for the rest of a stream
---@field decides nil|fun(call: table, status: integer): boolean  whether
---   `accept` decides about a status that is no 2xx
---@field accept fun(call: table, status: integer, value: any): any, table|nil,
---   string|nil  for a 2xx response: the call's value, or nil and a raw
---   failure, or value, nil and a note
---@field refused nil|fun(call: table, err: table): any, string|nil  for an
---   error that is a success here: value and note
---@field on_start nil|fun(call: table)  before each request
---@field on_held nil|fun(call: table): any, lipsync.Error|nil  before the
---   held bytes are sent; false: not yet, so it is called again; nil and an
---   error end the call without them
---@field on_end nil|fun(call: table)  when the call is over

---@class lipsync.Sent  what the request of a call holds; as a rule, members of
---   its spec
---@field body string|table|nil  bytes; or an object of http.body, which the end
---   of the call closes, and then `parts` are there
---@field content_type string|nil  of the body
---@field idempotency_key string|nil  sent, and for errors and events
---@field parts table[]|nil

--- The options of a call that is a part of another one: what the caller says
--- of each request, and what is left of the time.
---@param given table  the options of the whole
---@param timeout number|nil  seconds on the part's clock; default the client's
---@return table  a fresh one
function call.part(given, timeout)
  return { timeout = timeout, stall_timeout = given.stall_timeout,
           max_attempts = given.max_attempts, headers = given.headers,
           tag = given.tag }
end

local begin, take_slot, perform, pause

--- Prepares a call. Nothing is sent before `advance`.
---@param client table
---@param spec lipsync.Spec
---@param given table  the call's own options
---@param path string|nil  default the spec's, and so its
---@param id string|nil
---@param object table|nil  the one with that id, if it is at hand
---@param sent lipsync.Sent|nil  default the spec
---@return table
function call.new(client, spec, given, path, id, object, sent)
  local runtime = client:runtime()
  local self = setmetatable({
    client = client, runtime = runtime, spec = spec, sent = sent or spec,
    options = given, path = path or spec.path, id = id or spec.id,
    clock = spec.clock or stopwatch.new(),
    timeout = given.timeout or spec.timeout or client.options.timeout,
    limiter = spec.is_transfer and runtime.transfers or runtime.limiter,
    state = begin, attempt = false, attempts = 0, has_slot = false,
    over = false,
  }, Call)
  local answer_timeout = given.answer_timeout or spec.answer_timeout
  if object then self.object = object end
  if spec.group then self.group = spec.group end
  if answer_timeout then self.answer_timeout = answer_timeout end
  if spec.earlier then
    self.repeats = repeats.new(spec.repeat_window, spec.earlier)
    self.outcome_unknown = true
  end
  local scheduler = runtime.scheduler
  if scheduler.is_used then scheduler:adopt(self) end
  return self
end

local function drive(self)
  while not self:advance() do self:wait() end
end

--- Advances and waits until the call is over. If anything is raised (by a hook,
--- or for lack of memory), the program may catch that, and then nothing else
--- would give the slot back. Lua 5.1 cannot yield inside pcall, but there the
--- program cannot catch it either.
---@return any value
---@return lipsync.Error|nil err
---@return string|nil note
function Call:run()
  if limited then
    drive(self)
  else
    local ok, problem = pcall(drive, self)
    if not ok then
      self:drop()
      core.raise(problem)
    end
  end
  if self.note then return self.value, nil, self.note end
  return self.value, self.err
end

--- Does what can be done without waiting.
---@return boolean over  then `value`, `err` and `note` are set
function Call:advance()
  if self.over then return true end
  if self.canceled or self.client.closed then
    return self:finish(nil, self:interrupted())
  end
  while not self:state() do end
  return self.over
end

-- ---- The end ----

-- Closes what is open and gives the slot back. Idempotent. Returns the transfer
-- that was closed.
local function close_attempt(self)
  local current = self.attempt
  if self.has_slot then
    self.has_slot = false
    self.limiter:release(self)
  end
  if self.place then self.limiter:leave(self) end
  self.attempt = false
  return current and current:close()
end

--- The same from outside: wakes those who wait for it.
function Call:drop()
  local transfer = close_attempt(self)
  if transfer then self.runtime.waiters:notify(transfer) end
end

-- Closes the files of the request's body.
local function close_body(sent)
  if sent.parts then sent.body:close() end
end

--- Ends the call with `value`, or with nil and `err`; `note` comes with both.
---@return boolean  true
function Call:finish(value, err, note)
  local spec = self.spec
  -- First, because it may run out of memory and be repeated.
  self.over, self.value, self.err, self.note = true, value, err, note
  if not self.keep_open then close_attempt(self) end
  close_body(self.sent)
  if spec.on_end and self.attempts > 0 then spec.on_end(self) end
  return true
end

-- Tells the client's listener. Raises what it raised, but only after
-- everything is closed.
local function emit(self, kind, event)
  local ok, problem = report.event(self, kind, event)
  if ok then return end
  self.keep_open = nil
  self:finish(nil, self:error("canceled", "on_event raised an error"))
  core.raise(problem)
end

-- ---- States ----
--
-- Each does what it can and sets the next state. Returns true if the call
-- must wait or is over.

local function is_turn(of) return of.limiter:is_turn(of) end

local function max_attempts(self)
  return self.options.max_attempts or self.spec.max_attempts
    or self.client.options.max_attempts
end

-- Whether the call waits as long as the service refuses all, within reason; not
-- if the caller has said how long it may take, or that nothing is repeated.
local function is_patient(self)
  return (self.group or self.spec.is_patient)
    and (self.options.timeout or math.huge) == math.huge
    and max_attempts(self) > 1
    and self.runtime.limiter:refused_for() <= retry.longest
end

-- The error for what cannot be sent, if anything cannot.
local function unsendable(self)
  local client, headers = self.client, self.options.headers
  local needs_key, refused = self.spec.key ~= false, client.refused
  local problem = headers and schema.unsendable(headers)
  if refused and (refused.field ~= "api_key" or needs_key) then
    return self:error("invalid", refused.message, refused.field)
  elseif problem then
    return self:error("invalid", problem, "headers")
  elseif needs_key and not client.has_key then
    return self:error("invalid", message.no_key, "api_key", "no_key")
  end
end

-- Reports what cannot be sent, and a place that cannot wait, before anything
-- is sent.
function begin(self)
  local client = self.client
  if client.refused or not client.has_key or self.options.headers then
    local err = unsendable(self)
    if err then return self:finish(nil, err) end
  end
  local keeps, blocks = host.check(client, self.runtime.scheduler)
  if keeps then self.kept = true end
  if blocks and self.spec.mode then self.blocks = true end
  self.state = take_slot
end

local give_up

-- Ends a call that got no slot in its time.
local function slotless(self, rest)
  if rest > 0 then return give_up(self, report.resting(self, rest)) end
  return self:finish(nil, errors.from_failure({ code = "deadline",
    limit = self.timeout, slots = self.limiter.slots,
    option = self.spec.is_transfer and "max_transfers" }, self:about()))
end

-- Waits for a slot, unless waiting would stop those who have one.
local function await_slot(self)
  local limiter = self.limiter
  local rest = is_patient(self) and 0 or limiter:rest()
  self.blocks = host.blocks(self.client)
  if self.blocks and limiter:take(self, core.now()) then
    self.has_slot, self.state = true, perform
    return
  elseif self:remaining() <= rest then
    return slotless(self, rest)
  elseif not self.queued then
    self.queued = true
    if self.client.listener then
      emit(self, "queued", { attempt = self.attempts + 1 })
    end
  end
  self.wake = core.now() + limiter:patience(self)
  self.condition = condition.new(self, limiter:nap(self), is_turn)
  return true
end

-- Waits until the end of a rest without a place in the queue: max_transfers
-- says nothing of the service, because downloads from other hosts count in it.
local function await_rest(self, rest)
  if not is_patient(self) and self:remaining() <= rest then
    return slotless(self, rest)
  end
  self.wake = core.now() + rest
  self.condition = condition.new(self, retry_nap, condition.is_due)
  self.state = pause
  return true
end

function take_slot(self)
  local limiter, spec = self.limiter, self.spec
  if spec.is_transfer and not spec.origin then
    local rest = self.runtime.limiter:rest()
    if rest > 0 then return await_rest(self, rest) end
  end
  if self.queued and self:remaining() <= 0 then
    return slotless(self, is_patient(self) and 0 or limiter:rest())
  end
  if not spec.is_long and not limiter:take_free(self)
     and not limiter:take(self, core.now()) then
    return await_slot(self)
  end
  self.has_slot, self.state = true, perform
end

local failed

-- What few requests have, for session:start.
local function more_of(self)
  local spec = self.spec
  local mode, origin = spec.mode, spec.origin
  if not (mode or origin or spec.hold or self.no_expect) then return nil end
  return { mode = mode, blocking = self.blocks, origin = origin,
           bare = spec.key == false, hold = spec.hold,
           no_expect = self.no_expect }
end

-- Has the session begin.
local function send(self)
  local spec, sent = self.spec, self.sent
  return attempt.start(self, self.clock:seconds(), self.client, spec.method,
    spec.target or self.path, spec.type, spec.key ~= false,
    spec.headers or self.options.headers, sent.idempotency_key, sent.body,
    sent.content_type, more_of(self))
end

-- Sends the request. Returns the attempt, or nil and what `perform` returns.
local function start(self)
  -- Entered again after memory ran out during the handling of a failure.
  if not self.has_slot then core.raise "not enough memory" end
  local spec, past = self.spec, self.repeats
  -- The wait for a slot may have taken long.
  if past and past:is_too_late(0) then return nil, give_up(self, past.err) end
  self.attempts = self.attempts + 1
  if self.client.listener then emit(self, "request", {}) end
  if spec.on_start then spec.on_start(self) end
  local current, raw, has_news = send(self)
  if raw then return nil, failed(self, raw) end
  if spec.retry == "keyed" then current:note_sent() end
  self.attempt = current
  if has_news then return current end
  return nil, true  -- as a rule
end

-- The service has not refused this one.
local function accepted(self)
  if not self.spec.origin then self.runtime.limiter:accept() end
end

-- A response is complete; of a stream, its first object.
local function succeeded(self, value)
  local result, raw, note = self.spec.accept(self, self.attempt.status, value)
  if raw then
    -- The request may have been carried out, whatever sent this response.
    self.outcome_unknown = self.spec.retry ~= "safe" or nil
    return failed(self, raw)
  end
  if self.runtime.limiter.refusals > 0 then accepted(self) end
  local budget = self.runtime.retry_budget
  if budget.spent > 0 then budget:give(self.attempts > 1) end
  if self.client.listener then
    emit(self, "response", report.response(self))
  end
  return self:finish(result, nil, note)
end

-- Lets go of the last bytes of the request, if `on_held` allows it. Returns
-- true if it must wait.
local function release(self)
  local on_held, past, ready, err = self.spec.on_held, self.repeats, true, nil
  if past and past:is_too_late(0) then
    err = past.err
  elseif on_held then
    ready, err = on_held(self)
  end
  self.rests = ready == false
  if self.rests then
    self.wake = core.now() + held_nap
    self.condition = condition.new(self, held_nap, condition.is_due)
    return true
  end
  if err then
    if self.client.listener then
      emit(self, "response", report.response(self, err))
    end
    return give_up(self, err)
  end
  self.attempt:note_sent()
  self.attempt:release()
end

-- Sends the request, and reads what has arrived of the response.
function perform(self)
  local current = self.attempt
  if not current then
    local waits
    current, waits = start(self)
    if not current then return waits end
  end
  local spec = self.spec
  local done, value, raw = current:advance(spec.read, self.client.step_ends)
  local status = current.status
  if not done then
    -- A refusal of all keeps it until that is known, so no other is sent.
    if status and status ~= 429 and self.has_slot then
      self.has_slot = false
      self.limiter:release(self)
    end
    return not current:is_held() or release(self)
  end
  self.bytes = current.bytes
  if raw then return failed(self, raw) end
  if status >= 200 and status <= 299
     or spec.decides and spec.decides(self, status) then
    return succeeded(self, value)
  end
  return failed(self, nil, value)
end

function pause(self)
  if core.now() < self.wake then return true end
  self.state = take_slot
end

-- ---- Failures ----

-- Ends the call with an error. If an earlier request may have been carried out
-- under the same key, that counts, and `err` is only the cause.
function give_up(self, err)
  local open = self.repeats and self.repeats.err
  if not open or open == err then return self:finish(nil, err) end
  local text = ("%s, and then: %s"):format(open.message, message.happened(err))
  return self:finish(nil, errors.complete({ kind = open.kind, message = text,
    statusCode = open.statusCode, errorCode = open.errorCode,
    requestId = open.requestId, cause = err }, self:about()))
end

-- Has the next attempt begin after a delay (seconds).
local function sleep(self, err, delay)
  if self.client.listener then
    emit(self, "retry", { delay = delay, err = err,
      statusCode = err.statusCode, requestId = err.requestId })
  end
  self.wake = core.now() + delay
  self.condition = condition.new(self, retry_nap, condition.is_due)
  self.queued, self.rests = false, false
  self.state = pause
end

-- How many attempts a failure counts as, for retry.decide. A wait because of
-- "not yet", or because all are refused, is none.
local function tries(self, later, patient)
  if patient then return self.runtime.limiter.refusals + 1 end
  return later and self.postponed + 1 or self.attempts - self.postponed
end

-- Sleeps before the next attempt, or ends the call.
local function retry_or_end(self, err)
  local spec, past = self.spec, self.repeats
  local later = spec.later and spec.later[err.errorCode]
  local is_for_all = not spec.origin and retry.is_for_all(err)
  local patient = is_for_all and is_patient(self)
  local delay = retry.decide(err, tries(self, later, patient), {
    max_attempts = max_attempts(self),
    remaining = patient and math.huge or self:remaining(),
    random = core.random(), later = later, patient = patient,
  })
  local asked = err.retryAfter
  local is_free = later or patient or asked ~= nil
  if not delay or past and past:is_too_late(delay)
     or not self.runtime.retry_budget:take(is_free) then
    return give_up(self, err)
  end
  if is_for_all then
    delay = self.runtime.limiter:refuse(delay, asked)
    -- Another refusal has asked for longer.
    if not patient and delay >= self:remaining() then
      err.retryAfter = delay
      return give_up(self, err)
    end
  end
  if later or patient then
    self.postponed = self.postponed + 1
    -- The same bytes again, if they took long, may be for nothing again.
    if spec.is_transfer then delay = math.max(delay, self.took) end
  end
  sleep(self, err, delay)
end

-- Whether the request under way may have been carried out. What creates, with
-- a key or without, must not do it twice.
local function may_be_done(self)
  local current, class = self.attempt, self.spec.retry
  return class ~= "safe" and current
    and current:outcome_unknown(class ~= "idempotent") or false
end

-- Notes that the request under way may have been carried out under its key.
local function doubt(self, err)
  local current = self.attempt
  self.repeats = self.repeats or repeats.new(self.spec.repeat_window)
  self.repeats:doubt(err, current.sent_since, current.sent_at)
end

-- An attempt has ended: with the failure `raw`, or else with an error response
-- and its `body`.
function failed(self, raw, body)
  local spec, current = self.spec, self.attempt
  local was_sent = current and current:was_sent()
  local is_open = may_be_done(self)
  self.outcome_unknown = self.outcome_unknown or is_open or nil
  local err = raw and report.explained(self, raw) or report.refusal(self, body)
  if raw and failure.lacks_descriptors(raw) then abandoned.collect() end
  if spec.unsettled and spec.unsettled[err.errorCode] and not is_open then
    is_open, self.outcome_unknown = true, true
    err = report.refusal(self, body)  -- again, with that
  end
  if self.runtime.limiter.refusals > 0 and err.kind == "api"
     and err.statusCode ~= 429 then
    accepted(self)
  end
  if is_open and spec.retry == "keyed" then doubt(self, err) end
  self.took = current and current:seconds() or 0
  if self.client.listener then
    emit(self, "response", report.response(self, err))
  end
  close_attempt(self)
  if spec.refused then
    local value, note = spec.refused(self, err)
    if value ~= nil then return self:finish(value, nil, note) end
  end
  -- The server wants the body without being asked for it first.
  if err.statusCode == 417 and self.sent.body and not self.no_expect then
    self.no_expect, self.postponed = true, self.postponed + 1
    return sleep(self, err, 0)
  end
  -- A request that may have been carried out must not be repeated.
  if spec.retry == "never" and was_sent and err.statusCode ~= 429 then
    return self:finish(nil, err)
  end
  return retry_or_end(self, err)
end

-- Notes that the request under way may be carried out, although nobody waits
-- for its response any more.
local function abandon(self)
  if may_be_done(self) then self.outcome_unknown = true end
end

--- The error for a call that was ended from outside.
---@return lipsync.Error
function Call:interrupted()
  abandon(self)
  if self.client.closed then
    return self:error("closed", message.closed)
  end
  return self:error("canceled", message.canceled)
end

-- ---- Waiting ----

--- Seconds left of the whole call.
---@return number
function Call:remaining()
  return self.timeout - self.clock:seconds()
end

--- What to wait for (a transfer or a condition), and for how long at most.
---@return table target
---@return number seconds
function Call:wants()
  local current = self.attempt
  if current and not self.rests then
    return current.transfer, current:patience()
  end
  return self.condition, math.max(0, math.min(self:remaining(),
    self.wake - core.now()))
end

--- Waits once for what `wants` returns.
function Call:wait()
  local target, seconds = self:wants()
  self.clock:add(host.wait(self.client, self.runtime, target, seconds))
end

-- ---- From outside ----

Call.about, Call.error = report.about, report.error
Call.unexpected = report.unexpected

--- Ends the call; a coroutine that waits in it gets `canceled`.
function Call:cancel()
  self.canceled = true
  self.keep_open = nil
  abandon(self)
  self:drop()
  close_body(self.sent)
  self:called()
end

--- For the limiter: tells the call that a slot is free.
function Call:called()
  if self.condition then self.runtime.waiters:notify(self.condition) end
end

--- For the limiter: whether the response has begun, so the call needs no slot.
function Call:begun()
  return self.attempt and self.attempt:has_begun()
end

--- Bytes of the request's body that this attempt has sent, and all of them.
---@return integer|nil sent  nil if there is no request
---@return integer|nil length
function Call:uploaded()
  if not self.attempt then return nil end
  return self.attempt:uploaded()
end

--- Bytes of this attempt received so far.
---@return integer
function Call:received()
  return self.attempt and self.attempt:received() or self.bytes
end

-- ---- Streams ----

--- The next object of a stream, after its first one, or the next bytes.
---@return boolean over  false: wait
---@return any object  nil at the end
---@return lipsync.Error|nil err
function Call:follow()
  if self.client.closed or self.canceled then
    return true, nil, self:interrupted()
  end
  local current = self.attempt
  current:open()
  local done, value, raw = current:advance(self.spec.read_on or self.spec.read,
    self.client.step_ends)
  if not raw then return done, value end
  local err = report.broken(self, raw)
  if self.client.listener then
    emit(self, "response", report.response(self, err))
  end
  return true, nil, err
end

--- Where in the body the last object ended that `follow` gave (bytes).
---@return integer
function Call:position()
  return self.attempt:position()
end

--- Makes another attempt after a stream broke, or ends the call.
---@param err lipsync.Error  from `follow`
---@param moved boolean  whether the stream got further; then attempts are
---   counted anew
function Call:again(err, moved)
  self:close()
  self.over, self.value = false, nil
  if moved then self.attempts = 1 end
  retry_or_end(self, err)
end

--- Closes what a finished call still has open.
function Call:close()
  self.keep_open = nil
  self:drop()
end

return call
