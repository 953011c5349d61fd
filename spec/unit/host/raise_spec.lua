-- SPDX-License-Identifier: MIT
-- Raising where `error` is replaced: OBS puts a function in its place that
-- writes to a log and returns.

local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

describe("raise", function()
  local original, server, client = error, nil, nil

  before_each(function()
    server = scripted.start { service.answer(400, '{"message":"no"}') }
    client = service.client(server.base_url)
    rawset(_G, "error", function() end)
  end)

  after_each(function()
    rawset(_G, "error", original)
    client:close()
    server:stop()
  end)

  it("raises misuse with the caller's line", function()
    local ok, err = pcall(client.generations.list, client.generations,
      { nonsense = 1 })
    assert.is_false(ok)
    assert.matches('unknown filter "nonsense"', err)
    ok, err = pcall(function() client:step "x" end)
    assert.is_false(ok)
    assert.matches("^[^\n]*raise_spec.lua:%d+: budget must be", err)
  end)

  it("raises a listing's error object", function()
    local ok, err = pcall(client.generations:list())
    assert.is_false(ok)
    assert.equal(400, err.statusCode)
  end)
end)
