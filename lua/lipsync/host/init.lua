-- SPDX-License-Identifier: MIT
-- Everything that waits, waits here. The host is asked anew at each wait:
-- one program may be inside a task now and at top level next time.
--
-- A host is a module with `name`, `here(client)` (may it wait now?) and
-- `wait(session, transfer, seconds)`. What is waited for is any object with
-- ready(): a transfer, or a group of them, which lists them in `transfers`
-- for hosts that resume by transfer. Without one the host sleeps.

local core = require "lipsync.core"

local host = {}

-- In the order of asking. The last one is right everywhere.
local hosts = { require "lipsync.host.blocking" }

-- A wait shorter than this did not wait, and after so many in a row we poll
-- ourselves, or a host that cannot sleep here would spin.
local no_wait, patience, pause = 1e-4, 5, 0.005

--- The names that the option `host` takes.
---@return string[]
function host.names()
  local names = {}
  for i, each in ipairs(hosts) do names[i] = each.name end
  return names
end

--- The waiter for here and now.
---@param client table
---@return fun(session: table, transfer: table|nil, seconds: number|nil)
function host.waiter(client)
  local wanted = client.options.host
  if wanted and type(wanted) ~= "string" then return wanted end
  for _, each in ipairs(hosts) do
    if each.name == wanted or not wanted and each.here(client) then
      return each.wait
    end
  end
  return hosts[#hosts].wait
end

--- Lets the host wait once, until `target:ready()` or `seconds` are over.
--- It may come back early; the caller looks again.
---@param client table
---@param session table  the core's session
---@param target table|nil
---@param seconds number
---@return number from, number to  monotonic seconds of the wait
function host.wait(client, session, target, seconds)
  local from = core.now()
  host.waiter(client)(session, target, seconds)
  local to = core.now()
  if seconds <= no_wait or to - from >= no_wait
     or target and target:ready() then
    client.idle_waits = 0
    return from, to
  end
  client.idle_waits = (client.idle_waits or 0) + 1
  if client.idle_waits > patience and session:is_open() then
    session:poll(math.min(pause, seconds))
    to = core.now()
  end
  return from, to
end

return host
