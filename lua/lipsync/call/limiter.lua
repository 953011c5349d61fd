-- SPDX-License-Identifier: MIT
-- max_in_flight: the number of requests under way whose response has not
-- begun. A slot is given back when the response begins, so none is held across
-- the caller's loop body; otherwise eight loops that delete would wait for each
-- other for ever. Calls get slots in the order in which they asked.

local Limiter = {}
Limiter.__index = Limiter

local limiter = {}

-- The coroutine of a slot or a queue place may never be resumed again. The weak
-- tables forget it when it is collected. A queue that has not moved for this
-- long triggers a collection.
local stuck = 1  -- seconds

---@param slots integer
---@param collect function|nil  a full garbage collection
---@return table
function limiter.new(slots, collect)
  return setmetatable({
    slots = slots, used = 0,
    taken = setmetatable({}, { __mode = "k" }),
    waiting = setmetatable({}, { __mode = "v" }),
    first = 1, last = 0,
    moved = -math.huge, collected = -math.huge, idle = math.huge,
    collect = collect or function() collectgarbage() end,
  }, Limiter)
end

-- Whether a slot is free. `used` is never too low, but may be too high: the
-- collector may have taken a call, or a response may have begun and not been
-- read yet. So when no slot seems free, each call is checked.
local function has_slot(self)
  if self.used < self.slots then return true end
  local used = 0
  for ticket in pairs(self.taken) do
    if ticket.begun and ticket:begun() then
      self.taken[ticket] = nil
    else
      used = used + 1
    end
  end
  self.used = used
  return used < self.slots
end

local function is_here(self, ticket, place)
  return ticket ~= nil and ticket.place == place
    and self.waiting[place] == ticket
end

-- The first ticket that can take a slot now: skips tickets that have left the
-- queue and those that are busy.
local function head(self)
  while self.first <= self.last
        and not is_here(self, self.waiting[self.first], self.first) do
    self.waiting[self.first] = nil
    self.first = self.first + 1
  end
  for place = self.first, self.last do
    local ticket = self.waiting[place]
    local group = ticket and ticket.group
    if is_here(self, ticket, place) and not (group and group.busy) then
      return ticket
    end
  end
  return nil
end

-- Moves the next ticket to the end if it has not taken its slot for long,
-- because its coroutine may not be resumed before the others are done.
local function pass_over(self, now)
  local turn = has_slot(self) and head(self)
  self.idle = turn and math.min(self.idle, now) or math.huge
  if now - self.idle < stuck then return end
  self.idle = math.huge
  self.waiting[turn.place] = nil
  self.last = self.last + 1
  self.waiting[self.last], turn.place = turn, self.last
end

-- Unblocks a queue that has not moved.
local function unstick(self, now)
  pass_over(self, now)
  if now - self.moved < stuck or now - self.collected < stuck then return end
  self.collected = now
  self.collect()
end

local function enqueue(self, ticket, now)
  if ticket.place then return end
  if self.first > self.last then self.moved = now end
  self.last = self.last + 1
  self.waiting[self.last] = ticket
  ticket.place = self.last
end

-- A function of its own, because its locals would keep an abandoned head alive
-- during the collection below.
local function may_take(self, ticket)
  if not has_slot(self) then return false end
  if ticket.blocks then return true end
  local turn = head(self)
  return turn == nil or turn == ticket
end

--- Tries to take a slot; if none is free, `ticket` keeps a place in the queue
--- and must ask again.
---@param ticket table  the call; its member `place` is the queue's. It may
---   have called(), invoked when it is next; begun(), true if it needs no slot
---   any more; `blocks`, true if nothing else can run while it waits, so it
---   goes first; `group`, whose `busy` means that it cannot take a slot now
---@param now number  monotonic seconds
---@return boolean
function Limiter:take(ticket, now)
  if self.first > self.last and self.used < self.slots
     and not self.taken[ticket] then  -- the usual case
    self.taken[ticket], self.used = true, self.used + 1
    self.moved, self.idle = now, math.huge
    return true
  end
  if not may_take(self, ticket) then
    enqueue(self, ticket, now)
    unstick(self, now)
    self:call_next()  -- a slot may just have been found free
    return false
  end
  if not self.taken[ticket] then self.used = self.used + 1 end
  self.taken[ticket] = true
  self.moved, self.idle = now, math.huge
  self:leave(ticket)
  return true
end

--- Whether `take` would give a slot to `ticket`.
---@param ticket table
---@return boolean
function Limiter:is_turn(ticket)
  return may_take(self, ticket)
end

--- Notifies the next ticket if a slot is free and the ticket has called().
function Limiter:call_next()
  local turn = head(self)
  if turn and turn.called and has_slot(self) then turn:called() end
end

--- Gives back the slot of `ticket`, if it has one.
---@param ticket table
function Limiter:release(ticket)
  if not self.taken[ticket] then return end
  self.taken[ticket] = nil
  self.used = self.used - 1
  if self.first <= self.last then self:call_next() end
end

--- Gives up the place of `ticket` in the queue, if it has one.
---@param ticket table
function Limiter:leave(ticket)
  if not ticket.place then return end
  self.waiting[ticket.place] = nil
  ticket.place = nil
  self:call_next()
end

return limiter
