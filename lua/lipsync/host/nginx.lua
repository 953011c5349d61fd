-- SPDX-License-Identifier: MIT
-- Waiting in nginx (ngx_lua, OpenResty): each coroutine steps the session,
-- looks for its own transfer, and sleeps a little by nginx's own timer.

local misuse = require "lipsync.base.misuse"
local core = require "lipsync.core"
local global = require "lipsync.host.global"
local poll_interval = require "lipsync.host.poll_interval"
local timeslice = require "lipsync.host.timeslice"
local yielding = require "lipsync.host.yielding"

local nginx = { name = "nginx", real = true, naps = true }

-- The phases where ngx.sleep works. In init and init_worker nothing is served
-- yet, so blocking is allowed.
local sleeps = { rewrite = true, access = true, content = true, timer = true,
                 server_rewrite = true, preread = true, ssl_cert = true,
                 ssl_client_hello = true, ssl_session_fetch = true }
local blocks = { init = true, init_worker = true }

--- Whether the program is nginx.
---@return boolean
function nginx.is_present()
  return global.with("ngx", "get_phase") ~= nil
end

--- Whether the program is nginx and has started.
---@return boolean
function nginx.here()
  local ngx = global.with("ngx", "get_phase")
  return ngx ~= nil and not blocks[ngx.get_phase()]
end

--- Raises, with the phase's name, in phases in which nothing can wait.
function nginx.check()
  local phase = global.get "ngx".get_phase()
  if not sleeps[phase] then
    misuse.raise(("nothing can wait in nginx's %s phase. Do it in a timer: "
      .. "ngx.timer.at(0, function() … end)."):format(phase))
  end
end

--- Yields for as short as nginx can; raises where the coroutine cannot yield.
function nginx.probe()
  global.get "ngx".sleep(0.001)
end

-- The module ngx.semaphore, by which one coroutine wakes another.
local semaphore

--- Called for each new client.
function nginx.attach()
  if semaphore or not nginx.is_present() then return end
  local ok, module = pcall(require, "ngx.semaphore")
  semaphore = ok and module or nil
end

local Waiter = {}
Waiter.__index = Waiter

function Waiter:wake()
  self.semaphore:post(1)
end

-- The shortest sleep (seconds) of a wait that is woken. It still looks by
-- itself, because nginx may have ended the coroutine that would wake it.
local look = 0.05

-- Sleeps until `target` is notified. Returns whether that is possible here.
local function doze(target, seconds, waiters)
  if not semaphore or not target or not target.nap then return false end
  local waiter = setmetatable({ semaphore = semaphore.new(0) }, Waiter)
  waiters:subscribe(target, waiter)
  local ok = pcall(waiter.semaphore.wait, waiter.semaphore, seconds)
  waiters:unsubscribe(target, waiter)
  return ok
end

--- Waits until `target:ready()` or `seconds` have passed. Never ngx.sleep(0),
--- because it returns before anything else has run.
---@param session table
---@param target table|nil
---@param seconds number
---@param runtime table
function nginx.wait(session, target, seconds, runtime)
  local waiters = runtime.waiters
  local ngx, until_, n = global.get "ngx", core.now() + seconds, 0
  repeat
    local left = math.max(until_ - core.now(), 0.001)
    local pause = poll_interval.of(target, n)
    if not doze(target, math.min(math.max(pause, look), left), waiters) then
      ngx.sleep(math.min(pause, left))
    end
    n = n + 1
    if not session:is_open() then return end
    timeslice.step(session, coroutine.running())
    waiters:dispatch(session)
  until target and target:ready() or core.now() >= until_
end

--- How tasks are made: as light threads, which belong to their request and are
--- counted there. Only the thread that made one can kill it.
nginx.starter = {
  spawn = function(fn)
    nginx.check()
    yielding.check(nginx.probe)
    return global.get "ngx".thread.spawn(fn)
  end,
  kill = function(thread)
    return (global.get "ngx".thread.kill(thread))
  end,
  scope = function() return global.get "ngx".ctx end,
}

--- Writes to nginx's error log.
---@param text string
function nginx.log(text)
  local ngx = global.with("ngx", "log")
  ngx.log(ngx.ERR, text)
end

--- Whether there is one.
---@return boolean
function nginx.logs()
  return global.with("ngx", "log") ~= nil
end

return nginx
