-- SPDX-License-Identifier: MIT
-- What the README shows has to run: each of its Lua blocks, as it stands,
-- against the emulator; and each target that it names has to be there.

local program = require "spec.support.program"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function blocks(language)
  local found = {}
  local pattern = "\n```" .. language .. "\n(.-)\n```"
  for code in read "README.md":gmatch(pattern) do
    found[#found + 1] = code
  end
  return found
end

-- The names of make's targets.
local function targets()
  local found = {}
  local pipe = assert(io.popen "make -s help")
  for line in pipe:lines() do
    for name in line:gmatch "[%l-]+" do found[name] = true end
  end
  pipe:close()
  return found
end

describe("the README", function()
  it("shows the five common tasks first", function()
    assert.is_true(#blocks "lua" >= 5)
  end)

  for i, code in ipairs(blocks "lua") do
    it(("runs: block %d"):format(i), function()
      if not program.can_run() then pending "the emulator is left out" end
      local text, well = program.run_text(code)
      assert.is_true(well, text)
      assert.not_equal("", text)
    end)
  end

  it("names only targets that are there", function()
    local known, named = targets(), 0
    for _, code in ipairs(blocks "sh") do
      for target in ("\n" .. code):gmatch "make ([%l-]+)" do
        named = named + 1
        assert.is_true(known[target], "make " .. target)
      end
    end
    assert.is_true(named > 0)
  end)
end)
