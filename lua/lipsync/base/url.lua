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

-- What UTF-8 (RFC 3629) is made of, beside ASCII.
local sequences = {
  "[\194-\223][\128-\191]", "\224[\160-\191][\128-\191]",
  "\237[\128-\159][\128-\191]", "[\225-\239][\128-\191][\128-\191]",
  "\240[\144-\191][\128-\191][\128-\191]",
  "[\241-\243][\128-\191][\128-\191][\128-\191]",
  "\244[\128-\143][\128-\191][\128-\191]",
}

-- Each sequence leaves a letter, so that what stood around it does not meet.
local function is_utf8(text)
  if text:find "\237[\160-\191]" then return false end  -- a surrogate
  for _, sequence in ipairs(sequences) do text = text:gsub(sequence, "x") end
  return not text:find "[\128-\255]"
end

--- An id as exactly one path segment. It may have come from another address,
--- so what cannot be one is told, not raised: nothing, the two dot segments
--- (servers and proxies resolve them), control characters, and what is not
--- UTF-8 (no id that came as JSON can be that).
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
  elseif not is_utf8(id) then
    return nil, "the id is not UTF-8"
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

--- Where an address leads: scheme, host and port, without user, path or
--- query. A backslash counts as a slash, as it does to browsers.
---@param address string  absolute, or relative to `base`
---@param base string  an origin
---@return string
function url.origin(address, base)
  address = address:gsub("\\", "/")
  local scheme, rest = address:match "^(%a[%w+.-]*)://([^/?#]*)"
  if not scheme then
    rest = address:match "^//([^/?#]*)"
    if not rest then return base end
    scheme = base:match "^[^:]*"
  end
  local host = rest:gsub("^.*@", ""):gsub("%c", "")
  return scheme:lower() .. "://" .. host
end

return url
