-- SPDX-License-Identifier: MIT
-- What came, or did not come, of an attempt, and what that means to its call:
-- a value, an error, or another attempt. The call (call.lua) is told by its
-- methods `finish` and `sleep`; nothing here waits.

local core = require "lipsync.core"
local errors = require "lipsync.error"
local message = require "lipsync.error.message"
local retry = require "lipsync.error.retry"
local url = require "lipsync.base.url"

local verdict = {}

local unclear = { [500] = true, [502] = true, [504] = true }

-- Whether the server may have done what was asked although nobody told us.
local function unknown(this)
  if this.status then return unclear[this.status] or false end
  return this.transfer and this.transfer:sent() or false
end

local function is_success(status)
  return status and status >= 200 and status <= 299
end

-- Whether the answer says that it is not JSON.
local function is_foreign(transfer)
  local media = transfer and transfer:header "content-type"
  return media ~= nil and not media:lower():find("json", 1, true)
end

-- What came instead of what was expected, in a phrase.
local function unexpected(this, expected, body)
  return message.unexpected(expected, this.transfer:header "content-type",
    this.status, body)
end

-- Takes the key out of what the server sent.
local function redact(this, failure)
  failure.body = failure.body and this.runtime.session:redact(failure.body)
end

-- A failure as an error object. What is no JSON was not sent by the service,
-- so its type and beginning say more than where the scanner stopped.
local function explained(this, failure)
  if failure.attempts then return failure end
  local about = this:about()
  redact(this, failure)
  if failure.kind == "protocol" then
    failure.statusCode = failure.statusCode or this.status
    about.foreign = is_foreign(this.transfer)
    if about.foreign and failure.reason == "json" and this.status then
      failure.message = unexpected(this, "a JSON array", failure.body or "")
    end
  end
  return errors.complete(failure, about)
end

-- Tells that an attempt is over.
local function tell(this, err)
  if not this.client.listener then return end
  local transfer = this.transfer
  this:emit("response", {
    statusCode = this.status, bytes = this.bytes, err = err,
    seconds = this.clock:seconds() - this.started,
    requestId = err and err.requestId
      or transfer and transfer:header "x-request-id" or nil,
  })
end

-- Another attempt, or the end.
local function again(this, err, is_late)
  local delay = retry.decide(err, this.attempt, {
    max_attempts = this.max_attempts,
    remaining = is_late and 0 or this:remaining(),
    random = core.random(),
  })
  if not delay or not this.runtime.retry_budget:take(err.retryAfter ~= nil) then
    return this:finish(nil, err)
  end
  this:emit("retry", { delay = delay, err = err, statusCode = err.statusCode,
                       requestId = err.requestId })
  return this:sleep(delay)
end

--- An attempt has failed, by the core's word or by an answer's.
---@param this table  the call
---@param failure table
---@return boolean|nil  true: the call is over
function verdict.failed(this, failure)
  local spec = this.spec
  if spec.settle and is_success(this.status) then
    this.runtime.retry_budget:give(this.attempt > 1)
    tell(this, explained(this, failure))
    return this:finish(spec.settle(this))
  end
  this.outcome_unknown = this.outcome_unknown or unknown(this)
  local is_late = failure.reason == "deadline"
  local err = explained(this, failure)
  tell(this, err)
  this:drop()
  this.status = nil
  if spec.refused then
    local value, note = spec.refused(this, err)
    if value ~= nil then return this:finish(value, nil, note) end
  end
  return again(this, err, is_late)
end

-- The failure that an answer is which says no, or leads elsewhere.
local function refusal(this, body)
  local transfer, status = this.transfer, this.status
  local function header(name) return transfer:header(name) end
  if status >= 400 then
    this.outcome_unknown = this.outcome_unknown or unknown(this)
    body = this.runtime.session:redact(body or "")
    return errors.from_answer(
      { status = status, header = header, body = body }, this:about())
  end
  local location = header "location"
  return { kind = "protocol", reason = "redirect", statusCode = status,
    message = message.redirect(status,
      location and url.origin(location, this.runtime.session:origin())) }
end

--- An answer is complete (of a stream: its beginning).
---@param this table  the call
---@param value any  what the call's `read` made of it
---@return boolean|nil  true: the call is over
function verdict.answered(this, value)
  if not is_success(this.status) then
    return verdict.failed(this, refusal(this, value))
  end
  local result, failure, note = this.spec.accept(this, this.status, value)
  if failure then return verdict.failed(this, failure) end
  this.runtime.retry_budget:give(this.attempt > 1)
  tell(this)
  return this:finish(result, nil, note)
end

--- A stream broke behind its first value: that is said first, since it cannot
--- be resumed.
---@param this table  the call
---@param failure table
---@return lipsync.Error
function verdict.broke(this, failure)
  this.bytes = this.transfer:received()
  redact(this, failure)
  local about = this:about()
  about.broken = true
  if failure.kind == "connection" then
    failure = { kind = "connection", reason = "cut",
                message = message.broken(about.delivered or 0),
                cause = errors.complete(failure, this:about()) }
  elseif failure.kind == "timeout" then
    failure.message = failure.message .. ", "
      .. message.after(about.delivered or 0)
  end
  local err = errors.complete(failure, about)
  tell(this, err)
  return err
end

-- What a clock says that has run out.
local function overdue(this)
  local now, bytes = this.clock:seconds(), this.transfer:received()
  if bytes ~= this.bytes then this.bytes, this.moved = bytes, now end
  if now >= this.timeout then
    return { kind = "timeout", reason = "deadline", message =
      message.deadline(this.timeout, { attempt = this.attempt }) }
  elseif now - this.moved >= this.stall_timeout then
    return { kind = "timeout", reason = "stall",
             message = message.stalled(this.stall_timeout) }
  end
  return nil
end

--- Judges the clocks, but not before everything that has arrived was read: a
--- host that comes back late finds it in the sockets, and a step may not come
--- to all of them.
---@param this table  the call
---@return table|nil failure
function verdict.late(this)
  if not overdue(this) then return nil end
  this.runtime.session:drain()
  return not this.transfer:ready() and overdue(this) or nil
end

--- A failure for an answer that is not what is documented.
---@param this table  the call
---@param expected string  "a JSON array"
---@param body string|nil
---@return table failure
function verdict.unexpected(this, expected, body)
  body = this.runtime.session:redact(body or "")
  return { kind = "protocol", reason = "shape", statusCode = this.status,
    body = body:sub(1, errors.body_limit),
    message = unexpected(this, expected, body) }
end

return verdict
