-- SPDX-License-Identifier: MIT
-- The paging policy for services whose cursor is the id of a row: which page to
-- ask for next, and which of its rows are new. Rows may be removed while a
-- listing pages, so a cursor may be gone by the time it is used; how a service
-- answers then is not documented. Pure: the caller passes in the responses and
-- the changes of rows.
--
-- The rules: the next cursor is the newest delivered id that still exists as
-- far as is known; if all are gone, the row before the first new one of the
-- last page; else none. A cursor that turns out to be gone is replaced by the
-- same rule, then by none. Remembered ids are skipped. After the last delivered
-- row nothing else is skipped, because all later rows are new. After another
-- cursor, or from the top, paging begins again: rows newer than history's
-- horizon are skipped too, until a row comes that is an hour older than the
-- last one was. Only an empty page ends a listing.
--
-- Every policy has these methods (token_cursor is the other one); page_source
-- uses nothing else of it:
--
--   ask()             what the next request asks for; nil at the end
--   page(rows, next)  takes its response: rows to deliver, or what to do
--   refused(status)   takes its error: whether to ask again
--   deliver(row)      a row of that page is delivered
--   note(id, state)   a row may be gone; may be called at any time
--   resume()          the cursor for another listing that goes on from here

local history = require "lipsync.list.history"

local Cursor = {}
Cursor.__index = Cursor

local cursor = {}

-- A cursor may turn out to be gone without a note, because another client
-- removed it. More often than this in a row it is the service's fault.
local patience = 3

---@param size integer  rows in a page
---@param limit integer|nil  how many to deliver at most
---@param start string|nil  the id to begin after. If it is refused or gone, the
---   caller gets the error, because paging from the top would deliver rows that
---   came before it
---@return table
function cursor.new(size, limit, start)
  return setmetatable({
    size = size, limit = limit, start = start, history = history.new(),
    delivered = 0, last = false,  -- how many; the id of the last one
    cursor = false, asked = size, was_gone = false,  -- of the page asked for
    full = start ~= nil,          -- whether more rows are expected after it
    walk = false,                 -- the cursor after a page with nothing new
    mark = false, steps = 0, next_mark = 1,
    passed = false,               -- a row that precedes all new ones
    again_until = false,          -- rows above the horizon are skipped
    doubted = false,              -- the cursor that may be gone
    faults = 0, top = false,      -- whether to begin without a cursor
  }, Cursor)
end

--- Notes a row as delivered. May be repeated.
---@param row { id: string, at: number|nil }
function Cursor:deliver(row)
  self.history:add(row)  -- first: it may run out of memory
  self.delivered = self.delivered + 1
  self.last = row.id
  if self.again_until and row.at and row.at < self.again_until then
    self.again_until = false
  end
end

--- Notes what has become of a row: "kept", "doubtful" or "gone".
---@param id string
---@param state string
function Cursor:note(id, state)
  self.history:note(id, state)
end

--- The cursor for a listing that goes on after what this one delivered: the
--- newest delivered id that exists as far as is known, else the start.
---@return string|nil  nil: from the top
function Cursor:resume()
  return self.history:newest() or self.start
end

--- What to ask for now: a page or, with `ids`, whether a row exists.
---@return { cursor: string|nil, ids: string[]|nil, limit: integer }
function Cursor:ask()
  if self.doubted then return { ids = { self.doubted }, limit = 1 } end
  local id = self.walk
  if not id then
    id = self.start
    if not self.top then id = self.history:newest() or self.passed or id end
    self.mark, self.steps, self.next_mark = id, 0, 1
  end
  self.cursor, self.asked = id, self.size
  self.was_gone = self.history:is_gone(id)
  if id ~= (self.last or self.start) then
    self:begin_again()
  elseif self.limit then
    -- No other row can be in the way, so asks only for as many as are wanted.
    self.asked = math.min(self.size, self.limit - self.delivered)
  end
  return { cursor = id, limit = self.asked }
end

-- From now on pages hold delivered rows. Rows no longer remembered are skipped
-- by time, until a row comes that is certainly older than all of them.
function Cursor:begin_again()
  local time = self.history:time()
  self.again_until = time and time - history.hour or false
