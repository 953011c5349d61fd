-- SPDX-License-Identifier: MIT
local core = require "lipsync.core"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

-- The module that the library itself has loaded, once there is a client.
local function module()
  return require "lipsync.compound.wait"
end

describe("waits without a long poll", function()
  local here = service.fixture(after_each)
  local seldom = module().seldom

  -- None is due unless a test says so.
  before_each(function() module().seldom = 3600 end)
  after_each(function() module().seldom = seldom end)

  -- A script for the requests with `part` in their line.
  local function on(part, status, body, times)
    return { when = part, times = times,
             { send = scripted.response(status, body) } }
  end

  -- For one look at one id.
  local function get(id, status, times)
    return on("/v2/generate/" .. id .. " ", 200,
      service.generation(id, status), times)
  end

  -- For one request of the list: pairs of an id and a status.
  local function list(states, times)
    local items = {}
    for i = 1, #states, 2 do
      items[#items + 1] = service.generation(states[i], states[i + 1])
    end
    return on("/v2/generations?ids=", 200,
      "[" .. table.concat(items, ",") .. "]", times)
  end

  -- Starts a client whose only long poll never ends, but for `polls`.
  local function start(scripts, options, polls)
    local script = { pick = true }
    for _, each in ipairs(polls or {}) do script[#script + 1] = each end
    script[#script + 1] = { when = "wait=true", { hold = true } }
    for _, each in ipairs(scripts) do script[#script + 1] = each end
    local own = { max_waits = 1, max_attempts = 1 }
    for name, value in pairs(options or {}) do own[name] = value end
    return here.start(script, own)
  end

  local function step_until(is_done)
    local ends = core.now() + 20
    while not is_done() do
      here.client:step()
      assert(core.now() < ends, "it never came to that")
    end
  end

  -- The waits that rest for long and may be asked for, by their ids.
  local function resting()
    local members, n, soon = {}, 0, core.now() + 60
    for member in pairs(here.client:runtime().crowd) do
      if member.due > soon then
        members[member.id], n = member, n + 1
      end
    end
    return members, n
  end

  local function until_rest(n)
    step_until(function() return select(2, resting()) == n end)
    return (resting())
  end

  -- Has members look now, or as if it had been time for `late` seconds.
  local function wake(members, late)
    for _, member in pairs(members) do
      member.due = core.now() - (late or 0)
      if member.sleep then member.sleep:wake() end
    end
  end

  -- A task for each id, after one that has the long poll; the tasks by id, and
  -- what they found: a status or an error. All of them rest.
  local function wait_for(generations, ids, options)
    local tasks, found, client = {}, {}, here.client
    client:spawn(generations.wait, generations, "long")
    step_until(function() return #here.server:requests() == 1 end)
    for _, id in ipairs(ids) do
      tasks[id] = client:spawn(function()
        local generation, err = generations:wait(id, options)
        found[id] = generation and generation.status or err
      end)
    end
    return tasks, found, until_rest(#ids)
  end

  -- By their bytes, in any locale.
  local function is_before(a, b)
    for i = 1, math.min(#a, #b) do
      local x, y = a:byte(i), b:byte(i)
      if x ~= y then return x < y end
    end
    return #a < #b
  end

  -- The ids of each request of the list, in order.
  local function listed()
    local found = {}
    for _, request in ipairs(here.server:requests()) do
      local text = request.target:match "^/v2/generations%?ids=(.*)$"
      if text then
        local ids = {}
        for id in text:gmatch "[^,]+" do ids[#ids + 1] = id end
        table.sort(ids, is_before)
        found[#found + 1] = table.concat(ids, ",")
      end
    end
    return found
  end

  -- How often an id was asked for by itself.
  local function own_looks(id)
    local n = 0
    for _, request in ipairs(here.server:requests()) do
      if request.target == "/v2/generate/" .. id then n = n + 1 end
    end
    return n
  end

  local function until_found(found, ids)
    step_until(function()
      for _, id in ipairs(ids) do
        if found[id] == nil then return false end
      end
      return true
    end)
  end

  it("ask for a hundred at a time", function()
    here.emulate { generations = 0 }
    local pending = {}
    for i = 1, 300 do pending[i] = { status = "PENDING" } end
    local ids, found = here.server:add(pending), {}
    here.client:close()
    here.client = service.client(here.server.base_url,
      { api_key = here.server.key, max_waits = 2 })
    local generations = here.client.generations
    for _, id in ipairs(ids) do
      here.client:spawn(function()
        local generation = assert(generations:wait(id))
        assert(generation.id == id)
        found[#found + 1] = generation
      end)
    end
    local function count(what)
      local n = 0
      for _, request in ipairs(here.server:requests()) do
        if request.path:find(what, 1, true) then n = n + 1 end
      end
      return n
    end
    wake(until_rest(298))
    local members = until_rest(298)
    assert.equal(3, count "?ids=")
    here.server:advance(3600)
    wake(members)
    step_until(function() return #found == 300 end)
    for _, generation in ipairs(found) do
      assert.equal("COMPLETED", generation.status)
    end
    assert.is_true(count "?ids=" <= 6)
    assert.is_true(#here.server:requests() <= 2 * 2 + 298 + 6)
  end)

  it("give each its object, and report its changes", function()
    local told = {}
    local generations = start { get("a", "PENDING"), get("B", "PENDING"),
      list({ "a", "PROCESSING", "b", "PROCESSING" }, 1),
      list({ "b", "COMPLETED", "a", "FAILED" }) }
    local _, found = wait_for(generations, { "a", "B" },
      { on_change = function(g) told[#told + 1] = g.status end })
    wake((resting()))
    step_until(function() return #told == 4 end)
    wake(until_rest(2))
    until_found(found, { "a", "B" })
    assert.same({ a = "FAILED", B = "COMPLETED" }, found)
    assert.equal(6, #told)
    assert.same({ "B,a", "B,a" }, listed())
    assert.equal(1, own_looks "a")
  end)

  it("name an id once, however many wait for it", function()
    local generations = start { get("a", "PENDING"), list { "a", "FAILED" } }
    local n = 0
    here.client:spawn(generations.wait, generations, "long")
    step_until(function() return #here.server:requests() == 1 end)
    for _ = 1, 3 do
      here.client:spawn(function()
        assert(generations:wait "a")
        n = n + 1
      end)
    end
    until_rest(3)
    local members = {}
    for member in pairs(here.client:runtime().crowd) do
      members[#members + 1] = member
    end
    wake(members)
    step_until(function() return n == 3 end)
    assert.same({ "a" }, listed())
  end)

  it("ask only for those whose time has almost come", function()
    local generations = start { get("a", "PENDING"), get("b", "PENDING"),
      get("c", "PENDING"), list { "a", "FAILED", "b", "FAILED" } }
    local _, found, members = wait_for(generations, { "a", "b", "c" })
    members.b.due = core.now() + 4
    wake { members.a }
    until_found(found, { "a", "b" })
    assert.same({ "a,b" }, listed())
    assert.is_nil(found.c)
  end)

  it("look by themselves for what is not listed", function()
    local generations = start { get("a", "PENDING"), get("b", "PENDING", 1),
      on("/v2/generate/b ", 404, '{"errorCode":"generation_not_found"}'),
      get("c", "PENDING"), list({ "a", "PENDING" }, 1),
      list { "a", "COMPLETED", "c", "FAILED" } }
    local _, found = wait_for(generations, { "a", "b", "c" })
    wake((resting()))
    until_found(found, { "b" })
    assert.equal(404, found.b.statusCode)
    assert.equal("PENDING", found.b.generation.status)
    assert.match("^wait for generation b: 404 ", tostring(found.b))
    step_until(function() return own_looks "c" == 2 end)
    wake(until_rest(2))
    until_found(found, { "a", "c" })
    assert.same({ "a,b,c", "a,c" }, listed())
    assert.equal(1, own_looks "a")
  end)

  it("are not asked for again before they have looked by themselves", function()
    local generations = start { get("a", "PENDING"), get("b", "PENDING", 1),
      get("b", "FAILED"), list({ "a", "PENDING" }, 1), list { "a", "FAILED" } }
    local _, found, members = wait_for(generations, { "a", "b" })
    members.b.due = core.now() + 4
    wake { members.a }
    wake { until_rest(1).a }
    until_found(found, { "a" })
    assert.same({ "a,b", "a" }, listed())
    wake { members.b }
    until_found(found, { "b" })
    assert.same({ a = "FAILED", b = "FAILED" }, found)
  end)

  it("are asked for once after they were canceled", function()
    local generations = start { get("a", "PENDING"), get("b", "PENDING"),
      list({ "a", "PENDING", "b", "PENDING" }, 1), list { "a", "FAILED" } }
    local tasks, found, members = wait_for(generations, { "a", "b" })
    tasks.b:cancel()
    wake(members)
    wake { until_rest(1).a }
    until_found(found, { "a" })
    assert.same({ "a,b", "a" }, listed())
    assert.is_nil(found.b)
  end)

  it("go on by themselves after a list that failed, and share again",
    function()
      local generations = start { get("a", "PENDING"), get("b", "PENDING"),
        on("?ids=", 500, "", 1), list { "a", "FAILED", "b", "FAILED" } }
      local _, found = wait_for(generations, { "a", "b" })
      wake((resting()))
      step_until(function()
        return own_looks "a" == 2 and own_looks "b" == 2
      end)
      wake(until_rest(2))
      until_found(found, { "a", "b" })
      assert.same({ a = "FAILED", b = "FAILED" }, found)
      assert.same({ "a,b", "a,b" }, listed())
    end)

  it("divide those of a list that is refused", function()
    local ids = { "a", "b", "c", "d" }
    local scripts = { on("?ids=", 400, '{"errorCode":"invalid"}') }
    for _, id in ipairs(ids) do scripts[#scripts + 1] = get(id, "PENDING") end
    local generations = start(scripts)
    wait_for(generations, ids)
    -- Lists of 4, 2 and 1; then each looks for itself for ever.
    for round, n in ipairs { 1, 3, 7 } do
      wake(until_rest(4))
      step_until(function()
        for _, id in ipairs(ids) do
          if own_looks(id) <= round then return false end
        end
        return true
      end)
      assert.equal(n, #listed())
    end
    assert.equal("a,b,c,d", listed()[1])
    assert.equal(3, #listed()[2])
    assert.equal(1, #listed()[4])
    assert.equal(0, select(2, resting()))
  end)

  it("are with as many as all of them may be", function()
    local generations = start { get("a", "PENDING"), get("b", "PENDING"),
      get("c", "PENDING"), list({ "a", "FAILED" }, 1),
      list({ "c", "FAILED" }, 1), list { "b", "FAILED" } }
    local _, found, members = wait_for(generations, { "a", "b", "c" })
    members.a.most, members.b.most = 1, 1
    for i, id in ipairs { "a", "c", "b" } do
      for _, member in pairs(members) do member.due = core.now() + 4 end
      wake { members[id] }
      until_found(found, { id })
      assert.equal(id, listed()[i])
    end
  end)

  it("share no more where the service does not list by ids", function()
    for _, answer in ipairs { list { "a", "FAILED", "other", "FAILED" },
                              on("?ids=", 405, ""), on("?ids=", 200, "{}") } do
      local generations = start { get("a", "PENDING", 1), get("a", "COMPLETED"),
        get("b", "PENDING"), answer }
      local _, found = wait_for(generations, { "a", "b" })
      wake((resting()))
      until_found(found, { "a" })
      assert.equal("COMPLETED", found.a)
      step_until(function() return own_looks "b" == 2 end)
      assert.equal(1, #listed())
      assert.equal(0, select(2, resting()))
      here.stop()
    end
  end)

  it("share nothing for what may need a request of its own", function()
    local generations = start { on("/v2/generate/x", 200,
      service.generation("x,y", "PENDING")),
      on("/v2/generate/", 200, service.generation("a", "PENDING")) }
    local client, sleep = here.client, require "lipsync.call.sleep"
    client:spawn(generations.wait, generations, "long")
    step_until(function() return #here.server:requests() == 1 end)
    local run, rests = sleep.run, 0
    finally(function() sleep.run = run end)
    function sleep.run(...)
      rests = rests + 1
      return run(...)
    end
    client:spawn(generations.wait, generations, "x,y")
    client:spawn(generations.wait, generations, "a",
      { headers = { ["X-A"] = "b" } })
    client:spawn(generations.wait, generations, "a",
      { on_progress = function() end })
    step_until(function() return rests == 3 end)
    assert.equal(0, select(2, resting()))
  end)

  it("do not depend on the one that asked: it is canceled", function()
    local generations = start { get("a", "PENDING"), get("b", "PENDING"),
      get("c", "PENDING"), { when = "?ids=", times = 1, { hold = true } },
      list { "b", "FAILED", "c", "COMPLETED" } }
    local tasks, found, members = wait_for(generations, { "a", "b", "c" })
    for _, member in pairs(members) do member.due = core.now() end
    wake { members.a }
    step_until(function() return #listed() == 1 end)
    -- They wait for the request as long as it is under way.
    wake { members.b, members.c }
    local steps = 0
    step_until(function()
      steps = steps + 1
      return steps > 20
    end)
    assert.equal(1, #listed())
    tasks.a:cancel()
    wake { members.b, members.c }
    until_found(found, { "b", "c" })
    assert.same({ b = "FAILED", c = "COMPLETED" }, found)
    assert.same({ "a,b,c", "b,c" }, listed())
    assert.equal(1, own_looks "b")
  end)

  it("do not wait long for a request that nobody may read", function()
    local generations = start { get("a", "PENDING"), get("b", "PENDING"),
      { when = "?ids=", times = 1, { hold = true } }, list { "b", "FAILED" } }
    local _, found, members = wait_for(generations, { "a", "b" })
    members.b.due = core.now()
    wake { members.a }
    step_until(function() return #listed() == 1 end)
    wake({ members.b }, 31)
    until_found(found, { "b" })
    assert.same({ "a,b", "b" }, listed())
    assert.same({ b = "FAILED" }, found)
  end)

  it("take no old object after a look of their own", function()
    local told = {}
    local function list_late(...)
      local script = list({ ... }, 1)
      table.insert(script, 1, { stall = 0.3 })
      return script
    end
    local function poll(status, seconds)
      return { when = "b?wait=true", times = 1, { stall = seconds },
        { send = scripted.response(200, service.generation("b", status)) } }
    end
    local generations = start({ get("a", "PENDING"), get("b", "PENDING"),
      list_late("a", "FAILED", "b", "PENDING") }, nil,
      { poll("PROCESSING", 0.6), poll("COMPLETED", 0) })
    local _, found, members = wait_for(generations, { "a", "b" }, {
      on_change = function(g) told[#told + 1] = g.id .. " " .. g.status end })
    members.b.due = core.now()
    wake { members.a }
    step_until(function() return #listed() == 1 end)
    here.client.options.max_waits = 2
    wake({ members.b }, 31)
    until_found(found, { "a", "b" })
    assert.equal("b PENDING b PROCESSING b COMPLETED",
      (table.concat(told, " "):gsub("a %u+ ?", "")))
  end)

  it("end with their client", function()
    local generations = start { get("a", "PENDING"), get("b", "PENDING"),
      { when = "?ids=", { hold = true } } }
    local _, found, members = wait_for(generations, { "a", "b" })
    members.b.due = core.now()
    wake { members.a }
    step_until(function() return #listed() == 1 end)
    here.client:close()
    for _, id in ipairs { "a", "b" } do
      local err = found[id]
      assert.equal("closed", err.kind)
      assert.equal("PENDING", err.generation.status)
      assert.equal("wait for generation " .. id .. ": the client was closed.",
        tostring(err))
    end
  end)

  it("end at their timeout, whatever another one asks", function()
    local generations = start { get("a", "PENDING"), get("b", "PENDING"),
      { when = "?ids=", { hold = true } } }
    local client, found = here.client, nil
    client:spawn(generations.wait, generations, "long")
    step_until(function() return #here.server:requests() == 1 end)
    client:spawn(generations.wait, generations, "a")
    client:spawn(function()
      found = select(2, generations:wait("b", { timeout = 1.5 }))
    end)
    local members = until_rest(1)
    step_until(function()
      local n = 0
      for _ in pairs(client:runtime().crowd) do n = n + 1 end
      return n == 2
    end)
    wake { members.a }
    step_until(function() return found end)
    assert.same({ "a,b" }, listed())
    assert.equal("wait for generation b: 1.5 s have passed (timeout); it is "
      .. "PENDING.", tostring(found))
  end)

  it("end with what came just in time", function()
    local generations = start { get("a", "PENDING") }
    local client, found = here.client, nil
    client:spawn(generations.wait, generations, "long")
    step_until(function() return #here.server:requests() == 1 end)
    client:spawn(function()
      found = assert(generations:wait("a", { timeout = 1 })).status
    end)
    local member
    step_until(function()
      member = next(client:runtime().crowd)
      return member
    end)
    scripted.sleep(1.1)
    member.news = assert(require "lipsync".generation(
      service.generation("a", "FAILED")))
    step_until(function() return found end)
    assert.equal("FAILED", found)
  end)

  it("are not kept when their coroutines are dropped", function()
    local generations = start({ get("a", "PENDING"), get("b", "PENDING"),
      get("c", "PENDING"), { when = "?ids=", times = 1, { hold = true } },
      list { "b", "FAILED" } }, { host = function() coroutine.yield() end })
    local function waiting(id)
      return coroutine.create(function()
        return assert(generations:wait(id)).status
      end)
    end
    local function resume_until(threads, is_done)
      local ends = core.now() + 20
      while not is_done() do
        for _, thread in ipairs(threads) do
          assert(coroutine.resume(thread))
        end
        assert(core.now() < ends, "it never came to that")
      end
    end
    local threads = { waiting "long" }
    resume_until(threads, function()
      return #here.server:requests() == 1
    end)
    for _, id in ipairs { "a", "b", "c" } do
      threads[#threads + 1] = waiting(id)
    end
    resume_until(threads, function()
      return select(2, resting()) == 3
    end)
    threads[4] = nil
    do
      local members = resting()
      members.a.due, members.b.due = core.now(), core.now() + 1
    end
    resume_until({ threads[2] }, function() return #listed() == 1 end)
    table.remove(threads, 2)
    -- The request is collected with the coroutine that made it.
    local ended
    resume_until({}, function()
      collectgarbage()
      local ok, status = coroutine.resume(threads[2])
      ended = assert(ok, status) and status
      return coroutine.status(threads[2]) == "dead"
    end)
    assert.equal("FAILED", ended)
    assert.same({ "a,b", "b" }, listed())
    collectgarbage()
    assert.is_nil(next(here.client:runtime().crowd))
  end)
end)
