-- SPDX-License-Identifier: MIT
--
-- Responses that end too early, for many requests at once: a request names its
-- response, and the byte after which it breaks, in a header, "X-Cut: get 17".
-- Also the encodings of responses, how much of a body a cut leaves, and the
-- server.

local gzip = require "spec.support.gzip"
local scripted = require "spec.support.scripted"

local cuts = {}

cuts.encodings = { "plain", "chunked", "gzip" }

local CHUNK = 16

local function plain(status, body)
  local bytes = scripted.response(status, body)
  local head = #bytes - #body
  return { bytes = bytes, head = head, last = #bytes - 1,
           arrived = function(n) return math.max(0, n - head) end }
end

local function chunked(status, body)
  local head = ("HTTP/1.1 %d Status\r\n"):format(status)
    .. "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
  local pieces, arrived, total = { head }, {}, 0
  local at = #head
  for i = 1, #body, CHUNK do
    local piece = body:sub(i, i + CHUNK - 1)
    local size = ("%x\r\n"):format(#piece)
    pieces[#pieces + 1] = size .. piece .. "\r\n"
    at = at + #size
    for _ = 1, #piece do
      at, total = at + 1, total + 1
      arrived[at] = total
    end
    at = at + 2
  end
  pieces[#pieces + 1] = "0\r\n\r\n"
  local bytes = table.concat(pieces)
  -- libcurl does not need the last byte of the last chunk.
  return { bytes = bytes, head = #head, last = #bytes - 2,
           arrived = function(n)
             while n > 0 and not arrived[n] do n = n - 1 end
             return arrived[n] or 0
           end }
end

local function zipped(status, body)
  local packed = gzip(body)
  local bytes = scripted.response(status, packed,
    { ["Content-Encoding"] = "gzip" })
  return { bytes = bytes, head = #bytes - #packed, last = #bytes - 1 }
end

local encoders = { plain = plain, chunked = chunked, gzip = zipped }

--- A response: its bytes; the length of its head; the last byte to cut after;
--- how many bytes of the body are in the first n of all, nil if not known.
---@param status integer
---@param body string
---@param encoding string  one of cuts.encodings
---@return { bytes: string, head: integer, last: integer, arrived: function? }
function cuts.answer(status, body, encoding)
  return encoders[encoding](status, body)
end

--- The options of a call that gets the response with this name: "whole", or
--- one of those that the server was given.
---@param name string
---@param options table?
---@return table
function cuts.at(name, options)
  local own = { headers = { ["X-Cut"] = name } }
  for option, value in pairs(options or {}) do own[option] = value end
  return own
end

local function when(name) return ("X-Cut: %s\r\n"):format(name) end

--- A server that cuts a response as the request says. A request for "whole"
--- gets `whole`, late enough for other requests to come meanwhile.
---@param places { name: string, answer: table, n: integer }[]  the response
---   from cuts.answer, of which the first `n` bytes are sent
---@param ending table  the step after the cut: { close = true }, …
---@param whole string  a response's bytes
---@return table server
function cuts.server(places, ending, whole)
  local script = { pick = true,
    { when = when "whole", { stall = 0.02 }, { send = whole } } }
  for i, place in ipairs(places) do
    local sent = { send = place.answer.bytes:sub(1, place.n) }
    script[i + 1] = { when = when(place.name), place.n > 0 and sent or ending,
                      place.n > 0 and ending or nil }
  end
  return scripted.start(script)
end

--- A server that sends a response in two pieces, split as the request says;
--- further such requests get the bodies in `more`, one after the other.
---@param places { name: string, answer: table, n: integer,
---   more: string[] }[]
---@return table server
function cuts.parting_server(places)
  local script = { pick = true }
  for _, place in ipairs(places) do
    local bytes, n = place.answer.bytes, place.n
    script[#script + 1] = { when = when(place.name), times = 1,
      { send = bytes:sub(1, n) }, { stall = 0.002 },
      { send = bytes:sub(n + 1) } }
    for _, further in ipairs(place.more) do
      script[#script + 1] = { when = when(place.name), times = 1,
                              { send = further } }
    end
  end
  return scripted.start(script)
end

--- The cut requests that a server has seen: the number for each place, and for
--- how many of them the connection was a reused one.
---@param server table
---@param total integer  the number of requests to wait for, whole ones too
---@return table<string, integer> asked
---@return table<string, integer> reused
function cuts.seen(server, total)
  local asked, reused, known = {}, {}, {}
  for _, request in ipairs(server:requests(total)) do
    local name = request.headers["x-cut"]
    if name ~= "whole" then
      asked[name] = (asked[name] or 0) + 1
      if known[request.connection] then
        reused[name] = (reused[name] or 0) + 1
      end
    end
    known[request.connection] = true
  end
  return asked, reused
end

--- Calls fn(item) for each of `list` in tasks of the client, `at_once` at a
--- time. Raises the first error in one of them.
---@param client table  made with `on_task_error` cuts.keep
---@param list any[]
---@param at_once integer
---@param fn function
function cuts.each(client, list, at_once, fn)
  local last = 0
  local function work()
    while last < #list and cuts.problem == nil do
      last = last + 1
      fn(list[last])
    end
  end
  for _ = 1, math.min(at_once, #list) do client:spawn(work) end
  client:run()
  local problem = cuts.problem
  cuts.problem = nil
  if problem ~= nil then error(problem, 0) end
end

--- For `on_task_error`.
function cuts.keep(problem)
  if cuts.problem == nil then cuts.problem = problem end
end

return cuts
