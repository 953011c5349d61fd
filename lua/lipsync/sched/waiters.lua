-- SPDX-License-Identifier: MIT
-- What waits for which target. Any step of the session may finish a transfer
-- that other code waits for. So after each step the waiters of everything that
-- became ready are looked up here and woken. To wake means to mark or signal,
-- never to resume: no other code runs while this table is walked.

local Waiters = {}
Waiters.__index = Waiters

local waiters = {}

-- A target is held by the coroutine that waits for it. If that one is never
-- resumed again, a transfer is collected with it, and so closed.
local weak = { __mode = "k" }

---@return table
function waiters.new()
  return setmetatable({
    by = setmetatable({}, weak), closers = {},
    groups = false,
  }, Waiters)
end

--- Remembers that `waiter` waits for `target`.
---@param target table  a transfer, or anything that is passed to notify()
---@param waiter table  with wake(), which must not resume anything
function Waiters:subscribe(target, waiter)
  local set = self.by[target] or {}
  set[waiter] = true
  self.by[target] = set
end

--- Forgets that.
---@param target table
---@param waiter table
function Waiters:unsubscribe(target, waiter)
  local set = self.by[target]
  if not set then return end
  set[waiter] = nil
  if next(set) == nil then self.by[target] = nil end
end

--- Calls `group.notice` for everything that is notified from now on, until the
--- group is collected: for code that waits for many targets at once.
---@param group table  with notice(target), which must not resume anything
function Waiters:join(group)
  self.groups = self.groups or setmetatable({}, weak)
  self.groups[group] = true
end

--- Wakes the waiters of `target`.
---@param target table
function Waiters:notify(target)
  local set = self.by[target]
  if set then
    for waiter in pairs(set) do waiter:wake() end
  end
  if not self.groups then return end
  for group in next, self.groups do group:notice(target) end
end

--- Wakes all waiters, because their targets will never be ready.
function Waiters:notify_all()
  for _, set in pairs(self.by) do
    for waiter in pairs(set) do waiter:wake() end
  end
end

--- Takes from the session everything that became ready.
---@param session table  the core's
---@param most integer|nil  how many that are at most, as its step says
---@return integer  how many of these were transfers
function Waiters:dispatch(session, most)
  local n = 0
  while n ~= most do
    local transfer = session:next_ready()
    if not transfer then break end
    n = n + 1
    self:notify(transfer)
  end
  return n
end

--- Has `fn` called before the session is closed, because a loop that watches
--- its descriptor must let go of it first.
---@param owner table  has one function at most; nil `fn` forgets it
---@param fn function|nil
function Waiters:on_close(owner, fn)
  self.closers[owner] = fn
end

--- Calls those functions.
function Waiters:closing()
  local closers = self.closers
  self.closers = {}
  for _, fn in pairs(closers) do fn() end
end

return waiters
