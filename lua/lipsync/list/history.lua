-- SPDX-License-Identifier: MIT
-- The delivered rows of a paged listing, as far as it must remember them: to
-- choose a cursor among those that still exist, and to recognize them after
-- paging began again. Pure; knows no requests.
--
-- Rows come only roughly in order of their times, because the clocks that gave
-- the times differ. So an id is remembered while rows of its time may still
-- come: until every row of a hundred is an hour older. An hour may hold many
-- rows, so at most `most` ids are remembered, in about 2 MB: three times what a
-- key could create in an hour when the service still published a rate (60 a
-- minute). Above that, the oldest hundred is forgotten and the horizon falls to
-- the time at which the next hundred begins. Then clocks may differ by no more
-- than the time that `most` rows span, else rows are lost after paging began
-- again. Of more than `most` rows without a time, or of one instant, some may
-- be delivered twice.

local History = {}
History.__index = History

local history = {
  hour = 3600,
  hundred = 100,  -- ids are forgotten by so many
  most = 10000,   -- a multiple of it
}

--- The states of a row: it exists; it may be gone; it is gone.
history.KEPT, history.DOUBTFUL, history.GONE = "kept", "doubtful", "gone"

local KEPT, GONE = history.KEPT, history.GONE

---@return table
function history.new()
  return setmetatable({
    ids = {},               -- by number, which counts rows as delivered
    numbers = {},           -- by id
    states = {},            -- by number, where it is not KEPT
    first = 1, last = 0,    -- the numbers remembered
    newest_kept = 0,        -- no row with a higher number is KEPT
    fallen = false,         -- a number below `first` that is still remembered
    at = false, second = false, third = false,  -- the last three rows' times
    hundreds = {},          -- times: newest, oldest, at its begin
    forgotten_above = math.huge,
  }, History)
end

local function hundred_of(number)
  return math.ceil(number / history.hundred)
end

-- Counts the time of a row. A row without one has no known age, so only a lack
-- of room may drop it.
local function count(times, at)
  if at then
    times.newest = math.max(times.newest or at, at)
    times.oldest = math.min(times.oldest, at)
  else
    times.oldest = -math.huge
  end
end

--- Remembers a delivered row. May be repeated if it ran out of memory.
---@param row { id: string, at: number|nil }
function History:add(row)
  -- First what takes memory.
  local number = self.last + 1
  local hundred = hundred_of(number)
  local times = self.hundreds[hundred]
    or { newest = false, oldest = math.huge, begins = false }
  self.hundreds[hundred] = times
  self.ids[number] = row.id
  self.numbers[row.id] = number
  self.last, self.newest_kept = number, number
  count(times, row.at)
  if row.at then
    self.third, self.second, self.at = self.second, self.at, row.at
  end
  if (number - 3) % history.hundred == 0 then times.begins = self:time() end
  if number % history.hundred == 0 then self:forget(times) end
end

-- After a hundred is complete, forgets those that are no longer needed.
function History:forget(complete)
  self:lower_horizon(complete.newest and complete.newest + history.hour)
  while self.last - self.first >= history.hundred do
    local hundred = hundred_of(self.first)
    local full = self.last - self.first >= history.most
    if not full and self.hundreds[hundred].oldest
       <= self.forgotten_above then return end
    self:drop(hundred)
    if full then self:lower_horizon(self.hundreds[hundred + 1].begins) end
  end
end

function History:lower_horizon(at)
  self.forgotten_above = math.min(self.forgotten_above, at or math.huge)
end

-- Drops the oldest hundred, except for its newest existing row: that replaces
-- the row kept before, as a cursor for when all later rows are gone.
function History:drop(hundred)
  local kept
  local beyond = self.first + history.hundred
  for number = beyond - 1, self.first, -1 do
    if kept or self.states[number] then
      self:erase(number)
    else
      kept = number
    end
  end
  if kept then
    if self.fallen then self:erase(self.fallen) end
    self.fallen = kept
  end
  self.hundreds[hundred] = nil
  self.first = beyond
end

function History:erase(number)
  self.numbers[self.ids[number]] = nil
  self.ids[number], self.states[number] = nil, nil
end

--- Notes what has become of a row. Unknown ids are ignored.
---@param id string
---@param state string  KEPT, DOUBTFUL or GONE
function History:note(id, state)
  local number = self.numbers[id]
  if not number then return end
  if state == KEPT then
    self.states[number] = nil
    self.newest_kept = math.max(self.newest_kept, number)
  else
    self.states[number] = state
  end
end

--- The state of a row; nil for an unknown id.
---@param id string
---@return string|nil
function History:state(id)
  local number = self.numbers[id]
  return number and (self.states[number] or KEPT)
end

---@param id string|nil
---@return boolean
function History:is_gone(id)
  return id ~= nil and self:state(id) == GONE
end

-- The highest number that is KEPT. Passes each row once, and again only after
-- an older one was noted as KEPT.
function History:find_kept()
  local number = self.newest_kept
  while number >= self.first and self.states[number] do number = number - 1 end
  self.newest_kept = number
  if number >= self.first then return number end
  local fallen = self.fallen
  return fallen and not self.states[fallen] and fallen or nil
end

--- The last delivered row that exists.
---@return string|nil id  nil if there is none
function History:newest()
  local number = self:find_kept()
  return number and self.ids[number]
end

--- The time reached: the median of the last three rows' times, so that a single
--- row with a wrong clock has no effect.
---@return number|nil  nil if no row has a time
function History:time()
  local a, b, c = self.third, self.second, self.at
  if not a then return c end
  return math.max(math.min(a, b), math.min(math.max(a, b), c))
end

--- The horizon. Rows newer than this may have been delivered and forgotten, or
--- were created since. A delivered row that is not newer is remembered.
---@return number
function History:horizon()
  local time = self:time()
  return math.min(self.forgotten_above,
    time and time + history.hour or math.huge)
end

return history
