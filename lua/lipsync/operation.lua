-- SPDX-License-Identifier: MIT
-- Makes resources, such as client.voices, from the rows of api.lua, with a
-- method for each row. The kind of method and its arguments follow from the
-- row; its meaning is in the row and its shape.

local call = require "lipsync.call"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local failure = require "lipsync.error.failure"
local filter = require "lipsync.list.filter"
local listing = require "lipsync.list.listing"
local load = require "lipsync.host.load"
local misuse = require "lipsync.base.misuse"
local schema = require "lipsync.base.schema"
local shape = require "lipsync.shape"
local shown = require "lipsync.base.members"
local stopwatch = require "lipsync.base.stopwatch"
local texts = require "lipsync.base.text"
local segment = require "lipsync.base.url".segment

local operation = {}

---@class lipsync.CallOptions
---@field timeout number|nil  seconds for the whole call with its retries;
---   default the client's, none for a listing
---@field stall_timeout number|nil  seconds without a byte; default the
---   client's
---@field max_attempts integer|nil  default the client's
---@field headers table<string, string>|nil  added to the client's
---@field tag any  returned in events and errors
operation.options = {
  timeout = schema.seconds, stall_timeout = schema.seconds,
  max_attempts = schema.integer(), headers = schema.headers,
  tag = schema.anything,
}

local none = {}

-- The options of a call, checked and copied.
local function read_options(given)
  return schema.read(operation.options, given, "options")
end

---@class lipsync.TableListing : lipsync.Listing
---@field next fun(self): table|nil, lipsync.Error|nil
---@overload fun(): table|nil

local closes = _VERSION ~= "Lua 5.1" and _VERSION ~= "Lua 5.2"
  and _VERSION ~= "Lua 5.3"

--- An iterator as a method returns it: since 5.4 a `for` closes its fourth
--- value, also on break and error.
---@param made table
---@return table made
---@return nil
---@return nil
---@return table|nil made
function operation.iterator(made)
  if closes then return made, nil, nil, made end
  return made
end

-- Tells the resource's listings about an object.
local function note(this, state)
  local resource = this.client[this.spec.resource]
  if resource._watchers then resource:_note(this.id, state) end
end

-- It is being removed, gone, or still there. After an unknown outcome it stays
-- in doubt.
local function on_start(this) note(this, "doubtful") end

local function on_end(this)
  local err = this.err
  if this.value ~= nil or err.statusCode == 404
     and errors.is_from_service(err) then
    note(this, "gone")
  elseif not this.outcome_unknown then
    note(this, "kept")
  end
end

local only_id = { "id" }

-- The common part of all calls of a row of a resource. What a call adds to it,
-- if anything, inherits from it.
local function compile(resource, rows, row)
  local of = shape[row.returns] or {}
  local spec = { noun = rows.noun, type = rows.type, read = of.read,
                 resource = resource, test = schema.test(row.takes),
                 always = rows.always, names = rows.names or only_id,
                 accept = of.accept,
                 refused = of.refused }
  for name, value in pairs(row) do spec[name] = value end
  if row.removes then spec.on_start, spec.on_end = on_start, on_end end
  spec.before_id, spec.after_id = row.path:match "^(.-){id}(.*)$"
  local other = row.other and "^(.-){" .. row.other.name .. "}(.*)$"
  if other and spec.after_id:find(other) then
    spec.before_other, spec.after_other = spec.after_id:match(other)
  end
  spec.__index = spec
  return spec
end

--- The id in an id or an object. Raises for any other value.
---@param given string|userdata
---@param spec table  of a row, or its `other`; defines which objects are
---   accepted
---@return string id
---@return userdata|nil object
function operation.identify(given, spec)
  if type(given) == "string" then return given end
  if core.type_of(given) ~= spec.type then
    misuse.raise(("%s must be a string or %s, got %s"):format(
      spec.name or "id", failure.article(spec.noun), misuse.show(given)))
  end
  local id = given:get "id"
  if type(id) ~= "string" then
    misuse.raise(("this %s has no id"):format(spec.noun))
  end
  return id, given
