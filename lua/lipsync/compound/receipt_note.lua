-- SPDX-License-Identifier: MIT
-- What a receipt says, and what follows from it for a create. Knows nothing of
-- the file that it is in.
--
-- Its state is
--   prepared  nothing could have been created yet; `assets` has the ids of the
--             files that were uploaded before
--   open      since `open_at` (seconds since 1970) it may have been; the last
--             request was sent at `sent_at`
--   created   `id`, and `object`, the JSON text
--   done      the same, and nothing is left to do: its output was downloaded to
--             `path`, of `bytes`, or it was `deleted`
--   refused   nothing was created, and nothing will be under this key

local core = require "lipsync.core"
local schema = require "lipsync.base.schema"

local receipt_note = {}

local version = 1

--- For how long after its sending a request is repeated under its key
--- (seconds). The service forgets keys after a time that is not known.
receipt_note.window = 600

-- What else a state needs.
local states = {
  prepared = function() return true end,
  refused = function() return true end,
  open = function(note)
    return type(note.open_at) == "number"
      and type(note.sent_at or note.open_at) == "number"
  end,
  created = function(note) return type(note.id) == "string" end,
  done = function(note)
    return type(note.id) == "string" and type(note.object) == "string"
      and core.object("Generation", note.object) ~= nil
      and (note.path == nil
        or type(note.path) == "string" and type(note.bytes) == "number")
  end,
}

-- Whether a value is an array of files with their stamps.
local function are_files(value)
  if type(value) ~= "table" then return false end
  for _, each in ipairs(value) do
    if type(each) ~= "table" or type(each.path) ~= "string"
       or type(each.stamp) ~= "string" then
      return false
    end
  end
  return true
end

--- The note in a text; nil if it is none.
---@param bytes string
---@return table|nil
function receipt_note.parse(bytes)
  local note = core.decode(bytes)
  local is_good = type(note) == "table" and note.version == version
    and states[note.state] and type(note.idempotency_key) == "string"
    and type(note.content) == "string"
    and type(core.decode(note.content)) == "table" and are_files(note.files)
    and (note.assets == nil or type(note.assets) == "table")
    and states[note.state](note)
  return is_good and note or nil
end

--- The text of a note.
---@param note table
---@return string
function receipt_note.format(note)
  return core.encode(note) .. "\n"
end

-- What makes a note one of another request: its text or a file; nil if it is of
-- this one. A file without a stamp is gone, and may be the same.
local function difference(note, request)
  if note.content ~= request.content or #note.files ~= #request.files then
    return "is of another request"
  end
  for i, named in ipairs(request.files) do
    if named.path ~= note.files[i].path then return "is of another request" end
    if named.stamp and named.stamp ~= note.files[i].stamp then
      return ('is of another request: "%s" has changed since')
        :format(named.path)
    end
  end
  return nil
end

-- Whether a note is of the same origin and key.
local function is_owned(note, owner)
  return note.origin == owner.origin and note.account == owner.account
end

--- Why a note is not of this generation of this owner; nil if it is.
---@param note table|nil
---@param owner { origin: string, account: string }
---@param id string
---@return string|nil problem
function receipt_note.foreign(note, owner, id)
  if not note then return "does not exist" end
  if note.id == id and is_owned(note, owner) then return nil end
  return "is of another generation, api_key or base_url"
end

--- What to do with a request whose receipt is there.
---@param note table|nil
---@param request { origin: string, account: string, content: string,
---   files: table }
---@param now number  seconds since 1970
---@param window number  for how long a key is good (seconds)
---@return string|nil step  "send": under a new key; "repeat": under the old
---   one; "find": it may have been created, and must be looked for; "fetch": it
---   was created; "give": as the note has it
---@return string|nil problem  why none of them
function receipt_note.decide(note, request, now, window)
  if not note or note.state == "prepared" or note.state == "refused" then
    return "send"
  elseif not is_owned(note, request) then
    return nil, "is of another api_key or base_url"
  end
  local problem = difference(note, request)
  if problem then
    return nil, problem
  elseif note.state == "created" then
    return "fetch"
  elseif note.state == "done" then
    return "give"
  end
  -- A note from the future was written by a clock that cannot be trusted.
  local age = now - note.open_at
  return age >= 0 and age <= window and "repeat" or "find"
end

--- The note of a request before anything can have been created.
---@param request table  as for `decide`
---@param fixed lipsync.FixedCreate  its assets become those that an earlier
---   run of the same request has uploaded
---@param earlier table|nil  the note of that run
---@return table
function receipt_note.prepared(request, fixed, earlier)
  if fixed.assets and earlier and earlier.assets
     and earlier.state ~= "refused" and is_owned(earlier, request)
     and not difference(earlier, request) then
    fixed.assets = earlier.assets
  end
  return { version = version, state = "prepared", assets = fixed.assets,
    origin = request.origin, account = request.account,
    content = request.content, files = request.files,
    idempotency_key = fixed.idempotency_key, boundary = fixed.boundary }
end

--- A copy in another state.
---@param note table
---@param state string
---@param members table
---@return table
function receipt_note.changed(note, state, members)
  local changed = schema.join(note, members)
  changed.state = state
  return changed
end

return receipt_note
