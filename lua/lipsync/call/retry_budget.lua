-- SPDX-License-Identifier: MIT
-- A token bucket that stops retry storms: when most calls of a client fail,
-- it soon stops making four requests of each. Pure.

local Bucket = {}
Bucket.__index = Bucket

local retry_budget = { size = 500, price = 14 }

---@return table  a full bucket
function retry_budget.new()
  return setmetatable({ tokens = retry_budget.size }, Bucket)
end

--- Pays for one retry. One that the server named the delay of costs nothing.
---@param named boolean  whether it did
---@return boolean  false if there is not enough left
function Bucket:take(named)
  if named then return true end
  if self.tokens < retry_budget.price then return false end
  self.tokens = self.tokens - retry_budget.price
  return true
end

--- A success gives back what its retry cost, or one token.
---@param retried boolean
function Bucket:give(retried)
  local back = retried and retry_budget.price or 1
  self.tokens = math.min(retry_budget.size, self.tokens + back)
end

return retry_budget
