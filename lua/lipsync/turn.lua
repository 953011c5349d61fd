-- SPDX-License-Identifier: MIT
-- Whose turn it is, the readers' or the host's. A server that is never slower
-- than the loop would hold the host for ever, so after this long without a
-- wait (seconds) it gets its turn: after all readers together, for eight of
-- them hold it just as well as one.

local core = require "lipsync.core"
local host = require "lipsync.host"

local turn = {}

local breath = 0.002

-- One for the whole Lua state, as the host has one loop whoever runs in it:
-- its number, when it ends, who came to it so far, and for how long each.
local number, ends, came, share = 0, 0, 0, breath

--- Who comes back from a wait joins the turn that is on. If it had its part
-- of that already, the host has been round since, and a new turn begins: it is
-- shared out among as many as came to the last one.
---@param reader table  gets `rest_at`: when to wait again, though only for a
---   moment; its `turn` is kept here
---@param at number  monotonic seconds
function turn.join(reader, at)
  if reader.turn == number or at >= ends + breath then
    number, ends = number + 1, at + breath
    share, came = breath / math.max(came, 1), 0
  end
  came = came + 1
  reader.turn, reader.rest_at = number, math.min(at + share, ends)
end

--- Whether it is the host's turn; in a task that is also when the step has
--- used up its budget.
---@param reader table  `client`, and `rest_at` by turn.join
---@return boolean
function turn.is_over(reader)
  local at, until_ = core.now(), reader.client.step_ends
  return at >= reader.rest_at or until_ ~= nil and at >= until_
end

--- Lets the host have its turn if it is over, although there is more to do.
---@param reader table  also with `clock`, for the wait counts
function turn.rest(reader)
  if not turn.is_over(reader) then return end
  local client = reader.client
  local from, to = host.wait(client, client:home().session, nil, 0)
  reader.clock:add(from, to)
  turn.join(reader, to)
end

return turn