end

local function have_ids(rows)
  for _, row in ipairs(rows) do
    if type(row.id) ~= "string" or row.id == "" then return false end
  end
  return true
end

-- The rows that were not delivered yet.
function Cursor:fresh(rows)
  local horizon = self.again_until and self.history:horizon()
  local fresh, seen = {}, {}
  for i, row in ipairs(rows) do
    local passed = horizon and row.at and row.at > horizon
    if not passed and not seen[row.id] and not self.history:state(row.id) then
      fresh[#fresh + 1] = i
    end
    seen[row.id] = true
  end
  return fresh
end

--- Takes a page.
---@param rows { id: string, at: number|nil }[]
---@return string what  "rows": deliver those; "again": ask; "end"; "error"
---@return integer[]|string|nil  indices into `rows`; what is wrong
function Cursor:page(rows)
  if self.doubted then return self:confirmed(rows[1]) end
  if #rows == 0 then return self:empty() end
  if not have_ids(rows) then
    return "error",
      "a row came without an id, so nothing can be asked for after it"
  end
  self.full = #rows >= self.asked
  local fresh = self:fresh(rows)
  if #fresh == 0 then return self:walk_on(rows[#rows].id) end
  self:remember_passed(rows[fresh[1] - 1])
  self.faults, self.walk, self.top = 0, false, false
  return "rows", fresh
end

-- Remembers the row before the first new one, unless it was delivered. As a
-- cursor it skips all rows created since.
function Cursor:remember_passed(row)
  local id = row and row.id or self.walk
  if id and not self.history:state(id) then self.passed = id end
end

-- A page without new rows: goes on from its last row. If an earlier page ended
-- with that row, the service goes in a circle. To detect one it is enough to
-- remember the last row of the first, second, fourth, eighth … page.
function Cursor:walk_on(lowest)
  if lowest == self.mark then
    return "error", ("the page after %s brings nothing older")
      :format(self.cursor)
  end
  self.walk, self.steps = lowest, self.steps + 1
  if self.steps == self.next_mark then
    self.mark, self.next_mark = lowest, 2 * self.steps
  end
  return "again"
end

-- An empty page is the end if its cursor still exists. This is in doubt only
-- after a full page, or after a note about the cursor.
function Cursor:empty()
  local id = self.cursor
  if not id then return "end" end
  local state = self.history:state(id)
  if state == history.GONE then return self:recover(not self.was_gone) end
  if self.full or state == history.DOUBTFUL or self.faults > 0 then
    self.doubted = id
    return "again"
  end
  return "end"
end

-- Takes the response about a doubted cursor.
function Cursor:confirmed(row)
  local id = self.doubted
  self.doubted = false
  if not row then return self:lost(id) end
  if row.id == id then return "end" end
  return "error", ("%s was asked for, but the service sent %s")
    :format(id, row.id)
end

-- A cursor has turned out to be gone.
function Cursor:lost(id)
  if id == self.start then
    return "error", ("no row has the id %s, where the listing is to begin")
      :format(id)
  end
  if id == self.passed then self.passed = false end
  local state = self.history:state(id)
  self.history:note(id, history.GONE)
  return self:recover(state == history.DOUBTFUL
    or state == history.GONE and not self.was_gone)
end

-- Starts anew: by the rule, with the new state of rows, then from the top. A
-- note received meanwhile is no fault. Each such id counts once, so a service
-- that keeps listing removed rows cannot cause an endless loop.
function Cursor:recover(excused)
  if not excused then self.faults = self.faults + 1 end
  if self.faults > patience then
    return "error", "cursor after cursor is refused or leads nowhere"
  end
  self.walk, self.top = false, self.faults >= 2
  return "again"
end

--- Takes an error that came for a page.
---@param status integer|nil
---@return boolean  true: ask again; false: the error is the caller's
function Cursor:refused(status)
  if status ~= 400 and status ~= 404 then return false end
  if self.doubted or not self.cursor then return false end
  return self:lost(self.cursor) == "again"
end

return cursor
