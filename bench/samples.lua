-- SPDX-License-Identifier: MIT
-- What the reports share: samples from lines "NAME VALUE", and their medians.

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

--- Reads samples; what it returns gives the median of a name, or nil where
--- there is none.
---@param path string
---@return fun(name: string): number|nil
function samples.medians(path)
  local lists = {}
  for name, value in samples.read_file(path):gmatch "(%S+) (%S+)\n" do
    local list = lists[name] or {}
    lists[name] = list
    list[#list + 1] = tonumber(value)
  end
  return function(name)
    local list = lists[name]
    if not list then return nil end
    table.sort(list)
    return list[math.floor(#list / 2) + 1]
  end
end

return samples
