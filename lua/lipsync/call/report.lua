-- SPDX-License-Identifier: MIT
-- What is told about a call: its error objects, and the events for the client's
-- listener. Reads calls, and changes none.

local errors = require "lipsync.error"
local message = require "lipsync.error.message"
local replace = require "lipsync.base.text".replace
local texts = require "lipsync.base.text"
local url = require "lipsync.base.url"

local report = {}

local none = {}

--- What errors report about a call.
---@param of table  the call
---@return table  a fresh one
function report.about(of)
  local spec = of.spec
  local about = of.client:about()
  about.action, about.id = spec.action, of.id
  if of.id then
    about.action = spec.action .. " " .. url.readable(of.id)
  end
  about.noun, about.advice = spec.noun, spec.advice
  about.method, about.path, about.tag = spec.method, of.path, of.options.tag
  about.attempts, about.seconds = of.attempts, of.clock:seconds()
  about.delivered = spec.listing and spec.listing.delivered
  about.unknown = of.outcome_unknown and spec.unknown
  about.outcome_unknown = of.outcome_unknown
  about.idempotency_key = of.sent.idempotency_key
  if spec.key == false then about.key_from = nil end
  if spec.origin then
    about.host, about.is_foreign = spec.origin:match "//(.*)$", true
    about.base_url, about.base_url_from = nil, nil
  end
  return about
end

--- An error object about a call.
---@param of table
---@param kind string
---@param text string
---@param field string|nil  what is wrong
---@param reason string|nil  for its advice, see message.lua
---@return lipsync.Error
function report.error(of, kind, text, field, reason)
  return errors.new(kind, text, report.about(of), field, reason)
end

--- The error of a call that was not sent, because the service has refused
--- another one and the call's time ends before all may go on.
---@param of table
---@param rest number  seconds until then
---@return lipsync.Error
function report.resting(of, rest)
  return errors.complete({ kind = "api", statusCode = 429, retryAfter = rest,
    message = "the service has refused another request of this client, so "
      .. "this one waited and was not sent" }, report.about(of))
end

-- A text from a server, without what no one else may see: the key, and the
-- signatures in addresses.
local function redacted(of, given)
  given = of.runtime.session:redact(given)
  for _, secret in ipairs(of.spec.secrets or none) do
    given = replace(given, secret, "(secret)")
  end
  local form = of.spec.secret
  return form and given:gsub(form, "(secret)") or given
end

-- A header of the response, nil if there is none.
local function header(of, name)
  local value = of.attempt and of.attempt:header(name)
  return value and redacted(of, value) or nil
end

-- ---- Events ----

--- Tells the client's listener.
---@param of table
---@param kind string  "request", "response", "retry" or "queued"
---@param event table  what only this kind has
---@return boolean ok
---@return any problem  what the listener raised
function report.event(of, kind, event)
  local spec = of.spec
  event.type, event.method, event.path = kind, spec.method, of.path
  event.attempt = event.attempt or of.attempts
  event.idempotencyKey, event.tag = of.sent.idempotency_key, of.options.tag
  -- Of an address that a response has named, the query may be a secret.
  local target = not spec.origin and spec.target or nil
  return pcall(of.client.listener, event, target)
end

--- What the end of an attempt tells, for report.event.
---@param of table
---@param err lipsync.Error|nil
---@return table
function report.response(of, err)
  local current = of.attempt
  return {
    statusCode = current and current.status or nil,
    bytes = current and current.bytes or 0, err = err,
    seconds = current and current:seconds() or 0,
    requestId = err and err.requestId or header(of, "x-request-id"),
  }
end

-- ---- What went wrong ----

-- Whether the response has another media type than JSON.
local function is_foreign(current)
  local media = current and current:header "content-type"
  return media and not texts.lower(media):find "json" or false
end

--- A failure for a response of another form than documented.
---@param of table
---@param expected string  "a JSON array"
---@param body string|nil  nil if it was not read
---@return table raw
function report.unexpected(of, expected, body)
  local current = of.attempt
  return { code = "unexpected", wanted = expected, body = body,
           media = header(of, "content-type"), status = current.status }
end

-- The fields of a raw failure with text from the server.
local sent_back = { "body", "found", "detail" }

--- Turns a raw failure into an error object. For a body that is not JSON its
--- media type and beginning say more than where the scanner stopped; not so
--- inside of lines, whose media type is often wrong.
---@param of table
---@param raw table
---@return lipsync.Error
function report.explained(of, raw)
  local about, current = report.about(of), of.attempt
  about.foreign = is_foreign(current)
  local expects = of.spec.expects
  if about.foreign and raw.code:find "^json_" and current.status
     and raw.code ~= "json_size" and (raw.body or not expects) then
    raw = report.unexpected(of, expects or "a JSON array", raw.body or "")
  end
  for _, name in ipairs(sent_back) do
    if raw[name] then raw[name] = redacted(of, raw[name]) end
  end
  raw.status = raw.status or current and current.status or nil
  return errors.from_failure(raw, about)
end

--- The error object of an error response or a redirect.
---@param of table
---@param body string|nil
---@return lipsync.Error
function report.refusal(of, body)
  local current = of.attempt
  local status = current.status
  if status >= 400 then
    body = redacted(of, body or "")
    return errors.from_response({ status = status, body = body,
      proxy = current:proxy(),
      header = function(name) return header(of, name) end }, report.about(of))
  end
  local location = current:header "location"
  return report.explained(of, { code = "redirect", status = status,
    origin = location and url.origin(location, of.runtime.session:origin()) })
end

--- The error object of a stream that broke. That it did comes before any other
--- reason, because a listing cannot be resumed.
---@param of table
---@param raw table
---@return lipsync.Error
function report.broken(of, raw)
  local err = report.explained(of, raw)
  if not of.spec.listing then return err end
  local about = report.about(of)
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

return report
