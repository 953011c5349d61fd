-- SPDX-License-Identifier: MIT
-- A create with a receipt, killed by SIGKILL before and after its system calls
-- and run again: one generation each time, and the second run returns it. A
-- download, killed and run again: the file is whole or not there. Both also in
-- tasks, where a thread waits for the disk.
--
-- Kills at some of the calls, at others in each test; with LIPSYNC_EVERY=1, as
-- "make kill-nine" does, at all of them, and the run that follows, too.

local core = require "lipsync.core"
local file = require "lipsync.file"
local emulator = require "spec.support.emulator"
local proc = require "spec.support.proc"
local process = require "process"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"
local time = require "lipsync.base.time"
local tracer = require "tracer"
-- So that no child has to load them.
require "lipsync.compound.receipt"
require "lipsync.compound.download"
require "lipsync.compound.input_assets"

local EVERY = os.getenv "LIPSYNC_EVERY" == "1"
local STEP = EVERY and 1 or 29
-- In tasks there are more calls, those of a thread among them.
local TASK_STEP = EVERY and 1 or 83
local FEWEST = EVERY and 100 or 4

-- The emulator's module, because its faults and its clock are needed.
local has_emulator = pcall(require, "lipsync.emulator")
local it_emulates = has_emulator and it or pending

-- On two VMs, because it takes a while. Containers may forbid to trace, and
-- sanitizers do so by themselves.
local it_kills = has_emulator and (_VERSION == "Lua 5.4" or rawget(_G, "jit"))
  and not os.getenv "LIPSYNC_SANITIZED" and tracer.run(function() end) and it
  or pending

local CLIP, VOICE = "https://media.example/v.mp4", "https://media.example/a.wav"
local HOUR = 3600

local server, folder

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return (text:gsub("%s+$", ""))
end

local function path_of(name) return folder .. "/" .. name .. ".json" end

local function content(path)
  local opened = io.open(path, "rb")
  if not opened then return nil end
  local bytes = opened:read "*a"
  opened:close()
  return bytes
end

-- What a receipt says.
local function note_of(name)
  return core.decode(assert(content(path_of(name))))
end

local function request(name)
  return { model = "lipsync-2", outputFileName = name,
           input = { { type = "video", url = CLIP },
                     { type = "audio", url = VOICE } } }
end

-- One with a file: longer than what is not sent before the receipt is open.
local function with_file(name)
  local own = request(name)
  own.input[1] = { type = "video", file = folder .. "/clip.mp4" }
  return own
end

-- Calls fn in a task of the client; what it returns.
local function in_task(client, fn)
  local task = client:spawn(fn)
  client:run()
  return task:wait(0)
end

-- The same without a task.
local function plainly(_, fn) return fn() end

-- A function that creates a generation as a program would: with its own client,
-- by a clock that is `ahead` seconds. It returns the id; "unknown", if that is
-- all there is to know; or what went wrong. `on_event` is the client's; `by`
-- makes the call, default plainly.
local function creating(own, ahead, options, on_event, by)
  local all = { receipt = path_of(own.outputFileName) }
  for name, value in pairs(options or {}) do all[name] = value end
  return function()
    local now = core.time
    core.time = function() return now() + (ahead or 0) end
    local client = service.client(server.base_url, { api_key = server.key,
                                                     on_event = on_event })
    local generation, err = (by or plainly)(client, function()
      return client.generations:create(own, all)
    end)
    if generation then return generation.id end
    return err.outcomeUnknown and "unknown" or err.kind .. " " .. tostring(err)
  end
end

-- Runs a function in a process of its own.
local function run(fn)
  local said, status = process.wait(process.fork(fn))
  assert.equal(0, status, said)
  return said
end

-- All generations by their names: their ids, and when they were created. None
-- may have the name of another one.
local function created()
  local client = service.client(server.base_url, { api_key = server.key })
  local ids, times = {}, {}
  for generation in client.generations:list() do
    local name = generation.outputFileName
    assert.is_nil(ids[name], name .. " was created twice")
    ids[name], times[name] = generation.id, time.parse(generation.createdAt)
  end
  client:close()
  return ids, times
end

-- Checks that what the last runs said is what there is, and in the receipts.
local function check(said, ids)
  assert.same(said, ids or created())
  for name, id in pairs(said) do
    local note = note_of(name)
    assert.same({ "created", id }, { note.state, note.id }, name)
  end
end

-- Runs a create, kills it, and runs it again: at one stop after another, until
-- it ends before it is killed. `before` is called before each first run,
-- `between` before each second one, which is killed too if all are; both may
-- say how far ahead the clock is. `by` and `options` are those of `creating`.
-- Returns what the last runs said, by the names of the generations.
local round, kills = 0, 0
local function kill_all(own, before, between, by, options)
  round = round + 1
  local said, before_it = {}, kills
  local stop = EVERY and 1 or round * 5 % STEP + 1
  while true do
    local name = ("killed-%d"):format(stop)
    local first = creating(own(name), before and before(), options, nil, by)
    local text, status, stops = tracer.run(first, stop)
    if status == 0 then
      assert.is_true(stops < stop)
      said[name] = text
      assert.is_true(kills - before_it >= FEWEST)
      return said
    end
    assert.equal(-9, status, text)
    kills = kills + 1
    local second = creating(own(name), between and between(), options, nil,
      by)
    if EVERY and select(2, tracer.run(second, stop * 7 % 97 + 1)) == -9 then
      kills = kills + 1
    end
    said[name] = run(second)
    stop = stop + (by and TASK_STEP or STEP)
  end
