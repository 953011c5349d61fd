-- SPDX-License-Identifier: MIT
-- require "lipsync": lists and deletes an organization's generations, as a
-- stream and without blocking the host.
--
--   local lipsync = require "lipsync"
--   local client = lipsync.new()          -- key: $SYNC_API_KEY
--   for generation in client.generations:list { limit = 10 } do
--     print(generation.id, generation.status)
--   end
--
-- Misuse raises a string with the caller's line. Runtime failures return nil
-- and an error object; a `for`, which cannot return one, raises it.

local loader = require "lipsync.loader"

local core = loader.binary "lipsync.core"
local misuse = require "lipsync.base.misuse"
local errors = require "lipsync.error"
local generation = require "lipsync.resources.generation"
local load = require "lipsync.host.load"
local time = require "lipsync.base.time"
local uncaught = require "lipsync.host.uncaught"
local webhook = require "lipsync.webhook"

errors.install()
generation.install()
load.rest()

---@class lipsync
---@field webhook lipsync.Webhook
---@field null lightuserdata  a JSON null, where nil cannot stand
---@field _VERSION string
local lipsync = { _VERSION = core._VERSION, null = core.null,
                  webhook = webhook }

-- Raises if the caller wrote a colon instead of the dot of `call`.
local function check_dot(first, call)
  if first == lipsync then
    misuse.raise("call it with a dot: lipsync." .. call)
  end
end

---@class lipsync.Target  what a host function waits for
---@field ready fun(self): boolean

---@alias lipsync.Host "blocking"|"cqueues"|"darktable"|"haproxy"|"luv"|"nginx"
---   |"task"|"vlc"
---   |fun(session: table, target: lipsync.Target|nil, seconds: number)

---@class lipsync.Options
---@field api_key string|false|nil  default $SYNC_API_KEY; false and "": none
---@field base_url string|nil  default $SYNC_BASE_URL, then the service;
---   without /v2
---@field timeout number|nil  seconds for a whole call with its retries;
---   default 60; a listing has none unless its own call gives one
---@field connect_timeout number|nil  seconds; default 10
---@field stall_timeout number|nil  seconds without a byte during a wait;
---   default 30
---@field max_attempts integer|nil  default 4
---@field max_in_flight integer|nil  requests whose response has not begun;
---   default 8
---@field max_transfers integer|nil  files under way at a time; default 8
---@field max_waits integer|nil  long polls at a time; default 32
---@field max_generation integer|nil  bytes of one generation; default 1 MiB
---@field max_response integer|nil  bytes of an answer read whole; default
---   16 MiB
---@field ca_file string|nil  certificates to trust; default $CURL_CA_BUNDLE,
---   then $SSL_CERT_FILE, then libcurl's own
---@field proxy string|nil  default libcurl's environment variables, never for
---   loopback; "": none
---@field headers table<string, string>|nil  added to each request
---@field user_agent string|nil  appended to ours
---@field host lipsync.Host|nil  how to wait; default: detected at each wait
---@field on_event fun(event: lipsync.Event)|nil
---@field on_task_error fun(err: any, task: lipsync.Task)|nil
---@field allow_http boolean|nil  http: to other machines; default false
---@field media_hosts string|string[]|nil  hosts of files that may have an
---   address that is not public
---@field strict boolean|nil  true: takes nothing from the environment, neither
---   key nor address nor proxy nor ca_file; default false

--- Makes a client. Sends nothing. A missing key, or a key or header that cannot
--- be sent, is reported by the calls that need it; other errors are raised. The
--- first client loads the rest of the library.
---@param options lipsync.Options|nil
---@return lipsync.Client
function lipsync.new(options)
  check_dot(options, "new { … }")
  return loader.client().new(options)
end

local function check_text(text, name)
  if type(text) ~= "string" then
    misuse.raise(("lipsync.%s takes a string, got %s"):format(name,
      misuse.show(text)))
  end
end

--- A Generation from JSON text, such as a webhook's body or a file.
---@param json string
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err
function lipsync.generation(json)
  check_dot(json, "generation(json)")
  check_text(json, "generation")
  local made, raw = core.object("Generation", json)
  if made then return made end
  return nil, errors.from_failure(raw, { action = "read generation" })
end

--- JSON text of a Lua value: nil-free arrays, tables with string keys, UTF-8
--- strings, numbers, booleans, lipsync.null, and generations, which keep their
--- bytes. The text is the same on every VM and in every locale, because members
--- are sorted by name. An empty table is `{}`, unless lipsync.array or a
--- decoded array made it.
---@param value any
---@return string|nil
---@return lipsync.Error|nil err  of kind `invalid`; says which part of the
---   value cannot be written
function lipsync.encode(value)
  check_dot(value, "encode(value)")
  local text, problem = core.encode(value)
  if text then return text end
  return nil, errors.new("invalid", problem, { action = "encode" })
end

--- Marks a table as an array; an empty one needs this to be written as `[]`.
---@param elements table
---@return table  the same
function lipsync.array(elements)
  check_dot(elements, "array { … }")
  if type(elements) ~= "table" then
    misuse.raise("lipsync.array takes a table, got " .. misuse.show(elements))
  end
  return core.array(elements)
end

--- Seconds since 1970 UTC of an ISO 8601 text with `Z` or an offset.
---@param text string  "2026-08-25T10:00:00.250Z"
---@return number|nil
---@return lipsync.Error|nil err  of kind `invalid` for any other text
function lipsync.time(text)
  check_dot(text, "time(text)")
  check_text(text, "time")
  local seconds = time.parse(text)
  if seconds then return seconds end
  return nil, errors.new("invalid", ("%s is not a time such as "
    .. "2026-08-25T10:00:00Z"):format(misuse.show(text)), nil, "time")
end

--- As Lua's assert, for what the calls of this library return. Raises the error
--- object; where no Lua code can catch it, its sentence, because a program in C
--- can show only that.
---@param value any
---@param err any
---@param ... any
---@return any ...  all of them, if `value` is neither nil nor false
function lipsync.assert(value, err, ...)
  check_dot(value, "assert(value, err)")
  if value then return value, err, ... end
  if err == nil then err = "assertion failed!" end
  if core.is_error(err) then
    local to_raise, is_lost = uncaught.judge(err)
    if is_lost then loader.log(tostring(err)) end
    err = to_raise
  end
  core.raise(err)
end

--- Whether `value` is an error object of this library.
---@param value any
---@return boolean
function lipsync.is_error(value)
  check_dot(value, "is_error(value)")
  return errors.is_error(value)
end

return lipsync
