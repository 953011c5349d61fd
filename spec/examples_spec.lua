-- SPDX-License-Identifier: MIT
-- Every example runs, as a user would run it, against the emulator.

local markdown = require "spec.support.markdown"
local program = require "spec.support.program"

local function examples()
  local found = {}
  local pipe = assert(io.popen "ls examples/*.lua 2>/dev/null")
  for path in pipe:lines() do found[#found + 1] = path end
  pipe:close()
  return found
end

describe("examples", function()
  for _, path in ipairs(examples()) do
    it(path .. " runs", function()
      if not program.can_run() then pending "the emulator is left out" end
      local text, well = program.run(path)
      assert.is_true(well, text)
    end)
  end

  it("have a line each in their README", function()
    local linked, n = {}, 0
    for _, target in ipairs(markdown.links(
                              markdown.read "examples/README.md")) do
      linked[target:match "^[^/]*"] = true
    end
    local pipe = assert(io.popen "ls examples")
    for name in pipe:lines() do
      n = n + 1
      assert.is_true(linked[name] or name == "README.md", name)
    end
    pipe:close()
    assert.is_true(n > 10)
  end)

  it("quickstart refuses to delete anywhere but here", function()
    local pipe = assert(io.popen("SYNC_BASE_URL=https://example.invalid "
      .. program.vm .. " examples/quickstart.lua 2>&1"))
    local text = pipe:read "*a"
    pipe:close()
    assert.matches("run it by: make demo", text)
  end)
end)
