-- SPDX-License-Identifier: MIT
-- lipsync create, wait, watch, download, upload, assets and request.

local command = require "spec.support.command"
local launch = require "spec.support.launch"
local lipsync = require "lipsync"

local found, module = pcall(require, "lipsync.emulator")
if not found or not command.can_run() then
  describe("lipsync create", function()
    pending("needs lipsync.emulator and argparse")
  end)
  return
end

local emulator, folder, clip, voice

setup(function()
  emulator = module.start { generations = 0, pending_seconds = 0.2,
                            processing_seconds = 0.2 }
end)
teardown(function() emulator:stop() end)
before_each(function()
  folder = launch.folder()
  clip, voice = folder .. "/clip.mp4", folder .. "/voice.wav"
  launch.write(clip, ("clip"):rep(1000))
  launch.write(voice, ("voice"):rep(1000))
end)
after_each(function()
  emulator:reset()
  launch.remove(folder)
end)

local function run(words, options)
  options = options or {}
  options.url = options.url or emulator.base_url
  return command.run(words, options)
end

local function out_of(words, options)
  local out, status, err = run(words, options)
  assert.equal("", err)
  assert.equal(0, status, out)
  return out
end

local url = "https://media.example/x.mp4"
local uuid = "^%x+%-%x+%-%x+%-%x+%-%x+\n$"

local function creates()
  local n = 0
  for _, request in ipairs(emulator:requests()) do
    if request.path == "/v2/generate" then n = n + 1 end
  end
  return n
end

