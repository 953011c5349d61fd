-- SPDX-License-Identifier: MIT
-- What the command's exit status says, and how a command ends early: by raising
-- a Stop, which holds the status and the sentence.

local core = require "lipsync.core"

local status = { done = 0, usage = 1, refused = 2, unreached = 3, partly = 4,
                 interrupted = 130 }

--- The list of the manual.
status.meanings = {
  { status.done, "All was done." },
  { status.usage, "The command line is wrong, or something on this machine "
    .. "is: a file, a profile, the key, the output." },
  { status.refused, "The service refused, a generation has ended without a "
    .. "video, or a webhook's signature is wrong." },
  { status.unreached, "The service was not reached: no connection, no TLS, no "
    .. "answer in time, or something else answered." },
  { status.partly, "A part was done; what was not is on standard error." },
  { status.interrupted, "Ctrl-C (SIGINT)." },
}

local of_kind = {
  api = status.refused, limit = status.refused, signature = status.refused,
  connection = status.unreached, timeout = status.unreached,
  tls = status.unreached, protocol = status.unreached,
  canceled = status.interrupted,
}

--- The status for an error object of the library.
---@param err lipsync.Error
---@return integer
function status.of(err)
  if err.proxy then return status.unreached end
  return of_kind[err.kind] or status.usage
end

--- The status of many calls of which some failed.
---@param done integer  how many were well
---@param first lipsync.Error|nil  the first failure
---@return integer
function status.of_many(done, first)
  if not first then return status.done end
  return done > 0 and status.partly or status.of(first)
end

local Stop = {}
Stop.__index = Stop

function Stop:__tostring()
  return self.message or "stopped"
end

--- Ends the command.
---@param code integer
---@param message string|nil  for standard error
function status.stop(code, message)
  core.raise(setmetatable({ status = code, message = message }, Stop))
end

--- Ends the command, because what was asked for cannot be done.
---@param message string
function status.refuse(message)
  status.stop(status.usage, message)
end

--- Whether something raised is a Stop.
---@param value any
---@return boolean
function status.is_stop(value)
  return getmetatable(value) == Stop
end

return status
