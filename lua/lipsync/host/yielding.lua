-- SPDX-License-Identifier: MIT
-- Whether the running coroutine can yield. It cannot inside a function of C
-- that calls back (string.gsub, table.sort, require, tostring with a
-- __tostring), nor in a finalizer; on PUC Lua 5.1 also not inside pcall, a
-- metamethod or the iterator of a `for`. Lua's own error says neither where
-- nor what to do, and would come after the request was sent.

local misuse = require "lipsync.base.misuse"
local core = require "lipsync.core"
local global = require "lipsync.host.global"
local lua51 = require "lipsync.host.lua51"

local yielding = {}

local limited = lua51.is_limited()

-- C functions whose full names say more than the stack does.
local names = {
  [string.gsub] = "string.gsub", [table.sort] = "table.sort",
  [tostring] = "tostring", [collectgarbage] = "a finalizer",
}

-- C functions that every VM but Lua 5.1 can yield across.
local only51 = { [pcall] = "pcall", [xpcall] = "xpcall" }

local function name_of(func, frame)
  if func == global.get "require" then return "require" end
  return names[func] or frame.name or "a function of C"
end

-- The nearest function on the stack that cannot be yielded across, in words,
-- and whether it is one of only51; nil if it is not known.
local function obstacle()
  local debug = global.with("debug", "getinfo")
  if not debug then return nil end
  for level = 3, 200 do
    local frame = debug.getinfo(level, "Snf")
    if not frame then return nil end
    local func = frame.func
    if frame.name == "__gc" then return "a finalizer" end
    if only51[func] then
      if limited then return only51[func], true end
    elseif frame.what == "C" and func ~= coroutine.yield then
      return name_of(func, frame)
    end
  end
  return nil
end

local advice51 = "on Lua 5.1 nothing can wait inside %s here. Call it "
  .. "directly: listing:next() and all other calls return nil, err and need "
  .. "no pcall."
local advice = "nothing can wait inside %s here, because Lua cannot yield "
  .. "across it. Make the call outside of it."

-- Whether it is Lua's own error about a yield.
local function is_refusal(problem)
  return tostring(problem):find("yield across", 1, true) ~= nil
end

--- The error to report for what Lua 5.1 raised while a yield was tried; its own
--- error could not be caught and explained inside the coroutine.
---@param problem any
---@return any
function yielding.explain(problem)
  if not limited or not is_refusal(problem) then return problem end
  return advice51:format "a metamethod or an iterator"
end

-- Raises, with the caller's line.
local function refuse(what, is_only51)
  misuse.raise((is_only51 and advice51 or advice):format(what
    or "a function of C"))
end

-- Lua 5.1 can neither tell nor catch the error of a yield. So what the stack
-- shows is refused first; then a yield is tried.
local function check51(try, client)
  local what, is_only51 = obstacle()
  if what then refuse(what, is_only51) end
  try(client)
end

-- Lua 5.2 cannot tell either, but the error of a yield can be caught there.
local function check52(try, client)
  local ok, problem = pcall(try, client)
  if ok then return end
  if not is_refusal(problem) then core.raise(problem) end
  refuse(obstacle())
end

--- Raises, with the caller's line, where the running coroutine cannot yield.
---@param try function  yields once, for VMs that cannot tell
---@param client table|nil  its argument
function yielding.check(try, client)
  local can = core.is_yieldable()
  if can then return end
  if can == nil then return (limited and check51 or check52)(try, client) end
  refuse(obstacle())
end

return yielding
