-- SPDX-License-Identifier: MIT
-- Percent-encoding: ids as one path segment, filters as a query.

local core = require "lipsync.core"
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

--- An id as exactly one path segment. It may come from outside, so an invalid
--- one is reported, not raised: an empty one, the two dot segments (servers and
--- proxies resolve them), control characters, and text that is not UTF-8.
---@param id string
---@return string|nil segment
---@return string|nil problem  "the id is empty"
url.segment = core.segment

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
