-- SPDX-License-Identifier: MIT
-- lipsync delete: what it asks, what it refuses, and how it is interrupted.

local command = require "spec.support.command"
local launch = require "spec.support.launch"

local found, module = pcall(require, "lipsync.emulator")
if not found or not command.can_run() then
  describe("lipsync delete", function()
    pending("needs lipsync.emulator and argparse")
  end)
  return
end

local day = 86400

describe("lipsync delete", function()
  local emulator, folder

  setup(function() emulator = module.start { generations = 0 } end)
  teardown(function() emulator:stop() end)
  before_each(function() folder = launch.folder() end)
  after_each(function()
    emulator:reset()
    launch.remove(folder)
  end)

  local function run(words, options)
    options = options or {}
    options.url = emulator.base_url
    return command.run(words, options)
  end

  -- Adds generations that are so many days old.
  local function add(status, ...)
    local rows = {}
    for i, age in ipairs { ... } do
      rows[i] = { status = status,
        createdAt = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() - age * day) }
    end
    return emulator:add(rows)
  end

  -- How many were asked to be deleted, and how many are left.
  local function deletions()
    local n = 0
    for _, request in ipairs(emulator:requests()) do
      if request.method == "DELETE" then n = n + 1 end
    end
    return n
  end

  local function left(...)
    return (run({ "count", ... }):gsub("\n", ""))
  end

  it("deletes by ids, and by a filter with an age", function()
    local failed = add("FAILED", 10, 40, 50)
    add("COMPLETED", 60)
    add("PROCESSING", 70)
    local out, status = run { "delete", failed[1], "--yes" }
    assert.equal("1 deleted\n", out)
    assert.equal(0, status)
    out = run { "delete", "--status", "FAILED", "--older-than", "45d", "-y" }
    assert.equal("1 deleted, 1 skipped\n", out)
    assert.equal("1", left("--ids", failed[2]))
    out, status = run { "delete", "--everything", "--yes", "--json" }
    assert.equal('{"deleted":2,"failed":0,"gone":0,"skipped":1}\n', out)
    assert.equal(0, status)
    assert.equal("1", left())
  end)

  it("takes ids from standard input, each once", function()
    local ids = add("FAILED", 1, 2, 3)
    local out = run({ "delete", "-", "--yes" }, {
      input = table.concat(ids, "\n") .. "\n\n" .. ids[1] .. "\n" })
    assert.equal("3 deleted\n", out)
    assert.equal(3, deletions())
  end)

  it("deletes nothing without a filter, or where nobody can be asked",
    function()
      local ids = add("FAILED", 1, 50)
      for words, sentence in pairs {
        [{ "delete", "--yes" }] = "nothing was deleted: without %-%-status",
        [{ "delete", "--yes", "--limit", "1" }] = "nothing was deleted: wi",
        [{ "delete", "--yes", "--older-than", "1d" }] = "and is that old",
        [{ "delete", "--status", "FAILED" }] = "nobody can be asked here",
        [{ "delete", ids[1], "--status", "FAILED", "-y" }] =
          "give ids or a filter, not both",
        [{ "delete", "", "--yes" }] = "an id is empty",
        [{ "delete", "-", "--yes" }] = "standard input has no ids",
      } do
        local out, status, err = run(words)
        assert.equal("", out)
        assert.equal(1, status, err)
        assert.matches(sentence, err)
      end
      assert.equal(0, deletions())
    end)

  it("asks on a terminal, with the number", function()
    if not command.has_terminal() then pending "python3 is missing" end
    add("FAILED", 1, 2, 3)
    for _, width in ipairs { 40, 80, 200 } do
      local out, status = run({ "delete", "--status", "FAILED" }, {
        columns = width, typed = { { "[y/N] ", "n\\n" } } })
      assert.matches("Delete 3 generations%? There is no way back", out)
      assert.matches("nothing was deleted", out)
      assert.equal(1, status)
    end
    assert.equal(0, deletions())
    local out, status = run({ "delete", "--status", "FAILED", "--limit", "2" },
      { columns = 80, typed = { { "[y/N] ", "y\\n" } } })
    assert.matches("Delete 2 generations%?.*\n?2 deleted\n$", out)
    assert.matches("deleting  %[", out)
    assert.equal(0, status)
    assert.equal("1", left())
  end)

  it("shows what it would delete, and sends nothing", function()
    local ids = add("FAILED", 1, 50)
    local out, status, err = run { "delete", "--status", "FAILED",
      "--older-than", "30d", "--dry-run", "--fields", "id" }
    assert.equal(ids[2] .. "\n", out)
    assert.equal("1 generation would be deleted.\n", err)
    assert.equal(0, status)
    out = run { "delete", ids[1], "--dry-run" }
    assert.equal(ids[1] .. "\n", out)
    assert.equal(0, deletions())
  end)

  it("says which were not deleted, and how it ended", function()
    local running = add("PROCESSING", 1)[1]
    local failed = add("FAILED", 1)[1]
    local out, status, err = run { "delete", running, "--yes" }
    assert.equal("0 deleted, 1 failed\n", out)
    assert.equal(2, status)
    assert.matches("409 generation_not_deletable_while_processing", err)
    out, status = run { "delete", running, failed, "--yes" }
    assert.equal("1 deleted, 1 failed\n", out)
    assert.equal(4, status)
    out, status = run { "delete", failed, "--yes" }
    assert.equal("0 deleted, 1 gone\n", out)
    assert.equal(0, status)
    emulator:fault { route = "list", skip = 1, statusCode = 500, times = 0 }
    local many = {}
    for i = 1, 150 do many[i] = i / 100 end
    add("FAILED", (table.unpack or unpack)(many))
    out, status, err = run { "delete", "--status", "FAILED", "--yes" }
    assert.equal("100 deleted\n", out)
    assert.equal(4, status)
    assert.matches("list generations: 500 internal_error", err)
  end)

  -- The emulator answers the first ten at once, and the others late.
  local function interrupted(words)
    local many = {}
    for i = 1, 60 do many[i] = i / 100 end
    add("FAILED", (table.unpack or unpack)(many))
    emulator:fault { route = "delete", skip = 10, times = 8, delay = 2 }
    local program = launch.start { folder = folder, vm = nil,
      env = { LUA_CPATH = package.cpath },
      command = command.line(words, { url = emulator.base_url }) }
    program:await(function()
      return deletions() >= 18 and "begun"
    end)
    program:signal "INT"
    return program:finish()
  end

  it("begins no more after Ctrl-C, and waits for those under way", function()
    local status, log = interrupted { "delete", "--status", "FAILED", "-y" }
    assert.equal(130, status)
    local deleted = tonumber(log:match "(%d+) deleted\n")
    assert.equal(deletions(), deleted)
    assert.equal(60 - deleted, tonumber(left()))
    assert.is_true(deleted >= 18 and deleted < 60, log)
    assert.is_nil(log:find("traceback", 1, true))
  end)

  it("goes on from a checkpoint, and asks for nothing twice", function()
    local path = folder .. "/checkpoint"
    local words = { "delete", "--status", "FAILED", "-y", "--checkpoint", path }
    local status, log = interrupted(words)
    assert.equal(130, status, log)
    local first = deletions()
    local other, code, err = run { "delete", "--status", "REJECTED", "-y",
      "--checkpoint", path }
    assert.equal("", other)
    assert.equal(1, code)
    assert.matches("is of another deletion, account or service", err)
    -- A line that was cut off, and one that has come since and is not meant.
    launch.write(path, launch.read(path) .. "done 0000")
    add("FAILED", 99)
    local out
    out, status = run(words)
    assert.equal(("%d deleted\n"):format(60 - first), out)
    assert.equal(0, status)
    assert.equal(60, deletions())
    assert.equal("1", left())
    assert.equal("", launch.read(path))
  end)
end)
