-- SPDX-License-Identifier: MIT
-- The line of progress. What is drawn on a terminal: spec/command.

local screen = require "lipsync.cli.screen"

-- The line on a terminal of so many columns.
local function bar(columns, ...)
  local made = screen.new(true)
  function made.columns() return columns end
  return made:bar(...)
end

describe("the line of progress", function()
  it("has a bar of what is done", function()
    assert.equal("upload  [===       ]   30%  3 of 10",
      bar(37, "upload", 3, 10))
    assert.equal("größe  [===       ]   33%  1 of 3", bar(35, "größe", 1, 3))
    assert.equal("wait  [          ]    0%  0 of 10", bar(35, "wait", 0, 10))
    assert.equal("wait  [==========]  100%  12 of 10", bar(36, "wait", 12, 10))
    assert.equal("rendering  [=================  ]   90%",
      bar(40, "rendering", 90.5, 100, "%"))
  end)

  it("has one of 10 to 30 columns, or none", function()
    assert.equal("upload   30%  3 of 10", bar(36, "upload", 3, 10))
    local longest = "upload  [" .. ("="):rep(9) .. (" "):rep(21)
      .. "]   30%  3 of 10"
    assert.equal(longest, bar(57, "upload", 3, 10))
    assert.equal(longest, bar(200, "upload", 3, 10))
    assert.equal("upload  [" .. ("="):rep(8) .. (" "):rep(21)
      .. "]   30%  3 of 10", bar(56, "upload", 3, 10))
  end)

  it("says how much is done of what nobody knows", function()
    assert.equal("download  3", bar(80, "download", 3))
    assert.equal("download  3", bar(80, "download", 3, 0))
    assert.equal("download  1.5 kB", bar(80, "download", 1500, nil, "bytes"))
  end)

  it("has bytes in units that can be read", function()
    for bytes, said in pairs { [0] = "0 B", [999] = "999 B",
        [1000] = "1.0 kB", [1999] = "1.9 kB", [999999] = "999.9 kB",
        [1000000] = "1.0 MB", [2500000000] = "2.5 GB",
        [7000000000000] = "7.0 TB", [12000000000000000] = "12000.0 TB" } do
      assert.equal("x  " .. said, bar(80, "x", bytes, nil, "bytes"))
    end
    assert.equal("x   50%  1.5 MB of 3.0 MB",
      bar(32, "x", 1500000, 3000000, "bytes"))
  end)
end)
