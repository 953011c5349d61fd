-- SPDX-License-Identifier: MIT
--
-- The service for examples/haproxy/webhooks.cfg. Loaded by lua-load, it serves
-- all threads; each webhook is handled once as long as HAProxy runs.

local lipsync = require "lipsync"

local secret = assert(os.getenv "SYNC_WEBHOOK_SECRET", "no SYNC_WEBHOOK_SECRET")
local most, handled = 1024 * 1024, {}

-- To be called once for each id and status, after the answer.
local function on_webhook(generation)
  core.log(core.info, tostring(generation))
end

core.register_service("webhook", "http", function(applet)
  local generation, err = lipsync.webhook.verify(applet:receive(most),
    applet.headers, secret)
  applet:set_status(generation and 200 or 401)
  applet:add_header("content-length", "0")
  applet:start_response()
  if not generation then return core.log(core.warning, tostring(err)) end
  local key = generation.id .. " " .. generation.status
  if not handled[key] then
    handled[key] = true
    on_webhook(generation)
  end
end)
