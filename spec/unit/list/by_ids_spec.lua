-- SPDX-License-Identifier: MIT
local api = require "lipsync.api"
local by_ids = require "lipsync.list.by_ids"
local service = require "spec.support.service"
local stopwatch = require "lipsync.base.stopwatch"

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
      { "g1", "g 2" }, { tag = "t" }, 60,
      { action = "look", clock = stopwatch.new() }):run())
    assert.equal("g1", objects[1].id)
    assert.equal(2, #objects)
    assert.equal("/v2/generations?ids=g1,g%202",
      here.server:requests(1)[1].target)
  end)

  it("says what was asked if it fails", function()
    local generations = here.start { service.answer(400, "{}") }
    local objects, err = by_ids.call(here.client, generations.specs.list,
      { "g1" }, { tag = "t" }, 60,
      { action = "look at many", clock = stopwatch.new() }):run()
    assert.is_nil(objects)
    assert.equal("t", err.tag)
    assert.match("^look at many: 400", tostring(err))
  end)

  it("ends a second after its wait, and by the client's timeout", function()
    local generations = here.start({}, { timeout = 20 })
    local clock = { seconds = function() return 100 end }
    for left, ends in pairs { [5] = 106, [18.5] = 119.5, [19.5] = 120,
                              [math.huge] = 120, [-0.5] = 100.5 } do
      local this = by_ids.call(here.client, generations.specs.list, { "g1" },
        {}, left, { action = "look", clock = clock })
      assert.equal(ends, this.timeout)
      this:cancel()
    end
  end)
end)
