-- SPDX-License-Identifier: MIT
--
-- Inside loops that other modules bring: GLib by lgi, libevent by lua-event,
-- luasocket's select and copas. Each example as it is, and what its own ticker
-- does while a call waits. Rule 18: outside of tasks, copas and luv are told
-- once that a call stops them.

local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"

local function has(vm, module)
  return launch.read("build/" .. vm .. "/lipsync/core.so") ~= ""
    and launch.find(vm) ~= nil
    and os.execute(("%s -e 'require %q' >/dev/null 2>&1"):format(vm, module))
end

-- Debian has each of them for some VMs only.
local loops = {
  { "glib", "lgi", "GLib by lgi" }, { "lua-event", "luaevent" },
  { "luasocket", "socket" }, { "copas", "copas" },
}

for _, loop in ipairs(loops) do
  local folder_name, module, name = loop[1], loop[2], loop[3] or loop[1]
  local found = false
  for _, vm in ipairs { "lua5.4", "lua5.3", "lua5.2", "lua5.1", "luajit" } do
    local is_there = has(vm, module)
    if is_there == true or is_there == 0 then
      found = true
      describe(name .. " on " .. vm, function()
        local folder

        before_each(function() folder = launch.folder() end)
        after_each(function() launch.remove(folder) end)

        it("runs its example, and goes on while a call waits", function()
          local service = emulator.start { generations = 60 }
          service:fault { route = "count", delay = 0.3 }
          local status, log = launch.run { vm = vm, folder = folder,
            env = { SYNC_API_KEY = service.key,
                    SYNC_BASE_URL = service.base_url },
            command = ("%s examples/%s/generations.lua"):format(vm,
              folder_name) }
          service:stop()
          assert.equal(0, status, log)
          local _, lines = log:gsub("%x+%-%x+%-%x+%-%x+%-%x+\t", "")
          assert.equal(60, lines, log)
          assert.matches("%f[%d]60 in all\n", log)
          local turns = log:match "(%d+) times meanwhile"
          assert.is_true(tonumber(turns) > 2, log)
        end)
      end)
    end
  end
  if not found then
    describe(name, function() pending(name .. " is not here") end)
  end
end

-- Two calls in a coroutine of the loop; then tasks that sleep, that wait for
-- another one, and that are canceled.
local prelude = [[
  local client = require "lipsync".new()
  local function outside()
    for _ = 1, 2 do client.generations:count() end
    local counted = client:spawn(function()
      client:sleep(0.01)
      return client.generations:count()
    end)
    local asleep = client:spawn(function() client:sleep(600) end)
    client:spawn(function()
      local n = counted:wait()
      asleep:cancel()
      print(n, asleep:is_over())
    end)
  end
]]

local schedulers = {
  copas = { vm = "luajit", text = [[
    local copas = require "copas"
    copas.addthread(outside)
    repeat
      copas.step(0.01)
      client:step()
    until client:pending() == 0
  ]] },
  luv = { vm = "lua5.4", text = [[
    local uv = require "luv"
    local timer = uv.new_timer()
    timer:start(1, 0, function()
      timer:close()
      coroutine.wrap(outside)()
    end)
    uv.run()
  ]] },
}

for name, scheduler in pairs(schedulers) do
  describe(name, function()
    local is_there = has(scheduler.vm, name)
    if is_there ~= true and is_there ~= 0 then
      return pending(name .. " is not here")
    end

    it("is told once of calls outside of tasks", function()
      local folder, service = launch.folder(),
        emulator.start { generations = 60 }
      local status, log = launch.script(scheduler.vm,
        prelude .. scheduler.text, { folder = folder,
          env = { SYNC_API_KEY = service.key,
                  SYNC_BASE_URL = service.base_url } })
      service:stop()
      launch.remove(folder)
      assert.equal(0, status, log)
      local _, times = log:gsub("a call in a coroutine of " .. name
        .. " stops it [^\n]*client:spawn", "")
      assert.equal(1, times, log)
      assert.matches("%f[%d]60\ttrue\n", log)
    end)
  end)
end
