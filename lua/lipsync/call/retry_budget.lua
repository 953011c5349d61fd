-- SPDX-License-Identifier: MIT
-- A token bucket that stops retry storms: when most calls of a client fail,
-- it soon stops making four requests of each. Pure.

local Bucket = {}
Bucket.__index = Bucket

local retry_budget = { size = 500, price = 14 }

---@return table  a full budget; other modules read `spent`
function retry_budget.new()
  return setmetatable({ spent = 0 }, Bucket)
end

--- Pays for one retry. A retry whose delay the server named is free.
---@param named boolean  whether the server named the delay
---@return boolean  false if there is not enough left
function Bucket:take(named)
  if named then return true end
  if self.spent + retry_budget.price > retry_budget.size then return false end
  self.spent = self.spent + retry_budget.price
  return true
end

--- Records a success: gives back what its retry cost, or one token.
---@param retried boolean
function Bucket:give(retried)
  local back = retried and retry_budget.price or 1
  self.spent = math.max(0, self.spent - back)
end

return retry_budget
