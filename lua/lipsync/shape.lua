-- SPDX-License-Identifier: MIT
-- The shapes of good responses, by their names in api.lua: how to read one
-- (`read`, see call/attempt.lua), the response's `mode` (default whole), and
-- how to get the call's value (`accept`).

local attempt = require "lipsync.call.attempt"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local failure = require "lipsync.error.failure"
local texts = require "lipsync.base.text"

local shape = {}

-- An array of entries has a few KB. A much longer one is something else, and
-- decoding it in one piece would exceed the budget of a step (bytes).
local longest = 256 * 1024

-- What is in no address.
local unsafe = texts.control .. texts.space

-- Ids are UUIDs, where letter case does not matter.
local function same_id(a, b)
  return type(a) == "string" and texts.lower(a) == texts.lower(b)
end

-- Whether an object is the requested one, as far as it says.
local function is_asked(call, object)
  if not call.id then return true end
  local says = false
  for _, name in ipairs(call.spec.names) do
    local id = object:get(name)
    if same_id(id, call.id) then return true end
    says = says or id ~= nil
  end
  return not says
end

-- A body that was not read as an object, as most are, as one all the same; or
-- nil, and a failure where it is too long.
local function read_text(call, body)
  local most, spec = call.client.options.max_generation, call.spec
  if #body > most then
    return nil, { code = "object_size", noun = spec.noun, limit = most }
  end
  return (core.object(spec.type, body, call.client))
end

-- The body, an object or bytes, as the requested object, or nil and a failure.
local function read_object(call, _, body)
  local spec, object, raw = call.spec, body, nil
  if type(body) == "string" then object, raw = read_text(call, body) end
  if raw then return nil, raw end
  local id = object and object[spec.always or "id"]
  local is_one = type(id) == "string"
  if is_one and (id == call.id or is_asked(call, object)) then
    return object
  end
  local other = is_one and call.id
  return nil, call:unexpected(other and ("the %s %s"):format(spec.noun, call.id)
    or failure.article(spec.noun), object and object:json() or body)
end

--- One object, which must have the requested id.
shape.object = { read = attempt.object, accept = read_object }

--- An object that this call has made, or an earlier one with the same key.
shape.created = {
  read = attempt.object, accept = read_object,
  -- The service may know the object of an earlier attempt only by its id. Then
  -- that is the value.
  refused = function(call, err)
    local unsettled = call.spec.unsettled
    local id = unsettled and err.details[unsettled[err.errorCode]]
    if type(id) ~= "string" then return nil end
    return id, "named"
  end,
}

--- An object without an id of its own.
shape.data = {
  read = attempt.whole,
  accept = function(call, _, body)
    local name = call.spec.members[1]
    local object = #body <= longest and core.object("Object", body)
    local value = object and object:get(name)
    if value ~= nil and object
       and (not call.id or same_id(value, call.id)) then
      return object
    end
    return nil, call:unexpected("a JSON object with " .. name, body)
  end,
}

-- The object that was passed in, or one made from its id.
local function stand_in(call)
  if call.object then return call.object end
  local quoted = call.id:gsub('["\\]', "\\%0")
  return (core.object(call.spec.type, '{"id":"' .. quoted .. '"}', call.client))
end

-- Whether a response says nothing more than that it was done.
local function is_bare(status, body)
  if status == 204 then return true end
  local text = texts.trim(body)
  return text == "" or text == "true" or text:find "^{[ \t-\r]*}$" ~= nil
end

--- A removed object as it was; the service may send it, or `true`, or nothing.
shape.removed = {
  read = attempt.object,
  accept = function(call, status, body)
    local object, raw = read_object(call, status, body)
    if object or type(body) ~= "string" or not is_bare(status, body) then
      return object, raw
    end
    return stand_in(call)
  end,
  -- A 404 after an attempt with an unknown outcome means that the object is
  -- gone; whether this call removed it is unknown.
  refused = function(call, err)
    if err.statusCode ~= 404 or not call.outcome_unknown
       or not errors.is_from_service(err) then
      return nil
    end
    return stand_in(call), "already_gone"
  end,
}

--- Nothing; the value is true.
shape.done = {
  read = attempt.whole,
  accept = function(call, status, body)
    if is_bare(status, body) then return true end
    return nil, call:unexpected("nothing", body)
  end,
}

