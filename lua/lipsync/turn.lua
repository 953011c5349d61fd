-- SPDX-License-Identifier: MIT
-- Whose turn it is, the readers' or the host's. A server that is never slower
-- than the loop would hold the host for ever, so after this long without a
-- wait (seconds) it gets its turn: after all readers together, for eight of
-- them hold it just as well as one, and steps of sessions count, too.

local core = require "lipsync.core"

local turn = {}

local breath = 0.002

-- How much of that steps may take, and after how long without anybody a turn
-- is a new one to those who make them.
local stepping, pause = breath / 2, breath / 4

-- One for the whole Lua state, as the host has one loop whoever runs in it:
-- its number, when it ends, who came to it so far, for how long each, and how
-- long the steps took.
local number, ends, came, share, steps = 0, 0, 0, breath, 0

-- The turn in which a coroutine, or a session, last had a step.
local last = setmetatable({}, { __mode = "k" })

-- What steps have left of it is shared out among as many as came to the one
-- before.
local function begin(at)
  number, ends = number + 1, at + breath
  share = (breath - math.min(steps, stepping)) / math.max(came, 1)
  came, steps = 0, 0
end

--- Who comes back from a wait joins the turn that is on. If it had its part
--- of that already, the host has been round since, and a new turn begins.
---@param reader table  gets `rest_at`: when to wait again, though only for a
---   moment; its `turn` is kept here
---@param at number  monotonic seconds
function turn.join(reader, at)
  if reader.turn == number or at >= ends + breath then begin(at) end
  came = came + 1
  reader.turn, reader.rest_at = number, math.min(at + share, ends)
end

--- Makes a session's step within the turn, where coroutines make their own, or
--- several sessions are in one loop: shorter where others have used the turn
--- up, and none where this session had one in it already.
---@param session table  the core's
---@param who any  what makes the steps: if it made one in this turn, the host
---   has been round since, and a new one begins
function turn.step(session, who)
  local at = core.now()
  if last[who] == number or at >= ends + pause then begin(at) end
  local left = math.min(stepping - steps, ends - at)
  if left > 0 or last[session] ~= number then
    session:step(math.max(left, 0))
    steps = steps + core.now() - at
  end
  last[who], last[session] = number, number
end

--- Whether it is the host's turn; in a task that is also when the step has
--- used up its budget.
---@param reader table  `client`, and `rest_at` by turn.join
---@return boolean
function turn.is_over(reader)
  local at, until_ = core.now(), reader.client.step_ends
  return at >= reader.rest_at or until_ ~= nil and at >= until_
end

return turn
