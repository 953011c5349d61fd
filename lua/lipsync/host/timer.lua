-- SPDX-License-Identifier: MIT
-- mpv and OBS: tasks wait as everywhere, and a timer of the host makes their
-- steps. It runs only while there are tasks, so an idle client causes no load.

local global = require "lipsync.host.global"
local poll_interval = require "lipsync.host.poll_interval"

local timer = { name = "timer" }

-- mpv: one-shot timers, each set to the time needed.
local mpv = {}

function mpv.set(pump, seconds)
  local mp = global.get "mp"
  if pump.handle then pump.handle:kill() end
  pump.handle = seconds and mp.add_timeout(seconds, function()
    pump.handle = nil
    pump.move()
  end) or nil
end

-- OBS: a timer repeats until it is removed, at most once per frame, so setting
-- it anew each time would gain nothing. It removes itself in its next turn,
-- because OBS 29 crashes if script_unload removes it, where OBS does so itself.
local obs = {}

function obs.set(pump, seconds)
  pump.wanted = seconds ~= nil
  if pump.handle or not seconds then return end
  local obslua = global.get "obslua"
  function pump.handle()
    if pump.wanted then return pump.move() end
    obslua.timer_remove(pump.handle)
    pump.handle = nil
  end
  obslua.timer_add(pump.handle, 5)
end

local function host()
  if global.with("mp", "add_timeout") then return mpv end
  if global.with("obslua", "timer_add") then return obs end
  return nil
end

local Pump = {}
Pump.__index = Pump

--- The pump that makes a client's steps, nil elsewhere.
---@param client table
---@param move function  makes a step and arms the pump anew
---@return table|nil  with arm(on, seconds)
function timer.pump(client, move)
  local here = host()
  if not here then return nil end
  local self = setmetatable({ set = here.set, move = move, n = 0 }, Pump)
  client:runtime().waiters:on_close(self, function() self:set(nil) end)
  return self
end

--- Runs a step soon, or at once if something is due.
---@param on boolean  false: never
---@param seconds number|nil
function Pump:arm(on, seconds)
  if not on then
    self.n = 0
    return self:set(nil)
  end
  self.n = seconds == 0 and 0 or self.n + 1
  self:set(math.min(poll_interval.seconds(self.n), seconds or 1))
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
