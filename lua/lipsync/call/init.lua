-- SPDX-License-Identifier: MIT
-- One public call: attempts (attempt.lua) until one ends it, and between them
-- the limiter's slot, the delay before a retry, events and errors. A state
-- machine that never waits, so one coroutine can drive many calls: `advance`
-- does what can be done now, `wants` returns what to wait for, and `run` does
-- both until the call is over.

local abandoned = require "lipsync.call.abandoned"
local attempt = require "lipsync.call.attempt"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local failure = require "lipsync.error.failure"
local host = require "lipsync.host"
local lua51 = require "lipsync.host.lua51"
local message = require "lipsync.error.message"
local replace = require "lipsync.base.text".replace
local retry = require "lipsync.error.retry"
local schema = require "lipsync.base.schema"
local stopwatch = require "lipsync.base.stopwatch"
local texts = require "lipsync.base.text"
local url = require "lipsync.base.url"

local Call = {}
Call.__index = Call

local call = {}

local none = {}

-- The longest sleep (seconds) before a retry where nothing wakes it.
local retry_nap = 0.25

-- Seconds between two looks whether the end of a body may be sent.
local held_nap = 0.005

-- How long a request under an idempotency key is repeated after one whose
-- outcome is unknown (seconds). The service forgets keys after a time; a later
-- repetition might be carried out once more.
local repeat_window = 600

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
---@field idempotency_key string|nil  for errors and events
---@field repeat_window number|nil  seconds, in place of the default
---@field earlier { err: lipsync.Error, at: number }|nil  an earlier process
---   sent this request, at this time (seconds since 1970), and its outcome is
---   unknown
---@field headers table|nil  of the request, in place of the options' own
---@field body string|table|nil  of the request: bytes, or an object of
---   http.body, which the end of the call closes
---@field content_type string|nil  of the body
---@field hold integer|nil  bytes at the end of the body that wait for `on_held`
---@field is_transfer boolean|nil  true: it moves a file, which takes a slot of
---   max_transfers
---@field answer_timeout number|nil  see attempt.lua
---@field unknown string|nil  see api.lua
---@field advice table|nil  see api.lua
---@field clock table|nil  a stopwatch shared with other calls
---@field group table|nil  see limiter.lua
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

--- Prepares a call. Nothing is sent before `advance`.
---@param client table
---@param spec lipsync.Spec
---@param given table  the call's own options
---@return table
function call.new(client, spec, given)
  local runtime, config = client:runtime(), client.options
  local self = setmetatable({
    client = client, runtime = runtime, spec = spec, options = given,
    clock = spec.clock or stopwatch.new(), group = spec.group,
    timeout = given.timeout or spec.timeout or config.timeout,
    stall_timeout = given.stall_timeout or config.stall_timeout,
    answer_timeout = given.answer_timeout or spec.answer_timeout,
    limiter = spec.is_transfer and runtime.transfers or runtime.limiter,
    max_attempts = given.max_attempts or spec.max_attempts
      or config.max_attempts,
    state = false, attempt = false, attempts = 0, postponed = 0, wake = 0,
    open = false, open_since = false, open_at = false, no_expect = false,
    sent_since = 0, sent_at = 0, took = 0,
    kept = false, rests = false,
    condition = false, queued = false, has_slot = false, bytes = 0,
    over = false,
  }, Call)
  local earlier = spec.earlier
  if earlier then
    self.open, self.open_at = earlier.err, earlier.at
    self.outcome_unknown = true
    self.open_since = core.now() - math.max(0, core.time() - earlier.at)
  end
  local scheduler = runtime.scheduler
  if scheduler.is_used then scheduler:adopt(self) end
  return self
end

-- ---- Errors and events ----

--- What errors report about this call.
---@return table
function Call:about()
  local spec = self.spec
  local about = self.client:about()
  about.action, about.id = spec.action, spec.id
  if spec.id then
    about.action = spec.action .. " " .. url.readable(spec.id)
  end
  about.noun, about.advice = spec.noun, spec.advice
  about.method, about.path, about.tag = spec.method, spec.path,
    self.options.tag
  about.attempts, about.seconds = self.attempts, self.clock:seconds()
  about.delivered = spec.listing and spec.listing.delivered
  about.unknown = self.outcome_unknown and spec.unknown
  about.outcome_unknown = self.outcome_unknown
  about.idempotency_key = spec.idempotency_key
  if spec.origin then
    about.host, about.is_foreign = spec.origin:match "//(.*)$", true
    about.base_url, about.base_url_from = nil, nil
  end
  return about
