-- SPDX-License-Identifier: MIT
-- Where the bytes of a file of the service come from: an address that leads
-- elsewhere or expires, and responses of which each may have only a part.
-- Makes the calls and says what their responses ask for; what a response means
-- for the bytes that are here is in resume.lua, and what becomes of the bytes
-- is its owner's.

local attempt = require "lipsync.call.attempt"
local call = require "lipsync.call"
local http = require "lipsync.http"
local lower = require "lipsync.base.text".lower
local resume = require "lipsync.media.resume"
local url = require "lipsync.base.url"

local Source = {}
Source.__index = Source

local source = {}

-- Redirects in a row; how often a file is begun again from its first byte.
local hops_max, restarts_max = 5, 3

---@class lipsync.SourceKind  how the bytes are read
---@field mode string  of the response, see lipsync.Spec
---@field read_on function  see attempt.lua
---@field expects string  what the response must be: "a file"
---@field type string|nil  of the objects
---@field is_long boolean|nil  see lipsync.Spec
---@field may_be_empty boolean|nil
---@field with_key boolean|nil  the first address gets the key and the headers,
---   if it is the API's; none that it leads to

--- Makes a source without an address.
---@param owner table  client, subject (see download.lua), options, timeout,
---   clock and group of its calls
---@param kind lipsync.SourceKind
---@return table
function source.new(owner, kind)
  return setmetatable({
    client = owner.client, subject = owner.subject, options = owner.options,
    timeout = owner.timeout, clock = owner.clock, group = owner.group,
    kind = kind, url = false, base = nil, hops = 0, secrets = {},
    refreshed = false, offset = 0, etag = nil, total = nil, last = nil,
    restarts = 0, resumed = false, moved = false, probes = false,
  }, Source)
end

--- What the owner's errors report.
---@return table
function Source:about()
  local about, subject = self.client:about(), self.subject
  about.action = subject.action .. " " .. url.readable(subject.id)
  about.tag, about.seconds = self.options.tag, self.clock:seconds()
  return about
end

--- Makes a call for what says the address: with the client's timeout, but no
--- more than is left of the whole.
---@param make function  `ask` or `locate` of the subject
---@return table|nil call
---@return lipsync.Error|nil err
function Source:ask(make)
  local timeout = math.min(self.timeout,
    self.clock:seconds() + self.client.options.timeout)
  return make(call.part(self.options, timeout), { clock = self.clock,
    group = self.group, action = self.subject.action })
end

--- Takes the address that the object names.
---@param address string
function Source:point(address)
  self.url, self.base, self.hops = address, nil, 0
end

--- Goes on with bytes that are here from before.
---@param offset integer
---@param etag string|nil
---@param total integer|nil
function Source:go_on(offset, etag, total)
  self.offset, self.etag, self.total = offset, etag, total
  self.resumed = offset > 0
end

--- All bytes up to `offset` are here.
---@param offset integer
function Source:move(offset)
  self.offset = offset
  self.moved, self.refreshed = true, false
end

-- ---- The response ----

local redirects = { [301] = true, [302] = true, [303] = true, [307] = true,
                    [308] = true }

-- Statuses of an address that has expired.
local expired = { [403] = true, [404] = true, [410] = true }

-- What resume.lua judges.
local function answer_of(this, status)
  local current = this.attempt
  local coding = current:header "transfer-encoding"
  return {
    status = status, etag = current:header "etag",
    content_range = current:header "content-range",
    content_length = current:header "content-length",
    content_encoding = current:header "content-encoding",
    is_chunked = coding ~= nil and lower(coding):find "chunked" ~= nil,
  }
end

local function decides(this, status)
  local of = this.spec.source
  if redirects[status] then return this.attempt:header "location" ~= nil end
  if expired[status] then return not of.refreshed end
  return resume.decides(status, of.offset)
end

-- A raw failure for a code of resume.lua.
local function raw_of(this, code)
  local found = this.attempt:header "content-encoding"
  if code ~= "media_encoding" then return { code = code } end
  return { code = "encoding", found = found or "" }
end

local function judge(this, status)
  local of = this.spec.source
  local answer = answer_of(this, status)
  -- That of a refusal is its body's own.
  if status == 200 or status == 206 then of.type = this.attempt:media() end
  if of.probes then
    of.length = resume.length(answer)
    return "length"
  end
  local action, facts = resume.judge({ offset = of.offset, etag = of.etag,
    total = of.total, allow_unknown = of.options.allow_unknown_length },
    answer)
  if facts == "media_empty" and of.kind.may_be_empty then return "done" end
  if not action then return nil, raw_of(this, facts) end
  of.facts = facts
  this.keep_open = action == "append" or action == "rewrite" or nil
  of.has_no_length = this.keep_open and not facts.total
    and not answer.is_chunked
  return action
end

