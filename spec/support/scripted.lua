-- SPDX-License-Identifier: MIT
--
-- A server on 127.0.0.1 that plays a script: for responses that no HTTP library
-- would send, and for connections that no server would end that way.
--
--   local server = scripted.start {
--     { { read = true }, { send = "HTTP/1.1 200 OK\r\n" } },  -- the first
--     { { read = true }, { reset = true } },                  -- the second
--   }
--
-- A step is one of
--   read = true                     wait for one request, head and body
--   await = n                       wait for its head and n bytes of its body,
--                                   and leave them for a `read`
--   send = bytes                    also: chunk = bytes in a piece,
--   repeat_send = bytes             delay = seconds after each piece;
--                                   times = n, else until the peer leaves
--   stall = seconds                 do nothing
--   tell = true                     has Server:told return one more
--   hold = true                     drop input until the peer leaves
--   close = true                    close, as at the end of a script
--   reset = true                    send a TCP reset
-- After the last script has its connection, the server stops listening; with
-- loop = true beside the scripts the last one serves all further connections.
--
-- With pick = true a script serves a request, not a connection: each request on
-- any connection gets the first script whose `when` is in its head, and which
-- was picked fewer than `times` times if it has that.
--
--   { pick = true, { when = "GET /a ", times = 1, { send = "…" } }, … }

local lower = require "lipsync.base.text".lower
local core = require "scripted_core"

local scripted = { exchange = core.exchange, now = core.now,
                   sleep = core.sleep, hold = core.hold,
                   release = core.release }

local Server = {}
Server.__index = Server

--- Starts a server.
---@param script table connections, each an array of steps; loop, pick: boolean
---@return table server with port and base_url
function scripted.start(script)
  local handle = core.start(script, script.loop or script.pick, script.pick)
  return setmetatable({
    handle = handle,
    port = handle:port(),
    base_url = "http://127.0.0.1:" .. handle:port(),
    seen = {}, -- the records, in order
  }, Server)
end

--- An HTTP/1.1 response with a Content-Length, for a step to send.
---@param status integer
---@param body string
---@param headers table<string,string>? added to ours, or instead of them
---@return string
function scripted.response(status, body, headers)
  local fields = { ["Content-Type"] = "application/json",
                   ["Content-Length"] = ("%d"):format(#body) }
  for name, value in pairs(headers or {}) do fields[name] = value end
  local lines = {}
  for name, value in pairs(fields) do
    lines[#lines + 1] = name .. ": " .. value .. "\r\n"
  end
  table.sort(lines)
  return ("HTTP/1.1 %d Status\r\n"):format(status) .. table.concat(lines)
    .. "\r\n" .. body
end

local function parse_request(connection, head, body)
  local method, target = head:match("^(%S+) (.-) HTTP/")
  local headers = {}
  for name, value in head:gmatch("\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
    headers[lower(name)] = value
  end
  return { type = "request", connection = connection, head = head,
           body = body, method = method, target = target, headers = headers }
end

local types = { a = "accepted", g = "gone", t = "told" }

local function drain(server)
  while true do
    local kind, connection, head, body = server.handle:note()
    if not kind then return end
    local event = { type = types[kind], connection = connection }
    if kind == "r" then event = parse_request(connection, head, body) end
    server.seen[#server.seen + 1] = event
  end
end

local function of_type(server, wanted)
  drain(server)
  local found = {}
  for _, event in ipairs(server.seen) do
    if not wanted or event.type == wanted then found[#found + 1] = event end
  end
  return found
end

-- Polls until there are n records, for a limited time.
local function await(server, wanted, n, seconds)
  local deadline = core.now() + (seconds or 5)
  local found = of_type(server, wanted)
  while #found < (n or 0) and core.now() < deadline do
    core.sleep(0.001)
    found = of_type(server, wanted)
  end
  return found
end

--- The requests read so far, in their order.
---@param n integer? how many to wait for
---@param seconds number? for how long at most, default 5
---@return table[] connection, head, body, method, target, headers (lower case)
function Server:requests(n, seconds)
  return await(self, "request", n, seconds)
end

--- The connections accepted so far.
---@param n integer? how many to wait for
---@param seconds number? for how long at most, default 5
---@return table[] connection
function Server:connections(n, seconds)
  return await(self, "accepted", n, seconds)
end

--- The connections that the peer left while their script ran: in a `read` or a
--- `hold`, or in a `send` once it is noticed.
---@param n integer? how many to wait for
---@param seconds number? for how long at most, default 5
---@return table[] connection
function Server:gone(n, seconds)
  return await(self, "gone", n, seconds)
end

--- The connections whose script has come to a `tell`. What it had sent before
--- has arrived here then.
---@param n integer? how many to wait for
---@param seconds number? for how long at most, default 5
---@return table[] connection
function Server:told(n, seconds)
  return await(self, "told", n, seconds)
end

--- Closes everything at once. The records remain.
function Server:stop()
  self.handle:stop()
end

return scripted
