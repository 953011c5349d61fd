-- SPDX-License-Identifier: MIT
--
-- OBS Studio: choose a generation and a media source in the script's
-- properties, and the source plays it. Tools, Scripts, add this file. The key
-- is read from SYNC_API_KEY, for OBS would write a property of this script
-- into the scene collection, which people pass on.

-- OBS keeps LuaJIT to itself, but the client's module needs it to be there
-- for everybody, before it is loaded.
package.loadlib("libluajit-5.1.so.2", "*")

-- In code that LuaJIT has compiled a coroutine of OBS's now and then ends
-- without a word. A script's state is its own, and this one is in no hurry.
require "jit".off()

local obs = obslua
local lipsync = require "lipsync"

local client = assert(lipsync.new())
local rows = {}             -- the newest COMPLETED generations
local state = "listing"     -- what the properties say about that
local reading               -- the task that reads them
local id, source_name = "", ""  -- what is chosen
local unloading             -- nothing of OBS may be called any more

local function log(err)
  if unloading then return end
  state = tostring(err)
  obs.script_log(obs.LOG_WARNING, state)
end

-- A task: OBS goes on drawing frames while next() waits.
local function read()
  local found = {}
  local listing = client.generations:list { status = "COMPLETED",
                                            limit = 100 }
  local generation, err = listing:next()
  while generation do
    found[#found + 1] = generation
    generation, err = listing:next()
  end
  if err then return log(err) end
  rows, state = found, #found .. " generations"
end

local function refresh()
  if reading then reading:cancel() end
  state = "listing"
  reading = client:spawn(read)
end

-- A task. The address in the list may have expired, so it is asked for again.
local function play()
  local generation, err = client.generations:get(id)
  if not generation then return log(err) end
  local address = generation.outputUrl or ""
  if not address:match "^https?://" then
    return log("Generation " .. generation.id .. " has nothing to play")
  end
  local source = obs.obs_get_source_by_name(source_name)
  if not source then return log("There is no source " .. source_name) end
  local data = obs.obs_data_create()
  obs.obs_data_set_bool(data, "is_local_file", false)
  obs.obs_data_set_string(data, "input", address)
  obs.obs_source_update(source, data)
  obs.obs_data_release(data)
  obs.obs_source_release(source)
end

local function fill_generations(list)
  obs.obs_property_list_clear(list)
  for _, generation in ipairs(rows) do
    obs.obs_property_list_add_string(list, ("%s  %s"):format(
      generation.createdAt:sub(1, 10),
      generation.outputFileName or generation.id), generation.id)
  end
end

local function fill_sources(list)
  local sources = obs.obs_enum_sources() or {}
  for _, source in ipairs(sources) do
    if obs.obs_source_get_unversioned_id(source) == "ffmpeg_source" then
      local name = obs.obs_source_get_name(source)
      obs.obs_property_list_add_string(list, name, name)
    end
  end
  obs.source_list_release(sources)
end

-- OBS redraws the properties when a button gives true, and not when a
-- listing has ended: so this shows what is there, and asks for what is new.
local function on_refresh(properties)
  fill_generations(obs.obs_properties_get(properties, "generation"))
  refresh()
  return true
end

local function on_play()
  if id ~= "" and source_name ~= "" then client:spawn(play) end
  return false
end

function script_description()
  return "Plays a generation of sync. in a media source: " .. state
end

function script_properties()
  local properties = obs.obs_properties_create()
  local function add_list(name, text)
    return obs.obs_properties_add_list(properties, name, text,
      obs.OBS_COMBO_TYPE_LIST, obs.OBS_COMBO_FORMAT_STRING)
  end
  fill_generations(add_list("generation", "Generation"))
  fill_sources(add_list("source", "Media source"))
  obs.obs_properties_add_button(properties, "refresh", "Refresh", on_refresh)
  obs.obs_properties_add_button(properties, "play", "Play", on_play)
  return properties
end

-- A timer of OBS moves the tasks on; it is there while there are tasks only.
function script_load()
  refresh()
end

function script_update(settings)
  id = obs.obs_data_get_string(settings, "generation")
  source_name = obs.obs_data_get_string(settings, "source")
end

-- Also when the script is reloaded, whatever is under way. Waiting tasks get an
-- error, and must not log it, because from here that would crash OBS.
function script_unload()
  unloading = true
  client:close()
end