end

--- What errors report about a call that cannot be made.
---@param client table
---@param spec table  of a row
---@param options table  the call's own
---@return table  a fresh one
function operation.about(client, spec, options)
  local about = client:about()
  about.action, about.method = spec.action, spec.method
  about.tag = options.tag
  return about
end

--- The error for a value that cannot be sent.
---@param client table
---@param spec table  of a row
---@param options table  the call's own
---@param problem string
---@param field string  what is wrong
---@param action string|nil  in place of the row's
---@return lipsync.Error
function operation.invalid(client, spec, options, problem, field, action)
  local about = operation.about(client, spec, options)
  about.action = action or about.action
  return errors.new("invalid", problem, about, field)
end

--- Why an idempotency key cannot be sent.
---@param key string
---@return string|nil
function operation.bad_key(key)
  if #key <= 128 and key:find "^[A-Za-z0-9._~-]+$" then return nil end
  return "idempotency_key must be 1 to 128 of A-Z a-z 0-9 . _ ~ -"
end

---@class lipsync.KeyedOptions : lipsync.CallOptions
---@field idempotency_key string|nil  1 to 128 of A-Z a-z 0-9 . _ ~ -; default
---   a random one
local keyed_options = schema.join(operation.options, {
  idempotency_key = schema.string,
})

--- Raises for a header that must come from here only.
---@param options table  of a call with an idempotency key
function operation.check_headers(options)
  if not options.headers then return end
  for name in pairs(options.headers) do
    if texts.lower(name) == "idempotency-key" then
      misuse.raise "headers must not hold Idempotency-Key: pass idempotency_key"
    end
  end
end

-- Gives a call a key, under which its repetitions do nothing more.
local function add_key(client, spec, own, options)
  local key = options.idempotency_key or core.random_text()
  local problem = not key and "the system has no random bytes for a key"
    or operation.bad_key(key)
  if problem then
    return nil, operation.invalid(client, spec, options, problem,
      "idempotency_key")
  end
  own.idempotency_key = key
  return true
end

--- Prepares a call about one object.
---@param resource table
---@param spec table  of one of its rows
---@param given string|userdata
---@param options table  the call's own, checked
---@param own table|nil  members of the call's spec in place of the row's, and
---   `query`, which is appended to its path
---@return table|nil call
---@return lipsync.Error|nil err  for an id that cannot be sent
function operation.prepare(resource, spec, given, options, own)
  local id, object = operation.identify(given, spec)
  local client, part, problem = resource.client, segment(id)
  if own then spec = setmetatable(own, spec) end
  if not part then
    return nil, operation.invalid(client, spec, options, problem, "id")
  end
  local path = spec.before_id .. part .. spec.after_id
  if own and own.query then own.target = path .. "?" .. own.query end
  return call.new(client, spec, options, path, id, object)
end

--- The error for an object of a response that was not asked for. Then the
--- others cannot be relied on either, and what is missing may be there.
---@param this table  the call
---@param ids string[]  that were asked for; letter case does not matter
---@param objects table[]  of the response
---@return lipsync.Error|nil  nil: each was asked for
function operation.stray(this, ids, objects)
  local asked = {}
  for _, id in ipairs(ids) do asked[texts.lower(id)] = true end
  for _, object in ipairs(objects) do
    local id = object:get "id"
    if not asked[texts.lower(id)] then
      return this:error("protocol", ("the service sent the %s %s, which was "
        .. "not asked for"):format(this.spec.noun, id))
    end
  end
  return nil
end

--- The JSON text of a request's body.
---@param client table
---@param spec table  of a row with `takes`
---@param options table  the call's own
---@param body table  read by `takes`
---@return string|nil text
---@return lipsync.Error|nil err  for a value that JSON has no form for
function operation.encode(client, spec, options, body)
  local text, problem = core.encode(body)
  if text then return text end
  return nil, operation.invalid(client, spec, options, problem,
    problem:match "^[^:]*")
