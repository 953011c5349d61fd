-- SPDX-License-Identifier: MIT
-- The results of a batch: lines of JSON at an address of the API's, which leads
-- to a signed one. Read while they arrive. A response that breaks goes on where
-- its last line ended, if the same bytes can be had again; else it begins anew,
-- and lines that were given are left out: no line is given twice, and none is
-- lost.

local attempt = require "lipsync.call.attempt"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local host = require "lipsync.host"
local iterator = require "lipsync.list.iterator"
local message = require "lipsync.error.message"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"
local source = require "lipsync.media.source"
local stopwatch = require "lipsync.base.stopwatch"
local timeslice = require "lipsync.host.timeslice"
local url = require "lipsync.base.url"

---@class lipsync.ResultsOptions : lipsync.CallOptions
---@field timeout number|nil  seconds for all of it; default none
---@field allow_unknown_length boolean|nil  true: takes results although the
---   server does not say how long they are

---@class lipsync.Results
---@field delivered integer  results delivered so far
---@field next fun(self): string|nil, lipsync.Generation|nil,
---   lipsync.Error|nil, table|nil
---@field close fun(self)

local Results
local methods = {}

local results = {}

local fields = schema.join(operation.options, {
  allow_unknown_length = schema.boolean,
})

local kind = {
  mode = "lines", type = "Object", read_on = attempt.line, with_key = true,
  may_be_empty = true, expects = "lines of JSON objects",
}

-- ---- Errors and the end ----

local function about_of(self)
  local about = self.source:about()
  about.delivered = self.delivered
  return about
end

-- Ends the iterator, with the error `err` or without.
local function finish(self, err)
  if self.over then return end
  self.over, self.err = true, err or false
  if err then err.batch, err.delivered = self.object or nil, self.delivered end
  if self.call then self.call:cancel() end
  self.call, self.given, self.left_out, self.line = false, {}, false, false
end

local function fail(self, raw)
  finish(self, errors.from_failure(raw, about_of(self)))
end

local function interrupted(self, problem)
  local name = self.client.closed and "closed" or "canceled"
  return errors.new(name, problem or message[name], about_of(self))
end

-- ---- One line ----

-- Whether a line with this name was given before the results began again. Each
-- of several lines with one name is left out as often as it was given.
local function was_given(self, request_id)
  local left_out = self.left_out
  local times = left_out and left_out[request_id]
  if not times then return false end
  left_out[request_id] = times > 1 and times - 1 or nil
  return true
end

-- The error of a row that became no generation, from the body that the service
-- gives in place of one.
local function to_error(self, request_id, text)
  local about = about_of(self)
  about.action = ("request %s of batch %s"):format(url.readable(request_id),
    url.readable(self.subject.id))
  text = about.redact(text)
  local body = core.decode(text)
  local status = type(body) == "table" and body.statusCode
  return errors.from_response({
    status = type(status) == "number" and status or nil, body = text,
    header = function() end }, about)
end

-- What a line gives; nothing for one that was given before.
local function read_line(self, line)
  local request_id = line:get "request_id"
  if type(request_id) ~= "string" then
    finish(self, errors.new("protocol", ("line %.0f of the results has no "
      .. "request_id"):format(self.delivered + 1), about_of(self)))
    return nil
  elseif was_given(self, request_id) then
    return nil
  end
  local text, err = core.member(line, "response"), nil
  local generation = text and core.object("Generation", text, self.client)
  if not generation or type(generation:get "status") ~= "string" then
    generation = nil
    err = to_error(self, request_id,
      text and text ~= "null" and text or line:json())
  end
  -- Last, because the other things may run out of memory and be repeated.
  self.given[request_id] = (self.given[request_id] or 0) + 1
  self.delivered = self.delivered + 1
  return request_id, generation, err, line
end

-- ---- States ----
--
-- Each does what can be done now. Returns true if the iterator must wait, or
-- else what a line gives, or nothing.

local begin, await, fetch, follow

-- Makes the call for the batch.
local function ask(self)
  local this, err = self.source:ask(self.subject.ask)
  if not this then return finish(self, err) end
  self.call, self.settle, self.state = this, "object", await
end

-- Takes the address of a batch; asks for one that has none.
local function point(self)
  local address = self.object and self.subject.read(self.object)
  if address then self.source:point(address) end
  return address
end

function begin(self)
  self.state = fetch
  if not point(self) then return ask(self) end
end

local settle = {}

function settle.object(self, this)
  self.call = false
  if this.err then return finish(self, this.err) end
  self.object, self.state = this.value, fetch
  if not point(self) then
    finish(self, errors.new("invalid",
      select(2, self.subject.read(self.object)), about_of(self)))
  end
end

function fetch(self)
  local this, failure = self.source:fetch()
  if not this then return fail(self, failure) end
  self.call, self.settle, self.state = this, "answer", await
end

