-- SPDX-License-Identifier: MIT
-- Waiting in HAProxy: as in nginx, each coroutine steps, checks its target and
-- sleeps by core.msleep. In a nested coroutine, and while HAProxy starts,
-- core.msleep returns at once; host.wait notices this and polls instead.

local misuse = require "lipsync.base.misuse"
local core = require "lipsync.core"
local global = require "lipsync.host.global"
local poll_interval = require "lipsync.host.poll_interval"
local timeslice = require "lipsync.host.timeslice"
local yielding = require "lipsync.host.yielding"

local haproxy = { name = "haproxy", naps = true }

local function proxy()
  local it = global.with("core", "msleep")
  return global.field(it, "register_service") and it or nil
end

--- Whether we are in HAProxy.
---@return boolean
function haproxy.here()
  return proxy() ~= nil
end

-- The coroutines that are running a converter or a fetch.
local unyielding = setmetatable({}, { __mode = "k" })

local function leave(thread, ok, ...)
  unyielding[thread] = nil
  if not ok then core.raise((...)) end
  return ...
end

-- HAProxy kills a converter or a fetch that waits, and offers no way to detect
-- one, so their functions are marked at registration. One registered before the
-- first client is not marked; there HAProxy logs an error of its own.
local function mark(it, register)
  local original = it[register]
  it[register] = function(name, fn)
    return original(name, function(...)
      local thread = coroutine.running()
      unyielding[thread] = true
      return leave(thread, pcall(fn, ...))
    end)
  end
end

local marked = setmetatable({}, { __mode = "k" })

--- Called for each new client: marks all later registrations.
function haproxy.attach()
  local it = proxy()
  if not it or marked[it] then return end
  marked[it] = true
  mark(it, "register_converters")
  mark(it, "register_fetches")
end

-- The main coroutine can never yield; it polls.
local function check_yields()
  local _, is_main = coroutine.running()
  if not is_main then yielding.check(haproxy.wait) end
end

--- Raises in converters and fetches, and where the coroutine cannot yield.
function haproxy.check()
  if unyielding[coroutine.running()] then
    misuse.raise("nothing can wait in a converter or a fetch of HAProxy. Do "
      .. "it in an action, a service or core.register_task.")
  end
  check_yields()
end

--- Waits until `target:ready()` or `seconds` have passed; returns early if the
--- sleep did not wait.
---@param session table
---@param target table|nil
---@param seconds number
---@param runtime table
function haproxy.wait(session, target, seconds, runtime)
  check_yields()
  local it, until_, n = proxy(), core.now() + seconds, 0
  repeat
    local from = core.now()
    local left = math.max(until_ - from, 0.001)
    local pause = math.min(poll_interval.of(target, n), left)
    it.msleep(math.ceil(pause * 1000))
    n = n + 1
    if not session:is_open() then return end
    timeslice.step(session, coroutine.running())
    runtime.waiters:dispatch(session)
    local now = core.now()
  until target and target:ready() or now >= until_ or now - from < 1e-4
end

--- Writes to HAProxy's log.
---@param text string
function haproxy.log(text)
  local it = proxy()
  it.log(it.err, text)
end

--- Whether there is one.
---@return boolean
function haproxy.logs()
  return proxy() ~= nil
end

return haproxy
