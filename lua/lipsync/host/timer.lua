-- SPDX-License-Identifier: MIT
-- mpv and OBS: tasks wait as everywhere, and a timer of the host makes their
-- steps. It runs only while there are tasks, so an idle client causes no load.

local global = require "lipsync.host.global"

local timer = {}

local function of_mpv(mp)
  return {
    after = function(seconds, fn) return mp.add_timeout(seconds, fn) end,
    cancel = function(handle) handle:kill() end,
  }
end

-- A timer of OBS repeats until it is removed, at most once per frame, so
-- setting it anew each time would gain nothing. It removes itself in its next
-- turn, because OBS 29 crashes if script_unload removes it, where OBS does so
-- itself.
local function of_obs(obslua)
  local due, is_set = nil, false
  local function tick()
    local fn = due
    due = nil
    if fn then return fn() end
    obslua.timer_remove(tick)
    is_set = false
  end
  return {
    after = function(_, fn)
      due = fn
      if not is_set then obslua.timer_add(tick, 5) end
      is_set = true
      return tick
    end,
    cancel = function() due = nil end,
  }
end

--- The loop that makes a client's steps, as for client:drive; nil elsewhere.
---@return lipsync.Loop|nil
function timer.loop()
  local mp = global.with("mp", "add_timeout")
  if mp then return of_mpv(mp) end
  local obslua = global.with("obslua", "timer_add")
  return obslua and of_obs(obslua)
end

--- Writes to the log of mpv or OBS.
---@param text string
function timer.log(text)
  local obslua = global.with("obslua", "script_log")
  if obslua then return obslua.script_log(obslua.LOG_ERROR, text) end
  global.get "mp".msg.error(text)
end

--- Whether there is one.
---@return boolean
function timer.logs()
  local mp = global.with("mp", "add_timeout")
  return global.field(mp, "msg") ~= nil
    or global.with("obslua", "script_log") ~= nil
end

return timer