-- Begins again: what was given is left out.
local function restart(self)
  self.left_out = schema.join(self.given)
end

-- What a response asks for, see Source:take.
local actions = {
  fetch = function(self) self.state = fetch end,
  ask = function(self)
    self.state = fetch
    return ask(self)
  end,
  restart = function(self)
    restart(self)
    self.state = fetch
  end,
  done = function(self) finish(self) end,
  append = function(self)
    self.from, self.state = self.source.offset, follow
  end,
  rewrite = function(self)
    restart(self)
    self.from, self.state = 0, follow
  end,
}

function settle.answer(self, this)
  if this.err then return finish(self, this.err) end
  if not this.keep_open then self.call = false end
  local action, failure = self.source:take(this.value)
  if not action then return fail(self, failure) end
  return actions[action](self)
end

function await(self)
  if not self.call:advance() then return true end
  return settle[self.settle](self, self.call)
end

-- Whether the response had only a part of what is left.
local function is_part(self)
  local from = self.source
  return from.last and from.total and from.last + 1 < from.total
end

-- Whether the rest of a part can be had: not if this one had no line.
local function goes_on(self)
  return is_part(self) and self.source.moved
end

-- The rest of a part.
local function fetch_rest(self)
  self.call:close()
  self.call, self.state = false, fetch
end

-- The connection broke.
local function break_off(self, err)
  if err.kind == "protocol" and goes_on(self) then return fetch_rest(self) end
  local action = self.source:repeat_call(self.call, err)
  if not action then return finish(self, err) end
  if action == "restart" then restart(self) end
  self.settle, self.state = "answer", await
end

-- Reads a line, or what comes in its place. It is kept until it was given.
function follow(self)
  if not self.line then
    local over, line, err = self.call:follow()
    if not over then
      return true
    elseif err then
      return break_off(self, err)
    elseif not line then
      if goes_on(self) then return fetch_rest(self) end
      if is_part(self) then return fail(self, { code = "media_range" }) end
      return finish(self)
    end
    self.line = line
  end
  local id, generation, err, line = read_line(self, self.line)
  self.line = false
  if not self.over then self.source:move(self.from + self.call:position()) end
  return id, generation, err, line
end

local function step(self)
  host.yield_if_expired(self)
  while not self.over do
    if self.client.closed then
      finish(self, interrupted(self))
      break
    end
    local id, generation, err, line = self.state(self)
    if id == true then
      self.call:wait()
      timeslice.begin(self, core.now())
    elseif id then
      return id, generation, err, line
    end
  end
  return nil, nil, self.err or nil
end

-- ---- The iterator ----

--- The next result. Waits for it as the host waits.
---@return string|nil request_id  nil at the end
---@return lipsync.Generation|nil generation  nil if the row became none
---@return lipsync.Error|nil err  why; without a request_id, why the whole ended
---@return table|nil line  all of it, an object that is its bytes
function methods:next()
  misuse.self(self, Results, "iterator:next()")
  return step(self)
end

--- Stops at once and closes the connection. A coroutine that waits in the
--- iterator, or a later call, gets an error of kind `canceled`. Idempotent.
function methods:close()
  misuse.self(self, Results, "iterator:close()")
  finish(self, interrupted(self, message.canceled))
end

Results = iterator.class {
  what = "an iterator of results", methods = methods, step = step,
  fields = { delivered = false },
}

function Results:__tostring()
  return ("results of batch %s (%d so far%s)"):format(
    url.readable(self.subject.id), self.delivered, self.over and ", over" or "")
end

-- The address of a batch's results, or nil and why there is none.
local function read(batch)
  local address = batch:get "outputUrl"
  if type(address) == "string" and address ~= "" then return address end
  if batch:is_terminal() then return nil, "it has no outputUrl" end
  return nil, ("it is %s; its results are there once it is COMPLETED")
    :format(tostring(batch:get "status"))
end

--- See client.batches:results.
---@param resource table
---@param spec table  of the row `get`
---@param given string|lipsync.Batch
---@param options lipsync.ResultsOptions|nil
---@return lipsync.Results
function results.new(resource, spec, given, options)
  options = schema.read(fields, options, "options")
  local id, object = operation.identify(given, spec)
  local self = {
    client = resource.client, options = options,
    timeout = options.timeout or math.huge, clock = stopwatch.new(),
    subject = {
      id = id, action = "get results of batch", noun = spec.noun, read = read,
      ask = function(own_options, own)
        return operation.prepare(resource, spec, id, own_options, own)
      end,
    },
    object = object or false, state = begin, settle = false, call = false,
    source = false, from = 0, given = {}, left_out = false, delivered = 0,
    line = false, over = false, err = false, slice = false,
    slice_ends = math.huge,
  }
  self.source = source.new(self, kind)
  timeslice.begin(self, core.now())
  return setmetatable(self, Results)
end

return results
