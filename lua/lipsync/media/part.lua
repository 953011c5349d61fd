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
  local is_good = type(note) == "table" and type(note.etag) == "string"
    and type(note.synced) == "number"
    and (note.total == nil or type(note.total) == "number")
  return is_good and note or nil
end

--- Opens and locks a part; makes it if there is none.
---@param path string
---@param waits boolean  whether its methods may wait for the disk; else that
---   is done by a thread, where there can be one
---@return table|false|nil part  false if another process has it
---@return any failure  for false: that process, if it is known
function part.open(path, waits)
  for _ = 1, tries do
    local opened, failure = file.open(path, "edit", permissions)
    if not opened then
      if failure.code == "file_missing" then failure.code = "folder_missing" end
      return nil, failure
    end
    local locked, holder = opened:lock()
    if locked and opened:is_at(path) then
      return setmetatable({
        path = path, side = path .. ".json", file = opened, waits = waits,
        size = opened:size(), synced = 0, noted = false, note = false,
        boot_id = file.boot_id(), job = false, syncing = 0,
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
  self.note = offset > 0 and note or { id = id }
  self.noted = offset > 0
  local done, failure = self:rewind(offset)
  if not done then return nil, failure end
  return offset
end

-- ---- What waits for the disk ----

-- The note's text; nil where nothing could go on with the part, because it has
-- no tag. `synced` is how many bytes are on the disk for certain.
local function text_of(self, synced)
  local note = self.note
  if not note.etag then return nil end
  return core.encode { id = note.id, etag = note.etag, total = note.total,
                       synced = synced, boot_id = self.boot_id }
end

-- Begins a job for the disk, see lipsync.file; only one at a time.
local function begin(self, plan)
  plan.here = self.waits
  self.job = file.job(plan)
end

-- Takes what a job returns: false if it has not ended, else true, or nil and a
-- failure.
local function take(self, done, failure)
  if done == false then return false end
  self.job:close()
  self.job = false
  if done then self.synced = math.max(self.synced, self.syncing) end
  return done, failure
end

--- Whether the disk has done what it was to do.
---@return boolean|nil  false: not yet
---@return table|nil failure
function Part:settle()
  if not self.job then return true end
  return take(self, self.job:done())
end

-- Has no job any more: it is taken back, or waited for if it has begun.
local function stop(self)
  if not self.job then return end
  if take(self, self.job:stop()) == false then
    self.job:close()
    self.job, self.noted = false, false
  end
end

--- Cuts the file off at `offset` and goes on from there.
---@param offset integer
---@return boolean|nil
---@return table|nil failure
function Part:rewind(offset)
  stop(self)
  local done, failure = self.file:truncate(offset)
  if done then done, failure = self.file:seek(offset) end
  if not done then return nil, failure end
  self.size, self.synced = offset, math.min(self.synced, offset)
  self.syncing = self.synced
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

-- Has the disk take what is there, and the note, so that a later call can rely
-- on them.
local function save(self)
  self.syncing = self.size
  local text = text_of(self, self.size)
  begin(self, { sync = self.file, replace = text and self.side, bytes = text })
  self.noted = text ~= nil
end

-- Writes the first note.
local function announce(self)
  local text = text_of(self, self.synced)
  self.noted = text ~= nil
  if text then begin(self, { replace = self.side, bytes = text }) end
end

--- Counts bytes that were written to its file. After many the disk is to have
--- them.
---@param bytes integer
---@return boolean|nil
---@return table|nil failure
function Part:added(bytes)
  self.size = self.size + bytes
  if self.job then return true end
  if self.size - self.synced >= sync_after then
    save(self)
  elseif not self.noted and self.size >= note_after then
    announce(self)
  end
  if self.waits then return self:settle() end
  return true
end

--- Whether the disk is so far behind that no more should be written.
---@return boolean
function Part:is_ahead()
  return self.job ~= false and self.size - self.synced >= 2 * sync_after
end

--- Has the file become `target`, once `settle` says so. No job may be under
--- way. The note goes first, because a process that dies in between must leave
--- none that nothing would remove: the next call may find the file and be
--- content.
---@param target string
---@param overwrite boolean
function Part:place(target, overwrite)
  begin(self, { sync = self.file, all = true, remove = self.side,
                from = self.path, to = target, overwrite = overwrite })
end

--- Leaves the part for a later call; an empty one is removed. It may have more
--- than was written whole, because the disk took only some of a piece.
function Part:leave()
  if not self.file then return end
  stop(self)
  if not self.file:is_at(self.path) then
    self:close()  -- it has become the file
    return
  end
  if (self.file:size() or self.size) == 0 then
    file.remove(self.path)
    file.remove(self.side)
  else
    local text = text_of(self, self.synced)
    if text then file.replace(self.side, text) end
  end
  self:close()
end

--- Lets go of the part as it is. Idempotent.
function Part:close()
  if self.job then self.job:close() end
  if self.file then self.file:close() end
  self.job, self.file = false, false
end

return part
