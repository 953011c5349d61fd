-- SPDX-License-Identifier: MIT
--
-- Services for examples/haproxy/haproxy.cfg. One client serves all streams.

local lipsync = require "lipsync"

local client = assert(lipsync.new())

-- What went wrong, as the service said it.
local function refuse(applet, err)
  local body = err.body or '{"message":"no answer"}'
  core.log(core.err, tostring(err))
  applet:set_status(err.statusCode or 502)
  applet:add_header("content-type", "application/json")
  applet:add_header("content-length", tostring(#body))
  applet:start_response()
  applet:send(body)
end

-- GET /generations?status=FAILED: JSON lines, while they arrive.
core.register_service("list", "http", function(applet)
  local status = applet.qs:match "status=([%w,]+)"
  local listing = client.generations:list { status = status }
  local generation, err = listing:next()
  if err then return refuse(applet, err) end
  applet:set_status(200)
  applet:add_header("content-type", "application/x-ndjson")
  applet:start_response()
  while generation do
    applet:send(generation:json { compact = true } .. "\n")
    generation, err = listing:next()
  end
  if err then core.log(core.err, tostring(err)) end
end)

-- DELETE /generations/ID
core.register_service("delete", "http", function(applet)
  local deleted, err = client.generations:delete(
    applet.path:match "([^/]+)$")
  if not deleted then return refuse(applet, err) end
  local body = deleted:json()
  applet:set_status(200)
  applet:add_header("content-type", "application/json")
  applet:add_header("content-length", tostring(#body))
  applet:start_response()
  applet:send(body)
end)
