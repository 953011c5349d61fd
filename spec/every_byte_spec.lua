-- SPDX-License-Identifier: MIT
-- Answers that break behind every single byte, through the public calls: by a
-- close (by a reset or silence behind a sample of them), plain, chunked and
-- gzip, on a fresh connection and on a reused one. And answers that arrive in
-- two pieces, parted at every byte.

local gzip = require "spec.support.gzip"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local ROWS = 3

local body = service.list(ROWS)

-- How many bytes of `body` end each generation.
local ends = {}
do
  local at = 1
  for i = 1, ROWS do
    local _, stop = body:find(service.generation("g" .. i), at, true)
    ends[i], at = stop, stop
  end
end

-- How many generations are complete in the first `n` bytes of the body.
local function complete(n)
  local count = 0
  for _, stop in ipairs(ends) do
    if n >= stop then count = count + 1 end
  end
  return count
end

-- An answer: its bytes, where its head ends, and how many bytes of the body
-- have come with so many bytes of the whole (nil where that is not known).
local function plain_answer()
  local bytes = scripted.response(200, body)
  local head = #bytes - #body
  return { bytes = bytes, head = head,
           arrived = function(n) return math.max(0, n - head) end }
end

local CHUNK = 16

local function chunked_answer()
  local head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    .. "Transfer-Encoding: chunked\r\n\r\n"
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
  return { bytes = table.concat(pieces), head = #head,
           arrived = function(n)
             while n > 0 and not arrived[n] do n = n - 1 end
             return arrived[n] or 0
           end }
end