end

--- An error object about this call.
---@return lipsync.Error
function Call:error(kind, text, reason, field)
  return errors.new(kind, text, self:about(), reason, field)
end

-- Tells the client's listener. Raises what it raised, but only after
-- everything is closed.
local function emit(self, kind, event)
  event.type, event.method, event.path = kind, self.spec.method,
    self.spec.path
  event.attempt = event.attempt or self.attempts
  event.idempotencyKey = self.spec.idempotency_key
  event.tag = self.options.tag
  -- Of an address that a response has named, the query may be a secret.
  local target = not self.spec.origin and self.spec.target or nil
  local ok, problem = pcall(self.client.listener, event, target)
  if ok then return end
  self.keep_open = nil
  self:finish(nil, self:error("canceled", "on_event raised an error"))
  core.raise(problem)
end

-- A text from a server, without what no one else may see: the key, and the
-- signatures in addresses.
local function redacted(self, given)
  given = self.runtime.session:redact(given)
  for _, secret in ipairs(self.spec.secrets or none) do
    given = replace(given, secret, "(secret)")
  end
  local form = self.spec.secret
  return form and given:gsub(form, "(secret)") or given
end

-- A header of the response, nil if there is none.
local function header(self, name)
  local value = self.attempt and self.attempt:header(name)
  return value and redacted(self, value) or nil
end

-- Reports the end of an attempt.
local function emit_response(self, err)
  local current = self.attempt
  emit(self, "response", {
    statusCode = current and current.status or nil,
    bytes = current and current.bytes or 0, err = err,
    seconds = current and current:seconds() or 0,
    requestId = err and err.requestId
      or header(self, "x-request-id"),
  })
end

-- ---- The end ----

-- Closes what is open and gives the slot back. Idempotent.
local function drop(self)
  local current = self.attempt
  if self.has_slot then
    self.has_slot = false
    self.limiter:release(self)
  end
  if self.place then self.limiter:leave(self) end
  self.attempt = false
  local transfer = current and current:close()
  if transfer then self.runtime.waiters:notify(transfer) end
end

-- Closes the files of the request's body.
local function close_body(self)
  local body = self.spec.body
  if type(body) == "userdata" then body:close() end
end

--- Ends the call with `value`, or with nil and `err`; `note` comes with both.
---@return boolean  true
function Call:finish(value, err, note)
  -- First, because it may run out of memory and be repeated.
  self.over, self.value, self.err, self.note = true, value, err, note
  if not self.keep_open then drop(self) end
  close_body(self)
  if self.attempts > 0 and self.spec.on_end then self.spec.on_end(self) end
  return true
end

-- Whether the response has another media type than JSON.
local function is_foreign(current)
  local media = current and current:header "content-type"
  return media and not texts.lower(media):find("json", 1, true) or false
end

--- A failure for a response of another form than documented; for `accept`.
---@param expected string  "a JSON array"
---@param body string|nil
---@return table raw
function Call:unexpected(expected, body)
  local current = self.attempt
  return { code = "unexpected", wanted = expected, body = body or "",
           media = header(self, "content-type"), status = current.status }
end

-- The fields of a raw failure with text from the server.
local sent_back = { "body", "found", "detail" }

-- Turns a raw failure into an error object. For a body that is not JSON its
-- media type and beginning say more than where the scanner stopped; not so
-- inside of lines, whose media type is often wrong.
local function explained(self, raw)
  local about, current = self:about(), self.attempt
  about.foreign = is_foreign(current)
  local expects = self.spec.expects
  if about.foreign and raw.code:find "^json_" and current.status
     and raw.code ~= "json_size" and (raw.body or not expects) then
    raw = self:unexpected(expects or "a JSON array", raw.body)
  end
  for _, name in ipairs(sent_back) do
    if raw[name] then raw[name] = redacted(self, raw[name]) end
  end
  raw.status = raw.status or current and current.status or nil
  return errors.from_failure(raw, about)
end

