-- SPDX-License-Identifier: MIT
-- Raises error objects, so that none is lost.

local core = require "lipsync.core"
local host = require "lipsync.host"
local uncaught = require "lipsync.host.uncaught"

local raise = {}

--- Raises an error object from a call that cannot return one.
---@param client table
---@param err lipsync.Error
function raise.error(client, err)
  if client:runtime().scheduler.current then core.raise(err) end
  local value, is_lost = uncaught.judge(err)
  if is_lost then host.log(tostring(err)) end
  core.raise(value)
end

return raise
