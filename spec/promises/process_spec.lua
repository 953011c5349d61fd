-- SPDX-License-Identifier: MIT
-- The life of a process around a client: forks, Lua states that are opened and
-- closed, objects collected in any order, coroutines never resumed.

local emulator = require "spec.support.emulator"
local lipsync = require "lipsync"
local proc = require "spec.support.proc"
local process = require "process"
local program = require "spec.support.program"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"
local http = require "lipsync.http"

-- A response that stays half-read: two generations, then silence.
local function half()
  local text = scripted.response(200, service.list(3))
  local _, stop = text:find('"g2".-}')
  return { { read = true }, { send = text:sub(1, stop + 1) },
           { hold = true } }
end

-- A connection that sends one generation for every request.
local function echo(n)
  local steps = {}
  for i = 1, n do
    steps[2 * i - 1] = { read = true }
    steps[2 * i] = { send = scripted.response(200, service.generation "g1") }
  end
  return steps
end

local server, client

local function serve(script, options)
  server = scripted.start(script)
  client = service.client(server.base_url, options)
end

local function stop()
  if client then client:close() end
  if server then server:stop() end
  client, server = nil, nil
  collectgarbage()
  collectgarbage()
end

-- Runs a function in a child; returns its text and how it ended.
local function in_child(fn)
  return process.wait(process.fork(fn))
end