describe("lipsync create", function()
  it("prints the id, and sends what it was given", function()
    local id = out_of { "create", "--video", clip, "--audio", url, "--name",
      "episode 12", "--option", "sync_mode=loop", "--option",
      "active_speaker_detection.auto_detect=true", "--model", "lipsync-2-pro" }
    assert.matches(uuid, id)
    local made = lipsync.generation(out_of { "get", id:match "%S+", "--json" })
    assert.equal("lipsync-2-pro", made.model)
    assert.equal("episode_12", made.outputFileName)
    assert.equal("loop", made.options.sync_mode)
    assert.is_true(made.options.active_speaker_detection.auto_detect)
    local kinds = {}
    for _, item in ipairs(made.input) do kinds[item.type] = item end
    assert.equal(url, kinds.audio.url)
    assert.is_truthy(kinds.video)
  end)

  it("takes assets, and text with a voice", function()
    local asset = out_of({ "upload", voice }):match "%S+"
    local text = out_of { "create", "--video", url, "--audio", asset,
                          "--json" }
    assert.is_truthy(text:find('"assetId":"' .. asset, 1, true), text)
    text = out_of({ "create", "--video", url, "--text", "-", "--voice", "v1",
                    "--json" }, { input = "Good morning." })
    assert.is_truthy(text:find("Good morning.", 1, true), text)
  end)

  it("takes an image, a webhook, and a key of one's own", function()
    local words = { "create", "--image", url, "--audio", url, "--model",
      "sync-3", "--webhook", "http://127.0.0.1:1/hook", "--idempotency-key",
      "episode-12", "--json" }
    local made = lipsync.generation(out_of(words))
    assert.equal("image", made.input[1].type)
    assert.equal("http://127.0.0.1:1/hook", made.webhookUrl)
    assert.equal(made.id, lipsync.generation(out_of(words)).id)
    local body = '{"model":"sync-3","input":[{"type":"video","url":"' .. url
      .. '"},{"type":"audio","url":"' .. url .. '"}]}'
    words = { "request", "POST", "/v2/generate", "--data", body,
              "--idempotency-key", "episode-13" }
    assert.equal(lipsync.generation(out_of(words)).id,
      lipsync.generation(out_of(words)).id)
  end)

  it("waits and downloads, and prints the path", function()
    local path = folder .. "/new.mp4"
    assert.equal(path .. "\n", out_of { "create", "--video", clip, "--audio",
      voice, "--download", path })
    assert.equal(4096, #launch.read(path))
  end)

  for _, width in ipairs { 40, 80, 200 } do
    it(("shows each phase on a terminal of %d columns"):format(width),
      function()
        if not command.has_terminal() then pending "python3 is missing" end
        local out, status = run({ "create", "--video", clip, "--audio", voice,
          "--download", folder }, { columns = width })
        assert.equal(0, status, out)
        for _, phase in ipairs { "upload", "queued", "rendering",
                                 "download" } do
          assert.is_truthy(out:find("\r" .. phase, 1, true), phase)
        end
        for line in out:gmatch "\r([^\r\n]*)\27%[K" do
          assert.is_true(#line < width, line)
        end
      end)
  end

  it("says which generation became no video, and why", function()
    emulator:fault { route = "create", outcome = "FAILED",
                     errorCode = "generation_pipeline_failed" }
    local out, status, err = run { "create", "--video", url, "--audio", url,
                                   "--wait" }
    assert.matches(uuid, out)
    assert.equal(2, status)
    assert.matches("^lipsync: generation .* is FAILED: "
      .. "generation_pipeline_failed", err)
  end)

  it("is paid for once with a receipt", function()
    local words = { "create", "--video", clip, "--audio", voice, "--receipt",
                    folder .. "/receipt" }
    assert.equal(out_of(words), out_of(words))
    assert.equal(1, creates())
  end)

  it("is not done again with a receipt", function()
    local words = { "create", "--video", url, "--audio", url, "--receipt",
                    folder .. "/done", "--download", folder .. "/done.mp4" }
    local said = out_of(words)
    assert.equal(folder .. "/done.mp4\n", said)
    local before = #emulator:requests()
    assert.equal(said, out_of(words))
    assert.equal(before, #emulator:requests())
  end)

  it("tells the key after an outcome that is not known", function()
    emulator:fault { route = "create", statusCode = 503, perform = true,
      times = 0, errorCode = "IDEMPOTENCY_OUTCOME_UNKNOWN", retryAfter = 1 }
    local words = { "create", "--video", url, "--audio", url, "--timeout", "1" }
    local out, status, err = run(words)
    assert.equal("", out)
    assert.is_true(status == 2 or status == 3, err)
    local key = err:match "with %-%-idempotency%-key (%S+) goes on"
    assert.is_truthy(key, err)
    emulator:reset()
  end)

  it("tells the key after Ctrl-C", function()
    if not command.has_terminal() then pending "python3 is missing" end
    emulator:fault { route = "create", delay = 60, perform = true }
    local program = launch.start { folder = folder,
      env = { LUA_CPATH = package.cpath },
      command = command.line({ "create", "--video", url, "--audio", url },
        { url = emulator.base_url }) }
    program:await(function() return creates() == 1 end)
    program:signal "INT"
    local status, log = program:finish()
    assert.equal(130, status)
    assert.matches("^lipsync: interrupted; the generation may have been "
      .. "created%. The same command with %-%-idempotency%-key %S+ goes on",
      log)
  end)

  it("refuses what it cannot send", function()
    for sentence, words in pairs {
      ["give a --video, or an --image."] = { "create", "--audio", url },
      ["--text needs a --voice."] = { "create", "--video", url, "--text", "x" },
      ["--voice needs a --text."] = { "create", "--video", url, "--voice",
                                      "x" },
      ['--option: "loop" is not like name=value. "lipsync help create" says '
        .. "more."] = { "create", "--video", url, "--option", "loop" },
      ['create generation: there is no file "none.mp4".'] =
        { "create", "--video", "none.mp4", "--audio", url },
    } do
      local _, status, err = run(words)
      assert.equal("lipsync: " .. sentence .. "\n", err)
      assert.equal(1, status)
    end
    assert.equal(0, creates())
  end)
end)

describe("lipsync wait", function()
  it("writes each when it has ended", function()
    local ids = emulator:add { { status = "PENDING" }, { status = "PENDING" },
      { status = "FAILED", errorCode = "internal_error" } }
    emulator:advance(5)
    emulator:advance(5)
    local out, status, err = run { "wait", "--fields", "id,status", ids[1],
                                   ids[2], ids[3] }
    assert.equal(4, status)
    assert.matches("is FAILED: internal_error", err)
    assert.is_truthy(out:find(ids[1] .. "\tCOMPLETED\n", 1, true))
    assert.is_truthy(out:find(ids[2] .. "\tCOMPLETED\n", 1, true))
    assert.is_truthy(out:find(ids[3] .. "\tFAILED\n", 1, true))
    assert.equal(ids[1] .. "\n", out_of { "wait", ids[1], "--fields", "id" })
    assert.equal(2, (select(2, run { "wait", ids[3] })))
  end)

  it("ends with 3 when the time is up, and with 130 after Ctrl-C", function()
    if not command.has_terminal() then pending "python3 is missing" end
    emulator:set { pending_seconds = 3600 }
    local id = emulator:add { status = "PENDING" }
    assert.equal(3, (select(2, run { "wait", id, "--timeout", "1" })))
    local made, code = run { "create", "--video", url, "--audio", url,
                             "--wait", "--timeout", "1" }
    assert.matches(uuid, made)
    assert.equal(3, code)
    local out, status = run({ "wait", id }, { columns = 80,
      typed = { { "queued", "\\x03" } } })
    assert.equal(130, status)
    assert.is_truthy(out:find("interrupted; generation " .. id
      .. " goes on. To wait for it again: lipsync wait " .. id, 1, true), out)
    emulator:set { pending_seconds = 0.2 }
  end)
end)

describe("lipsync watch", function()
  it("writes a line for each change in a pipe", function()
    emulator:set { pending_seconds = 3600 }
    local id = emulator:add { status = "PENDING" }
    local program = launch.start { folder = folder,
      env = { LUA_CPATH = package.cpath },
      command = command.line({ "watch", "--interval", "1", "--fields",
        "id,status" }, { url = emulator.base_url }) }
    program:await(function() return program:log():find "PENDING" end)
    emulator:advance(7200)
    local status, out = program:finish()
    assert.equal(0, status, out)
    assert.is_truthy(out:find(id .. "\tCOMPLETED\n", 1, true), out)
    assert.equal("", out_of { "watch" })
    emulator:set { pending_seconds = 0.2 }
  end)

  it("says what it could not get, and goes on", function()
    emulator:set { pending_seconds = 3600 }
    emulator:add { { status = "PENDING" }, { status = "PENDING" } }
    local program = launch.start { folder = folder,
      env = { LUA_CPATH = package.cpath },
      command = command.line({ "watch", "--interval", "1", "--fields",
        "id,status" }, { url = emulator.base_url }) .. " 2>&1" }
    program:await(function()
      return select(2, program:log():gsub("PENDING", "")) == 2
    end)
    emulator:fault { route = "get", statusCode = 403 }
    emulator:advance(7200)
    local status, out = program:finish()
    assert.equal(0, status, out)
    assert.equal(1, select(2, out:gsub("COMPLETED", "")), out)
    assert.matches("lipsync: get generation .* 403", out)
    emulator:set { pending_seconds = 0.2 }
  end)

  it("takes only a 404 of the service for a deletion", function()
    emulator:set { pending_seconds = 3600 }
    emulator:add { { status = "PENDING" }, { status = "PENDING" } }
    local program = launch.start { folder = folder,
      env = { LUA_CPATH = package.cpath },
      command = command.line({ "watch", "--interval", "1", "--fields",
        "id,status" }, { url = emulator.base_url }) .. " 2>&1" }
    program:await(function()
      return select(2, program:log():gsub("PENDING", "")) == 2
    end)
    emulator:fault { route = "get", statusCode = 404, body = "no route" }
    emulator:fault { route = "get", statusCode = 404 }
    emulator:advance(7200)
    local status, out = program:finish()
    assert.equal(0, status, out)
    assert.equal(1, select(2, out:gsub("lipsync: get generation .* 404", "")),
      out)
    emulator:set { pending_seconds = 0.2 }
  end)

  it("shows all that are running, however many", function()
    emulator:set { pending_seconds = 3600 }
    local many = {}
    for i = 1, 101 do many[i] = { status = "PENDING" } end
    emulator:add(many)
    local program = launch.start { folder = folder,
      env = { LUA_CPATH = package.cpath },
      command = command.line({ "watch", "--interval", "1", "--fields",
        "id,status" }, { url = emulator.base_url }) }
    program:await(function()
      return select(2, program:log():gsub("PENDING", "")) == 101
    end)
    emulator:advance(7200)
    local status, out = program:finish()
    assert.equal(0, status, out)
    assert.equal(101, select(2, out:gsub("COMPLETED", "")))
    emulator:set { pending_seconds = 0.2 }
  end)

  for _, width in ipairs { 40, 80, 200 } do
    it(("draws its table anew at %d columns"):format(width), function()
      if not command.has_terminal() then pending "python3 is missing" end
      emulator:set { processing_seconds = 3600 }
      emulator:add { { status = "PROCESSING" }, { status = "PROCESSING" } }
      local program = launch.start { folder = folder,
        env = { LUA_CPATH = package.cpath },
        command = command.line({ "watch", "--interval", "1" },
          { url = emulator.base_url, columns = width }) }
      program:await(function() return #emulator:requests() >= 6 end)
      emulator:advance(3600)
      local status, out = program:finish()
      assert.equal(0, status, out)
      assert.is_truthy(out:find("\27[3A\27[J", 1, true), out)
      assert.matches("COMPLETED", out)
      for line in out:gsub("\27%[[%d;]*%a", ""):gmatch "[^\n]+" do
        assert.is_true(select(2, line:gsub("[^\128-\191]", "")) <= width, line)
      end
      emulator:set { processing_seconds = 0.2 }
    end)
  end
end)

describe("lipsync download", function()
  local video = "emulator:/media/outputs/name.mp4"

  it("takes one as a file, and many into a folder", function()
    local ids = emulator:add { { status = "COMPLETED", outputUrl = video },
      { status = "COMPLETED", outputFileName = "two", outputUrl = video } }
    local path = folder .. "/one.mp4"
    assert.equal(path .. "\n", out_of { "download", ids[1], "-o", path })
    local _, status, err = run { "download", ids[1], "-o", path }
    assert.equal(1, status)
    assert.matches("exists already", err)
    assert.equal(path .. "\n", out_of { "download", ids[1], "-o", path,
                                        "--overwrite" })
    -- Twice, in the order in which they are there.
    for _ = 1, 2 do
      local out = out_of { "download", "--all-completed", "-o", folder }
      assert.is_truthy(out:find(folder .. "/two-" .. ids[2]:sub(1, 8) .. ".mp4",
        1, true), out)
      assert.equal(2, select(2, out:gsub("\n", "")))
    end
  end)

  it("says what is missing, and how it ended", function()
    local id = emulator:add { status = "COMPLETED", outputUrl = video }
    local _, status, err = run { "download" }
    assert.equal(1, status)
    assert.matches("give ids, or %-%-all%-completed", err)
    _, status, err = run { "download", id, "-o", folder,
      "6533643b-aceb-4c40-967e-d9ba9baac39e" }
    assert.equal(4, status)
    assert.matches("404 generation_not_found", err)
  end)
end)

describe("lipsync upload, assets and request", function()
  it("make, list and ask", function()
    local out, status, err = run { "upload", voice, folder .. "/none.wav" }
    assert.matches(uuid, out)
    assert.equal(4, status)
    assert.matches("there is no file", err)
    assert.matches(out:match "%S+":gsub("%-", "%%-") .. "\tAUDIO\tvoice.wav\t",
      out_of { "assets", "--type", "AUDIO", "--search", "voice" })
    assert.equal("", out_of { "assets", "--type", "VIDEO" })
    out_of { "upload", clip, "--name", "zebra" }
    assert.equal("zebra\nvoice.wav\n", out_of { "assets", "--sort", "nameDesc",
                                                "--fields", "name" })
    assert.equal("voice.wav\nzebra\n", out_of { "assets", "--sort", "nameAsc",
                                                "--fields", "name" })
    assert.matches('^{"estimatedCredits":', out_of { "request", "POST",
      "/v2/generations/estimate", "--data",
      '{"model":"lipsync-2","duration":12}' })
    assert.equal('{"count":0}\n', out_of { "request", "GET",
      "/v2/generations/count", "--query", "status=FAILED" })
    out, status, err = run { "request", "GET", "v2/models" }
    assert.equal("", out)
    assert.equal(1, status)
    assert.matches("the path must begin with exactly one /", err)
    assert.equal(2, (select(2, run { "request", "GET", "/v2/none" })))
  end)

  it("take a file whose suffix says nothing", function()
    local path = folder .. "/take.one"
    launch.write(path, "RIFF")
    local _, status, err = run { "upload", path }
    assert.equal(1, status)
    assert.matches("pass type and content_type", err)
    local id = out_of({ "upload", path, "--type", "AUDIO", "--content-type",
      "audio/wav" }):match "%S+"
    assert.matches(id:gsub("%-", "%%-") .. "\tAUDIO\ttake.one\t",
      out_of { "assets", "--search", "take" })
  end)

  it("show how far an upload is", function()
    if not command.has_terminal() then pending "python3 is missing" end
    for _, width in ipairs { 40, 80, 200 } do
      local out = run({ "upload", voice }, { columns = width })
      for line in out:gmatch "\r([^\r\n]*)\27%[K" do
        assert.is_true(select(2, line:gsub("[^\128-\191]", "")) < width, line)
      end
      assert.matches("%x+\n$", out)
    end
  end)
end)