-- The error object of an error response or a redirect.
local function refusal(self, body)
  local current = self.attempt
  local status = current.status
  if status >= 400 then
    body = redacted(self, body or "")
    return errors.from_response({ status = status, body = body,
      proxy = current:proxy(),
      header = function(name) return header(self, name) end }, self:about())
  end
  local location = current:header "location"
  return explained(self, { code = "redirect", status = status,
    origin = location and url.origin(location, self.runtime.session:origin())
  })
end

-- ---- States ----
--
-- Each does what it can and sets the next state. Returns true if the call
-- must wait or is over.

-- The target of a wait for something else than a transfer. Woken when the
-- listing is closed or a slot is given back. An object, not a closure, because
-- code compiled by LuaJIT keeps a closure and its upvalues alive.
local Condition = {}
Condition.__index = Condition

local function new_condition(of, longest_nap, is_reached)
  return setmetatable({ call = of, nap = longest_nap,
                        is_reached = is_reached }, Condition)
end

function Condition:ready()
  local of = self.call
  return of.canceled or of.client.closed or self.is_reached(of)
end

local function is_turn(of) return of.limiter:is_turn(of) end
local function is_due(of) return core.now() >= of.wake end

local begin, take_slot, perform, pause

-- Reports what cannot be sent, and a place that cannot wait, before anything
-- is sent.
function begin(self)
  local client, headers = self.client, self.options.headers
  local needs_key, refused = self.spec.key ~= false, client.refused
  local problem = headers and schema.unsendable(headers)
  if refused and (refused.field ~= "api_key" or needs_key) then
    return self:finish(nil,
      self:error("invalid", refused.message, nil, refused.field))
  elseif problem then
    return self:finish(nil, self:error("invalid", problem, nil, "headers"))
  elseif needs_key and not client.has_key then
    return self:finish(nil,
      self:error("invalid", message.no_key, "no_key", "api_key"))
  end
  self.kept = host.check(client, self.runtime.scheduler)
  self.state = take_slot
end

function take_slot(self)
  local limiter, spec = self.limiter, self.spec
  local taken = spec.is_long or limiter:take(self, core.now())
  if not taken then
    self.blocks = host.blocks(self.client)
    taken = self.blocks and limiter:take(self, core.now())
  end
  if taken then
    self.has_slot, self.state = true, perform
  elseif self:remaining() <= 0 then
    return self:finish(nil, errors.from_failure({ code = "deadline",
      limit = self.timeout, slots = limiter.slots,
      option = spec.is_transfer and "max_transfers" }, self:about()))
  else
    if not self.queued then
      self.queued = true
      if self.client.listener then
        emit(self, "queued", { attempt = self.attempts + 1 })
      end
    end
    self.wake = core.now() + limiter:patience(self)
    self.condition = new_condition(self, limiter:nap(self), is_turn)
    return true
  end
end

-- The request for the session, which copies it; so one table serves all calls.
local function request_of(self)
  local spec, request = self.spec, self.runtime.request
  request.method, request.path = spec.method, spec.target or spec.path
  request.key = spec.key ~= false
  request.origin = spec.origin
  request.bare = spec.origin and not request.key
  request.headers = spec.headers or self.options.headers
  request.mode, request.type = spec.mode, spec.type
  request.body, request.content_type = spec.body, spec.content_type
  request.hold, request.no_expect = spec.hold, self.no_expect or nil
  return request
end

-- Notes when the last bytes of a request were sent, or could have been. The
-- wall clock counts too, because the other one may stand still while the
-- machine sleeps.
local function note_sent(self)
  self.sent_since, self.sent_at = core.now(), core.time()
end

-- Notes an attempt with an unknown outcome.
local function note_open(self, err)
  self.open = err
  self.open_since = self.open_since or self.sent_since
  self.open_at = self.open_at or self.sent_at
end

-- Whether a repetition after `delay` could be carried out a second time.
local function is_too_late(self, delay)
  if not self.open then return false end
  local since = math.max(core.now() - self.open_since,
    core.time() - self.open_at)
  return since + delay > (self.spec.repeat_window or repeat_window)
end

-- Ends the call with an error. If an earlier request may have been carried out
-- under the same key, that counts, and `err` is only the cause.
local function give_up(self, err)
  local open = self.open
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
  self.condition = new_condition(self, retry_nap, is_due)
  self.queued = false
  self.state = pause
end

