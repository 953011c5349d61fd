-- SPDX-License-Identifier: MIT
-- Error objects, made from raw failures and from responses with a status of 400
-- or more. Each is a table with documented members only; its sentence is kept
-- beside it.

local core = require "lipsync.core"
local failure = require "lipsync.error.failure"
local message = require "lipsync.error.message"
local retry = require "lipsync.error.retry"
local retry_after = require "lipsync.error.retry_after"

---@alias lipsync.ErrorKind "api"|"timeout"|"connection"|"tls"|"protocol"
---   |"limit"|"file"|"invalid"|"signature"|"canceled"|"closed"

---@class lipsync.Error
---@field kind lipsync.ErrorKind
---@field message string  the service's, or our description
---@field errorCode lipsync.ErrorCode|nil  stable; what to branch on
---@field statusCode integer|nil
---@field suggestion string|nil  the service's
---@field field string|nil  the wrong part of the request
---@field requestId string|nil  for the service's support
---@field retryable boolean  whether a later attempt may succeed
---@field scope string|nil  of a known errorCode: what would have to change,
---   "request", "account", "object" or "service"
---@field retryAfter number|nil  seconds the service asks to wait
---@field attempts integer  requests made
---@field seconds number  waited in the call
---@field method string|nil
---@field path string|nil  without the query; of an error about a file, the
---   file's
---@field os_error integer|nil  of an error about a file: the system's number
---@field proxy string|nil  the proxy that failed: "http://host:port"
---@field proxyStatus integer|nil  its response to a CONNECT
---@field body string|nil  of the response, at most 64 KiB
---@field delivered integer|nil  objects a listing delivered before it broke
---@field outcomeUnknown boolean|nil  true: the request may have been done
---@field idempotencyKey string|nil  of a create, to go on with
---@field object table|nil  the last state that a wait saw
---@field generation lipsync.Generation|nil  the same, if that is one
---@field candidates table[]|nil  of a create or a batch whose outcome is
---   unknown: those that it may be
---@field details table  further members of the API's own body
---@field cause lipsync.Error|nil  the error that led to this one
---@field tag any  the call's option

local errors = {}

errors.body_limit = 64 * 1024

-- The sentences of tostring, and the errors that the service or another server
-- sent. Weak, so errors are collected as other tables are.
local sentences = setmetatable({}, { __mode = "k" })
local foreign = setmetatable({}, { __mode = "k" })
local from_service = setmetatable({}, { __mode = "k" })

local function to_string(err)
  return sentences[err] or message.sentence(err, {})
end

--- Gives the core's error objects their sentence. Called once, by init.lua.
function errors.install()
  core.error_meta.__tostring = to_string
  core.error_meta.__concat = function(a, b)
    return tostring(a) .. tostring(b)
  end
end

-- Adds what is known of the service's code. Nothing is retried because of it: a
-- status of 4xx may still say that a later attempt succeeds.
local function add_facts(err, known)
  local facts = known and err.errorCode and known(err.errorCode)
  if not facts then return end
  err.scope = facts.scope
  if err.statusCode and err.statusCode < 500 and facts.retryable then
    err.retryable = true
  end
end

--- Completes a table of fields in place.
---@param err table  kind, message, reason and further members
---@param about table  facts about the call, see message.sentence;
---   attempts, seconds, method, path, tag, delivered are copied;
---   known_code(code) tells what is known of an errorCode; redact(text) gives a
---   text without the key, which a server may have sent back as an id or status
---@return lipsync.Error
function errors.complete(err, about)
  about.reason = err.reason
  err.reason = nil
  if about.redact then err.message = about.redact(err.message) end
  err.method, err.path = about.method, err.path or about.path
  err.tag = about.tag
  err.attempts, err.seconds = about.attempts or 0, about.seconds or 0
  err.delivered = about.delivered
  err.outcomeUnknown = about.outcome_unknown or nil
  err.idempotencyKey = about.idempotency_key
  err.details = err.details or {}
  err.retryable = retry.retryable(err.kind, err.statusCode,
    err.proxyStatus)
  add_facts(err, about.known_code)
  sentences[err] = message.sentence(err, about)
  foreign[err] = about.is_foreign
  return setmetatable(err, core.error_meta)
end

