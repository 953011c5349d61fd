-- SPDX-License-Identifier: MIT
-- Places inside a task across which Lua cannot yield: a call there raises
-- before anything is sent, and the other tasks go on.

local core = require "lipsync.core"
local global = require "lipsync.host.global"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local limited = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

local finalizers_have_names = _VERSION == "Lua 5.3" or _VERSION == "Lua 5.4"

-- An object whose finalizer calls `fn`.
local function finalized(fn)
  local meta = { __gc = fn }
  local newproxy = rawget(_G, "newproxy")
  if not newproxy then return setmetatable({}, meta) end
  local proxy = newproxy(true)
  getmetatable(proxy).__gc = fn
  return proxy
end

-- By what the error names: how `fn` is called there.
local places = {
  ["string.gsub"] = function(fn) return ("x"):gsub("x", fn) end,
  ["table.sort"] = function(fn)
    table.sort({ 2, 1 }, function(a, b)
      fn()
      return a < b
    end)
  end,
  tostring = function(fn)
    return tostring(setmetatable({}, { __tostring = fn }))
  end,
  require = function(fn)
    package.preload["spec.unyieldable"] = fn
    local ok, problem = pcall(require, "spec.unyieldable")
    package.loaded["spec.unyieldable"] = nil
    if not ok then core.raise(problem) end
  end,
}

-- LuaJIT can yield in that one.
if rawget(_G, "jit") then places.tostring = nil end

