-- SPDX-License-Identifier: MIT
--
-- Inside a real mpv, without picture and sound: the unmodified example, in a
-- script that presses keys and reads the drawn text.

local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"
local service_ = require "spec.support.service"

local binary = launch.find "mpv"

local prologue = [[
local inside = require "spec.support.inside"
local http = require "lipsync.http"
local say, await = inside.say, inside.await
local timers, overlay, shown = 0, nil, ""

local add_timeout, create = mp.add_timeout, mp.create_osd_overlay
mp.add_timeout = function(...)
  timers = timers + 1
  return add_timeout(...)
end
mp.create_osd_overlay = function(...)
  overlay = create(...)
  local class = getmetatable(overlay).__index
  local remove = class.remove
  class.remove = function(self)
    self.data = ""
    return remove(self)
  end
  return overlay
end
mp.osd_message = function(text) shown = text end

-- mpv handles keys when the script is idle.
local function press(key)
  inside.pause(0.1)
  mp.commandv("keypress", key)
end
local function menu() return overlay.data or "" end
local function example()
  assert(loadfile "examples/mpv/generations.lua")()
end

local function script()
]]

local epilogue = [[
end
local move = inside.script(script)
local ticker
ticker = mp.add_periodic_timer(0.005, function()
  if move() then
    ticker:kill()
    mp.command "quit"
  end
end)
]]

-- A second of silence: 8,000 samples of a byte.
local function wave()
  local function u32(n)
    local bytes = {}
    for i = 1, 4 do
      bytes[i] = string.char(n % 256)
      n = math.floor(n / 256)
    end
    return table.concat(bytes)
  end
  return "RIFF" .. u32(8036) .. "WAVEfmt " .. u32(16) .. "\1\0\1\0"
    .. u32(8000) .. u32(8000) .. "\1\0\8\0data" .. u32(8000)
    .. ("\128"):rep(8000)
end

