-- SPDX-License-Identifier: MIT
-- The handler of a location that the service sends webhooks to. It decides what
-- is answered: what cannot be taken is refused without a reason, because who
-- asks is not known; the reason is logged. What is new is answered before any
-- work on it begins, which a timer does. A dictionary that the workers share
-- remembers what was taken.

local global = require "lipsync.host.global"
local misuse = require "lipsync.base.misuse"
local verify = require "lipsync.webhook.verify"

local nginx = {}

local default_body = 1024 * 1024
local default_memory = 24 * 3600

-- ---- Options ----

local function check(value, name, wanted)
  if value ~= nil and type(value) ~= wanted then
    misuse.raise(("%s must be a %s, got %s"):format(name, wanted,
      misuse.show(value)))
  end
  return value
end

local function check_function(value, name)
  if value ~= nil and not misuse.callable(value) then
    misuse.raise(("%s must be a function, got %s"):format(name,
      misuse.show(value)))
  end
  return value or nil
end

local function check_positive(value, name, standard)
  check(value, name, "number")
  if value and (value ~= value or value <= 0) then
    misuse.raise(name .. " must be above 0, got " .. misuse.show(value))
  end
  return value or standard
end

-- The shared dictionary of that name.
local function dictionary(ngx, name)
  check(name, "seen", "string")
  if not name then
    misuse.raise 'seen is missing: the name of a lua_shared_dict'
  end
  local found = ngx.shared[name]
  if found then return found end
  misuse.raise(('seen is "%s", which nginx.conf does not have: '
    .. '"lua_shared_dict %s 1m;"'):format(name, name))
end

local known = { secret = true, seen = true, on_generation = true,
                on_batch = true, tolerance = true, max_body = true,
                remember = true }

-- Reads the options, or raises what is wrong with them.
local function read_options(ngx, given)
  misuse.plain_table(given, "options")
  misuse.names(given, known, "option")
  local own = {
    seen = dictionary(ngx, given.seen),
    on_generation = check_function(given.on_generation, "on_generation"),
    on_batch = check_function(given.on_batch, "on_batch"),
    max_body = check_positive(given.max_body, "max_body", default_body),
    remember = check_positive(given.remember, "remember", default_memory),
    by = verify.prepare(given.secret, { tolerance = given.tolerance }),
  }
  if not own.on_generation and not own.on_batch then
    misuse.raise "on_generation is missing: the function that gets each"
  end
  return own
end

-- ---- The request ----

-- The beginning of the file that nginx has put a long body into.
local function read_file(path, most)
  local file = global.get "io".open(path, "rb")
  if not file then return nil end
  local bytes = file:read(most)
  file:close()
  return bytes or ""
end

-- The body; or nil, the status to answer with, and why.
local function read_body(ngx, most)
  local length = tonumber(ngx.var.http_content_length)
  if length and length > most then return nil, 413, "it is too long" end
  ngx.req.read_body()
  local path = ngx.req.get_body_file()
  local body = path and read_file(path, most + 1)
    or not path and (ngx.req.get_body_data() or "")
  if not body then return nil, 503, path .. " cannot be opened" end
  if #body > most then return nil, 413, "it is too long" end
  return body
end

-- What the request says; or nil, the status to answer with, and why.
local function read_request(ngx, own)
  if ngx.req.get_method() ~= "POST" then
    ngx.header["Allow"] = "POST"
    return nil, 405, "its method is " .. ngx.req.get_method()
  end
  local body, status, problem = read_body(ngx, own.max_body)
  if not body then return nil, status, problem end
  -- All of them: else one that comes twice could be hidden behind others.
  local object, err = verify.run(body, ngx.req.get_headers(0), own.by)
  if object then return object end
  return nil, err.kind == "signature" and 401 or 400, tostring(err)
end

local function answer(ngx, status)
  ngx.status = status
  ngx.header["Content-Length"] = 0
  ngx.send_headers()
  return ngx.exit(ngx.OK)
end

-- ---- The work ----

-- The function that gets it; nil: nobody wants it.
local function receiver_of(own, object)
  if object.metrics ~= nil then return own.on_batch end
  return own.on_generation
end

-- Begins the work, for after the answer. Returns why that cannot be.
local function begin(ngx, own, key, receive, object)
  local function fail(problem)
    own.seen:delete(key)  -- a repeat is handled then
    ngx.log(ngx.ERR, "webhook ", key, ": ", problem)
  end
  local ok, problem = ngx.timer.at(0, function(premature)
    if premature then return fail "the worker ends" end
    local done, err = pcall(receive, object)
    if not done then fail(tostring(err)) end
  end)
  if ok then return nil end
  own.seen:delete(key)
  return problem
end

-- Takes a webhook that is to be trusted. Returns the status to answer with, and
-- why, if it is not taken.
local function take(ngx, own, object)
  local receive = receiver_of(own, object)
  if not receive then return 200 end
  local key = object.id .. " " .. tostring(object.status)
  -- Nothing that is remembered is forgotten for it.
  local added, problem = own.seen:safe_add(key, true, own.remember)
  if problem == "exists" then return 200 end
  if added then problem = begin(ngx, own, key, receive, object) end
  if problem then return 503, ("%s: %s"):format(key, problem) end
  return 200
end

--- See lipsync.webhook.nginx.
---@param options lipsync.NginxWebhookOptions
---@return fun()
function nginx.new(options)
  local ngx = global.with("ngx", "shared")
  if not ngx then misuse.raise "this program is not nginx" end
  local own = read_options(ngx, options)
  verify.load()
  return function()
    local object, status, problem = read_request(ngx, own)
    if object then status, problem = take(ngx, own, object) end
    if problem then ngx.log(ngx.WARN, "webhook refused: ", problem) end
    return answer(ngx, status)
  end
end

return nginx
