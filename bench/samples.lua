-- SPDX-License-Identifier: MIT
-- What the reports share: samples from lines "NAME VALUE", and their medians.
-- Of two that were taken in turn, each ratio is of one turn, so that a busy
-- moment, which meets both, falls out.

local samples = {}

--- The bytes of a file, nil if there is none.
---@param path string
---@return string|nil
function samples.read_file(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  return text
end

local function median(list)
  local sorted = {}
  for i, value in ipairs(list) do sorted[i] = value end
  table.sort(sorted)
  return sorted[math.floor(#sorted / 2) + 1]
end

--- Reads samples. What it returns gives the median of a name, or of a function
--- of two names, turn by turn; nil where there is none.
---@param path string
---@return fun(name: string): number|nil
---@return fun(a: string, b: string, of: fun(a: number, b: number): number):
---   number|nil
function samples.medians(path)
  local lists = {}
  for name, value in samples.read_file(path):gmatch "(%S+) (%S+)\n" do
    local list = lists[name] or {}
    lists[name] = list
    list[#list + 1] = tonumber(value)
  end
  local function one(name)
    return lists[name] and median(lists[name])
  end
  local function two(a, b, of)
    local x, y, turns = lists[a], lists[b], {}
    if not x or not y then return nil end
    if #x ~= #y then return of(one(a), one(b)) end
    for i = 1, #x do turns[i] = of(x[i], y[i]) end
    return median(turns)
  end
  return one, two
end

return samples
