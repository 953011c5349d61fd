-- SPDX-License-Identifier: MIT
--
-- Programs that need nothing of the client's own: each loads it and lists, as
-- its scripts do. They are many and large, so these tests run only with
-- HOSTS=all, where the programs are installed.

local display = require "spec.support.display"
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

-- Those with a configuration: it goes into a file of the folder, which the
-- command names. DIR is the folder, PORT one on which nothing listens.
local function configured(name, text, command)
  return function(folder)
    local values = { DIR = folder, PORT = launch.port() }
    launch.write(folder .. "/" .. name, (text:gsub("[%u_]+", values)))
    return (command:gsub("[%u_]+", values))
  end
end

local kamailio = [[
  children=1
  listen=udp:127.0.0.1:PORT
  mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
  loadmodule "app_lua.so"
  modparam("app_lua", "load", "DIR/probe.lua")
  request_route { exit; }
]]

-- HexChat loads what is in its folder of addons. As root it first asks whether
-- that is wise.
local function hexchat(folder)
  os.execute("mkdir -p " .. folder .. "/addons")
  launch.write(folder .. "/addons/probe.lua", [[
    hexchat.register("probe", "1", "lists")
    dofile(os.getenv "PROBE")
  ]])
  -- Without the window that asks for a server.
  launch.write(folder .. "/hexchat.conf", "gui_slist_skip = 1\n")
  return ("env LD_PRELOAD=%s/build/not_root.so hexchat --no-auto -d %s")
    :format(launch.root, folder)
end

-- lighttpd runs the script for each request, so one is made.
local lighttpd = [[
  server.modules = ( "mod_magnet" )
  server.bind = "127.0.0.1"
  server.port = PORT
  server.document-root = "DIR"
  magnet.attract-raw-url-to = ( "DIR/probe.lua" )
]]

-- Dovecot loads it where it checks passwords, so one is checked.
local dovecot = [[
  base_dir = DIR/run
  state_dir = DIR/run
  log_path = /dev/stderr
  protocols =
  ssl = no
  default_internal_user = root
  default_login_user = root
  default_internal_group = root
import_environment = SYNC_API_KEY SYNC_BASE_URL LUA_PATH LUA_CPATH INSIDE_REPORT
  passdb {
    driver = lua
    args = file=DIR/probe.lua blocking=no
  }
  userdb {
    driver = static
    args = uid=0 gid=0 home=DIR
  }
]]

-- A mod of Minetest lends `require` and `package` for as long as it loads the
-- client. Only the report is out of its reach afterwards.
local function minetest(folder)
  local port = launch.port()
  os.execute(("mkdir -p %s/world/worldmods/probe"):format(folder))
  launch.write(folder .. "/minetest.conf",
    "secure.trusted_mods = probe\nbind_address = 127.0.0.1\n")
  launch.write(folder .. "/world/world.mt", "gameid = devtest\n"
    .. "load_mod_probe = true\nbackend = dummy\n")
  launch.write(folder .. "/world/worldmods/probe/mod.conf", "name = probe\n")
  launch.write(folder .. "/world/worldmods/probe/init.lua", [[
    local all = minetest.request_insecure_environment()
    local own, io, os = { require, package }, all.io, all.os
    require, package = all.require, all.package
    local lipsync = require "lipsync"
    require, package = unpack(own)
  ]] .. probe:gsub('local lipsync = require "lipsync"', ""))
  return ("minetestserver --world %s/world --config %s/minetest.conf "
    .. "--port %d"):format(folder, folder, port)
end