describe("a task where it cannot yield", function()
  local here = service.fixture(after_each)
  local failures

  -- A server that answers whatever comes; a client whose tasks' errors are
  -- collected.
  local function start(script)
    failures = {}
    here.start(script or { pick = true,
      { when = "GET", { send = scripted.response(200, '{"count":7}') } } },
      { on_task_error = function(problem)
        failures[#failures + 1] = tostring(problem)
      end })
    return here.client
  end

  -- Runs the client. That it does not end is what these specs are about.
  local function run(client)
    local deadline = core.now() + 10
    while client:pending() > 0 and core.now() < deadline do
      client:step(0.01)
      scripted.sleep(0.001)
    end
    assert.equal(0, client:pending())
  end

  -- The others: each sleeps, so that all are in the heap at the same time.
  local function spawn_others(client, n)
    local woken = {}
    for i = 1, n do
      client:spawn(function()
        client:runtime().scheduler:wait(nil, 0.002 * i)
        woken[#woken + 1] = i
      end)
    end
    return woken
  end

  for name, call_in in pairs(places) do
    it("raises before anything is sent: in " .. name, function()
      local client, after = start(), nil
      local woken = spawn_others(client, 9)
      client:spawn(function()
        call_in(function() client.generations:count() end)
      end)
      client:spawn(function()
        client:runtime().scheduler:wait(nil, 0.005)
        after = assert(client.generations:count())
      end)
      run(client)
      assert.equal(7, after)
      assert.equal(1, #here.server:requests())
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, woken)
      assert.equal(1, #failures)
      assert.matches("unyieldable_spec.lua:%d+: .*nothing can wait inside "
        .. name:gsub("%.", "%%.") .. " here", failures[1])
    end)
  end

  it("raises before that in every call that makes several requests",
    function()
      local path = os.tmpname()
      local file = assert(io.open(path, "wb"))
      file:write "video"
      file:close()
      local item = { type = "video", url = "https://media.example/v.mp4" }
      local request, requests = { model = "m", input = { item } }, {}
      for i = 1, 20 do requests[i] = request end
      local asset = { model = "m", input = { { type = "video", file = path } } }
      local function open() return { receipt = path .. ".json" } end
      local calls = {
        function(c) c.generations:wait "a" end,
        function(c) c.generations:wait_many({ "a" }):next() end,
        function(c) c.generations:download("a", path .. ".mp4") end,
        function(c) c.generations:download_many({ "a" }, "/tmp") end,
        function(c) c.generations:delete_many { "a" } end,
        function(c) c.generations:delete_when_done("a", { discard = true }) end,
        function(c) c.generations:create(request, open()) end,
        function(c) c.generations:create(asset) end,
        function(c) c.generations:create_many(requests):next() end,
        function(c) c.generations:list({ status = "FAILED" }):next() end,
        function(c) c.generations:all { limit = 300 } end,
        function(c) c.assets:upload(path, { type = "VIDEO" }) end,
        function(c) c.assets:create { url = item.url, type = "VIDEO" } end,
        function(c) c.assets:get_many { "a" } end,
        function(c) c.assets:download("a", path .. ".mp4") end,
        function(c)
          c.voices:clone { name = "a", provider = "e", assetId = "a" }
        end,
        function(c) c.batches:create(requests) end,
        function(c) c.batches:results("a"):next() end,
        function(c) c.speech:wait "a" end,
        function(c) c:request("POST", "/v2/x") end,
        function(c) c:sleep(0.001) end,
      }
      local client, problems = start(), {}
      client:spawn(function()
        for i, fn in ipairs(calls) do
          local _, problem = pcall(places["table.sort"], function()
            fn(client)
          end)
          problems[i] = problem or "nothing"
        end
      end)
      run(client)
      for _, end_ in ipairs { "", ".json", ".json.lock" } do
        os.remove(path .. end_)
      end
      assert.equal(#calls, #problems)
      for i, problem in ipairs(problems) do
        assert.matches("^%d+ .*unyieldable_spec.lua:%d+: .*nothing can wait "
          .. "inside table%.sort here", i .. " " .. problem)
      end
      assert.equal(0, #here.server:requests())
    end)

  it("goes on if the program catches that", function()
    local client, problems, after = start(), {}, nil
    local woken = spawn_others(client, 9)
    client:spawn(function()
      for _, call_in in pairs(places) do
        for _ = 1, 3 do
          local _, problem = pcall(call_in, function()
            client.generations:count()
          end)
          problems[#problems + 1] = problem
        end
      end
      client:runtime().scheduler:wait(nil, 0.005)
      after = assert(client.generations:count())
    end)
    run(client)
    assert.is_true(#problems >= 9)
    for _, problem in ipairs(problems) do
      assert.matches("nothing can wait inside", problem)
    end
    assert.equal(7, after)
    assert.equal(1, #here.server:requests())
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, woken)
    assert.same({}, failures)
  end)

  it("raises in a finalizer, too", function()
    local client, problem, after = start(), nil, nil
    client:spawn(function()
      finalized(function()
        local _
        _, problem = pcall(function() client.generations:count() end)
      end)
      for _ = 1, 3 do collectgarbage() end
      after = assert(client.generations:count())
    end)
    run(client)
    assert.matches("nothing can wait inside", problem)
    assert.equal(7, after)
    assert.equal(1, #here.server:requests())
  end)

  -- Where an allocation in Lua starts it, no function of C is on the stack.
  it("says that it is a finalizer, where the VM does", function()
    if not finalizers_have_names then pending "their frames have no name" end
    local client, problem = start(), nil
    client:spawn(function()
      finalized(function()
        local _
        _, problem = pcall(function() client.generations:count() end)
      end)
      repeat local _ = {} until problem
    end)
    run(client)
    assert.matches("nothing can wait inside a finalizer here", problem)
    assert.equal(0, #here.server:requests())
  end)

  it("raises where it reads on, too", function()
    local list = service.list(3):sub(1, -2)  -- and more is to come
    local client, first, problem, after = start { pick = true,
      { when = "GET", { send = scripted.response(200, list,
        { ["Content-Length"] = "100000" }) }, { hold = true } } }, nil, nil, nil
    local woken = spawn_others(client, 9)
    client:spawn(function()
      local listing = client.generations:list()
      first = assert(listing:next()).id
      for _ = 1, 4 do
        local ok, said = pcall(places["string.gsub"], function()
          repeat local item = listing:next() until not item
        end)
        problem = not ok and said
      end
      listing:close()
      client:runtime().scheduler:wait(nil, 0.03)
      after = true
    end)
    run(client)
    assert.equal("g1", first)
    assert.matches("nothing can wait inside", problem)
    assert.is_true(after)
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, woken)
  end)

  it("blocks in a coroutine of the program's own, as everywhere",
    function()
      local client, n = start(), nil
      client:spawn(function()
        ("x"):gsub("x", coroutine.wrap(function()
          n = assert(client.generations:count())
        end))
      end)
      run(client)
      assert.equal(7, n)
      assert.same({}, failures)
    end)

  if limited then
    it("raises on Lua 5.1 in a metamethod and in an iterator, too", function()
      local client = start()
      local function count() return client.generations:count() end
      local index = setmetatable({}, { __index = count })
      client:spawn(function() return index.anything end)
      client:spawn(function() for _ in count do client:close() end end)
      client:spawn(function() for _ = 1, 3 do count() end end)
      run(client)
      assert.equal(3, #here.server:requests())
      assert.equal(2, #failures)
      for _, problem in ipairs(failures) do
        assert.matches("on Lua 5.1 nothing can wait inside", problem)
      end
    end)
  else
    it("waits in a metamethod, an iterator and pcall", function()
      local client, sum = start(), 0
      local function count()
        sum = sum + assert(client.generations:count())
        return sum < 14 or nil
      end
      client:spawn(function()
        pcall(count)
        for _ in count do sum = sum + 0 end
        local _ = setmetatable({}, { __index = count }).anything
      end)
      run(client)
      assert.same({}, failures)
      assert.equal(21, sum)
    end)
  end

  it("raises without the debug library, too", function()
    local client, with = start(), global.with
    global.with = function(name, key)
      return name ~= "debug" and with(name, key) or nil
    end
    client:spawn(function()
      places["string.gsub"](function() client.generations:count() end)
    end)
    run(client)
    global.with = with
    assert.matches("nothing can wait inside", failures[1])
    assert.equal(0, #here.server:requests())
  end)
end)
