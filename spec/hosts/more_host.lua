-- SPDX-License-Identifier: MIT
--
-- Programs that need nothing of the client's own: each loads it and lists, as
-- its scripts do. They are many and large, so these tests run only with
-- HOSTS=all, where the programs are installed.

local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"

-- Lists and counts, and writes down the numbers.
local probe = [[
  local lipsync = require "lipsync"
  local client, n = lipsync.new(), 0
  for _ in client.generations:list() do n = n + 1 end
  local file = io.open(os.getenv "INSIDE_REPORT", "a")
  file:write(n, " ", client.generations:count(), " ", _VERSION, "\n")
  file:close()
]]

-- A script of nmap: what it does stands in functions.
local function nse(folder)
  launch.write(folder .. "/probe.nse", [[
    description, categories = "lists", { "safe" }
    prerule = function() return true end
    action = function() dofile(os.getenv "PROBE") end
  ]])
  return "nmap -n -Pn -p 1 --script " .. folder .. "/probe.nse 127.0.0.1"
end

local programs = {
  { "nmap", "lua5.3", nse, "Lua 5.3" },
  { "vim", "lua5.2", "vim -es -u NONE -c 'luafile $PROBE' -c 'qa!'",
    "Lua 5.2" },
  { "tshark", "lua5.2", "tshark -X lua_script:$PROBE -r /dev/null", "Lua 5.2" },
  { "wrk", "luajit", "wrk -d 1 -c 1 -t 1 -s $PROBE http://127.0.0.1:1/",
    "Lua 5.1" },
}

describe("many programs", function()
  if os.getenv "HOSTS" ~= "all" then
    return pending "HOSTS=all was not asked for"
  end

  for _, each in ipairs(programs) do
    local name, vm, command, version = (table.unpack or unpack)(each)
    local is_there = launch.find(name)
      and launch.read("build/" .. vm .. "/lipsync/core.so") ~= ""
    local it_runs = is_there and it or pending
    it_runs(name .. " loads it and lists", function()
      local folder, service = launch.folder(),
        emulator.start { generations = 60 }
      launch.write(folder .. "/probe.lua", probe)
      if type(command) == "function" then command = command(folder) end
      local _, log = launch.run { folder = folder, vm = vm,
        env = { SYNC_API_KEY = service.key, SYNC_BASE_URL = service.base_url,
                INSIDE_REPORT = folder .. "/report", HOME = folder,
                PROBE = folder .. "/probe.lua" },
        command = ("sh -c %s"):format(launch.quote(command)) }
      service:stop()
      local report = launch.read(folder .. "/report")
      launch.remove(folder)
      assert.equal("60 60 " .. version .. "\n", report, log)
    end)
  end

  local module = "/usr/lib/apache2/modules/mod_lua.so"
  local it_serves = launch.find "apache2" and launch.read(module) ~= ""
    and launch.read "build/lua5.3/lipsync/core.so" ~= "" and it or pending

  -- mod_lua asks lua_tostring of an error, and its child died of an object.
  it_serves("Apache's mod_lua lists, and outlives an error", function()
    local folder, port = launch.folder(), launch.port()
    local service = emulator.start { generations = 60 }
    launch.write(folder .. "/probe.lua", [[
      function handle(r)
        local client, n = require "lipsync".new(), 0
        for _ in client.generations:list() do n = n + 1 end
        r:puts(n .. " generations")
        return apache2.OK
      end
    ]])
    launch.write(folder .. "/apache.conf", ([[
      ServerRoot %s
      ServerName localhost
      PidFile %s/pid
      DefaultRuntimeDir %s
      Listen 127.0.0.1:%d
      ErrorLog %s/error.log
      LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
      LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
      LoadModule lua_module %s
      LuaMapHandler /list %s/probe.lua
      <Directory />
        Require all granted
      </Directory>
    ]]):format(folder, folder, folder, port, folder, module, folder))
    local program = launch.start { folder = folder, vm = "lua5.3",
      env = { SYNC_API_KEY = service.key, SYNC_BASE_URL = service.base_url },
      command = "apache2 -X -f " .. folder .. "/apache.conf" }
    local function ask()
      local _, log = launch.run { folder = folder,
        command = "curl -s -w ' %{http_code}' http://127.0.0.1:" .. port
          .. "/list" }
      return log
    end
    local first = program:await(function()
      local text = ask()
      return text:find "generations" and text
    end)
    service:fault { route = "list", statusCode = 400, body = "{}" }
    local second, third = ask(), ask()
    program:stop()
    service:stop()
    local errors = launch.read(folder .. "/error.log")
    launch.remove(folder)
    assert.equal("60 generations 200", first)
    assert.matches("500", second)
    assert.equal("60 generations 200", third, errors)
    assert.matches("list generations: 400", errors)
  end)
end)
