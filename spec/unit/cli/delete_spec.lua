-- SPDX-License-Identifier: MIT
-- lipsync delete: what it asks, what it has deleted, and how it ends, with a
-- service of the spec's own. Against the emulator: spec/command.

if not pcall(require, "argparse") then
  describe("lipsync delete", function() pending("argparse is missing") end)
  return
end

local cli = require "spec.support.cli"
local errors = require "lipsync.error"
local launch = require "spec.support.launch"
local lipsync = require "lipsync"
local screen = require "lipsync.cli.screen"
local terminal = require "lipsync.terminal"

local function failure(kind)
  return errors.new(kind, "no", { action = "delete" })
end

-- What came of each item, by id; default "deleted". What the call was given.
local outcomes, given, ended

-- A client whose listings have these, { id, status, createdAt }.
local function client_of(rows)
  local client, generations = {}, {}
  client.generations = generations
  function client.about() return { base_url = "https://a" } end
  function client.runtime()
    return { session = { account = function() return "1234" end } }
  end
  function generations.list()
    local at = 0
    return function()
      at = at + 1
      local row = (rows or {})[at]
      return row and lipsync.generation(
        ('{"id":"%s","status":"%s","createdAt":"%s"}'):format(row[1], row[2]
          or "FAILED", row[3] or "2026-08-01T00:00:00Z"))
    end
  end
  function generations.delete_many(_, items, options)
    given = { items = items, everything = options.everything,
              max = options.max }
    local all = items
    if type(items) == "function" then
      all = {}
      for item in items do all[#all + 1] = item end
    end
    local stopped = false
    local function stop() stopped = true end
    for _, item in ipairs(all) do
      local id = type(item) == "string" and item or item.id
      local is_wanted = options.when(item, stop)
      given.last = is_wanted
      local outcome = not is_wanted and "skipped" or outcomes[id] or "deleted"
      local err = outcome == "failed" and failure "api" or nil
      if stopped then break end
      options.on_result(id, outcome, nil, err, stop)
    end
    if ended then return nil, ended end
    return {}
  end
  return client
end

describe("lipsync delete", function()
  before_each(function() outcomes, given, ended = {}, nil, nil end)

  local function run(line, rows)
    local words = { "delete" }
    for word in line:gmatch "%S+" do words[#words + 1] = word end
    local out, code, err = cli.run(words, client_of(rows))
    return out .. code, err
  end

  it("deletes ids, each once, or what a filter finds", function()
    assert.equal("2 deleted\n0", (run "a b a --yes"))
    assert.same({ items = { "a", "b" }, last = true }, given)
    local rows = { { "a" }, { "b", "PENDING" }, { "c" } }
    assert.equal("2 deleted, 1 skipped\n0", (run("--everything -y --limit 5",
      rows)))
    assert.equal("function", type(given.items))
    assert.same({ true, 5 }, { given.everything, given.max })
    run("--status FAILED -y", rows)
    assert.is_nil(given.everything)
    assert.is_nil(given.max)
  end)

  it("leaves out what is young, and what was made just then", function()
    local rows = { { "a", "FAILED", "2026-08-25T00:00:00Z" },
                   { "b", "FAILED", "2026-08-24T23:59:59Z" },
                   { "c", "FAILED", "?" } }
    assert.equal("1 deleted, 2 skipped\n0",
      (run("--everything -y --older-than 2026-08-25", rows)))
  end)

  it("counts what came of each", function()
    outcomes = { b = "gone", c = "failed" }
    local out, err = run "a b c d --yes"
    assert.equal("2 deleted, 1 gone, 1 failed\n4", out)
    assert.equal("lipsync: delete: no.", err)
    assert.equal('{"deleted":2,"failed":1,"gone":1,"skipped":0}\n4',
      (run "a b c d --yes --json"))
    assert.equal("0 deleted, 1 failed\n2", (run "c --yes"))
    assert.equal("0 deleted, 1 gone, 1 failed\n4", (run "b c --yes"))
    assert.equal("0 deleted, 1 gone\n0", (run "b --yes"))
  end)

  it("says why it stopped, with a status for how far it came", function()
    ended = failure "connection"
    local out, err = run "a --yes"
    assert.equal("1 deleted\n4", out)
    assert.equal("lipsync: delete: no.", err)
    outcomes.a = "gone"
    assert.equal("0 deleted, 1 gone\n4", (run "a --yes"))
    outcomes.a = "failed"
    assert.equal("0 deleted, 1 failed\n3", (run "a --yes"))
  end)

  it("begins no more after Ctrl-C, and says how far it came", function()
    local interrupted, pressed = terminal.interrupted, false
    finally(function() terminal.interrupted = interrupted end)
    function terminal.interrupted() return pressed end
    local path = os.tmpname()
    finally(function()
      terminal.interrupted = interrupted
      os.remove(path)
    end)
    os.remove(path)
    local words = { "delete", "a", "b", "c", "--yes", "--checkpoint", path }
    local client = client_of {}
    local delete_many = client.generations.delete_many
    local results = {}
    -- It is pressed while "a" is under way.
    function client.generations.delete_many(self, items, options)
      local on_result = options.on_result
      function options.on_result(id, outcome, ...)
        pressed = true
        results[#results + 1] = id
        return on_result(id, outcome, ...)
      end
      return delete_many(self, items, options)
    end
    local out, code, err = cli.run(words, client)
    assert.equal("1 deleted\n130", out .. code)
    assert.equal("lipsync: interrupted; what was under way was waited for.",
      err)
    assert.same({ "a" }, results)
    assert.is_false(given.last)
    assert.matches("todo c\ndone a\n$", launch.read(path))
    -- What is left out then is no more than not begun.
    pressed = false
    function client.generations.delete_many(_, _, options)
      pressed = true
      local stopped = false
      options.on_result("b", "skipped", nil, nil, function()
        stopped = true
      end)
      assert.is_true(stopped)
      return {}
    end
    out, code = cli.run(words, client)
    assert.equal("0 deleted\n130", out .. code)
    assert.matches("todo c\ndone a\n$", launch.read(path))
  end)

  it("remembers what was done, and by which filter it was chosen", function()
    local path = os.tmpname()
    finally(function() os.remove(path) end)
    local function first_line(line, rows)
      os.remove(path)
      outcomes.b = "failed"
      run(line .. " -y --checkpoint " .. path, rows)
      return launch.read(path):match '"what":(.*)}\n.*'
    end
    assert.equal('["a","b"]', first_line "a b a")
    local rows = { { "a" }, { "b" } }
    assert.equal('{"by_age":false,"filter":{"status":["FAILED"]}}',
      first_line("--status FAILED", rows))
    assert.equal('{"by_age":true,"everything":true,"filter":{},"limit":5}',
      first_line("--everything --limit 5 --older-than 1d", rows))
    os.remove(path)
    outcomes = { b = "skipped" }
    run("a b c -y --checkpoint " .. path)
    assert.equal("", launch.read(path))
    outcomes = { b = "skipped", c = "failed" }
    run("a b c -y --checkpoint " .. path)
    assert.matches("todo c\ndone a\n$", launch.read(path))
  end)

  it("says how far it is, on a line that it takes away", function()
    local said = {}
    local function progress(line, rows)
      said = {}
      local screen_ = cli.screen { shows = true,
        bar = function(_, ...) return table.concat({ ... }, " ") end,
        show = function(self, text)
          said[#said + 1] = text
          self.line = text
        end }
      local words = { "delete" }
      for word in line:gmatch "%S+" do words[#words + 1] = word end
      cli.run(words, client_of(rows), screen_)
      return said
    end
    outcomes = { b = "gone", c = "failed" }
    assert.same({ "deleting 1 4", "deleting 2 4", "deleting 3 4",
                  "deleting 4 4" }, progress "a b c d --yes")
    outcomes = {}
    local rows = { { "a" }, { "b", "PENDING" }, { "c" } }
    assert.same({ "looking  1 found", "looking  1 found", "looking  2 found" },
      progress("--everything --dry-run", rows))
    assert.same({ "deleting 1", "deleting 1", "deleting 2" },
      progress("--everything --yes", rows))
  end)

  it("refuses what it may not have been meant to do", function()
    local both = "give ids or a filter, not both."
    local missing = "nothing was deleted: without --status, --ids, --source "
      .. "or --project this would delete everything that has ended%s. "
      .. "--everything says that it is meant."
    for line, sentence in pairs { ["a -y --status FAILED"] = both,
        ["a -y --older-than 1d"] = both, ["a -y --everything"] = both,
        ["a -y --limit 1"] = both, ["-y"] = missing:format "",
        ["-y --limit 1"] = missing:format "", ["-y --older-than 1d"] =
        missing:format " and is that old" } do
      local out, err = run(line)
      assert.equal("1" .. sentence, out .. err, line)
    end
    assert.is_nil(given)
  end)

  describe("without --yes", function()
    local can_ask, stdin, stderr = screen.can_ask, io.stdin, io.stderr
    local answer, asked, there

    before_each(function()
      answer, asked, there = nil, "", true
      function screen.can_ask() return there end
      rawset(io, "stdin", { read = function() return answer end })
      rawset(io, "stderr", { write = function(_, ...)
        asked = asked .. table.concat { ... }
      end })
    end)
    after_each(function()
      screen.can_ask = can_ask
      rawset(io, "stdin", stdin)
      rawset(io, "stderr", stderr)
    end)

    it("asks, with the number, and takes only a yes for one", function()
      for text, is_yes in pairs { y = true, Yes = true, n = false, [""] = false,
                                  ny = false } do
        answer, given = text, nil
        local out, err = run("--status FAILED", { { "a" }, { "b" } })
        assert.equal(is_yes and "2 deleted\n0" or "1nothing was deleted.",
          out .. err)
        assert.equal(is_yes, given ~= nil)
      end
      answer = nil
      assert.equal("1nothing was deleted.", table.concat({ run "a" }))
      asked, answer = "", "y"
      run "a"
      assert.equal("Delete 1 generation? There is no way back. [y/N] ", asked)
      asked = ""
      run("--everything --limit 2", { { "a" }, { "b" }, { "c" } })
      assert.equal("Delete 2 generations? There is no way back. [y/N] ", asked)
      assert.same({ items = { "a", "b" }, everything = true, last = true },
        given)
    end)

    it("asks nothing where there is nothing, or nobody", function()
      assert.equal("0 deleted\n0", (run("--status FAILED", {})))
      assert.equal("", asked)
      there = false
      local _, err = run "a"
      assert.equal("nothing was deleted: nobody can be asked here. --yes "
        .. "deletes without a question, --dry-run shows what would go.", err)
      assert.equal("1 deleted\n0", (run "a --yes"))
      assert.equal("", asked)
    end)

    it("asks whether to go on with what is left", function()
      local path = os.tmpname()
      finally(function() os.remove(path) end)
      os.remove(path)
      answer, outcomes.b = "y", "failed"
      local line = "a b c --checkpoint " .. path
      assert.equal("2 deleted, 1 failed\n4", (run(line)))
      assert.matches("todo c\ndone a\ndone c\n$", launch.read(path))
      asked = ""
      assert.equal("0 deleted, 1 failed\n2", (run(line)))
      assert.same({ "b" }, given.items)
      assert.equal("Go on with 1 generation of 3? There is no way back. "
        .. "[y/N] ", asked)
      outcomes.b = "gone"
      assert.equal("0 deleted, 1 gone\n0", (run(line .. " --yes")))
      assert.equal("", launch.read(path))
    end)
  end)
end)
