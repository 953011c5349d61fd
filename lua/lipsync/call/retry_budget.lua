-- SPDX-License-Identifier: MIT
-- A token bucket that stops retry storms: when most calls of a client fail,
-- it soon stops making four requests of each. Pure.

local Bucket = {}
Bucket.__index = Bucket

local retry_budget = { size = 500, price = 14 }

---@return table  nothing of it spent; `spent` is read by others
function retry_budget.new()
  return setmetatable({ spent = 0 }, Bucket)
end

--- Pays for one retry. One that the server named the delay of costs nothing.
---@param named boolean  whether it did
---@return boolean  false if there is not enough left
function Bucket:take(named)
  if named then return true end
  if self.spent + retry_budget.price > retry_budget.size then return false end
  self.spent = self.spent + retry_budget.price
  return true
end

--- A success gives back what its retry cost, or one token.
---@param retried boolean
function Bucket:give(retried)
  local back = retried and retry_budget.price or 1
  self.spent = math.max(0, self.spent - back)
end

return retry_budget
