-- SPDX-License-Identifier: MIT
-- Detecting a host calls none of the program's functions. Each case is a
-- process of its own, because it changes its globals.

local global = require "lipsync.host.global"
local program = require "spec.support.program"

-- Makes two calls, one of them in a task, which then dies.
local calls = [[
  local client = require "lipsync".new()
  print(client.generations:count())
  client:spawn(function(a, b)
    print(a, b, client.generations:count())
    error "this is the end"
  end, 7, nil)
  client:run()
]]

local function check(prelude, epilogue)
  if not program.can_run() then return pending "no emulator was built" end
  local text, well = program.run_text(prelude .. calls .. (epilogue or ""))
  assert.is_true(well, text)
  assert.matches("%f[%d]60\n7\tnil\t60\n", text)
  assert.matches("a task failed: [^\n]*this is the end\n", text)
  return text
end

describe("global", function()
  it("reads what a table inherits, through 16 tables", function()
    local chain, names = { last = 1 }, {}
    for i = 1, 15 do
      chain = setmetatable({ [i] = i }, { __index = chain })
      names[i] = global.field(chain, i)
    end
    assert.equal(15, #names)
    assert.equal(1, global.field(chain, "last"))
    assert.is_nil(global.field(setmetatable({}, { __index = chain }), "last"))
    assert.is_nil(global.field(setmetatable({}, { __index = error }), "x"))
    assert.is_nil(global.field("text", "x"))
  end)

  it("finds modules that are loaded, and are tables", function()
    assert.equal(global, global.loaded "lipsync.host.global")
    assert.is_nil(global.loaded "lipsync.never")
    package.loaded["lipsync.never"] = true
    local found = global.loaded "lipsync.never"
    package.loaded["lipsync.never"] = nil
    assert.is_nil(found)
  end)

  it("reads inherited globals", function()
    local text = check [[
      local sandbox = setmetatable({}, { __index = _G })
      _G._G = sandbox
      if setfenv then setfenv(0, sandbox) else
        debug.getregistry()[2] = sandbox
      end
    ]]
    -- It was found there, too.
    assert.matches("stack traceback", text)
  end)

  it("calls no function of the program", function()
    local text = check([[
      local asked = {}
      setmetatable(_G, { __index = function(_, name)
        asked[#asked + 1] = name
      end })
    ]], [[ print("asked: " .. table.concat(asked, " ") .. ".") ]])
    assert.matches("asked: %.\n", text)
  end)

  it("calls no function in a table named like a host's", function()
    check [[
      local function refuse(_, name) error("asked for " .. name) end
      for _, name in ipairs { "core", "ngx", "love", "mp", "obslua", "vim" } do
        _G[name] = setmetatable({}, { __index = refuse })
      end
    ]]
  end)

  it("works if undefined globals raise", function()
    check [[ setmetatable(_G, { __index = function(_, name)
      error("undefined: " .. tostring(name), 2)
    end }) ]]
  end)

  it("works if their metatable is hidden", function()
    for _, hidden in ipairs { "false", "true", "'locked'", "{}" } do
      check("setmetatable(_G, { __metatable = " .. hidden .. [[,
        __index = function(_, name)
          error("undefined: " .. tostring(name), 2)
        end }) ]])
    end
  end)

  it("finds values inherited from a table only", function()
    local of = setmetatable({ near = 1 }, { __index =
      setmetatable({ far = 2 }, { __index = function() return 3 end }) })
    assert.equal(1, global.field(of, "near"))
    assert.equal(2, global.field(of, "far"))
    assert.is_nil(global.field(of, "nowhere"))
    local hidden = setmetatable({}, { __index = { far = 4 },
                                      __metatable = false })
    assert.equal(4, global.field(hidden, "far"))
    assert.is_nil(global.field("text", "len"))
  end)

  it("ends if tables inherit from each other", function()
    local one, two = {}, {}
    setmetatable(one, { __index = two })
    setmetatable(two, { __index = one })
    assert.is_nil(global.field(one, "nothing"))
  end)
end)
