-- SPDX-License-Identifier: MIT
local lipsync = require "lipsync"

local function made(json)
  return assert(lipsync.generation(json))
end

describe("generation", function()
  it("knows which states are final", function()
    for status, over in pairs { COMPLETED = true, FAILED = true,
        REJECTED = true, PENDING = false, PROCESSING = false, NEW = false } do
      assert.equal(over, made('{"id":"a","status":"' .. status .. '"}')
        :is_terminal())
    end
    assert.is_false(made('{"id":"a"}'):is_terminal())
  end)

  it("returns its time of creation", function()
    assert.equal(1787652000.25, made(
      '{"id":"a","createdAt":"2026-08-25T10:00:00.250Z"}'):created_at())
    assert.equal(1787616000,
      made('{"id":"a","createdAt":"2026-08-25"}'):created_at())
    for _, text in ipairs { "null", "5", '"yesterday"' } do
      assert.is_nil(made('{"id":"a","createdAt":' .. text .. "}")
        :created_at())
    end
  end)

  it("returns whole seconds on request", function()
    local generation = made
      '{"id":"a","createdAt":"2026-08-25T10:00:00.750Z"}'
    assert.equal(1787652000, generation:created_at "seconds")
    assert.equal("2026-08-25", os.date("!%Y-%m-%d",
      generation:created_at "seconds"))
    local ok, message = pcall(function() generation:created_at "ms" end)
    assert.is_false(ok)
    assert.match('generation_spec.lua:%d+: created_at takes "seconds"', message)
  end)

  it("has members that the service writes in two ways", function()
    for _, name in ipairs { "errorCode", "error_code" } do
      assert.equal("c", made(('{"id":"a","%s":"c"}'):format(name)).errorCode)
    end
    for _, name in ipairs { "outputUrl", "outputMediaUrl" } do
      assert.equal("u", made(('{"id":"a","%s":"u"}'):format(name)).outputUrl)
    end
  end)

  it("shows what it is about", function()
    assert.equal("Generation a FAILED c", tostring(made
      '{"id":"a","status":"FAILED","errorCode":"c","model":"m"}'))
  end)

  it("says where to call what needs a client", function()
    for _, name in ipairs { "delete", "wait", "download" } do
      local generation = made '{"id":"a"}'
      local ok, message = pcall(function()
        generation[name](generation, "p")
      end)
      assert.is_false(ok)
      assert.match("generation_spec.lua:%d+: this generation was made from "
        .. "text and has no client: call client.generations:" .. name
        .. "%(generation%)$", message)
    end
  end)

  it("reports a dot in place of a colon", function()
    local generation = made '{"id":"a"}'
    local ok, message = pcall(function() generation.is_terminal() end)
    assert.is_false(ok)
    assert.match("generation_spec.lua:%d+: call it with a colon: "
      .. "generation:is_terminal%(%)", message)
    for _, name in ipairs { "created_at", "delete", "wait", "download" } do
      ok, message = pcall(generation[name])
      assert.is_false(ok)
      assert.match("call it with a colon: generation:" .. name .. "%(", message)
    end
  end)
end)
