-- SPDX-License-Identifier: MIT
-- lipsync webhook listen: takes webhooks over HTTP, by the server of the
-- emulator's module. Each is answered before it is written, so that a slow
-- reader of the output holds up no sender.

local core = require "lipsync.core"
local lipsync = require "lipsync"
local output = require "lipsync.cli.output"
local status = require "lipsync.cli.status"
local width = require "lipsync.cli.width"

-- A longer body is refused. The service's are a few kilobytes.
local most_body = 1024 * 1024

-- How many webhooks are remembered, to know one that comes again.
local most_known = 10000

-- Seconds until a wait looks for Ctrl-C again.
local tick = 0.1

-- The emulator's module; a sentence where it is missing or does not load.
local function server()
  local found, module = pcall(require, "lipsync.emulator")
  if found and module.receive then return module end
  local missing = found
    or tostring(module):find "'lipsync%.emulator' not found"
  status.refuse("webhook listen needs the emulator's module, "
    .. (missing and "which is not installed: `make install` has it where "
      .. "libmicrohttpd and SQLite are, LuaRocks as lipsync-emulator."
      or "which does not load: " .. tostring(module):match "[^\n]*"))
end

local function open(given)
  local receiver, problem = server().receive { host = given.host,
    port = given.port, max_body = most_body }
  if not receiver then status.refuse(problem .. ".") end
  return receiver
end

-- What a request tells of; or nil, the status to answer with, and why.
local function judge(request, secrets, tolerance)
  if request.method ~= "POST" then
    return nil, 405, "verify webhook: its method is "
      .. width.plain(request.method) .. ", not POST."
  elseif not request.body then
    return nil, 413, "verify webhook: its body is longer than 1 MiB."
  end
  local object, err = lipsync.webhook.verify(request.body, request.headers,
    secrets, { tolerance = tolerance })
  if object then return object end
  return nil, err.kind == "signature" and 401 or 400, err
end

-- Tells whether it has seen a text before. Forgets the oldest of too many.
local function memory()
  local known, ring, at = {}, {}, 0
  return function(key)
    if known[key] then return true end
    at = at % most_known + 1
    if ring[at] then known[ring[at]] = nil end
    ring[at], known[key] = key, true
    return false
  end
end

local function announce(run, url)
  if run.given.quiet then return end
  run:say(run.given.json and core.encode { kind = "listening", url = url }
    or ("lipsync: listening at %s; Ctrl-C ends it."):format(url))
end

-- Takes webhooks until there are as many as are wanted.
local function take(run, receiver, secrets, tally)
  local given, is_known = run.given, memory()
  local write = output.writer(given, output.generations, run.screen)
  while tally.taken < (given.limit or math.huge) do
    local request = receiver:next(tick)
    if request then
      local object, code, problem = judge(request, secrets, given.tolerance)
      receiver:answer(code or 200)
      if not object then
        tally.refused = tally.refused + 1
        run:complain(problem, "signature")
      elseif is_known(object.id .. " " .. tostring(object.status)) then
        run:complain(("webhook of %s came again; it is not shown twice.")
          :format(width.plain(object.id)), "repeat")
      else
        tally.taken = tally.taken + 1
        write(object)
        output.flush()
      end
    end
    run:check_interrupt()
  end
end

---@param run table
---@param given table  `host`, `port`, `tolerance`, `limit`
---@param secrets string[]
return function(run, given, secrets)
  local receiver, tally = open(given), { taken = 0, refused = 0 }
  announce(run, receiver.url)
  local ok, problem = pcall(run.protect, run, function()
    take(run, receiver, secrets, tally)
  end, function()
    return ("%d taken, %d refused."):format(tally.taken, tally.refused)
  end)
  receiver:stop()  -- those that still wait are answered by 503
  if not ok then core.raise(problem) end
end
