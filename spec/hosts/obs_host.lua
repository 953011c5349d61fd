-- SPDX-License-Identifier: MIT
--
-- Inside a real OBS Studio, on a separate display: the unmodified example, in a
-- script of a scene collection. Rule 8 of hosts: without the example's first
-- line the client's module would not find LuaJIT.

local display = require "spec.support.display"
local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"

local binary = launch.find "obs"

local prologue = [[
assert(loadfile "examples/obs/generations.lua")()
local inside = require "spec.support.inside"
local http = require "lipsync.http"
local obs = obslua
local say, await = inside.say, inside.await
local timers = 0
local add, remove = obs.timer_add, obs.timer_remove
obs.timer_add = function(...)
  timers = timers + 1
  return add(...)
end
obs.timer_remove = function(...)
  timers = timers - 1
  return remove(...)
end

local unload = script_unload
function script_unload()
  say("unloads", select(2, http.live()))
  unload()
  say("unloaded", select(2, http.live()))
end

local function setting(source, name)
  local settings = obs.obs_source_get_settings(source)
  local value = obs.obs_data_get_string(settings, name)
  obs.obs_data_release(settings)
  return value
end

local function script()
]]

local epilogue = [[
end
local move = inside.script(script)
local function tick()
  if move() then remove(tick) end
end
add(tick, 10)
]]

local profile = "[General]\nName=spec\n"
local global = [[
[General]
FirstRun=true
LastVersion=486539266
InfoIncrement=10
EnableAutoUpdates=false
[Basic]
Profile=spec
ProfileDir=spec
SceneCollection=spec
SceneCollectionFile=spec
]]
local scenes = '{"name":"%s","current_scene":"Scene",'
  .. '"current_program_scene":"Scene","scene_order":[{"name":"Scene"}],'
  .. '"sources":[{"id":"scene","versioned_id":"scene","name":"Scene",'
  .. '"settings":{"items":[]}}],"modules":{"scripts-tool":[{"path":"%s",'
  .. '"settings":{}}]}}'

