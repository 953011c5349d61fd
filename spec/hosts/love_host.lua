-- SPDX-License-Identifier: MIT
--
-- Inside a real LÖVE, on a separate display: the unmodified example, with a
-- script that presses keys and reads the text on the screen.

local bad_days = require "spec.support.bad_days"
local display = require "spec.support.display"
local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"

local binary = launch.find "love"

-- A game around the example's. Before each frame it resumes the script, and it
-- examines each frame.
local game = [[
local inside = require "spec.support.inside"
local core = require "lipsync.core"
local http = require "lipsync.http"
local say, await = inside.say, inside.await
local seen, frame, updates = {}, 0, { longest = 0 }

assert(loadfile "examples/love/main.lua")()

for _, name in ipairs { "print", "printf" } do
  local print_ = love.graphics[name]
  love.graphics[name] = function(text, ...)
    seen[#seen + 1] = text
    return print_(text, ...)
  end
end

local function shows(text)
  for _, each in ipairs(seen) do
    if each:find(text, 1, true) then return true end
  end
  return false
end

local function press(key)
  love.event.push("keypressed", key, key, false)
end

local function script()
%s
end

local update, draw = love.update, love.draw
local move = inside.script(script)

function love.update(...)
  local from = core.now()
  update(...)
  updates.longest = math.max(updates.longest, core.now() - from)
  if move() then love.event.quit() end
end

function love.draw()
  seen, frame = {}, frame + 1
  draw()
end
]]

describe("LÖVE", function()
  if not binary or not display.is_here() then
    return pending "love or Xvfb is not here"
  end
  local service, folder, screen, name

  -- Runs the game to its end, which must be a success.
  local function run(text, before)
    launch.write(folder .. "/game/main.lua", (game:gsub("%%s", function()
      return text
    end)))
    local status, log = launch.run { folder = folder,
      env = { SYNC_API_KEY = service.key, SYNC_BASE_URL = service.base_url,
              INSIDE_REPORT = folder .. "/report", DISPLAY = name,
              SDL_AUDIODRIVER = "dummy", XDG_DATA_HOME = folder },
      command = (before or "") .. binary .. " " .. folder .. "/game" }
    assert.equal(0, status, log)
    return launch.read(folder .. "/report"), log
  end

  before_each(function()
    folder = launch.folder()
    os.execute("mkdir " .. folder .. "/game")
    launch.write(folder .. "/game/conf.lua",
      'assert(loadfile "examples/love/conf.lua")()\n')
    screen, name = display.start(folder)
  end)

  after_each(function()
    service:stop()
    screen:stop()
    launch.remove(folder)
  end)

  it("draws frames while generations arrive", function()
    service = emulator.start { generations = 5000 }
    assert.equal("true\ntrue\ndone\n", run [[
      await("the middle of the listing", function()
        return shows "of 5000 generations, arriving"
      end)
      local first = frame
      -- The last one may arrive a frame before the end does.
      await("its end", function()
        return shows "5000 of 5000 generations" and not shows "arriving"
      end)
      say(frame - first > 3)
      -- The budget is 2 ms; the rest is a margin for busy machines.
      say(updates.longest < 0.25)
      press "escape"
    ]])
  end)

  it("scrolls and deletes by keys, after asking", function()
    service = emulator.start { generations = 100 }
    local ids = {}
    local client = require "lipsync".new { api_key = service.key,
                                           base_url = service.base_url }
    for generation in client.generations:list { status = "FAILED" } do
      ids[#ids + 1] = generation.id
    end
    client:close()
    service:fault { route = "list", statusCode = 200,
      body = '[{"id":"' .. ids[1] .. '","status":"FAILED","createdAt":'
        .. '"2026-08-25T10:00:00Z","input":[],"model":"m"},{"id":"'
        .. ids[2] .. '","status":"FAILED","createdAt":'
        .. '"2026-08-25T10:00:00Z","input":[],"model":"m"}]' }
    assert.equal("true false\nfalse true\ntrue\ndone\n", run(([[
      local first, second = "%s", "%s"
      await("two rows", function() return shows(first) and shows(second) end)
      press "down"
      press "delete"
      await("the question", function() return shows("Delete " .. second) end)
      press "n"
      await("that it is gone", function() return not shows "Delete " end)
      press "delete"
      await("the question", function() return shows("Delete " .. second) end)
      press "y"
      await("the end of the row", function()
        return shows(first) and not shows(second)
      end)
      say(shows(first), shows(second))
      press "end"
      press "delete"
      press "y"
      await("an empty list", function()
        return frame > 3 and #seen > 0 and not shows(first)
      end)
      say(shows(first), shows "generations")
      press "delete"
      inside.pause(0.05)
      say(not shows "Delete ")
      press "escape"
    ]]):format(ids[1], ids[2])))
  end)

  it("shows the error", function()
    service = emulator.start { generations = 10 }
    service:fault { route = "list", statusCode = 400 }
    assert.equal("true\ndone\n", run [[
      await("the sentence", function()
        return shows "list generations: 400 generation_input"
      end)
      say(true)
      press "escape"
    ]])
  end)

  it("quits at any moment", function()
    service = emulator.start { generations = 5000 }
    service:fault { route = "list", drip = 50000, times = 0 }
    service:fault { route = "count", delay = 5, times = 0 }
    for frames = 0, 3 do
      run("while frame < " .. frames .. " do coroutine.yield() end"
        .. " love.event.quit()")
    end
    local report = run [[
      await("the first rows", function() return #seen > 30 end)
      say(select(2, http.live()))
      love.event.quit()
    ]]
    assert.equal(("done\n"):rep(4) .. "2\ndone\n", report)
  end)

  it("says what to do instead of blocking a frame", function()
    service = emulator.start { generations = 10 }
    local report = run [[
      local client = require "lipsync".new()
      -- Also in this coroutine, which is not a task.
      for _, fn in ipairs {
        function() client.generations:count() end,
        function() client.generations:list():next() end,
        function() for _ in client.generations:list() do end end,
        function() client:run() end,
      } do say(select(2, pcall(fn))) end
      client:close()
      press "escape"
    ]]
    local _, n = report:gsub("main.lua:%d+: waiting here would block LÖVE's"
      .. " main thread%. Call it in a task: client:spawn", "")
    assert.equal(4, n, report)
    -- Only the example's requests: none was sent whose result would be lost.
    assert.is_true(#service:requests() <= 2)
  end)

  it("creates from files, waits and downloads, while it draws", function()
    service = emulator.start { generations = 0 }
    service:set { pending_seconds = 1, processing_seconds = 1,
                  media_size = 2 ^ 20 }
    launch.write(folder .. "/clip.mp4", ("v"):rep(300000))
    launch.write(folder .. "/voice.wav", "a")
    assert.equal("COMPLETED\n1048576\ntrue\ntrue\ndone\n", run(([[
      local client, folder = require "lipsync".new(), "%s"
      local receipt, first, result = folder .. "/receipt", frame, nil
      client:spawn(function()
        local generation = assert(client.generations:create({
          model = "lipsync-2", input = {
            { type = "video", file = folder .. "/clip.mp4" },
            { type = "audio", file = folder .. "/voice.wav" } } },
          { receipt = receipt }))
        generation = assert(generation:wait())
        say(generation.status)
        result = assert(generation:download(folder .. "/out.mp4",
          { receipt = receipt }))
      end)
      await("the file", function()
        client:step()
        return result or client:pending() == 0
      end)
      client:close()
      say(result.bytes)
      say(frame - first > 3)
      say(io.open(receipt):read "*a":find('"done"') ~= nil)
      press "escape"
    ]]):format(folder)))
    assert.equal("ftyp", launch.read(folder .. "/out.mp4"):sub(5, 8))
  end)

  it("lives through a bad day", function()
    service = emulator.start { generations = 0 }
    assert.equal(bad_days.expected() .. "\ndone\n", run(([[
      local client, text = require "lipsync".new(), nil
      client:spawn(function()
        text = require "spec.support.bad_days".run(client, "%s")
      end)
      await("its end", function()
        client:step()
        return text or client:pending() == 0
      end)
      client:close()
      say(text)
      press "escape"
    ]]):format(folder), bad_days.before))
  end)

  it("reports an error in a task, and plays on", function()
    service = emulator.start { generations = 10 }
    local report, log = run [[
      local client = require "lipsync".new()
      client:spawn(function()
        client.generations:count()
        error "in a task"
      end)
      await("its end", function()
        client:step()
        return client:pending() == 0
      end)
      client:close()
      press "escape"
    ]]
    assert.equal("done\n", report)
    assert.matches("a task failed: .*main.lua:%d+: in a task", log)
  end)
end)
