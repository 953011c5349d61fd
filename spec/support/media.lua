-- SPDX-License-Identifier: MIT
--
-- For specs of downloads: a file of 4 KiB, responses with parts of it, a folder
-- for what is fetched, and a client without delays between its attempts.

local core = require "lipsync.core"
local lipsync = require "lipsync"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local media = { size = 4096, etag = '"v1"' }

local bytes = {}
for i = 0, media.size - 1 do
  bytes[i + 1] = string.char((i * 31 + math.floor(i / 256) * 7) % 256)
end

--- The file.
media.body = table.concat(bytes)

--- Another one of the same length.
media.other = media.body:reverse()

-- `false` takes a header away.
local function fields(own, more)
  for name, value in pairs(more or {}) do own[name] = value or nil end
  return own
end

local function head(status, headers)
  local lines = {}
  for name, value in pairs(headers) do
    lines[#lines + 1] = name .. ": " .. value .. "\r\n"
  end
  table.sort(lines)
  return ("HTTP/1.1 %d Status\r\n"):format(status) .. table.concat(lines)
    .. "\r\n"
end

--- The text of a 206.
---@param first integer
---@param more table?  headers besides ours, false: none of that name
---@param body string?  of the whole file
---@return string
function media.partial(first, more, body)
  body = body or media.body
  return head(206, fields({
    ["Content-Type"] = "video/mp4", ETag = media.etag,
    ["Content-Length"] = ("%d"):format(#body - first),
    ["Content-Range"] = ("bytes %d-%d/%d"):format(first, #body - 1, #body),
  }, more)) .. body:sub(first + 1)
end

--- The text of a 200 with the whole file.
function media.whole(more, body)
  body = body or media.body
  return head(200, fields({
    ["Content-Type"] = "video/mp4", ETag = media.etag,
    ["Content-Length"] = ("%d"):format(#body),
  }, more)) .. body
end

--- The same in chunks.
function media.chunked(more, body)
  body = body or media.body
  local own = fields({ ["Content-Type"] = "video/mp4", ETag = media.etag,
                       ["Transfer-Encoding"] = "chunked" }, more)
  local pieces = { head(200, own) }
  for at = 1, #body, 1000 do
    local piece = body:sub(at, at + 999)
    pieces[#pieces + 1] = ("%x\r\n%s\r\n"):format(#piece, piece)
  end
  return table.concat(pieces) .. "0\r\n\r\n"
end

--- Any other response.
function media.answer(status, headers, body)
  return head(status, fields({
    ["Content-Length"] = ("%d"):format(#(body or "")) }, headers))
    .. (body or "")
end

--- A connection that reads a request, sends these texts and closes.
function media.once(...)
  local script = { { read = true } }
  for _, text in ipairs { ... } do script[#script + 1] = { send = text } end
  script[#script + 1] = { close = true }
  return script
end

--- The first response, cut off after so many bytes of its body.
function media.cut(text, n)
  local stop = select(2, text:find("\r\n\r\n", 1, true))
  return media.once(text:sub(1, stop + n))
end

--- A completed generation whose output is at `address`.
function media.generation(address, rest)
  return assert(lipsync.generation(service.generation("g1", "COMPLETED",
    (',"outputUrl":"%s"%s'):format(address, rest or ""))))
end

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return (text:gsub("%s+$", ""))
end

media.shell = shell

--- The content of a file, nil if there is none.
function media.read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  return text
end

function media.write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

--- What each test of a describe gets: a `folder`, `path` in it, and by
--- start(script, options) a `server`, a `client` of it and its file's `url`.
---@param before_each function
---@param after_each function
---@return table here
function media.fixture(before_each, after_each)
  local here, random = {}, core.random

  before_each(function()
    here.folder = shell "mktemp -d"
    here.path = here.folder .. "/out.mp4"
    core.random = function() return 0 end  -- no delay before a retry
  end)

  after_each(function()
    core.random = random
    here.stop()
    shell(("chmod -R u+rwx %s; rm -rf %s"):format(here.folder, here.folder))
  end)

  function here.stop()
    if here.client then here.client:close() end
    if here.server then here.server:stop() end
    here.client, here.server = nil, nil
  end

  function here.start(script, options)
    here.server = scripted.start(script)
    here.client = service.client(here.server.base_url, options)
    here.url = here.server.base_url .. "/o.mp4?sig=5ec3e7f0a1"
  end

  --- Starts, and downloads to `path`.
  function here.fetch(script, options, path)
    here.start(script)
    return here.client.generations:download(media.generation(here.url),
      path or here.path, options)
  end

  --- The names in the folder.
  function here.names()
    return shell("ls -A " .. here.folder)
  end

  --- The Range headers of the requests so far.
  function here.ranges(n)
    local found = {}
    for i, request in ipairs(here.server:requests(n)) do
      found[i] = request.headers.range or "none"
    end
    return table.concat(found, " ")
  end

  return here
end

return media
