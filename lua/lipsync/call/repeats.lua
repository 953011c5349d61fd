-- SPDX-License-Identifier: MIT
-- How long a request under an idempotency key may be repeated. Once one of them
-- may have been carried out, although no response says so, a repetition does
-- nothing more only as long as the service remembers the key; later it might be
-- carried out once more.

local core = require "lipsync.core"

local Repeats = {}
Repeats.__index = Repeats

local repeats = {}

-- How long the service remembers a key for certain (seconds).
local window = 600

---@param seconds number|nil  in place of that
---@param earlier { err: lipsync.Error, at: number }|nil  see lipsync.Spec
---@return table  its `err` is the error of the last request that may have been
---   carried out; false: there was none
function repeats.new(seconds, earlier)
  local self = setmetatable({ window = seconds or window, err = false,
                              since = false, at = false }, Repeats)
  if earlier then
    self.err, self.at = earlier.err, earlier.at
    self.since = core.now() - math.max(0, core.time() - earlier.at)
  end
  return self
end

--- Notes that a request may have been carried out. The wall clock counts too,
--- because the other one may stand still while the machine sleeps.
---@param err lipsync.Error
---@param since number  when its last bytes were sent, or could have been, on
---   the monotonic clock
---@param at number  and on the wall clock
function Repeats:doubt(err, since, at)
  self.err = err
  self.since, self.at = self.since or since, self.at or at
end

--- Whether a repetition could be carried out a second time.
---@param delay number  seconds until it is sent
---@return boolean
function Repeats:is_too_late(delay)
  if not self.err then return false end
  local passed = math.max(core.now() - self.since, core.time() - self.at)
  return passed + delay > self.window
end

return repeats
