-- SPDX-License-Identifier: MIT
-- Verifies a webhook. The order is what counts: the signature first, then its
-- time, and only then is the body read. HMAC and comparison are lipsync.hmac's.

local core = require "lipsync.core"
local errors = require "lipsync.error"
local global = require "lipsync.host.global"
local load = require "lipsync.host.load"
local loader = require "lipsync.loader"
local message = require "lipsync.error.message"
local misuse = require "lipsync.base.misuse"
local signature = require "lipsync.webhook.signature"
local texts = require "lipsync.base.text"

local verify = {}

local action = "verify webhook"
local default_tolerance = 300

local function refuse(problem)
  return nil, errors.new("signature", problem, { action = action })
end

--- Loads all that is needed now: for programs that enter a chroot later.
---@return table
function verify.load()
  load.module "lipsync.resources.batch"
  return loader.binary("lipsync.hmac", "libcrypto (OpenSSL) with its headers")
end

-- ---- Arguments ----

-- A secret is never shown. An empty one would let anybody sign.
local function check_secret(value, name)
  if type(value) ~= "string" then
    misuse.raise(("%s must be a string, got %s"):format(name, type(value)))
  elseif value == "" then
    misuse.raise(name .. " is an empty string")
  elseif value:find("[" .. texts.space .. "]") then
    misuse.raise(name .. " holds white space (was it read from a file? "
      .. 'secret:match "%S+")')
  end
  return value
end

-- The secrets as an array: one, or several while one takes another's place.
local function read_secrets(given)
  if type(given) ~= "table" then return { check_secret(given, "secret") } end
  local own = {}
  for i, each in ipairs(given) do
    own[i] = check_secret(each, ("secret[%d]"):format(i))
  end
  if #own == 0 then misuse.raise "secret is an empty table" end
  return own
end

-- A number of seconds; false: any.
local function read_tolerance(value)
  if value == nil then return default_tolerance end
  if value == false then return false end
  if type(value) ~= "number" or value ~= value or value < 0 then
    misuse.raise("tolerance must be a number of seconds, or false, got "
      .. misuse.show(value))
  end
  return value
end

-- A program may have no clock of Lua's.
local function read_now(value, tolerance)
  if value == nil then
    if tolerance and not global.with("os", "time") then
      misuse.raise "this program has no os.time: pass now"
    end
  elseif type(value) ~= "number" or value ~= value then
    misuse.raise("now must be a number of seconds, got " .. misuse.show(value))
  end
  return value
end

local known = { tolerance = true, now = true }

--- Reads the arguments that are the same for many webhooks, or raises what is
--- wrong with them.
---@param secret string|string[]
---@param options lipsync.WebhookOptions|nil
---@return { secrets: string[], tolerance: number|false, now: number|nil }
function verify.prepare(secret, options)
  local own, read = options or {}, {}
  misuse.plain_table(own, "options")
  misuse.names(own, known, "option")
  read.secrets = read_secrets(secret)
  read.tolerance = read_tolerance(own.tolerance)
  read.now = read_now(own.now, read.tolerance)
  return read
end

-- ---- Verifying ----

-- Whether one of the secrets made one of the digests. All are compared, so the
-- time does not say which one fits.
local function is_signed(hmac, read, body, secrets)
  local found = false
  for _, secret in ipairs(secrets) do
    local right = hmac.sha256(secret, read.time .. "." .. body)
    for _, digest in ipairs(read.digests) do
      found = hmac.equal(right, digest) or found
    end
  end
  return found
end

local function misfit(secrets)
  local which = #secrets == 1 and "the secret"
    or ("any of the %d secrets"):format(#secrets)
  return ("its signature does not fit %s: the secret is another one, the body "
    .. "is not byte for byte what was sent, or the service did not send it")
    :format(which)
end

-- What is wrong with the time, nil where nothing is.
local function stale(read, tolerance, now)
  local age = (now or os.time()) - read.seconds
  if math.abs(age) <= tolerance then return nil end
  return ("it was signed %s s %s, and the tolerance is %s s: it was sent again "
    .. "by somebody, or a clock is wrong"):format(
    message.seconds(math.abs(age)), age > 0 and "ago" or "in the future",
    message.seconds(tolerance))
end

-- The service sends a batch under the same header. Only a batch has metrics.
local function read_body(body)
  local object, raw = core.object("Object", body)
  if object then
    local is_batch = type(object.metrics) == "table"
    object, raw = core.object(is_batch and "Batch" or "Generation", body)
  end
  if object then return object end
  return nil, errors.from_failure(raw, { action = "read webhook" })
end

--- See lipsync.webhook.verify.
---@param body string
---@param given string|table|nil
---@param by table  what verify.prepare has made
---@return lipsync.Generation|lipsync.Batch|nil
---@return lipsync.Error|nil err
function verify.run(body, given, by)
  local text, problem = signature.find(given)
  if not text then return refuse(problem) end
  local read
  read, problem = signature.parse(text)
  if not read then return refuse(problem) end
  if not is_signed(verify.load(), read, body, by.secrets) then
    return refuse(misfit(by.secrets))
  end
  problem = by.tolerance and stale(read, by.tolerance, by.now)
  if problem then return refuse(problem) end
  return read_body(body)
end

return verify
