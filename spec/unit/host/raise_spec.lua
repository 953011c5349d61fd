-- SPDX-License-Identifier: MIT
-- Raising where `error` is replaced: OBS puts a function in its place that
-- writes to a log and returns. And errors that no Lua code catches.

local program = require "spec.support.program"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

describe("raise", function()
  local original, server, client = error, nil, nil

  before_each(function()
    server = scripted.start { service.answer(400, '{"message":"no"}') }
    client = service.client(server.base_url)
    rawset(_G, "error", function() end)
  end)

  after_each(function()
    rawset(_G, "error", original)
    client:close()
    server:stop()
  end)

  it("raises misuse with the caller's line", function()
    local ok, err = pcall(client.generations.list, client.generations,
      { nonsense = 1 })
    assert.is_false(ok)
    assert.matches('unknown filter "nonsense"', err)
    ok, err = pcall(function() client:step "x" end)
    assert.is_false(ok)
    assert.matches("^[^\n]*raise_spec.lua:%d+: budget must be", err)
  end)

  it("raises a listing's error object", function()
    local ok, err = pcall(client.generations:list())
    assert.is_false(ok)
    assert.equal(400, err.statusCode)
  end)
end)

describe("an error that nobody catches", function()
  if not program.can_run() then return pending "no emulator was built" end

  local sentence = "list generations: cannot connect to 127%.0%.0%.1:1"

  -- Runs a text in a Lua state that a program in C made; there read() fails.
  -- Gives what lua_tostring makes of its error, and how often the sentence was
  -- logged.
  local function run(text, in_coroutine)
    local printed, well = program.run_text(([==[
      local paths = ("package.path, package.cpath = %%q, %%q "):format(
        package.path, package.cpath)
      print(select(2, require "process".state(paths .. [=[
        local lipsync = require "lipsync"
        local client = lipsync.new { max_attempts = 1, api_key = "k",
          base_url = "http://127.0.0.1:1" }
        local function read() for _ in client.generations:list() do end end
        local function try()
          lipsync.assert(client.generations:list():next())
        end
        local function show(err) io.write(type(err), " ") end
        %s
      ]=], %s)))
    ]==]):format(text, tostring(in_coroutine or false)))
    assert.is_true(well, printed)
    -- The error is the last line, after what was logged.
    local logged = 0
    local last = printed:match "([^\n]*)\n$"
    for line in printed:gmatch "[^\n]+" do
      if line:find("^" .. sentence) then logged = logged + 1 end
    end
    if last:find(sentence) then logged = logged - 1 end
    return last, logged, printed
  end

  it("is its sentence in the main coroutine", function()
    for _, call in ipairs { "read()", "try()",
                            "table.sort({ 1, 2 }, function() read() end)",
                            "pcall(error) read()" } do
      local text, logged, all = run(call)
      assert.matches("^" .. sentence, text, nil, all)
      assert.equal(0, logged, all)
    end
  end)

  it("is the object where Lua code catches it", function()
    for _, call in ipairs {
      "show(select(2, pcall(read)))", "show(select(2, pcall(try)))",
      "xpcall(read, show)", "xpcall(try, show)",
      "local catch = pcall\n pcall = nil\n show(select(2, catch(read)))",
      "show(select(2, coroutine.resume(coroutine.create(read))))",
      "show(select(2, coroutine.resume(coroutine.create(try))))",
      "show(select(2, pcall(coroutine.wrap(read))))",
      [[client:spawn(try)
        client.options.on_task_error = show
        client:run()]],
    } do
      local text, logged, all = run(call)
      assert.matches("^table ", text, nil, all)
      assert.equal(0, logged, all)
    end
  end)

  it("is the object in a function of C that is named so", function()
    -- As Prosody's util.xpcall: named like xpcall, and not Lua's own.
    local text, logged, all = run [[
      local util = { xpcall = require "process".catch }
      show(select(2, util.xpcall(read)))
    ]]
    assert.matches("^table ", text, nil, all)
    assert.equal(0, logged, all)
  end)

  it("is the object in a host's coroutine, and its sentence is logged",
    function()
      for _, call in ipairs { "read()", "try()" } do
        local text, logged, all = run(call, true)
        assert.equal("table", text, all)
        assert.equal(1, logged, all)
      end
      local text, logged, all = run("pcall(read)", true)
      assert.equal("", text, all)
      assert.equal(0, logged, all)
    end)
end)
