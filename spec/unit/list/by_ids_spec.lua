-- SPDX-License-Identifier: MIT
local api = require "lipsync.api"
local by_ids = require "lipsync.list.by_ids"
local service = require "spec.support.service"

describe("a list by ids", function()
  local here = service.fixture(after_each)

  it("is known by its row", function()
    assert.is_true(by_ids.takes(api.generations.list))
    assert.is_false(by_ids.takes(api.batches.list))
    assert.is_false(by_ids.takes(api.models.list))
    assert.is_false(by_ids.takes(nil))
  end)

  it("tells what cannot be an id in it", function()
    assert.is_nil(by_ids.problem "a b/c")
    assert.equal("the id has a comma", by_ids.problem "a,b")
    assert.equal("the id is empty", by_ids.problem "")
    assert.equal(by_ids.key "aB-Z", by_ids.key "Ab-z")
    assert.not_equal(by_ids.key "a", by_ids.key "b")
  end)

  it("is one request", function()
    local generations = here.start { service.answer(200, service.list(2)) }
    local objects = assert(by_ids.call(here.client, generations.specs.list,
      { "g1", "g 2" }, { tag = "t" }, { action = "look" }):run())
    assert.equal("g1", objects[1].id)
    assert.equal(2, #objects)
    assert.equal("/v2/generations?ids=g1,g%202",
      here.server:requests(1)[1].target)
  end)

  it("says what was asked if it fails", function()
    local generations = here.start { service.answer(400, "{}") }
    local objects, err = by_ids.call(here.client, generations.specs.list,
      { "g1" }, { tag = "t" }, { action = "look at many" }):run()
    assert.is_nil(objects)
    assert.equal("t", err.tag)
    assert.match("^look at many: 400", tostring(err))
  end)
end)
