-- SPDX-License-Identifier: MIT
--
-- Driven: hosts that wait by client:drive or a waiter of the program's. The
-- longest gap of their own ticker while a listing streams, above the one while
-- nothing does; what a call takes in Prosody; how soon VLC ends in a call.

local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"

local driven = {}

-- What puts a host on the processor that run-hosts keeps for it.
local pin = (os.getenv "HOST_PIN" or "") .. " "

-- `start` begins a task, `quit` ends the program; on_tick is to be called each
-- millisecond. The ticker is alone for two seconds, and then beside a listing.
local prelude = [[
local lipsync = require "lipsync"
local now = require "lipsync.core".now
local client, start, quit
local options = { base_url = BASE, ca_file = CA, api_key = KEY }
local function say(name, seconds)
  local file = io.open("FOLDER/figures", "a")
  file:write(name, " ", seconds, "\n")
  file:close()
end
local gap, busy, last, last_busy = 0, 0, nil, nil
local phase, from = "alone", nil
local function read()
  local listing = client.generations:list()
  while listing:next() do end
  phase = "over"
end
-- The median of calls that are answered at once.
local function call_time()
  local all = {}
  for i = 1, 301 do
    local begun = now()
    assert(client.models:list())
    all[i] = now() - begun
  end
  table.sort(all)
  return all[151]
end
local function tick()
  local t, cpu = now(), os.clock()
  if last then
    gap, busy = math.max(gap, t - last), math.max(busy, cpu - last_busy)
  end
  last, last_busy = t, cpu
end
local function on_tick()
  tick()
  from = from or now()
  if phase == "alone" and now() - from > 2 then
    say("alone", gap)
    gap, busy, last = 0, 0, nil
    phase = "listing"
    start(read)
  elseif phase == "over" then
    say("gap", gap) say("busy", busy)
    phase = "quits"
    quit()
  end
end
]]

local usual = [[
client = lipsync.new(options)
client:warm()
function start(fn) client:spawn(fn) end
]]

-- As in examples/prosody.
local prosody = [[
  local server, timer = require "net.server", require "util.timer"
  client:drive {
    watch = function(fd, fn)
      local handle
      handle = server.watchfd(fd, function()
        handle:set(false)
        handle.rest = timer.add_task(0, function()
          handle:set(true)
          fn()
        end)
      end)
      return handle
    end,
    unwatch = function(handle)
      if handle.rest then timer.stop(handle.rest) end
      handle:close()
    end,
    after = timer.add_task, cancel = timer.stop,
  }
]]

local scripts = {
  GLib = usual .. [[
    local GLib = require("lgi").GLib
    local loop = GLib.MainLoop.new(nil, false)
    client:drive {
      watch = function(fd, fn)
        return GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, fd,
          GLib.IOCondition.IN, function() fn() return true end)
      end,
      unwatch = GLib.source_remove,
      after = function(seconds, fn)
        return GLib.timeout_add(GLib.PRIORITY_DEFAULT,
          math.ceil(seconds * 1000), function() fn() return false end)
      end,
      cancel = GLib.source_remove,
    }
    function quit() loop:quit() end
    GLib.timeout_add(GLib.PRIORITY_DEFAULT, 1, function()
      on_tick()
      return true
    end)
    loop:run()
  ]],
  luasocket = usual .. [[
    local socket = require "socket"
    local over = false
    function quit() over = true end
    local watched = { getfd = function() return client:fd() end,
                      dirty = function() return false end }
    while not over do
      socket.select({ watched }, nil, 0.001)
      client:step()
      on_tick()
    end
  ]],
  copas = usual .. [[
    local copas = require "copas"
    local over = false
    function quit() over = true end
    local watched = { getfd = function() return client:fd() end,
                      dirty = function() return false end }
    function watched.receive()
      client:step()
      return nil, "timeout"
    end
    copas.addthread(copas.receive, watched)
    while not over do
      copas.step(0.001)
      client:step()
      on_tick()
    end
  ]],
  plain = usual .. [[
    say("call", call_time())
    say("busy", 0)
  ]],
  calls = usual .. [[
    say("call", call_time())
  ]] .. prosody .. [[
    start(function()
      say("task", call_time())
      say("busy", 0)
    end)
  ]],
  Prosody = usual .. prosody .. [[
    function quit() end
    timer.add_task(0.001, function()
      on_tick()
      return phase ~= "quits" and 0.001 or nil
    end)
  ]],
  ["knot-resolver"] = usual .. [[
    client:drive {
      watch = function(fd, fn)
        return event.socket(fd, function() fn() end)
      end,
      unwatch = event.cancel,
      after = function(seconds, fn)
        return event.after(math.ceil(seconds * 1000), function() fn() end)
      end,
      cancel = event.cancel,
    }
    function quit() end
    local ticker
    ticker = event.recurrent(1, function()
      on_tick()
      if phase == "quits" then event.cancel(ticker) end
    end)
  ]],
  Tarantool = [[
    local fiber, socket = require "fiber", require "socket"
    options.host = function(_, target, seconds)
      if target and target:ready() then return end
      seconds = math.min(seconds, client:timeout() or seconds)
      socket.iowait(client:fd(), "R", seconds)
      client:step()
    end
    client = lipsync.new(options)
    client:warm()
    function start(fn) fiber.create(fn) end
    function quit() os.exit(0) end
    while true do
      on_tick()
      fiber.sleep(0.001)
    end
  ]],
}

