-- SPDX-License-Identifier: MIT
-- client:request: one request of the API that this version has no method for.
-- Gives the response as it is; refuses a path that could lead elsewhere.

local attempt = require "lipsync.call.attempt"
local call = require "lipsync.call"
local core = require "lipsync.core"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"
local texts = require "lipsync.base.text"
local url = require "lipsync.base.url"

local request = {}

---@class lipsync.RequestOptions : lipsync.CallOptions
---@field query table|string|nil  names and values, or the text after the "?"
---@field body any  a string is sent as it is, any other value as JSON
---@field idempotency_key string|nil  sent as Idempotency-Key; the request is
---   then repeated with the same bytes, as a create is
---@field retry boolean|nil  true: it may be repeated although it may have been
---   carried out; default only for GET, HEAD and OPTIONS
---@field send_key boolean|nil  false: sent without the API key; default true
request.options = schema.join(operation.options, {
  query = schema.anything, body = schema.anything,
  idempotency_key = schema.string, retry = schema.boolean,
  send_key = schema.boolean,
})

---@class lipsync.Response
---@field statusCode integer  200 to 299
---@field headers table<string, string>  by their names in lower case
---@field requestId string|nil  for the service's support
---@field body any  decoded JSON with lipsync.null for null; a string if it is
---   no JSON; nil if there is none

local safe = { GET = true, HEAD = true, OPTIONS = true }

local methods = { GET = true, HEAD = true, OPTIONS = true, POST = true,
                  PUT = true, PATCH = true, DELETE = true }

-- Methods whose request has no body.
local bodiless = { GET = true, HEAD = true }

-- ---- What is sent ----

-- Servers and proxies resolve such segments, also when they are encoded.
local function is_dots(segment)
  local plain = segment:gsub("%%2[Ee]", ".")
  return plain == "." or plain == ".."
end

-- Why a path cannot be sent; it may come from outside.
local function bad_path(path)
  if not path:find "^/" or path:find "^//" then
    return "the path must begin with exactly one /"
  elseif path:find("[" .. texts.control .. "]") then
    return "the path has a control character"
  elseif path:find("\\", 1, true) then
    return "the path has a backslash"
  elseif path:find "[?#]" then
    return "the path has a query or a fragment; a query is an option"
  elseif path:find "[^!-~]" then
    return "the path has a character that must be percent-encoded"
  end
  for segment in path:gmatch "[^/]+" do
    if is_dots(segment) then
      return ('the path has a segment "%s"'):format(segment)
    end
  end
  return nil
end

-- One value of a query as text.
local function value_text(value, name)
  if type(value) == "string" then return url.encode(value) end
  local text = type(value) ~= "table" and core.encode(value)
  if text and value ~= core.null then return url.encode(text) end
  misuse.raise(("query.%s must be a string, a number, a boolean or an array "
    .. "of them, got %s"):format(name, misuse.show(value)))
end

-- A value, or those of an array, which the service splits by their commas.
local function query_value(value, name)
  if type(value) ~= "table" then return value_text(value, name) end
  local parts = {}
  for i, each in ipairs(value) do parts[i] = value_text(each, name) end
  return table.concat(parts, ",")
end

-- The target of the request: path and query, in the order of its names.
local function target(path, query)
  if query == nil or query == "" then return path end
  if type(query) == "string" then return path .. "?" .. query end
  misuse.plain_table(query, "query")
  for name in pairs(query) do schema.string(name, "a name of query") end
  local pairs_ = {}
  for i, name in ipairs(misuse.keys(query)) do
    pairs_[i] = { url.encode(name), query_value(query[name], name) }
  end
  return url.with_query(path, pairs_)
end

local function has_header(headers, wanted)
  for name in pairs(headers or {}) do
    if texts.lower(name) == wanted then return true end
  end
  return false
end

-- Raises for options that do not go together.
local function check_together(method, options)
  if options.body ~= nil and bodiless[method] then
    misuse.raise(("a %s request has no body"):format(method))
  elseif has_header(options.headers, "idempotency-key") then
    misuse.raise "headers must not hold Idempotency-Key: pass idempotency_key"
  elseif options.idempotency_key and options.retry == false then
    misuse.raise "idempotency_key does not go with retry = false"
  end
end

-- Whether and how the request is repeated: see `retry` in api.lua.
local function retry_class(method, options)
  if options.idempotency_key then return "keyed" end
  if options.retry == nil then return safe[method] and "safe" or "never" end
  if not options.retry then return "never" end
  return safe[method] and "safe" or "idempotent"
end

-- ---- The response ----

-- The body by its type. Text that only says that it is JSON is a failure,
-- because the caller would index it.
local function body_of(this, headers, body)
  if body == "" then return nil end
  local media = texts.lower(headers["content-type"] or "")
  if not media:find("json", 1, true) then return body end
  local value = core.decode(body)
  if value ~= nil then return value end
  return nil, this:unexpected("JSON", body)
end

local function accept(this, status, text)
  local headers = this.attempt:headers()
  local body, failure = body_of(this, headers, text)
  if failure then return nil, failure end
  return { statusCode = status, headers = headers, body = body,
           requestId = headers["x-request-id"] }
end

-- ---- The call ----

-- Adds the key, and what its answers mean.
local function add_key(spec, key)
  spec.idempotency_key = key
  spec.later = { IDEMPOTENCY_IN_PROGRESS = true }
  spec.unsettled = { IDEMPOTENCY_IN_PROGRESS = true,
                     IDEMPOTENCY_OUTCOME_UNKNOWN = true }
  return operation.bad_key(key)
end

-- Adds the body. Returns why it cannot be sent.
local function add_body(spec, body, options)
  local problem
  spec.body = body
  if type(body) ~= "string" then spec.body, problem = core.encode(body) end
  if not has_header(options.headers, "content-type") then
    spec.content_type = "application/json"
  end
  return problem
end

-- What to call. Returns also why it cannot be sent, and the wrong field.
local function make_spec(method, path, options)
  local spec = {
    action = method .. " " .. path, method = method, path = path,
    target = target(path, options.query), key = options.send_key,
    noun = "object", read = attempt.whole, accept = accept,
    retry = retry_class(method, options),
    unknown = "The request may have been carried out",
  }
  if spec.retry == "never" then spec.max_attempts = 1 end
  local problem = bad_path(path)
  if problem then
    spec.action = "request"
    return spec, problem, "path"
  end
  local key, body = options.idempotency_key, options.body
  problem = key and add_key(spec, key)
  if problem then return spec, problem, "idempotency_key" end
  problem = body ~= nil and add_body(spec, body, options)
  return spec, problem, "body"
end

--- See client:request.
---@param client table
---@param method string
---@param path string
---@param options lipsync.RequestOptions|nil
---@return lipsync.Response|nil
---@return lipsync.Error|nil err
function request.run(client, method, path, options)
  misuse.name(schema.string(method, "method"), methods, "method")
  schema.string(path, "path")
  options = schema.read(request.options, options, "options")
  check_together(method, options)
  local spec, problem, field = make_spec(method, path, options)
  if problem then
    return nil, operation.invalid(client, spec, options, problem, field)
  end
  return call.new(client, spec, options):run()
end

return request
