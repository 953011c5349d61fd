-- SPDX-License-Identifier: MIT
-- Percent-encoding: ids as one path segment, filters as a query.

local texts = require "lipsync.base.text"

local control = "[" .. texts.control .. "]"
local unprintable = "[" .. texts.control .. texts.space .. "]"

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

-- The byte sequences of UTF-8 (RFC 3629), beside ASCII.
local sequences = {
  "[\194-\223][\128-\191]", "\224[\160-\191][\128-\191]",
  "\237[\128-\159][\128-\191]", "[\225-\239][\128-\191][\128-\191]",
  "\240[\144-\191][\128-\191][\128-\191]",
  "[\241-\243][\128-\191][\128-\191][\128-\191]",
  "\244[\128-\143][\128-\191][\128-\191]",
}

-- Each sequence leaves a letter, so its neighbours do not join.
local function is_utf8(text)
  if text:find "\237[\160-\191]" then return false end  -- a surrogate
  for _, sequence in ipairs(sequences) do text = text:gsub(sequence, "x") end
  return not text:find "[\128-\255]"
end

--- An id as exactly one path segment. It may come from outside, so an invalid
--- one is reported, not raised: an empty one, the two dot segments (servers and
--- proxies resolve them), control characters, and text that is not UTF-8 (an id
--- from JSON always is).
---@param id string
---@return string|nil segment
---@return string|nil problem  "the id is empty"
function url.segment(id)
  if id == "" then return nil, "the id is empty" end
  if id == "." or id == ".." then
    return nil, ('the id cannot be "%s"'):format(id)
  end
  if id:find(control) then
    return nil, "the id has a control character"
  elseif not is_utf8(id) then
    return nil, "the id is not UTF-8"
  end
  return url.encode(id)
end

--- An id for a message, without characters that could break a line.
---@param id string
---@return string
function url.readable(id)
  if #id > 80 then id = id:sub(1, 80) .. "…" end
  return (id:gsub(unprintable, escape))
end

--- `path?name=value&…` of pairs in the given order. Commas stay, because the
--- service splits lists by them.
---@param path string
---@param pairs_ { [1]: string, [2]: string }[]  name, value already encoded
---@return string
function url.with_query(path, pairs_)
  local parts = {}
  for i, pair in ipairs(pairs_) do parts[i] = pair[1] .. "=" .. pair[2] end
  if #parts == 0 then return path end
  return path .. "?" .. table.concat(parts, "&")
end

--- The origin of an address: scheme, host and port, without user, path or
--- query. A backslash counts as a slash, as in browsers.
---@param address string  absolute, or relative to `base`
---@param base string  an origin
---@return string
function url.origin(address, base)
  address = address:gsub("\\", "/")
  local scheme, rest = address:match "^([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)"
  if not scheme then
    rest = address:match "^//([^/?#]*)"
    if not rest then return base end
    scheme = base:match "^[^:]*"
  end
  local host = rest:gsub("^.*@", ""):gsub(control, "")
  return texts.lower(scheme) .. "://" .. host
end

-- A shorter value of a query is no secret, and may be part of any word.
local secret_min = 8

--- Adds the values in the query of an address: among them is what signs it.
---@param found string[]
---@param target string  path and query, or the query with its "?"
---@return string[] found
function url.add_secrets(found, target)
  for value in (target:match "%?(.*)$" or ""):gmatch "=([^&]+)" do
    if #value >= secret_min then found[#found + 1] = value end
  end
  return found
end

return url
