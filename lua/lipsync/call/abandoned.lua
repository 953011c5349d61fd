-- SPDX-License-Identifier: MIT
-- Clients that a program makes anew for each request and never closes. Each
-- holds four descriptors, and the collector, which counts memory only, comes
-- too late for them: in a program of 30 MB after the limit of descriptors.

local abandoned = {}

-- So few sessions are never worth a collection.
local few = 16

-- The sessions made in this Lua state, how many of them may be open, and how
-- many were after the last collection or later.
local sessions, count, least = setmetatable({}, { __mode = "k" }), 0, few

--- Collects what was abandoned, and counts what is left.
function abandoned.collect()
  collectgarbage()
  count = 0
  for session in pairs(sessions) do
    if session:is_open() then count = count + 1 end
  end
  least = math.max(count, few)
end

--- Notes a new session; collects when the number has doubled.
---@param session table  the core's
function abandoned.add(session)
  sessions[session], count = true, count + 1
  if count >= 2 * least then abandoned.collect() end
end

--- Forgets a session that was closed.
---@param session table
function abandoned.remove(session)
  if not sessions[session] then return end
  sessions[session], count = nil, count - 1
  least = math.max(math.min(least, count), few)
end

return abandoned
