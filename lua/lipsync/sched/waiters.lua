-- SPDX-License-Identifier: MIT
-- Who waits for what. Any step of the session may finish what somebody else
-- waits for, so after each step everything that became ready is looked up
-- here and its waiters are woken, whoever made the step. To wake is to mark
-- or to signal, never to resume: nobody runs while this table is walked.

local Waiters = {}
Waiters.__index = Waiters

local waiters = {}

---@return table
function waiters.new()
  return setmetatable({
    by = {}, closers = {}, groups = setmetatable({}, { __mode = "k" }),
  }, Waiters)
end

--- Remembers that `waiter` waits for `target`.
---@param target table  a transfer or anything that somebody wakes by wake()
---@param waiter table  with wake(), which must not resume anybody
function Waiters:subscribe(target, waiter)
  local set = self.by[target] or {}
  set[waiter] = true
  self.by[target] = set
end

--- Forgets it again.
---@param target table
---@param waiter table
function Waiters:unsubscribe(target, waiter)
  local set = self.by[target]
  if not set then return end
  set[waiter] = nil
  if next(set) == nil then self.by[target] = nil end
end

--- Tells `group` of all that is woken from now on, until it is collected: for
--- one who waits for many things at once.
---@param group table  with notice(target), which must not resume anybody
function Waiters:join(group)
  self.groups[group] = true
end

--- Wakes those who wait for `target`, if any.
---@param target table
function Waiters:notify(target)
  local set = self.by[target]
  if set then
    for waiter in pairs(set) do waiter:wake() end
  end
  for group in pairs(self.groups) do group:notice(target) end
end

--- Wakes everybody, for what they wait for will not come.
function Waiters:notify_all()
  for _, set in pairs(self.by) do
    for waiter in pairs(set) do waiter:wake() end
  end
end

--- Takes from the session what became ready, until nothing is.
---@param session table  the core's
---@return integer  how many transfers that were
function Waiters:dispatch(session)
  local n, transfer = 0, session:next_ready()
  while transfer do
    n = n + 1
    self:notify(transfer)
    transfer = session:next_ready()
  end
  return n
end

--- Has `fn` called before the session is closed, for a loop that watches its
--- descriptor has to let go of it first.
---@param owner table  one function each; nil `fn` forgets it
---@param fn function|nil
function Waiters:on_close(owner, fn)
  self.closers[owner] = fn
end

--- Tells those that asked for it.
function Waiters:closing()
  local closers = self.closers
  self.closers = {}
  for _, fn in pairs(closers) do fn() end
end

return waiters
