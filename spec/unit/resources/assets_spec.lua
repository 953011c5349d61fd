-- SPDX-License-Identifier: MIT
local service = require "spec.support.service"

describe("client.assets:list", function()
  local here = service.fixture(after_each)

  local function page(ids, next)
    local items = {}
    for i, id in ipairs(ids) do
      items[i] = ('{"id":"%s","type":"VIDEO"}'):format(id)
    end
    return service.answer(200, ('{"items":[%s]%s}'):format(
      table.concat(items, ","), next and ',"nextCursor":"' .. next .. '"'
        or ""))
  end

  local function start(script)
    here.start(script)
    return here.client.assets
  end

  local function read(listing)
    local ids = {}
    local asset, err = listing:next()
    while asset do
      ids[#ids + 1] = asset.id
      asset, err = listing:next()
    end
    return table.concat(ids, " "), err
  end

  it("comes in pages, whatever the filter", function()
    local assets = start { page({ "a", "b" }, "t1"), page({}, "t2"),
                           page { "c" } }
    assert.equal("a b c", (read(assets:list())))
    local requests = here.server:requests(3)
    assert.equal("/v2/assets?limit=100", requests[1].target)
    assert.equal("/v2/assets?limit=100&cursor=t2", requests[3].target)
  end)

  it("gives objects of their own type", function()
    local assets = start { page { "a" } }
    local asset = assets:list():next()
    assert.equal("Asset a VIDEO", tostring(asset))
    assert.equal('{"id":"a","type":"VIDEO"}', asset:json())
  end)

  it("stops at its limit", function()
    local assets = start { page({ "a", "b" }, "t1"), page({ "c", "d" }, "t2") }
    assert.equal("a b c", (read(assets:list { limit = 3, page_size = 2 })))
    assert.equal("/v2/assets?limit=1&cursor=t1",
      here.server:requests(2)[2].target)
  end)

  it("goes on from the cursor of a listing that broke", function()
    local assets = start { page({ "a", "b" }, "t1"),
      service.answer(403, "{}"), page { "c" } }
    local listing = assets:list { page_size = 2 }
    local ids, err = read(listing)
    assert.equal("a b", ids)
    assert.equal(403, err.statusCode)
    assert.equal("t1", listing.cursor)
    assert.equal("c", (read(assets:list { cursor = listing.cursor })))
    assert.equal("/v2/assets?limit=100&cursor=t1",
      here.server:requests(3)[3].target)
  end)

  it("refuses a page of another form", function()
    for _, body in ipairs { "[]", '{"items":5}', '{"items":[5]}', "{}",
        '{"items":[{"name":"no id"}]}', "x" } do
      local ids, err = read(start({ service.answer(200, body) }):list())
      assert.equal("", ids)
      assert.equal("protocol", err.kind)
      here.stop()
    end
  end)
end)
