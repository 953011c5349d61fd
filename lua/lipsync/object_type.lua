-- SPDX-License-Identifier: MIT
-- Types of objects that end: what the service works on. They need no client:
-- one may come from a webhook.

local core = require "lipsync.core"
local misuse = require "lipsync.base.misuse"

local object_type = {}

local installed = {}

-- The methods of a type; those of `names` are its resource's, for an object
-- that came from a client.
local function methods_of(name, rows, names)
  local called = rows.noun:gsub(" ", "_")

  local function check_self(self, method)
    if core.type_of(self) ~= rows.type then
      misuse.raise(("call it with a colon: %s:%s()"):format(called, method))
    end
  end

  local function own(method)
    return function(self, options)
      check_self(self, method)
      local client = core.owner(self)
      local resource = client and client[name]
      if resource then return resource[method](resource, self, options) end
      misuse.raise(("this %s was made from text and has no client: call "
        .. "client.%s:%s(%s)"):format(rows.noun, name, method, called))
    end
  end

  local methods = {}
  for _, method in ipairs(names) do methods[method] = own(method) end
  function methods.is_terminal(self)
    check_self(self, "is_terminal")
    return rows.ends[self:get "status"] or false
  end
  return methods
end

--- Makes a type, unless it is there already.
---@param name string  the member of the client
---@param rows table  of api.lua, with `ends`
---@param shows string[]|nil  the members that tostring gives; default id and
---   status
---@param names string[]  the methods of the resource that its objects have
function object_type.install(name, rows, shows, names)
  if installed[rows.type] then return end
  core.object_type { name = rows.type, has_id = true,
    shows = shows or { "id", "status" },
    methods = methods_of(name, rows, names) }
  installed[rows.type] = true
end

return object_type
