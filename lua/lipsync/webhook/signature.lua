-- SPDX-License-Identifier: MIT
-- The header that signs a webhook: "t=1787652000,v1=5257a8…,v1=…". Finds it
-- among the headers of a request, and reads it. What is wrong is returned as
-- the end of a sentence. Pure.

local texts = require "lipsync.base.text"

local signature = {}

-- The header's present name, then an older one that the service also documents.
signature.names = { "Sync-Signature", "X-Signature-Primary" }

local missing = "it has no signature (the header "
  .. table.concat(signature.names, ", or ") .. ")"
local doubled = "its signature header came more than once"

-- Puts the values of a header into `found`: a text, or a table of texts, which
-- begins at 0 in HAProxy.
local function collect(value, found)
  if type(value) ~= "table" then
    found[#found + 1] = value
    return
  end
  for _, each in pairs(value) do found[#found + 1] = each end
end

-- The values of a header, whatever the case of its name.
local function values_of(headers, name)
  local found, wanted = {}, texts.lower(name)
  for key, value in pairs(headers) do
    if type(key) == "string" and texts.lower(key) == wanted then
      collect(value, found)
    end
  end
  return found
end

local function is_list(given)
  for key in pairs(given) do
    if type(key) ~= "number" then return false end
  end
  return true
end

-- The values of the one header that counts.
local function find_values(given)
  if type(given) ~= "table" or is_list(given) then
    local found = {}
    collect(given, found)
    return found
  end
  local found = values_of(given, signature.names[1])
  return #found > 0 and found or values_of(given, signature.names[2])
end

--- Finds the header's text.
---@param given string|table|nil  the text; all texts that came, in an array; or
---   all headers of the request by name
---@return string|nil text
---@return string|nil problem
function signature.find(given)
  local found = find_values(given)
  if #found > 1 then return nil, doubled end
  if type(found[1]) ~= "string" or texts.trim(found[1]) == "" then
    return nil, missing
  end
  return found[1]
end

-- The bytes of 64 hexadecimal digits, nil for anything else.
local function read_digest(text)
  if #text ~= 64 or text:find "[^0-9a-fA-F]" then return nil end
  return (text:gsub("..", function(pair)
    return string.char(tonumber(pair, 16))
  end))
end

--- Reads the header. Schemes other than v1 are passed over, and so is a v1
--- that is no SHA-256.
---@param text string
---@return { time: string, seconds: number, digests: string[] }|nil
---@return string|nil problem
function signature.parse(text)
  local read = { digests = {} }
  for item in (text .. ","):gmatch "([^,]*)," do
    local name, value = texts.trim(item):match "^([^=]+)=(.*)$"
    if not name then return nil, "its signature is malformed" end
    if name == "t" then
      -- A header that came twice may have been joined by a comma.
      if read.time then return nil, doubled end
      read.time = value
    elseif name == "v1" then
      read.digests[#read.digests + 1] = read_digest(value)
    end
  end
  if not read.time then return nil, "its signature has no time (t)" end
  if #read.time > 15 or not read.time:find "^[0-9]+$" then
    return nil, "the time of its signature (t) is not a number of seconds"
  end
  if #read.digests == 0 then
    return nil, "its signature has no HMAC-SHA-256 (v1)"
  end
  read.seconds = tonumber(read.time)
  return read
end

return signature
