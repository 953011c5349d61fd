-- SPDX-License-Identifier: MIT
-- Every wait goes through this module. It finds the host anew each time: one
-- program may be inside a task now and at top level next time.
--
-- A host is a module with `name`, `here(client)` (may it wait now?) and
-- `wait(session, target, seconds, runtime)`. A target is any object with
-- ready(): a transfer, a place in the queue, many deletions. Without one the
-- host sleeps. It may also have
--   check(client)   raises where nothing can wait, before anything is sent;
--                   may return a text to be logged
--   real            its wait never returns at once without a reason
--   wakes           its waits are woken, so no polling is needed
--   measures        its waits do all that belongs to one, and return when they
--                   began and ended
--   naps            its waits poll by themselves, as often as target.nap says
--   keeps           no coroutine that waits can be abandoned
--   attach()        prepares for clients, when one is made
--   advice          what to do where it cannot wait
--   probe(client)   for hosts that wait by yielding: yields once, or raises
--   starter         makes tasks as coroutines of the host
--   loop()          makes a client's steps, as for client:drive; nil elsewhere
--   log(text), logs()    shows errors, and whether it can here

local blocking = require "lipsync.host.blocking"
local misuse = require "lipsync.base.misuse"
local core = require "lipsync.core"
local cqueues = require "lipsync.host.cqueues"
local darktable = require "lipsync.host.darktable"
local haproxy = require "lipsync.host.haproxy"
local luv = require "lipsync.host.luv"
local nginx = require "lipsync.host.nginx"
local pump = require "lipsync.host.pump"
local task = require "lipsync.host.task"
local timer = require "lipsync.host.timer"
local timeslice = require "lipsync.host.timeslice"
local lua51 = require "lipsync.host.lua51"
local vlc = require "lipsync.host.vlc"
local yielding = require "lipsync.host.yielding"

local host = {}

-- Stands for a waiter of the program's own.
local own = {}

local running = coroutine.running

local hosts = { task, nginx, haproxy, cqueues, vlc, darktable, blocking, luv }
local loops = { luv, timer }
local logs = { nginx, haproxy, luv, timer }

local by_name = {}
for _, each in ipairs(hosts) do by_name[each.name] = each end

-- A wait shorter than `no_wait` did not wait. After `patience` of them in a row
-- this module polls, because a host that cannot sleep here would spin.
local no_wait, patience, pause = 1e-4, 5, 0.005

--- The names for the option `host`.
---@return string[]
function host.names()
  local names = {}
  for i, each in ipairs(hosts) do names[i] = each.name end
  return names
end

-- The host of a coroutine that is no task of the client's. Blocking works
-- everywhere. luv is only found by name, because its tasks wait like all
-- others.
local function look(is_main)
  if nginx.here() then return nginx end
  if haproxy.here() then return haproxy end
  if vlc.here() then return vlc end
  if darktable.here() then return darktable end
  return cqueues.here() and cqueues or blocking.find(is_main)
end

-- The hosts found, by coroutine; a main one without a value counts as `found`.
local found = setmetatable({}, { __mode = "k" })

-- The host of a coroutine does not change, except in nginx, where the main one
-- runs in all phases.
local function look_once(thread, is_main)
  local here = look(is_main)
  if not is_main or not nginx.is_present() then found[thread] = here end
  return here
end

-- The host for this moment; nil if the program has its own waiter.
local function find(client, scheduler)
  local wanted = client.options.host
  if wanted then return by_name[wanted] end
  if scheduler.current and scheduler:running() then return task end
  local thread, is_main = running()
  if not thread then thread, is_main = found, true end
  return found[thread] or look_once(thread, is_main)
end

-- The same, where the scheduler is not at hand.
local function look_up(client)
  return find(client, client:runtime().scheduler)
end

--- The name of the host of this moment; nil for a waiter of the program's own.
---@param client table
---@return string|nil
function host.name(client)
  local here = look_up(client)
  return here and here.name
end

--- Called once for each client, for hosts that need preparation.
function host.attach()
  for _, each in ipairs(hosts) do
    if each.attach then each.attach() end
  end
end

--- Raises, with the caller's line, where nothing can wait. Called before a
--- request is sent, because its outcome would be lost.
---@param client table
---@param scheduler table  of its runtime
---@return boolean keeps  whether every wait here is resumed for certain
---@return boolean blocks  whether it blocks the whole program
function host.check(client, scheduler)
  local here = find(client, scheduler)
  if not here then return false, false end
  if client.options.host and not here.here(client) then
    misuse.raise(('host = "%s" cannot wait here%s.'):format(here.name,
      here.advice and ": " .. here.advice or ""))
  end
  local warning = here.check and here.check(client)
  if warning then host.log(warning) end
  if here.probe then yielding.check(here.probe, client) end
  return here.keeps == true, here == blocking
