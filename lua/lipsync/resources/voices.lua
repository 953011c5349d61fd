-- SPDX-License-Identifier: MIT
-- client.voices: voices that can speak texts, and clones of one's own.

local api = require "lipsync.api"
local backoff = require "lipsync.error.backoff"
local call = require "lipsync.call"
local core = require "lipsync.core"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"
local sleep = require "lipsync.call.sleep"

core.object_type { name = "Voice", shows = { "id", "name" } }

---@class lipsync.VoiceFilter
---@field provider string|nil  "elevenlabs"
---@field extra table|nil  parameters that this version does not know

---@class lipsync.CloneRequest
---@field name string
---@field provider string  "elevenlabs"
---@field file string|nil  path of a sample, which is uploaded as an asset; this
---   or one of the next two
---@field assetId string|table|nil
---@field url string|nil  of a file in the service's storage
---@field extra table|nil  members that this version does not know

---@class lipsync.Voices
---@field list fun(self, filter: lipsync.VoiceFilter|nil,
---   options: lipsync.CallOptions|nil): table[]|nil, lipsync.Error|nil  an
---   array; a voice that nobody has cloned may have no id
---@field get fun(self, id: string|table, options: lipsync.CallOptions|nil):
---   table|nil, lipsync.Error|nil
---@field delete fun(self, id: string|table, options: lipsync.CallOptions|nil):
---   table|nil, lipsync.Error|nil, string|nil
local Voices = operation.resource("voices", api.voices)

-- What tells two voices apart: not all have an id.
local function mark(voice)
  return voice:get "id" or voice:get "voiceId" or voice:get "name"
end

-- The options of one of the calls that a clone is made of: the client's
-- timeout, but no more than is left of the whole.
local function options_of(self)
  local left = self.timeout - (core.now() - self.began)
  return schema.join(self.given, {
    timeout = math.max(0.001, math.min(left, self.client.options.timeout)),
  })
end

-- The voices of the wanted name, by their marks.
local function named(self)
  local list, err = self.client.voices:list({ provider = self.body.provider },
    options_of(self))
  if not list then return nil, err end
  local found = {}
  for _, voice in ipairs(list) do
    if voice:get "name" == self.body.name then found[mark(voice)] = voice end
  end
  return found
end

-- Looks for the voice that a request may have cloned; some times, because it
-- may take a moment to be listed.
local function look_up(self, before)
  local most = self.given.max_attempts or self.client.options.max_attempts
  for n = 1, most do
    for key, voice in pairs(named(self) or {}) do
      if not before[key] then return voice end
    end
    if n == most or core.now() - self.began >= self.timeout
       or not sleep.run(self.client, backoff.jitter(n, core.random()),
        Voices.specs.clone.action) then
      return nil
    end
  end
end

-- Sends the request, once.
local function send(self, before)
  local spec = Voices.specs.clone
  local text, err = operation.encode(self.client, spec, self.given, self.body)
  if not text then return nil, err end
  local voice
  voice, err = call.new(self.client, setmetatable({ body = text,
    content_type = "application/json" }, spec), options_of(self)):run()
  if voice then return voice end
  voice = err.outcomeUnknown and look_up(self, before)
  return voice or nil, not voice and err or nil
end

-- Uploads the sample, if it is a file. Returns an error if that failed.
local function upload(self)
  local body = self.body
  if not body.file then return nil end
  local asset, err = self.client.assets:upload(body.file, self.given)
  body.file, body.assetId = nil, asset and asset:get "id"
  return err
end

--- Clones a voice from a sample. The request is sent once: after an unknown
--- outcome the voice is looked for by its name, among those that were not there
--- before, and never cloned a second time.
---@param request lipsync.CloneRequest
---@param options lipsync.CallOptions|nil  `timeout` is for all of it; without
---   one the upload of a file has none
---@return table|nil voice
---@return lipsync.Error|nil err
function Voices:clone(request, options)
  local client = Voices.client_of(self, "clone")
  local body = Voices.specs.clone.takes(request, "request")
  local given = schema.read(operation.options, options, "options")
  if (body.file and 1 or 0) + (body.assetId and 1 or 0) + (body.url and 1 or 0)
     ~= 1 then
    misuse.raise "request must have one of file, assetId and url"
  end
  local this = { client = client, body = body, given = given,
                 began = core.now(), timeout = given.timeout or math.huge }
  local before
  local err = upload(this)
  if err then return nil, err end
  before, err = named(this)
  if not before then return nil, err end
  return send(this, before)
end

return Voices
