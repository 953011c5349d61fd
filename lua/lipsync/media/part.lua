-- SPDX-License-Identifier: MIT
-- The file NAME.part, which becomes NAME once it is complete, and
-- NAME.part.json, which says what it is: so a later call can go on with it.
-- The part is locked as long as it is open.

local core = require "lipsync.core"
local file = require "lipsync.file"
local resume = require "lipsync.media.resume"

local Part = {}
Part.__index = Part

local part = {}

-- How many bytes may be lost when the machine goes down, and from how many on a
-- part is worth a note before it is complete.
local sync_after, note_after = 64 * 1024 * 1024, 1024 * 1024

-- Who may read the file, as of other programs' files: the process's mask is
-- taken off.
local permissions = 438  -- 0666

-- How often another process may have moved the part away between its opening
-- and its locking.
local tries = 10

-- A note that cannot be read is none.
local function read_note(path)
  local from = file.open(path, "read")
  if not from then return nil end
  local text = from:read(16 * 1024)
  from:close()
  local note = text and core.decode(text)
  local is_good = type(note) == "table" and type(note.id) == "string"
    and type(note.etag) == "string" and type(note.synced) == "number"
    and (note.total == nil or type(note.total) == "number")
  return is_good and note or nil
end

--- Opens and locks a part; makes it if there is none.
---@param path string
---@return table|false|nil part  false if another process has it
---@return any failure  for false: that process, if it is known
function part.open(path)
  for _ = 1, tries do
    local opened, failure = file.open(path, "edit", permissions)
    if not opened then
      if failure.code == "file_missing" then failure.code = "folder_missing" end
      return nil, failure
    end
    local locked, holder = opened:lock()
    if locked and opened:is_at(path) then
      return setmetatable({
        path = path, side = path .. ".json", file = opened,
        size = opened:size(), synced = 0, noted = false, note = false,
        boot_id = file.boot_id(),
      }, Part)
    end
    opened:close()
    if not locked then return false, holder end
  end
  return nil, { code = "file_locked", path = path }
end

--- From where a file goes on: what is behind is cut off.
---@param id string
---@return integer|nil offset
---@return table|nil failure
function Part:begin(id)
  local note = read_note(self.side)
  local offset = resume.offset(note, id, self.size, self.boot_id)
  self.note = offset > 0 and note
    or { id = id, synced = 0, boot_id = self.boot_id }
  self.noted = offset > 0
  local done, failure = self:rewind(offset)
  if not done then return nil, failure end
  return offset
end

--- Cuts the file off at `offset` and goes on from there.
---@param offset integer
---@return boolean|nil
---@return table|nil failure
function Part:rewind(offset)
  local done, failure = self.file:truncate(offset)
  if done then done, failure = self.file:seek(offset) end
  if not done then return nil, failure end
  self.size, self.synced = offset, math.min(self.synced, offset)
  return true
end

--- Says what the file will be.
---@param etag string|nil  strong
---@param total integer|nil
function Part:describe(etag, total)
  local note = self.note
  if note.etag ~= etag or note.total ~= total then self.noted = false end
  note.etag, note.total = etag, total
end

-- Writes the note. Without a tag nothing could go on with the part.
local function write_note(self)
  local note = self.note
  if not note.etag then return true end
  local text = core.encode { id = note.id, etag = note.etag,
    total = note.total, synced = self.synced, boot_id = self.boot_id }
  local done, failure = file.replace(self.side, text)
  self.noted = done and true or false
  return done, failure
end

--- Counts bytes that were written to its file. After many it waits for the
--- disk, so that a later call can rely on them.
---@param bytes integer
---@return boolean|nil
---@return table|nil failure
function Part:added(bytes)
  local done, failure
  self.size = self.size + bytes
  if self.size - self.synced >= sync_after then
    done, failure = self.file:datasync()
    if not done then return nil, failure end
    self.synced = self.size
    return write_note(self)
  end
  if not self.noted and self.size >= note_after then return write_note(self) end
  return true
end

--- Makes the file `target` of it.
---@param target string
---@param overwrite boolean
---@return boolean|nil
---@return table|nil failure
function Part:place(target, overwrite)
  local done, failure = self.file:sync()
  if not done then return nil, failure end
  -- First, because a process that dies in between must leave no note that
  -- nothing would remove: the next call may find the file and be content.
  file.remove(self.side)
  done, failure = file.place(self.path, target, overwrite)
  if not done then return nil, failure end
  self:close()
  return true
end

--- Leaves the part for a later call; an empty one is removed. It may have more
--- than was written whole, because the disk took only some of a piece.
function Part:leave()
  if not self.file then return end
  if (self.file:size() or self.size) == 0 then
    file.remove(self.path)
    file.remove(self.side)
  else
    write_note(self)
  end
  self:close()
end

--- Lets go of the part as it is. Idempotent.
function Part:close()
  if self.file then self.file:close() end
  self.file = false
end

return part
