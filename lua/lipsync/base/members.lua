-- SPDX-License-Identifier: MIT
-- What `pairs` gives of an object, and so a console that completes names by it:
-- the members that a program may use. For VMs that ask `__pairs`.

local members = {}

--- Makes a `__pairs`.
---@param known table<string, any>  the names as keys
---@return fun(self: table): function, table
function members.pairs(known)
  local function step(self, name)
    name = next(known, name)
    if name == nil then return nil end
    return name, self[name]
  end
  return function(self) return step, self, nil end
end

return members
