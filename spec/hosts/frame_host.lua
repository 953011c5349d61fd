-- SPDX-License-Identifier: MIT
--
-- Inside programs with a loop or a timer of their own: Neovim, LÖVE, mpv. Rules
-- of hosts: 7 (Neovim's callbacks), 9 (their LuaJIT and Lua 5.2), 17 (raised
-- errors); also a task that dies, a script reloaded, and an exit with transfers
-- in flight.

local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"

local prelude = [[
  local lipsync = require "lipsync"
  local core = require "lipsync.core"
  local client = assert(lipsync.new())
  local function say(...)
    local words = {}
    for i = 1, select("#", ...) do
      words[i] = tostring((select(i, ...)))
    end
    io.stdout:write(table.concat(words, " "), "\n")
    io.stdout:flush()
  end
]]

-- command(folder): how the program runs the script in it.
local programs = {
  { name = "Neovim", binary = "nvim", vm = "luajit",
    command = function(folder)
      return "nvim --headless -u NONE -i NONE -n -c 'luafile "
        .. folder .. "/script.lua'"
    end,
    -- Goes on until done() returns true.
    wait = 'vim.wait(20000, done, 10) quit()',
    quit = 'vim.schedule(function() vim.cmd "qa!" end)' },
  { name = "LÖVE", binary = "love", vm = "luajit",
    command = function(folder)
      launch.write(folder .. "/conf.lua", [[
        function love.conf(t)
          t.window = false
          t.modules.window, t.modules.graphics = false, false
          t.modules.audio, t.modules.joystick = false, false
        end
      ]])
      launch.write(folder .. "/main.lua",
        launch.read(folder .. "/script.lua"))
      return "SDL_VIDEODRIVER=dummy SDL_AUDIODRIVER=dummy love " .. folder
    end,
    wait = [[
      function love.update()
        client:step()
        if done() then quit() end
      end
    ]],
    quit = "love.event.quit()" },
  { name = "mpv", binary = "mpv", vm = "lua5.2",
    command = function(folder)
      return "mpv --no-config --no-video --ao=null --idle --script="
        .. folder .. "/script.lua"
    end,
    wait = [[
      local timer
      timer = mp.add_periodic_timer(0.01, function()
        if done() then timer:kill() quit() end
      end)
    ]],
    quit = 'mp.command "quit"' },
}

local function describe_program(it_is)
  describe(it_is.name, function()
    local service, folder

    local function run(text, seconds)
      launch.write(folder .. "/script.lua", prelude
        .. "local function quit() " .. it_is.quit .. " end\n"
        .. text:gsub("WAIT", function() return it_is.wait end))
      return launch.run { folder = folder, vm = it_is.vm,
        seconds = seconds, env = { SYNC_API_KEY = service.key,
          SYNC_BASE_URL = service.base_url },
        command = it_is.command(folder) }
    end

    before_each(function()
      folder = launch.folder()
      service = emulator.start { generations = 2000 }
    end)

    after_each(function()
      service:stop()
      launch.remove(folder)
    end)

    it("lists, counts and deletes in tasks", function()
      local status, log = run [[
        local read, counted, deleted = 0, 0, 0
        client:spawn(function()
          for generation in client.generations:list() do read = read + 1 end
        end)
        for _ = 1, 10 do
          client:spawn(function()
            local n = assert(client.generations:count())
            counted = counted + n
          end)
        end
        client:spawn(function()
          deleted = assert(client.generations:delete_many(
            client.generations:list { status = "FAILED", page_size = 50 })
            ).deleted
        end)
        local function done()
          if client:pending() > 0 then return false end
          say("read", read >= 1500, counted > 10000, deleted > 0,
            client:timeout())
          return true
        end
        WAIT
      ]]
      assert.equal(0, status, log)
      assert.matches("read true true true nil", log)
    end)

    it("shows the whole sentence of a task that dies", function()
      local status, log = run [[
        client:spawn(function()
          for _ in client.generations:list { status = "NOPE" } do end
        end)
        client:spawn(function() error "a plain one" end)
        local n = 0
        local function done()
          if client:pending() == 0 then n = n + 1 end
          return n > 3
        end
        WAIT
      ]]
      assert.equal(0, status, log)
      assert.matches("a task failed: list generations: 400 generation_input_",
        log)
      assert.matches("a plain one", log)
    end)

    it("quits with transfers in flight", function()
      service:fault { route = "count", delay = 20, times = 4 }
      local status, log = run [[
        for _ = 1, 4 do
          client:spawn(function() client.generations:count() end)
        end
        client:spawn(function()
          client.generations:list():next()
          quit()
          client.generations:count()
        end)
        local function done() return false end
        WAIT
      ]]
      assert.equal(0, status, log)
      assert.not_matches("[Ss]egmentation", log)
    end)
  end)