local function gzip_answer()
  local packed = gzip(body)
  local bytes = scripted.response(200, packed,
    { ["Content-Encoding"] = "gzip" })
  return { bytes = bytes, head = #bytes - #packed }
end

local answers = { plain = plain_answer(), chunked = chunked_answer(),
                  gzip = gzip_answer() }

describe("an answer that breaks behind every byte", function()
  local server, client

  local function serve(script, options)
    server = scripted.start(script)
    local own = { max_attempts = 1 }
    for name, value in pairs(options or {}) do own[name] = value end
    client = service.client(server.base_url, own)
  end

  after_each(function()
    client:close()
    server:stop()
  end)

  -- A connection for each cut; where `reused`, one that has answered before.
  local function cut_script(bytes, finish, reused, positions)
    local script, whole = {}, scripted.response(200, "[]")
    for i, n in ipairs(positions) do
      local steps = {}
      if reused then steps = { { read = true }, { send = whole } } end
      steps[#steps + 1] = { read = true }
      if n > 0 then steps[#steps + 1] = { send = bytes:sub(1, n) } end
      steps[#steps + 1] = finish
      script[i] = steps
    end
    return script
  end

  -- Before the first line is complete a reused connection has died early:
  -- libcurl then opens another one, which would take the next script.
  local function every(bytes, step, reused)
    local positions = {}
    local first = reused and bytes:find "\n" or 0
    -- To libcurl the last byte of the last chunk does not matter.
    for n = first, #bytes - 2, step or 1 do
      positions[#positions + 1] = n
    end
    return positions
  end

  -- What can be read of a listing: ids, how many, and the error.
  local function read_all(listing)
    local seen, count = {}, 0
    while true do
      local generation, err = listing:next()
      if not generation then return count, err end
      count = count + 1
      assert.is_nil(seen[generation.id])
      seen[generation.id] = true
      assert.equal(service.generation("g" .. count), generation:json())
    end
  end

  -- How long silence is borne: longer than a busy machine may take.
  local function patience(finish)
    return finish.stall and { stall_timeout = 0.1 } or nil
  end

  local function listing_breaks(answer, finish, reused, kind, step)
    local positions = every(answer.bytes, step, reused)
    serve(cut_script(answer.bytes, finish, reused, positions))
    local most = 0
    for _, n in ipairs(positions) do
      if reused then assert(client.generations:all()) end
      local listing = client.generations:list(nil, patience(finish))
      local count, err = read_all(listing)
      assert.is_table(err, n)
      assert.equal(kind(n, answer), err.kind, n .. ": " .. tostring(err))
      assert.equal(count, listing.delivered)
      assert.equal(count, err.delivered)
      if answer.arrived and finish.close then
        assert.equal(complete(answer.arrived(n)), count, n)
      elseif answer.arrived then
        assert.is_true(count <= complete(answer.arrived(n)), n)
      end
      assert.is_true(count >= most or not finish.close, n)
      most = math.max(most, count)
      -- The same again for who asks again.
      local again, same = listing:next()
      assert.is_nil(again)
      assert.equal(err, same)
    end
    -- The request is on the server's log once for each attempt.
    local asked = #positions * (reused and 2 or 1)
    assert.equal(asked, #server:requests(asked))
  end

  local function connection() return "connection" end
  local function timeout() return "timeout" end

  for name, answer in pairs(answers) do
    for _, reused in ipairs { false, true } do
      local where = name .. (reused and ", reused" or ", fresh")

      it("is a broken connection: listing, close, " .. where, function()
        listing_breaks(answer, { close = true }, reused, connection)
      end)

      -- A reset may take bytes with it that have arrived.
      if not reused then
        it("is a broken connection: listing, reset, " .. where, function()
          listing_breaks(answer, { reset = true }, reused, connection, 3)
        end)
      end

      it("is a stall: listing, silence, " .. where, function()
        listing_breaks(answer, { stall = 30 }, reused, timeout,
          53)
      end)
    end
  end

  it("is a broken connection where a reused one dies at once, asked once",
    function()
      local bytes = answers.plain.bytes
      for n = 0, bytes:find "\n" - 1, 4 do
        local script = cut_script(bytes, { close = true }, true, { n })
        script[2] = { { read = true } }  -- what libcurl opens in vain
        serve(script)
        assert(client.generations:all())
        local found, err = client.generations:all()
        assert.is_nil(found)
        assert.equal("connection", err.kind)
        assert.equal(2, #server:requests(2), n)
        client:close()
        server:stop()
      end
    end)

  -- A delete: whatever has a status line of 2xx has happened.
  local deleted = scripted.response(200, service.generation "g1")

  local function delete_breaks(finish, kind, step)
    local positions = every(deleted, step)
    local head = deleted:find("\r\n\r\n", 1, true) + 3
    serve(cut_script(deleted, finish, false, positions))
    for _, n in ipairs(positions) do
      local generation, err = client.generations:delete("g1",
        patience(finish))
      if n >= head and finish.close then
        assert.equal("g1", generation and generation.id, n)
        assert.is_nil(err)
      elseif generation then
        assert.is_true(n >= head)
      else
        assert.equal(kind, err.kind, n)
        assert.matches("may have been deleted", tostring(err), 1, true)
        assert.is_nil(tostring(err):find(service.key, 1, true))
      end
    end
    assert.equal(#positions, #server:requests(#positions))
  end

  it("is a broken connection or a success: delete, close", function()
    delete_breaks({ close = true }, "connection")
  end)

  it("is a broken connection or a success: delete, reset", function()
    delete_breaks({ reset = true }, "connection", 3)
  end)

  it("is a stall or a success: delete, silence", function()
    delete_breaks({ stall = 30 }, "timeout", 23)
  end)

  -- An error: of one that is not there as a whole nothing is believed.
  local refused = scripted.response(409, '{"message":"busy","statusCode":409,'
    .. '"errorCode":"generation_not_deletable_while_processing"}')

  local function error_breaks(finish, kind, step)
    local positions = every(refused, step)
    serve(cut_script(refused, finish, false, positions))
    for _, n in ipairs(positions) do
      local generation, err = client.generations:delete("g1",
        patience(finish))
      assert.is_nil(generation)
      assert.equal(kind, err.kind, n)
      assert.is_nil(err.errorCode)
    end
    assert.equal(#positions, #server:requests(#positions))
  end

  it("is a broken connection: error, close", function()
    error_breaks({ close = true }, "connection")
  end)

  it("is a broken connection: error, reset", function()
    error_breaks({ reset = true }, "connection", 3)
  end)

  it("is a stall: error, silence", function()
    error_breaks({ stall = 30 }, "timeout", 31)
  end)

  it("is asked again for a page, and nothing comes twice", function()
    local pages = { service.list(2), service.list(1, 3), "[]" }
    local script, n = {}, 0
    for i, page in ipairs(pages) do
      local bytes = scripted.response(200, page, { Connection = "close" })
      for at = 5 * i, #bytes - 2, math.ceil(#bytes / 3) do
        n = n + 1
        script[n] = { { read = true }, { send = bytes:sub(1, at) } }
      end
      n = n + 1
      script[n] = { { read = true }, { send = bytes } }
    end
    serve(script, { max_attempts = 50, timeout = 60 })
    local listing = client.generations:list { page_size = 2 }
    local count, err = read_all(listing)
    assert.is_nil(err)
    assert.equal(ROWS, count)
    assert.equal(n, #server:requests(n))
  end)
end)

describe("an answer in two pieces, parted at every byte,", function()
  for name, answer in pairs(answers) do
    it("is read as one: " .. name, function()
      local steps = {}
      for n = 1, #answer.bytes - 1 do
        steps[#steps + 1] = { read = true }
        steps[#steps + 1] = { send = answer.bytes:sub(1, n) }
        steps[#steps + 1] = { stall = 0.002 }
        steps[#steps + 1] = { send = answer.bytes:sub(n + 1) }
      end
      local server = scripted.start { steps }
      local client = service.client(server.base_url, { max_attempts = 1 })
      for n = 1, #answer.bytes - 1 do
        local ids = {}
        for generation in client.generations:list() do
          ids[#ids + 1] = generation.id
        end
        assert.equal("g1 g2 g3", table.concat(ids, " "), n)
      end
      client:close()
      server:stop()
    end)
  end
end)
