-- SPDX-License-Identifier: MIT
-- The paging policy for services that name the next page themselves, with a
-- token in the response. The token is opaque: it is sent back unchanged, and a
-- page without one is the last. Pure; has the methods described in cursor.lua.

local Cursor = {}
Cursor.__index = Cursor

local token_cursor = {}

---@param size integer  rows in a page
---@param limit integer|nil  how many to deliver at most
---@param start string|nil  the token to begin with
---@return table
function token_cursor.new(size, limit, start)
  return setmetatable({
    size = size, limit = limit, delivered = 0,
    token = start, next = start,  -- of this page, of the one after it
    waiting = 0,                  -- rows of this page yet to be delivered
    before = {}, given = {},      -- ids of the page before, and of this one
    -- an earlier token, to find circles; pages since then, and until the next
    mark = start, since = 0, most = 1, comes_again = false,
  }, Cursor)
end

--- The token for a listing that goes on after this one. In the middle of a
--- page, and in the last one, it is the token of that page.
---@return string|nil  nil: from the top
function Cursor:resume()
  if self.waiting > 0 or self.over then return self.token end
  return self.next
end

-- Goes on to another page. Compares its token with an earlier one only, which
-- is replaced after 1, 2, 4, 8 … pages: so a circle of any length is found.
local function turn(self, token)
  self.before, self.given, self.token = self.given, {}, token
  self.comes_again = token == self.mark
  self.since = self.since + 1
  if self.since < self.most then return end
  self.mark, self.since, self.most = token, 0, 2 * self.most
end

--- What to ask for now, nil after the last page.
---@return { cursor: string|nil, limit: integer }|nil
function Cursor:ask()
  if self.over and self.waiting == 0 then return nil end
  local token = self:resume()
  if token ~= self.token then turn(self, token) end
  local wanted = self.limit and self.limit - self.delivered or self.size
  return { cursor = token, limit = math.min(self.size, wanted) }
end

-- A page may repeat rows of the one before if rows were created meanwhile. Rows
-- without an id cannot be recognized.
function Cursor:fresh(rows)
  local fresh, seen = {}, {}
  for i, row in ipairs(rows) do
    local id = row.id
    if id == nil then
      fresh[#fresh + 1] = i
    elseif not seen[id] and not self.given[id] and not self.before[id] then
      fresh[#fresh + 1], seen[id] = i, true
    end
  end
  return fresh
end

--- Takes a page and the token that came with it.
---@param rows { id: string|nil }[]
---@param next string|nil  nil or "": this page is the last
---@return string what  "rows": deliver those; "again": ask; "end"; "error"
---@return integer[]|string|nil  indices into `rows`; what is wrong
function Cursor:page(rows, next)
  if next == "" then next = nil end
  if next and next == self.token then
    return "error", ("the page of %s names itself as the next"):format(next)
  elseif self.comes_again then
    return "error", ("the page of %s comes again and again"):format(self.token)
  end
  local fresh = self:fresh(rows)
  self.next, self.over, self.waiting = next, next == nil, #fresh
  if #fresh > 0 then return "rows", fresh end
  return self.over and "end" or "again"
end

--- Never asks again; the caller gets the error.
---@return boolean
function Cursor.refused()
  return false
end

--- Notes a row as delivered. May be repeated.
---@param row { id: string|nil }
function Cursor:deliver(row)
  if row.id ~= nil then self.given[row.id] = true end
  self.delivered, self.waiting = self.delivered + 1, self.waiting - 1
end

--- Does nothing, because a token does not depend on rows.
function Cursor.note() end

return token_cursor
