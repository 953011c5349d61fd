-- SPDX-License-Identifier: MIT
--
-- Inside the loops that a script can have: luv, cqueues, poll(2). Rules of
-- hosts: 3 (any step may finish another's transfer), 7 (luv's handles), 14 (Lua
-- 5.1), 18 (the program's coroutines); also a Lua error, a slow name, two keys,
-- a client closed with transfers in flight.

local bad_days = require "spec.support.bad_days"
local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"

local function is_built(vm)
  return launch.find(vm)
    and launch.read("build/" .. vm .. "/lipsync/core.so") ~= ""
end

local function has(vm, module)
  local command = ("%s -e 'require %q' 2>/dev/null"):format(vm, module)
  local ok = os.execute(command)
  return ok == true or ok == 0
end

-- The common tests of both loops: `loop(fn, …)` runs the functions concurrently
-- to their ends, `nap` is the loop's own sleep if it has one.
local loops = {
  luv = [[
    local uv = require "luv"
    local function loop(...)
      for i = 1, select("#", ...) do client:spawn((select(i, ...))) end
      uv.run()
    end
  ]],
  cqueues = [[
    local cqueues = require "cqueues"
    local function loop(...)
      local controller = cqueues.new()
      for i = 1, select("#", ...) do controller:wrap((select(i, ...))) end
      assert(controller:loop())
    end
  ]],
}

local prelude = [[
  local lipsync = require "lipsync"
  local core = require "lipsync.core"
  local client = lipsync.new { on_task_error = function(err)
    print("task error: " .. tostring(err))
  end }
  local function read(filter)
    local listing, n = client.generations:list(filter), 0
    local generation, err = listing:next()
    while generation do
      n = n + 1
      generation, err = listing:next()
    end
    return n, err
  end
]]

-- What a program prints, without the advice about calls that stop luv's loop:
-- those in a coroutine of its own, and those of another client than the task's.
local function without_advice(log)
  return (log:gsub("^lipsync: a call in a coroutine of luv [^\n]*\n", ""))
end

local function describe_loop(name, vm)
  describe(name .. " on " .. vm, function()
    local service, folder

    local function run(text, env)
      local all = { SYNC_API_KEY = service.key,
                    SYNC_BASE_URL = service.base_url }
      for key, value in pairs(env or {}) do all[key] = value end
      local status, log = launch.script(vm, prelude .. loops[name] .. text,
        { folder = folder, env = all, before = env and env.before })
      assert.equal(0, status, log)
      return log
    end

    before_each(function()
      folder = launch.folder()
      service = emulator.start { generations = 1000,
        keys = { all = "one", zero = "two" } }
    end)

    after_each(function()
      service:stop()
      launch.remove(folder)
    end)

    it("runs its example", function()
      local status, log = launch.run { vm = vm, folder = folder,
        env = { SYNC_API_KEY = service.key,
                SYNC_BASE_URL = service.base_url },
        command = vm .. " examples/" .. name .. "/generations.lua" }
      assert.equal(0, status, log)
    end)

    it("lets many tasks wait at once, each for its own", function()
      service:fault { route = "count", delay = 0.5, times = 8 }
      assert.equal("8 3\n", run [[
        local done, listed, functions = 0, 0, {}
        for i = 1, 8 do
          functions[i] = function()
            assert(client.generations:count())
            done = done + 1
          end
        end
        for _ = 1, 3 do
          functions[#functions + 1] = function()
            if read() == 1000 then listed = listed + 1 end
          end
        end
        loop((table.unpack or unpack)(functions))
        print(done .. " " .. listed)
      ]])
    end)

    it("creates from files, waits and downloads", function()
      service:set { pending_seconds = 1, processing_seconds = 1 }
      launch.write(folder .. "/clip.mp4", ("v"):rep(300000))
      launch.write(folder .. "/voice.wav", "a")
      assert.equal("COMPLETED video/mp4 true\n", run(([[
        local folder, generation, result, turns = "%s", nil, nil, 0
        loop(function()
          generation = assert(client.generations:create { model = "lipsync-2",
            input = { { type = "video", file = folder .. "/clip.mp4" },
                      { type = "audio", file = folder .. "/voice.wav" } } })
          local waits = client.generations:wait_many { generation }
          local _, ended, err = waits:next()
          generation = assert(ended, tostring(err))
          result = assert(generation:download(folder .. "/out.mp4"))
        end, function()
          -- What else runs in the loop meanwhile.
          while not result do
            client:sleep(0.01)
            turns = turns + 1
          end
        end)
        print(generation.status .. " " .. result.type .. " "
          .. tostring(turns > 10))
      ]]):format(folder)))
      assert.equal("ftyp", launch.read(folder .. "/out.mp4"):sub(5, 8))
    end)

    it("lives through a bad day", function()
      assert.equal(bad_days.expected() .. "\n", run(([[
        local text
        loop(function()
          text = require "spec.support.bad_days".run(client, "%s")
        end)
        print(text)
      ]]):format(folder), { before = bad_days.before }))
    end)

    it("wakes tasks whose transfers another step finished", function()
      assert.equal("true\n", run [[
        local from, other = core.now()
        loop(function() other = client.generations:count() end, function()
          -- Steps made outside of the loop.
          for _ = 1, 200 do
            client:runtime().session:poll(0.001)
            client:runtime().waiters:dispatch(client:runtime().session)
          end
          client.generations:count()
        end)
        print(other == 1000 and core.now() - from < 10)
      ]])
    end)

    it("lets a delete pass beside busy listings", function()
      local large = emulator.start { generations = 10000 }
      local log = run([[
        local finished = 0
        local function reader()
          assert(read() >= 9999)
          finished = finished + 1
        end
        loop(reader, reader, reader, reader, function()
          local failed = client.generations:list({ status = "FAILED",
                                                   limit = 1 }):next()
          local deleted = assert(failed:delete())
          print(tostring(deleted.id == failed.id) .. " " .. finished)
        end)
        print(finished)
      ]], { SYNC_BASE_URL = large.base_url, SYNC_API_KEY = large.key })
      large:stop()
      assert.equal("true 0\n4\n", log)
    end)

    it("leaks no internal yield from the program's coroutines", function()
      assert.equal("1000 true\n", without_advice(run [[
        loop(function()
          local n, strings = 0, true
          local ids = coroutine.wrap(function()
            local listing = client.generations:list { page_size = 100 }
            local generation = listing:next()
            while generation do
              coroutine.yield(generation.id)
              generation = listing:next()
            end
          end)
          for id in ids do
            n, strings = n + 1, strings and type(id) == "string"
          end
          print(n .. " " .. tostring(strings))
        end)
      ]]))
    end)

    it("reaches a timeout during a name lookup", function()
      assert.equal("timeout true\n", run([[
        local from = core.now()
        local slow = lipsync.new { base_url = "https://slow.example",
          timeout = 0.2, max_attempts = 1, proxy = "" }
        local err, seconds
        client, slow = slow, client
        loop(function()
          local _
          _, err = client.generations:count()
          seconds = core.now() - from
        end)
        client:close()
        print(err.kind .. " " .. tostring(seconds < 1.5))
      ]], { before = "LD_PRELOAD=build/slow_dns.so" }))
    end)

    it("keeps two keys apart", function()
      assert.equal("1000 0\n", without_advice(run [[
        local mine, theirs
        local other = lipsync.new { api_key = "zero" }
        loop(function()
          mine, theirs = client.generations:count(), other.generations:count()
        end)
        print(mine .. " " .. theirs)
      ]]))
    end)

    it("ends waiting calls when the client is closed", function()
      service:fault { route = "count", delay = 20, times = 2 }
      assert.equal("closed\n", run [[
        local kind
        loop(function()
          local _, err = client.generations:count()
          kind = err.kind
        end, function()
          client.generations:list({ limit = 1 }):next()
          client:close()
        end)
        print(kind)
      ]])
    end)

    if vm == "lua5.1" then
      it("says what to do if Lua 5.1 cannot yield", function()
        local log = run [[
          loop(function()
            local ok, err = pcall(function()
              for _ in client.generations:list() do end
            end)
            print(ok, err)
            ok, err = pcall(client.generations.count, client.generations)
            print(ok, err)
          end)
        ]]
        assert.matches("false\t[^\n]*a `for` over a listing cannot wait here",
          log)
        assert.matches("false\t[^\n]*nothing can wait inside pcall here", log)
        assert.matches("listing:next%(%)", log)
      end)
    end
  end)
end

local found = false
for _, vm in ipairs { "lua5.4", "lua5.3", "lua5.1", "luajit" } do
  for _, name in ipairs { "luv", "cqueues" } do
    if is_built(vm) and has(vm, name) then
      found = true
      describe_loop(name, vm)
    end
  end
end

describe("luv", function()
  if not (is_built "lua5.4" and has("lua5.4", "luv")) then
    return pending "luv is not here"
  end

  it("reports a dead task, and ends with its last task", function()
    local service, folder = emulator.start { generations = 10 },
      launch.folder()
    local status, log = launch.script("lua5.4", [[
      local uv = require "luv"
      local client = require "lipsync".new()
      client:spawn(function()
        assert(client.generations:count() == 10)
        error "died here"
      end)
      uv.run()
      print(client:pending(), client:timeout())
      client:spawn(function() client.generations:count() end)
      client:run()
      client:spawn(function() client.generations:count() end)
      client:step()
    ]], { folder = folder, env = { SYNC_API_KEY = service.key,
                                   SYNC_BASE_URL = service.base_url } })
    service:stop()
    launch.remove(folder)
    assert.equal(0, status, log)
    assert.matches("a task failed: [^\n]*died here", log)
    assert.matches("0\tnil\n", log)
  end)

  it("outlives a program that closes all handles", function()
    local service, folder = emulator.start { generations = 10 },
      launch.folder()
    local status, log = launch.script("lua5.4", [[
      local uv = require "luv"
      for _, turn in ipairs { "nowait", false } do
        local client = require "lipsync".new()
        client:spawn(function() client.generations:count() end)
        uv.walk(function(handle)
          if not handle:is_closing() then handle:close() end
        end)
        if turn then uv.run(turn) end
        print(pcall(client.spawn, client, function() end))
        print(pcall(client.run, client))
        print(client:close())
        print(client:close())
      end
      uv.run()
      print "the end"
    ]], { folder = folder, env = { SYNC_API_KEY = service.key,
                                   SYNC_BASE_URL = service.base_url } })
    service:stop()
    launch.remove(folder)
    assert.equal(0, status, log)
    local _, n = log:gsub("false\t[^\n]*has closed this client's handles", "")
    assert.equal(4, n, log)
    assert.matches("the end\n", log)
  end)
end)

describe("a program's own loop", function()
  if not (is_built "lua5.3" and has("lua5.3", "posix")) then
    return pending "luaposix is not here"
  end

  it("runs by poll(2)", function()
    local service, folder = emulator.start { generations = 100 },
      launch.folder()
    local status, log = launch.run { vm = "lua5.3", folder = folder,
      env = { SYNC_API_KEY = service.key, SYNC_BASE_URL = service.base_url },
      command = "lua5.3 examples/poll/waiter.lua" }
    service:stop()
    launch.remove(folder)
    assert.equal(0, status, log)
    assert.matches("COMPLETED\t%d+", log)
    assert.matches("100 in all\n6 bytes", log)
  end)
end)

if not found then
  describe("loops", function() pending "neither luv nor cqueues is here" end)
end
