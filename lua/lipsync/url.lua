-- SPDX-License-Identifier: MIT
-- Percent-encoding: ids as one path segment, filters as a query.

local url = {}

local function escape(byte)
  return ("%%%02X"):format(byte:byte())
end

--- Encodes all but RFC 3986's unreserved characters.
---@param text string
---@return string
function url.encode(text)
  return (text:gsub("[^A-Za-z0-9%-._~]", escape))
end

--- An id as exactly one path segment. It may have come from another address,
--- so what cannot be one is told, not raised: nothing, the two dot segments
--- (servers and proxies resolve them) and control characters.
---@param id string
---@return string|nil segment
---@return string|nil problem  "the id is empty"
function url.segment(id)
  if id == "" then return nil, "the id is empty" end
  if id == "." or id == ".." then
    return nil, ('the id is "%s", which in an address means a folder')
      :format(id)
  end
  if id:find "%c" or id:find("\0", 1, true) then
    return nil, "the id has a control character"
  end
  return url.encode(id)
end

--- An id as it is shown in a sentence: no character that could break a line.
---@param id string
---@return string
function url.readable(id)
  if #id > 80 then id = id:sub(1, 80) .. "…" end
  return (id:gsub("[%c%s]", escape))
end

--- `path?name=value&…` of pairs in the order given. Commas stay as they are:
--- the service reads lists by them.
---@param path string
---@param pairs_ { [1]: string, [2]: string }[]  name, value already encoded
---@return string
function url.with_query(path, pairs_)
  local parts = {}
  for i, pair in ipairs(pairs_) do parts[i] = pair[1] .. "=" .. pair[2] end
  if #parts == 0 then return path end
  return path .. "?" .. table.concat(parts, "&")
end

--- Scheme, host and port of an address, without user, path or query.
---@param address string
---@return string|nil  nil if it is not an absolute address
function url.origin(address)
  local scheme, rest = address:match "^(%a[%w+.-]*)://([^/?#]*)"
  if not scheme then return nil end
  local host = rest:gsub("^.*@", ""):gsub("%c", "")
  return scheme:lower() .. "://" .. host
end

return url
