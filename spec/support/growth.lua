-- SPDX-License-Identifier: MIT
--
-- What a call leaves behind in C's memory, by the allocator's own count.

local process = require "process"

local growth = {}

--- Whether there is such a count; under a sanitizer there is none.
growth.can_measure = process.heap() ~= nil and process.heap() > 0
  and not os.getenv "LIPSYNC_SANITIZED"

local CALLS, ROUNDS = 200, 20

local function collect()
  for _ = 1, 3 do collectgarbage() end
end

--- How many bytes a call of `fn` leaves, when it is called again and again and
--- all that Lua does not need any more is collected: in the best of several
--- rounds, because the first ones fill what is kept on purpose. Less than 16 is
--- no block of memory, but a table of Lua's that has grown once.
---@param fn function
---@return number bytes
function growth.of(fn)
  local least = math.huge
  collect()  -- what was left before would hide as much
  for _ = 1, ROUNDS do
    local before = process.heap()
    for _ = 1, CALLS do fn() end
    collect()
    least = math.min(least, (process.heap() - before) / CALLS)
    if least < 16 then break end
  end
  return least
end

return growth
