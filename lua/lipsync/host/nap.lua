-- SPDX-License-Identifier: MIT
-- Waiting in programs whose scripts have threads of their own (VLC, darktable):
-- by the program's own sleep, in short pieces. The program goes on meanwhile,
-- and the sleep raises when it ends; any other wait would hold it up.

local core = require "lipsync.core"
local poll_interval = require "lipsync.host.poll_interval"

local nap = {}

--- Waits until `target:ready()` or `seconds` have passed.
---@param sleep fun(seconds: number)  raises when the program ends
---@param session table
---@param target table|nil
---@param seconds number
---@param runtime table
function nap.wait(sleep, session, target, seconds, runtime)
  local until_, n = core.now() + seconds, 0
  repeat
    local left = math.max(until_ - core.now(), 0)
    sleep(math.min(poll_interval.of(target, n), left))
    n = n + 1
    if not session:is_open() then return end
    session:step()
    runtime.waiters:dispatch(session)
  until target and target:ready() or core.now() >= until_
end

return nap
