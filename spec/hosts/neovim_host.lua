-- SPDX-License-Identifier: MIT
--
-- Inside a real Neovim, headless. Rule 7 of hosts: tasks never run in a luv
-- callback, where the editor's functions are forbidden, and the loop's handles
-- are closed before it ends.

local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"

local binary = launch.find "nvim"

-- The beginning of each script. Replaces confirm(), because no user is there.
local prologue = [[
local inside = require "spec.support.inside"
local http = require "lipsync.http"
local say, await = inside.say, inside.await
local api = vim.api
local notified = {}
vim.notify = function(text, level) notified[#notified + 1] = { text, level } end
vim.fn.confirm = function() return 1 end
local function lines() return api.nvim_buf_line_count(0) end
local function transfers()
  collectgarbage() collectgarbage()
  return select(2, http.live())
end
local function listed()
  local state = vim.b.generations
  return state and state:match "^%d+$"
end
local function script()
]]

local epilogue = [[
end
local ended = vim.wait(40000, inside.script(script), 2)
if not ended then say "the script did not end" end
vim.cmd "qa!"
]]

describe("Neovim", function()
  if not binary then return pending "nvim is not here" end
  local service, folder

  -- Returns the script's output. The script must reach its end, and the editor
  -- must exit without a crash.
  local function run(text, plain)
    launch.write(folder .. "/script.lua",
      plain and text or prologue .. text .. epilogue)
    local status, log = launch.run { folder = folder,
      env = { SYNC_API_KEY = service.key, SYNC_BASE_URL = service.base_url,
              INSIDE_REPORT = folder .. "/report", XDG_STATE_HOME = folder,
              XDG_DATA_HOME = folder, XDG_CACHE_HOME = folder },
      command = table.concat({ binary, "--headless -n -i NONE -u NONE",
        '--noplugin --cmd "set runtimepath+=examples/neovim"',
        '-c "runtime plugin/generations.lua"',
        '-c "luafile ' .. folder .. '/script.lua"' }, " ") }
    assert.equal(0, status, log)
    assert.not_matches("E%d%d%d", log)
    return launch.read(folder .. "/report"), log
  end

  before_each(function()
    folder = launch.folder()
    service = emulator.start { generations = 500 }
  end)

  after_each(function()
    service:stop()
    launch.remove(folder)
  end)

  it("lists into a buffer, deletes under the cursor, lists again", function()
    assert.equal("500\ntrue true\ntrue\ntrue 0 0\ndone\n", run [[
      vim.cmd "Generations"
      await("all of them", listed)
      say(lines())
      vim.cmd "Generations FAILED REJECTED"
      await("those that failed", listed)
      local n, id = lines(), vim.fn.getline(2):match "^%S+"
      say(n < 500, n == tonumber(listed()))
      vim.cmd "normal 2Gdd"
      await("the end of the line", function() return lines() == n - 1 end)
      say(vim.fn.search(id, "n") == 0)
      vim.cmd "normal R"
      await("the new list", listed)
      say(lines() == n - 1, #notified, transfers())
    ]])
    local requests = service:requests()
    assert.equal("DELETE", requests[#requests - 1].method)
  end)

  it("fills the buffer while data arrives, and stops with it", function()
    service:fault { route = "list", drip = 20000, times = 0 }
    assert.equal("true\n0\ntrue\ndone\n", run [[
      vim.cmd "Generations"
      await("the first ones", function() return lines() > 3 end)
      say(not listed())
      vim.cmd "bwipeout"
      say(transfers())
      inside.pause(0.2)
      say(#notified == 0)
    ]])
  end)

  it("goes on while a response is late", function()
    service:fault { route = "list", delay = 0.3 }
    assert.equal("true true\ndone\n", run [[
      local ticks, timer = 0, vim.loop.new_timer()
      timer:start(10, 10, function() ticks = ticks + 1 end)
      vim.cmd "Generations"
      local was_listed = listed()
      await("the list", listed)
      timer:close()
      say(not was_listed, ticks > 2)
    ]])
  end)

  it("notifies of an error", function()
    local report = run [[
      vim.cmd "Generations NOPE"
      await("the refusal", function() return notified[1] end)
      vim.cmd "Generations PROCESSING"
      await("the list", listed)
      local n = lines()
      vim.cmd "normal dd"
      await("the conflict", function() return notified[2] end)
      say(lines() == n)
      say(notified[1][1])
      say(notified[2][1])
      say(notified[2][2] == vim.log.levels.ERROR)
    ]]
    assert.matches("^true\nlist generations: 400 ", report)
    assert.matches("\ndelete generation [^\n]*: 409 ", report)
    assert.matches("\ntrue\ndone\n$", report)
  end)

  it("runs tasks where the editor's functions are allowed", function()
    assert.equal("true\nfalse 500 1\ndone\n", run [[
      local client = require "lipsync".new()
      local answer
      local timer = vim.loop.new_timer()
      timer:start(1, 0, function()
        say(vim.in_fast_event())
        timer:close()
        client:spawn(function()
          local n = client.generations:count()
          answer = { vim.in_fast_event(), n, api.nvim_get_current_buf() }
        end)
      end)
      await("the answer", function() return answer end)
      say(unpack(answer))
      client:close()
    ]])
  end)

  it("shows an error in a task, with its position", function()
    local report = run [[
      local client = require "lipsync".new()
      client:spawn(function()
        client.generations:count()
        error "in a task"
      end)
      client:spawn(function()
        for _ in client.generations:list { status = "NOPE" } do end
      end)
      await("both", function() return notified[2] end)
      table.sort(notified, function(a, b) return a[1] < b[1] end)
      say(notified[1][1])
      say(notified[2][1])
    ]]
    assert.matches("list generations: 400 ", report)
    assert.matches("script.lua:%d+: in a task\nstack traceback:", report)
  end)

  it("shows errors where the editor's functions are allowed", function()
    service:fault { route = "count", delay = 20 }
    assert.equal("true\nfalse true\ndone\n", run [[
      local notify, was_fast = vim.notify, nil
      vim.notify = function(...)
        was_fast = vim.in_fast_event()
        return notify(...)
      end
      local client = require "lipsync".new()
      client:spawn(function()
        client.generations:count()
        error "in a task"
      end)
      await("the request", function() return transfers() == 1 end)
      local timer = vim.loop.new_timer()
      timer:start(1, 0, function()
        timer:close()
        say(vim.in_fast_event())
        client:close()  -- the task gets its result, which makes it die
      end)
      await("the error", function() return notified[1] end)
      say(was_fast, notified[1][1]:find "in a task" ~= nil)
    ]])
  end)

  it("lets the script be reloaded in mid-listing", function()
    service:fault { route = "list", drip = 20000 }
    assert.equal("true\ntrue 0\ndone\n", run [[
      vim.cmd "Generations"
      await("the first ones", function() return lines() > 3 end)
      vim.cmd "runtime plugin/generations.lua"
      vim.cmd "new | Generations COMPLETED"
      await("the second list", listed)
      say(lines() > 3)
      vim.cmd "Generations"
      await("the first list anew", listed)
      say(lines() == 500, transfers())
    ]])
  end)

  it("finds the loop by its newer name", function()
    assert.equal("500\ndone\n", run [[
      vim.uv, vim.loop = vim.uv or vim.loop, nil
      vim.cmd "Generations"
      await("all of them", listed)
      say(lines())
    ]])
  end)

  it("has no timer and no watcher while idle", function()
    assert.equal("true 0\ndone\n", run [[
      local uv, opened, closed = vim.loop, 0, 0
      for _, name in ipairs { "new_timer", "new_poll" } do
        local new = uv[name]
        uv[name] = function(...)
          opened = opened + 1
          return new(...)
        end
      end
      local close = uv.close
      uv.close = function(handle)
        closed = closed + 1
        return close(handle)
      end
      vim.cmd "Generations"
      await("the list", listed)
      say(opened > 0, opened - closed)
    ]])
  end)

  it("quits in mid-listing", function()
    service:fault { route = "list", drip = 20000, times = 0 }
    local report, log = run([[
      vim.cmd "Generations"
      require "lipsync".new():spawn(function() while true do
        coroutine.yield()
      end end)
      vim.wait(20000, function()
        return vim.api.nvim_buf_line_count(0) > 3
      end, 2)
      require "spec.support.inside".say "quits"
      vim.cmd "qa!"
    ]], true)
    assert.equal("quits\n", report)
    assert.equal("", (log:gsub("%s", "")))
  end)
end)