-- Sleeps before the next attempt, or ends the call. A wait because of "not yet"
-- is no attempt.
local function retry_or_end(self, err)
  local later = self.spec.later and self.spec.later[err.errorCode]
  local tries = later and self.postponed + 1 or self.attempts - self.postponed
  local delay = retry.decide(err, tries, {
    max_attempts = self.max_attempts, remaining = self:remaining(),
    random = core.random(), later = later,
  })
  if not delay or is_too_late(self, delay)
     or not self.runtime.retry_budget:take(later or err.retryAfter ~= nil) then
    return give_up(self, err)
  end
  if later then
    self.postponed = self.postponed + 1
    -- The same bytes again, if they took long, may be for nothing again.
    if self.spec.is_transfer then delay = math.max(delay, self.took) end
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

-- An attempt has ended: with the failure `raw`, or else with an error response
-- and its `body`.
local function failed(self, raw, body)
  local spec, current = self.spec, self.attempt
  local was_sent = current and current:was_sent()
  local is_open = may_be_done(self)
  self.outcome_unknown = self.outcome_unknown or is_open or nil
  local err = raw and explained(self, raw) or refusal(self, body)
  if raw and failure.lacks_descriptors(raw) then abandoned.collect() end
  if spec.unsettled and spec.unsettled[err.errorCode] and not is_open then
    is_open, self.outcome_unknown = true, true
    err = refusal(self, body)  -- again, with that
  end
  if spec.retry == "keyed" and is_open then note_open(self, err) end
  self.took = current and current:seconds() or 0
  if self.client.listener then emit_response(self, err) end
  drop(self)
  if spec.refused then
    local value, note = spec.refused(self, err)
    if value ~= nil then return self:finish(value, nil, note) end
  end
  -- The server wants the body without being asked for it first.
  if err.statusCode == 417 and spec.body and not self.no_expect then
    self.no_expect, self.postponed = true, self.postponed + 1
    return sleep(self, err, 0)
  end
  -- A request that may have been carried out must not be repeated.
  if spec.retry == "never" and was_sent and err.statusCode ~= 429 then
    return self:finish(nil, err)
  end
  return retry_or_end(self, err)
end

-- A response is complete; of a stream, its first object.
local function succeeded(self, value)
  local result, raw, note = self.spec.accept(self, self.attempt.status, value)
  if raw then
    -- The request may have been carried out, whatever sent this response.
    self.outcome_unknown = self.spec.retry ~= "safe" or nil
    return failed(self, raw)
  end
  local budget = self.runtime.retry_budget
  if budget.spent > 0 then budget:give(self.attempts > 1) end
  if self.client.listener then emit_response(self) end
  return self:finish(result, nil, note)
end

-- The next attempt; nil and a raw failure if its request cannot be sent.
local function start(self)
  self.attempts = self.attempts + 1
  if self.client.listener then emit(self, "request", {}) end
  if self.spec.on_start then self.spec.on_start(self) end
  local request = request_of(self)
  local current, raw = attempt.start(self.runtime.session, request, self)
  request.body = nil  -- which may be long
  note_sent(self)
  return current, raw
end

-- Lets go of the last bytes of the request, if `on_held` allows it. Returns
-- true if it must wait.
local function release(self)
  local on_held, ready, err = self.spec.on_held, true, nil
  if is_too_late(self, 0) then
    err = self.open
  elseif on_held then
    ready, err = on_held(self)
  end
  if ready == false then
    self.rests, self.wake = true, core.now() + held_nap
    self.condition = new_condition(self, held_nap, is_due)
    return true
  end
  if err then
    if self.client.listener then emit_response(self, err) end
    drop(self)
    return give_up(self, err)
  end
  note_sent(self)
  self.attempt:release()
end

-- Sends the request and reads what has arrived of the response.
function perform(self)
  local current = self.attempt
  self.rests = false
  if not current then
    -- Entered again after memory ran out during the handling of a failure.
    if not self.has_slot then core.raise "not enough memory" end
    -- The wait for a slot may have taken long.
    if is_too_late(self, 0) then return give_up(self, self.open) end
    local raw
    current, raw = start(self)
    if raw then return failed(self, raw) end
    self.attempt = current
    if not current:has_news() then return true end  -- as a rule
  end
  local done, value, raw = current:advance(self.spec.read,
    self.client.step_ends)
  local status = current.status
  if not done then
    if status and self.has_slot then
      self.has_slot = false
      self.limiter:release(self)
    end
    if current:is_held() then return release(self) end
    return true
  end
  self.bytes = current.bytes
  if raw then return failed(self, raw) end
  if status >= 200 and status <= 299
     or self.spec.decides and self.spec.decides(self, status) then
    return succeeded(self, value)
  end
  return failed(self, nil, value)
