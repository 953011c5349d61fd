-- SPDX-License-Identifier: MIT
--
-- One HTTP request by hand, for specs that test a server rather than the
-- client: over its own connection, with the raw bytes of the response.

local lower = require "lipsync.base.text".lower
local scripted = require "scripted_core"
local cjson = require "cjson"

local http = {}

-- Joins the pieces of a chunked body; also returns whether it is complete.
local function unchunk(text)
  local pieces, at = {}, 1
  while true do
    local _, stop, size = text:find("^(%x+)[^\r\n]*\r\n", at)
    if not size then return table.concat(pieces), false end
    size = tonumber(size, 16)
    if size == 0 then return table.concat(pieces), true end
    pieces[#pieces + 1] = text:sub(stop + 1, stop + size)
    at = stop + size + 3
  end
end

local function parse(reply, ending)
  local answer = { headers = {}, raw = reply, ending = ending }
  local head, body = reply:match("^(.-)\r\n\r\n(.*)$")
  if not head then return answer end
  answer.status = tonumber(head:match("^HTTP/1%.1 (%d%d%d)"))
  for name, value in head:gmatch("\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
    answer.headers[lower(name)] = value
  end
  answer.body, answer.whole = body, true
  if answer.headers["transfer-encoding"] == "chunked" then
    answer.body, answer.whole = unchunk(body)
  end
  if (answer.headers["content-type"] or ""):find("application/json", 1, true)
    and not answer.headers["content-encoding"] then
    local good, value = pcall(cjson.decode, answer.body)
    answer.json = good and value or nil
  end
  return answer
end

--- Sends a request and reads until the server closes.
---@param base_url string
---@param method string
---@param target string sent unchanged
---@param options table? headers: name to value; body: string; seconds: at most
---@return table answer status, headers (lower case), body, json, whole, ending
function http.request(base_url, method, target, options)
  options = options or {}
  local lines = { ("%s %s HTTP/1.1"):format(method, target),
                  "Connection: close" }
  local host = "127.0.0.1"
  for name, value in pairs(options.headers or {}) do
    if name == "Host" then
      host = value
    else
      lines[#lines + 1] = name .. ": " .. value
    end
  end
  lines[#lines + 1] = "Host: " .. host
  if options.body then
    lines[#lines + 1] = "Content-Length: " .. #options.body
  end
  local text = table.concat(lines, "\r\n") .. "\r\n\r\n"
    .. (options.body or "")
  local port = tonumber(base_url:match(":(%d+)$"))
  local reply, ending = scripted.exchange(port, text, options.seconds or 30)
  return parse(reply or "", ending)
end

return http
