-- SPDX-License-Identifier: MIT
--
-- Inside a real VLC, without picture and sound: an interface script, the
-- sidebar of the examples, and, in its window, the extension. VLC's Lua comes
-- with a plugin (rule 8).

local display = require "spec.support.display"
local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"

local is_here = launch.find "vlc" and launch.find "cvlc"

describe("VLC", function()
  if not is_here then return pending "VLC is not here" end
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

  -- Starts VLC with an interface, and more of its environment.
  local function start_vlc(words, base_url, env)
    local all = { SYNC_API_KEY = service and service.key or "k",
                  SYNC_BASE_URL = base_url or service.base_url,
                  INSIDE_REPORT = folder .. "/report", HOME = folder,
                  XDG_DATA_HOME = folder, XDG_CONFIG_HOME = folder,
                  XDG_CACHE_HOME = folder,
                  LD_PRELOAD = launch.root .. "/build/not_root.so" }
    for name, value in pairs(env or {}) do all[name] = value end
    return launch.start { folder = folder, vm = "lua5.2", env = all,
      command = "vlc --vout dummy --aout dummy --no-dbus --intf " .. words }
  end

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
    return start_vlc("luaintf --lua-intf probe", base_url)
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

  local qt = io.popen "ls /usr/lib/*/vlc/plugins/gui/libqt_plugin.so 2>&1"
  local has_window = qt:read "*l":find "^/usr/[^*]*so$"
    and display.is_here() and launch.find "xdotool"
  qt:close()
  local it_shows = has_window and it or pending

  it_shows("plays what is chosen in its extension's window", function()
    service = emulator.start { generations = 60 }
    local screen, name = display.start(folder)
    local scripts = folder .. "/vlc/lua/extensions"
    os.execute("mkdir -p " .. scripts)
    launch.write(scripts .. "/generations.lua",
      launch.read "examples/vlc/extensions/generations.lua")
    local program = start_vlc("qt --no-qt-privacy-ask", nil,
      { DISPLAY = name })
    local function xdotool(words)
      local pipe = io.popen(("DISPLAY=%s xdotool %s 2>&1"):format(name, words))
      local text = pipe:read "*a"
      pipe:close()
      return text
    end
    -- Gives a window some keys until a request shows that they worked.
    local function press(window, keys, path)
      return pcall(program.await, program, function()
        local id = xdotool("search --name '" .. window .. "'"):match "%d+"
        if not id then return false end
        xdotool("windowfocus " .. id)
        for key in keys:gmatch "%S+" do xdotool("key --delay 50 " .. key) end
        for _ = 1, 40 do
          for _, request in ipairs(service:requests()) do
            if request.path:find(path, 1, true) then return true end
          end
          scripted.sleep(0.05)
        end
      end)
    end
    -- Its name is the last but one in the menu View, before VLsub's.
    local opens, problem = press("VLC media player",
      "Escape alt+i Up Up Return", "/v2/generations")
    local plays = opens and press("sync. generations", "Home space Tab space "
      .. "shift+Tab", "/media/outputs/")
    local log = program:log()
    program:stop()
    screen:stop()
    assert.is_true(opens, problem)
    assert.is_true(plays, log)
  end)
end)
