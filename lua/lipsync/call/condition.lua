-- SPDX-License-Identifier: MIT
-- What a call or a download waits for where it is no transfer: a slot, the end
-- of a delay. An object, not a closure, because code compiled by LuaJIT keeps a
-- closure and its upvalues alive.

local core = require "lipsync.core"

local Condition = {}
Condition.__index = Condition

local condition = {}

--- A target for host.wait.
---@param of table  who waits: `canceled`, `client`
---@param longest_nap number  seconds, where nothing wakes it
---@param is_reached fun(of: table): boolean
---@return table
function condition.new(of, longest_nap, is_reached)
  return setmetatable({ of = of, nap = longest_nap, is_reached = is_reached },
    Condition)
end

--- Whether there is nothing to wait for any more, also because of an end.
---@return boolean
function Condition:ready()
  local of = self.of
  return of.canceled or of.client.closed or self.is_reached(of)
end

--- The delay is over: `of.wake`, in monotonic seconds.
---@param of table
---@return boolean
function condition.is_due(of) return core.now() >= of.wake end

return condition
