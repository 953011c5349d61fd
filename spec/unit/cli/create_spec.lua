-- SPDX-License-Identifier: MIT
-- lipsync create: the request that a command line makes. Sent to the emulator:
-- spec/command/create_spec.lua.

if not pcall(require, "argparse") then
  describe("lipsync create", function() pending("argparse is missing") end)
  return
end

local cli = require "spec.support.cli"
local errors = require "lipsync.error"
local launch = require "spec.support.launch"
local lipsync = require "lipsync"
local runs = require "lipsync.cli.run"
local status = require "lipsync.cli.status"

-- The request, and the options of the call.
local function request_of(...)
  local request, options
  local client = { generations = { create = function(_, ...)
    request, options = ...
    return lipsync.generation '{"id":"a"}'
  end } }
  local out, code, err = cli.run({ "create", ... }, client)
  assert.equal("a\n0", out .. code, err)
  return request, options
end

describe("lipsync create", function()
  it("knows an address, an asset and a file", function()
    local id = "6533643b-aceb-4c40-967e-D9BA9BAAC39E"
    for given, wanted in pairs { ["https://a/b"] = { url = "https://a/b" },
        ["HTTP://a"] = { url = "HTTP://a" }, ["asset:ab"] = { assetId = "ab" },
        [id] = { assetId = id }, ["x" .. id] = { file = "x" .. id },
        [id .. "0"] = { file = id .. "0" }, ["a.mp4"] = { file = "a.mp4" },
        ["ftp://a"] = { file = "ftp://a" }, ["xhttp://"] = { file =
        "xhttp://" }, ["asset"] = { file = "asset" } } do
      wanted.type = "video"
      assert.same({ wanted }, request_of("--video", given).input)
    end
  end)

  it("takes a file for a file, also if its name is like an id", function()
    local name = "6533643b-aceb-4c40-967e-d9ba9baac39e"
    finally(function() os.remove(name) end)
    launch.write(name, "")
    assert.same({ { type = "image", file = name } },
      request_of("--image", name).input)
  end)

  it("has all that was given", function()
    local request, options = request_of("--video", "v", "--audio", "a",
      "--text", "Hello", "--voice", "v1", "--name", "n", "--project", "p",
      "--webhook", "w", "--receipt", "r", "--idempotency-key", "k")
    assert.same({ model = "lipsync-2", outputFileName = "n", projectId = "p",
      webhookUrl = "w", input = { { type = "video", file = "v" },
        { type = "audio", file = "a" }, { type = "text", provider = {
          name = "elevenlabs", voiceId = "v1", script = "Hello" } } } },
      request)
    assert.same({ idempotency_key = "k", receipt = "r" }, options)
    request = request_of("--image", "i", "--model", "m")
    assert.same({ model = "m", input = { { type = "image", file = "i" } } },
      request)
  end)

  it("joins the options of the service", function()
    local function options(...)
      local words = { "--video", "v" }
      for _, each in ipairs { ... } do
        words[#words + 1] = "--option"
        words[#words + 1] = each
      end
      return request_of((table.unpack or unpack)(words)).options
    end
    assert.same({ a = { b = { c = 1, d = "x" }, e = true }, f = { 1 } },
      options("a.b.c=1", "a.b.d=x", "a.e=true", "f=[1]"))
    assert.same({ a = { b = 2 } }, options("a=1", "a.b=2"))
    assert.same({ a = 1 }, options("a.b=2", "a=1"))
  end)

  -- What is written, and how it ends.
  local function run(words, made, more)
    local client = { generations = more or {} }
    function client.generations.create()
      if errors.is_error(made) then return nil, made end
      return made
    end
    local line = { "create", "--video", "v" }
    for word in words:gmatch "%S+" do line[#line + 1] = word end
    local out, code, err = cli.run(line, client)
    return out .. "|" .. code .. "|" .. err
  end

  local running = lipsync.generation '{"id":"a","status":"PENDING"}'
  local completed = lipsync.generation '{"id":"a","status":"COMPLETED"}'
  local failed = lipsync.generation '{"id":"a","status":"FAILED"}'

  it("writes the id, the object or the path of the video", function()
    local asked
    local more = { wait = function() return completed end,
      download = function(_, generation, path, options)
        asked = { generation.status, path, options }
        return { path = path .. "/a.mp4" }
      end }
    assert.equal("a\n|0|", run("", running))
    assert.equal('{"id":"a","status":"PENDING"}\n|0|', run("--json", running))
    assert.equal("a\n|0|", run("--wait", running, more))
    assert.equal('{"id":"a","status":"COMPLETED"}\n|0|',
      run("--wait --json", running, more))
    assert.is_nil(asked)
    assert.equal("p/a.mp4\n|0|", run("--download p", running, more))
    assert.same({ "COMPLETED", "p", {} }, asked)
    assert.equal('{"id":"a","status":"COMPLETED"}\n|0|',
      run("--download p --json --receipt r", running, more))
    assert.same({ "COMPLETED", "p", { receipt = "r", if_exists = "keep" } },
      asked)
  end)

  it("downloads nothing where there is no video", function()
    local more = { wait = function() return failed end }
    local why = "generation a is FAILED: no error code"
    assert.equal("a\n|2|lipsync: " .. why, run("--wait", running, more))
    assert.equal("|2|lipsync: " .. why, run("--download p", running, more))
    assert.equal('{"id":"a","status":"FAILED"}\n|2|{"kind":"generation",'
      .. '"message":"' .. why .. '","sentence":"' .. why .. '"}',
      run("--download p --json", running, more))
  end)

  it("says how to go on where it may have been created", function()
    local function err(unknown, key)
      return errors.new("connection", "lost", { outcome_unknown = unknown,
                                                idempotency_key = key })
    end
    local lost = "|3|lipsync: lost."
    assert.equal(lost, run("", err(false, "k")))
    assert.equal(lost, run("", err(true, nil)))
    assert.equal(lost .. "\nlipsync: The same command with --idempotency-key "
      .. "k goes on, and creates no second one.", run("", err(true, "k")))
    assert.equal(lost .. "\nlipsync: The same command goes on, and creates no "
      .. "second one.", run("--receipt r", err(true, "k")))
  end)

  it("says what Ctrl-C leaves", function()
    local new, this = runs.new, nil
    finally(function() runs.new = new end)
    function runs.new(given)
      this = new(given)
      return this
    end
    local function interrupted(words, ...)
      local events = { ... }
      local line = { "create", "--video", "v" }
      for word in words:gmatch "%S+" do line[#line + 1] = word end
      local client = { generations = { create = function()
        for _, event in ipairs(events) do this.on_event(event) end
        status.stop(status.interrupted)
      end } }
      local ok, out, code, err = pcall(cli.run, line, client)
      assert.is_true(ok, out)
      assert.equal("130", out .. code)
      return (err:gsub("\n$", ""))
    end
    local key = { type = "request", idempotencyKey = "k" }
    assert.equal("", interrupted "")
    assert.equal("", interrupted("", { type = "response",
                                       idempotencyKey = "k" }))
    local left = "lipsync: interrupted; the generation may have been created. "
    assert.equal(left .. "The same command with --idempotency-key k goes on, "
      .. "and creates no second one.", interrupted("", key,
        { type = "request" }))
    assert.equal(left .. "The same command goes on, and creates no second "
      .. "one.", interrupted("--receipt r", key))
  end)

  it("shows how far upload and download are, where it can", function()
    local drawn
    local screen = cli.screen { shows = true,
      bar = function(_, ...) return table.concat({ ... }, " ") end,
      show = function(self, text)
        drawn[#drawn + 1] = text
        self.line = text
      end }
    local client = { generations = {
      create = function(_, _, options)
        options.on_progress(1, 2)
        return running
      end,
      wait = function(_, _, options)
        options.on_change(running)
        options.on_progress(50, running)
        return completed
      end,
      download = function(_, _, path, options)
        options.on_progress(3, 4)
        return { path = path }
      end,
    } }
    drawn = {}
    cli.run({ "create", "--video", "v", "--download", "p" }, client, screen)
    assert.same({ "upload 1 2 bytes", "queued", "queued", "queued 50 100 %",
                  "download 3 4 bytes" }, drawn)
    drawn = {}
    assert.equal("a\n", (cli.run({ "create", "--video", "v" }, client,
      screen)))
    assert.same({ "upload 1 2 bytes" }, drawn)
    drawn = {}
    cli.run({ "download", "a" }, client, screen)
    assert.same({ "download 3 4 bytes" }, drawn)
    client.assets = { upload = function(_, _, options)
      options.on_progress(5, 6)
      return completed
    end }
    drawn = {}
    cli.run({ "upload", "f.wav" }, client, screen)
    assert.same({ "f.wav 5 6 bytes" }, drawn)
  end)
end)