describe("mpv", function()
  if not binary then return pending "mpv is not here" end
  local service, folder

  local function run(text, scripts)
    local path = folder .. "/script.lua"
    launch.write(path, prologue .. text .. epilogue)
    local status, log = launch.run { folder = folder, vm = "lua5.2",
      env = { SYNC_API_KEY = service.key, SYNC_BASE_URL = service.base_url,
              INSIDE_REPORT = folder .. "/report", HOME = folder },
      command = table.concat({ binary, "--no-config --idle=yes --vo=null",
        "--ao=null --osc=no --load-stats-overlay=no --ytdl=no",
        scripts or "", "--script=" .. path }, " ") }
    assert.equal(0, status, log)
    return launch.read(folder .. "/report"), log
  end

  before_each(function()
    folder = launch.folder()
    service = emulator.start { generations = 0 }
  end)

  after_each(function()
    service:stop()
    launch.remove(folder)
  end)

  -- A completed generation, as JSON.
  local function completed(id, address)
    return service_.generation(id, "COMPLETED",
      ',"outputUrl":"' .. address .. '"')
  end

  local id = "6533643b-aceb-4c40-967e-d9ba9baac39e"

  it("plays the choice, and gets a new address after expiry", function()
    local media = scripted.start { loop = true, service_.answer(200, wave(),
      { ["Content-Type"] = "audio/wav" }) }
    local fresh = media.base_url .. "/fresh.wav"
    service:fault { route = "list", statusCode = 200, times = 2, body = "["
      .. completed("other", "file:///etc/hostname") .. ","
      .. completed(id, "http://127.0.0.1:" .. launch.port() .. "/old.wav")
      .. "]" }
    service:fault { route = "get", statusCode = 200,
                    body = completed(id, fresh) }
    local report = run [[
      example()
      press "Ctrl+g"
      await("the menu", function() return menu():find "Generations: 2" end)
      press "ENTER"
      await("the refusal", function() return shown:find "nothing to play" end)
      press "Ctrl+g"
      await("the menu", function() return menu():find "Generations: 2" end)
      press "DOWN"
      await("the second row", function()
        local last = menu():match ".*\\N(.*)"
        return last and last:find "66D9FF"
      end)
      press "ENTER"
      await("sound", function()
        return (mp.get_property_number "time-pos" or 0) > 0
      end)
      say(mp.get_property "path")
    ]]
    media:stop()
    assert.equal(fresh .. "\ndone\n", report)
  end)

  it("gets a new address only once", function()
    local gone = "http://127.0.0.1:" .. launch.port() .. "/gone.wav"
    service:fault { route = "list", statusCode = 200,
                    body = "[" .. completed(id, gone) .. "]" }
    service:fault { route = "get", statusCode = 200, times = 0,
                    body = completed(id, gone) }
    assert.equal("Cannot play " .. id .. "\ndone\n", run [[
      example()
      press "Ctrl+g"
      await("the menu", function() return menu():find "Generations: 1" end)
      press "ENTER"
      await("the end", function() return shown:find "Cannot play" end)
      say(shown)
    ]])
    local n = 0
    for _, request in ipairs(service:requests()) do
      if request.path:find(id, 1, true) then n = n + 1 end
    end
    assert.equal(1, n)
  end)

  it("fills the menu while generations arrive, and stops when it closes",
     function()
    for _ = 1, 60 do service:add { status = "COMPLETED" } end
    service:fault { route = "list", drip = 10000 }
    assert.equal("true 0 true\ndone\n", run [[
      example()
      press "Ctrl+g"
      await("some", function()
        return menu():find "Generations: %d+, arriving"
      end)
      press "ESC"
      await("the end", function()
        collectgarbage() collectgarbage()
        return select(2, http.live()) == 0
      end)
      local n = timers
      inside.pause(0.3)
      say(n > 0, select(2, http.live()), timers == n)
    ]])
  end)

  it("has no timer while it is idle", function()
    assert.equal("0 true true\ndone\n", run [[
      example()
      inside.pause(0.2)
      local before = timers
      press "Ctrl+g"
      await("the menu", function() return menu():find "Generations: 0" end)
      inside.pause(0.1)
      local n = timers
      inside.pause(0.3)
      say(before, n > 0, timers == n)
    ]])
  end)

  it("shows the error in the menu", function()
    service:fault { route = "list", statusCode = 400 }
    assert.equal("done\n", run [[
      example()
      press "Ctrl+g"
      await("it", function() return menu():find "list generations: 400" end)
    ]])
  end)

  it("logs an error in a task, also an error object", function()
    local report, log = run [[
      local client = require "lipsync".new()
      client:spawn(function()
        client.generations:count()
        error "in a task"
      end)
      client:spawn(function()
        for _ in client.generations:list { status = "NOPE" } do end
      end)
      await("their ends", function() return client:pending() == 0 end)
      client:close()
    ]]
    assert.equal("done\n", report)
    assert.matches("a task failed: .*script.lua:%d+: in a task", log)
    assert.matches("a task failed: list generations: 400 ", log)
  end)

  it("lets the script end and be reloaded in mid-listing", function()
    for _ = 1, 60 do service:add { status = "COMPLETED" } end
    service:fault { route = "list", drip = 10000 }
    launch.write(folder .. "/first.lua", [[
      local inside = require "spec.support.inside"
      local http = require "lipsync.http"
      assert(loadfile "examples/mpv/generations.lua")()
      mp.commandv("script-binding", "generations")
      local move = inside.script(function()
        inside.await("a listing", function()
          return select(2, http.live()) == 1
        end)
        inside.pause(0.3)
        mp.commandv("script-message", "again")
        mp.keep_running = false
      end)
      mp.add_periodic_timer(0.005, move)
    ]])
    assert.equal("done\ntrue\ndone\n", run([[
      local again
      mp.register_script_message("again", function() again = true end)
      await("the end of the first", function() return again end)
      inside.pause(0.2)
      example()
      press "Ctrl+g"
      await("the menu", function() return menu():find "Generations: 60" end)
      say(true)
    ]], "--script=" .. folder .. "/first.lua"))
  end)

  it("quits in mid-listing", function()
    for _ = 1, 60 do service:add { status = "COMPLETED" } end
    service:fault { route = "list", drip = 10000 }
    assert.equal("1\ndone\n", run [[
      example()
      press "Ctrl+g"
      await("some", function()
        return menu():find "Generations: %d+, arriving"
      end)
      say(select(2, http.live()))
    ]])
  end)
end)
