-- SPDX-License-Identifier: MIT
-- How long readers of listings may go on before the host runs. With a server as
-- fast as the loop they would block the host for ever, so after one slice
-- without a wait the host gets its turn. All readers share a slice, because
-- eight of them block the host just like one; the sessions' steps count too.

local core = require "lipsync.core"

local timeslice = {}

local length = 0.002  -- seconds

-- The most of a slice that steps may take, and how long after its end the next
-- step starts a new slice (seconds).
local step_share, pause = length / 2, length / 4

-- The current slice. There is one for the whole Lua state, because the host
-- has one loop: its number, its end, the number of readers, how long each may
-- read, and how long the steps took.
local number, ends, readers, share, stepped = 0, 0, 0, length, 0

-- The slice in which a coroutine, or a session, last had a step.
local last = setmetatable({}, { __mode = "k" })

-- Starts a slice. The readers share what the steps of the previous slice left
-- of it; it is divided by its number of readers.
local function start(at)
  number, ends = number + 1, at + length
  share = (length - math.min(stepped, step_share)) / math.max(readers, 1)
  readers, stepped = 0, 0
end

--- Called after a wait: the reader joins the current slice, or starts a new one
--- if it already had its part of the current one, because the host has run.
---@param reader table  gets `slice_ends`: when to wait again, though only for a
---   moment; its member `slice` is set here
---@param at number  monotonic seconds
---@param latest number|nil  when it is to wait again at the latest
function timeslice.begin(reader, at, latest)
  if reader.slice == number or at >= ends + length then start(at) end
  readers = readers + 1
  reader.slice = number
  reader.slice_ends = math.min(at + share, ends, latest or ends)
end

--- Makes a session's step within the slice, where coroutines make their own
--- steps or several sessions share one loop. The step is shorter if others have
--- used up the slice, and left out if this session had one in it.
---@param session table  the core's
---@param who any  the maker of the steps: if it made one in this slice, the
---   host has run since, and a new slice starts
function timeslice.step(session, who)
  local at = core.now()
  if last[who] == number or at >= ends + pause then start(at) end
  local left = math.min(step_share - stepped, ends - at)
  if left > 0 or last[session] ~= number then
    session:step(math.max(left, 0))
    stepped = stepped + core.now() - at
  end
  last[who], last[session] = number, number
end

--- Whether the host should run now; in a task also when the budget of its step
--- is used up.
---@param reader table  `client`, and `slice_ends` by timeslice.begin
---@return boolean
function timeslice.is_expired(reader)
  local at, until_ = core.now(), reader.client.step_ends
  return at >= reader.slice_ends or until_ and at >= until_
end

return timeslice
