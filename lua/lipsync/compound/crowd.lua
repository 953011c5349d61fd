-- SPDX-License-Identifier: MIT
-- Waits that have no long poll, because there are many, ask for each other. The
-- first one whose time has come asks for up to a hundred of them by one request
-- of the list, and gives each its object. Nobody depends on that one, which may
-- be canceled or abandoned meanwhile: who was given nothing asks for itself. So
-- an error of a shared request ends no wait.

local by_ids = require "lipsync.list.by_ids"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local filter = require "lipsync.list.filter"
local operation = require "lipsync.operation"
local sleep = require "lipsync.call.sleep"

local Member = {}
Member.__index = Member

local crowd = {}

-- In seconds: how long before its time a member may be asked for; how long
-- after it the member waits for such a request, whose coroutine may have been
-- abandoned; and how often it looks meanwhile whether the request has ended.
local early, patience, look = 5, 30, 1

-- Stands for a request that asks for nobody.
local none = {}

-- A member must not keep the call of another one, which holds a slot until it
-- is collected.
local weak = { __mode = "v" }

--- Makes a member for one wait.
---@param resource table
---@param id string
---@param may_share boolean  false: only this wait may ask for it
---@return table
function crowd.member(resource, id, may_share)
  local spec = resource.specs.list
  may_share = may_share and by_ids.takes(spec) and not by_ids.problem(id)
  return setmetatable({
    client = resource.client, spec = spec, id = id, key = by_ids.key(id),
    alone = true,  -- whether its next look is its own, as the first one is
    most = may_share and filter.ids_at_once or 0,  -- in a request with it
    due = math.huge, round = none, news = false, sleep = false,
  }, Member)
end

--- Whether another one may ask for it, and it for others.
---@return boolean
function Member:may_share()
  return not self.alone and self.most > 0
end

--- Takes the object that another one's request has brought.
---@return table|nil
function Member:take()
  local news = self.news
  self.news = false
  return news or nil
end

-- Whether a request that asks for the member is still under way.
local function is_asked_for(self)
  local this = self.round.call
  return this ~= nil and not this.over and not this.canceled
    and core.now() < self.due + patience
end

-- Whether the member has news or must ask.
local function is_over(self)
  return self.news ~= false
    or core.now() >= self.due and not is_asked_for(self)
end

--- Sleeps until its time has come, or another one has brought it an object.
--- Only a member that may share.
---@param seconds number
---@param timeout number  seconds of the whole wait, by its clock
---@param action string  the beginning of an error's sentence
---@param clock table
---@param tag any
---@return lipsync.Error|nil err  if that was interrupted
function Member:rest(seconds, timeout, action, clock, tag)
  local members = self.client:runtime().crowd
  local err
  self.due = core.now() + seconds
  members[self] = true
  repeat
    local left = self.due - core.now()
    self.sleep = sleep.new(self.client, is_over, self)
    left = math.min(left > 0 and left or look, timeout - clock:seconds())
    err = select(2, self.sleep:run(math.max(0, left), action, clock, tag))
  until err or is_over(self) or clock:seconds() >= timeout
  members[self], self.round, self.sleep = nil, none, false
  return err
end

-- Whether another one, which rests, may be asked for with the member.
local function goes_with(self, other, soon)
  return other.due <= soon and other.spec == self.spec and other:may_share()
    and not other.news and not is_asked_for(other)
end

-- The member and such others.
local function gather(self)
  local group, most, soon = { self }, self.most, core.now() + early
  for other in pairs(self.client:runtime().crowd) do
    if #group >= most then break end
    if goes_with(self, other, soon) and other.most > #group then
      group[#group + 1] = other
      most = math.min(most, other.most)
    end
  end
  return group
end

local function ids_of(group)
  local ids, seen = {}, {}
  for _, member in ipairs(group) do
    if not seen[member.key] then ids[#ids + 1] = member.id end
    seen[member.key] = true
  end
  return ids
end

-- What an error says of later requests. A refusal may be because of one id, so
-- half as many are asked for the next time; any other error that does not pass
-- is of the list.
local function most_after(err, n)
  if err.retryable then return filter.ids_at_once end
  if err.statusCode == 400 and errors.is_from_service(err) then
    return math.floor(n / 2)
  end
  return 0
end

-- Ends the round of those that still wait for it. One that is not listed, as
-- all of them after an error, must look for itself.
local function hand_out(group, round, objects, most)
  local by_key = {}
  for _, object in ipairs(objects) do
    by_key[by_ids.key(object:get "id")] = object
  end
  for _, member in ipairs(group) do
    if member.round == round then
      member.round, member.news = none, by_key[member.key] or false
      member.alone = not member.news
      member.most = math.min(member.most, most)
      if member.sleep then member.sleep:wake() end
    end
  end
end

--- Asks for the member and for others.
---@param options table  of the wait
---@param left number  seconds until the wait ends
---@param clock table  the wait's
---@return table|nil object  nil: it must look for itself
function Member:ask(options, left, clock)
  local group = gather(self)
  local ids = ids_of(group)
  local this = by_ids.call(self.client, self.spec, ids, options, left,
    { action = ("wait for %ss"):format(self.spec.noun), clock = clock })
  local round = setmetatable({ call = this }, weak)
  for _, member in ipairs(group) do member.round = round end
  local objects, err = this:run()
  err = err or operation.stray(this, ids, objects)
  hand_out(group, round, err and none or objects,
    err and most_after(err, #group) or filter.ids_at_once)
  return self:take()
end

return crowd
