-- SPDX-License-Identifier: MIT
-- A receipt on disk. It is replaced as a whole, and on disk before the create
-- goes on; a thread waits for the disk where other tasks could run meanwhile. A
-- lock beside it, NAME.lock, keeps other processes away as long as it is open.

local core = require "lipsync.core"
local errors = require "lipsync.error"
local file = require "lipsync.file"
local host = require "lipsync.host"
local message = require "lipsync.error.message"
local operation = require "lipsync.operation"
local receipt_note = require "lipsync.compound.receipt_note"
local sleep = require "lipsync.call.sleep"

local Receipt = {}
Receipt.__index = Receipt

local receipt_file = {}

-- The longest receipt (bytes): it holds the request and the generation.
local longest = 4 * 1024 * 1024

-- Seconds between two looks whether another process has let go of it, and
-- whether the disk has it.
local lock_nap, disk_nap = 0.1, 0.005

local function about_of(client, spec, options)
  local about = operation.about(client, spec, options)
  about.path = spec.path
  return about
end

--- The error of a failure of a file.
---@param failure table
---@return lipsync.Error
function Receipt:broken(failure)
  return errors.from_failure(failure, self.about)
end

--- The error of a receipt that does not fit.
---@param problem string
---@return lipsync.Error
function Receipt:unfit(problem)
  return errors.new("invalid", ('the receipt "%s" %s'):format(self.path,
    problem), self.about, "receipt")
end

local function canceled(self)
  return nil, errors.new("canceled", message.canceled, self.about)
end

-- ---- Opening ----

-- Why a path cannot be one; nil if it can.
local function unusable(path)
  return path:find("\0", 1, true) and { code = "path_nul" } or nil
end

-- Locks the receipt; waits for another process until `timeout` on the clock.
local function take_lock(self, timeout)
  local opened, failure = file.open(self.path .. ".lock", "edit")
  if not opened then
    if failure.code == "file_missing" then
      failure = { code = "folder_missing", path = self.path }
    end
    return nil, self:broken(failure)
  end
  self.lock = opened
  while true do
    local locked, holder = opened:lock()
    if locked then return true end
    local left = timeout - self.clock:seconds()
    if locked == nil then return nil, self:broken(holder) end
    if left <= 0 then
      return nil, self:broken { code = "file_locked", path = self.path,
                                pid = holder }
    end
    local slept, err = sleep.run(self.client, math.min(lock_nap, left),
      self.about.action, self.clock, self.about.tag)
    if not slept then return nil, err end
  end
end

-- Reads and closes a file; the note in it, or nil if there is none. A file that
-- cannot be read is a failure, because it may have one.
local function read_note(opened)
  local bytes, size, failure = nil, opened:size()
  if size and size <= longest then bytes, failure = opened:read(size + 1) end
  opened:close()
  if failure then return nil, failure end
  return receipt_note.parse(bytes or "")
end

-- Reads what is there.
local function load(self)
  local opened, failure = file.open(self.path, "read")
  if not opened then
    if failure.code == "file_missing" then return true end
    return nil, self:broken(failure)
  end
  self.note, failure = read_note(opened)
  if self.note then return true end
  return nil, failure and self:broken(failure)
    or self:unfit "is none, or one that another version has written"
end

-- A receipt that is not open; nil and an error if its path cannot be one.
local function new(client, spec, options, clock)
  local self = setmetatable({ client = client, path = options.receipt,
    lock = false, clock = clock, about = about_of(client, spec, options),
    job = false, written = nil, note = nil, attempt = false, over = false },
    Receipt)
  local failure = unusable(self.path)
  if failure then return nil, self:broken(failure) end
  return self
end

--- Opens and locks a receipt, or the place for one. It ends with its task, as a
--- call does.
---@param client table
---@param spec table  of the row of the call that has the receipt
---@param options table  the call's own, with `receipt`
---@param clock table  a stopwatch
---@return table|nil
---@return lipsync.Error|nil err
function receipt_file.open(client, spec, options, clock)
  local self, problem = new(client, spec, options, clock)
  if not self then return nil, problem end
  local there, err = take_lock(self,
    options.timeout or client.options.timeout)
  local scheduler = client:runtime().scheduler
  if there and scheduler.is_used then
    scheduler:adopt(self)
    if self.over then return canceled(self) end
  end
  if there then there, err = load(self) end
  if there then return self end
  self:close()
  return nil, err
end

--- Reads a receipt without locking it.
---@param client table
---@param spec table
---@param options table
---@param clock table
---@return table|nil
---@return lipsync.Error|nil err
function receipt_file.read(client, spec, options, clock)
  local self, problem = new(client, spec, options, clock)
  if not self then return nil, problem end
  local there, err = load(self)
  if there then return self end
  return nil, err
