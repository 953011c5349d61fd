-- SPDX-License-Identifier: MIT
-- The options of lipsync.new and of every call: names, types, defaults.
-- What is wrong with them is the caller's program, so it is raised.

local misuse = require "lipsync.base.misuse"

local options = {}

local function is_number(value)
  return type(value) == "number" and value == value
end

local function seconds(value, name)
  if not is_number(value) or value <= 0 then
    misuse.raise(("%s must be a number of seconds above 0, got %s")
      :format(name, misuse.show(value)))
  end
end

local function integer(least, most)
  return function(value, name)
    if not is_number(value) or value < least or value > (most or 2 ^ 53)
       or value % 1 ~= 0 then
      misuse.raise(("%s must be a whole number %s, got %s"):format(name,
        most and ("from %d to %d"):format(least, most)
        or ("of at least %d"):format(least), misuse.show(value)))
    end
  end
end

local function typed(wanted)
  return function(value, name)
    if type(value) ~= wanted then
      misuse.raise(("%s must be a %s, got %s"):format(name, wanted,
        misuse.show(value)))
    end
  end
end

-- As typed "string", but the value is never shown.
local function secret(value, name)
  if type(value) ~= "string" then
    misuse.raise(("%s must be a string, got %s"):format(name, type(value)))
  end
end

local function callable(value, name)
  if not misuse.callable(value) then
    misuse.raise(("%s must be a function, got %s"):format(name,
      misuse.show(value)))
  end
end

local function host(value, name)
  if type(value) ~= "string" and not misuse.callable(value) then
    misuse.raise(("%s must be a host's name or a function, got %s")
      :format(name, misuse.show(value)))
  end
end

-- What says how a message is framed or encoded; the core refuses these, too.
local ours = {
  ["accept-encoding"] = true, connection = true, ["content-length"] = true,
  expect = true, host = true, ["keep-alive"] = true, te = true,
  trailer = true, ["transfer-encoding"] = true, upgrade = true,
}

local function headers(value, name)
  typed "table"(value, name)
  for key, text in pairs(value) do
    if type(key) ~= "string" or not key:find "^[%w!#$&'*+.^_`|~-]+$" then
      misuse.raise(("%s must have names of headers as keys, got %s")
        :format(name, misuse.show(key)))
    elseif key:lower() == "x-api-key" then
      misuse.raise(name .. " must not hold x-api-key: pass api_key")
    elseif ours[key:lower()] then
      misuse.raise(("%s must not hold %s: the client sets it itself")
        :format(name, key))
    elseif type(text) ~= "string" then
      misuse.raise(('%s must have strings as values, got %s for "%s"')
        :format(name, misuse.show(text), key))
    end
  end
end

local function anything() end

local of_call = {
  timeout = seconds,
  stall_timeout = seconds,
  max_attempts = integer(1),
  headers = headers,
  tag = anything,
}

local of_client = {
  api_key = secret,
  base_url = typed "string",
  timeout = seconds,
  connect_timeout = seconds,
  stall_timeout = seconds,
  max_attempts = integer(1),
  max_in_flight = integer(1),
  max_generation = integer(1),
  max_response = integer(1),
  ca_file = typed "string",
  proxy = typed "string",
  headers = headers,
  user_agent = typed "string",
  host = host,
  on_event = callable,
  on_task_error = callable,
  allow_http = typed "boolean",
}

local of_delete_many = {
  concurrency = integer(1),
  when = callable,
  on_result = callable,
}
for name, of in pairs(of_call) do of_delete_many[name] = of end

-- Checks every value given and copies it: what the caller does with the table
-- later is the caller's.
local function copy(given, known)
  if given == nil then return {} end
  given = misuse.table(given, "options")
  misuse.names(given, known, "option")
  local own = {}
  for name, value in pairs(given) do
    known[name](value, name)
    own[name] = value
  end
  if own.headers then
    own.headers = {}
    for name, text in pairs(given.headers) do own.headers[name] = text end
  end
  return own
end

--- Options of lipsync.new, with the defaults that are not the core's.
---@param given table|nil
---@return table
function options.client(given)
  local own = copy(given, of_client)
  own.timeout = own.timeout or 60
  own.connect_timeout = own.connect_timeout or 10
  own.stall_timeout = own.stall_timeout or 30
  own.max_attempts = own.max_attempts or 4
  own.max_in_flight = own.max_in_flight or 8
  own.max_generation = own.max_generation or 1024 * 1024
  own.max_response = own.max_response or 16 * 1024 * 1024
  return own
end

--- Options that every call takes.
---@param given table|nil
---@return table
function options.call(given)
  return copy(given, of_call)
end

--- Those and delete_many's own.
---@param given table|nil
---@return table
function options.delete_many(given)
  local own = copy(given, of_delete_many)
  own.concurrency = own.concurrency or 8
  return own
end

--- The first header with a control character in its value. It cannot be sent;
--- it may have come from outside, so it is told and not raised.
---@param given table<string, string>|nil
---@return string|nil problem
function options.bad_header(given)
  for name, text in pairs(given or {}) do
    if text:find "[%z\1-\8\10-\31\127]" then
      return ("the header %s has a control character"):format(name)
    end
  end
  return nil
end

return options
