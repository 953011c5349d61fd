-- SPDX-License-Identifier: MIT
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

describe("page_source", function()
  local here = service.fixture(after_each)
  local start = here.start

  -- Rows of falling age, as the service lists them.
  local function page(first, last)
    local items = {}
    for i = first, last do
      items[#items + 1] = ('{"id":"g%d","createdAt":"2026-08-25T10:%02d:00Z",'
        .. '"status":"FAILED"}'):format(i, 59 - i)
    end
    return service.answer(200, "[" .. table.concat(items, ",") .. "]")
  end

  it("counts the bytes of all its pages", function()
    local pages = { page(1, 2), page(3, 3), page(1, 0) }
    local listing = start(pages):list { page_size = 2 }
    assert.equal(0, listing.bytes)
    local bytes = 0
    for _, n in ipairs { 2, 1, 0 } do
      bytes = bytes + #table.remove(pages, 1)[2].send
      for _ = 1, n do assert(listing:next()) end
      if n == 0 then assert.is_nil((listing:next())) end
      assert.equal(bytes, listing.bytes)
    end
  end)

  it("follows the last id until an empty page", function()
    local generations = start { page(1, 2), page(3, 3), page(1, 0) }
    local found = assert(generations:all { page_size = 2, status = "FAILED" })
    assert.equal(3, #found)
    local requests = here.server:requests(3)
    assert.equal("/v2/generations?status=FAILED&limit=2", requests[1].target)
    assert.equal("/v2/generations?status=FAILED&limit=2&cursor=g2",
      requests[2].target)
    assert.equal("/v2/generations?status=FAILED&limit=2&cursor=g3",
      requests[3].target)
  end)

  -- Rows g1, g2 … of these seconds.
  local function page_of(first, ...)
    local items = {}
    for i, second in ipairs { ... } do
      items[i] = ('{"id":"g%d","createdAt":"2026-08-25T10:00:%sZ",'
        .. '"status":"FAILED"}'):format(first + i - 1, second)
    end
    return service.answer(200, "[" .. table.concat(items, ",") .. "]")
  end

  it("loses no row where clocks differ by milliseconds", function()
    local generations = start { page_of(1, "05.000", "04.000"),
      page_of(3, "04.012", "03.000"), page_of(5, "03.012"), page_of(6) }
    local found = assert(generations:all { page_size = 2 })
    assert.equal(5, #found)
  end)

  it("delivers a row once that is in a page twice", function()
    local generations = start { service.answer(200,
      '[{"id":"a"},{"id":"b"},{"id":"a"},{"id":"b"}]'), page_of(1) }
    assert.equal(2, #assert(generations:all { page_size = 5 }))
  end)

  it("resumes where another listing stopped", function()
    local generations = start { page(1, 2), page(3, 4), page(5, 5),
                                page(1, 0) }
    local listing = generations:list { page_size = 2 }
    assert.is_nil(listing.cursor)
    for _ = 1, 2 do assert(listing:next()) end
    assert.equal("g2", listing.cursor)
    listing:close()
    assert.equal("g2", listing.cursor)
    local rest = assert(generations:all { page_size = 2,
                                          cursor = listing.cursor })
    assert.equal(3, #rest)
    assert.equal("g3", rest[1].id)
    assert.equal("/v2/generations?limit=2&cursor=g2",
      here.server:requests(2)[2].target)
  end)

  it("continues after a row that its client has not deleted", function()
    local generations = start { page(1, 2), service.answer(200, "{}"),
                                page(3, 3), page(1, 0) }
    local listing = generations:list { page_size = 2 }
    for _ = 1, 2 do assert(listing:next()) end
    assert(generations:delete "g2")
    assert.equal("g3", assert(listing:next()).id)
    assert.equal("/v2/generations?limit=2&cursor=g1",
      here.server:requests(3)[3].target)
    listing:close()
  end)

  it("does not go to the top after a refused cursor", function()
    local generations = start { service.answer(404,
      '{"errorCode":"generation_not_found"}') }
    local found, err = generations:all { page_size = 2, cursor = "gone" }
    assert.is_nil(found)
    assert.equal(404, err.statusCode)
    assert.equal(1, #here.server:requests(1))
  end)

  it("asks for its ids with each page", function()
    local generations = start { page(1, 2), page(1, 0) }
    local listing = generations:list { ids = { "g1", "g2" }, page_size = 5 }
    assert.equal("g1", listing:next().id)
    assert.equal("/v2/generations?ids=g1,g2&limit=5",
      here.server:requests(1)[1].target)
    listing:close()
  end)

  it("asks without its filter whether its cursor is still there", function()
    local generations = start { page(1, 2), page(1, 0), page(2, 2) }
    assert.equal(2, #assert(generations:all { page_size = 2,
                                              status = "FAILED" }))
    assert.equal("/v2/generations?ids=g2&limit=1",
      here.server:requests(3)[3].target)
  end)

  it("gets a limit above 100 in pages", function()
    local generations = start { page(1, 3) }
    generations:list({ limit = 150 }):next()
    assert.equal("/v2/generations?limit=100", here.server:requests(1)[1].target)
  end)

  it("requests a broken page again and delivers none twice", function()
    local broken = { { read = true }, { send = "HTTP/1.1 200 OK\r\n"
      .. "Content-Length: 900\r\n\r\n[" .. service.generation "g3" .. "," },
      { close = true } }
    local generations = start { page(1, 2), broken, page(3, 3), page(1, 0) }
    local ids = {}
    for generation in generations:list { page_size = 2 } do
      ids[#ids + 1] = generation.id
    end
    assert.same({ "g1", "g2", "g3" }, ids)
    assert.equal(4, #here.server:requests(4))
  end)

  it("counts attempts anew for each page", function()
    local bad = service.answer(503, "")
    local generations = start { bad, bad, page(1, 2), bad, bad, page(3, 3),
                                page(1, 0) }
    assert.equal(3, #assert(generations:all({ page_size = 2 },
      { max_attempts = 3 })))
  end)

  it("ends in `protocol` at a page without older rows", function()
    local generations = start { page(1, 2), page(1, 2) }
    local found, err = generations:all { page_size = 2 }
    assert.is_nil(found)
    assert.equal("protocol", err.kind)
    assert.equal(2, err.delivered)
    assert.match("the page after g2 brings nothing older", err.message)
  end)

  it("holds no connection during the loop body", function()
    local generations = start { { { read = true }, { send =
      scripted.response(200, service.list(2)) }, { hold = true } } }
    local listing = generations:list { page_size = 2 }
    listing:next()
    assert.is_nil(listing.source.call)
    listing:close()
  end)
end)
