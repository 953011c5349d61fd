-- SPDX-License-Identifier: MIT
--
-- Loops: the longest gap of a 1 ms ticker while a listing streams; LÖVE's
-- frames; what many waiting coroutines cost; the first TLS connection.

local launch = require "spec.support.launch"

local loops = {}

-- What puts a host on the processor that run-hosts keeps for it.
local pin = (os.getenv "HOST_PIN" or "") .. " "

local prelude = [[
local lipsync = require "lipsync"
local core = require "lipsync.core"
local now = core.now
local client = lipsync.new { base_url = BASE, ca_file = CA, api_key = KEY,
  max_in_flight = 1000 }
local function read()
  local listing, n = client.generations:list(), 0
  while listing:next() do n = n + 1 end
  return n
end
-- By the clock on the wall, and by that of the process: a busy machine makes
-- the first one longer, but not the second.
local gap, busy, last, last_busy = 0, 0, nil, nil
local function tick()
  local t, cpu = now(), os.clock()
  if last then
    gap, busy = math.max(gap, t - last), math.max(busy, cpu - last_busy)
  end
  last, last_busy = t, cpu
end
local function begin() gap, busy, last = 0, 0, nil end
local function rest() client:sleep(2) end
local function say(name, seconds) io.stdout:write(name, " ", seconds, "\n") end
local function warm()
  local from = now()
  local ok, err = client:warm()
  if not ok then say(tostring(err), 0) end
  say("warm", now() - from)
end
]]

local scripts = {
  luv = [[
    warm()
    local uv = require "luv"
    local function measure(n, work)
      local timer, left = uv.new_timer(), n
      begin()
      timer:start(1, 1, tick)
      for _ = 1, n do
        client:spawn(function()
          work()
          left = left - 1
          if left == 0 then timer:stop() timer:close() end
        end)
      end
      uv.run()
    end
    measure(1, rest)
    say("alone", gap) say("alonebusy", busy)
    measure(1, read)
    say("gap", gap) say("busy", busy)
    measure(8, read)
    say("eight", gap) say("eightbusy", busy)
  ]],
  cqueues = [[
    warm()
    local cqueues = require "cqueues"
    local function measure(n, work)
      local controller, left = cqueues.new(), n
      begin()
      controller:wrap(function()
        while left > 0 do tick() cqueues.sleep(0.001) end
      end)
      for _ = 1, n do
        controller:wrap(function()
          work()
          left = left - 1
        end)
      end
      assert(controller:loop())
    end
    measure(1, rest)
    say("alone", gap) say("alonebusy", busy)
    measure(1, read)
    say("gap", gap) say("busy", busy)
    measure(8, read)
    say("eight", gap) say("eightbusy", busy)
  ]],
  neovim = [[
    warm()
    local timer = vim.loop.new_timer()
    timer:start(1, 1, tick)
    client:spawn(function()
      rest()
      say("alone", gap) say("alonebusy", busy)
      begin()
      read()
      timer:stop()
      say("gap", gap) say("busy", busy)
      vim.cmd "qa!"
    end)
  ]],
  love = [[
    client = lipsync.new { base_url = BASE, ca_file = CA, api_key = KEY }
    local longest, busy, slow, late, frames = 0, 0, 0, 0, 0
    local phase = "warm"
    client:spawn(warm)
    -- What is done when a phase is over; gives the next one.
    local following = {}
    function following.warm() return "empty" end
    function following.empty()
      say("emptyslow", slow)
      slow, late = 0, 0
      client:spawn(read)
      return "list"
    end
    function following.list()
      for _ = 1, 200 do
        client:spawn(function() client.generations:count() end)
      end
      return "calls"
    end
    function following.calls()
      say("slow", slow) say("late", late)
      love.event.quit()
      return "over"
    end
    -- Takes its 2 ms and nothing else, for as many frames as a listing.
    local function idle()
      local from = now()
      repeat until now() - from >= 0.002
      return frames == 300
    end
    local function step()
      client:step()
      return client:pending() == 0
    end
    function love.update()
      local t, cpu = now(), os.clock()
      local over = (phase == "empty" and idle or step)()
      longest = math.max(longest, now() - t)
      busy = math.max(busy, os.clock() - cpu)
      frames = frames + 1
      if not over then return end
      if phase ~= "warm" then
        say(phase, longest) say(phase .. "busy", busy)
      end
      phase = following[phase]()
      longest, busy, frames = 0, 0, 0
    end
    function love.run()
      return function()
        local from = now()
        love.event.pump()
        for name in love.event.poll() do
          if name == "quit" then return 0 end
        end
        love.update()
        local rest = math.max(0, 1 / 60 - (now() - from))
        local work = now() - from
        love.timer.sleep(rest)
        if phase == "warm" then return end
        if now() - from > 0.018 then slow = slow + 1 end
        if work + rest > 0.018 then late = late + 1 end
      end
    end
  ]],
  waiting = [[
    -- These take so long that nothing comes while it is measured.
    local function cost(n)
      for _ = client:pending() + 1, n do
        client:spawn(function() client.generations:get "slow" end)
      end
      local start = now()
      repeat client:step() until now() - start > 2
      local from, count = now(), 0
      repeat
        client:step()
        count = count + 1
      until now() - from > 0.1
      return (now() - from) / count
    end
    say("one", cost(1))
    say("thousand", cost(1000))
    client:close()
    local cpu, from, wakes = os.clock(), now(), 0
    local idle = lipsync.new { base_url = BASE, ca_file = CA, api_key = KEY }
    idle.generations:count()
    idle:runtime().session:poll(0.1)  -- what TLS says behind the first answer
    cpu, from = os.clock(), now()
    while now() - from < 2 do
      idle:runtime().session:poll(2 - (now() - from))
      wakes = wakes + 1
    end
    say("cpu", os.clock() - cpu)
    say("wakes", wakes - 1)
  ]],
}

