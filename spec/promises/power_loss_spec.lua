-- SPDX-License-Identifier: MIT
-- Files after a power loss: the system calls of a real run are recorded, and
-- after each of them all that the disk may have by then is looked at.

local core = require "lipsync.core"
local disk = require "spec.support.disk"
local emulator = require "spec.support.emulator"
local file = require "lipsync.file"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"
local tracer = require "tracer"
require "lipsync.compound.receipt"
require "lipsync.compound.download"

-- Containers may forbid it, and sanitizers trace by themselves.
local can_trace = tracer.run(function() end)
  and not os.getenv "LIPSYNC_SANITIZED"
local it_traced = can_trace and it or pending
local it_downloads = can_trace and pcall(require, "lipsync.emulator") and it
  or pending

local folder, path

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return (text:gsub("%s+$", ""))
end

-- The calls of a function that runs in a process of its own.
local function record(fn)
  local said, status, _, calls = tracer.run(fn)
  assert.same({ "", 0 }, { said, status })
  return calls
end

-- A file of these tests is a sentence.
local function is_sentence(bytes) return bytes:find "^[a-z ]+%.$" ~= nil end

local function check(fn)
  return disk.check(record(fn), folder, path, is_sentence)
end

describe("a power loss", function()
  before_each(function()
    folder = shell "mktemp -d"
    path = folder .. "/file"
  end)
  after_each(function() shell("rm -rf " .. folder) end)

  it_traced("leaves the old or the new content of a replaced file",
    function()
      local problem, versions = check(function()
        assert(file.replace(path, "it is here."))
        assert(file.replace(path, "it is there."))
        assert(file.replace(path, "it is everywhere."))
      end)
      assert.is_nil(problem)
      assert.equal(3, versions)
    end)

  it_traced("leaves a file in its place or where it was", function()
    local problem, versions = check(function()
      for _, words in ipairs { "it is here.", "it is there." } do
        local part = assert(file.open(path .. ".part", "edit"))
        assert(part:write(words))
        assert(file.job({ sync = part, all = true, from = path .. ".part",
          to = path, overwrite = true, here = true }):done())
        part:close()
      end
    end)
    assert.is_nil(problem)
    assert.equal(2, versions)
  end)

  -- Whether this spec would see a mistake.
  it_traced("breaks a file that is written in place", function()
    assert.matches("it may hold", check(function()
      for _, words in ipairs { "it is here.", "it is there." } do
        local out = assert(io.open(path, "w"))
        out:write(words)
        out:close()
      end
    end))
  end)

  it_traced("breaks a file that is renamed but was not synced", function()
    assert.matches("rename, it may hold", check(function()
      local out = assert(io.open(path .. ".new", "w"))
      out:write "it is here."
      out:close()
      assert(os.rename(path .. ".new", path))
    end))
  end)
end)

describe("a power loss during a create", function()
  local server

  before_each(function()
    folder = shell "mktemp -d"
    path = folder .. "/file"
    -- The first answer is lost, the second one arrives.
    server = scripted.start { { { read = true }, { close = true } },
      service.answer(201, service.generation("g1", "PENDING")) }
    service.client(server.base_url):close()  -- loads the client
  end)
  after_each(function()
    server:stop()
    shell("rm -rf " .. folder)
  end)

  local function is_receipt(bytes)
    local note = core.decode(bytes)
    return note ~= nil and bytes:sub(-1) == "\n" and note.state ~= nil
  end

  -- What a create with a receipt does.
  local function create(input)
    return record(function()
      local client = service.client(server.base_url)
      assert(client.generations:create({ model = "lipsync-2", input = {
        input, { type = "audio", url = "https://media.example/a.wav" } } },
        { receipt = path }))
    end)
  end

  -- Checks that the receipt is one at any time, and that it is open, whatever
  -- the disk has by then, before the request's last bytes are sent.
  local function check_receipt(calls)
    local opened = assert(io.open(path, "rb"))
    local note = core.decode(opened:read "*a")
    opened:close()
    local last = note.boundary and "--" .. note.boundary .. "--"
      or note.content
    local sent, states = "", {}
    local problem, versions = disk.check(calls, folder, path, is_receipt,
      function(call, left)
        if call.name == "send" then sent = sent .. call.bytes end
        if not sent:find(last, 1, true) then return end
        for bytes in pairs(left) do
          local state = assert(core.decode(bytes)).state
          states[state] = (states[state] or 0) + 1
        end
      end)
    assert.is_nil(problem)
    assert.equal(4, versions)  -- one for each of the two requests
    assert.is_true(states.open > 0 and states.created > 0)
    states.open, states.created = nil, nil
    assert.same({}, states)
  end

  it_traced("leaves a receipt, open before the request is complete",
    function()
      check_receipt(create { type = "video",
                             url = "https://media.example/v.mp4" })
    end)

  it_traced("leaves one where files are sent", function()
    local clip = shell "mktemp"
    assert(file.replace(clip, ("0123456789"):rep(900)))
    local calls = create { type = "video", file = clip }
    os.remove(clip)
    check_receipt(calls)
  end)
end)

describe("a power loss during a download", function()
  it_downloads("leaves the whole file or none", function()
    folder = shell "mktemp -d"
    path = folder .. "/film.mp4"
    local server = assert(emulator.start { generations = 0 })
    server:set { media_size = 200000 }
    local id = server:add { status = "PENDING" }
    server:advance(3600)
    service.client(server.base_url):close()  -- loads the client
    local calls = record(function()
      local client = service.client(server.base_url, { api_key = server.key })
      assert(client.generations:download(id, path))
    end)
    local problem, versions = disk.check(calls, folder, path, function(bytes)
      return #bytes == 200000
    end)
    server:stop()
    shell("rm -r " .. folder)
    assert.is_nil(problem)
    assert.equal(1, versions)
  end)
end)
