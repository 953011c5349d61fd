-- SPDX-License-Identifier: MIT
-- Which generations lipsync list and delete ask for, and which of them they
-- take. Against the emulator: spec/command.

if not pcall(require, "argparse") then
  describe("a selection", function() pending("argparse is missing") end)
  return
end

local cli = require "spec.support.cli"
local lipsync = require "lipsync"
local terminal = require "lipsync.terminal"

-- What was asked for, and how many were read.
local filter, read

-- A client that lists these, { id, status, createdAt }.
local function client_of(rows)
  return { generations = { list = function(_, given)
    filter, read = given, 0
    return function()
      read = read + 1
      local row = rows[read]
      return row and lipsync.generation(
        ('{"id":"%s","status":"%s","createdAt":"%s"}'):format(row[1], row[2],
          row[3] or "2026-08-0" .. #rows - read + 1 .. "T00:00:00Z"))
    end
  end } }
end

-- What a command writes of five generations, the newest first: their ids.
local five = {}
for i = 1, 5 do five[i] = { "g" .. 6 - i, "FAILED" } end

local function words_of(text)
  local words = {}
  for word in text:gmatch "%S+" do words[#words + 1] = word end
  return words
end

local function ids(text, rows)
  local out, status, err = cli.run(words_of(text .. " --fields id"),
    client_of(rows or five))
  assert.equal(0, status)
  return (out:gsub("\n", " ")), err
end

local function many(n)
  local all = {}
  for i = 1, n do all[i] = "i" .. i end
  return table.concat(all, ",")
end

describe("lipsync list", function()
  it("asks for what is said, and leaves the rest to the service", function()
    assert.equal("g5 g4 g3 g2 g1 ", ids "list")
    assert.same({}, filter)
    ids "list --status failed --source api,web --source x --project p"
    assert.same({ status = { "FAILED" }, source = { "api", "web", "x" },
                  projectId = "p" }, filter)
    ids "list --limit 3 --page-size 2"
    assert.same({ limit = 3, page_size = 2 }, filter)
  end)

  it("reads in pages what it takes by time", function()
    for _, option in ipairs { "--since 2026-08-02", "--until 2026-08-02",
                              "--oldest-first" } do
      ids("list " .. option)
      assert.same({ page_size = 100 }, filter)
      ids("list --limit 1 --page-size 7 " .. option)
      assert.same({ page_size = 7 }, filter)
      ids("list " .. option .. " --ids " .. many(100))
      assert.equal(100, filter.page_size)
      ids("list " .. option .. " --ids " .. many(101))
      assert.is_nil(filter.page_size)
    end
  end)

  it("takes what was made from the one time to before the other", function()
    for text, wanted in pairs {
        ["--since 2026-08-03"] = "g5 g4 g3 ",
        ["--until 2026-08-03"] = "g2 g1 ",
        ["--since 2026-08-02 --until 2026-08-04"] = "g3 g2 ",
        ["--since 2026-08-02 --limit 1"] = "g5 ",
        ["--until 2026-08-04 --limit 2"] = "g3 g2 ",
        ["--until 2026-08-04 --limit 9"] = "g3 g2 g1 ",
        ["--oldest-first"] = "g1 g2 g3 g4 g5 ",
        ["--oldest-first --since 2026-08-04"] = "g4 g5 ",
        ["--oldest-first --since 2026-08-02 --limit 1"] = "g2 " } do
      assert.equal(wanted, ids("list " .. text), text)
    end
  end)

  it("reads no further than the time, but for ids", function()
    for _, order in ipairs { "", " --oldest-first" } do
      assert.equal("g5 ", ids("list --since 2026-08-05" .. order))
      assert.equal(2, read)
      assert.equal("g5 ", ids("list --ids a,b --since 2026-08-05" .. order))
      assert.equal(6, read)
    end
  end)

  it("takes none by time whose time cannot be read", function()
    local rows = { { "a", "FAILED", "?" }, { "b", "FAILED",
                                             "2026-08-03T00:00:00Z" } }
    assert.equal("b ", ids("list --since 2026-08-01", rows))
    assert.equal("b ", ids("list --until 2026-08-04", rows))
    assert.equal("b a ", ids("list --oldest-first", rows))
  end)

  it("refuses a time in which nothing is", function()
    for since, status in pairs { ["2026-08-02"] = 1, ["2026-08-03"] = 1,
                                 ["2026-08-01"] = 0 } do
      local _, code = cli.run(words_of("list --until 2026-08-02 --since "
        .. since), client_of(five))
      assert.equal(status, code, since)
    end
  end)
end)

describe("Ctrl-C", function()
  local interrupted = terminal.interrupted

  after_each(function() terminal.interrupted = interrupted end)

  it("ends what reads a listing, at the next generation", function()
    for _, line in ipairs { "list", "list --since 2026-08-01",
        "list --oldest-first", "delete --dry-run --everything" } do
      function terminal.interrupted() return read and read >= 2 end
      filter, read = nil, nil
      local out, code = cli.run(words_of(line .. " --fields id"),
        client_of(five))
      assert.equal(130, code, line)
      assert.equal(2, read, line)
      assert.equal(line:find "oldest" and "" or "g5\ng4\n", out)
    end
  end)
end)

describe("lipsync delete --dry-run", function()
  local function dry(text, rows)
    return ids("delete --dry-run " .. text, rows)
  end

  it("shows what would be deleted, in pages", function()
    local out, err = dry "--everything"
    assert.equal("g5 g4 g3 g2 g1 ", out)
    assert.equal("5 generations would be deleted.", err)
    assert.same({ page_size = 100 }, filter)
    dry("--ids " .. many(100))
    assert.equal(100, filter.page_size)
    dry("--ids " .. many(101))
    assert.is_nil(filter.page_size)
  end)

  it("shows no more than so many, and reads no further", function()
    local out, err = dry "--everything --limit 1"
    assert.equal("g5 ", out)
    assert.equal("1 generation would be deleted.", err)
    assert.equal(1, read)
  end)

  it("shows nothing that runs, is too young or of no known age", function()
    local rows = { { "a", "PROCESSING" }, { "b", "FAILED", "?" },
      { "c", "FAILED", "2026-08-25T00:00:00Z" },
      { "d", "FAILED", "2026-08-24T23:59:59Z" } }
    assert.equal("d ", dry("--everything --older-than 2026-08-25", rows))
    assert.equal("b c d ", dry("--everything", rows))
  end)

  it("shows ids as they are given", function()
    local out, err = dry "x y x"
    assert.equal("x y ", out)
    assert.equal("2 generations would be deleted.", err)
    assert.equal("x\n", (cli.run({ "delete", "--dry-run", "x" },
      client_of {})))
  end)
end)
