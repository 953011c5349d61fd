-- SPDX-License-Identifier: MIT
-- Who waits for what. Any step of the session may finish what somebody else
-- waits for, so after each step everything that became ready is looked up
-- here and its waiters are woken, whoever made the step. To wake is to mark
-- or to signal, never to resume: nobody runs while this table is walked.

local Wakers = {}
Wakers.__index = Wakers

local wakers = {}

---@return table
function wakers.new()
  return setmetatable({ by = {}, closers = {} }, Wakers)
end

local function keys(target)
  return target.transfers or { target }
end

--- Remembers that `waiter` waits for `target`.
---@param target table  a transfer or anything that somebody wakes by wake();
---   a group of them is a table with `transfers`
---@param waiter table  with wake(), which must not resume anybody
function Wakers:add(target, waiter)
  for _, key in ipairs(keys(target)) do
    local set = self.by[key] or {}
    set[waiter] = true
    self.by[key] = set
  end
end

--- Forgets it again.
---@param target table
---@param waiter table
function Wakers:remove(target, waiter)
  for _, key in ipairs(keys(target)) do
    local set = self.by[key]
    if set then
      set[waiter] = nil
      if next(set) == nil then self.by[key] = nil end
    end
  end
end

--- Wakes those who wait for `key`, if any.
---@param key table
function Wakers:wake(key)
  local set = self.by[key]
  if not set then return end
  for waiter in pairs(set) do waiter:wake() end
end

--- Wakes everybody, for what they wait for will not come.
function Wakers:wake_all()
  for _, set in pairs(self.by) do
    for waiter in pairs(set) do waiter:wake() end
  end
end

--- Takes from the session what became ready, until nothing is.
---@param session table  the core's
---@return integer  how many transfers that were
function Wakers:drain(session)
  local n, transfer = 0, session:next_ready()
  while transfer do
    n = n + 1
    self:wake(transfer)
    transfer = session:next_ready()
  end
  return n
end

--- Has `fn` called before the session is closed, for a loop that watches its
--- descriptor has to let go of it first.
---@param owner table  one function each; nil `fn` forgets it
---@param fn function|nil
function Wakers:on_close(owner, fn)
  self.closers[owner] = fn
end

--- Tells those that asked for it.
function Wakers:closing()
  local closers = self.closers
  self.closers = {}
  for _, fn in pairs(closers) do fn() end
end

return wakers
