-- SPDX-License-Identifier: MIT
-- Waiting in HAProxy: as in nginx each coroutine steps, looks and sleeps, by
-- core.msleep. In a coroutine of the program's own and while HAProxy starts
-- core.msleep comes back at once: host.wait notices and polls instead.

local misuse = require "lipsync.base.misuse"
local core = require "lipsync.core"
local global = require "lipsync.host.global"
local poll_interval = require "lipsync.host.poll_interval"
local timeslice = require "lipsync.host.timeslice"
local http = require "lipsync.http"

local haproxy = { name = "haproxy" }

local function proxy()
  local it = global.with("core", "msleep")
  return global.field(it, "register_service") and it or nil
end

--- Whether we are in HAProxy.
---@return boolean
function haproxy.here()
  return proxy() ~= nil
end

-- The coroutines that run a converter or a fetch now.
local unyielding = setmetatable({}, { __mode = "k" })

local function leave(thread, ok, ...)
  unyielding[thread] = nil
  if not ok then core.raise((...)) end
  return ...
end

-- HAProxy kills a converter or a fetch that waits, and nothing tells that we
-- are in one, so their functions are marked when they are registered. With one
-- that was registered before there was a client its log has the last word.
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

--- Called for each new client: what is registered from now on is marked.
function haproxy.attach()
  local it = proxy()
  if not it or marked[it] then return end
  marked[it] = true
  mark(it, "register_converters")
  mark(it, "register_fetches")
end

--- Raises in converters and fetches.
function haproxy.check()
  if unyielding[coroutine.running()] then
    misuse.raise("nothing can wait in a converter or a fetch of HAProxy. Do "
      .. "it in an action, a service or core.register_task.")
  end
end

--- Waits until `target:ready()` or `seconds` are over; comes back early where
--- a sleep was none.
---@param session table
---@param target table|nil
---@param seconds number
---@param client table
function haproxy.wait(session, target, seconds, client)
  local it, until_, n = proxy(), core.now() + seconds, 0
  repeat
    local from = core.now()
    local left = math.max(until_ - from, 0.001)
    local _, transfers = http.live()
    local pause = math.min(poll_interval.seconds(n, transfers), left)
    it.msleep(math.ceil(pause * 1000))
    n = n + 1
    if not session:is_open() then return end
    timeslice.step(session, coroutine.running())
    client:runtime().waiters:dispatch(session)
    local now = core.now()
  until target and target:ready() or now >= until_ or now - from < 1e-4
end

--- Writes to HAProxy's log.
---@param text string
function haproxy.log(text)
  local it = proxy()
  it.log(it.err, text)
end

--- Whether that can be done.
---@return boolean
function haproxy.logs()
  return proxy() ~= nil
end

return haproxy
