-- SPDX-License-Identifier: MIT
-- A download is whole, whatever byte of its response the connection breaks
-- after; and no byte is fetched twice that is here already. Cuts after every
-- 31st byte, from another start for each form; after each with
-- LIPSYNC_EVERY=1, as "make every-byte" does.

local media = require "spec.support.media"
local service = require "spec.support.service"
local scripted = require "spec.support.scripted"

local step = tonumber(os.getenv "LIPSYNC_EVERY") or 31

local forms = {
  { name = "a 206", text = media.partial(0) },
  { name = "a 200 with a length", text = media.whole() },
  { name = "a 200 in chunks", text = media.chunked(), is_chunked = true },
  { name = "a 206 that ends with its connection",
    text = media.partial(0, { ["Content-Length"] = false,
                              Connection = "close" }), is_open = true },
}

-- How many bytes of the file are in the first `n` of a response in chunks.
local function arrived_in_chunks(text, head, n)
  local at, count = head + 1, 0
  while at <= n do
    local _, stop, size = text:find("^(%x+)\r\n", at)
    if not size or stop >= n then break end
    size = tonumber(size, 16)
    if size == 0 then break end
    count = count + math.min(size, n - stop)
    at = stop + size + 3
  end
  return count
end

-- Answers a request with the rest of the file.
local function rest(from)
  return { when = ("bytes=%d-\r\n"):format(from), times = 1,
           { send = from == 0 and media.partial(0) or media.partial(from) },
           { close = true } }
end

describe("a download that breaks", function()
  local here = media.fixture(before_each, after_each)

  for index, form in ipairs(forms) do
    it("inside " .. form.name .. " is whole in the end", function()
      local text = form.text
      local head = select(2, text:find("\r\n\r\n", 1, true))
      -- libcurl does not need the end of the last chunk.
      local last = form.is_chunked and #text - 3 or #text - 1
      for n = index % step, last, step do
        local arrived = math.max(0, n - head)
        if form.is_chunked then
          arrived = arrived_in_chunks(text, head, n)
        end
        local again = rest(arrived)
        if arrived == #media.body then
          again[1] = { send = media.answer(416,
            { ["Content-Range"] = "bytes */4096" }) }
        end
        local server = scripted.start { pick = true,
          { when = "bytes=0-\r\n", times = 1, { send = text:sub(1, n) },
            { close = true } }, again }
        local client = service.client(server.base_url)
        local result, err = client.generations:download(
          media.generation(server.base_url .. "/o.mp4"), here.path)
        assert(result, ("after %d bytes: %s"):format(n, tostring(err)))
        assert.is_true(media.read(here.path) == media.body, n)
        assert.equal(2, #server:requests(), n)
        client:close()
        server:stop()
        os.remove(here.path)
      end
      assert.equal("", here.names())
    end)
  end

  it("again and again fetches each byte once", function()
    local script, at = { pick = true }, 0
    while at < #media.body do
      local n = math.min(97 + at % 7, #media.body - at)
      local text = media.partial(at)
      local stop = select(2, text:find("\r\n\r\n", 1, true))
      script[#script + 1] = { when = ("bytes=%d-\r\n"):format(at), times = 1,
        { send = text:sub(1, stop + n) }, { close = true } }
      at = at + n
    end
    local server = scripted.start(script)
    local client = service.client(server.base_url)
    local result, err = client.generations:download(
      media.generation(server.base_url .. "/o.mp4"), here.path)
    assert(result, tostring(err))
    assert.is_true(media.read(here.path) == media.body)
    assert.equal(#script, #server:requests())
    client:close()
    server:stop()
  end)
end)
