-- SPDX-License-Identifier: MIT
--
-- What a power loss may leave of the files in a folder, computed from the
-- system calls of a program (spec/support/tracer.c). A disk promises only what
-- fsync has returned for: until then each write may be there, be missing or be
-- torn, and each change of a name may be there or be missing, in any
-- combination; but a rename is there as a whole or not at all.

local disk = {}

local Disk = {}
Disk.__index = Disk

--- A disk on which `folder` exists and is empty.
---@param folder string  its path, as the program calls it
function disk.new(folder)
  return setmetatable({
    folder = folder,
    names = {},    -- path -> file, as running programs see it
    settled = {},  -- path -> file, as the disk has it
    changes = {},  -- of names, since the folder was synced
    opened = {},   -- descriptor -> file or folder
  }, Disk)
end

-- A file: its bytes on the disk, and the writes since it was synced.
local function new_file() return { bytes = "", writes = {} } end

-- ---- Applying calls ----

local function change_name(self, change)
  self.changes[#self.changes + 1] = change
  change(self.names)
end

-- The bytes after a write at an offset.
local function written(bytes, write)
  if write.size then
    return bytes:sub(1, write.size)
      .. ("\0"):rep(write.size - #bytes)
  end
  local gap = ("\0"):rep(write.offset - #bytes)
  return bytes:sub(1, write.offset) .. gap .. write.bytes
    .. bytes:sub(write.offset + #write.bytes + 1)
end

local function bytes_now(file)
  local bytes = file.bytes
  for _, write in ipairs(file.writes) do bytes = written(bytes, write) end
  return bytes
end

local effects = {}

function effects.open(self, call)
  local path = call.path
  if path:sub(1, #self.folder) ~= self.folder then return end
  if path == self.folder then
    self.opened[call.result] = { file = self }
    return
  end
  if not self.names[path] then
    local file = new_file()
    change_name(self, function(names) names[path] = file end)
  end
  local file = self.names[path]
  if call.empties then file.writes[#file.writes + 1] = { size = 0 } end
  self.opened[call.result] = { file = file, offset = 0 }
end

function effects.close(self, call) self.opened[call[1]] = nil end

function effects.pwrite(_, call, opened)
  local writes = opened.file.writes
  writes[#writes + 1] = { bytes = call.bytes:sub(1, call.result),
                          offset = call[4] }
end

function effects.write(_, call, opened)
  local writes = opened.file.writes
  writes[#writes + 1] = { bytes = call.bytes:sub(1, call.result),
                          offset = opened.offset }
  opened.offset = opened.offset + call.result
end

function effects.truncate(_, call, opened)
  local writes = opened.file.writes
  writes[#writes + 1] = { size = call[2] }
end

function effects.fsync(self, _, opened)
  local file = opened.file
  if file == self then
    for _, change in ipairs(self.changes) do change(self.settled) end
    self.changes = {}
  else
    file.bytes, file.writes = bytes_now(file), {}
  end
end
effects.fdatasync = effects.fsync

local function change_link(self, from, to, keeps)
  local file = self.names[from]
  if not file then return end
  change_name(self, function(names)
    if not keeps then names[from] = nil end
    names[to] = file
  end)
end

function effects.rename(self, call) change_link(self, call.path, call.to) end
function effects.link(self, call)
  change_link(self, call.path, call.to, true)
end

function effects.unlink(self, call)
  local path = call.path
  change_name(self, function(names) names[path] = nil end)
end

-- Those that leave a file as it is.
for _, name in ipairs { "read", "pread", "seek", "flock", "fcntl", "fstat" } do
  effects[name] = function() end
end

local by_path = { open = true, rename = true, link = true, unlink = true }

--- Does what a call has done. Raises for one that it does not know, where the
--- call is given one of the descriptors.
---@param call table  as recorded
function Disk:apply(call)
  if not call.result or call.result < 0 then return end
  local effect = effects[call.name]
  local opened = self.opened[call[1]]
  if by_path[call.name] then
    effect(self, call)
  elseif opened and not effect then
    error("what does this do to a file: " .. call.name)
  elseif opened then
    effect(self, call, opened)
  end
end

-- ---- What may be left ----

-- Calls `visit` with all that may be left of a file's bytes.
local function visit_bytes(file, visit)
  local whole = file.bytes
  visit(whole)
  for i, write in ipairs(file.writes) do
    local bytes = write.bytes
    if bytes then
      for _, n in ipairs { 1, math.floor(#bytes / 2), #bytes - 1 } do
        visit(written(whole, { bytes = bytes:sub(1, n),
                               offset = write.offset }))
      end
      -- The length is on the disk, the bytes are not.
      visit(written(whole, { bytes = ("\0"):rep(#bytes),
                             offset = write.offset }))
    end
    -- Without this one, but with those that follow.
    local without = whole
    for j = i + 1, #file.writes do
      without = written(without, file.writes[j])
    end
    visit(without)
    whole = written(whole, write)
    visit(whole)
  end
end

-- Calls `visit` with all that may be left of the names.
local function visit_names(self, visit)
  for choice = 0, 2 ^ #self.changes - 1 do
    local names, rest = {}, choice
    for path, file in pairs(self.settled) do names[path] = file end
    for _, change in ipairs(self.changes) do
      if rest % 2 == 1 then change(names) end
      rest = math.floor(rest / 2)
    end
    visit(names)
  end
end

--- What a file may hold after a power loss: a set of its bytes, and of "none"
--- if it may not be there.
---@param path string
---@return table<string, true>
function Disk:left(path)
  local found = {}
  visit_names(self, function(names)
    if not names[path] then
      found.none = true
    else
      visit_bytes(names[path], function(bytes) found[bytes] = true end)
    end
  end)
  return found
end

--- What running programs read in a file; "none" if it is not there.
---@param path string
---@return string
function Disk:now(path)
  local file = self.names[path]
  return file and bytes_now(file) or "none"
end

--- Replays calls and looks after each what a power loss would leave of a file:
--- what it held before it was changed last, or what it holds now, and either as
--- a whole.
---@param calls table[]  as recorded
---@param folder string  empty at first
---@param path string  of the file, in the folder
---@param is_whole fun(bytes: string): boolean
---@param visit fun(call: table, left: table<string, true>)|nil  called for each
---@return string|nil problem  nil if all is well
---@return integer versions  how often the file was changed
function disk.check(calls, folder, path, is_whole, visit)
  local self, before, versions = disk.new(folder), "none", 0
  for i, call in ipairs(calls) do
    self:apply(call)
    local now, left = self:now(path), self:left(path)
    for bytes in pairs(left) do
      if bytes ~= now and bytes ~= before
         or bytes ~= "none" and not is_whole(bytes) then
        return ("after call %d, %s, it may hold %q"):format(i, call.name,
          bytes:sub(1, 80))
      end
    end
    if now ~= before and left[now] and next(left, next(left)) == nil then
      before, versions = now, versions + 1
    end
    if visit then visit(call, left) end
  end
  return nil, versions
end

return disk
