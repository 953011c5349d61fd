-- SPDX-License-Identifier: MIT
-- What iterators over the outcomes of many calls share: the function of a `for`
-- loop, members, and closing. Each step gives an item's key, its value, and the
-- error that it has instead, and perhaps one thing more. Without a key the
-- whole has ended.

local host = require "lipsync.host"
local lua51 = require "lipsync.host.lua51"
local misuse = require "lipsync.base.misuse"
local raise = require "lipsync.host.raise"
local shown = require "lipsync.base.members"

local iterator = {}

local limited = lua51.is_limited()

---@class lipsync.IteratorClass
---@field what string  "an iterator of wait_many"
---@field methods table<string, function>  `close` among them
---@field fields table<string, function|false>  what else can be read, by name:
---   of(self) gives it; false: the object has it itself
---@field step fun(self): any, any, lipsync.Error|nil, any

--- Makes the metatable of a class of iterators, whose objects have `client`.
---@param own lipsync.IteratorClass
---@return table
function iterator.class(own)
  local members = {}
  for name in pairs(own.methods) do members[name] = true end
  for name in pairs(own.fields) do members[name] = true end
  local class = { __pairs = shown.pairs(members) }

  function class:__index(name)
    local field = own.fields[name]
    if field then return field(self) end
    return own.methods[name] or misuse.no_member(own.what, name, members)
  end

  function class.__newindex(_, name)
    misuse.no_member(own.what, name, members)
  end

  -- A `for` loop cannot return an error of the whole.
  function class:__call()
    if limited and host.yields(self.client) then lua51.check_for() end
    local key, value, err, more = own.step(self)
    if key == nil and err then raise.error(self.client, err) end
    return key, value, err, more
  end

  -- A program that takes it for an array would find nothing, and say nothing.
  function class.__len()
    misuse.raise(own.what .. " is no array; use `for` or next()")
  end

  function class:__close()
    own.methods.close(self)
  end

  return class
end

return iterator
