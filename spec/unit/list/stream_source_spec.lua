-- SPDX-License-Identifier: MIT
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

describe("stream_source", function()
  local here = service.fixture(after_each)
  local start = here.start

  -- A response shorter than its Content-Length.
  local function cut(body, promised)
    return { { read = true }, { send = "HTTP/1.1 200 OK\r\nContent-Type: "
      .. "application/json\r\nContent-Length: " .. promised .. "\r\n\r\n"
      .. body }, { close = true } }
  end

  it("asks for more than a hundred ids a hundred at a time", function()
    local ids = {}
    for i = 1, 201 do ids[i] = "g" .. i end
    local generations = start { service.answer(200, service.list(100)),
      service.answer(200, "[]"), service.answer(200, service.list(1, 201)) }
    local found = assert(generations:all { ids = ids })
    assert.equal(101, #found)
    assert.equal("g201", found[101].id)
    local requests = here.server:requests(3)
    assert.match("^/v2/generations%?ids=g1,g2,", requests[1].target)
    assert.match("^/v2/generations%?ids=g101,", requests[2].target)
    assert.equal("/v2/generations?ids=g201", requests[3].target)
  end)

  it("counts the bytes of all its responses", function()
    local ids = {}
    for i = 1, 101 do ids[i] = "g" .. i end
    local first, second = service.answer(200, service.list(2)),
      service.answer(200, service.list(1, 101))
    local listing = start({ first, second }):list { ids = ids }
    assert.equal(0, listing.bytes)
    for _ = 1, 3 do assert(listing:next()) end
    assert.is_nil((listing:next()))
    assert.equal(#first[2].send + #second[2].send, listing.bytes)
    listing:close()
    assert.equal(#first[2].send + #second[2].send, listing.bytes)
  end)

  it("retries until its first generation", function()
    local generations = start { service.answer(503, ""), cut("[", 500),
      service.answer(200, service.list(1)) }
    local listing = generations:list()
    assert.equal("g1", listing:next().id)
    assert.is_nil(listing:next())
    assert.equal(3, #here.server:requests(3))
  end)

  it("reports how many generations it delivered before it broke", function()
    local listing = start({ cut("[" .. service.generation "a" .. ",", 5000) })
      :list()
    assert.equal("a", listing:next().id)
    local _, err = listing:next()
    assert.equal("connection", err.kind)
    assert.equal(1, err.delivered)
    assert.equal("connection", err.cause.kind)
    assert.equal("list generations: the connection broke after 1 generation. "
      .. "A listing in one answer cannot be resumed; with page_size = 100 it "
      .. "is.", tostring(err))
    assert.equal(1, #here.server:requests(1))
  end)

  it("stalls only during a wait", function()
    local listing = start({ { { read = true }, { send = "HTTP/1.1 200 OK\r\n"
        .. "Content-Length: 5000\r\n\r\n[" .. service.generation "a" .. "," },
        { hold = true } } }, { stall_timeout = 0.2 }):list()
    assert.equal("a", listing:next().id)
    scripted.sleep(0.3)
    local from = scripted.now()
    local _, err = listing:next()
    assert.is_true(scripted.now() - from >= 0.15)
    assert.equal("timeout", err.kind)
    assert.match("nothing received for 0.2 s %(stall_timeout%), after 1 "
      .. "generation", err.message)
  end)

  it("delivers while the response arrives", function()
    local listing = start({ { { read = true }, { send = "HTTP/1.1 200 OK\r\n"
      .. "Content-Length: 5000\r\n\r\n[" .. service.generation "a" .. "," },
      { hold = true } } }):list()
    assert.equal("a", listing:next().id)
    assert.equal(0, #here.server:gone())
    assert.is_true(listing.bytes > 100 and listing.bytes < 1000)
    listing:close()
  end)

  it("holds no slot across the loop body", function()
    local generations = start({ { { read = true }, { send = "HTTP/1.1 200 OK"
      .. "\r\nContent-Length: 5000\r\n\r\n[" .. service.generation "a"
      .. "," }, { hold = true } }, service.answer(204, "") },
      { max_in_flight = 1 })
    local listing = generations:list()
    assert.is_truthy(assert(listing:next()):delete())
    listing:close()
  end)

  it("releases abandoned objects, whatever a VM has compiled", function()
    local emulator = require "spec.support.emulator"
    local http = require "lipsync.http"
    local server2 = emulator.start { generations = 100 }
    for round = 1, 12 do
      local other = service.client(server2.base_url, { max_in_flight = 1000,
        api_key = server2.key })
      for _ = 1, 12 do
        local listing = other.generations:list(
          round % 2 == 0 and { page_size = 10 } or nil)
        for _ = 1, 15 do assert(listing:next()) end
      end
      other = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.same({ 0, 0 }, { http.live() }, round)
    end
    server2:stop()
  end)
end)