-- How each runs the script in its folder.
local hosts = {
  { "GLib", "lua5.3", "lua5.3 %s/script.lua", "lgi" },
  { "luasocket", "lua5.4", "lua5.4 %s/script.lua", "socket" },
  { "copas", "luajit", "luajit %s/script.lua", "copas" },
  { "Prosody", "lua5.4", "prosody -F --config %s/prosody.cfg.lua" },
  { "knot-resolver", "luajit", "kresd -n -c script.lua %s" },
  { "Tarantool", "luajit", "tarantool %s/script.lua" },
}

local function prepare(folder, text)
  launch.write(folder .. "/script.lua", text)
  launch.write(folder .. "/mod_script.lua", text)
  launch.write(folder .. "/prosody.cfg.lua", ([[
    run_as_root = true
    pidfile, data_path = "%s/prosody.pid", "%s"
    plugin_paths = { "%s" }
    modules_enabled = { "script" }
    modules_disabled = { "s2s", "c2s" }
    log = { error = "*console" }
    interfaces = { "127.0.0.1" }
    VirtualHost "localhost"
  ]]):format(folder, folder, folder))
end

-- What a host says of itself in a script, name to number.
local function run(of, service, base_url, name)
  local vm, command = of[2], of[3]
  local folder = launch.folder()
  local values = { BASE = ("%q"):format(base_url), FOLDER = folder,
    CA = ("%q"):format(service.ca_file), KEY = ("%q"):format(service.key) }
  prepare(folder, ((prelude .. scripts[name or of[1]])
    :gsub("%f[%u]%u%u+%f[^%u]", values)))
  local program = launch.start { folder = folder, vm = vm,
    command = pin .. command:format(folder) }
  local found = {}
  local ok, problem = pcall(program.await, program, function()
    for key, value in launch.read(folder .. "/figures")
                      :gmatch "(%l+) ([%d.e+-]+)\n" do
      found[key] = tonumber(value)
    end
    return found.busy
  end, 120)
  program:stop()
  launch.remove(folder)
  return ok and found or error(problem, 0)
end

local function is_here(of)
  local binary, module = of[3]:match "^%S+", of[4]
  if not launch.find(binary) then return false end
  local ok = not module or os.execute(("%s -e 'require %q' 2>/dev/null")
    :format(binary, module))
  return ok == true or ok == 0
end

-- A call of the example's kind, outside of tasks and in one.
local function calls(report, service, base_url)
  local plain = run({ "plain", "lua5.4", "lua5.4 %s/script.lua" }, service,
    base_url).call * 1000
  local found = run(hosts[4], service, base_url, "calls")
  report:row("a call that is answered at once, in a script", plain, "ms")
  report:row("Prosody: the same outside of tasks", found.call * 1000, "ms",
    { goal = 0.3, above = plain })
  report:row("Prosody: the same in a task", found.task * 1000, "ms",
    { goal = 0.3, above = plain })
end

-- Seconds from SIGTERM to VLC's end. `text` is what a script of its does then.
local function ending(service, base_url, text)
  local folder = launch.folder()
  os.execute(("mkdir -p %s/vlc/lua/intf"):format(folder))
  launch.write(folder .. "/vlc/lua/intf/script.lua", ([[
    local client = require "lipsync".new { base_url = %q, ca_file = %q,
      api_key = %q }
    client:warm()
    local file = io.open("%s/begun", "w")
    file:write "1"
    file:close()
    %s
  ]]):format(base_url, service.ca_file, service.key, folder, text))
  local program = launch.start { folder = folder, vm = "lua5.2",
    env = { HOME = folder, XDG_DATA_HOME = folder, XDG_CONFIG_HOME = folder,
            XDG_CACHE_HOME = folder,
            LD_PRELOAD = launch.root .. "/build/not_root.so" },
    command = pin .. "vlc --intf luaintf --lua-intf script --vout dummy "
      .. "--aout dummy --no-dbus" }
  program:await(function() return launch.read(folder .. "/begun") ~= "" end)
  scripted.sleep(0.5)
  local from = scripted.now()
  program:signal "TERM"
  while not program:status() do scripted.sleep(0.002) end
  local took = scripted.now() - from
  launch.remove(folder)
  return took
end

-- Beside what VLC takes while a script sleeps by VLC's own means.
local function vlc(report, service, base_url)
  local asleep = ending(service, base_url,
    "vlc.misc.mwait(vlc.misc.mdate() + 60e6)") * 1000
  report:row("VLC: from SIGTERM to its end, in a sleep of its own", asleep,
    "ms")
  report:row("VLC: the same in a call", ending(service, base_url,
    'client.generations:get "slow"') * 1000, "ms",
    { goal = 100, above = asleep })
end

--- All hosts that are here, one after the other, each by `step`.
function driven.each(step, report, service, base_url)
  for _, of in ipairs(hosts) do
    if is_here(of) then
      step(of[1] .. " " .. report.column, function()
        local found = run(of, service, base_url)
        report:row(of[1] .. ": longest gap of a 1 ms ticker beside a listing",
          found.gap * 1000, "ms", { goal = 5, above = found.alone * 1000,
          cpu = found.busy * 1000 })
      end)
    end
  end
  if is_here(hosts[4]) then
    step("calls " .. report.column, calls, report, service, base_url)
  end
  if launch.find "vlc" then
    step("VLC " .. report.column, vlc, report, service, base_url)
  end
end

return driven
