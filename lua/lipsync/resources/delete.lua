-- SPDX-License-Identifier: MIT
-- Deleting one generation, as a call that the caller may wait for or move on
-- among others. Every 2xx means deleted, whatever its body. A 404 behind an
-- attempt whose outcome is unknown means gone, by whom is not known.

local call = require "lipsync.call"
local misuse = require "lipsync.base.misuse"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local url = require "lipsync.base.url"

local delete = {}

--- The id of what was given: an id, or a generation. Raises for all else.
---@param given string|lipsync.Generation
---@return string id
---@return lipsync.Generation|nil generation
function delete.identify(given)
  if type(given) == "string" then return given end
  if not core.is_generation(given) then
    misuse.raise("id must be a string or a generation, got "
      .. misuse.show(given))
  end
  local id = given:get "id"
  if type(id) ~= "string" then
    misuse.raise("this generation has no id")
  end
  return id, given
end

-- The generation that was passed in, or one made of its id.
local function stand_in(client, id, generation)
  if generation then return generation end
  local quoted = id:gsub('["\\]', "\\%0")
  return (core.generation('{"id":"' .. quoted .. '"}', client))
end

-- The generation that the service sent back, if it is that.
local function answered(client, id, body)
  local is_one = body and #body <= client.options.max_generation
  local generation = is_one and core.generation(body, client)
  return generation and generation:get "id" == id and generation or nil
end

-- What the client's listings are to think of a row from now on.
local function tell(client, id, state)
  for policy in pairs(client.pagings) do policy:note(id, state) end
end

--- The error for an id that cannot be sent.
---@param client table
---@param action string
---@param problem string
---@return lipsync.Error
function delete.bad_id(client, method, action, problem)
  local about = client:about()
  about.action, about.method = action, method
  return errors.new("invalid", problem, about, nil, "id")
end

-- What the parts of the call know: its id, and the generation passed in.
local function taken_for(this)
  return stand_in(this.client, this.spec.id, this.spec.generation)
end

local function accept(this, _, body)
  return answered(this.client, this.spec.id, body) or taken_for(this)
end

local function refused(this, err)
  if err.statusCode ~= 404 or not this.outcome_unknown then return nil end
  return taken_for(this), "already_gone"
end

local function on_start(this)
  tell(this.client, this.spec.id, "doubtful")
end

-- With an unknown outcome it stays in doubt.
local function on_end(this)
  if this.value ~= nil or this.err.statusCode == 404 then
    tell(this.client, this.spec.id, "gone")
  elseif not this.outcome_unknown then
    tell(this.client, this.spec.id, "kept")
  end
end

-- What is the same for each; the rest is looked up before it.
local spec = {
  action = "delete generation", method = "DELETE", read = call.read_whole,
  accept = accept, settle = taken_for, refused = refused,
  on_start = on_start, on_end = on_end,
}
spec.__index = spec

--- Prepares a deletion.
---@param client table
---@param given string|lipsync.Generation
---@param options table  from options.call
---@param group table|nil  the lanes it is to be one of
---@return table|nil call
---@return lipsync.Error|nil err  for an id that cannot be sent
function delete.prepare(client, given, options, group)
  local id, generation = delete.identify(given)
  local segment, problem = url.segment(id)
  if not segment then
    return nil, delete.bad_id(client, spec.method, spec.action, problem)
  end
  return call.new(client, setmetatable({
    id = id, generation = generation, path = "/v2/generations/" .. segment,
    group = group, clock = group and group.clock:lap(),
  }, spec), options)
end

return delete
