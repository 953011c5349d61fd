-- SPDX-License-Identifier: MIT
--
-- The library inside a program in C and in C++, without package, io, os, debug
-- and math and without any file beside it.

local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"

local function build(vm, target)
  local folder = launch.folder()
  local status, log = launch.run { folder = folder, vm = vm,
    command = ("make -s --no-print-directory LUA=%s build/%s/embed/%s")
      :format(vm, vm, target), env = { MAKEFLAGS = "" }, seconds = 120 }
  launch.remove(folder)
  assert(status == 0, log)
end

-- Results of calculations: times, sentences, waits.
local script = [[
local lipsync = ...
for _, text in ipairs { "2026-08-25T10:00:00Z", "1969-12-31T23:59:59.5Z",
                        "2000-02-29T00:00:00.125Z", "1600-03-01T00:00:00Z" } do
  print(lipsync.time(text))
end
local client = lipsync.new { timeout = 0.25, max_attempts = 1 }
print(pcall(client.generations.list, client.generations, { project_id = "p" }))
print((tostring(select(2, client.generations:count())):gsub(" in %d.*", "")))
local done = 0
for i = 1, 20 do
  client:spawn(function()
    local _, err = client.generations:count()
    done = done + (err.kind == "timeout" and i or 0)
  end)
end
client:run()
print(done, client:pending(), client:timeout())
]]

for _, vm in ipairs { "lua5.4", "lua5.3", "lua5.2", "lua5.1", "luajit" } do
  local is_here = launch.find(vm)
    and launch.read("build/" .. vm .. "/lipsync/core.so") ~= ""
  describe("embedded with " .. vm, function()
    if not (is_here and launch.find "cc") then
      return pending(vm .. " or cc is not here")
    end

    it("calculates as with Lua's own math", function()
      build(vm, "embedded")
      local service, folder = emulator.start { generations = 1 },
        launch.folder()
      service:fault { route = "count", delay = 20, times = 0 }
      local function run(command)
        local status, log = launch.run { folder = folder, vm = vm,
          command = command .. " " .. folder .. "/script.lua",
          env = { SYNC_API_KEY = service.key,
                  SYNC_BASE_URL = service.base_url } }
        assert.equal(0, status, log)
        return log
      end
      launch.write(folder .. "/script.lua", script)
      local embedded = run("build/" .. vm .. "/embed/embedded")
      launch.write(folder .. "/script.lua",
        (script:gsub("%.%.%.", 'require "lipsync"', 1)))
      local own = run(vm)
      service:stop()
      launch.remove(folder)
      assert.equal(own, embedded)
      assert.matches("\n210\t0\t", own)
    end)
  end)

  for target, compiler in pairs { example = "cc", ["example++"] = "c++" } do
    describe("embedded by " .. compiler .. " with " .. vm, function()
      if not (is_here and launch.find(compiler)) then
        return pending(vm .. " or " .. compiler .. " is not here")
      end

      it("lists", function()
        build(vm, target)
        local service, folder = emulator.start { generations = 300 },
          launch.folder()
        local function run(status)
          return launch.run { folder = folder, vm = vm,
            env = { SYNC_API_KEY = service.key,
                    SYNC_BASE_URL = service.base_url,
                    LUA_PATH = "", LUA_CPATH = "" },
            command = ("sh -c 'cd / && exec %s/build/%s/embed/%s %s'")
              :format(launch.root, vm, target, status) }
        end
        local status, log = run "COMPLETED"
        local _, refused = run "NOPE"
        service:stop()
        launch.remove(folder)
        assert.equal(0, status, log)
        local _, n = log:gsub("COMPLETED\n", "")
        assert.is_true(n > 10)
        assert.matches("^list generations: 400 ", refused)
      end)
    end)
  end
end
