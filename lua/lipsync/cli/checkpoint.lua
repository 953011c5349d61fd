-- SPDX-License-Identifier: MIT
-- A file that remembers which generations are to be deleted and which are, so
-- that a long deletion may be killed and run again. Its first line names the
-- account and the filter; each further one is "todo ID" or "done ID". A line
-- that was lost with the machine costs one request more.

local core = require "lipsync.core"
local file = require "lipsync.file"
local status = require "lipsync.cli.status"

local Checkpoint = {}
Checkpoint.__index = Checkpoint

local checkpoint = {}

local version = 1

-- What the first line says: whose generations they are, and how they were
-- chosen.
local function title(client, what)
  local session = client:runtime().session
  return core.encode { version = version, base_url = client:about().base_url,
                       account = session:account() or "", what = what }
end

local function refuse(path, why)
  status.refuse(("%s %s. Give another --checkpoint, or remove it."):format(path,
    why))
end

-- The ids of a text that are still to be deleted, and how many there were.
local function parse(text)
  local order, done = {}, {}
  for word, id in text:gmatch "\n([a-z]+) ([^\n]+)%f[\n]" do
    if word == "todo" then order[#order + 1] = id end
    if word == "done" then done[id] = true end
  end
  local left = {}
  for _, id in ipairs(order) do
    if not done[id] then left[#left + 1] = id end
  end
  return left, #order
end

local function append_to(path, text)
  local self = setmetatable({ path = path }, Checkpoint)
  local problem
  self.file, problem = io.open(path, "ab")
  if not self.file then
    status.refuse(("the checkpoint cannot be written: %s."):format(problem))
  end
  -- A line that was cut off by a kill.
  if text:sub(-1) ~= "\n" then self.file:write "\n" end
  return self
end

--- Opens one that is there.
---@param path string
---@param client lipsync.Client
---@param what any  how the generations were chosen
---@return table|nil  nil if there is none
---@return string[]|nil left  what is still to be deleted
---@return integer|nil total
function checkpoint.open(path, client, what)
  local there = io.open(path, "rb")
  if not there then return nil end
  local text = there:read "*a" or ""
  there:close()
  local first = text:match "^([^\n]*)\n"
  local note = first and core.decode(first)
  if type(note) ~= "table" or note.version ~= version then
    refuse(path, "is no checkpoint of this command")
  elseif first ~= title(client, what) then
    refuse(path, "is of another deletion, account or service")
  end
  local left, total = parse(text)
  return append_to(path, text), left, total
end

--- Makes one. It is on the disk before anything is deleted.
---@param path string
---@param client lipsync.Client
---@param what any
---@param ids string[]
---@return table
function checkpoint.create(path, client, what, ids)
  local lines = { title(client, what) }
  for i, id in ipairs(ids) do lines[i + 1] = "todo " .. id end
  local text = table.concat(lines, "\n") .. "\n"
  if not file.replace(path, text) then
    status.refuse(("the checkpoint %s cannot be written."):format(path))
  end
  return append_to(path, text)
end

--- Notes that one is gone.
---@param id string
function Checkpoint:note(id)
  self.file:write("done ", id, "\n")
  self.file:flush()
end

--- Ends it; it is removed if all is done.
---@param is_done boolean
function Checkpoint:close(is_done)
  self.file:close()
  if is_done then os.remove(self.path) end
end

return checkpoint
