-- SPDX-License-Identifier: MIT
-- A sleep as the host sleeps, which ends early when its task is canceled, the
-- client is closed, or what it waits for has happened.

local core = require "lipsync.core"
local errors = require "lipsync.error"
local host = require "lipsync.host"
local message = require "lipsync.error.message"

local Sleep = {}
Sleep.__index = Sleep

local sleep = {}

-- The longest sleep (seconds) where nothing wakes it.
local nap = 0.25

--- Prepares a sleep. Raises where nothing can wait.
---@param client table
---@param is_done nil|fun(of: any): boolean  whether to end early; whoever makes
---   it true calls `wake`
---@param of any  for is_done: code compiled by LuaJIT keeps a closure and its
---   upvalues alive
---@return table
function sleep.new(client, is_done, of)
  local runtime = client:runtime()
  local scheduler = runtime.scheduler
  host.check(client, scheduler)
  local self = setmetatable({ client = client, runtime = runtime, nap = nap,
    is_done = is_done or false, of = of, canceled = false, over = false },
    Sleep)
  if scheduler.is_used then scheduler:adopt(self) end
  return self
end

--- Whether to end now; asked by the host.
---@return boolean
function Sleep:ready()
  return self.canceled or self.client.closed
    or self.is_done and self.is_done(self.of) or false
end

--- Lets the host ask again whether to end.
function Sleep:wake()
  self.runtime.waiters:notify(self)
end

--- Ends the sleep from outside; for the task it belongs to.
function Sleep:cancel()
  self.canceled = true
  self:wake()
end

local function interrupted(self, action, tag)
  local kind = self.client.closed and "closed" or "canceled"
  local about = self.client:about()
  about.action, about.tag = action, tag
  return errors.new(kind, message[kind], about)
end

--- Sleeps. A host that returns early is called again.
---@param seconds number  0: lets others run once
---@param action string  the beginning of an error's sentence
---@param clock table|nil  a stopwatch that counts the time
---@param tag any  of the call that sleeps
---@return boolean|nil  true
---@return lipsync.Error|nil err  of kind `canceled` or `closed`
function Sleep:run(seconds, action, clock, tag)
  local until_ = core.now() + seconds
  local is_over = self:ready()
  while not is_over do
    local from, to = host.wait(self.client, self.runtime, self,
      math.max(0, until_ - core.now()))
    if clock then clock:add(from, to) end
    is_over = self:ready() or core.now() >= until_
  end
  self.over = true
  if self.canceled or self.client.closed then
    return nil, interrupted(self, action, tag)
  end
  return true
end

--- Sleeps once, as Sleep:run.
---@param client table
---@param seconds number
---@param action string
---@param clock table|nil
---@param tag any
---@return boolean|nil
---@return lipsync.Error|nil err
function sleep.run(client, seconds, action, clock, tag)
  return sleep.new(client):run(seconds, action, clock, tag)
end

return sleep
