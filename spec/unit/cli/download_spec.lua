-- SPDX-License-Identifier: MIT
-- lipsync download, with a service of the spec's own. Against the emulator:
-- spec/command/create_spec.lua.

if not pcall(require, "argparse") then
  describe("lipsync download", function() pending("argparse is missing") end)
  return
end

local cli = require "spec.support.cli"
local errors = require "lipsync.error"
local status = require "lipsync.cli.status"

describe("lipsync download", function()
  local asked, results, ended
  local failed = errors.new("api", "no", {})
  local generations = {}
  local client = { generations = generations }

  before_each(function() asked, results, ended = nil, {}, nil end)

  function generations.list(_, filter)
    return { filter = filter }
  end

  function generations.download(_, id, path, options)
    asked = { id, path, options.if_exists or "none" }
    return { path = path .. "/" .. id, bytes = 5, type = "video/mp4" }
  end

  function generations.download_many(_, items, path, options)
    asked = { items, path, options.if_exists or "none" }
    local tally = { downloaded = 0, existing = 0, failed = 0 }
    for _, each in ipairs(results) do
      tally[each[2]] = tally[each[2]] + 1
      options.on_result((table.unpack or unpack)(each, 1, 4))
    end
    if ended then return nil, ended, tally end
    return tally
  end

  local function run(...)
    local out, code, err = cli.run({ "download", ... }, client)
    return out .. code, err
  end

  local function file(path, existing)
    return { path = path, bytes = 5, type = "video/mp4", existing = existing }
  end

  it("takes one, into this folder or elsewhere", function()
    assert.equal("./a\n0", (run "a"))
    assert.same({ "a", ".", "none" }, asked)
    assert.equal("o/a\n0", (run("a", "a", "-o", "o", "--overwrite")))
    assert.same({ "a", "o", "overwrite" }, asked)
    assert.equal('{"bytes":5,"id":"a","path":"./a","type":"video/mp4"}\n0',
      (run("a", "--json")))
  end)

  it("takes several, and counts what came of each", function()
    results = { { "a", "downloaded", file "f/a" },
                { "b", "existing", file("f/b", true) } }
    assert.equal("f/a\nf/b\n0", (run("a", "b")))
    assert.same({ { "a", "b" }, ".", "none" }, asked)
    run("a", "b", "-o", "o", "--overwrite")
    assert.same({ { "a", "b" }, "o", "overwrite" }, asked)
    assert.equal('{"bytes":5,"id":"a","path":"f/a","type":"video/mp4"}\n'
      .. '{"bytes":5,"existing":true,"id":"b","path":"f/b",'
      .. '"type":"video/mp4"}\n0', (run("a", "b", "--json")))
    results[3] = { "c", "failed", nil, failed }
    local out, err = run("a", "b")
    assert.equal("f/a\nf/b\n4", out)
    assert.equal("lipsync: no.", err)
    results = { results[2], results[3] }
    assert.equal("f/b\n4", (run("a", "b")))
    results = { results[2] }
    assert.equal("2", (run("a", "b")))
    ended = errors.new("connection", "lost", {})
    assert.equal("3", (run("a", "b")))
    results = { { "a", "downloaded", file "f/a" } }
    out, err = run("a", "b")
    assert.equal("f/a\n4", out)
    assert.equal("lipsync: lost.", err)
  end)

  it("says how many it has, on a line that it takes away", function()
    local drawn
    local function progress(...)
      drawn = {}
      cli.run({ "download", ... }, client, cli.screen { shows = true,
        bar = function(_, label, done, total)
          return ("%s %d of %s"):format(label, done, tostring(total))
        end,
        show = function(self, text, now)
          drawn[#drawn + 1] = text .. " " .. tostring(now)
          self.line = text
        end })
      return drawn
    end
    results = { { "a", "downloaded", file "f/a" }, { "b", "failed", nil,
                                                     failed } }
    assert.same({ "download 1 of 2 true", "download 2 of 2 true" },
      progress("a", "b"))
    assert.same({ "download 1 of nil true", "download 2 of nil true" },
      progress "--all-completed")
  end)

  it("says after Ctrl-C that it goes on", function()
    local stopping = { generations = {} }
    local function stop() status.stop(status.interrupted) end
    stopping.generations.download, stopping.generations.download_many = stop,
      stop
    for _, words in ipairs { { "a" }, { "a", "b" } } do
      local out, code, err = cli.run({ "download",
        (table.unpack or unpack)(words) }, stopping)
      assert.equal("130lipsync: interrupted; what is there stays, and the same "
        .. "command goes on.", out .. code .. err)
    end
  end)

  it("takes all that are there, and not ids too", function()
    run "--all-completed"
    assert.same({ status = "COMPLETED", page_size = 100 }, asked[1].filter)
    asked = nil
    for _, words in ipairs { {}, { "a", "--all-completed" } } do
      local out, err = run((table.unpack or unpack)(words))
      assert.equal("1give ids, or --all-completed.", out .. err)
    end
    assert.is_nil(asked)
  end)
end)