end

local function start()
  folder = shell "mktemp -d"
  shell("head -c 9000 /dev/zero >" .. folder .. "/clip.mp4")
  if not has_emulator then return end
  server = assert(emulator.start { generations = 0 })
  created()  -- loads the client
end

local function stop()
  if server then server:stop() end
  server = nil
  shell("rm -r " .. folder)
end

describe("a create that is killed and run again", function()
  before_each(start)
  after_each(stop)

  it_kills("is done once", function()
    check(kill_all(request))
  end)

  it_kills("is done once with files", function()
    check(kill_all(with_file))
  end)

  it_kills("is done once in a task", function()
    check(kill_all(with_file, nil, nil, in_task))
  end)

  it_kills("is done once with assets, in a task", function()
    check(kill_all(with_file, nil, nil, in_task, { upload = "asset" }))
    for name in pairs(created()) do
      local note = note_of(name)
      assert.is_string(note.assets["1"])
      assert.equal(note.assets["1"], core.decode(note.object).input[1].assetId)
    end
  end)

  it_kills("is done once where its connection has broken before", function()
    check(kill_all(request, function()
      server:fault { route = "create", reset = true, perform = true }
    end))
  end)

  it_kills("is done once where the service has named its generation",
    function()
      check(kill_all(request, function()
        server:fault { route = "create", statusCode = 503, perform = true,
          tellId = true, errorCode = "IDEMPOTENCY_OUTCOME_UNKNOWN",
          retryAfter = 0 }
      end))
    end)

  it_kills("is done at most once when its key has been forgotten", function()
    server:set { idempotency_seconds = 60 }
    local hours = 0
    local said = kill_all(with_file, function() return hours * HOUR end,
      function()
        hours = hours + 1
        server:advance(HOUR)
        return hours * HOUR
      end)
    local ids, times = created()
    for name, id in pairs(said) do
      if id == "unknown" then
        local note = note_of(name)
        assert.equal("open", note.state)
        -- It was looked for, so there is none, unless the emulator was so slow
        -- that the hour passed between the sending and the creating.
        assert.is_true(not ids[name] or times[name] > note.open_at + 600)
        said[name], ids[name] = nil, nil
      end
    end
    check(said, ids)
  end)
end)

describe("a download that is killed and run again", function()
  before_each(start)
  after_each(stop)

  -- Long enough to be worth going on with.
  local function kill_download(by)
    server:set { media_size = 2 ^ 21 }
    local id = server:add { status = "PENDING" }
    server:advance(HOUR)
    local path = folder .. "/film.mp4"
    local function download()
      local client = service.client(server.base_url, { api_key = server.key })
      local result, err = by(client, function()
        return client.generations:download(id, path, { if_exists = "keep" })
      end)
      return result and "done " .. tostring(result.resumed) or tostring(err)
    end
    assert.equal("done false", run(download))
    local whole, before_it, resumed = content(path), kills, 0
    local stop_at = EVERY and 1 or 7
    while true do
      assert(os.remove(path))
      local _, status = tracer.run(download, stop_at)
      if status == 0 then break end
      kills = kills + 1
      assert.is_true((content(path) or whole) == whole)
      local said = run(download)
      assert.matches("^done", said)
      if said == "done true" then resumed = resumed + 1 end
      assert.is_true(content(path) == whole)
      assert.equal("clip.mp4\nfilm.mp4", shell("ls " .. folder))
      stop_at = stop_at + (by == in_task and TASK_STEP or STEP)
    end
    assert.is_true(kills - before_it >= FEWEST and resumed > 0)
  end

  it_kills("gives the whole file, and gave no other before", function()
    kill_download(plainly)
  end)

  it_kills("does so in a task, where a thread waits for the disk", function()
    kill_download(in_task)
  end)
end)

describe("two creates with one receipt", function()
  before_each(start)
  after_each(stop)

  -- Starts a create that has the receipt until `let_go` is called.
  local function begin()
    local sign = folder .. "/go"
    local function hold(event)
      while event.type == "response" and not file.info(sign) do
        scripted.sleep(0.005)
      end
    end
    local pid, descriptor = process.fork(creating(request "both", 0, nil, hold))
    local latest = core.now() + 60
    while not file.info(path_of "both") and core.now() < latest do
      scripted.sleep(0.005)
    end
    return pid, descriptor, function() assert(file.replace(sign, "go")) end
  end

  it_emulates("give one generation, the second after the first", function()
    local pid, descriptor, let_go = begin()
    local other, its_descriptor = process.fork(creating(request "both"))
    scripted.sleep(0.1)
    let_go()
    local said, status = process.wait(pid, descriptor)
    assert.same({ said, 0 }, { process.wait(other, its_descriptor) })
    assert.equal(0, status)
    check { both = said }
    local creates = 0
    for _, each in ipairs(server:requests()) do
      if each.method == "POST" then creates = creates + 1 end
    end
    assert.equal(1, creates)
  end)

  it_emulates("or tell which process the first is in", function()
    local pid, descriptor, let_go = begin()
    local said = run(creating(request "both", 0, { timeout = 0.05 }))
    let_go()
    local first, status = process.wait(pid, descriptor)
    assert.equal(0, status)
    check { both = first }
    assert.matches('^file .*both%.json" is being written by '
      .. (proc.is_here and "process " .. pid or "another process"), said)
  end)
end)

teardown(function()
  if EVERY then print(("\n%d kills"):format(kills)) end
end)