describe("a forked child", function()
  after_each(stop)

  it("finds its listing closed, and the parent reads on",
    function()
      local text = scripted.response(200, service.list(3))
      local _, stop_at = text:find('"g2".-}')
      serve { { { read = true }, { send = text:sub(1, stop_at + 1) },
                { stall = 1 }, { send = text:sub(stop_at + 2) } } }
      local listing = client.generations:list()
      assert.equal("g1", assert(listing:next()).id)
      local said, status = in_child(function()
        local seen = {}
        for _ = 1, 5 do
          local generation, err = listing:next()
          seen[#seen + 1] = generation and generation.id or err.kind
        end
        client:close()
        return table.concat(seen, " ")
      end)
      assert.equal(0, status)
      -- None of the parent's bytes is read twice.
      assert.equal("closed closed closed closed closed", said)
      assert.equal("g2", assert(listing:next()).id)
      assert.equal("g3", assert(listing:next()).id)
      local last, err = listing:next()
      assert.is_nil(last)
      assert.is_nil(err)
    end)

  it("finds deletions closed, and the parent completes them",
    function()
      local deleted = service.answer(204, "")
      table.insert(deleted, 2, { stall = 1 })
      serve({ deleted, loop = true }, { host = function(session)
        coroutine.yield()
        session:poll(0.01)
      end })
      local deleting = coroutine.wrap(function()
        local result, err = client.generations:delete_many { "g1", "g2" }
        return result and result.deleted or err.kind
      end)
      local function finish()
        local outcome
        repeat outcome = deleting() until outcome
        return outcome
      end
      assert.is_nil((deleting()))
      assert.same({ "closed", 0 }, { in_child(finish) })
      assert.equal(2, finish())
    end)

  it("is told that it cannot wait for a task of its parent's", function()
    serve { service.answer(200, service.generation "g1") }
    local task = client:spawn(function()
      return client.generations:get("g1").id
    end)
    local said, status = in_child(function()
      local ok, problem = pcall(task.wait, task, 5)
      return ok and "waited" or problem
    end)
    assert.same({ 0, true }, { status, said:find("a process forked", 1, true)
      ~= nil })
    assert.equal("g1", task:wait())
  end)

  it("begins no more of its parent's deletions", function()
    serve({ service.answer(204, ""), loop = true }, {
      host = function(session, target)
        if not target then coroutine.yield() end
        session:poll(0.01)
      end })
    local deleting = coroutine.wrap(function()
      local result, err = client.generations:delete_many({ "g1", "g2" }, {
        -- Long enough for the host's turn after the first one.
        concurrency = 1, on_result = function() scripted.sleep(0.005) end })
      return result and result.deleted or err.kind
    end)
    local function finish()
      local outcome
      repeat outcome = deleting() until outcome
      return outcome
    end
    assert.is_nil((deleting()))
    assert.same({ "closed", 0 }, { in_child(finish) })
    assert.equal(1, #server:requests())
    assert.equal(2, finish())
  end)

  it("uses the client over its own connections", function()
    serve { echo(3), echo(2) }
    assert(client.generations:get "g1")
    local said, status = in_child(function()
      assert(client.generations:get "g1")
      assert(client.generations:get "g1")
      return "fine"
    end)
    assert.same({ "fine", 0 }, { said, status })
    assert(client.generations:get "g1")
    assert(client.generations:get "g1")
    local seen = {}
    for _, request in ipairs(server:requests(5)) do
      seen[#seen + 1] = request.connection
    end
    table.sort(seen)
    assert.same({ 1, 1, 1, 2, 2 }, seen)
  end)

  it("and its parent send a thousand requests each unmixed",
    function()
      local one = emulator.start { generations = 40 }
      client = service.client(one.base_url, { api_key = one.key })
      local ids = {}
      for generation in client.generations:list() do
        ids[#ids + 1] = generation.id
      end
      local function ask(first)
        for i = 1, 1000 do
          local id = ids[(first + 2 * i) % #ids + 1]
          local generation, err = client.generations:get(id)
          if not generation then return tostring(err) end
          if generation.id ~= id then return "mixed up" end
        end
        return "fine"
      end
      local pid, descriptor = process.fork(function() return ask(0) end)
      assert.equal("fine", ask(1))
      assert.same({ "fine", 0 }, { process.wait(pid, descriptor) })
      one:stop()
    end)

  it("that collects and closes all does not disturb the parent",
    function()
      serve { half(), echo(2) }
      local listing = client.generations:list()
      assert.equal("g1", assert(listing:next()).id)
      local _, status = in_child(function()
        client:close()
        client, listing = nil, nil
        collectgarbage()
        collectgarbage()
        return ""
      end)
      assert.equal(0, status)
      assert.equal("g2", assert(listing:next()).id)
      assert(client.generations:get "g1")
      listing:close()
    end)

  it("of a child has a client that works", function()
    serve { echo(1), echo(1), echo(1) }
    local said = in_child(function()
      return (in_child(function()
        return assert(client.generations:get "g1").id
      end))
    end)
    assert.equal("g1", said)
  end)
end)

describe("descriptors", function()
  after_each(stop)

  -- What 0, 1 and 2 are after the code, in a program that began without.
  local function without_standard(code)
    local path, out = os.tmpname(), os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(([[
      local client = require "lipsync".new { api_key = "abcdefgh",
        base_url = ..., max_attempts = 1 }
      %s
      os.execute("readlink /proc/$PPID/fd/[012] >>%s")
    ]]):format(code, out))
    file:close()
    os.execute(("%s %s %s <&- >&- 2>&-"):format(program.vm, path,
      server.base_url))
    file = assert(io.open(out))
    local text = file:read "*a"
    file:close()
    os.remove(path)
    os.remove(out)
    return text
  end

  local it_here = proc.is_here and it or pending

  it_here("of ours are never 0, 1 and 2", function()
    serve { loop = true, echo(2) }
    assert.equal("", without_standard "")
    assert.equal("", without_standard [[
      body = assert(require "lipsync.http".body { file = "Makefile" })
      assert(client.generations:get "g1")
      assert(client.generations:get "g1")]])
    assert.equal(2, #server:requests(2))
  end)
end)

describe("a Lua state", function()
  after_each(stop)

  local function prelude(base_url)
    return ("package.path, package.cpath = %q, %q "):format(package.path,
      package.cpath) .. ([[
      local lipsync = require "lipsync"
      local client = assert(lipsync.new { api_key = "k", base_url = "%s" })
    ]]):format(base_url)
  end

  it("may be closed with a listing and a request under way",
    function()
      serve({ half(), loop = true })
      for _ = 1, 5 do
        assert(process.state(prelude(server.base_url) .. [[
          kept = client.generations:list()
          assert(assert(kept:next()).id == "g1")
          local http = require "lipsync.http"
          session = assert(http.session { base_url = client.known.base_url,
            user_agent = "spec" })
          transfer = assert(session:start(nil, "GET", "/v2/x"))
          session:step()
        ]]))
      end
      collectgarbage()
      assert.equal(0, (select(2, http.live())))
    end)

  it("loads and unloads the module a hundred times", function()
    serve({ echo(1), loop = true })
    local before
    for i = 1, 100 do
      assert(process.state(prelude(server.base_url) .. (i % 10 == 0
        and "assert(client.generations:get 'g1')" or "")))
      if i == 10 then before = process.descriptors() end
    end
    assert.equal(before, process.descriptors())
  end)
end)

describe("objects", function()
  after_each(stop)

  it("may be collected in any order", function()
    -- Every order in which four references can be dropped.
    local function permute(names, n, visit)
      if n == 0 then return visit(names) end
      for i = 1, n do
        names[i], names[n] = names[n], names[i]
        permute(names, n - 1, visit)
        names[i], names[n] = names[n], names[i]
      end
    end
    serve({ half(), loop = true })
    local names = { "client", "listing", "generation", "nested" }
    permute(names, #names, function(order)
      local held = {}
      held.client = service.client(server.base_url)
      held.listing = held.client.generations:list()
      held.generation = assert(held.listing:next())
      held.nested = held.generation.input
      for _, name in ipairs(order) do
        held[name] = nil
        collectgarbage()
        collectgarbage()
      end
    end)
    collectgarbage()
    collectgarbage()
    assert.equal(0, (select(2, http.live())))
  end)

  it("work without the objects that made them", function()
    serve { half() }
    local generation = assert(client.generations:list():next())
    client:close()
    client = nil
    collectgarbage()
    collectgarbage()
    assert.equal("g1", generation.id)
    assert.equal("COMPLETED", generation:decode().status)
  end)

  it("of a closed client say so", function()
    serve { half() }
    local own = client
    local listing = own.generations:list()
    assert(listing:next())
    own:close()
    own:close()
    local kinds = {}
    for _ = 1, 3 do
      local generation, err = listing:next()
      kinds[#kinds + 1] = generation and "generation" or err.kind
    end
    assert.equal("closed", kinds[3])
    for _, call in ipairs {
      function() return own.generations:list() end,
      function() return own.generations:delete "g1" end,
      function() return own.errors:list() end,
      function() return own:step() end,
    } do
      local ok, problem = pcall(call)
      assert.is_false(ok)
      assert.matches("this client was closed", problem, 1, true)
    end
    listing:close()
    listing:close()
  end)
end)

describe("a coroutine", function()
  after_each(stop)

  it("that dies while it waits leaves nothing behind", function()
    serve({ half(), loop = true })
    client:close()
    local resumed = 0
    client = service.client(server.base_url, { max_in_flight = 1,
      host = function(session)
        resumed = resumed + 1
        session:step()
        if coroutine.running() and resumed % 8 == 0 then
          coroutine.yield()
        else
          session:poll(0.01)
        end
      end })
    for _ = 1, 10 do
      local waiting = coroutine.create(function()
        local listing = client.generations:list()
        while listing:next() do end -- luacheck: ignore
      end)
      coroutine.resume(waiting)
      assert.equal("suspended", coroutine.status(waiting))
    end
    collectgarbage()
    collectgarbage()
    assert.equal(0, (select(2, http.live())))
  end)
end)

describe("an error in on_event", function()
  after_each(stop)

  it("is raised by its call, after the transfer is closed", function()
    serve({ echo(1), loop = true })
    client:close()
    local when
    client = service.client(server.base_url, { max_in_flight = 1,
      on_event = function(event)
        if event.type == when then error({ mine = true }, 0) end
      end })
    for _, kind in ipairs { "request", "response" } do
      when = kind
      local ok, problem = pcall(client.generations.get, client.generations,
        "g1")
      assert.is_false(ok)
      assert.is_true(problem.mine)
      assert.equal(0, (select(2, http.live())))
    end
    when = nil
    assert(client.generations:get "g1")
    assert.is_false(lipsync.is_error { mine = true })
  end)
end)
