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

-- Whether a handle is closed, perhaps by the program: a loop at its end does so
-- with all there are. luv ends the process if such a handle is used.
local function is_lost(uv, handle)
  local ok, is_closing = pcall(uv.is_closing, handle)
  return not ok or is_closing
end

local function close(uv, handle)
  if handle and not is_lost(uv, handle) then uv.close(handle) end
end

-- Calls `fn` while the descriptor can be read. The watcher stops until that was
-- done, because it would fire again and again.
local function watch(uv, defer, fd, fn)
  local poll = uv.new_poll(fd)
  local function fire()
    uv.poll_stop(poll)
    defer(function()
      if is_lost(uv, poll) then return end
      uv.poll_start(poll, "r", fire)
      fn()
    end)
  end
  uv.poll_start(poll, "r", fire)
  return poll
end

local function check(uv, timer)
  if timer and is_lost(uv, timer) then
    misuse.raise("the program has closed this client's handles in luv's loop, "
      .. "so its tasks cannot go on. Close the client before.")
  end
end

local function start(uv, defer, timer, seconds, fn)
  uv.update_time()  -- the loop's clock stands still during a callback
  uv.timer_start(timer, math.ceil(seconds * 1000), 0, function() defer(fn) end)
end

-- The loop frees closed handles only in its next turn, and a program that ends
-- earlier crashes. So if no loop is running, this runs one more turn.
local function turn(uv)
  if not global.get "vim" and uv.loop_mode and not uv.loop_mode() then
    uv.run "nowait"
  end
end

--- The loop that makes a client's steps, as for client:drive; nil without luv.
--- It has one timer, which `rest` closes; `check` raises if the program did.
---@return lipsync.Loop|nil
function luv.loop()
  local uv, defer, timer = library(), scheduler(), nil
  if not uv then return nil end
  return {
    watch = function(fd, fn) return watch(uv, defer, fd, fn) end,
    unwatch = function(poll) close(uv, poll) end,
    after = function(seconds, fn)
      timer = timer or uv.new_timer()
      start(uv, defer, timer, seconds, fn)
      return timer
    end,
    cancel = function()
      if not is_lost(uv, timer) then uv.timer_stop(timer) end
    end,
    check = function() check(uv, timer) end,
    rest = function()
      local last = timer
      timer = nil
      if not last or is_lost(uv, last) then return end
      uv.close(last)
      turn(uv)
    end,
  }
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
