-- SPDX-License-Identifier: MIT
-- Downloads from the emulator, which has its files on the same port, so each
-- request is seen.

local file = require "lipsync.file"
local lipsync = require "lipsync"
local media = require "spec.support.media"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

describe("client.generations", function()
  local here = service.fixture(after_each)
  local disk = media.fixture(before_each, after_each)
  local folder

  local function emulate(n)
    here.emulate { generations = 0 }
    for i = 1, n do
      here.server:add { id = ("a%07d-1"):format(i), status = "COMPLETED",
                        outputFileName = "clip " .. i,
                        outputUrl = ("emulator:/media/outputs/%d.mp4"):format(i)
      }
    end
    folder = disk.folder
    return here.client.generations
  end

  local function media_requests()
    local found = {}
    for _, request in ipairs(here.server:requests()) do
      if request.path:find("/media/", 1, true) then
        found[#found + 1] = request
      end
    end
    return found
  end

  describe(":download", function()
    it("gets the bytes that the service has", function()
      local generations = emulate(1)
      local result = assert(generations:download("a0000001-1", folder))
      assert.equal(folder .. "/clip 1.mp4", result.path)
      assert.equal("video/mp4", result.type)
      assert.equal(4096, result.bytes)
      assert.equal("ftyp", media.read(result.path):sub(5, 8))
      assert.not_equal("600", media.shell(("stat -c %%a '%s'")
        :format(result.path)))
      -- The same bytes, by a connection that is cut again and again.
      for _, cut in ipairs { 1, 300, 1531, 4095 } do
        here.server:fault { route = "media", cut = cut, times = 1 }
        local other = assert(generations:download("a0000001-1",
          folder .. "/other.mp4", { if_exists = "overwrite" }))
        assert.is_true(media.read(result.path) == media.read(other.path))
        assert.is_true(other.resumed, cut)
      end
    end)

    it("sends neither the key nor headers to the file's server", function()
      local generations = emulate(1)
      assert(generations:download("a0000001-1", folder,
        { headers = { ["X-Canary"] = "canary" } }))
      local seen = media_requests()
      assert.equal(1, #seen)
      for name, value in pairs(seen[1].headers) do
        assert.is_nil((name .. value):lower():find("canary", 1, true))
        assert.is_nil((name .. value):find(here.server.key, 1, true), name)
      end
      local keys = 0
      for _, request in ipairs(here.server:requests()) do
        for name in pairs(request.headers) do
          if name:lower() == "x-canary" then keys = keys + 1 end
        end
      end
      assert.equal(1, keys)
    end)

    it("takes an address that has expired meanwhile", function()
      local generations = emulate(1)
      here.server:set { media_lifetime = 60 }
      local generation = assert(generations:get "a0000001-1")
      here.server:advance(120)
      assert(generation:download(folder))
      assert.equal(2, #media_requests())
    end)
  end)

  describe(":download", function()
    it("says why there is nothing to download", function()
      local function fails(status, rest, words)
        local text = service.generation("g1", status, rest)
        local generations = here.start { service.answer(200, text) }
        local none, err = generations:download("g1", disk.folder)
        assert.is_nil(none)
        assert.equal("invalid", err.kind)
        assert.equal("download generation g1: " .. words, tostring(err))
        here.stop()
      end
      for _, status in ipairs { "PENDING", "NEW" } do
        fails(status, "", ("it is %s, and can be downloaded once it is "
          .. "COMPLETED."):format(status))
      end
      for _, status in ipairs { "FAILED", "REJECTED" } do
        fails(status, "", ("it is %s, and so has no output."):format(status))
      end
      for _, rest in ipairs { "", ',"outputUrl":""', ',"outputUrl":5' } do
        fails("COMPLETED", rest, "it has no outputUrl.")
      end
    end)

    it("names a file after the id where there is no name", function()
      local generations = emulate(0)
      here.server:add { id = "b1", status = "COMPLETED",
        outputUrl = "emulator:/media/outputs/1.mp4" }
      assert.equal(folder .. "/b1.mp4",
        assert(generations:download("b1", folder)).path)
    end)

    it("raises for what is no path", function()
      local generations = emulate(0)
      local assets = here.client.assets
      for _, wrong in ipairs { "", 5, false } do
        for what, call in pairs {
          path = function() generations:download("g1", wrong) end,
          ["path "] = function() assets:download("a1", wrong) end,
          folder = function() generations:download_many({}, wrong) end,
        } do
          local ok, problem = pcall(call)
          assert.is_false(ok)
          assert.matches("download_spec.lua:%d+: " .. what:gsub(" ", "")
            .. " must be a path, got ", problem)
        end
      end
    end)
  end)

  describe(":download_many", function()
    it("has four under way, if nothing else is said", function()
      local held = scripted.start { loop = true,
                                    { { read = true }, { hold = true } } }
      finally(function() held:stop() end)
      local generations, list = emulate(0), {}
      for i = 1, 9 do
        list[i] = ("a%07d-1"):format(i)
        here.server:add { id = list[i], status = "COMPLETED",
                          outputUrl = ("%s/%d.mp4"):format(held.base_url, i) }
      end
      local client = here.client
      client:spawn(function() generations:download_many(list, folder) end)
      while #held:requests() < 4 do
        client:step()
        scripted.sleep(0.001)
      end
      for _ = 1, 20 do client:step() end
      assert.equal(4, #held:requests())
    end)

    it("foresees what would become of each", function()
      local generations = emulate(2)
      here.server:add { id = "b1", status = "FAILED" }
      local ids = { "a0000001-1", "a0000002-1", "b1" }
      local result = assert(generations:download_many(ids, folder,
        { dry_run = true }))  -- of an id nothing is known
      assert.same({ 3, 0 }, { result.downloaded, result.failed })
      local all = assert(generations:all { ids = ids })
      result = assert(generations:download_many(all, folder,
        { dry_run = true }))
      assert.same({ 2, 1 }, { result.downloaded, result.failed })
    end)

    it("gets a whole listing into a folder, and nothing twice", function()
      local generations = emulate(12)
      here.server:add { id = "b1", status = "FAILED" }
      local filter = { status = "COMPLETED", page_size = 5 }
      local count, most = 0, 0
      local result = assert(generations:download_many(
        generations:list(filter), folder, {
          on_result = function(id, outcome, got, err)
            assert.is_nil(err)
            assert.equal("downloaded", outcome)
            assert.matches(id:sub(1, 8) .. "%.mp4$", got.path)
            count = count + 1
          end,
          on_progress = function(done) most = math.max(most, done) end,
        }))
      assert.same({ downloaded = 12, existing = 0, skipped = 0, failed = 0,
                    errors = {} }, result)
      assert.same({ 12, 12 }, { count, most })
      assert.equal("12", media.shell("ls -A " .. folder .. " | wc -l"))
      assert.is_string(media.read(folder .. "/clip 3-a0000003.mp4"))
      -- Again: each is asked for its length only.
      local before = #media_requests()
      result = assert(generations:download_many(generations:list(filter),
        folder))
      assert.equal(12, result.existing)
      for i = before + 1, #media_requests() do
        assert.equal("bytes=0-0", media_requests()[i].headers.Range
          or media_requests()[i].headers.range)
      end
    end)

    it("ends where the disk takes no more of any file", function()
      local generations, open = emulate(3), file.open
      finally(function() file.open = open end)
      local number
      function file.open(path, mode, ...)
        if mode ~= "edit" then return open(path, mode, ...) end
        return nil, { code = "file_unwritten", path = path, os_error = number }
      end
      local function try(os_error)
        number = os_error
        return generations:download_many({ "a0000001-1", "a0000002-1",
          "a0000003-1" }, folder, { concurrency = 1 })
      end
      for _, os_error in ipairs { 28, 30, 69, 122 } do
        local result, err, so_far = try(os_error)
        assert.is_nil(result)
        assert.equal(os_error, err.os_error)
        assert.equal(1, so_far.failed)
      end
      assert.equal(3, assert(try(13)).failed)
    end)

    it("goes on where another host refuses one file", function()
      for _, status in ipairs { 401, 429 } do
        local host = scripted.start { pick = true,
          { when = "/1.mp4", { send = media.answer(status, {}, "no") } },
          { when = "GET", { send = media.whole() } } }
        finally(function() host:stop() end)
        local generations = emulate(0)
        for i = 1, 3 do
          here.server:add { id = ("a%07d-1"):format(i), status = "COMPLETED",
            outputUrl = ("%s/%d.mp4"):format(host.base_url, i) }
        end
        local result = assert(generations:download_many({ "a0000001-1",
          "a0000002-1", "a0000003-1" }, folder, { concurrency = 1,
          max_attempts = 1 }))
        assert.same({ 2, 1 }, { result.downloaded, result.failed })
        assert.equal(status, result.errors[1].statusCode)
        media.shell("rm -f " .. folder .. "/*")
      end
    end)

    it("takes ids, and counts what fails and is skipped", function()
      local generations = emulate(3)
      here.server:add { id = "b1", status = "FAILED" }
      local outcomes = {}
      local result = assert(generations:download_many({ "a0000001-1",
        "a0000001-1", "a0000002-1", "a0000003-1", "b1", "none" }, folder, {
        when = function(id) return id ~= "a0000002-1" end, concurrency = 2,
        on_result = function(id, outcome) outcomes[id] = outcome end,
      }))
      assert.same({ 2, 0, 2, 2 }, { result.downloaded, result.existing,
        result.skipped, result.failed })
      assert.equal("failed", outcomes.b1)
      assert.equal(2, #result.errors)
    end)

    it("fetches nothing in a dry run", function()
      local generations = emulate(3)
      local all = assert(generations:all { status = "COMPLETED" })
      assert(generations:download_many({ all[1] }, folder))
      local before = #here.server:requests()
      local result = assert(generations:download_many(all, folder,
        { dry_run = true }))
      assert.same({ 2, 1 }, { result.downloaded, result.existing })
      assert.equal(before, #here.server:requests())
    end)

    it("stops when asked to, at its maximum, and for a callback's error",
      function()
        local generations = emulate(5)
        local function run(options)
          return generations:download_many(
            generations:list { status = "COMPLETED", page_size = 2 }, folder,
            options)
        end
        local result = assert(run { max = 2 })
        assert.equal(2, result.downloaded)
        result = assert(run { concurrency = 1, on_result = function(_, _, _, _,
            stop) stop() end })
        assert.equal(1, result.existing + result.downloaded)
        local tally, err = run { on_result = function() error("mine", 0) end }
        assert.equal("mine", err.cause)
        assert.equal("download generations: a callback raised an error: mine.",
          tostring(err))
        assert.is_true(tally.downloaded + tally.existing >= 1)
      end)

    it("needs a folder", function()
      local generations = emulate(1)
      media.write(folder .. "/file", "x")
      for name, reason in pairs { ["/no"] = "is no folder",
          ["/file"] = "is no folder" } do
        local none, err, so_far = generations:download_many(
          { "a0000001-1" }, folder .. name)
        assert.is_nil(none)
        assert.equal("file", err.kind)
        assert.matches("^download generations: ", tostring(err))
        assert.is_truthy(err.message:find(reason, 1, true), err.message)
        assert.equal(0, so_far.downloaded)
      end
      for _, name in ipairs { "a\0b", "\0a" } do
        local _, wrong = generations:download_many({}, name, { tag = "t" })
        assert.same({ "invalid", "folder", "t" },
          { wrong.kind, wrong.field, wrong.tag })
        assert.equal("download generations: the folder's path has a NUL "
          .. "character.", tostring(wrong))
      end
      assert.equal(0, #here.server:requests())
      assert.has_error(function() generations:download_many({}, "") end)
      assert.has_error(function() generations:download_many(5, folder) end)
    end)

    it("ends when the folder goes", function()
      local generations = emulate(8)
      folder = folder .. "/sub"
      media.shell("mkdir " .. folder)
      local none, err, so_far = generations:download_many(
        generations:list { status = "COMPLETED", page_size = 4 }, folder, {
          concurrency = 1,
          on_result = function(_, outcome)
            if outcome == "downloaded" then media.shell("rm -r " .. folder) end
          end })
      assert.is_nil(none)
      assert.equal("file", err.kind)
      assert.same({ 1, 1 }, { so_far.downloaded, so_far.failed })
    end)
  end)

  it("has no method for a generation without a client", function()
    emulate(0)
    local generation = assert(lipsync.generation '{"id":"a"}')
    assert.has_error(function() generation:download(folder) end)
  end)
end)
