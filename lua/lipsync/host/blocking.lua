-- SPDX-License-Identifier: MIT
-- Waiting where blocking is allowed: a plain script on any VM. In a main thread
-- that must not block it raises, and says what to do instead.

local misuse = require "lipsync.base.misuse"
local global = require "lipsync.host.global"

local blocking = { name = "blocking", measures = true }

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

-- What a wait in a coroutine would stop without a need: a loop of which it is
-- one of many; nil where there is none.
local function stops(client)
  if client.loop then return "the program's loop" end
  if global.loaded "copas" then return "copas" end
  local luv = global.loaded "luv"
  local mode = global.field(luv, "loop_mode")
  return mode and mode() and "luv" or nil
end

-- In the place of this host in all coroutines but the main one.
local stopping = setmetatable({}, { __index = blocking })

--- Tells, once for a client, that a call stops what it need not stop.
---@param client table
---@return string|nil warning
function stopping.check(client)
  local what = not client.has_warned and stops(client)
  if not what then return nil end
  client.has_warned = true
  return ("lipsync: a call in a coroutine of %s stops it until the call is "
    .. "over, because it is no task. Make it in client:spawn(function() … end)"
    .. "%s."):format(what, what == "copas"
    and ", and have copas make the steps: client:drive" or "")
end

--- The host to use if no other one fits.
---@param is_main boolean  whether in the main coroutine
---@return table
function blocking.find(is_main)
  if faulty() then return refusing end
  return is_main and blocking or stopping
end

--- Waits until `target:ready()` or `seconds` have passed.
---@param session table  the core's session
---@param target table|nil  nil: sleep, and drive everything else
---@param seconds number
---@param runtime table  its tasks are told what became ready
---@return number from, number to  monotonic seconds of the wait
function blocking.wait(session, target, seconds, runtime)
  local transfer = type(target) == "userdata" and target or nil
  local condition, waiters = not transfer and target, runtime.waiters
  local left = condition and condition:ready() and 0 or seconds
  local from, to
  repeat  -- a poll may return early, also after progress of another transfer
    local became, is_ready, began
    became, is_ready, began, to = session:poll(left, transfer)
    from = from or began
    if is_ready then waiters:notify(transfer) end
    if became > 0 then waiters:dispatch(session, became) end
    if is_ready or condition and condition:ready() then break end
    left = from + seconds - to
  until left <= 0 or not session:is_open()
  return from, to
end

return blocking
