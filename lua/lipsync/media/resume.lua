-- SPDX-License-Identifier: MIT
-- What a response means for a file of which some bytes are here already. Pure.
--
-- Servers and caches differ: If-Range and If-Match are ignored by some, Range
-- is dropped by others. So both are sent, and each response is still compared
-- with what is known: never are bytes of two files joined.

local lower = require "lipsync.base.text".lower

local resume = {}

-- Whole numbers up to here are exact in all VMs.
local digits_max = 15

-- Digits as a number, else nil.
local function whole(text)
  if not text or #text > digits_max or text:find "%D" or text == "" then
    return nil
  end
  return tonumber(text)
end

--- A strong entity tag, which means the same bytes; nil for a weak one or none.
---@param etag string|nil
---@return string|nil
function resume.strong(etag)
  return etag and etag:match '^"[^"%z\1-\31\127]*"$' or nil
end

--- Reads Content-Range.
---@param text string|nil
---@return { first: integer|nil, last: integer|nil, total: integer|nil }|nil
---   `total` is nil for "*", the others are nil for "bytes */N"
function resume.content_range(text)
  local range, total = (text or ""):match "^[Bb]ytes +([%d%-*]+)/(%d*%*?)$"
  if not range then return nil end
  local size = whole(total)
  if total ~= "*" and not size then return nil end
  if range == "*" then return size and { total = size } or nil end
  local first, last = range:match "^(%d+)%-(%d+)$"
  first, last = whole(first), whole(last)
  if not first or not last or last < first or size and last >= size then
    return nil
  end
  return { first = first, last = last, total = size }
end

---@class lipsync.PartNote  what is known of the bytes that are here
---@field id string  whose file it is
---@field etag string|nil  strong
---@field total integer|nil  bytes of the whole file
---@field synced integer  bytes that are on the disk for certain
---@field boot_id string|nil  of the machine when it was written

--- From where a file that was left behind goes on.
---@param note lipsync.PartNote|nil
---@param id string  of the file that is wanted
---@param size integer  of what is there
---@param boot_id string|nil  since then only what was synced is certain
---@return integer offset  0: from the beginning
function resume.offset(note, id, size, boot_id)
  if not note or note.id ~= id or not note.etag then return 0 end
  if note.boot_id ~= boot_id then size = math.min(size, note.synced) end
  if note.total and size > note.total then return 0 end
  return size
end

--- The request headers for a file from `offset` on.
---@param offset integer
---@param etag string|nil  strong
---@return table<string, string>
function resume.headers(offset, etag)
  local headers = { Range = ("bytes=%.0f-"):format(offset) }
  if offset > 0 then headers["If-Range"], headers["If-Match"] = etag, etag end
  return headers
end

---@class lipsync.MediaAnswer
---@field status integer
---@field content_range string|nil
---@field content_length string|nil
---@field content_encoding string|nil
---@field etag string|nil
---@field is_chunked boolean

local function is_encoded(answer)
  local coding = answer.content_encoding
  return coding ~= nil and coding ~= "" and lower(coding) ~= "identity"
end

-- What is wrong with a 206, nil if it continues what is there.
local function fault_of_206(want, answer, range)
  local length = whole(answer.content_length)
  if is_encoded(answer) then return "media_encoding" end
  if not range or range.first ~= want.offset
     or length and length ~= range.last - range.first + 1 then
    return "media_range"
  end
  if want.offset == 0 then return nil end
  if want.total and range.total and range.total ~= want.total
     or want.total and range.last >= want.total
     or resume.strong(answer.etag) ~= want.etag then
    return "media_changed"
  end
  return nil
end

local judges = {}

judges[206] = function(want, answer)
  local range = resume.content_range(answer.content_range)
  local fault = fault_of_206(want, answer, range)
  if fault then
    if want.offset > 0 then return "again", fault end
    return nil, fault
  end
  local total = range.total or want.offset > 0 and want.total or nil
  if not total and not want.allow_unknown then return nil, "media_length" end
  return "append", { etag = resume.strong(answer.etag), total = total,
                     last = range.last }
end

judges[200] = function(want, answer)
  local total = whole(answer.content_length)
  if is_encoded(answer) then return nil, "media_encoding" end
  if answer.content_length and not total then return nil, "media_length" end
  if not total and not answer.is_chunked and not want.allow_unknown then
    return nil, "media_length"
  end
  if total == 0 then return nil, "media_empty" end
  return "rewrite", { etag = resume.strong(answer.etag), total = total }
end

-- Nothing is left to send: right if the file has as many bytes as are here.
judges[416] = function(want, answer)
  local range = resume.content_range(answer.content_range)
  local total = range and range.total
  if want.offset == 0 then
    return nil, total == 0 and "media_empty" or "media_range"
  elseif not total then
    return "probe"
  end
  local etag = resume.strong(answer.etag)
  if total ~= want.offset or etag and etag ~= want.etag then
    return "again", "media_changed"
  end
  return "done"
end

-- It is another file by now.
judges[412] = function() return "again", "media_changed" end

--- Whether `judge` decides about a status; others are errors of the server.
---@param status integer
---@param offset integer
---@return boolean
function resume.decides(status, offset)
  return judges[status] ~= nil and (status ~= 412 or offset > 0)
end

--- What to do with a response.
---@param want { offset: integer, etag: string|nil, total: integer|nil,
---   allow_unknown: boolean|nil }  the request
---@param answer lipsync.MediaAnswer
---@return string|nil action  "append": its body goes on where the file ends;
---   "rewrite": its body is the whole file; "again": ask for the whole file;
---   "probe": ask how long the file is; "done": nothing is missing
---@return table|string|nil facts  `etag`, `total`, `last` of the file, for
---   append and rewrite; else the code of what was wrong
function resume.judge(want, answer)
  return judges[answer.status](want, answer)
end

--- The length of the file, from the response to a request for its first byte.
---@param answer lipsync.MediaAnswer
---@return integer|nil total
---@return string|nil etag  strong
function resume.length(answer)
  local total
  if answer.status == 206 then
    local range = resume.content_range(answer.content_range)
    total = range and range.first == 0 and range.total
  elseif answer.status == 416 then
    local range = resume.content_range(answer.content_range)
    total = range and range.total
  elseif not is_encoded(answer) then
    total = whole(answer.content_length)
  end
  return total or nil, resume.strong(answer.etag)
end

return resume
