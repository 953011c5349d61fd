-- SPDX-License-Identifier: MIT
-- Waits until an object that the service works on has ended, as the row `get`
-- of its resource says: by long polls, where it pauses only after a response
-- that came early, so a service that answers at once is not flooded; or by
-- asking every few seconds, or as often as the service says.

local call = require "lipsync.call"
local core = require "lipsync.core"
local crowd = require "lipsync.compound.crowd"
local errors = require "lipsync.error"
local message = require "lipsync.error.message"
local object_type = require "lipsync.object_type"
local operation = require "lipsync.operation"
local retry_after = require "lipsync.error.retry_after"
local schema = require "lipsync.base.schema"
local sleep = require "lipsync.call.sleep"
local stopwatch = require "lipsync.base.stopwatch"
local url = require "lipsync.base.url"

local wait = {}

---@class lipsync.WaitOptions : lipsync.CallOptions
---@field timeout number|nil  seconds for the whole wait; default 3600;
---   math.huge: no limit
---@field on_change nil|fun(object: table)  called when the status has changed
wait.options = schema.join(operation.options, {
  on_change = schema.callable(),
})

---@class lipsync.GenerationWaitOptions : lipsync.WaitOptions
---@field on_progress nil|fun(percent: number, generation: lipsync.Generation)
---   polls for the progress instead of using long polls
wait.generation_options = schema.join(wait.options, {
  on_progress = schema.callable(),
})

--- Seconds between two looks of a wait that has no long poll because there are
--- many, or up to a quarter more.
wait.seldom = 10

-- In seconds: the whole wait; the shortest and the longest poll; the first
-- pause after one that was answered early, which doubles, and the longest; how
-- late a response may come, and how late after the whole wait has ended.
local patience = 3600
local least, most = 1, 10
local pause, longest_pause = 0.25, 4
local margin, last_margin = 5, 1

-- The query of a poll that the service may answer late, by `seconds`.
local function long_query(options, seconds)
  if options.on_progress then return "include=progress", 0 end
  return ("wait=true&timeout=%d"):format(seconds), seconds
end

-- The seconds between two looks; nil: a long poll, or the growing pauses of one
-- that is answered at once. Each long poll has a connection of its own, so they
-- are bounded; the others ask seldom, and for each other (crowd.lua). One whose
-- coroutine was abandoned counts until it is collected.
local function interval(self)
  if self.spec.poll ~= "long" then return self.spec.poll end
  if self.options.on_progress then return nil end
  local polls, n = self.client:runtime().polls, 0
  for poll in pairs(polls) do
    if poll.over or poll.canceled then polls[poll] = nil else n = n + 1 end
  end
  return n >= self.client.options.max_waits and wait.seldom or nil
end

-- Accepts the object as every call of the row does, and notes how long the
-- service asks to wait before the next poll.
local function accept(self)
  return function(this, status, body)
    local current = this.attempt
    self.asked = retry_after.header(current:header "retry-after",
      current:header "date", core.time())
    return self.spec.accept(this, status, body)
  end
end

-- The options of a poll, which may be answered late.
local function poll_options(self, left, late)
  local own = call.part(self.options, self.clock:seconds()
    + math.max(left, late) + last_margin)
  if late > 0 then
    own.stall_timeout = math.max(late + margin,
      own.stall_timeout or self.client.options.stall_timeout)
  end
  return own
end

-- The object, as another wait's request has brought it, or one for this and
-- other waits brings it; nil: the wait must ask for its own.
local function share(self, left)
  local member = self.member
  local news = member:take()
  if news or not self.every or not member:may_share() then return news end
  return member:ask(self.options, left, self.clock)
end

-- Asks for the wait's own object. Returns it, or nil and an error, and the
-- seconds to pause if the response came early; nil: none.
local function ask(self, left)
  local spec, late, query = self.spec, 0, nil
  local begun, every = self.clock:seconds(), self.every
  if not every then
    query, late = long_query(self.options,
      math.floor(math.max(least, math.min(most, left))))
  end
  self.asked = nil
  local this, err = operation.prepare(self.resource, spec, self.id,
    poll_options(self, left, late), { query = query, action = self.action,
      is_long = late > 0, clock = self.clock, accept = accept(self) })
  if not this then return nil, err end
  if late > 0 then this.runtime.polls[this] = true end
  local object
  object, err = this:run()
  self.member.alone = false
  if every then return object, err, self.asked or every end
  local is_early = late == 0 or self.clock:seconds() - begun < late - least
  return object, err, is_early and self.pause or nil