-- For the call: what a response asks for, by its head alone.
local function accept(this, status, body)
  local of = this.spec.source
  if redirects[status] then
    of.location = this.attempt:header "location"
    return "redirect"
  elseif expired[status] then
    return "expired"
  elseif status ~= 200 and status ~= 206 and status ~= 416 and status ~= 412
         or this.attempt:is_page() and status < 300 then
    return nil, this:unexpected(of.kind.expects, body)
  end
  return judge(this, status)
end

local spec_of_all = {
  method = "GET", retry = "safe", read = attempt.head, decides = decides,
  accept = accept,
}
spec_of_all.__index = spec_of_all

local function headers_of(self)
  if self.probes then return { Range = "bytes=0-0" } end
  return resume.headers(self.offset, self.etag)
end

-- Whether a request goes to the API itself, and with the key.
local function has_key(self, origin)
  return self.kind.with_key and self.hops == 0
    and origin == self.client:runtime().session:origin() or false
end

--- The call for the bytes that are not here. Its end is for `take`.
---@return table|nil call
---@return table|nil failure
function Source:fetch()
  local origin, target = http.resolve(self.url, self.base)
  if not origin then return nil, target end
  self.base = origin .. target
  url.add_secrets(self.secrets, target)
  local kind, subject = self.kind, self.subject
  local with_key = has_key(self, origin)
  local options = call.part(self.options, self.timeout)
  if not with_key then options.headers = nil end
  return call.new(self.client, setmetatable({
    action = subject.action, id = subject.id, noun = subject.noun,
    origin = origin, target = target, path = self.base:match "^[^?]*",
    key = with_key, headers = not with_key and headers_of(self) or nil,
    mode = kind.mode, read_on = kind.read_on, type = kind.type,
    is_long = kind.is_long, clock = self.clock, group = self.group,
    source = self, secrets = self.secrets, expects = kind.expects,
  }, spec_of_all), options)
end

-- ---- What a response asks for ----

-- Forgets the bytes that are here; a failure if that was done too often.
local function restart(self, code)
  self.restarts = self.restarts + 1
  if self.restarts > restarts_max then return { code = code } end
  self.offset, self.etag, self.total, self.resumed = 0, nil, nil, false
  return nil
end

local actions = {}

function actions.redirect(self)
  self.hops = self.hops + 1
  if self.hops > hops_max then
    return nil, { code = "media_redirects", limit = hops_max }
  end
  self.url = self.location
  return "fetch"
end

function actions.expired(self)
  self.refreshed = true
  return "ask"
end

function actions.again(self)
  local failure = restart(self, self.facts)
  return not failure and "restart" or nil, failure
end

function actions.probe(self)
  self.probes = "length"
  return "fetch"
end

function actions.done(self)
  self.total = self.offset
  return "done"
end

function actions.length(self)
  local purpose = self.probes
  self.probes = false
  if purpose == "keep" then return "length" end
  if self.length == self.offset then return actions.done(self) end
  self.facts = "media_changed"
  return actions.again(self)
end

function actions.append(self)
  local facts = self.facts
  self.etag, self.total, self.last = facts.etag, facts.total, facts.last
  self.moved = false
  return "append"
end

function actions.rewrite(self)
  if self.offset == 0 then return actions.append(self) end
  local failure = restart(self, "media_changed")
  if failure then return nil, failure end
  actions.append(self)
  return "rewrite"
end

--- What to do after a call of `fetch` has ended well.
---@param value string  the call's
---@return string|nil action  "fetch": another request; "ask": for the object,
---   whose file has another address by now; "restart": forget the bytes that
---   are here, and fetch; "append": the call follows with bytes from `offset`
---   on; "rewrite": the same, from the first one on; "done": nothing is
---   missing; "length": see `length`, where `probes` was "keep"
---@return table|nil failure
function Source:take(value)
  return actions[value](self)
end

--- Repeats the call of a response that broke: from `offset` on if the same
--- bytes can be had again, or from the beginning. Its end is for `take`.
---@param this table  the call
---@param err lipsync.Error
---@return string|nil action  "go_on", or "restart": forget the bytes that are
---   here; nil: it may not be repeated
function Source:repeat_call(this, err)
  if not err.retryable then return nil end
  local moved, action = self.moved, "go_on"
  if not self.etag and self.offset > 0 then
    if self.restarts == restarts_max then return nil end
    restart(self)
    action = "restart"
  else
    self.resumed = self.resumed or self.offset > 0
  end
  if not this.spec.key then this.spec.headers = headers_of(self) end
  this:again(err, moved)
  return action
end

--- Whether all bytes are here when a response has ended.
---@return boolean
---@return boolean can_go_on  whether what is missing can be asked for
function Source:is_whole()
  return not self.total or self.offset == self.total,
    self.moved and self.etag ~= nil
end

return source
