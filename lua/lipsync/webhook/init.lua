-- SPDX-License-Identifier: MIT
-- Webhooks: what the service sends to a program when a generation has ended.
-- Needs no client and loads no libcurl; libcrypto is loaded by the first call.

local load = require "lipsync.host.load"
local misuse = require "lipsync.base.misuse"
local nginx = load.later "lipsync.webhook.nginx"
local verify = load.later "lipsync.webhook.verify"

---@class lipsync.Webhook
local webhook = {}

---@class lipsync.WebhookOptions
---@field tolerance number|false|nil  seconds that the signature's time may
---   differ from now, either way; default 300; false: any
---@field now number|nil  seconds since 1970; default os.time()

--- What a webhook says, if the service signed it. Nothing of the body is read
--- before that is known.
---@param body string  the bytes as they came
---@param signature string|table|nil  the header Sync-Signature (earlier
---   X-Signature-Primary); all values of it, in an array; or all headers of the
---   request by name
---@param secret string|string[]  whsec_…; several while one takes the place of
---   another
---@param options lipsync.WebhookOptions|nil
---@return lipsync.Generation|lipsync.Batch|nil  what has `metrics` is a batch
---@return lipsync.Error|nil err  of kind `signature`: it is not to be trusted;
---   of kind `protocol`: it is signed, but no generation and no batch
function webhook.verify(body, signature, secret, options)
  if body == webhook then
    misuse.raise("call it with a dot: "
      .. "lipsync.webhook.verify(body, signature, secret)")
  elseif type(body) ~= "string" then
    misuse.raise("body must be a string, got " .. misuse.show(body))
  elseif signature ~= nil and type(signature) ~= "string"
         and type(signature) ~= "table" then
    misuse.raise("signature must be a string or a table, got "
      .. misuse.show(signature))
  end
  return verify.run(body, signature, verify.prepare(secret, options))
end

---@class lipsync.NginxWebhookOptions
---@field secret string|string[]  whsec_…; several while one takes the place of
---   another
---@field seen string  the name of a lua_shared_dict: what was taken, for all
---   workers
---@field on_generation nil|fun(generation: lipsync.Generation)  called in a
---   timer, after the answer, once for each id and status
---@field on_batch nil|fun(batch: lipsync.Batch)  likewise; one of the two must
---   be there, and what the other would get is dropped
---@field tolerance number|false|nil  as for verify
---@field max_body number|nil  bytes; default 1 MiB
---@field remember number|nil  seconds for which a repeat is recognized; default
---   a day

--- Makes a function for content_by_lua. Call it where nginx begins, in
--- init_by_lua: then wrong options stop nginx, and libcrypto is there.
---@param options lipsync.NginxWebhookOptions
---@return fun()
function webhook.nginx(options)
  if options == webhook then
    misuse.raise "call it with a dot: lipsync.webhook.nginx { … }"
  end
  return nginx.new(options)
end

return webhook
