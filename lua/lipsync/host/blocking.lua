-- SPDX-License-Identifier: MIT
-- Waiting where blocking is allowed: a plain script on any VM. In a main thread
-- that must not block it raises, and says what to do instead.

local misuse = require "lipsync.base.misuse"
local core = require "lipsync.core"
local global = require "lipsync.host.global"

local blocking = { name = "blocking", real = true, tells = true }

--- Whether this host can wait now: always.
---@return boolean
function blocking.here()
  return true
end

-- love.run exists only in LÖVE's main thread; its other threads may block.
local function faulty()
  if global.with("love", "run") then return "LÖVE's main thread" end
  if global.with("obslua", "timer_add") then return "OBS" end
  return nil
end

-- Replaces this host where waiting would freeze the picture, unless the program
-- set host = "blocking".
local refusing = setmetatable({}, { __index = blocking })

--- Raises, and says what to do instead.
function refusing.check()
  local where = faulty()
  misuse.raise(("waiting here would block %s. Call it in a task: "
    .. "client:spawn(function() … end)%s"):format(where, where == "OBS"
      and "." or ", with client:step() in love.update."))
end

--- The host to use if no other one fits.
---@return table
function blocking.find()
  return faulty() and refusing or blocking
end

--- What a wait in this coroutine would stop without a need: a loop of which the
--- coroutine is one of many. nil in the main one, and where there is no loop.
---@param client table
---@return string|nil
function blocking.stops(client)
  local thread, is_main = coroutine.running()
  if not thread or is_main then return nil end
  if client.loop then return "the program's loop" end
  if global.loaded "copas" then return "copas" end
  local luv = global.loaded "luv"
  local mode = global.field(luv, "loop_mode")
  return mode and mode() and "luv" or nil
end

--- Waits until `target:ready()` or `seconds` have passed.
---@param session table  the core's session
---@param target table|nil  nil: sleep, and drive everything else
---@param seconds number|nil  nil: no limit
---@param client table|nil  its tasks are told what became ready
function blocking.wait(session, target, seconds, client)
  if target and target:ready() then return end
  local left, until_ = seconds, seconds and core.now() + seconds
  local waiters = client and client:runtime().waiters
  repeat  -- a poll may return early, also after progress of another transfer
    session:poll(left)
    if waiters then waiters:dispatch(session) end
    if target and target:ready() then return end
    left = until_ and until_ - core.now()
  until not session:is_open() or left and left <= 0
end

return blocking
