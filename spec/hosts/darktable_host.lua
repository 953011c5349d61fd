-- SPDX-License-Identifier: MIT
--
-- Inside a real darktable, on a display of its own: the example exports a
-- picture, submits it and saves the video; a call lets other scripts go on, and
-- ends when darktable does. And in darktable-cli, which has no window.

local display = require "spec.support.display"
local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"

-- A black picture, 8 by 8.
local picture = "P6\n8 8\n255\n" .. ("\0"):rep(192)

describe("darktable", function()
  if not launch.find "darktable" or not launch.find "darktable-cli" then
    return pending "darktable is not here"
  end
  if launch.read "build/lua5.4/lipsync/core.so" == "" then
    return pending "darktable is here, but nothing was built for Lua 5.4"
  end
  local folder, service

  before_each(function() folder = launch.folder() end)
  after_each(function()
    if service then service:stop() end
    launch.remove(folder)
    service = nil
  end)

  -- More than once: while the window is not ready it may be lost.
  local quit = [[
    for _ = 1, 60 do
      if dt.control.ending then break end
      dt.gui.action("global/quit", 0, "", "", 1.0)
      dt.control.sleep(1000)
    end
  ]]

  -- Starts it with a script, which reports into a file; `words` go before the
  -- options that are common to both programs.
  local function start(words, text, options)
    launch.write(folder .. "/picture.ppm", picture)
    launch.write(folder .. "/voice.wav", "a")
    launch.write(folder .. "/script.lua", [[
      local dt = require "darktable"
      local lipsync = require "lipsync"
      local inside = require "spec.support.inside"
      local say = inside.say
      local folder = os.getenv "FOLDER"
    ]] .. text)
    return launch.start { folder = folder, vm = "lua5.4",
      env = { SYNC_API_KEY = service and service.key or "k",
              SYNC_BASE_URL = options.base_url or service.base_url,
              INSIDE_REPORT = folder .. "/report", HOME = folder,
              FOLDER = folder, TMPDIR = folder, DISPLAY = options.display },
      command = ("%s --disable-opencl --configdir %s/c --cachedir %s/k "
        .. "--library :memory: %s --luacmd 'dofile \"%s/script.lua\"'"):format(
        words, folder, folder, options.more or "", folder) }
  end

  local function report()
    return launch.read(folder .. "/report")
  end

  it("lists, counts and tells errors without a window", function()
    service = emulator.start { generations = 60 }
    local program = start("darktable-cli " .. folder .. "/picture.ppm "
      .. folder .. "/out.jpg --core", [[
      local client, n = lipsync.new(), 0
      for _ in client.generations:list() do n = n + 1 end
      say(n, client.generations:count(), require "lipsync.host".name(client))
      for _ in client.generations:list { status = "NOPE" } do end
    ]], {})
    local status, log = program:finish()
    assert.equal(0, status, log)
    assert.equal("60 60 darktable\n", report())
    assert.matches("list generations: 400", log)
  end)

  if not display.is_here() then
    pending "Xvfb is not here"
    return
  end

  -- On a display; returns the program and the display.
  local function show(text, options)
    local screen, name = display.start(folder)
    options.display = name
    return start("darktable", text, options), screen
  end

  it("submits what its example exports, and fetches the video", function()
    service = emulator.start { generations = 1 }
    service:set { pending_seconds = 0.2, processing_seconds = 0.2 }
    local program, screen = show([[
      dofile "examples/darktable/generations.lua"
      local ticks = 0
      local function exists(path)
        local file = io.open(path)
        return file and (file:close() or true)
      end
      dt.gui.selection { dt.database.import(folder .. "/picture.ppm") }
      dt.gui.action("lib/export/export", 0, "", "", 1.0)
      for _ = 1, 1500 do
        dt.control.sleep(10)
        ticks = ticks + 1
        if exists(folder .. "/picture.mp4") then break end
      end
      say(exists(folder .. "/picture.mp4"), ticks > 10)
    ]] .. quit, { more = "--conf plugins/lighttable/export/storage_name="
      .. "generations --conf plugins/lighttable/export/format_name=jpeg "
      .. "--conf lua/generations/sound=" .. folder .. "/voice.wav" })
    local ok, status, log = pcall(program.finish, program)
    program:signal "KILL"
    screen:stop()
    assert.is_true(ok, status)
    assert.equal(0, status, log)
    assert.equal("true true\n", report(), log)
    assert.equal("ftyp", launch.read(folder .. "/picture.mp4"):sub(5, 8))
    assert.equal("POST", service:requests()[1].method)
  end)

  it("ends in the midst of a call", function()
    local server = scripted.start { { { read = true }, { stall = 60 } } }
    local program, screen = show([[
      dt.control.dispatch(function()
        local client = lipsync.new()
        say(pcall(client.generations.count, client.generations))
      end)
      dt.control.sleep(500)
    ]] .. quit, { base_url = server.base_url })
    local ok, problem = pcall(program.finish, program, 90)
    program:signal "KILL"
    screen:stop()
    local n = #server:requests()
    server:stop()
    assert.is_true(ok, problem)
    assert.equal(1, n)
    assert.matches("^false [^\n]*darktable ends\n$", report())
  end)
end)