end

-- A random UUID; nil and an error if the system has no random bytes.
local function new_uuid(client, spec, options)
  local hex = core.random_text()
  if not hex then
    return nil, operation.invalid(client, spec, options,
      "the system has no random bytes for an id", "id")
  end
  local variant = tonumber(hex:sub(17, 17), 16) % 4 + 1
  return ("%s-%s-4%s-%s%s-%s"):format(hex:sub(1, 8), hex:sub(9, 12),
    hex:sub(14, 16), ("89ab"):sub(variant, variant), hex:sub(18, 20),
    hex:sub(21))
end

-- Puts the id of the second object into the path, or else the body. Returns
-- whether it can be sent.
local function add_other(client, spec, own, options, given)
  local id = operation.identify(given, spec.other)
  if not spec.before_other then
    own.body = { [spec.other.name] = id }
    return true
  end
  local part, problem = segment(id)
  if not part then
    return false, operation.invalid(client, spec, options, problem,
      spec.other.name)
  end
  own.after_id = spec.before_other .. part .. spec.after_other
  return true
end

-- Makes JSON of the body, which gets an id if the client has to make it.
-- Returns whether it can be sent.
local function add_body(client, spec, own, options)
  local body, err = own.body, nil
  if spec.makes_id then
    if not body.id then body.id, err = new_uuid(client, spec, options) end
    if err then return false, err end
    own.id = body.id
  end
  own.body, err = operation.encode(client, spec, options, body)
  own.content_type = "application/json"
  return own.body ~= nil, err
end

-- Prepares a call of a row, whatever its arguments are; those that it has not
-- are nil. nil and an error for what cannot be sent.
local function make_call(resource, spec, id, other, request, options)
  local client, own, well, err = resource.client, {}, true, nil
  if spec.takes then own.body = spec.takes(request, "request") end
  if spec.other then
    well, err = add_other(client, spec, own, options, other)
  end
  if well and own.body then
    well, err = add_body(client, spec, own, options)
  end
  if well and spec.retry == "keyed" then
    well, err = add_key(client, spec, own, options)
  end
  if not well then return nil, err end
  if spec.before_id then
    return operation.prepare(resource, spec, id, options, own)
  end
  return call.new(client, setmetatable(own, spec), options)
end

-- ---- Kinds of methods ----
--
-- Each is made from a row's spec, the class of its resource and the name of the
-- method.

local kinds = {}

-- method(id or object, options)
local function of_one(spec, class, name)
  return function(self, id, options)
    class.client_of(self, name)
    options = options and read_options(options) or none
    local this, err = operation.prepare(self, spec, id, options)
    if not this then return nil, err end
    return this:run()
  end
end

-- method(id or object, the other id or object, request, options), each of the
-- first three only if the row has it.
local function simple(spec, class, name)
  local has_id, has_other, takes = spec.before_id, spec.other, spec.takes
  local is_keyed = spec.retry == "keyed"
  return function(self, id, other, request, options)
    class.client_of(self, name)
    if not has_id then id, other, request, options = nil, id, other, request end
    if not has_other then other, request, options = nil, other, request end
    if not takes then request, options = nil, request end
    options = options and schema.read(is_keyed and keyed_options
      or operation.options, options, "options") or none
    if is_keyed then operation.check_headers(options) end
    local this, err = make_call(self, spec, id, other, request, options)
    if not this then return nil, err end
    return this:run()
  end
end

-- method(filter, options): more ids than fit in one request are counted in
-- several, all within one timeout
function kinds.count(spec, class, name)
  return function(self, given, options)
    local client = class.client_of(self, name)
    local own = filter.read_count(spec.query, given)
    options = options and read_options(options) or none
    if own.nothing then return 0 end
    local total, clock = 0, stopwatch.new()
    for _, ids in ipairs(filter.groups(own)) do
      local target = filter.target(spec.query, spec.path, own, { ids = ids })
      local n, err = call.new(client, setmetatable({ target = target,
        clock = clock }, spec), options):run()
      if not n then return nil, err end
      total = total + n
    end
    return total
  end