describe("OBS Studio", function()
  if not binary or not display.is_here() or not launch.find "xdotool" then
    return pending "obs, Xvfb or xdotool is not here"
  end
  local service, folder, screen, name

  local function configure()
    local base = folder .. "/obs-studio"
    os.execute(("mkdir -p %s/basic/scenes %s/basic/profiles/spec")
      :format(base, base))
    launch.write(base .. "/global.ini", global)
    launch.write(base .. "/basic/profiles/spec/basic.ini", profile)
    for _, scene in ipairs { "spec", "zweite" } do
      launch.write(base .. "/basic/scenes/" .. scene .. ".json",
        scenes:format(scene, folder .. "/script.lua"))
    end
  end

  -- Chooses from OBS's menu as a user does, because nothing else makes it quit
  -- or reload its scripts.
  local function choose(menu, keys)
    os.execute(("DISPLAY=%s sh -c 'xdotool windowfocus $(xdotool search "
      .. "--onlyvisible --class obs | head -n 1); sleep 0.3; xdotool key %s; "
      .. "sleep 0.5; xdotool key --delay 100 %s' >%s/keys.log 2>&1")
      :format(name, menu, keys, folder))
  end

  local function quit(program)
    choose("alt+f", "x")
    local status, log = program:finish(20)
    assert.equal(0, status, log)
  end

  local function run(text, go_on)
    launch.write(folder .. "/script.lua", prologue .. text .. epilogue)
    local program = launch.start { folder = folder,
      env = { SYNC_API_KEY = service.key, SYNC_BASE_URL = service.base_url,
              INSIDE_REPORT = folder .. "/report", DISPLAY = name,
              QT_QPA_PLATFORM = "xcb", XDG_CONFIG_HOME = folder,
              HOME = folder },
      command = binary .. " --multi --collection spec --profile spec" }
    local function report() return launch.read(folder .. "/report") end
    local ok, problem = pcall(function()
      program:await(function() return report():find "done\n" end, 50)
      if go_on then go_on(program, report) end
      quit(program)
    end)
    program:stop()
    if not ok then error(problem, 0) end
    return report(), program:log()
  end

  before_each(function()
    folder = launch.folder()
    screen, name = display.start(folder)
    service = emulator.start { generations = 60 }
    configure()
  end)

  after_each(function()
    service:stop()
    screen:stop()
    launch.remove(folder)
  end)

  it("lists in the properties and sets a media source", function()
    local report = run [[
      await("the listing", function()
        return script_description():find "%d+ generations"
      end)
      await("the end of the timer", function() return timers == 0 end)
      local source = obs.obs_source_create("ffmpeg_source", "clip", nil, nil)
      local properties = script_properties()
      local list = obs.obs_properties_get(properties, "generation")
      local sources = obs.obs_properties_get(properties, "source")
      say(obs.obs_property_list_item_count(list) > 10,
        obs.obs_property_list_item_name(sources, 0))
      local id = obs.obs_property_list_item_string(list, 1)
      local settings = obs.obs_data_create()
      obs.obs_data_set_string(settings, "generation", id)
      obs.obs_data_set_string(settings, "source", "clip")
      script_update(settings)
      obs.obs_data_release(settings)
      obs.obs_property_button_clicked(
        obs.obs_properties_get(properties, "play"), nil)
      await("the address", function() return setting(source, "input") ~= "" end)
      say(setting(source, "input"):find(id, 1, true) ~= nil)
      await("the end of the timer", function() return timers == 0 end)
      obs.obs_properties_destroy(properties)
      obs.obs_source_release(source)
    ]]
    assert.equal("true clip\ntrue\ndone\nunloads 0\nunloaded 0\n", report)
  end)

  it("lists again, and quits in mid-listing", function()
    local report, log = run [[
      await("the listing", function()
        return script_description():find "%d+ generations"
      end)
      -- With the emulator's own address; its next responses are slow.
      os.execute("curl -s -o /dev/null -d '{\"route\":\"list\",\"drip\":200}' "
        .. os.getenv "SYNC_BASE_URL" .. "/_emulator/fault")
      local properties = script_properties()
      obs.obs_property_button_clicked(
        obs.obs_properties_get(properties, "refresh"), nil)
      obs.obs_properties_destroy(properties)
      await("a transfer", function()
        return select(2, http.live()) == 1 and timers == 1
      end)
    ]]
    assert.matches("^done\nunloads [12]\nunloaded %d\n$", report)
    assert.matches("Number of memory leaks: 0", log)
  end)

  it("reloads its scripts in mid-listing", function()
    service:fault { route = "list", drip = 200 }
    local report = run([[
      await("a transfer", function() return select(2, http.live()) == 1 end)
    ]], function(program, report)
      choose("alt+s", "Up Return")
      program:await(function() return report():find "done\n.*done\n" end)
    end)
    assert.matches("^done\nunloads 1\nunloaded 0\ndone\nunloads %d\n"
      .. "unloaded 0\n$", report)
  end)

  it("logs an error, also one in a task", function()
    service:fault { route = "list", statusCode = 400 }
    local report, log = run [[
      await("the sentence", function()
        return script_description():find "list generations: 400"
      end)
      local client = require "lipsync".new()
      client:spawn(function()
        -- In OBS the function error only writes to the log.
        return nil .. client.generations:count()
      end)
      await("its end", function() return client:pending() == 0 end)
      say(pcall(client.generations.count, client.generations))
      say(pcall(function() client.generations:list { limt = 1 } end))
      client:close()
    ]]
    assert.matches("^false [^\n]*waiting here would block OBS[^\n]*"
      .. "client:spawn", report)
    assert.matches("\nfalse [^\n]*script.lua:%d+: unknown filter", report)
    assert.matches("list generations: 400", log)
    assert.matches("a task failed: .*script.lua:%d+: attempt to "
      .. "concatenate", log)
  end)
end)
