-- SPDX-License-Identifier: MIT
-- PUC Lua 5.1 cannot yield across an iterator of a `for`, a metamethod or
-- pcall; every other VM can.

local misuse = require "lipsync.base.misuse"
local global = require "lipsync.host.global"

local lua51 = {}

local limited = _VERSION == "Lua 5.1" and not global.get "jit"
  and not global.loaded "jit"

--- Whether this VM has those limits.
---@return boolean
function lua51.is_limited()
  return limited
end

--- Raises, with the caller's line, where the iterator of a `for` would have to
--- yield.
function lua51.check_for()
  if not limited then return end
  misuse.raise("on Lua 5.1 a `for` over a listing cannot wait here. Use "
    .. "local object, err = listing:next() in a while loop.")
end

return lua51