-- A PostgreSQL of one process, whose folder must be its own and not root's.
local postgres = [[
  mkdir DIR/data
  if [ "$(id -u)" = 0 ]; then
    chown nobody DIR/data
    export LD_PRELOAD="$ROOT/build/not_root.so"
  fi
  bin=$(echo /usr/lib/postgresql/*/bin)
  $bin/initdb -N -U postgres -D DIR/data >&2 &&
    $bin/postgres --single -D DIR/data postgres <DIR/probe.sql
]]

local function pllua(folder)
  launch.write(folder .. "/probe.sql", "create extension plluau;\n"
    .. "do $$ " .. probe:gsub("%s+", " ") .. " $$ language plluau;\n")
  launch.write(folder .. "/probe.sh", (postgres:gsub("DIR", folder)))
  return "sh " .. folder .. "/probe.sh"
end

-- Name, build, command, _VERSION. A program that goes on until it is stopped
-- has `stays`, one that needs a display `shows`; `loads` is what else there
-- must be. Several read the script more than once.
local programs = {
  { "nmap", "lua5.3", nse, "Lua 5.3" },
  { "vim", "lua5.2", "vim -es -u NONE -c 'luafile $PROBE' -c 'qa!'",
    "Lua 5.2" },
  { "tshark", "lua5.2", "tshark -X lua_script:$PROBE -r /dev/null", "Lua 5.2" },
  { "wrk", "luajit", "wrk -d 1 -c 1 -t 1 -s $PROBE http://127.0.0.1:1/",
    "Lua 5.1" },
  { "sysbench", "luajit", "sysbench $PROBE help", "Lua 5.1" },
  { "texlua", "lua5.3", "texlua $PROBE", "Lua 5.3" },
  { "pandoc", "lua5.3", "pandoc -f markdown --lua-filter=$PROBE /dev/null",
    "Lua 5.3" },
  { "dnsdist", "luajit", "dnsdist -C $PROBE --check-config", "Lua 5.1" },
  { "pdns_recursor", "luajit", configured("recursor.conf",
    "local-address=127.0.0.1\nlocal-port=PORT\nsocket-dir=DIR\n"
    .. "lua-dns-script=DIR/probe.lua\nthreads=1\n",
    "pdns_recursor --config-dir=DIR --daemon=no"), "Lua 5.1", stays = true },
  { "uwsgi-core", "lua5.1", configured("app.lua",
    'dofile(os.getenv "PROBE") return function() end\n',
    "uwsgi-core --plugin lua51 --http-socket 127.0.0.1:PORT --lua DIR/app.lua"),
    "Lua 5.1", stays = true },
  { "kamailio", "lua5.1", configured("kamailio.cfg", kamailio,
    "kamailio -f DIR/kamailio.cfg -DD -E -w DIR -Y DIR"), "Lua 5.1",
    stays = true },
  { "lighttpd", "lua5.4", configured("lighttpd.conf", lighttpd,
    "sh -c 'lighttpd -D -f DIR/lighttpd.conf & curl -s --retry 50 "
    .. "--retry-connrefused --retry-delay 1 http://127.0.0.1:PORT/; kill $!'"),
    "Lua 5.4", loads = "/usr/lib/lighttpd/mod_magnet.so" },
  { "dovecot", "lua5.4", configured("dovecot.conf", dovecot,
    "sh -c 'mkdir DIR/run; dovecot -F -c DIR/dovecot.conf & "
    .. "until [ -e DIR/run/auth-client ]; do sleep 0.1; done; "
    .. "doveadm -c DIR/dovecot.conf auth test u p; kill $!; wait'"), "Lua 5.4",
    loads = "/usr/lib/dovecot/modules/auth/libauthdb_lua.so" },
  { "minetestserver", "luajit", minetest, "Lua 5.1", stays = true },
  { "pllua", "lua5.3", pllua, "Lua 5.3", loads = "/usr/share/postgresql/15/"
    .. "extension/plluau.control" },
  { "hexchat", "lua5.3", hexchat, "Lua 5.3", stays = true, shows = true },
}

describe("many programs", function()
  if os.getenv "HOSTS" ~= "all" then
    return pending "HOSTS=all was not asked for"
  end

  for _, each in ipairs(programs) do
    local name, vm, command, version = (table.unpack or unpack)(each)
    local is_there = (name == "pllua" or launch.find(name))
      and (not each.loads or launch.read(each.loads) ~= "")
      and launch.read("build/" .. vm .. "/lipsync/core.so") ~= ""
      and (not each.shows or display.is_here())
    local it_runs = is_there and it or pending
    it_runs(name .. " loads it and lists", function()
      local folder, service = launch.folder(),
        emulator.start { generations = 60 }
      launch.write(folder .. "/probe.lua", probe)
      if type(command) == "function" then command = command(folder) end
      local screen, screen_name
      if each.shows then screen, screen_name = display.start(folder) end
      local program = launch.start { folder = folder, vm = vm,
        env = { SYNC_API_KEY = service.key, SYNC_BASE_URL = service.base_url,
                INSIDE_REPORT = folder .. "/report", HOME = folder,
                PROBE = folder .. "/probe.lua", ROOT = launch.root,
                DISPLAY = screen_name,
                PATH = os.getenv "PATH" .. ":/usr/sbin:/usr/games" },
        command = ("sh -c %s"):format(launch.quote("exec " .. command)) }
      local function report()
        return launch.read(folder .. "/report"):match "^[^\n]*\n"
      end
      pcall(program.await, program, function()
        return each.stays and report() or program:status()
      end)
      program:stop()
      if screen then screen:stop() end
      service:stop()
      local said, log = report(), program:log()
      launch.remove(folder)
      assert.equal("60 60 " .. version .. "\n", said, log)
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
