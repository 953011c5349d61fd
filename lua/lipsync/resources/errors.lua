-- SPDX-License-Identifier: MIT
-- client.errors: the service's catalog of error codes, fetched once and
-- without the key. Making an error never makes a request; only this does.

local api = require "lipsync.api"
local call = require "lipsync.call"
local codes = require "lipsync.resources.error_codes"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"

---@class lipsync.CatalogEntry
---@field code string
---@field message string|nil
---@field suggestion string|nil
---@field scope string|nil  what would have to change: "request", what was sent;
---   "account", plan, limits or payments; "object", that which it is about;
---   "service", nothing on this side
---@field retryable boolean|nil  whether the same may succeed later

---@class lipsync.ErrorCodes
local ErrorCodes = operation.resource("errors", api.errors)

local spec = ErrorCodes.specs.list

-- `explain` is optional, so it waits at most `patience` and does not ask again
-- for `forget` after a failure (seconds), and never retries.
local patience, forget = 5, 30
local once = setmetatable({ max_attempts = 1 }, spec)

-- Fetches the catalog, even if it was fetched before.
local function fetch(self, of, options)
  local entries, err = call.new(self.client, of, options):run()
  self.entries = entries or self.entries
  return entries, err
end

-- A copy of an entry, with what is known of its code without the catalog.
local function copy(entry)
  local facts, own = codes[entry.code] or {}, {}
  for name, value in pairs(facts) do own[name] = value end
  for name, value in pairs(entry) do own[name] = value end
  return own
end

--- All entries of the catalog. Fetched once; the array is a copy.
---@param options lipsync.CallOptions|nil
---@return lipsync.CatalogEntry[]|nil
---@return lipsync.Error|nil err
function ErrorCodes:list(options)
  ErrorCodes.client_of(self, "list")
  options = schema.read(operation.options, options, "options")
  if not self.entries then
    local entries, err = fetch(self, spec, options)
    if not entries then return nil, err end
  end
  local copies = {}
  for i, entry in ipairs(self.entries) do copies[i] = copy(entry) end
  return copies
end

--- Fetches the catalog again, in one request; for client:warm.
---@param options table  from schema.read
---@return lipsync.Error|nil err
function ErrorCodes:_refresh(options)
  return select(2, fetch(self, once, options))
end

-- The entry of a code in the catalog, as far as that was fetched.
local function find(self, code)
  for _, entry in ipairs(self.entries or {}) do
    if entry.code == code then return entry end
  end
end

--- What is known of a code without a request; for errors.
---@param code string
---@return { scope: string|nil, retryable: boolean|nil }|nil
function ErrorCodes:_facts(code)
  local entry = find(self, code)
  return entry and copy(entry) or codes[code]
end

-- Fetches the catalog if it is missing, within `patience`.
local function provide(self)
  if self.entries then return nil end
  if self.failed and core.now() - self.failed < forget then return self.err end
  local seconds = math.min(patience, self.client.options.timeout)
  local _, err = fetch(self, once, { timeout = seconds })
  if err then self.failed, self.err = core.now(), err end
  return err
end

-- The code of `code`: itself, or that of an error or a generation.
local function code_of(given, method)
  if given == nil or type(given) == "string" then return given end
  if errors.is_error(given) or core.type_of(given) == "Generation" then
    return given.errorCode
  end
  misuse.raise(("%s takes a code, an error or a generation, got %s"):format(
    method, misuse.show(given)))
end

--- What a code means and what to do about it. Never retries and waits at most
--- 5 s, since it is only help.
---@param code string|lipsync.Error|lipsync.Generation|nil
---@param of lipsync.Error|lipsync.Generation|nil  the owner of the code, if
---   `code` is nil
---@return lipsync.CatalogEntry|nil  nil if the code is not in the catalog
---@return lipsync.Error|nil err  if the catalog could not be fetched
function ErrorCodes:explain(code, of)
  ErrorCodes.client_of(self, "explain")
  code = code_of(code, "explain") or code_of(of, "explain")
  if not code then return nil end
  local err = provide(self)
  if err then return nil, err end
  local entry = find(self, code)
  return entry and copy(entry) or nil
end

--- What is known of a code, by the catalog if it was fetched, and without a
--- request otherwise: then there are neither message nor suggestion.
---@param code string|lipsync.Error|lipsync.Generation|nil
---@return lipsync.CatalogEntry|nil  nil for a code that is not known
function ErrorCodes:known(code)
  ErrorCodes.client_of(self, "known")
  code = code_of(code, "known")
  local facts = code and self:_facts(code)
  return facts and { code = code, message = facts.message,
    suggestion = facts.suggestion, scope = facts.scope,
    retryable = facts.retryable } or nil
end

return ErrorCodes
