-- SPDX-License-Identifier: MIT
-- What a table from the program may hold: options, filters and request bodies.
-- A schema is a table of fields, `name = type`; a type is a function
-- (value, name) that returns a copy of the value, or raises what is wrong with
-- it. Knows no option or filter by name.

local core = require "lipsync.core"
local http = require "lipsync.http"
local misuse = require "lipsync.base.misuse"
local trim = require "lipsync.base.text".trim

local schema = {}

-- Raises "NAME must be WHAT, got VALUE".
local function refuse(name, what, value)
  misuse.raise(("%s must be %s, got %s"):format(name, what,
    misuse.show(value)))
end

-- ---- Types of single values ----

-- The tests (core.fits) of those types that have one.
local tests = {}

--- A test that most values pass which are right as they are, and none of the
--- others.
---@param field fun(value: any, name: string): any  a type
---@return any test  for core.fits; nil: no value passes
function schema.test(field)
  return tests[field]
end

--- Any value.
function schema.anything(value)
  return value
end

tests[schema.anything] = true

--- The type for values of the Lua type `wanted`.
---@param wanted string
---@return fun(value: any, name: string): any
function schema.typed(wanted)
  local function check(value, name)
    if type(value) ~= wanted then refuse(name, "a " .. wanted, value) end
    return value
  end
  tests[check] = wanted
  return check
end

schema.boolean = schema.typed "boolean"
schema.string = schema.typed "string"
schema.number = schema.typed "number"

--- A string that is never shown in a message.
function schema.secret(value, name)
  if type(value) ~= "string" then
    misuse.raise(("%s must be a string, got %s"):format(name, type(value)))
  end
  return value
end

--- A string that is not empty.
function schema.text(value, name)
  if schema.string(value, name) == "" then
    misuse.raise(name .. " is an empty string")
  end
  return value
end

tests[schema.text] = "string"

--- The type for the id of an object of the type `type_name`, or the object.
---@param type_name string
---@return fun(value: any, name: string): string
function schema.id(type_name)
  local function check(value, name)
    if core.type_of(value) == type_name then value = value:get "id" end
    return schema.text(value, name)
  end
  tests[check] = "string"
  return check
end

-- The type for numbers above 0, which `what` describes.
local function above_zero(what)
  return function(value, name)
    if type(value) ~= "number" or value ~= value or value <= 0 then
      refuse(name, what, value)
    end
    return value
  end
end

schema.positive = above_zero "a number above 0"
schema.seconds = above_zero "a number of seconds above 0"

--- The type for a whole number of at least 1, and at most `most`.
---@param most integer|nil  default 2^53, up to which a double is exact
---@return fun(value: any, name: string): integer
function schema.integer(most)
  local range = ("a whole number from 1 to %.0f"):format(most or 2 ^ 53)
  return function(value, name)
    if type(value) ~= "number" or value % 1 ~= 0 or value < 1 then
      refuse(name, most and range or "a whole number of at least 1", value)
    elseif value > (most or 2 ^ 53) then
      refuse(name, range, value)
    end
    return value
  end
end

--- The type for a string that is one of `words`.
---@param words string[]
---@return fun(value: any, name: string): string
function schema.choice(words)
  local known = {}
  for _, word in ipairs(words) do known[word] = true end
  return function(value, name)
    if known[value] then return value end
    refuse(name, "one of " .. table.concat(words, ", "), value)
  end
end

--- The type for callable values; `what` names them.
---@param what string|nil  default "a function"
---@return fun(value: any, name: string): any
function schema.callable(what)
  return function(value, name)
    if not misuse.callable(value) then
      refuse(name, what or "a function", value)
    end
    return value
  end
end

-- ---- Types of lists and tables ----

-- One element of a list.
local function element(value, name)
  if type(value) ~= "string" then
    misuse.raise(("%s must hold strings, got %s"):format(name,
      misuse.show(value)))
  elseif value == "" then
    misuse.raise(name .. " holds an empty string")
  end
  return value
end

