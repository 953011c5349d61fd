-- SPDX-License-Identifier: MIT
-- Deadlines in order: a binary heap. Finding the next one is O(1), adding or
-- removing one O(log n), so checking costs nothing for those not due. Pure.

local Heap = {}
Heap.__index = Heap

local timers = {}

---@return table
function timers.new()
  -- A table of its own, because LuaJIT can lose names in a table that has both
  -- names and numbers when memory runs out while it grows.
  return setmetatable({ n = 0, items = {} }, Heap)
end

-- Exchanges two items. Raises nothing, so if memory runs out elsewhere between
-- two exchanges, all items are still in the heap.
local function swap(items, a, b)
  local x, y = items[a], items[b]
  items[a], items[b] = y, x
  x.heap_at, y.heap_at = b, a
end

-- Moves the item at `at` up to its place.
local function rise(items, at)
  while at > 1 do
    local above = math.floor(at / 2)
    if items[above].due <= items[at].due then return end
    swap(items, at, above)
    at = above
  end
end

-- Moves the item at `at` down to its place among `n`.
local function sink(items, at, n)
  while true do
    local below = at * 2
    if below > n then return end
    if below < n and items[below + 1].due < items[below].due then
      below = below + 1
    end
    if items[at].due <= items[below].due then return end
    swap(items, at, below)
    at = below
  end
end

--- Adds an item, which is in no heap.
---@param item table  its member `due` is the deadline, which must not change
---   while it is in the heap; its member `heap_at` is the heap's
function Heap:add(item)
  local n = self.n + 1
  self.items[n] = item  -- first what takes memory
  item.heap_at = n
  self.n = n
  rise(self.items, n)
end

--- Removes an item; does nothing if it is not in the heap.
---@param item table
function Heap:remove(item)
  local at, n, items = item.heap_at, self.n, self.items
  if not at then return end
  local last = items[n]
  items[at], last.heap_at = last, at
  items[n], self.n, item.heap_at = nil, n - 1, nil
  if last == item then return end
  rise(items, at)
  sink(items, at, n - 1)  -- one of the two does nothing
end

--- Removes all items, in whatever state an error left the heap; their member
--- `heap_at` is not reset. Takes no memory.
function Heap:clear()
  for at in pairs(self.items) do self.items[at] = nil end
  self.n = 0
end

--- The item with the earliest deadline.
---@return table|nil
function Heap:first()
  return self.items[1]
end

--- Takes an item whose deadline has passed.
---@param now number
---@return table|nil
function Heap:take_due(now)
  local item = self.items[1]
  if not item or item.due > now then return nil end
  self:remove(item)
  return item
end

return timers
