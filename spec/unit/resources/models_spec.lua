-- SPDX-License-Identifier: MIT
local service = require "spec.support.service"

describe("models", function()
  local here = service.fixture(after_each)

  local function models(script)
    here.start(script)
    return here.client.models
  end

  it("returns an array of objects", function()
    local found = assert(models { service.answer(200,
      '[{"id":"a-1","name":"A","deprecatedAt":null},{"id":"b-2"}]') }:list())
    assert.equal(2, #found)
    assert.equal("A", found[1].name)
    assert.is_nil(found[1].deprecatedAt)
    assert.equal("b-2", found[2].id)
    assert.equal("Model a-1 A", tostring(found[1]))
    local request = here.server:requests(1)[1]
    assert.equal("GET", request.method)
    assert.equal("/v2/models", request.target)
    assert.equal(service.key, request.headers["x-api-key"])
  end)

  it("refuses any other body", function()
    local found, err = models { service.answer(200, "[1]") }:list()
    assert.is_nil(found)
    assert.equal("protocol", err.kind)
    assert.match("^list models: ", tostring(err))
  end)
end)