end

for _, each in ipairs(programs) do
  if launch.find(each.binary)
     and launch.read("build/" .. each.vm .. "/lipsync/core.so") ~= "" then
    describe_program(each)
  else
    describe(each.name, function() pending(each.binary .. " is not here") end)
  end
end

-- Runs a script in one of them; returns its output.
local function output(binary, text)
  local service, folder = emulator.start { generations = 200 },
    launch.folder()
  launch.write(folder .. "/script.lua", prelude .. text)
  local of
  for _, each in ipairs(programs) do
    if each.binary == binary then of = each end
  end
  local _, log = launch.run { folder = folder, vm = of.vm,
    env = { SYNC_API_KEY = service.key, SYNC_BASE_URL = service.base_url },
    command = of.command(folder) }
  service:stop()
  launch.remove(folder)
  return log
end

describe("Neovim", function()
  if not launch.find "nvim" then return pending "nvim is not here" end

  it("runs tasks where its own functions may be called", function()
    assert.matches("lines 101 false", output("nvim", [[
      client:spawn(function()
        for generation in client.generations:list { limit = 100 } do
          vim.api.nvim_buf_set_lines(0, -1, -1, false, { generation.id })
        end
        say("lines", vim.api.nvim_buf_line_count(0), vim.in_fast_event())
        vim.cmd "qa!"
      end)
    ]]))
  end)

  it("blocks in a call from a luv callback", function()
    assert.matches("in a callback 200", output("nvim", [[
      local timer = vim.loop.new_timer()
      timer:start(1, 0, function()
        say("in a callback", client.generations:count())
        timer:close()
        vim.schedule(function() vim.cmd "qa!" end)
      end)
    ]]))
  end)

  it("reloads its script with a listing under way", function()
    assert.matches("again 200", output("nvim", [[
      client:spawn(function()
        client.generations:list():next()
        if reloaded then return end
        reloaded = true
        for name in pairs(package.loaded) do
          if name:find "^lipsync" and name ~= "lipsync.core" then
            package.loaded[name] = nil
          end
        end
        client:close()
        local anew = require "lipsync".new()
        anew:spawn(function()
          say("again", anew.generations:count())
          vim.cmd "qa!"
        end)
      end)
    ]]))
  end)
end)

describe("LÖVE", function()
  if not launch.find "love" then return pending "love is not here" end

  it("refuses to block its main thread, and says what to do", function()
    assert.matches("false [^\n]*would block LÖVE's main thread%. Call it in "
      .. "a task: client:spawn", output("love", [[
      say(pcall(client.generations.count, client.generations))
      love.event.quit()
    ]]))
  end)

  it("may block in another thread", function()
    assert.matches("thread 200", output("love", [[
      local thread = love.thread.newThread [=[
        local client = require "lipsync".new()
        love.thread.getChannel "n":push(client.generations:count())
      ]=]
      thread:start()
      say("thread", love.thread.getChannel "n":demand(20))
      love.event.quit()
    ]]))
  end)
end)

describe("mpv", function()
  if not launch.find "mpv" then return pending "mpv is not here" end

  it("has no timer of ours once the tasks have ended", function()
    assert.matches("timers 0 true", output("mpv", [[
      local original, timers = mp.add_timeout, {}
      mp.add_timeout = function(seconds, fn)
        timers[#timers + 1] = original(seconds, fn)
        return timers[#timers]
      end
      client:spawn(function() client.generations:count() end)
      original(1, function()
        local set = 0
        for _, timer in ipairs(timers) do
          if timer:is_enabled() then set = set + 1 end
        end
        say("timers", set, #timers > 0)
        mp.command "quit"
      end)
    ]]))
  end)
end)
