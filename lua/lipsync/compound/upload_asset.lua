-- SPDX-License-Identifier: MIT
-- Uploading a file as an asset, in three steps: the service names an address,
-- the file goes there, and the service makes an asset of it. Each step may be
-- repeated: another address costs nothing, the same bytes may be put again, and
-- before the last step is repeated its asset is looked for.

local attempt = require "lipsync.call.attempt"
local call = require "lipsync.call"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local http = require "lipsync.http"
local lower = require "lipsync.base.text".lower
local media_type = require "lipsync.base.media_type"
local misuse = require "lipsync.base.misuse"
local operation = require "lipsync.operation"
local schema = require "lipsync.base.schema"
local stopwatch = require "lipsync.base.stopwatch"
local unkeyed = require "lipsync.compound.unkeyed"
local upload = require "lipsync.call.upload"
local url = require "lipsync.base.url"

local upload_asset = {}

---@class lipsync.UploadOptions : lipsync.CallOptions
---@field name string|nil  default the file's own
---@field content_type string|nil  default by the file's suffix
---@field type string|nil  VIDEO, AUDIO or IMAGE; default by the content type
---@field visibility string|nil  USER (the service's default) or ORGANIZATION
---@field projectId string|nil
---@field timeout number|nil  seconds for the whole upload; default none
---@field answer_timeout number|nil  seconds from the file's last byte to the
---   first of the response; default 300
---@field on_progress nil|fun(sent: integer, total: integer)  bytes of the file;
---   begins anew with each attempt
upload_asset.options = schema.join(operation.options, {
  name = schema.text, content_type = schema.text, type = schema.text,
  visibility = schema.text, projectId = schema.id "Project",
  answer_timeout = schema.seconds, on_progress = schema.callable(),
})

-- In seconds: the wait for the response to the file. In bytes: the end of the
-- file, held back until it is known not to have changed.
local patience, held = 300, 4096

local action = "upload asset"

local function about(self)
  local facts = self.client:about()
  facts.action, facts.tag = action, self.options.tag
  facts.seconds = self.clock:seconds()
  return facts
end

-- The options of one of the calls for JSON: the client's timeout, but no more
-- than is left of the whole.
local function options_of(self)
  return call.part(self.options, math.min(self.timeout,
    self.clock:seconds() + self.client.options.timeout))
end

-- Makes one of these calls.
local function post(self, spec, body)
  return call.new(self.client, setmetatable({ body = core.encode(body),
    content_type = "application/json", clock = self.clock }, spec),
    options_of(self)):run()
end

-- ---- The file ----

--- The kinds of assets, by the types of inputs and of content.
upload_asset.kinds = { video = "VIDEO", audio = "AUDIO", image = "IMAGE" }

-- The kind of asset by its content type; nil if it is not known.
local function kind_of(content_type)
  return upload_asset.kinds[content_type:match "^[a-z]+"]
end

local function opened(self)
  local body, raw = http.body { file = self.path }
  if body then return body end
  return nil, errors.from_failure(raw, about(self))
end

-- Opens the file, which must be the one that it was before.
local function open(self)
  local body, err = opened(self)
  if not body then return nil, err end
  self.stamp = self.stamp or body:stamp()
  if body:stamp() == self.stamp then return body end
  body:close()
  return nil, errors.from_failure({ code = "file_changed", path = self.path },
    about(self))
end

-- ---- The address ----

-- Whether the address takes the header Content-Type: any unless its signature
-- names the headers, and then only those.
local function takes_type(query)
  local signed = query:match "[?&]X%-Amz%-SignedHeaders=([^&]*)"
  if not signed then return true end
  signed = ";" .. lower((signed:gsub("%%3[Bb]", ";"))) .. ";"
  return signed:find(";content-type;", 1, true) ~= nil
end

local empty = "The address is signed for an empty file "
  .. "(x-amz-checksum-crc32=AAAAAA==), so it takes no other"

-- What to do about a refusal. By default Amazon's libraries sign the checksum
-- of the body that they have, which is none.
local function advice_for(query)
  local is_empty = lower(query):find("[?&]x%-amz%-checksum%-crc32=aaaaaa[=%%]")
  return is_empty and { [400] = empty, [403] = empty } or nil
end

-- Asks for an address: its parts, and what the service calls the file then.
local function ask_address(self)
  local found, err = post(self, self.specs.upload_url, {
    fileName = self.name, contentType = self.content_type, size = self.length,
  })
  if not found then return nil, err end
  local address = tostring(found:get "uploadUrl")
  local origin, path, query =
    address:match "^(https?://[^/?#]+)(/[^?#]*)([^#]*)"
  if not origin or type(found:get "url") ~= "string" then
    return nil, errors.new("protocol",
      "the service named no address to upload to", about(self))
  end
  return { origin = origin, path = path, query = query, url = found:get "url" }
end

-- ---- The file's way there ----

-- What a storage says about a file that it has taken is its own affair. Nothing
-- is no page, whatever its type: some call their empty answer text/html.
local function accept(this, _, body)
  if body == "" or not this.attempt:is_page() then return true end
  return nil, this:unexpected("the word of a storage", body)
end

local put_spec = {
  method = "PUT", action = action, noun = "asset", key = false,
  retry = "idempotent", is_transfer = true, hold = held,
  on_held = upload.check_files,
  read = attempt.whole, accept = accept, headers = {},
}
put_spec.__index = put_spec

-- Sends the file; true, or nil and an error.
local function put(self, address)
  local body, err = open(self)
  if not body then return nil, err end
  local given = self.options
  local options = call.part(given, self.timeout)
  options.headers, options.on_progress = nil, given.on_progress
  options.answer_timeout = given.answer_timeout or patience
  local this = call.new(self.client, setmetatable({
    origin = address.origin, path = address.path,
    target = address.path .. address.query,
    secrets = url.add_secrets({}, address.query), body = body,
    parts = { { file = self.path } },
    content_type = takes_type(address.query) and self.content_type or nil,
    advice = advice_for(address.query), clock = self.clock,
  }, put_spec), options)
  return upload.run(this, self.length)
end

-- Sends the file to an address of the service's. One that has expired says 403;
-- then once more to another.
local function send(self)
  local address, err = ask_address(self)
  if not address then return nil, err end
  local done
  done, err = put(self, address)
  if done then return address end
  if err.statusCode ~= 403 then return nil, err end
  address, err = ask_address(self)
  if not address then return nil, err end
  done, err = put(self, address)
  return done and address or nil, err
end

-- ---- The asset ----

-- An address without what is only signed into it.
local function bare(address)
  return type(address) == "string" and address:match "^[^?#]*" or nil
end

-- The asset of this upload, if an earlier request has made it after all.
-- Returns also an error if that cannot be known.
local function find(self, public)
  local listing = self.assets:list({ searchQuery = self.name, limit = 100 },
    options_of(self))
  while true do
    local asset, err = listing:next()
    if not asset then return nil, err end
    if bare(asset:get "url") == bare(public) then return asset end
  end
end

-- Has the service make an asset of the file.
local function register(self, public)
  local given = self.options
  return unkeyed.create {
    client = self.client, spec = self.specs.create, action = action,
    clock = self.clock, timeout = self.timeout,
    body = { url = public, type = self.type, name = self.name,
             visibility = given.visibility, projectId = given.projectId },
    options = function() return options_of(self) end,
    find = function() return find(self, public) end,
  }
end

-- ---- All of it ----

-- What cannot be sent, although the program is right: the path may come from
-- elsewhere.
local function invalid(self, problem, field)
  return nil, operation.invalid(self.client, self.specs.create, self.options,
    problem, field, action)
end

--- See client.assets:upload.
---@param assets lipsync.Assets
---@param specs table  of its rows
---@param path string
---@param options lipsync.UploadOptions|nil
---@param clock table|nil  a stopwatch of more than this upload
---@param stamp string|nil  of the file as it must be
---@return table|nil asset
---@return lipsync.Error|nil err
function upload_asset.run(assets, specs, path, options, clock, stamp)
  if type(path) ~= "string" or path == "" then
    misuse.raise("path must be a string with a path, got " .. misuse.show(path))
  end
  options = schema.read(upload_asset.options, options, "options")
  local content_type = options.content_type or media_type.of(path)
  local self = {
    assets = assets, client = assets.client, specs = specs, path = path,
    options = options, clock = clock or stopwatch.new(),
    timeout = options.timeout or math.huge, content_type = content_type,
    name = options.name or media_type.file_name(path),
    type = options.type or kind_of(content_type), stamp = stamp,
  }
  if path:find("\0", 1, true) then
    return invalid(self, "the path has a NUL character", "path")
  elseif not core.encode(self.name) then
    return invalid(self, "the name of the file is not UTF-8", "name")
  elseif not self.type then
    return invalid(self, "it is not known whether this is a video, a sound or "
      .. "an image: pass type and content_type", "type")
  end
  local body, err = open(self)
  if not body then return nil, err end
  self.length = body:length()
  body:close()
  local address
  address, err = send(self)
  if not address then return nil, err end
  return register(self, address.url)
end

return upload_asset
