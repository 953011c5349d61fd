-- SPDX-License-Identifier: MIT
-- What the Lua layer adds to a Generation: its bytes and members are the
-- core's.

local check = require "lipsync.check"
local core = require "lipsync.core"
local time = require "lipsync.time"

local generation = {}

local terminal = { COMPLETED = true, FAILED = true, REJECTED = true }

local function check_self(self, name)
  if not core.is_generation(self) then
    check.raise("call it with a colon: generation:" .. name .. "()")
  end
end

--- Whether nothing more will happen to it, so that it can be deleted. A status
--- that is not known is taken for one that goes on.
---@param self lipsync.Generation
---@return boolean
local function is_terminal(self)
  check_self(self, "is_terminal")
  return terminal[self:get "status"] or false
end

--- When it was made.
---@param self lipsync.Generation
---@return number|nil  seconds since 1970 UTC with fraction; nil if it has no
---   createdAt that is a time
local function created_at(self)
  check_self(self, "created_at")
  return time.parse(self:get "createdAt")
end

--- Deletes it: client.generations:delete of the client it came from.
---@param self lipsync.Generation
---@param options lipsync.CallOptions|nil
---@return lipsync.Generation|nil deleted
---@return lipsync.Error|nil err
---@return string|nil note  "already_gone"
local function delete(self, options)
  check_self(self, "delete")
  local client = core.owner(self)
  if not client then
    check.raise("this generation was made from text and has no client: "
      .. "call client.generations:delete(generation)")
  end
  return client.generations:delete(self, options)
end

--- Adds the methods. Called once, by init.lua.
function generation.install()
  core.methods.is_terminal = is_terminal
  core.methods.created_at = created_at
  core.methods.delete = delete
end

return generation
