-- SPDX-License-Identifier: MIT
--
-- A model of a service that lists rows page after page, newest first, by a
-- cursor that is the id of a row. Its order is the order of creation; the
-- times in its rows come from clocks that may differ. Everything random is
-- taken from the generator it is given.

local Service = {}
Service.__index = Service

local row_service = {}

--- A small random generator: the same numbers on every VM.
---@param seed integer
---@return fun(n: integer): integer  1 to n
function row_service.randoms(seed)
  local state = seed % 2147483646 + 1
  local function next_number(n)
    state = (state * 16807) % 2147483647
    return state % n + 1
  end
  for _ = 1, 3 do next_number(1) end  -- else neighbouring seeds look alike
  return next_number
end

-- Ids do not show the order.
local function id_of(number)
  return ("id%010.0f"):format((number * 2654435761) % 4294967296)
end

---@class Traits
---@field count integer  rows at the beginning
---@field apart number|nil  seconds between one row and the next, 1
---@field jitter number|nil  by how much the clocks differ, 0
---@field undated integer|nil  one in this many rows has no time
---@field repeats integer|nil  one in this many pages has a row twice
---@field gone string  the response to a cursor whose row is gone: "error",
---   "empty" or "position"

---@param traits Traits
---@param random fun(n: integer): integer
---@return table
function row_service.new(traits, random)
  local self = setmetatable({
    traits = traits, random = random, rows = {}, created = 0, requests = 0,
    numbers = {},   -- the place in the order, by id, also of deleted rows
  }, Service)
  for _ = 1, traits.count do self:insert() end
  return self
end

--- Creates a row; it is the newest.
---@return { id: string, at: number|nil }
function Service:insert()
  local traits, random = self.traits, self.random
  self.created = self.created + 1
  local row = { id = id_of(self.created),
                at = self.created * (traits.apart or 1) }
  -- At most `jitter` apart, both ends included.
  if traits.jitter then
    row.at = row.at - traits.jitter * (random(101) - 1) / 100
  end
  if traits.undated and random(traits.undated) == 1 then row.at = nil end
  self.numbers[row.id] = self.created
  table.insert(self.rows, 1, row)
  return row
end

-- The place of a row; if it is gone, of the first one after it.
function Service:place(id)
  local number, low, high = self.numbers[id], 1, #self.rows
  while low <= high do
    local middle = math.floor((low + high) / 2)
    local there = self.numbers[self.rows[middle].id]
    if there == number then return middle, true end
    if there > number then low = middle + 1 else high = middle - 1 end
  end
  return low, false
end

function Service:has(id)
  return (select(2, self:place(id)))
end

---@return boolean  whether it existed
function Service:delete(id)
  local place, there = self:place(id)
  if there then table.remove(self.rows, place) end
  return there
end

-- Repeats one row of a page in it; the last row moves to the next page.
local function repeat_one(page, limit, random)
  local original = random(#page)
  local copy = page[original]
  table.insert(page, original + random(#page - original + 1), copy)
  if #page > limit then page[#page] = nil end
end

--- Responds to a policy's request: rows, or nil and a status.
---@param ask { cursor: string|nil, ids: string[]|nil, limit: integer }
---@return table[]|nil rows
---@return integer|nil status
function Service:answer(ask)
  self.requests = self.requests + 1
  assert(self.requests < 20000, "a loop without end")
  local traits, random, from = self.traits, self.random, 1
  if ask.ids then
    local place, there = self:place(ask.ids[1])
    return { there and self.rows[place] or nil }
  elseif ask.cursor then
    local place, there = self:place(ask.cursor)
    if there then
      from = place + 1
    elseif traits.gone == "position" then
      from = place
    elseif traits.gone == "empty" then
      return {}
    else
      return nil, 400
    end
  end
  local page = {}
  for i = from, math.min(#self.rows, from + ask.limit - 1) do
    page[#page + 1] = self.rows[i]
  end
  if #page > 0 and traits.repeats and random(traits.repeats) == 1 then
    repeat_one(page, ask.limit, random)
  end
  return page
end

--- Lists everything, and calls back for each delivered row.
---@param policy table
---@param service { answer: function }
---@param on_row fun(row: table)|nil
---@param limit integer|nil
---@return string[] delivered
---@return string|integer|nil err  what is wrong, or the status
function row_service.run(policy, service, on_row, limit)
  local delivered = {}
  while true do
    local page, status = service:answer(policy:ask())
    local what, detail = "again", nil
    if page then
      what, detail = policy:page(page)
    elseif not policy:refused(status) then
      return delivered, status
    end
    if what == "end" or what == "error" then return delivered, detail end
    for _, i in ipairs(what == "rows" and detail or {}) do
      policy:deliver(page[i])
      delivered[#delivered + 1] = page[i].id
      if on_row then on_row(page[i]) end
      if #delivered == limit then return delivered end
    end
  end
end

return row_service
