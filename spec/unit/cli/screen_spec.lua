-- SPDX-License-Identifier: MIT
-- What is known of the terminal, and the line of progress. What is drawn on a
-- real one: spec/command.

local core = require "lipsync.core"
local screen = require "lipsync.cli.screen"
local terminal = require "lipsync.terminal"

describe("the screen", function()
  local getenv, now, is_terminal, size = core.getenv, core.now,
    terminal.is_terminal, terminal.size
  local stdout, stderr = io.stdout, io.stderr
  local env, there, sizes, time, written

  local function stream()
    return { write = function(_, ...)
      written = written .. table.concat { ... }
    end }
  end

  before_each(function()
    env, there, sizes, time = { TERM = "xterm" }, {}, {}, 100
    written = ""
    function core.getenv(name) return env[name] end
    function core.now() return time end
    function terminal.is_terminal(fd) return there[fd] or false end
    function terminal.size(fd)
      if sizes[fd] then return sizes[fd][1], sizes[fd][2] end
    end
    rawset(io, "stdout", stream())
    rawset(io, "stderr", stream())
  end)
  after_each(function()
    core.getenv, core.now = getenv, now
    terminal.is_terminal, terminal.size = is_terminal, size
    rawset(io, "stdout", stdout)
    rawset(io, "stderr", stderr)
  end)

  -- Which of these hold: terminal, colored, moves, shows.
  local function of(quiet)
    local made = screen.new(quiet)
    return (made.is_terminal and "t" or "-") .. (made.colored and "c" or "-")
      .. (made.moves and "m" or "-") .. (made.shows and "s" or "-")
  end

  it("is what the two streams and the environment say", function()
    assert.equal("----", of())
    there = { [1] = true }
    assert.equal("tcm-", of())
    there = { [2] = true }
    assert.equal("---s", of())
    assert.equal("----", of(true))
    there = { true, true }
    assert.equal("tcms", of())
    env.NO_COLOR = ""
    assert.equal("tcms", of())
    env.NO_COLOR = "0"
    assert.equal("t-ms", of())
    env.NO_COLOR = nil
    for _, term in ipairs { "", "dumb", false } do
      env.TERM = term or nil
      assert.equal("t---", of())
    end
  end)

  it("can ask where a person types and reads", function()
    for fds, can in pairs { ["0"] = false, ["2"] = false, ["0 1"] = false,
                            ["0 2"] = true } do
      there = {}
      for fd in fds:gmatch "%d" do there[tonumber(fd)] = true end
      assert.equal(can, screen.can_ask())
    end
  end)

  it("has a size", function()
    local made = screen.new()
    assert.same({ 80, 80, 24 }, { made:columns(), made:columns(true),
                                  made:rows() })
    sizes = { { 100, 50 }, { 120, 60 } }
    assert.same({ 100, 120, 50 }, { made:columns(), made:columns(true),
                                    made:rows() })
  end)

  it("takes away the lines that are marked, once", function()
    local made = screen.new()
    made:rewind()
    assert.equal("", written)
    made:mark(3)
    made:rewind()
    made:rewind()
    assert.equal("\27[3A\27[J", written)
  end)

  it("draws its line ten times a second at most, and takes it away", function()
    there = { true, true }
    local made = screen.new()
    made:clear()
    made:show "a"
    time = 100.09
    made:show "b"
    assert.equal("\ra\27[K", written)
    made:show("c", true)
    time = 100.19
    made:show "d"
    time = 100.2
    made:show "e"
    assert.equal("\ra\27[K\rc\27[K\rd\27[K", written)
    made:clear()
    made:clear()
    made:show(("x"):rep(80))
    assert.equal("\ra\27[K\rc\27[K\rd\27[K\r\27[K\r" .. ("x"):rep(78)
      .. "…\27[K", written)
    written = ""
    screen.new(true):show("a", true)
    assert.equal("", written)
  end)

  it("paints, where it is colored, and each status its own", function()
    local made = screen.new()
    assert.equal("a", made:paint("a", "red"))
    made.colored = true
    assert.equal("a", made:paint("a", nil))
    assert.is_nil(screen.color_of "id")
    for name, code in pairs { COMPLETED = 32, FAILED = 31, REJECTED = 35,
                              PROCESSING = 34, PENDING = 33 } do
      assert.equal(("\27[%dma\27[0m"):format(code),
        made:paint("a", screen.color_of(name)))
    end
    assert.equal("\27[1ma\27[0m", made:paint("a", "bold"))
  end)
end)

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
    assert.equal("wait  [          ]    0%  0 of 1", bar(34, "wait", 0, 1))
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
