-- SPDX-License-Identifier: MIT
-- Waiting where the host may be blocked: a plain script on any VM. Where a
-- blocked main thread is a fault it refuses, and says what to do instead.

local misuse = require "lipsync.base.misuse"
local core = require "lipsync.core"
local global = require "lipsync.host.global"

local blocking = { name = "blocking", real = true }

--- Whether this is the place to wait now. It always is.
---@return boolean
function blocking.here()
  return true
end

-- love.run is there in LÖVE's main thread only; its other threads may block.
local function faulty()
  if global.with("love", "run") then return "LÖVE's main thread" end
  if global.with("obslua", "timer_add") then return "OBS" end
  return nil
end

-- What stands for it where waiting would freeze the picture, unless that was
-- asked for by host = "blocking".
local refusing = setmetatable({}, { __index = blocking })

--- Raises, and says what to do instead.
function refusing.check()
  local where = faulty()
  misuse.raise(("waiting here would block %s. Call it in a task: "
    .. "client:spawn(function() … end)%s"):format(where, where == "OBS"
      and "." or ", with client:step() in love.update."))
end

--- The host of a place that no other host is at home in.
---@return table
function blocking.find()
  return faulty() and refusing or blocking
end

-- The poll may return early, also because another's transfer moved on.
local function remaining(until_, now)
  return until_ and math.max(0, until_ - now)
end

--- Waits until `target:ready()` or `seconds` are over.
---@param session table  the core's session
---@param target table|nil  nil: sleep, moving everything else on
---@param seconds number|nil  nil: as long as it takes
---@param client table|nil  whose tasks are told of what became ready
function blocking.wait(session, target, seconds, client)
  local until_ = seconds and core.now() + seconds
  local waiters = client and client:runtime().waiters
  repeat
    if target and target:ready() then return end
    session:poll(remaining(until_, core.now()))
    if waiters then waiters:dispatch(session) end
  until not session:is_open() or until_ and core.now() >= until_
end

return blocking
