-- SPDX-License-Identifier: MIT
local service = require "spec.support.service"

local lipsync = require "lipsync"

describe("listing", function()
  local here = service.fixture(after_each)
  local start = here.start

  it("sends nothing before its first step", function()
    local listing = start({ service.answer(200, "[]") }):list()
    here.client:step()
    assert.equal(0, #here.server:connections())
    assert.is_nil(listing:next())
    assert.equal(1, #here.server:requests(1))
  end)

  it("yields generations to a for", function()
    local generations = start { service.answer(200, service.list(3)) }
    local ids = {}
    for generation in generations:list() do
      ids[#ids + 1] = generation.id
    end
    assert.same({ "g1", "g2", "g3" }, ids)
  end)

  it("returns them one by one, and nil for ever after the last", function()
    local listing = start({ service.answer(200, service.list(2)) }):list()
    assert.equal("g1", listing:next().id)
    assert.equal(1, listing.delivered)
    assert.equal("g2", listing:next().id)
    for _ = 1, 3 do
      local generation, err = listing:next()
      assert.is_nil(generation)
      assert.is_nil(err)
    end
    assert.equal(2, listing.delivered)
    assert.is_true(listing.bytes > 200)
  end)

  it("sends the filter and the key", function()
    local generations = start { service.answer(200, "[]") }
    generations:list({ status = { "COMPLETED", "NEW" }, limit = 5,
                       cursor = "a/b" }, { headers = { ["X-More"] = "y" } })
      :next()
    local request = here.server:requests(1)[1]
    assert.equal("/v2/generations?status=COMPLETED,NEW&limit=5&cursor=a%2Fb",
      request.target)
    assert.equal(service.key, request.headers["x-api-key"])
    assert.equal("y", request.headers["x-more"])
  end)

  it("raises for a member that it does not have", function()
    local listing = start({}):list()
    for pattern, fn in pairs {
      ['a listing has no "delivred", did you mean "delivered"? Known: bytes, '
        .. "close, cursor, delivered, next."]
        = function() return listing.delivred end,
      ['a listing has no "delivred"'] = function() listing.delivred = 1 end,
      ["next of a listing cannot be set"] = function() listing.next = 1 end,
    } do
      local ok, problem = pcall(fn)
      assert.is_false(ok)
      assert.match("listing_spec.lua:%d+: ", problem)
      assert.is_truthy(problem:find(pattern, 1, true), problem)
    end
    assert.is_nil(listing.cursor)
    listing:close()
  end)

  it("makes no request for an empty filter", function()
    local generations = start { service.answer(200, "[]") }
    assert.is_nil(generations:list({ ids = {} }):next())
    assert.is_nil(generations:list({ status = {}, page_size = 5 }):next())
    assert.same({}, (generations:all { source = {} }))
    assert.equal(0, #here.server:connections())
  end)

  it("raises its error in a for, and returns it from next", function()
    local body = '{"message":"No.","statusCode":403}'
    local generations = start { service.answer(403, body),
                                service.answer(403, body) }
    local ok, err = pcall(function()
      for _ in generations:list() do error "nothing to loop over" end
    end)
    assert.is_false(ok)
    assert.is_true(lipsync.is_error(err))
    assert.equal("list generations: 403 No.", tostring(err))
    local listing = generations:list()
    local _, first = listing:next()
    local _, again = listing:next()
    assert.equal(403, first.statusCode)
    assert.equal(first, again)
  end)

  it("stops at its limit although the service sends more", function()
    local found = assert(start({ service.answer(200, service.list(5)) })
      :all { limit = 3 })
    assert.equal(3, #found)
  end)

  it("ends in `protocol` at an object outside the filter", function()
    local body = "[" .. service.generation("a", "FAILED") .. ","
      .. service.generation("b", "PROCESSING") .. "]"
    local listing = start({ service.answer(200, body) })
      :list { status = "FAILED" }
    assert.equal("a", listing:next().id)
    local generation, err = listing:next()
    assert.is_nil(generation)
    assert.equal("protocol", err.kind)
    assert.equal("FAILED was asked for, but the service sent a generation "
      .. "with status PROCESSING", err.message)
    assert.equal(1, err.attempts)
    assert.equal(1, err.delivered)
  end)

  it("ends in `protocol` at an id that was not asked for", function()
    local list = service.answer(200, "[" .. service.generation("A", "FAILED")
      .. "," .. service.generation("b", "FAILED") .. "]")
    for _, filter in ipairs { { ids = "a" }, { ids = "a", limit = 10 },
                              { ids = { "a", "c" }, status = "FAILED" } } do
      local listing = start({ list }):list(filter)
      assert.equal("A", listing:next().id)
      local generation, err = listing:next()
      assert.is_nil(generation)
      assert.equal("protocol", err.kind)
      assert.match("^a.* was asked for, but the service sent a generation "
        .. "with id b$", err.message)
      here.stop()
    end
    local _, few = start({ list }):list({ ids = { "1", "2", "3", "4", "5" } })
      :next()
    assert.match("^1, 2, 3, 4, 5 was asked for", few.message)
    here.stop()
    local ids = {}
    for i = 1, 9 do ids[i] = "i" .. i end
    local _, err = start({ list }):list({ ids = ids }):next()
    assert.match("^i1, i2, i3, i4, i5, … was asked for", err.message)
  end)

  it("ends in `protocol` at an object of another project", function()
    local listing = start({ service.answer(200, "["
      .. service.generation("a", "FAILED") .. ","
      .. service.generation("b", "FAILED", ',"projectId":"P"') .. ","
      .. service.generation("c", "FAILED", ',"projectId":"q"') .. "]") })
      :list { projectId = "p" }
    assert.equal("a", listing:next().id)  -- does not say
    assert.equal("b", listing:next().id)
    local generation, err = listing:next()
    assert.is_nil(generation)
    assert.equal("p was asked for, but the service sent a generation with "
      .. "projectId q", err.message)
  end)

  it("has a deadline only if its own call gives one", function()
    local listing = start({ { { read = true }, { hold = true } } },
      { timeout = 0.05 }):list({}, { timeout = 0.2 })
    local _, err = listing:next()
    assert.equal("timeout", err.kind)
    assert.equal("0.2 s have passed (timeout), in attempt 1", err.message)
  end)

  it("closes its connection", function()
    local listing = start({ { { read = true }, { send = "HTTP/1.1 200 OK\r\n"
        .. "Content-Length: 5000\r\n\r\n[" .. service.generation "a" .. "," },
        { hold = true } } }):list()
    listing:next()
    listing:close()
    listing:close()
    assert.equal(1, #here.server:gone(1))
    local _, err = listing:next()
    assert.equal("canceled", err.kind)
    assert.match("list generations: the listing was closed", tostring(err))
  end)

  it("closes nothing that has ended", function()
    local listing = start({ service.answer(200, "[]") }):list()
    assert.is_nil(listing:next())
    listing:close()
    local _, err = listing:next()
    assert.is_nil(err)
  end)

  it("ends in `closed` when its client is closed", function()
    local listing = start({ service.answer(200, service.list(3)) }):list()
    listing:next()
    here.client:close()
    local generation, err = listing:next()
    assert.is_nil(generation)
    assert.equal("closed", err.kind)
  end)

  it("raises when used as an array", function()
    local listing = start({}):list()
    local function check(fn)
      local ok, message = pcall(fn)
      assert.is_false(ok)
      assert.match("listing_spec.lua:%d+: a listing is no array", message)
    end
    check(function() return (listing[1]) end)
    if _VERSION ~= "Lua 5.1" then
      check(function() return (#listing) end)
      check(function() for i in ipairs(listing) do print(i) end end)
    end
  end)

  it("reports a dot in place of a colon", function()
    local listing = start({}):list()
    local ok, message = pcall(function() listing.next() end)
    assert.is_false(ok)
    assert.match("listing_spec.lua:%d+: call it with a colon: listing:next",
      message)
    assert.match("Listing of generations %(0 so far%)", tostring(listing))
  end)

  if _VERSION > "Lua 5.3" then
    it("is closed by return and error", function()
      local hold = { { read = true }, { send = "HTTP/1.1 200 OK\r\n"
        .. "Content-Length: 5000\r\n\r\n[" .. service.generation "a" .. "," },
        { hold = true } }
      local generations = start { hold, hold }
      local function leave()
        for generation in generations:list() do -- luacheck: ignore 512
          return generation
        end
      end
      assert.equal("a", leave().id)
      assert.equal(1, #here.server:gone(1))
      pcall(function()
        for _ in generations:list() do error "enough" end
      end)
      assert.equal(2, #here.server:gone(2))
    end)
  end

  it("is collected with its connection", function()
    local generations = start { { { read = true }, { send = "HTTP/1.1 200 OK"
      .. "\r\nContent-Length: 5000\r\n\r\n[" .. service.generation "a" .. "," },
      { hold = true } } }
    local function abandon()
      assert.equal("a", generations:list():next().id)
    end
    abandon()
    collectgarbage()
    collectgarbage()
    here.client:step()
    assert.equal(1, #here.server:gone(1))
  end)
end)
