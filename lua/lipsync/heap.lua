-- SPDX-License-Identifier: MIT
-- Deadlines in order: a binary heap. Finding the next one costs nothing,
-- adding or removing one as many steps as the number has bits, so a loop that
-- looks for what is due pays nothing for those that are not. Pure.

local Heap = {}
Heap.__index = Heap

local heap = {}

---@return table
function heap.new()
  return setmetatable({ n = 0 }, Heap)
end

local function put(self, item, at)
  self[at] = item
  item.heap_at = at
end

-- Moves `item` up from `at` to where it belongs.
local function rise(self, item, at)
  while at > 1 do
    local above = math.floor(at / 2)
    if self[above].due <= item.due then break end
    put(self, self[above], at)
    at = above
  end
  put(self, item, at)
end

-- Moves `item` down from `at` to where it belongs.
local function sink(self, item, at)
  while true do
    local below = at * 2
    if below > self.n then break end
    if below < self.n and self[below + 1].due < self[below].due then
      below = below + 1
    end
    if item.due <= self[below].due then break end
    put(self, self[below], at)
    at = below
  end
  put(self, item, at)
end

--- Adds an item, which is in no heap.
---@param item table  its member `due` is the deadline and stays as it is
---   while it is inside; its member `heap_at` is the heap's
function Heap:add(item)
  local n = self.n + 1
  self[n] = item  -- what takes memory comes before what is believed
  item.heap_at = n
  self.n = n
  rise(self, item, n)
end

--- Removes an item; does nothing if it is not inside.
---@param item table
function Heap:remove(item)
  local at = item.heap_at
  if not at then return end
  item.heap_at = nil
  local last = self[self.n]
  self[self.n] = nil
  self.n = self.n - 1
  if last == item then return end
  if at > 1 and self[math.floor(at / 2)].due > last.due then
    rise(self, last, at)
  else
    sink(self, last, at)
  end
end

--- The item with the earliest deadline.
---@return table|nil
function Heap:first()
  return self[1]
end

return heap