-- "A, B" as { "A", "B" }.
local function split(value, name)
  local items = {}
  if trim(value) == "" then misuse.raise(name .. " is an empty string") end
  for part in (value .. ","):gmatch "([^,]*)," do
    items[#items + 1] = element(trim(part), name)
  end
  return items
end

--- One string, as an array.
---@return string[]
function schema.word(value, name)
  return { schema.text(value, name) }
end

--- A list of strings: an array, or one string with commas.
---@return string[]
function schema.strings(value, name)
  if type(value) == "string" then return split(value, name) end
  if type(value) ~= "table" then
    refuse(name, "a string or an array of strings", value)
  end
  local items = {}
  for i = 1, misuse.length(value, name) do
    items[i] = element(value[i], name)
    if items[i]:find(",", 1, true) then
      misuse.raise(('%s holds an element with a comma: %s'):format(name,
        misuse.show(items[i])))
    end
  end
  return items
end

--- As above, but each string once.
---@return string[]
function schema.set(value, name)
  local seen, kept = {}, {}
  for _, item in ipairs(schema.strings(value, name)) do
    if not seen[item] then
      seen[item] = true
      kept[#kept + 1] = item
    end
  end
  return kept
end

-- Why the program cannot set a header; the library that sends it decides.
local header_problems = {
  name = function(name, key)
    return ("%s must have names of headers as keys, got %s"):format(name,
      misuse.show(key))
  end,
  key = function(name)
    return name .. " must not hold x-api-key: pass api_key"
  end,
  reserved = function(name, key)
    return ("%s must not hold %s: the client sets it itself"):format(name, key)
  end,
}

--- Request headers, `name = value`. A value that cannot be sent is not misuse,
--- because it may come from outside: see schema.unsendable.
---@return table<string, string>
function schema.headers(value, name)
  if type(value) ~= "table" then refuse(name, "a table", value) end
  local own = {}
  for key, text in pairs(value) do
    local problem = type(key) ~= "string" and "name"
      or http.check_header(key, "")
    if problem then
      misuse.raise(header_problems[problem](name, key))
    elseif type(text) ~= "string" then
      misuse.raise(('%s must have strings as values, got %s for "%s"')
        :format(name, misuse.show(text), key))
    end
    own[key] = text
  end
  return own
end

--- What in the headers cannot be sent.
---@param headers table<string, string>|nil
---@return string|nil problem  "the header x has a control character"
function schema.unsendable(headers)
  for name, value in pairs(headers or {}) do
    if http.check_header(name, value) then
      return ("the header %s has a control character"):format(name)
    end
  end
  return nil
end

-- ---- Request bodies ----

--- The type for an array of at least one value of the type `of`.
---@param of fun(value: any, name: string, index: integer): any  `name` is that
---   of the array
---@return fun(value: any, name: string): table
function schema.array(of)
  local function read(value, name)
    if type(value) ~= "table" then refuse(name, "an array", value) end
    local own = {}
    local count = misuse.length(value, name)
    if count == 0 then misuse.raise(name .. " is empty") end
    for i = 1, count do
      own[i] = of(value[i], name, i)
    end
    return own
  end
  tests[read] = tests[of] ~= nil and { [0] = tests[of] } or nil
  return read
end

-- The form of a record for core.fits.
local function form_of(fields, required)
  local form = {}
  for key, field in pairs(fields) do form[key] = tests[field] end
  for i, key in ipairs(required) do form[i] = key end
  return form
end

--- The type for a table with the members `fields`. Its member `extra` holds
--- members that this version does not know.
---@param fields table<string, fun(value: any, name: string): any>
---@param required string[]  the names that must be there
---@return fun(value: any, name: string, index: integer|nil): table
function schema.record(fields, required)
  local known = schema.join(fields, { extra = schema.typed "table" })
  local function read(value, name, index)
    name = index and ("%s[%d]"):format(name, index) or name
    misuse.plain_table(value, name)
    misuse.names(value, known, "member", name)
    local own = {}
    for key, inner in pairs(value) do
      own[key] = known[key](inner, name .. "." .. key)
    end
    for _, key in ipairs(required) do
      if own[key] == nil then
        misuse.raise(("%s.%s is missing"):format(name, key))
      end
    end
    local extra = own.extra
    if not extra then return own end
    own.extra = nil
    return schema.join(extra, own)
  end
  tests[read] = form_of(fields, required)
  return read
end

-- ---- Schemas ----

local none = {}

--- Reads a table by a schema: raises for unknown names and wrong values, and
--- copies the rest.
---@param fields table<string, fun(value: any, name: string): any>
---@param given table|nil
---@param what string  "options", "filter"
---@return table own  not to be modified
function schema.read(fields, given, what)
  if given == nil then return none end
  misuse.plain_table(given, what)
  misuse.names(given, fields, (what:gsub("s$", "")))
  local own = {}
  for name, value in pairs(given) do own[name] = fields[name](value, name) end
  return own
end

--- Joins the fields of several schemas.
---@param ... table
---@return table
function schema.join(...)
  local all = {}
  for _, fields in ipairs { ... } do
    for name, field in pairs(fields) do all[name] = field end
  end
  return all
end

return schema