end

-- method(filter, options)
function kinds.list(spec, class, name)
  return function(self, given, options)
    class.client_of(self, name)
    local own = filter.read(spec.query, given, spec.paging)
    options = options and read_options(options) or none
    return operation.iterator(listing.new(self, spec, own, options))
  end
end

-- method(filter, options), in one request
local function filtered(spec, class, name)
  return function(self, given, options)
    local client = class.client_of(self, name)
    local own = filter.read_plain(spec.query, given)
    options = options and read_options(options) or none
    if own.nothing then return {} end
    return call.new(client, setmetatable({
      target = filter.target(spec.query, spec.path, own, none),
    }, spec), options):run()
  end
end

-- The others differ by their shape only.
setmetatable(kinds, { __index = function()
  return function(spec, class, name)
    local takes_more = spec.other or spec.takes or spec.retry == "keyed"
    local kind = spec.query and filtered
      or spec.before_id and not takes_more and of_one or simple
    return kind(spec, class, name)
  end
end })

-- ---- Resources ----

local Resource = {}
Resource.__index = Resource

--- Tells the listings of this resource about an object, where there are any.
---@param id string
---@param state string  "doubtful", "gone" or "kept"
function Resource:_note(id, state)
  for watcher in next, self._watchers do watcher:note(id, state) end
end

local weak = { __mode = "k" }

--- Calls `watcher:note(id, state)` for such news, until it is collected.
---@param watcher table
function Resource:_watch(watcher)
  self._watchers = self._watchers or setmetatable({}, weak)
  self._watchers[watcher] = true
end

local function new(client, class)
  return setmetatable({ client = client, _watchers = false }, class)
end

-- What a class has for the library alone, beside what begins with "_".
local inner = { new = true, client_of = true, specs = true }

-- The `__pairs` of a class, for what it has by then.
local function pairs_of(class)
  return function(self)
    local known = {}
    for member in pairs(class) do
      if not inner[member] and member:sub(1, 1) ~= "_" then
        known[member] = true
      end
    end
    return shown.pairs(known)(self)
  end
end

--- Makes the class of a resource, with a method for each of its rows.
---@param name string  the member of the client, and of api.lua
---@param rows table
---@return table class  with new(client), and `specs` by the names of methods
function operation.resource(name, rows)
  local class = setmetatable({ specs = {} }, Resource)
  class.__index, class.__pairs = class, pairs_of(class)

  --- The client of a resource; raises if the method was called with a dot.
  function class.client_of(self, method)
    if getmetatable(self) ~= class then
      misuse.raise(("call it with a colon: client.%s:%s(…)"):format(name,
        method))
    end
    local client = self.client
    if client.closed then client:check_open() end
    return client
  end

  function class.new(client) return new(client, class) end

  for method, row in pairs(rows) do
    if type(row) == "table" and row.method then
      local spec = compile(name, rows, row)
      class.specs[method] = spec
      if not row.is_step then
        class[method] = kinds[row.returns](spec, class, method)
      end
    end
  end
  return class
end

-- ---- Resources that are loaded when they are used ----

--- Loads the class of a resource.
---@param name string
---@return table
function operation.load(name)
  return load.module("lipsync.resources." .. name)
end

local unloaded = setmetatable({}, { __index = function(classes, name)
  local function loaded(self)
    return setmetatable(self, operation.load(name))
  end
  classes[name] = {
    __index = function(self, member) return loaded(self)[member] end,
    __pairs = function(self) return pairs(loaded(self)) end,
  }
  return classes[name]
end })

--- Makes a resource, which loads its class when a member of it is first read.
---@param name string
---@param client table
---@return table
function operation.later(name, client)
  return new(client, unloaded[name])
end

return operation
