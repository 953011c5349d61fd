-- SPDX-License-Identifier: MIT
-- Waiting in cqueues. One coroutine of ours for each controller watches the
-- session's descriptor during waits; each waiting coroutine sleeps on its own
-- condition until it signals. So a step wakes only the coroutines it is for.

local core = require "lipsync.core"
local global = require "lipsync.host.global"
local lua51 = require "lipsync.host.lua51"
local timeslice = require "lipsync.host.timeslice"

local cqueues = { name = "cqueues", real = true, wakes = true,
  advice = "call it in a coroutine of a cqueues controller: "
    .. "controller:wrap(function() … end)" }

local limited = lua51.is_limited()

local function library()
  local it = global.loaded "cqueues"
  return global.field(it, "running") and it or nil
end

--- Whether a controller of cqueues runs this very coroutine. In a coroutine
--- nested in that, a wait would return to the program as a value.
---@return boolean
function cqueues.here()
  local it = library()
  if not it then return false end
  local controller, own = it.running()
  return controller ~= nil and own
end

--- Yields once; raises where the coroutine cannot yield.
function cqueues.probe()
  library().sleep(0)
end

-- Watches the descriptor for one controller, until no coroutine waits.
local function watch(it, runtime, pump)
  local session, waiters = runtime.session, runtime.waiters
  local watched = { events = "r" }
  waiters:on_close(pump, function()
    pump.bell:signal()
    it.cancel(watched.pollfd)
  end)
  while pump.waiting > 0 and session:is_open() do
    watched.pollfd, watched.timeout = session:fd(), session:timeout()
    it.poll(watched, pump.bell)
    if session:is_open() then timeslice.step(session, pump) end
    waiters:dispatch(session)
  end
  waiters:on_close(pump, nil)
  pump.runs = false
end

local function pump_of(it, controller, runtime)
  local pumps = runtime.cqueues or setmetatable({}, { __mode = "k" })
  runtime.cqueues = pumps
  local pump = pumps[controller]
  if not pump then
    pump = { waiting = 0, bell = require "cqueues.condition".new() }
    pumps[controller] = pump
  end
  pump.waiting = pump.waiting + 1
  if pump.runs then
    pump.bell:signal()  -- the new wait may end earlier than the others
  else
    pump.runs = true
    controller:wrap(watch, it, runtime, pump)
  end
  return pump
end

local Waiter = {}
Waiter.__index = Waiter

function Waiter:wake()
  self.condition:signal()
end

--- Waits until it is woken or `seconds` have passed.
---@param _ table  the core's session
---@param target table|nil
---@param seconds number
---@param runtime table
function cqueues.wait(_, target, seconds, runtime)
  local it = library()
  if not target or target:ready() then
    return it.sleep(target and 0 or seconds)
  end
  local pump = pump_of(it, (it.running()), runtime)
  local waiter = setmetatable(
    { condition = require "cqueues.condition".new() }, Waiter)
  runtime.waiters:subscribe(target, waiter)
  seconds = seconds < math.huge and seconds or nil
  -- The pump must know that this wait is over even if a hook raises in it.
  local ok, problem = true, nil
  if limited then
    it.poll(waiter.condition, seconds)
  else
    ok, problem = pcall(it.poll, waiter.condition, seconds)
  end
  runtime.waiters:unsubscribe(target, waiter)
  pump.waiting = pump.waiting - 1
  if pump.waiting == 0 then pump.bell:signal() end
  if not ok then core.raise(problem) end
end

-- By controller; weak, so an entry is collected with its tasks.
local scopes = setmetatable({}, { __mode = "k" })

--- How tasks are made: as coroutines of the running controller, which cannot
--- end one from outside. Not on Lua 5.1, where such a task could not wait,
--- because its errors are caught; there client:run resumes tasks as elsewhere.
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
