-- SPDX-License-Identifier: MIT
-- max_in_flight: the number of requests under way whose response has not
-- begun. A slot is given back when the response begins, so none is held across
-- the caller's loop body; otherwise eight loops that delete would wait for each
-- other for ever. Calls get slots in the order in which they asked.
--
-- A slot or a place in the queue may belong to a coroutine that is never
-- resumed again: nginx ends a request, or a program drops a loop of cqueues.
-- The weak tables forget it when it is collected, so a queue that stands still
-- has the collector work, in small pieces. If every coroutine will be resumed
-- for certain, none of that is needed: calls sleep until it is their turn.
--
-- A service that refuses a request because there were too many refuses all. So
-- then nobody asks for a while, and after that one request at a time, until one
-- is not refused.

local core = require "lipsync.core"

local Limiter = {}
Limiter.__index = Limiter

local limiter = {}

-- How long a queue stands still before the collector works for it (seconds).
local stuck = 1

-- The length of the collector's pieces, the pause after each, and how long it
-- goes on (seconds). Two cycles find everything. Where the collector works by
-- the age of objects, such pieces never end a cycle.
local piece, pause, longest, cycles = 0.0005, 0.002, 10, 2

-- How long after a rest its refusal still counts (seconds), where nothing more
-- was asked.
local memory = 120

-- How often all waiting calls together look by themselves (per second), and the
-- longest sleep (seconds) of the next one where nothing wakes it.
local looks, nap = 1000, 0.005

-- Lets the collector work for about so long; math.huge: through a full cycle.
-- Returns whether it ended a cycle.
local function collect_for(seconds)
  if seconds == math.huge then return collectgarbage() == 0 end
  local until_ = core.now() + seconds
  repeat
    if collectgarbage("step", 0) then return true end
  until core.now() >= until_
  return false
end

---@param slots integer
---@param collect fun(seconds: number): boolean|nil  for tests
---@return table
function limiter.new(slots, collect)
  return setmetatable({
    slots = slots, used = 0,
    open = slots,  -- how many may be under way now
    opens_at = -math.huge, refusals = 0, refused_at = false, told = false,
    taken = setmetatable({}, { __mode = "k" }),
    waiting = setmetatable({}, { __mode = "v" }),
    first = 1, last = 0,
    moved = -math.huge, idle = math.huge,
    is_behind = false,
    doubts = false,  -- whether a ticket may belong to an abandoned coroutine
    collect = collect or collect_for,
    searcher = setmetatable({}, { __mode = "v" }),
    cycles = 0, began = 0, rests_until = -math.huge,
  }, Limiter)
end

-- Whether a ticket needs its slot no more. Where all are refused, what has come
-- may be the next refusal, and keeps it until that is known; but not for long,
-- because what would read it may itself wait for a slot.
local function is_done(self, ticket, since)
  if not ticket.begun or not ticket:begun() then return false end
  if self.refusals == 0 then return true end
  local now = core.now()
  if since == true then self.taken[ticket] = now end
  return since ~= true and now - since >= stuck
end

-- Whether a slot is free. `used` is never too low, but may be too high: the
-- collector may have taken a call, or a response may have begun and not been
-- read yet. So when no slot seems free, each call is checked.
local function has_slot(self)
  if self.open == 0 and core.now() >= self.opens_at then self.open = 1 end
  if self.used < self.open then return true end
  local used = 0
  for ticket, since in pairs(self.taken) do
    if is_done(self, ticket, since) then
      self.taken[ticket] = nil
    else
      used = used + 1
    end
  end
  self.used = used
  return used < self.open
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

-- Whether another ticket than `ticket` has the collector work.
local function has_searcher(self, ticket)
  local one = self.searcher.ticket
  return one ~= nil and one ~= ticket and is_here(self, one, one.place)
end

-- Has the collector work until it has found everything that was abandoned. At
-- once if the caller blocks the program anyway; and if pieces did not find it,
-- unless a budget of the program would be exceeded.
local function search(self, ticket, now)
  if has_searcher(self, ticket) then return end
  if self.cycles == 0 then self.cycles, self.began = cycles, now end
  self.searcher.ticket = ticket
  local is_late = now - self.began >= longest
  local whole = ticket.blocks or is_late and not ticket.kept
  if self.collect(whole and math.huge or piece) then
    self.cycles = self.cycles - 1
  end
  if whole or is_late then self.cycles = 0 end
  if self.cycles > 0 then return end
  self.searcher.ticket = nil
  self.rests_until = now + math.max(stuck, 10 * (now - self.began))
end

-- Unblocks a queue that has not moved.
local function unstick(self, ticket, now)
  pass_over(self, now)
  if not self.doubts then return end
  if now - self.moved >= stuck and now >= self.rests_until then
    search(self, ticket, now)
  elseif self.searcher.ticket == ticket then
    self.searcher.ticket = nil
  end
end

-- Whether the coroutine of a ticket may be abandoned; one that drives a group
-- may abandon that.
local function is_doubtful(ticket)
  return not ticket.kept or ticket.group ~= nil
