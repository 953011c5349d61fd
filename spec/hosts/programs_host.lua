-- SPDX-License-Identifier: MIT
--
-- Inside programs that have a loop of their own and drive a client with it:
-- Prosody, knot-resolver and WeeChat; and Tarantool, whose fibers wait. Each
-- runs its example as it is.

local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"

-- Writes Prosody's configuration, and its example after what goes before it;
-- gives the command.
local function prosody(folder, before)
  launch.write(folder .. "/mod_generations.lua", (before or "")
    .. launch.read "examples/prosody/mod_generations.lua")
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
end

-- Each gets its folder, and gives the command; `said` reads what the program
-- has said: the ids in it, and how many generations there are.
local programs = {
  { name = "Prosody", program = "prosody", vm = "lua5.4", start = prosody },
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
        .. "-r '/lua load %s/generations.lua' -r '/generations FAILED'")
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

-- Why a program cannot be tried; nil where it can.
local function lacks(each)
  if not launch.find(each.program) then return each.name .. " is not here" end
  if launch.read("build/" .. each.vm .. "/lipsync/core.so") == "" then
    return each.name .. " is here, but nothing was built for " .. each.vm
  end
  return nil
end

-- Runs a program against a service until `is_over(folder, program)`; gives what
-- that gave.
local function run(each, service, before, is_over)
  local folder = launch.folder()
  local program = launch.start { folder = folder, vm = each.vm,
    env = { SYNC_API_KEY = service.key or "k", HOME = folder,
            SYNC_BASE_URL = service.base_url },
    command = each.start(folder, before) }
  local ok, result = pcall(program.await, program, function()
    return is_over(folder, program)
  end)
  program:stop()
  service:stop()
  launch.remove(folder)
  assert.is_true(ok, result)
  return result
end

for _, each in ipairs(programs) do
  describe(each.name, function()
    if lacks(each) then return pending(lacks(each)) end

    it("runs its example", function()
      local pattern = each.failed_only and "%f[%d]11 generations"
        or "%f[%d]60 %a+"
      local service = emulator.start { generations = 60 }
      run(each, service, nil, function(folder, program)
        local said = each.said and each.said(folder) or program:log()
        local _, ids = said:gsub("%x+%-%x+%-%x+%-%x+%-%x+", "")
        return ids == 11 and said:find(pattern)
      end)
    end)
  end)
end

describe("Prosody's timers", function()
  local own = programs[1]
  if lacks(own) then return pending(lacks(own)) end

  it("have their turn after each event of a listing that streams", function()
    -- Logging so many takes longer than receiving them: there is always more.
    local rows = ('{"id":"g","status":"FAILED","error":"e"},'):rep(10000)
    local service = scripted.start { pick = true,
      { when = "/count", { send = scripted.response(200, '{"count":7}') } },
      { when = "GET ", { send = scripted.response(200, "["
        .. rows:sub(1, -2) .. "]") } } }
    local most = run(own, service, [[
      do  -- The most events between two turns of a timer.
        local server, timer = require "net.server", require "util.timer"
        local watchfd, events, most = server.watchfd, 0, 0
        function server.watchfd(fd, fn)
          return watchfd(fd, function()
            events = events + 1
            most = math.max(most, events)
            fn()
          end)
        end
        timer.add_task(0, function() events = 0 return 0 end)
        timer.add_task(0.1, function()
          module:log("info", "at most %d events", most)
          return 0.1
        end)
      end
    ]], function(_, program)
      local said = program:log()
      local _, stop = said:find "%f[%d]7 generations"
      return stop and said:match("at most (%d+) events", stop)
    end)
    assert.equal("1", most)
  end)
end)
