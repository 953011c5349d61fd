-- SPDX-License-Identifier: MIT
-- PUC Lua 5.1 cannot yield across an iterator of a `for`, a metamethod or
-- pcall; every other VM can. Its own error does not say where or what to do.

local misuse = require "lipsync.base.misuse"
local global = require "lipsync.host.global"

local lua51 = {}

--- Whether this VM has those limits.
---@return boolean
function lua51.is_limited()
  return _VERSION == "Lua 5.1" and not global.get "jit"
end

-- The nearest C function on the stack, which cannot be yielded across.
local function boundary()
  local debug = global.with("debug", "getinfo")
  if not debug then return nil end
  for level = 3, 200 do
    local frame = debug.getinfo(level, "Sf")
    if not frame then return nil end
    if frame.what == "C" and frame.func ~= coroutine.yield then
      return frame.func
    end
  end
  return nil
end

--- Raises, with the caller's line, where a wait would have to yield but this
--- VM cannot.
function lua51.check()
  if not lua51.is_limited() then return end
  local func = boundary()
  if not func then return end
  local name = (func == pcall and "pcall") or (func == xpcall and "xpcall")
    or "a function of C"
  misuse.raise(("on Lua 5.1 nothing can wait inside %s here. Call it "
    .. "directly: listing:next() and all other calls return nil, err and need "
    .. "no pcall."):format(name))
end

--- The same for the iterator of a `for`.
function lua51.check_for()
  if not lua51.is_limited() then return end
  misuse.raise("on Lua 5.1 a `for` over a listing cannot wait here. Use "
    .. "local object, err = listing:next() in a while loop.")
end

return lua51
