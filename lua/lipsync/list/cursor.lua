-- SPDX-License-Identifier: MIT
-- Which page to ask for next, and what of it is new. Deleting while paging is
-- the commonest script, so a cursor must be expected to be gone by the time
-- it is used; what a service does then is not documented. Pure: it is told
-- what was asked and answered, and what was deleted.
--
-- The rules: the next cursor is the newest delivered id that is still there
-- as far as this client knows, or none if all are gone. Rows newer than the
-- last delivered one, and remembered ids, are skipped. Only an empty page
-- ends a listing.

local Cursor = {}
Cursor.__index = Cursor

local cursor = { memory = 100 }

-- How often in a row a cursor may turn out to be gone without our having
-- deleted it, before that is the service's fault and not another client's.
local patience = 3

--- What is known of a delivered id: it is there; it is being deleted, or that
--- was tried with an unknown outcome; it is deleted.
local KEPT, DELETING, GONE = "kept", "deleting", "gone"

---@param size integer  rows in a page
---@param limit integer|nil  how many to deliver at most
---@return table
function cursor.new(size, limit)
  return setmetatable({
    size = size, limit = limit, delivered = 0,
    order = {}, first = 1,  -- remembered ids, oldest first
    state = {},             -- of those, and of `fallen`
    instant = {},           -- ids delivered as old as the last one
    faults = 0,
  }, Cursor)
end

--- Notes a row as handed to the caller.
---@param row { id: string, at: number|nil }
function Cursor:deliver(row)
  -- What takes memory comes first, and may be done twice.
  self.state[row.id] = KEPT
  if not self.last or self.last.at ~= row.at then self.instant = {} end
  self.instant[row.id] = true
  self.last = row
  self.order[#self.order + 1] = row.id
  self.delivered = self.delivered + 1
  if #self.order - self.first < cursor.memory then return end
  local oldest = self.order[self.first]
  self.order[self.first] = false
  self.first = self.first + 1
  self:forget(oldest)
  if self.first > 10 * cursor.memory then self:compact() end
end

-- One id leaves the memory. The newest one that is still there stays known:
-- a cursor for the day all later ones are gone.
function Cursor:forget(id)
  if self.state[id] ~= KEPT then
    self.state[id] = nil
    return
  end
  if self.fallen then self.state[self.fallen] = nil end
  self.fallen = id
end

function Cursor:compact()
  local order = {}
  for i = self.first, #self.order do order[#order + 1] = self.order[i] end
  self.order, self.first = order, 1
end

--- Notes what becomes of a row: "deleting", "gone", or "kept" again.
---@param id string
---@param state string
function Cursor:note(id, state)
  if self.state[id] then self.state[id] = state end
end

-- The newest delivered id that is still there, nil if there is none.
function Cursor:candidate()
  for i = #self.order, self.first, -1 do
    if self.state[self.order[i]] == KEPT then return self.order[i] end
  end
  if self.fallen and self.state[self.fallen] == KEPT then
    return self.fallen
  end
  return nil
end

--- What to ask for now.
---@return { cursor: string|nil, ids: string[]|nil, limit: integer }
function Cursor:ask()
  if self.doubted then return { ids = { self.doubted }, limit = 1 } end
  local id = self.walk
  if not id and not self.top then id = self:candidate() end
  self.cursor = id
  self.was_gone = id and self.state[id] == GONE
  self.asked = self.size
  local last = self.last
  if id == (last and last.id) then
    -- Nothing can be in the way, so no more rows than are still wanted.
    self.floor = last
    if self.limit then
      self.asked = math.min(self.size, self.limit - self.delivered)
    end
  elseif not self.walk then
    self.floor = nil
  end
  return { cursor = id, limit = self.asked }
end

local function older(row, than)
  if not row.at or not than.at then return false end
  return row.at < than.at or row.at == than.at and row.id < than.id
end

-- The rows that the caller has not had.
function Cursor:fresh(rows)
  local kept, last = {}, self.last
  for i, row in ipairs(rows) do
    local newer = last and last.at and row.at and row.at > last.at
    if not newer and not self.instant[row.id] and not self.state[row.id] then
      kept[#kept + 1] = i
    end
  end
  return kept
end

--- Takes a page.
---@param rows { id: string, at: number|nil }[]
---@return string what  "rows": deliver those; "again": ask; "end"; "error"
---@return integer[]|string|nil  indices into `rows`; what is wrong
function Cursor:page(rows)
  if self.doubted then return self:confirmed(#rows > 0) end
  if #rows == 0 then return self:empty() end
  local kept, lowest = self:fresh(rows), rows[#rows]
  self.full = #rows >= self.asked
  if #kept > 0 then
    self.faults, self.walk, self.top = 0, nil, nil
    return "rows", kept
  end
  if self.floor and not older(lowest, self.floor) then
    return "error", ("the page after %s brings nothing older")
      :format(self.cursor)
  end
  self.walk, self.floor = lowest.id, lowest
  return "again"
end

-- An empty page is the end if its cursor is still there. That is only in
-- doubt behind a full page, or after our own deleting.
function Cursor:empty()
  local id = self.cursor
  if not id then return "end" end
  local state = self.state[id]
  if state == GONE then return self:recover(not self.was_gone) end
  if self.full or state == DELETING or self.faults > 0 then
    self.doubted = id
    return "again"
  end
  return "end"
end

-- The answer about a doubted cursor.
function Cursor:confirmed(exists)
  local id = self.doubted
  self.doubted = nil
  if exists then return "end" end
  return self:lost(id)
end

-- A cursor has turned out to be gone without our knowing.
function Cursor:lost(id)
  local ours = self.state[id] == DELETING
  if self.state[id] then self.state[id] = GONE end
  return self:recover(ours)
end

-- Starts anew: by the rule, which knows more now, then from the top. What we
-- deleted ourselves in the meantime is no fault; each such id counts once, so
-- a service that goes on listing what is gone cannot keep us here for ever.
function Cursor:recover(excused)
  if not excused then self.faults = self.faults + 1 end
  if self.faults > patience then
    return "error", "cursor after cursor is refused or leads nowhere"
  end
  self.walk, self.floor = nil, nil
  self.top = self.faults >= 2 or nil
  return "again"
end

--- Takes an error that came for a page.
---@param status integer|nil
---@return boolean  true: ask again; false: the error is the caller's
function Cursor:refused(status)
  if status ~= 400 and status ~= 404 then return false end
  if self.doubted or not self.cursor then return false end
  local what
  if self.state[self.cursor] == GONE then
    what = self:recover(not self.was_gone)
  else
    what = self:lost(self.cursor)
  end
  return what == "again"
end

return cursor
