-- SPDX-License-Identifier: MIT
--
-- Helpers for specs of the Lua layer: a client of a scripted server, and
-- texts for such a server to send.

local emulator = require "spec.support.emulator"
local scripted = require "spec.support.scripted"

local service = { key = "spec-key" }

--- The JSON of a generation.
---@param id string
---@param status string? default COMPLETED
---@param rest string? further members, beginning with a comma
---@return string
function service.generation(id, status, rest)
  return ('{"id":"%s","createdAt":"2026-08-25T10:00:00.000Z","input":[],'
    .. '"model":"lipsync-2","status":"%s"%s}')
    :format(id, status or "COMPLETED", rest or "")
end

--- The JSON of a list of `n` generations, numbered from `first`.
---@param n integer
---@param first integer? default 1
---@return string
function service.list(n, first)
  local items = {}
  for i = 1, n do
    items[i] = service.generation(("g%d"):format((first or 1) + i - 1))
  end
  return "[" .. table.concat(items, ",") .. "]"
end

--- A connection that answers one request and closes.
---@param status integer
---@param body string
---@param headers table<string, string>?
---@return table
function service.answer(status, body, headers)
  -- Announced, because otherwise the client would reuse a closed connection.
  local own = { Connection = "close" }
  for name, value in pairs(headers or {}) do own[name] = value end
  return { { read = true }, { send = scripted.response(status, body, own) } }
end

-- Callbacks that collect all garbage first.
local function collecting(options)
  for name, value in pairs(options) do
    if type(value) == "function" then
      options[name] = function(...)
        collectgarbage()
        return value(...)
      end
    end
  end
end

--- A client with short waits. It retries, but not for long.
---@param base_url string
---@param options table?
---@return table
function service.client(base_url, options)
  local own = { api_key = service.key, base_url = base_url, timeout = 20 }
  for name, value in pairs(options or {}) do own[name] = value end
  if os.getenv "LIPSYNC_COLLECT" == "1" then collecting(own) end
  return assert(require "lipsync".new(own))
end

local days = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }
local months = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
                 "Oct", "Nov", "Dec" }

--- A time as a header of HTTP has it, in any locale.
---@param seconds integer  since 1970
---@return string
function service.date(seconds)
  local date = os.date("!*t", seconds)
  return ("%s, %02d %s %04d %02d:%02d:%02d GMT"):format(days[date.wday],
    date.day, months[date.month], date.year, date.hour, date.min, date.sec)
end

--- A server and its client for each test of a describe, closed after it.
---@param after_each function  busted's
---@return table here  with `server` and `client` after start(script, options)
---   or emulate(options), which return the client's generations. stop() closes
---   them before the end of a test
function service.fixture(after_each)
  local here = {}

  function here.start(script, options)
    here.server = scripted.start(script)
    here.client = service.client(here.server.base_url, options)
    return here.client.generations
  end

  function here.emulate(options)
    here.server = assert(emulator.start(options))
    here.client = service.client(here.server.base_url,
      { api_key = here.server.key })
    return here.client.generations
  end

  function here.stop()
    if here.client then here.client:close() end
    if here.server then here.server:stop() end
    here.server, here.client = nil, nil
  end

  after_each(here.stop)
  return here
end

return service