end

function pause(self)
  if core.now() < self.wake then return true end
  self.state = take_slot
end

-- Notes that the request under way may be carried out, although nobody waits
-- for its response any more.
local function abandon(self)
  if may_be_done(self) then self.outcome_unknown = true end
end

-- The error for a call that was ended from outside.
local function interrupted(self)
  abandon(self)
  if self.client.closed then
    return self:error("closed", message.closed, "closed")
  end
  return self:error("canceled", message.canceled, "canceled")
end

--- Does what can be done without waiting.
---@return boolean over  then `value`, `err` and `note` are set
function Call:advance()
  if self.over then return true end
  if self.client.closed or self.canceled then
    return self:finish(nil, interrupted(self))
  end
  local state = self.state or begin
  while not state(self) and not self.over do state = self.state end
  return self.over
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
  self.clock:add(host.wait(self.client, self.runtime.session, target,
    seconds))
end

local function drive(self)
  while not self:advance() do self:wait() end
end

-- If anything is raised (by a hook, or for lack of memory), the program may
-- catch that, and then nothing else would give the slot back. Lua 5.1 cannot
-- yield inside pcall, but there the program cannot catch it either.
local function drive_safely(self)
  local ok, problem = pcall(drive, self)
  if ok then return end
  drop(self)
  core.raise(problem)
end

local drive_call = lua51.is_limited() and drive or drive_safely

--- Advances and waits until the call is over.
---@return any value
---@return lipsync.Error|nil err
---@return string|nil note
function Call:run()
  drive_call(self)
  if self.note then return self.value, nil, self.note end
  return self.value, self.err
end

--- Ends the call from outside; a coroutine that waits in it gets `canceled`.
function Call:cancel()
  self.canceled = true
  self.keep_open = nil
  abandon(self)
  drop(self)
  close_body(self)
  if self.condition then self.runtime.waiters:notify(self.condition) end
end

-- For the limiter: tells the call that a slot is free.
function Call:called()
  if self.condition then self.runtime.waiters:notify(self.condition) end
end

-- For the limiter: whether the response has begun, so the call needs no slot.
function Call:begun()
  return self.attempt and self.attempt:has_begun()
end

-- ---- Streams ----

-- The error object of a listing that broke. A broken one is reported before
-- any other reason, because it cannot be resumed.
local function broken_listing(self, raw)
  local err = explained(self, raw)
  local about = self:about()
  about.broken = true
  local after = message.after(about.delivered or 0, about.noun)
  if err.kind == "connection" then
    local cause = err
    err = errors.new("connection", "the connection broke " .. after, about)
    err.cause = cause
  elseif err.kind == "timeout" then
    err = errors.new("timeout", err.message .. ", " .. after, about)
  end
  return err
end

local function broken(self, raw)
  local err = (self.spec.listing and broken_listing or explained)(self, raw)
  if self.client.listener then emit_response(self, err) end
  return err
end

--- The next object of a stream, after its first one, or the next bytes.
---@return boolean over  false: wait
---@return any object  nil at the end
---@return lipsync.Error|nil err
function Call:follow()
  if self.client.closed or self.canceled then
    return true, nil, interrupted(self)
  end
  local current = self.attempt
  current:open()
  local done, value, raw = current:advance(self.spec.read_on or self.spec.read,
    self.client.step_ends)
  if raw then return true, nil, broken(self, raw) end
  return done, value
end

--- Where in the body the last object ended that `follow` gave (bytes).
---@return integer
function Call:position()
  return self.attempt:position()
end

--- Bytes of the request's body that this attempt has sent, and all of them.
---@return integer|nil sent  nil if there is no request
---@return integer|nil length
function Call:uploaded()
  if not self.attempt then return nil end
  return self.attempt:uploaded()
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

--- Bytes of this attempt received so far.
---@return integer
function Call:received()
  return self.attempt and self.attempt:received() or self.bytes
end

--- Closes what a finished call still has open.
function Call:close()
  self.keep_open = nil
  drop(self)
end

return call
