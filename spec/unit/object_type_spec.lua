-- SPDX-License-Identifier: MIT
-- Types of objects that end. Those of each resource: api_spec.lua.

local core = require "lipsync.core"
local lipsync = require "lipsync"
local object_type = require "lipsync.object_type"

local rows = { type = "Clip", noun = "long clip", ends = { DONE = true } }

describe("a type of objects that end", function()
  object_type.install("clips", rows, nil, { "wait" })

  local function clip(status, client)
    return core.object("Clip", ('{"id":"c","name":"n","status":"%s"}')
      :format(status), client)
  end

  it("knows whether one has ended", function()
    assert.is_true(clip "DONE":is_terminal())
    assert.is_false(clip "FAILED":is_terminal())
    assert.equal("Clip c DONE", tostring(clip "DONE"))
    assert.is_nil((core.object("Clip", '{"status":"DONE"}')))
  end)

  it("has the methods of its resource, for what came from a client", function()
    local client = { clips = { wait = function(...) return ... end } }
    local one, options = clip("RUNNING", client), {}
    assert.same({ client.clips, one, options }, { one:wait(options) })
    local lone = clip "RUNNING"
    local ok, problem = pcall(function() return lone:wait() end)
    assert.is_false(ok)
    assert.matches("this long clip was made from text and has no client: call "
      .. "client%.clips:wait%(long_clip%)$", problem)
    ok, problem = pcall(clip("RUNNING", {}).wait, clip("RUNNING", {}))
    assert.is_false(ok)
    assert.matches("made from text", problem)
  end)

  it("reports a dot in place of a colon", function()
    local generation = lipsync.generation '{"id":"g"}'
    for _, name in ipairs { "wait", "is_terminal" } do
      for _, wrong in ipairs { generation, false, {} } do
        local ok, problem = pcall(clip("DONE")[name], wrong)
        assert.is_false(ok)
        assert.matches(": call it with a colon: long_clip:" .. name .. "%(%)$",
          problem)
      end
    end
  end)

  it("is made once, and may show other members", function()
    object_type.install("others", rows, { "name" }, {})
    assert.equal("Clip c DONE", tostring(clip "DONE"))
    assert.is_function(clip("DONE").wait)
    object_type.install("takes", { type = "Take", noun = "take", ends = {} },
      { "name" }, {})
    assert.equal("Take n", tostring(core.object("Take",
      '{"id":"t","name":"n","status":"DONE"}')))
  end)
end)
