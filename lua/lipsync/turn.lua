-- SPDX-License-Identifier: MIT
-- Whose turn it is, the readers' or the host's. A server that is never slower
-- than the loop would hold the host for ever, so after this long without a
-- wait (seconds) it gets its turn: after all readers together, for eight of
-- them hold it just as well as one.

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

return turn