end

--- Whether a wait would yield now.
---@param client table
---@return boolean
function host.yields(client)
  local here = look_up(client)
  return here ~= nil and here.probe ~= nil and here.here(client)
end

--- Whether a wait would block the whole program now.
---@param client table
---@return boolean
function host.blocks(client)
  local here = look_up(client)
  return here ~= nil and here.name == blocking.name
end

--- Whether this program waits for the disk itself: because nothing else would
--- be done meanwhile, or because it is nginx, whose workers are to have no
--- threads but its own.
---@param client table
---@return boolean
function host.waits_for_disk(client)
  return nginx.is_present() or host.blocks(client)
end

-- Polls in place of a wait that did not wait. Returns when it was over.
local function waited(client, session, target, seconds, from, to)
  if seconds <= no_wait or to - from >= no_wait
     or target and target:ready() then
    client.idle_waits = 0
    return to
  end
  client.idle_waits = (client.idle_waits or 0) + 1
  if client.idle_waits <= patience or not session:is_open() then return to end
  session:poll(math.min(pause, seconds))
  return core.now()
end

-- A wait longer than this (seconds), of a waiter that made no step although
-- there was something to do, is told in the error of a call that timed out.
local late = 0.25

-- Whether the target is a transfer whose request has not gone out.
local function is_unsent(target)
  return target.sent ~= nil and not target:sent()
end

-- Reads what a wait of the program's own waiter left in the sockets, before any
-- clock is checked. All other hosts make the steps themselves. Some versions of
-- libcurl want a step at once to send a request, others where the socket takes
-- it: so what was to do may show only in what the step has done.
local function step(client, session, target, seconds)
  if not target or not session:is_open() or target:ready() then return end
  local due, unsent = session:timeout(), is_unsent(target)
  timeslice.step(session, coroutine.running() or host)
  if seconds > late and (due == 0 or target:ready()
     or unsent and not is_unsent(target)) then
    client.late = math.max(client.late or 0, seconds)
  end
end

--- Lets the host wait once, until `target:ready()` or `seconds` have passed.
--- May return early; the caller checks again.
---@param client table
---@param runtime table  of what waits, see client:runtime
---@param target table|nil  its member `nap` is the longest sleep (seconds)
---   where nothing wakes it
---@param seconds number
---@return number from, number to  monotonic seconds of the wait
function host.wait(client, runtime, target, seconds)
  local here, session = find(client, runtime.scheduler) or own, runtime.session
  if here.probe then yielding.check(here.probe, client) end
  if target and target.nap and not (here.wakes or here.naps) then
    seconds = math.min(seconds, target.nap)
  end
  if here.measures then
    return here.wait(session, target, seconds, runtime)
  end
  local from = core.now()
  local waiter = here.wait or client.options.host
  waiter(session, target, seconds, runtime)
  local to = core.now()
  if not here.real then
    to = waited(client, session, target, seconds, from, to)
  end
  if here == own then step(client, session, target, to - from) end
  runtime.waiters:dispatch(session)
  return from, to
end

--- Yields to the host if the time slice is over, even if there is more to do.
---@param reader table  see timeslice.lua; its `clock` counts the wait
function host.yield_if_expired(reader)
  if not timeslice.is_expired(reader) then return end
  local client = reader.client
  local from, to = host.wait(client, client:runtime(), nil, 0)
  reader.clock:add(from, to)
  timeslice.begin(reader, to, client.step_ends)
end

--- How the host makes tasks from its own coroutines, nil if it has none.
---@param client table
---@return table|nil  spawn(fn), kill(thread) -> whether it did, scope()
function host.starter(client)
  local here = look_up(client)
  if not here or lua51.is_limited() or not here.here(client) then
    return nil
  end
  return here.starter
end

--- The pump that makes the steps of a client's tasks; nil if there is none and
--- the program must call client:step or client:run.
---@param client table
---@return table|nil
function host.pump(client)
  local function move()
    if not client.closed then client:step() end
  end
  local loop = client.loop
  for _, each in ipairs(loops) do loop = loop or each.loop() end
  return loop and pump.new(client, loop, move)
end

-- Logs to the host, or else to standard error.
local function logger()
  for _, each in ipairs(logs) do
    if each.logs() then return each.log end
  end
  return nil
end

--- Shows an error's sentence where the host shows errors.
---@param text string
function host.log(text)
  (logger() or core.log)(text)
end

return host
