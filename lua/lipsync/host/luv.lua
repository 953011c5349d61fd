-- SPDX-License-Identifier: MIT
-- luv, also as Neovim's vim.loop or vim.uv. Tasks wait as everywhere, and the
-- loop makes their steps, by one watcher of the descriptor and one timer that
-- exist while there are tasks. A coroutine that is no task blocks, because luv
-- does not know its owner, so a yield might reach the wrong code.

local global = require "lipsync.host.global"
local misuse = require "lipsync.base.misuse"
local task = require "lipsync.host.task"

local luv = { name = "luv", real = true, wakes = true, keeps = true,
  wait = task.wait, probe = task.probe, advice = task.advice }

local function library()
  local vim = global.get "vim"
  return global.field(vim, "uv") or global.field(vim, "loop")
    or global.loaded "luv"
end

--- Whether luv is loaded and the running coroutine is a task.
---@param client table
---@return boolean
function luv.here(client)
  return library() ~= nil and task.here(client)
end

-- Tasks may call Neovim's functions, which must not be called from luv's
-- callbacks; so there the steps are made from its main loop.
local function scheduler()
  local vim = global.with("vim", "schedule")
  if not vim then return function(fn) fn() end end
  return vim.schedule
end

local Pump = {}
Pump.__index = Pump

--- The pump that makes a client's steps, nil without luv.
---@param client table
---@param move function  makes a step and arms the pump anew
---@return table|nil  with arm(on, seconds)
function luv.pump(client, move)
  local uv = library()
  if not uv then return nil end
  local self = setmetatable({ uv = uv, runtime = client:runtime(), move = move,
    schedule = scheduler() }, Pump)
  self.runtime.waiters:on_close(self, function() self:close() end)
  return self
end

-- Called by the loop. The watcher stops until the step is made, because it
-- would fire again and again; the step arms it anew.
function Pump:fire()
  if self.fired then return end
  self.fired = true
  self:rest()
  self.schedule(function()
    self.fired = nil
    self.move()
  end)
end

-- Whether the program has closed the pump's handles, as a loop at its end does
-- with all there are. luv ends the process if such a handle is used.
local function is_lost(self)
  if not self.timer then return false end
  local ok, is_closing = pcall(self.uv.is_closing, self.timer)
  return not ok or is_closing
end

function Pump:rest()
  if not self.timer or is_lost(self) then return end
  self.uv.timer_stop(self.timer)
  if self.poll then self.uv.poll_stop(self.poll) end
end

function Pump:open()
  local fd = self.runtime.session:fd()
  local function fire() self:fire() end
  self.timer, self.on_event = self.uv.new_timer(), fire
  self.poll = fd and self.uv.new_poll(fd)
end

--- Runs a step when something arrives or is due. Raises if the program has
--- closed its handles.
---@param on boolean  false: never
---@param seconds number|nil  nil: nothing is due
function Pump:arm(on, seconds)
  if not on then return self:close() end
  if is_lost(self) then
    misuse.raise("the program has closed this client's handles in luv's loop, "
      .. "so its tasks cannot go on. Close the client before.")
  end
  if self.fired then return end
  if not self.timer then self:open() end
  local uv, fire = self.uv, self.on_event
  if self.poll then uv.poll_start(self.poll, "r", fire) end
  -- Without a descriptor it has to poll.
  if not self.poll then seconds = math.min(seconds or 1, 0.005) end
  uv.timer_stop(self.timer)
  if seconds then
    uv.update_time()  -- the loop's clock stands still during a callback
    uv.timer_start(self.timer, math.ceil(seconds * 1000), 0, fire)
  end
end

-- The loop frees closed handles only in its next turn, and a program that ends
-- earlier crashes. So if no loop is running, this runs one more turn.
function Pump:close()
  local uv, timer, poll = self.uv, self.timer, self.poll
  if not timer then return end
  local lost = is_lost(self)
  self.timer, self.poll, self.on_event = nil, nil, nil
  if lost then return end
  uv.close(timer)
  if poll then uv.close(poll) end
  if not global.get "vim" and uv.loop_mode and not uv.loop_mode() then
    uv.run "nowait"
  end
end

--- Shows an error in Neovim; scheduled, because a luv callback must not.
---@param text string
function luv.log(text)
  local vim = global.with("vim", "notify")
  vim.schedule(function() vim.notify(text, vim.log.levels.ERROR) end)
end

--- Whether there is a place to show it.
---@return boolean
function luv.logs()
  return global.with("vim", "notify") ~= nil
end

return luv
