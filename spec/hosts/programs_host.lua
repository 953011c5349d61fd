-- SPDX-License-Identifier: MIT
--
-- Inside programs that have a loop of their own and drive a client with it:
-- Prosody, knot-resolver and WeeChat; and Tarantool, whose fibers wait. Each
-- runs its example as it is.

local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"

-- Each gets its folder, and gives the command; `said` reads what the program
-- has said: the ids in it, and how many generations there are.
local programs = {
  { name = "Prosody", program = "prosody", vm = "lua5.4",
    start = function(folder)
      launch.write(folder .. "/mod_generations.lua",
        launch.read "examples/prosody/mod_generations.lua")
      launch.write(folder .. "/prosody.cfg.lua", ([[
        run_as_root = true
        pidfile = "%s/prosody.pid"
        data_path = "%s"
        plugin_paths = { "%s" }
        modules_enabled = { "generations" }
        modules_disabled = { "s2s", "c2s" }
        log = { info = "*console" }
        interfaces = { "127.0.0.1" }
        VirtualHost "localhost"
      ]]):format(folder, folder, folder))
      return "prosody -F --config " .. folder .. "/prosody.cfg.lua"
    end },
  { name = "knot-resolver", program = "kresd", vm = "luajit",
    start = function(folder)
      launch.write(folder .. "/generations.conf",
        launch.read "examples/knot-resolver/generations.conf")
      return "kresd -n -c generations.conf " .. folder
    end },
  { name = "WeeChat", program = "weechat-headless", vm = "lua5.3",
    start = function(folder)
      launch.write(folder .. "/generations.lua",
        launch.read "examples/weechat/generations.lua")
      return ("weechat-headless --stdout -d %s "
        .. "-r '/set logger.file.flush_delay 0' "
        .. "-r '/script load %s/generations.lua' -r '/generations FAILED'")
        :format(folder, folder)
    end,
    said = function(folder)
      return launch.read(folder .. "/logs/core.weechat.weechatlog")
    end, failed_only = true },
  { name = "Tarantool", program = "tarantool", vm = "luajit",
    start = function(folder)
      return ("sh -c 'cd %s && exec tarantool %s FAILED'"):format(folder,
        launch.root .. "/examples/tarantool/generations.lua")
    end },
}

for _, each in ipairs(programs) do
  describe(each.name, function()
    if not launch.find(each.program) then
      return pending(each.name .. " is not here")
    end
    if launch.read("build/" .. each.vm .. "/lipsync/core.so") == "" then
      return pending(each.name .. " is here, but nothing was built for "
        .. each.vm)
    end

    it("runs its example", function()
      local folder, service = launch.folder(),
        emulator.start { generations = 60 }
      local program = launch.start { folder = folder, vm = each.vm,
        env = { SYNC_API_KEY = service.key, SYNC_BASE_URL = service.base_url,
                HOME = folder }, command = each.start(folder) }
      local function said()
        return each.said and each.said(folder) or program:log()
      end
      local pattern = each.failed_only and "%f[%d]11 generations"
        or "%f[%d]60 %a+"
      local ok, problem = pcall(program.await, program, function()
        local _, ids = said():gsub("%x+%-%x+%-%x+%-%x+%-%x+", "")
        return ids == 11 and said():find(pattern)
      end)
      program:stop()
      service:stop()
      launch.remove(folder)
      assert.is_true(ok, problem)
    end)
  end)
end
