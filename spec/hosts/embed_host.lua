-- SPDX-License-Identifier: MIT
--
-- The library inside a program, as C and as C++, without package, io, os,
-- debug and math and without a file beside it.

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

for _, vm in ipairs { "lua5.4", "lua5.3", "lua5.2", "lua5.1", "luajit" } do
  local is_here = launch.find(vm)
    and launch.read("build/" .. vm .. "/lipsync/core.so") ~= ""
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
