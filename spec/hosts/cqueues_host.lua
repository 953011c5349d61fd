-- SPDX-License-Identifier: MIT
--
-- Tasks in a cqueues controller, which are its coroutines: when they start, and
-- what happens to a canceled one, because nothing can end it from outside.
-- loop_host.lua tests what cqueues shares with other loops.

local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"

local function is_here(vm)
  local command = vm .. " -e 'require \"cqueues\"' 2>/dev/null"
  local ok = launch.find(vm) and os.execute(command)
  return (ok == true or ok == 0)
    and launch.read("build/" .. vm .. "/lipsync/core.so") ~= ""
end

-- Runs `main` in a coroutine of a controller, until all of them have ended.
local prelude = [[
  local cqueues = require "cqueues"
  local lipsync = require "lipsync"
  local client = lipsync.new { on_task_error = function(err)
    print("task error: " .. tostring(err))
  end }
  local function begin(main)
    local controller = cqueues.new()
    controller:wrap(main)
    assert(controller:loop(20))
  end
  local function any() return client.generations:list({ limit = 1 }):next() end
]]

local function describe_tasks(vm)
  describe("tasks of cqueues on " .. vm, function()
    local service, folder

    local function run(text)
      local status, log = launch.script(vm, prelude .. text, {
        folder = folder, env = { SYNC_API_KEY = service.key,
                                 SYNC_BASE_URL = service.base_url } })
      assert.equal(0, status, log)
      return log
    end

    before_each(function()
      folder = launch.folder()
      service = emulator.start { generations = 20 }
    end)

    after_each(function()
      service:stop()
      launch.remove(folder)
    end)

    it("makes all steps of a session in one coroutine", function()
      assert.equal("160 1\n", run [[
        local session = getmetatable(client:runtime().session)
        local step, places, n = session.step, {}, 0
        function session.step(...)
          local place = coroutine.running()
          if not places[place] then n = n + 1 end
          places[place] = true
          return step(...)
        end
        local read = 0
        begin(function()
          for _ = 1, 8 do
            cqueues.running():wrap(function()
              local listing = client.generations:list()
              while listing:next() do read = read + 1 end
            end)
          end
        end)
        print(read .. " " .. n)
      ]])
    end)

    it("holds no client that a controller outlives", function()
      assert.equal("20 0\n", run [[
        local alive = setmetatable({}, { __mode = "k" })
        local function use()
          local one, n = require "lipsync".new(), 0
          alive[one] = true
          one:spawn(function() n = one.generations:count() end)
          one:run()
          one:close()
          return n
        end
        begin(function()
          local n
          for _ = 1, 10 do n = use() end
          cqueues.sleep(0.01)  -- our last coroutines end
          for _ = 1, 3 do collectgarbage() end
          local left = 0
          for _ in pairs(alive) do left = left + 1 end
          print(n .. " " .. left)
        end)
      ]])
    end)

    it("gets the place of one that nobody will resume", function()
      service:fault { route = "count", delay = 60, times = 1 }
      assert.equal("20 0\n", run [[
        local client = require "lipsync".new { max_in_flight = 1 }
        local function drop()
          local controller = cqueues.new()
          controller:wrap(function() client.generations:count() end)
          for _ = 1, 50 do controller:step(0.01) end
        end
        drop()
        begin(function()
          local n = assert(client.generations:count())
          local _, transfers = require "lipsync.http".live()
          print(n .. " " .. transfers)
        end)
      ]])
    end)

    it("does not start a canceled one", function()
      assert.equal("true 0\nfalse 20\n", run [[
        begin(function()
          local began = false
          local task = client:spawn(function()
            began = true
            any():delete()
          end)
          task:cancel()
          print(tostring(task:is_over()) .. " " .. client:pending())
          cqueues.sleep(0.1)
          print(tostring(began) .. " " .. client.generations:count())
        end)
      ]])
    end)

    it("makes every call of a canceled one return `canceled`", function()
      service:fault { route = "count", delay = 20, times = 1 }
      assert.equal("canceled canceled canceled canceled\n20\n", run [[
        begin(function()
          local words = {}
          local function note(_, err) words[#words + 1] = err and err.kind end
          local task = client:spawn(function()
            note(client.generations:count())  -- in flight when canceled
            note(client.generations:count())
            note(client.generations:list():next())
            note(client.generations:delete(
              "00000000-0000-4000-8000-000000000000"))
          end)
          cqueues.sleep(0.1)
          task:cancel()
          cqueues.sleep(0.2)
          print(table.concat(words, " "))
          print((client.generations:count()))
        end)
      ]])
    end)

    it("ends the sleep and the wait of a canceled one at once", function()
      local id = service:add { status = "PENDING" }
      service:fault { route = "get", statusCode = 503, retryAfter = 3600,
                      times = 1 }
      assert.equal("canceled canceled PENDING\n", run(([[
        begin(function()
          local words = {}
          local slept = client:spawn(function()
            words[1] = select(2, client:sleep(3600)).kind
          end)
          local waits = client:spawn(function()
            local _, err = client.generations:wait(
              assert(lipsync.generation '{"id":"%s","status":"PENDING"}'))
            words[2], words[3] = err.kind, err.generation.status
          end)
          cqueues.sleep(0.2)
          slept:cancel()
          waits:cancel()
          cqueues.sleep(0.1)
          print(table.concat(words, " "))
        end)
      ]]):format(id)))
    end)

    it("can wait for each other, and ends a canceled wait", function()
      assert.equal("task error: no disk\ntask error: odd\n7 nil\n"
        .. "canceled no disk\ncanceled odd\ncanceled nil\ntimeout\n"
        .. "over canceled\n", run [[
        local lines = {}
        local function note(...)
          lines[#lines + 1] = table.concat({ ... }, " ")
        end
        begin(function()
          local seven = client:spawn(function()
            client:sleep(0.05)
            return 7
          end)
          local value, err = seven:wait()
          note(value, tostring(err))
          local died = client:spawn(function()
            client:sleep(0.01)
            error("no disk", 0)
          end)
          err = select(2, died:wait())
          note(err.kind, err.cause)
          local odd = client:spawn(function()
            client:sleep(0.01)
            error(setmetatable({}, { __tostring = function()
              return "odd"
            end }))
          end)
          err = select(2, odd:wait())
          note(err.kind, tostring(err.cause))
          local long = client:spawn(function() client:sleep(3600) end)
          local kind
          local waits = client:spawn(function()
            kind = select(2, long:wait()).kind
          end)
          local gone = client:spawn(function() client:sleep(3600) end)
          cqueues.sleep(0.05)
          gone:cancel()
          err = select(2, gone:wait())
          note(err.kind, tostring(err.cause))
          note(select(2, long:wait(0.05)).kind)
          waits:cancel()
          cqueues.sleep(0.05)
          note("over " .. kind)
          long:cancel()
        end)
        print(table.concat(lines, "\n"))
      ]])
    end)

    it("cannot wait for itself by client:run()", function()
      local log = run [[
        begin(function()
          client:spawn(function() client:run() end)
          client:run()
          print(client:pending())
        end)
      ]]
      assert.matches("was called by a task, and would wait for it\n0\n$", log)
    end)

    it("can wait for those of a nested controller", function()
      assert.equal("inner 0\nouter 0\n", run [[
        begin(function()
          client:spawn(function()
            local inner = cqueues.new()
            inner:wrap(function()
              client:spawn(function() client.generations:count() end)
              client:run()
              print("inner " .. client:pending())
            end)
            assert(inner:loop(20))
          end)
          client:run()
          print("outer " .. client:pending())
        end)
      ]])
    end)

    it("says so where it cannot yield, and its loop ends", function()
      local n = vm == "luajit" and 2 or 3  -- LuaJIT yields in __tostring
      service:fault { route = "list", drip = 5000 }
      assert.equal((n * 2) .. " 1\n", run(([[
        local words, sent = 0, 0
        client.listener = function(event)
          if event.type == "request" then sent = sent + 1 end
        end
        local function note(fn)
          return function()
            local ok, said = pcall(fn)
            if not ok and said:find("nothing can wait inside", 1, true) then
              words = words + 1
            end
          end
        end
        local function try(fn)
          ("x"):gsub("x", note(fn))
          table.sort({ 2, 1 }, note(fn))
          if %d == 3 then
            tostring(setmetatable({}, { __tostring = function()
              note(fn)()
              return "text"
            end }))
          end
        end
        begin(function()
          try(function() client.generations:count() end)
          local listing = client.generations:list()
          assert(listing:next())
          try(function() while listing:next() do end end)
          listing:close()
        end)
        print(words .. " " .. sent)
      ]]):format(n)))
    end)

    it("lets others run beside a canceled one that never ends", function()
      assert.equal("20\nended by its own will\n", run [[
        local stop, calls = false, 0
        begin(function()
          local task = client:spawn(function()
            while not stop and calls < 20000 do
              client.generations:count()
              calls = calls + 1
            end
            print "ended by its own will"
          end)
          cqueues.sleep(0.05)
          task:cancel()
          print((client.generations:count()))
          stop = true
        end)
      ]])
    end)
  end)
end

local found = false
for _, vm in ipairs { "lua5.4", "lua5.3", "luajit" } do
  if is_here(vm) then
    found = true
    describe_tasks(vm)
  end
end

if not found then
  describe("tasks of cqueues", function() pending "cqueues is not here" end)
end