--- An error object of a raw failure, see failure.lua.
---@param raw table
---@param about table
---@return lipsync.Error
function errors.from_failure(raw, about)
  local kind, text, field, reason = failure.describe(raw, about.host)
  return errors.complete({ kind = kind, message = text, reason = reason,
    field = field, body = raw.body and raw.body:sub(1, errors.body_limit),
    path = raw.path, os_error = raw.path and raw.os_error,
    statusCode = raw.status, proxy = raw.proxy,
    proxyStatus = raw.proxy_status }, about)
end

--- An error that the library itself detected.
---@param kind string
---@param text string
---@param about table|nil
---@param field string|nil
---@param reason string|nil  for its advice, see message.lua
---@return lipsync.Error
function errors.new(kind, text, about, field, reason)
  return errors.complete({ kind = kind, message = text, field = field,
    reason = reason }, about or {})
end

-- A member as a string; nil for null and other types.
local function text_of(value)
  return type(value) == "string" and value ~= "" and value or nil
end

-- `message` is a string, or an array of them.
local function message_of(value)
  if type(value) ~= "table" then return text_of(value) end
  local parts = {}
  for _, part in ipairs(value) do parts[#parts + 1] = text_of(part) end
  return #parts > 0 and table.concat(parts, "; ") or nil
end

local named = { "errorCode", "suggestion", "field", "requestId" }

-- Copies the documented members, and all others into `details`.
local function read_body(err, body)
  local details, known = {}, { statusCode = true }
  for _, name in ipairs(named) do
    err[name] = text_of(body[name])
    known[name] = err[name] ~= nil
  end
  err.errorCode = err.errorCode or text_of(body.error_code)
  err.message = message_of(body.message)
  known.message = type(body.message) == "string"
  for name, value in pairs(body) do
    if not known[name] and value ~= core.null then details[name] = value end
  end
  err.details = details
end

-- A longer body is no error of the service, and decoding it takes time.
local function decode_object(body)
  if #body > errors.body_limit or not body:find "^[ \t-\r]*{" then
    return nil
  end
  local value = core.decode(body)
  return type(value) == "table" and value or nil
end

local entities = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'" }

-- What a storage says in XML, as S3 does: "AccessDenied: Request has expired".
local function words_of_storage(body)
  if #body > errors.body_limit then return nil end
  local inside = body:gsub("^<%?xml[^>]*>[ \r\n]*", ""):match "^<Error>(.*)"
  local words = {}
  for _, name in ipairs { "Code", "Message" } do
    words[#words + 1] = inside and inside:match("<" .. name .. ">([^<]+)<")
  end
  local text = table.concat(words, ": "):gsub("&([a-z]+);", entities)
  return text ~= "" and text or nil
end

-- The message for a response without an explanation.
local function unexplained(status, media, body)
  local phrase = message.phrase(status)
  if body == "" then return phrase .. " (empty answer)" end
  return media and ("%s (%s)"):format(phrase, media:match "^[^;]*") or phrase
end

--- An error from a complete response with a status of 400 or more.
---@param response { status: integer, header: fun(name: string): string|nil,
---   body: string, proxy: string|nil }  `proxy`: what has sent it in place of
---   the service
---@param about table
---@return lipsync.Error
function errors.from_response(response, about)
  local err = { kind = "api", statusCode = response.status,
                proxy = response.proxy }
  local body = decode_object(response.body)
  if body then
    read_body(err, body)
    from_service[err] = err.errorCode ~= nil
      or type(body.statusCode) == "number" and err.message ~= nil
  end
  about.json = body ~= nil
  err.body = response.body:sub(1, errors.body_limit)
  err.message = err.message
    or body and message.phrase(response.status)
    or words_of_storage(response.body)
    or unexplained(response.status, response.header "content-type",
      response.body)
  err.requestId = err.requestId or response.header "x-request-id"
  err.retryAfter = retry_after.header(response.header "retry-after",
      response.header "date", core.time())
    or retry_after.body(err.details and err.details.retryAfterSeconds)
  return errors.complete(err, about)
end

--- Whether the error has the service's own form: JSON with an errorCode, or
--- with statusCode and message. Any other may come from a proxy.
---@param err lipsync.Error
---@return boolean
function errors.is_from_service(err)
  return from_service[err] or false
end

--- Whether another server than the API's has failed, as one with files. That
--- says nothing of other requests.
---@param err lipsync.Error
---@return boolean
function errors.is_foreign(err)
  return foreign[err] or false
end

--- Whether `value` is an error object of this library.
---@param value any
---@return boolean
function errors.is_error(value)
  return core.is_error(value)
end

return errors
