-- SPDX-License-Identifier: MIT
-- Waiting in cqueues. One coroutine of ours for each controller watches the
-- session's descriptor while anybody waits; the others sleep on a condition
-- of their own until it signals. So a step wakes those it is for, no others.

local global = require "lipsync.host.global"
local turn = require "lipsync.turn"
local yields = require "lipsync.host.yields"

local cqueues = { name = "cqueues", real = true, wakes = true, yields = true,
  advice = "call it in a coroutine of a cqueues controller: "
    .. "controller:wrap(function() … end)" }

local function library()
  local it = global.loaded "cqueues"
  return it and it.running and it or nil
end

--- Whether a controller of cqueues runs this very coroutine. In one that the
--- program has made inside of it a wait would surface as a value.
---@return boolean
function cqueues.here()
  local it = library()
  if not it then return false end
  local controller, own = it.running()
  return controller ~= nil and own
end

--- Raises where Lua 5.1 cannot yield.
function cqueues.check()
  yields.check()
end

-- What watches the descriptor, for one controller: ends when nobody waits.
local function watch(it, home, pump)
  local session, wakers = home.session, home.wakers
  local watched = { events = "r" }
  wakers:on_close(pump, function()
    pump.bell:signal()
    it.cancel(watched.pollfd)
  end)
  while pump.waiting > 0 and session:is_open() do
    watched.pollfd, watched.timeout = session:fd(), session:timeout()
    it.poll(watched, pump.bell)
    if session:is_open() then turn.step(session, pump) end
    wakers:drain(session)
  end
  wakers:on_close(pump, nil)
  pump.runs = false
end

local function pump_of(it, controller, home)
  local pumps = home.cqueues or setmetatable({}, { __mode = "k" })
  home.cqueues = pumps
  local pump = pumps[controller]
  if not pump then
    pump = { waiting = 0, bell = require "cqueues.condition".new() }
    pumps[controller] = pump
  end
  pump.waiting = pump.waiting + 1
  if pump.runs then
    pump.bell:signal()  -- what was started may be due sooner than the rest
  else
    pump.runs = true
    controller:wrap(watch, it, home, pump)
  end
  return pump
end

local Waiter = {}
Waiter.__index = Waiter

function Waiter:wake()
  self.condition:signal()
end

--- Waits until it is woken or `seconds` are over.
---@param _ table  the core's session
---@param target table|nil
---@param seconds number
---@param client table
function cqueues.wait(_, target, seconds, client)
  local it, home = library(), client:home()
  if not target or target:ready() then
    return it.sleep(target and 0 or seconds)
  end
  local pump = pump_of(it, (it.running()), home)
  local waiter = setmetatable(
    { condition = require "cqueues.condition".new() }, Waiter)
  home.wakers:add(target, waiter)
  it.poll(waiter.condition, seconds < math.huge and seconds or nil)
  home.wakers:remove(target, waiter)
  pump.waiting = pump.waiting - 1
  if pump.waiting == 0 then pump.bell:signal() end
end

-- By controller; weak, so that it goes with its tasks.
local scopes = setmetatable({}, { __mode = "k" })

--- How tasks are made: as coroutines of the controller that runs. It cannot
--- end one from outside. On Lua 5.1 nothing could wait in such a task, since
--- its errors are caught: there client:run resumes tasks as elsewhere.
cqueues.starter = {
  spawn = function(fn)
    library().running():wrap(fn)
  end,
  kill = function() end,
  scope = function()
    local controller = library().running()
    scopes[controller] = scopes[controller] or {}
    return scopes[controller]
  end,
}

return cqueues