end

-- What the file of a folder says; nil if it is no receipt, or gone by now.
local function note_at(path)
  local opened, failure = file.open(path, "read")
  if opened then return read_note(opened) end
  return nil, failure.code == "file_unreadable" and failure or nil
end

--- The receipts in a folder: what each says, by its path. What a crash has left
--- of the writing of one is none.
---@param folder string  "" for the present one, else with a slash at its end
---@return table<string, table>|nil
---@return table|nil failure
function receipt_file.all(folder)
  local wrong = unusable(folder)
  if wrong then return nil, wrong end
  local names, failure = file.names(folder == "" and "." or folder)
  if not names then
    if failure.code == "file_missing" then failure.code = "no_folder" end
    failure.path = folder:match "^(.-)/*$"
    return nil, failure
  end
  local notes = {}
  for _, name in ipairs(names) do
    if not name:find "%.lock$" and not name:find "%.new$" then
      local path = folder .. name
      notes[path], failure = note_at(path)
      if failure then return nil, failure end
    end
  end
  return notes
end

-- ---- Writing ----

-- Begins to replace the receipt; by a thread, unless it is to be done here.
local function begin(self, note, here)
  self.written = note
  self.job = file.job { replace = self.path, bytes = receipt_note.format(note),
                        here = here or host.waits_for_disk(self.client) }
end

-- Takes what the job for the disk returns: false if it has not ended, else
-- true, or nil and an error.
local function take(self, done, failure)
  if done == false then return false end
  self.job:close()
  self.job = false
  if not done then return nil, self:broken(failure) end
  self.note = self.written
  return true
end

-- Whether the disk has what was written; false: not yet.
local function settle(self)
  if not self.job then return true end
  return take(self, self.job:done())
end

-- Has the disk take what was written, for one that is not to wait any more.
local function hurry(self)
  local done, failure = self.job:stop()
  if done == false then  -- not begun, and now taken back
    self.job:close()
    begin(self, self.written, true)
    done, failure = self.job:done()
  end
  return take(self, done, failure)
end

-- Waits until the disk has what was written. A task that is canceled meanwhile
-- learns that from what it does next.
local function wait(self)
  local done, err = settle(self)
  while done == false do
    if sleep.run(self.client, disk_nap, self.about.action) then
      done, err = settle(self)
    else
      done, err = hurry(self)
    end
  end
  return done, err
end

-- Replaces the receipt.
local function write(self, note)
  if self.over then return canceled(self) end
  wait(self)  -- for what an attempt began whose response came early
  begin(self, note)
  return wait(self)
end

local function change(self, state, members)
  return write(self, receipt_note.changed(self.note, state, members))
end

--- Says what is about to be sent.
---@param request table  see receipt_note.decide
---@param fixed lipsync.FixedCreate  see receipt_note.prepared
---@return boolean|nil
---@return lipsync.Error|nil err
function Receipt:prepare(request, fixed)
  return write(self, receipt_note.prepared(request, fixed, self.note))
end

--- Says which assets there are by now.
---@return boolean|nil
---@return lipsync.Error|nil err
function Receipt:keep_assets()
  return write(self, self.note)
end

--- Says that it may be created from now on. Requests that were refused before,
--- such as those of a wait for its turn, have created nothing.
---@param this table  the call, whose request waits for this
---@return boolean|nil  false: the disk has it not yet; call again
---@return lipsync.Error|nil err
function Receipt:expect(this)
  local done, err = settle(self)
  if not done or self.attempt == this.attempt then return done, err end
  self.attempt = this.attempt
  local now = core.time()
  begin(self, receipt_note.changed(self.note, "open", { sent_at = now,
    open_at = this.repeats and self.note.open_at or now }))
  return settle(self)
end

--- Says what was created.
---@param generation lipsync.Generation
---@return boolean|nil
---@return lipsync.Error|nil err
function Receipt:accept(generation)
  return change(self, "created", { id = generation:get "id",
    object = generation:json { compact = true } })
end

--- Says that nothing is left to do.
---@param members table  object, path, bytes, type, and `asked`: where to the
---   caller has downloaded it
---@return boolean|nil
---@return lipsync.Error|nil err
function Receipt:finish(members)
  return change(self, "done", members)
end

--- Says that nothing was created.
---@return boolean|nil
---@return lipsync.Error|nil err
function Receipt:refuse()
  return change(self, "refused", {})
end

--- Lets go of the lock. Idempotent.
function Receipt:close()
  self.over = true
  if self.job then self.job:close() end
  self.job = false
  if self.lock then self.lock:close() end
  self.lock = false
end

--- For the task that it belongs to.
Receipt.cancel = Receipt.close

return receipt_file
