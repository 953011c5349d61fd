-- SPDX-License-Identifier: MIT
-- What becomes of an error that no Lua code catches. A program in C asks for
-- its text, and an object has none: two programs crash, most show "(null)" or
-- nothing. So where nothing can catch it, its sentence is raised instead. In a
-- coroutine nobody can know that, so there the object is raised and the
-- sentence is logged.

local core = require "lipsync.core"
local cqueues = require "lipsync.host.cqueues"
local global = require "lipsync.host.global"

local uncaught = {}

local catchers, resume = { [pcall] = true, [xpcall] = true }, coroutine.resume

-- Whether a function on the stack catches errors for Lua code. Other functions
-- of C that do so have a name that ends in "pcall", such as Prosody's.
---@param frame_at fun(level: integer): table|nil
local function is_caught(frame_at)
  for level = 1, 200 do
    local frame = frame_at(level)
    if not frame then return false end
    if catchers[frame.func] or frame.what == "C"
       and (frame.name or ""):find "pcall$" then
      return true
    end
  end
  return true
end

-- Whether no Lua code gets the error of the running coroutine. Lua code does
-- where the main coroutine has called coroutine.resume; cqueues gives it to the
-- caller of its loop.
local function is_lost(getinfo)
  if cqueues.here() then return false end
  local main = core.main()
  if not main then return true end
  local top = getinfo(main, 0, "f")
  if top and top.func == resume then return false end
  return not is_caught(function(level)
    return getinfo(main, level - 1, "Snf")
  end)
end

-- The coroutines that report their errors themselves.
local reporting = setmetatable({}, { __mode = "k" })

--- Remembers that whoever made a coroutine reports its errors.
---@param thread thread
function uncaught.is_reported(thread)
  reporting[thread] = true
end

--- What to raise in place of an error object, and whether to log its sentence.
---@param err lipsync.Error
---@return lipsync.Error|string value
---@return boolean is_lost
function uncaught.judge(err)
  local getinfo = global.field(global.get "debug", "getinfo")
  local thread, is_main = coroutine.running()
  if not getinfo or thread and reporting[thread] then return err, false end
  if is_caught(function(level) return getinfo(level + 2, "Snf") end) then
    return err, false
  end
  if not thread or is_main then return tostring(err), false end
  return err, is_lost(getinfo)
end

return uncaught
