-- SPDX-License-Identifier: MIT
local service = require "spec.support.service"

describe("usage", function()
  local here = service.fixture(after_each)

  it("comes in pages, of objects of its own type", function()
    here.start { service.answer(200, '{"items":[{"generationId":"g1",'
      .. '"generationStatus":"COMPLETED","totalCostUsd":"0.50"}],'
      .. '"nextCursor":"t1"}'), service.answer(200, '{"items":[]}') }
    local listing = here.client.usage:list { endTime = "2026-08-25T00:00:00Z" }
    assert.equal("Usage g1 COMPLETED 0.50", tostring(assert(listing:next())))
    assert.is_nil((listing:next()))
    assert.equal("/v2/usage/generations?endTime=2026-08-25T00%3A00%3A00Z"
      .. "&limit=100&cursor=t1", here.server:requests(2)[2].target)
  end)
end)
