-- SPDX-License-Identifier: MIT
-- Waits until a generation has ended, by long polls. Pauses only after a
-- response that came early, so a service that answers at once is not flooded.

local core = require "lipsync.core"
local errors = require "lipsync.error"
local message = require "lipsync.error.message"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"
local sleep = require "lipsync.call.sleep"
local stopwatch = require "lipsync.base.stopwatch"
local url = require "lipsync.base.url"

local wait = {}

---@class lipsync.WaitOptions : lipsync.CallOptions
---@field timeout number|nil  seconds for the whole wait; default 3600;
---   math.huge: no limit
---@field on_change nil|fun(generation: lipsync.Generation)  called when the
---   status has changed
---@field on_progress nil|fun(percent: number, generation: lipsync.Generation)
---   polls for the progress instead of using long polls
wait.options = schema.join(operation.options, {
  on_change = schema.callable(), on_progress = schema.callable(),
})

-- In seconds: the whole wait; the shortest and the longest poll; the first
-- pause, which doubles, and the longest; how late a response may come.
local patience = 3600
local least, most = 1, 10
local pause, longest_pause = 0.25, 4
local margin = 5

-- Polls once. Returns the generation, or nil and an error, and whether the
-- response came early.
local function ask(self, left)
  local options, begun = self.options, self.clock:seconds()
  local seconds = math.floor(math.max(least, math.min(most, left)))
  local stall = options.stall_timeout or self.client.options.stall_timeout
  local this, err = operation.prepare(self.resource, self.spec, self.id, {
    timeout = begun + left + margin,
    stall_timeout = math.max(stall, seconds + margin),
    max_attempts = options.max_attempts, headers = options.headers,
    tag = options.tag,
  }, {
    query = options.on_progress and "include=progress"
      or ("wait=true&timeout=%d"):format(seconds),
    action = self.action, is_long = true, clock = self.clock,
  })
  if not this then return nil, err end
  local generation
  generation, err = this:run()
  local took = self.clock:seconds() - begun
  return generation, err, options.on_progress ~= nil or took < seconds - least
end

-- Notes the response and reports it.
local function note(self, generation)
  local options, before = self.options, self.last
  self.last = generation
  if options.on_progress then
    options.on_progress(generation:get "progress_percent" or 0, generation)
  end
  if options.on_change and not (before and before.status == generation.status)
  then
    options.on_change(generation)
  end
end

-- The timeout of the whole wait.
local function too_late(self)
  local about, spec = self.client:about(), self.spec
  about.action = self.action .. " " .. url.readable(self.id)
  about.method, about.tag = spec.method, self.options.tag
  about.seconds = self.clock:seconds()
  local text = message.deadline { limit = self.timeout }
  if self.last then text = text .. "; it is " .. tostring(self.last.status) end
  return errors.new("timeout", text, about, "deadline")
end

-- Whether a later poll may succeed.
local function is_passing(err)
  return err.retryable and err.statusCode ~= 404
end

-- Pauses before the next poll. Returns an error if that was interrupted.
local function rest(self, asked)
  local seconds = (asked or self.pause) * (1 + core.random() / 4)
  self.pause = math.min(2 * self.pause, longest_pause)
  local _, err = sleep.run(self.client,
    math.max(0, math.min(seconds, self.timeout - self.clock:seconds())),
    self.action .. " " .. url.readable(self.id), self.clock)
  return err
end

-- Ends the wait with the last state seen.
local function give_up(self, err)
  err.generation = self.last
  return nil, err
end

--- See client.generations:wait.
---@param resource table
---@param spec table  of the row `get`
---@param given string|lipsync.Generation
---@param options lipsync.WaitOptions  read by `wait.options`
---@return lipsync.Generation|nil
---@return lipsync.Error|nil err
function wait.run(resource, spec, given, options)
  local id, generation = operation.identify(given, spec)
  if generation and generation:is_terminal() then return generation end
  local self = {
    client = resource.client, resource = resource, spec = spec, id = id,
    options = options, timeout = options.timeout or patience,
    clock = stopwatch.new(), last = generation, pause = pause,
    action = "wait for " .. spec.noun,
  }
  while true do
    local left = self.timeout - self.clock:seconds()
    if left <= 0 then return give_up(self, too_late(self)) end
    local found, err, is_early = ask(self, left)
    if found then
      note(self, found)
      if found:is_terminal() then return found end
    elseif not is_passing(err) then
      return give_up(self, err)
    end
    if err or is_early then
      local interrupted = rest(self, err and err.retryAfter)
      if interrupted then return give_up(self, interrupted) end
    else
      self.pause = pause
    end
  end
end

return wait