local commands = {
  luv = "lua5.4 %s/script.lua", cqueues = "lua5.4 %s/script.lua",
  waiting = "lua5.4 %s/script.lua",
  neovim = "nvim --headless -u NONE -i NONE -n -c 'luafile %s/script.lua'",
  love = "env SDL_VIDEODRIVER=dummy SDL_AUDIODRIVER=dummy love %s",
}
local vms = { luv = "lua5.4", cqueues = "lua5.4", waiting = "lua5.4" }

-- What the script says, name to number. `before`: text that comes before it.
local function run(name, service, base_url, before)
  local folder = launch.folder()
  local values = { BASE = ("%q"):format(base_url),
    CA = ("%q"):format(service.ca_file), KEY = ("%q"):format(service.key) }
  local text = (before or "") .. prelude .. scripts[name]
  text = text:gsub("%f[%u]%u%u+%f[%W]", values)
  launch.write(folder .. "/script.lua", text)
  launch.write(folder .. "/main.lua", text)
  launch.write(folder .. "/conf.lua", [[function love.conf(t)
    t.window = false
    t.modules.window, t.modules.graphics = false, false
    t.modules.audio, t.modules.joystick = false, false
  end]])
  local _, log = launch.run { folder = folder, vm = vms[name] or "luajit",
    command = pin .. commands[name]:format(folder), seconds = 120 }
  launch.remove(folder)
  local found = {}
  for key, value in log:gmatch "(%l+) ([%d.e+-]+)" do
    found[key] = tonumber(value)
  end
  assert(next(found), log)
  return found
end

--- The longest gap of a 1 ms ticker, in a named loop.
function loops.ticker(report, name, service, base_url)
  local found = run(name, service, base_url)
  report:row(name .. ": longest gap of a 1 ms ticker beside a sleep",
    found.alone * 1000, "ms", { cpu = found.alonebusy * 1000 })
  report:row(name .. ": longest gap of a 1 ms ticker beside a listing",
    found.gap * 1000, "ms", { goal = 5, cpu = found.busy * 1000 })
  if found.eight then
    report:row(name .. ": the same beside eight listings",
      found.eight * 1000, "ms", { cpu = found.eightbusy * 1000 })
  end
  report:row(name .. ": first connection (client:warm)", found.warm * 1000,
    "ms")
end

--- LÖVE at 60 frames a second.
function loops.love(report, service, base_url)
  local found = run("love", service, base_url)
  report:row("LÖVE: first connection (client:warm)", found.warm * 1000, "ms")
  report:row("LÖVE: longest update() that only spins for 2 ms",
    found.empty * 1000, "ms", { cpu = found.emptybusy * 1000 })
  report:row("LÖVE: longest update() beside a listing", found.list * 1000,
    "ms", { goal = 2.5, cpu = found.listbusy * 1000 })
  report:row("LÖVE: longest update() beside 200 calls", found.calls * 1000,
    "ms", { goal = 2.5, cpu = found.callsbusy * 1000 })
  local interpreted = run("love", service, base_url, "jit.off()\n")
  report:row("LÖVE: the same, its JIT compiler off", interpreted.calls * 1000,
    "ms", { cpu = interpreted.callsbusy * 1000 })
  report:row("LÖVE: 300 frames that only spin, those over 18 ms",
    found.emptyslow, "")
  report:row("LÖVE: frames over 18 ms", found.slow, "")
  report:row("LÖVE: the same but for what love.timer.sleep came back late",
    found.late, "", { goal = 0 })
end

--- Waiting, and doing nothing.
function loops.waiting(report, service, base_url)
  local found = run("waiting", service, base_url)
  report:row("a step while 1 task waits", found.one * 1e6, "µs")
  report:row("a step while 1,000 tasks wait", found.thousand * 1e6, "µs")
  report:row("idle client, 2 s: CPU", found.cpu * 1000, "ms")
  report:row("idle client, 2 s: wake-ups", found.wakes, "", { goal = 0 })
end

return loops
