-- SPDX-License-Identifier: MIT
-- client.errors: the service's catalog of error codes, fetched once and
-- without the key. Making an error never makes a request; only this does.

local call = require "lipsync.call"
local misuse = require "lipsync.base.misuse"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local options = require "lipsync.base.options"

---@class lipsync.CatalogEntry
---@field code string
---@field message string|nil
---@field suggestion string|nil

---@class lipsync.ErrorCodes
local ErrorCodes = {}
ErrorCodes.__index = ErrorCodes

local error_codes = {}

-- An explanation is a courtesy: it may not cost a script much (seconds), and
-- a catalog that did not come is not asked for again at each failure.
local patience, forget = 5, 30

-- It has a few KB. What is far longer is something else, and would be decoded
-- in one piece, whatever a step may take (bytes).
local longest = 256 * 1024

---@param client table
---@return lipsync.ErrorCodes
function error_codes.new(client)
  return setmetatable({ client = client }, ErrorCodes)
end

local function client_of(self, name)
  misuse.self(self, ErrorCodes, "client.errors:%s(…)", name)
  self.client:check_open()
  return self.client
end

-- Strings only: a null or another type says nothing.
local function entry_of(value)
  local entry = {}
  for _, name in ipairs { "code", "message", "suggestion" } do
    if type(value[name]) == "string" then entry[name] = value[name] end
  end
  return entry.code and entry
end

local function accept(this, _, body)
  local value = #body <= longest and core.decode(body)
  local entries, found = {}, 0
  for _, each in pairs(type(value) == "table" and value or {}) do
    found = found + 1
    local of = value[found]
    entries[found] = type(each) == "table" and type(of) == "table"
      and entry_of(of) or nil
  end
  if value and #entries == found and body:find "^%s*%[" then return entries end
  return nil, this:unexpected("an array of error codes", body)
end

--- Fetches the catalog, whether it is there or not.
---@param given table  from options.call
---@param max_attempts integer|nil
---@return lipsync.CatalogEntry[]|nil
---@return lipsync.Error|nil err
function ErrorCodes:fetch(given, max_attempts)
  local entries, err = call.new(self.client, {
    action = "list error codes", method = "GET", path = "/v2/errors",
    key = false, max_attempts = max_attempts,
    read = call.read_whole, accept = accept,
  }, given):run()
  self.entries = entries or self.entries
  return entries, err
end

--- All entries of the catalog. Fetched once; the array is a copy.
---@param options_ lipsync.CallOptions|nil
---@return lipsync.CatalogEntry[]|nil
---@return lipsync.Error|nil err
function ErrorCodes:list(options_)
  client_of(self, "list")
  local given = options.call(options_)
  if not self.entries then
    local entries, err = self:fetch(given)
    if not entries then return nil, err end
  end
  local copy = {}
  for i, entry in ipairs(self.entries) do
    copy[i] = { code = entry.code, message = entry.message,
                suggestion = entry.suggestion }
  end
  return copy
end

-- Makes sure that there is a catalog, within what a courtesy may cost.
function ErrorCodes:provide()
  if self.entries then return nil end
  if self.failed and core.now() - self.failed < forget then return self.err end
  local seconds = math.min(patience, self.client.options.timeout)
  local _, err = self:fetch({ timeout = seconds }, 1)
  if err then self.failed, self.err = core.now(), err end
  return err
end

-- The code in what was given: itself, or that of an error or a generation.
local function code_of(given)
  if given == nil or type(given) == "string" then return given end
  if errors.is_error(given) or core.is_generation(given) then
    return given.errorCode
  end
  misuse.raise("explain takes a code, an error or a generation, got "
    .. misuse.show(given))
end

--- What a code means and what to do about it. Never retries and waits at
--- most 5 s, for it is only a courtesy.
---@param code string|lipsync.Error|lipsync.Generation|nil
---@param of lipsync.Error|lipsync.Generation|nil  whose code it is to be, if
---   `code` is nil
---@return lipsync.CatalogEntry|nil  nil if the code is not in the catalog
---@return lipsync.Error|nil err  if the catalog could not be fetched
function ErrorCodes:explain(code, of)
  client_of(self, "explain")
  code = code_of(code) or code_of(of)
  if not code then return nil end
  local err = self:provide()
  if err then return nil, err end
  for _, entry in ipairs(self.entries) do
    if entry.code == code then
      return { code = entry.code, message = entry.message,
               suggestion = entry.suggestion }
    end
  end
  return nil
end

return error_codes
