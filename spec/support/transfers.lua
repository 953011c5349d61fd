-- SPDX-License-Identifier: MIT
--
-- For specs of the C types: one session or one transfer, read to its end
-- without the Lua layer.

local core = require "lipsync.core"
local failures = require "lipsync.error.failure"
local file = require "lipsync.file"
local http = require "lipsync.http"
require "lipsync"  -- for the type Generation

local transfers = {}

--- A session for a base URL; further members of the configuration in `more`.
---@param base_url string
---@param more table?
---@return table session
function transfers.session(base_url, more)
  local config = { base_url = base_url, api_key = "test-key",
                   user_agent = "spec", connect_timeout = 5 }
  for name, value in pairs(more or {}) do config[name] = value end
  return assert(http.session(config))
end

--- Starts a request, by default GET /v2/generations with the key. Returns the
--- transfer alone, so that it can be an argument among others.
function transfers.start(session, request)
  local full = { method = "GET", path = "/v2/generations", key = true,
                 owner = {}, type = "Generation" }
  for name, value in pairs(request or {}) do full[name] = value end
  local transfer, more = session:start(full.owner, full.method, full.path,
    full.type, full.key, full.headers, full.idempotency_key, full.body,
    full.content_type, full)
  if transfer then return transfer end
  return nil, more
end

local patience = 20  -- seconds; far more than anything here takes

-- Calls `step` until its first result is not false.
local function drive(session, transfer, step)
  local deadline = core.now() + patience
  while core.now() < deadline do
    local value, failure = step(transfer)
    if value ~= false then return value, failure end
    if not transfer:ready() then session:poll(0.5) end
  end
  error("the transfer did not come to an end", 2)
end

--- Reads a list response to its end.
---@return table[] generations
---@return table? failure
function transfers.list(session, transfer)
  local found = {}
  while true do
    local generation, failure = drive(session, transfer, transfer.next)
    if not generation then return found, failure end
    found[#found + 1] = generation
  end
end

--- Reads one response whole.
---@return string? body
---@return table? failure
function transfers.read(session, transfer)
  return drive(session, transfer, transfer.read)
end

--- The same, as an object if it is one.
---@return any
---@return table? failure
function transfers.object(session, transfer)
  return drive(session, transfer, transfer.object)
end

--- A file without a name.
---@return table
function transfers.file()
  local path = os.tmpname()
  local made = assert(file.open(path, "edit"))
  os.remove(path)
  return made
end

--- Saves a response in chunks, as far as it goes.
---@param max integer?
---@return string[] pieces
---@return table? failure
function transfers.chunks(session, transfer, max)
  local target, pieces, from = transfers.file(), {}, 0
  while true do
    local n, failure = drive(session, transfer, function(of)
      return of:save(target, max)
    end)
    if not n or n == 0 then
      target:close()
      return pieces, failure
    end
    assert(target:seek(from))
    pieces[#pieces + 1] = assert(target:read(n))
    from = from + n
  end
end

--- The HTTP versions of the `n` requests in the log of a spec.support.tls
--- server, which writes it a little after the response.
---@return string[]
function transfers.versions(server, n)
  local deadline = core.now() + 5
  local versions
  repeat
    versions = {}
    for version in server:log():gmatch "HTTP/%d%.%d" do
      versions[#versions + 1] = version
    end
  until #versions >= n or core.now() > deadline
  return versions
end

--- The kind and the code of a failure, "connection cut"; and its sentence.
---@param raw table?
---@param host string?
function transfers.what(raw, host)
  if not raw then return "none" end
  local kind, text = failures.describe(raw, host)
  return kind .. " " .. raw.code, text
end

return transfers
