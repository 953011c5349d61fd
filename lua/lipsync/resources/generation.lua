-- SPDX-License-Identifier: MIT
-- The Lua part of a Generation; the core provides its bytes and members.

local misuse = require "lipsync.base.misuse"
local core = require "lipsync.core"
local time = require "lipsync.base.time"

---@alias lipsync.Status "PENDING"|"PROCESSING"|"COMPLETED"|"FAILED"
---   |"REJECTED"|string

---@class lipsync.Generation  every member of the JSON is a field; null and
---   absent ones are nil; the documented ones are listed here
---@field id string
---@field createdAt string  ISO 8601
---@field input table[]
---@field model string
---@field status lipsync.Status  a newer one is possible
---@field error string|nil
---@field errorCode lipsync.ErrorCode|nil  stable; also sent as error_code
---@field options table|nil
---@field outputDuration number|nil  seconds
---@field outputUrl string|nil  signed; use it unchanged; also sent as
---   outputMediaUrl
---@field outputFileName string|nil
---@field segments table[]|nil
---@field segmentOutputUrl string|nil
---@field synthesizedAudioUrl string|nil
---@field webhookUrl string|nil
---@field projectId string|nil
---@field get fun(self, name: string): any  a member of any name
---@field has fun(self, name: string): boolean  true also for null
---@field json fun(self, options: { compact: boolean }|nil): string  the exact
---   bytes; compact: on one line
---@field decode fun(self): table  a plain table; null is lipsync.null
---@field fields fun(self): fun(): string, any  iterator over name and value

local generation = {}

local terminal = { COMPLETED = true, FAILED = true, REJECTED = true }

local function check_self(self, name)
  if core.type_of(self) ~= "Generation" then
    misuse.raise("call it with a colon: generation:" .. name .. "()")
  end
end

-- The resource of the client it came from.
local function client_of(self, name)
  local client = core.owner(self)
  if not client then
    misuse.raise(("this generation was made from text and has no client: "
      .. "call client.generations:%s(generation)"):format(name))
  end
  return client.generations
end

--- Whether it has ended, so it can be deleted. An unknown status counts as one
--- that goes on.
---@param self lipsync.Generation
---@return boolean
local function is_terminal(self)
  check_self(self, "is_terminal")
  return terminal[self:get "status"] or false
end

--- When it was created. A createdAt with only a date means its first moment.
---@param self lipsync.Generation
---@param unit string|nil  "seconds": without the fraction, for os.date
---@return number|nil  seconds since 1970 UTC with fraction; a whole number is
---   an integer where the VM has them; nil if createdAt is missing or no time
local function created_at(self, unit)
  check_self(self, "created_at")
  if unit ~= nil and unit ~= "seconds" then
    misuse.raise('created_at takes "seconds" or nothing, got '
      .. misuse.show(unit))
  end
  local text = self:get "createdAt"
  local at = time.parse(text)
    or type(text) == "string" and time.parse(text .. "T00:00:00Z") or nil
  return at and unit and math.floor(at) or at
end

--- Deletes it: client.generations:delete of the client it came from.
---@param self lipsync.Generation
---@param options lipsync.CallOptions|nil
---@return lipsync.Generation|nil deleted
---@return lipsync.Error|nil err
---@return string|nil note  "already_gone"
local function delete(self, options)
  check_self(self, "delete")
  return client_of(self, "delete"):delete(self, options)
end

--- Waits until it has ended: client.generations:wait of its client.
---@param self lipsync.Generation
---@param options lipsync.GenerationWaitOptions|nil
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err
local function wait(self, options)
  check_self(self, "wait")
  return client_of(self, "wait"):wait(self, options)
end

--- Downloads its output: client.generations:download of its client.
---@param self lipsync.Generation
---@param path string
---@param options lipsync.DownloadOptions|nil
---@return lipsync.Downloaded|nil
---@return lipsync.Error|nil err
local function download(self, path, options)
  check_self(self, "download")
  return client_of(self, "download"):download(self, path, options)
end

--- Makes the type. Called once, by init.lua.
function generation.install()
  core.object_type {
    name = "Generation", has_id = true,
    aliases = { errorCode = "error_code", outputUrl = "outputMediaUrl" },
    shows = { "id", "status", "errorCode" },
    methods = { is_terminal = is_terminal, created_at = created_at,
                delete = delete, wait = wait, download = download },
  }
end

return generation