end

-- Looks once, by another one's request or its own; returns what `ask` does.
local function look(self, left)
  self.every = interval(self)
  local object = share(self, left)
  if object then return object, nil, self.every end
  return ask(self, left)
end

-- How much of an object is done.
local function percent_of(spec, object)
  if spec.percent then return spec.percent(object) end
  local percent = object:get "progress_percent"
  return type(percent) == "number" and percent or 0
end

-- Notes the response and reports it.
local function note(self, object)
  local options, before = self.options, self.last
  self.last = object
  if options.on_progress then
    options.on_progress(percent_of(self.spec, object), object)
  end
  if options.on_change and not (before and before.status == object.status)
  then
    options.on_change(object)
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
  return errors.new("timeout", text, about)
end

-- Whether a later poll may succeed.
local function is_passing(err)
  return err.retryable and err.statusCode ~= 404
end

-- Pauses about as long as asked before the next poll, which may be no time at
-- all. Returns an error if that was interrupted.
local function rest(self, asked)
  local seconds = math.max(asked, pause) * (1 + core.random() / 4)
  seconds = math.max(0, math.min(seconds, self.timeout - self.clock:seconds()))
  self.pause = math.min(2 * self.pause, longest_pause)
  local action = self.action .. " " .. url.readable(self.id)
  if self.every and self.member:may_share() then
    return self.member:rest(seconds, self.timeout, action, self.clock,
      self.options.tag)
  end
  return select(2, sleep.run(self.client, seconds, action, self.clock,
    self.options.tag))
end

-- Ends the wait with the last state seen.
local function give_up(self, err)
  err.object = self.last
  if self.spec.type == "Generation" then err.generation = self.last end
  return nil, err
end

--- Waits for one object, of a type with `is_terminal`.
---@param resource table
---@param spec table  of the row `get`
---@param given string|table  an id or an object
---@param options lipsync.WaitOptions  read by `wait.options`
---@return table|nil
---@return lipsync.Error|nil err  `err.object` is the last state seen
function wait.run(resource, spec, given, options)
  local id, object = operation.identify(given, spec)
  if object and object:is_terminal() then return object end
  local self = {
    client = resource.client, resource = resource, spec = spec, id = id,
    options = options, timeout = options.timeout or patience,
    clock = stopwatch.new(), last = object, pause = pause,
    -- Headers may decide about a response.
    member = crowd.member(resource, id, not options.headers),
    action = "wait for " .. spec.noun,
  }
  while true do
    local left = self.timeout - self.clock:seconds()
    if left <= 0 and not self.member.news then
      return give_up(self, too_late(self))
    end
    local found, err, early = look(self, left)
    if found then
      note(self, found)
      if found:is_terminal() then return found end
    elseif not is_passing(err) then
      return give_up(self, err)
    else
      early = math.max(err.retryAfter or 0, self.pause)
    end
    if early then
      local interrupted = rest(self, early)
      if interrupted then return give_up(self, interrupted) end
    else
      self.pause = pause
    end
  end
end

-- ---- Resources whose objects end ----

--- Gives a resource the method `wait`, and makes the type of its objects, with
--- the methods `wait` and `is_terminal`.
---@param class table  of operation.resource
---@param name string  the member of the client
---@param rows table  of api.lua, with `ends`
---@param shows string[]|nil  the members that tostring gives; default id and
---   status
---@param percent nil|fun(object: table): number  how much of one is done, for
---   the option on_progress
function wait.install(class, name, rows, shows, percent)
  local fields = percent and wait.generation_options or wait.options
  class.specs.get.percent = percent

  function class.wait(self, given, options)
    class.client_of(self, "wait")
    return wait.run(self, class.specs.get, given,
      schema.read(fields, options, "options"))
  end

  object_type.install(name, rows, shows, { "wait" })
end

return wait
