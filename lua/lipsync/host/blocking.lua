-- SPDX-License-Identifier: MIT
-- Waiting where the host may be blocked: a plain script on any VM.

local core = require "lipsync.core"

local blocking = { name = "blocking" }

--- Whether this is the place to wait now. It always is.
---@return boolean
function blocking.here()
  return true
end

-- The poll may return early, also because another's transfer moved on.
local function remaining(until_, now)
  return until_ and math.max(0, until_ - now)
end

--- Waits until `transfer:ready()` or `seconds` are over.
---@param session table  the core's session
---@param transfer table|nil  nil: sleep, moving everything else on
---@param seconds number|nil  nil: as long as it takes
function blocking.wait(session, transfer, seconds)
  local until_ = seconds and core.now() + seconds
  repeat
    if transfer and transfer:ready() then return end
    session:poll(remaining(until_, core.now()))
  until not session:is_open() or until_ and core.now() >= until_
end

return blocking