--- The address of a file, as text that may be in quotes.
shape.address = {
  read = attempt.whole,
  accept = function(call, _, body)
    local text = texts.trim(body):gsub('^"(.*)"$', "%1")
    if text:find ("^https?://[^\"<>" .. unsafe .. "]+$") then return text end
    return nil, call:unexpected("the address of a file", body)
  end,
}

-- In the place of a body that may hold a secret.
local hidden = "(hidden)"

--- A secret, by itself in an object. No error shows what came instead, unless
--- that says that it is no JSON.
shape.secret = {
  read = attempt.whole,
  accept = function(call, _, body)
    local value = #body <= errors.body_limit and core.decode(body)
    local name = call.spec.members[1]
    local text = type(value) == "table" and value[name]
    if type(text) == "string" and text ~= "" then return text end
    local raw = call:unexpected(('{"%s": text}'):format(name), body)
    local media = texts.lower(raw.media or "json")
    if media:find("json", 1, true) then raw.body = hidden end
    return nil, raw
  end,
}

--- {"count": n}
shape.count = {
  read = attempt.whole,
  accept = function(call, _, body)
    local value = #body <= errors.body_limit and core.decode(body)
    local n = type(value) == "table" and value.count
    if type(n) == "number" and n >= 0 and n % 1 == 0 then return n end
    return nil, call:unexpected('{"count": n}', body)
  end,
}

local plain = { string = true, boolean = true }

-- The members of an entry that are strings or booleans; nil unless the first of
-- them is a string.
local function read_entry(members, value)
  if type(value) ~= "table" then return nil end
  local entry = {}
  for _, name in ipairs(members) do
    if plain[type(value[name])] then entry[name] = value[name] end
  end
  return type(entry[members[1]]) == "string" and entry or nil
end

--- An array of small tables of strings; their names are the row's `members`.
shape.entries = {
  read = attempt.whole,
  accept = function(call, _, body)
    local value = #body <= longest and core.decode(body)
    local entries, count, well = {}, 0, type(value) == "table"
    for _ in pairs(well and value or {}) do
      count = count + 1
      entries[count] = read_entry(call.spec.members, value[count])
      well = well and entries[count] ~= nil
    end
    if well and body:find "^[ \t-\r]*%[" then return entries end
    return nil, call:unexpected(("an array of %ss"):format(call.spec.noun),
      body)
  end,
}

-- The array of objects, or a failure for another status.
local function accept_array(call, status, value)
  if status == 200 then return value end
  return nil, call:unexpected("a JSON array", value)
end

--- An array of objects.
shape.objects = { read = attempt.objects, accept = accept_array }

-- The objects of an array, or of an object's member; nil if any is none, or
-- lacks what each must have (`always`).
local function read_items(call, from, name)
  local spec = call.spec
  local objects = core.objects(spec.type, from, name, call.client)
  for _, object in ipairs(spec.always and objects or {}) do
    if object:get(spec.always) == nil then return nil end
  end
  return objects
end

--- A page of a list, as { items, nextCursor }: an array of objects, with the
--- cursor as its member `next`. Another name than `items` is the row's.
shape.page = {
  read = attempt.whole,
  accept = function(call, _, body)
    local spec, page = call.spec, core.object("Object", body)
    local name = spec.items or "items"
    local objects = page and read_items(call, page, name)
    if not objects then
      return nil, call:unexpected(('{"%s": [%ss]}'):format(name, spec.noun),
        body)
    end
    local token = page:get "nextCursor"
    objects.next = type(token) == "string" and token or nil
    return objects
  end,
}

--- All objects in one response: an array, or an object that has one.
shape.items = {
  read = attempt.whole,
  accept = function(call, status, body)
    if not body:find "^[ \t-\r]*%[" then
      return shape.page.accept(call, status, body)
    end
    local objects = read_items(call, body)
    if objects then return objects end
    return nil, call:unexpected(("an array of %ss"):format(call.spec.noun),
      body)
  end,
}

--- A list in one response, delivered while it arrives.
shape.stream = {
  mode = "objects", read = attempt.next,
  accept = function(call, status, value)
    local first, raw = accept_array(call, status, value)
    call.keep_open = first ~= nil or nil
    return first, raw
  end,
}

return shape
