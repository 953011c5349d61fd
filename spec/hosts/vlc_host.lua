-- SPDX-License-Identifier: MIT
--
-- Inside a real VLC, without picture, sound and window: an interface script,
-- and the sidebar of the examples. VLC's Lua comes with a plugin (rule 8).

local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"

local plugin = launch.find "vlc" and launch.find "cvlc"

describe("VLC", function()
  if not plugin then return pending "VLC is not here" end
  if launch.read "build/lua5.2/lipsync/core.so" == "" then
    return pending "VLC is here, but nothing was built for Lua 5.2"
  end
  local folder, service

  before_each(function() folder = launch.folder() end)
  after_each(function()
    if service then service:stop() end
    launch.remove(folder)
    service = nil
  end)

  -- Starts VLC with a script as its interface, which reports into a file.
  local function start(text, base_url)
    local scripts = folder .. "/vlc/lua"
    os.execute(("mkdir -p %s/intf %s/sd"):format(scripts, scripts))
    launch.write(scripts .. "/sd/generations.lua",
      launch.read "examples/vlc/sd/generations.lua")
    launch.write(scripts .. "/intf/player.lua",
      launch.read "examples/vlc/intf/generations.lua")
    launch.write(scripts .. "/intf/probe.lua", [[
      require "lipsync"
      local inside = require "spec.support.inside"
      local say = inside.say
      local function sleep(seconds)
        vlc.misc.mwait(vlc.misc.mdate() + seconds * 1e6)
      end
      local function script()
        ]] .. text .. [[
      end
      local ok, problem = pcall(script)
      if not ok then say(problem) end
      vlc.misc.quit()
    ]])
    return launch.start { folder = folder, vm = "lua5.2",
      env = { SYNC_API_KEY = service and service.key or "k",
              SYNC_BASE_URL = base_url or service.base_url,
              INSIDE_REPORT = folder .. "/report", HOME = folder,
              XDG_DATA_HOME = folder, XDG_CONFIG_HOME = folder,
              XDG_CACHE_HOME = folder,
              LD_PRELOAD = launch.root .. "/build/not_root.so" },
      command = "vlc --intf luaintf --lua-intf probe --vout dummy "
        .. "--aout dummy --no-dbus" }
  end

  local function report()
    return launch.read(folder .. "/report")
  end

  local function run(text)
    local program = start(text)
    local status, log = program:finish()
    assert.equal(0, status, log)
    return report(), log
  end

  it("lists, counts and deletes; errors are sentences", function()
    service = emulator.start { generations = 60 }
    assert.equal("60 60 true vlc\n", run [[
      local client = require "lipsync".new()
      local n, first = 0, nil
      for generation in client.generations:list() do
        first, n = first or generation, n + 1
      end
      local failed = client.generations:list({ status = "FAILED" }):next()
      local deleted = client.generations:delete(failed.id)
      say(n, client.generations:count() + 1, deleted.id == failed.id,
        require "lipsync.host".name(client))
    ]])
  end)

  it("shows its example as a sidebar", function()
    service = emulator.start { generations = 60 }
    assert.equal("true\n", run [[
      vlc.sd.add "lua{sd='generations',longname='sync. generations'}"
      local found = {}
      for _ = 1, 400 do
        for _, child in ipairs(vlc.playlist.get().children) do
          if child.name == "sync. generations" then
            found = child.children or {}
          end
        end
        if #found > 5 then break end
        sleep(0.05)
      end
      say(#found > 5 and found[1].path:find("/media/outputs/", 1, true) ~= nil)
    ]])
  end)

  it("plays what its example enqueues", function()
    service = emulator.start { generations = 60 }
    local log = select(2, run [[
      local path = vlc.config.userdatadir() .. "/lua/intf/player.lua"
      local chunk = assert(loadfile(path))
      local lipsync = require "lipsync"
      local new = lipsync.new
      function lipsync.new(...)
        local client = new(...)
        function client.sleep() error("the end", 0) end
        return client
      end
      say(pcall(chunk))
      say(#vlc.playlist.get().children[1].children)
    ]])
    assert.equal("false the end\n20\n", report(), log)
  end)

  it("ends in the midst of a call", function()
    local server = scripted.start { { { read = true }, { stall = 60 } } }
    local program = start([[
      local client = require "lipsync".new()
      say "begin"
      say(pcall(client.generations.count, client.generations))
    ]], server.base_url)
    program:await(function() return #server:requests() > 0 end)
    program:signal "TERM"
    local ok, problem = pcall(program.finish, program, 20)
    program:signal "KILL"
    server:stop()
    assert.is_true(ok, problem)
    assert.matches("begin\nfalse [^\n]*[Ii]nterrupted", report())
  end)
end)