end

local function holds_doubtful(self)
  for ticket in pairs(self.taken) do
    if is_doubtful(ticket) then return true end
  end
  return false
end

-- The first doubtful ticket: from now on all have to look, so all are called.
local function doubt(self)
  self.doubts = true
  for place = self.first, self.last do
    local ticket = self.waiting[place]
    if ticket and ticket.called then ticket:called() end
  end
end

local function enqueue(self, ticket, now)
  if ticket.place then return end
  head(self)  -- skips empty places
  if self.first > self.last then
    self.moved, self.idle = now, math.huge
    self.doubts = holds_doubtful(self)
  end
  if is_doubtful(ticket) and not self.doubts then doubt(self) end
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

--- Takes a slot if one is free and no ticket waits: the usual case.
---@param ticket table  see Limiter.take
---@return boolean
function Limiter:take_free(ticket)
  if self.first <= self.last or self.used >= self.open
     or self.taken[ticket] then
    return false
  end
  self.taken[ticket], self.used = true, self.used + 1
  return true
end

--- Tries to take a slot; if none is free, `ticket` keeps a place in the queue
--- and must ask again.
---@param ticket table  the call; its member `place` is the queue's. It may
---   have called(), invoked when it is next; begun(), true if it needs no slot
---   any more; `kept`, true if its coroutine cannot be abandoned; `blocks`,
---   true if nothing else can run while it waits, so it goes first; `group`,
---   whose `busy` means that it cannot take a slot now
---@param now number  monotonic seconds
---@return boolean
function Limiter:take(ticket, now)
  if not may_take(self, ticket) then
    enqueue(self, ticket, now)
    unstick(self, ticket, now)
    self:call_next()  -- a slot may just have been found free
    return false
  end
  if not self.taken[ticket] then self.used = self.used + 1 end
  self.taken[ticket] = true
  if is_doubtful(ticket) and not self.doubts then doubt(self) end
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

--- The seconds after which `ticket` must ask again although it was not called.
---@param ticket table
---@return number
function Limiter:patience(ticket)
  if self.open == 0 and self.told == ticket.place then return self:rest() end
  if not self.doubts then return math.huge end
  if self.searcher.ticket == ticket then return pause end
  return math.max(stuck, (self.last - self.first) / looks)
end

--- The longest sleep (seconds) of `ticket` where nothing wakes it: longer the
--- further it is from its turn.
---@param ticket table  has a place in the queue
---@return number
function Limiter:nap(ticket)
  if self.open == 0 then return math.max(nap, math.min(stuck, self:rest())) end
  return math.max(nap, math.min(stuck, (ticket.place - self.first) / looks))
end

-- Whether the first ticket has to be called: for a slot, or, once, because it
-- must ask again at the end of a rest.
local function is_due(self, turn)
  return has_slot(self) or self.open == 0 and self.told ~= turn.place
end

--- Notifies the next ticket if a slot is free and the ticket has called().
function Limiter:call_next()
  self.is_behind = true  -- until the end; it may raise for lack of memory
  local turn = head(self)
  if turn and is_due(self, turn) then
    if turn.called then turn:called() end
    self.told = turn.place
  end
  self.is_behind = false
end

--- Repeats a notification that raised.
function Limiter:catch_up()
  if self.is_behind then self:call_next() end
end

--- Gives back the slot of `ticket`, if it has one.
---@param ticket table
function Limiter:release(ticket)
  if not self.taken[ticket] then return end
  self.taken[ticket] = nil
  self.used = self.used - 1
  if self.first <= self.last then self:call_next() end
end

-- ---- Rests ----

--- The service has refused a request, and with it all: nobody gets a slot for
--- `delay`. A request that was sent before a rest and is refused in it changes
--- nothing, unless the service asks for a longer one.
---@param delay number  seconds
---@param asked number|nil  seconds that the service asks for
---@return number seconds  that are left of the rest
function Limiter:refuse(delay, asked)
  local now = core.now()
  local is_new = now >= self.opens_at
  if is_new then
    if now - self.opens_at > memory then
      self.refusals, self.refused_at = 0, false
    end
    self.refusals = self.refusals + 1
    self.refused_at = self.refused_at or now
  end
  self.opens_at = math.max(self.opens_at,
    now + (is_new and delay or asked or 0))
  self.open, self.told = 0, false
  self:call_next()
  return self.opens_at - now
end

--- A response has come that is no such refusal.
function Limiter:accept()
  if core.now() < self.opens_at then return end  -- it was sent before
  self.open, self.opens_at = self.slots, -math.huge
  self.refusals, self.refused_at = 0, false
  self:call_next()
end

--- Seconds that are left of a rest; 0 without one.
---@return number
function Limiter:rest()
  return math.max(0, self.opens_at - core.now())
end

--- Seconds since the first refusal that nothing but refusals has followed.
---@return number
function Limiter:refused_for()
  local now = core.now()
  if not self.refused_at or now - self.opens_at > memory then return 0 end
  return now - self.refused_at
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
