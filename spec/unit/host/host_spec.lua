-- SPDX-License-Identifier: MIT
local blocking = require "lipsync.host.blocking"
local core = require "lipsync.core"
local cqueues = require "lipsync.host.cqueues"
local global = require "lipsync.host.global"
local host = require "lipsync.host"
local lua51 = require "lipsync.host.lua51"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

describe("host", function()
  local here = service.fixture(after_each)
  local start = here.start

  it("is detected at each wait, or is the named one", function()
    start {}
    assert.equal("blocking", host.name(here.client))
    here.client.options.host = function() end
    assert.is_nil(host.name(here.client))
    here.client.options.host = "cqueues"
    assert.equal("cqueues", host.name(here.client))
    assert.same({ "task", "nginx", "haproxy", "cqueues", "vlc",
                  "darktable", "blocking", "luv" }, host.names())
  end)

  it("is detected once in each coroutine", function()
    start {}
    local loaded, asked = global.loaded, 0
    function global.loaded(name)
      if name == "darktable" then asked = asked + 1 end
      return loaded(name)
    end
    for _ = 1, 3 do
      local each = coroutine.wrap(function()
        while true do coroutine.yield(host.name(here.client)) end
      end)
      for _ = 1, 3 do assert.equal("blocking", each()) end
    end
    rawset(global, "loaded", loaded)
    assert.equal(3, asked)
  end)

  it("makes tasks only where it can wait", function()
    start {}
    local client, is_own, real = here.client, true, package.loaded.cqueues
    package.loaded.cqueues = { running = function() return {}, is_own end }
    client.options.host = "cqueues"
    local starters = { host.starter(client) or "none" }
    is_own = false
    starters[2] = host.starter(client) or "none"
    client.options.host = function() end
    starters[3] = host.starter(client) or "none"
    client.options.host = "blocking"
    starters[4] = host.starter(client) or "none"
    package.loaded.cqueues = real
    assert.same({ lua51.is_limited() and "none" or cqueues.starter, "none",
                  "none", "none" }, starters)
  end)

  it("says how it waits", function()
    start {}
    local client = here.client
    local scheduler, seen = client:runtime().scheduler, {}
    local function look(name)
      seen[name] = { host.name(client) or "none", host.yields(client),
        host.blocks(client), host.waits_for_disk(client),
        host.check(client, scheduler) }
    end
    look "main"
    client:spawn(function()
      look "task"
      coroutine.wrap(function()
        seen.nested = { host.name(client), host.yields(client) }
      end)()
    end)
    client:run()
    client.options.host = "blocking"
    look "named"
    client.options.host = function() end
    look "own"
    assert.same({
      main = { "blocking", false, true, true, false, true },
      task = { "task", true, false, false, true, false },
      nested = { "blocking", false },
      named = { "blocking", false, true, true, false, true },
      own = { "none", false, false, false, false, false },
    }, seen)
  end)

  it("changes in the main coroutine of nginx", function()
    local name, ngx, phase = "lipsync.host", rawget(_G, "ngx"), "init"
    start {}
    package.loaded[name] = nil
    local fresh = require(name)
    package.loaded[name] = host
    rawset(_G, "ngx", { get_phase = function() return phase end })
    local seen = { fresh.name(here.client) }
    phase = "content"
    seen[2] = fresh.name(here.client)
    seen[3] = coroutine.wrap(function()
      local own = fresh.name(here.client)
      phase = "init"
      return own .. " " .. fresh.name(here.client)
    end)()
    seen[4] = fresh.name(here.client)
    seen[5] = tostring(fresh.waits_for_disk({ options = {
      host = function() end }, runtime = here.client.runtime }))
    rawset(_G, "ngx", ngx)
    assert.same({ "blocking", "nginx", "nginx nginx", "blocking", "true" },
      seen)
  end)

  it("logs where the program shows errors", function()
    local log, mp, shown = core.log, rawget(_G, "mp"), {}
    core.log = function(text) shown[#shown + 1] = "stderr: " .. text end
    host.log "a"
    rawset(_G, "mp", { add_timeout = function() end, msg = {
      error = function(text) shown[#shown + 1] = "mpv: " .. text end } })
    host.log "b"
    rawset(_G, "mp", mp)
    core.log = log
    assert.same({ "stderr: a", "mpv: b" }, shown)
  end)

  it("says what to do where the named one cannot wait", function()
    start({}, { host = "cqueues" })
    local ok, problem = pcall(here.client.generations.count,
      here.client.generations)
    assert.is_false(ok)
    assert.matches('host = "cqueues" cannot wait here: call it in a coroutine '
      .. "of a cqueues controller", problem)
    here.stop()
    start({}, { host = "haproxy" })
    ok, problem = pcall(here.client.generations.count, here.client.generations)
    assert.is_false(ok)
    assert.matches('host = "haproxy" cannot wait here%.$', problem)
  end)

  it("refuses to wait where the picture would freeze", function()
    start {}
    for _, case in ipairs {
      { "love", "run", "LÖVE's main thread. Call it in a task: client:spawn("
        .. "function() … end), with client:step() in love.update." },
      { "obslua", "timer_add",
        "OBS. Call it in a task: client:spawn(function() … end)." },
    } do
      local name, field, words = case[1], case[2], case[3]
      local ok, problem = coroutine.wrap(function()
        rawset(_G, name, { [field] = function() end })
        local ok, problem = pcall(here.client.generations.count,
          here.client.generations)
        rawset(_G, name, nil)
        return ok, problem
      end)()
      assert.is_false(ok)
      assert.equal("waiting here would block " .. words,
        problem:match "waiting here .*$")
    end
  end)

  it("may be a function of the program", function()
    local waits = {}
    start({ { { read = true }, { stall = 0.05 },
              { send = scripted.response(200, '{"count":2}') } } },
      { host = function(session, transfer, seconds)
        waits[#waits + 1] = transfer or false
        assert.is_true(seconds >= 0)
        session:poll(seconds)
      end })
    assert.equal(2, here.client.generations:count())
    assert.is_true(#waits > 0)
    assert.is_function(waits[1].ready)
  end)

  it("polls instead of spinning if its wait does not wait", function()
    local waits = 0
    start({ { { read = true }, { stall = 0.3 },
              { send = scripted.response(200, '{"count":2}') } } },
      { host = function(session)
        waits = waits + 1
        session:step()
      end })
    assert.equal(2, here.client.generations:count())
    assert.is_true(waits < 5000)
  end)

  it("polls from the sixth such wait in a row", function()
    local real, now, polls, waits = core.now, 100, {}, 0
    finally(function() core.now = real end)
    function core.now() return now end
    local session = {
      is_open = function() return true end,
      poll = function(_, seconds)
        polls[#polls + 1] = seconds
        now = now + seconds
      end,
    }
    local runtime = { session = session, scheduler = {},
                      waiters = { dispatch = function() end } }
    local client = { options = { host = function() now = now + waits end } }
    local function wait(times, seconds)
      polls = {}
      for _ = 1, times do host.wait(client, runtime, nil, seconds) end
      return polls
    end
    assert.same({}, wait(5, 1))
    assert.same({ 0.005, 0.005, 0.002 }, { wait(1, 1)[1], wait(1, 1)[1],
                                           wait(1, 0.002)[1] })
    waits = 2e-4
    assert.same({}, wait(1, 1))
    waits = 0
    assert.same({}, wait(5, 1))
    assert.same({}, wait(1, 1e-4))
    assert.equal(1, #wait(6, 1))
  end)

  -- A wait of a function of the program's, with clocks that only it moves.
  local function own_wait(case)
    local real, now, given, steps = core.now, 100, nil, 0
    finally(function() core.now = real end)
    function core.now() return now end
    local target = case.target
    if target then
      target.ready = function() return target.is_ready or false end
    end
    local session = {
      is_open = function() return not case.is_closed end,
      timeout = function() return case.due end,
      poll = function() end,
      step = function()
        steps = steps + 1
        if case.step then case.step(target) end
      end,
    }
    local client = case.client or {}
    client.options = { host = function(_, _, seconds)
      given, now = seconds, now + (case.waits or 1)
    end }
    local dispatched = {}
    local from, to = host.wait(client, { session = session, scheduler = {},
      waiters = { dispatch = function(_, of)
        dispatched[#dispatched + 1] = of
      end } }, target, case.seconds or 10)
    core.now = real
    assert.same({ session }, dispatched)
    assert.same({ 100, 100 + (case.waits or 1) }, { from, to })
    return { given, steps, client.late or "not late" }
  end

  it("says how long a wait may be at most", function()
    assert.equal(10, own_wait { target = {} }[1])
    assert.equal(2, own_wait { target = { nap = 2 } }[1])
    assert.equal(10, own_wait { target = { nap = 20 } }[1])
    assert.equal(10, own_wait {} [1])
  end)

  it("makes a step after such a wait, and notes one that came too late",
    function()
      local function come(target) target.is_ready = true end
      local function send(target) target.is_sent = true end
      local function sent(target) return target.is_sent or false end
      for name, row in pairs {
          ["nothing to do"] = { { target = {} }, 1, "not late" },
          ["something to do"] = { { target = {}, due = 0 }, 1, 1 },
          ["in time"] = { { target = {}, due = 0, waits = 0.25 }, 1,
            "not late" },
          ["hardly late"] = { { target = {}, due = 0, waits = 0.5 }, 1, 0.5 },
          ["to do later"] = { { target = {}, due = 1 }, 1, "not late" },
          arrived = { { target = {}, step = come }, 1, 1 },
          sent = { { target = { sent = sent }, step = send }, 1, 1 },
          ["not sent"] = { { target = { sent = sent } }, 1, "not late" },
          ["sent before"] = { { target = { sent = sent, is_sent = true } }, 1,
            "not late" },
          ready = { { target = { is_ready = true }, due = 0 }, 0, "not late" },
          ["no target"] = { { due = 0 }, 0, "not late" },
          closed = { { target = {}, due = 0, is_closed = true }, 0,
            "not late" },
          ["longer before"] = { { target = {}, due = 0,
            client = { late = 2 } }, 1, 2 },
          ["shorter before"] = { { target = {}, due = 0,
            client = { late = 0.5 } }, 1, 1 } } do
        local found = own_wait(row[1])
        assert.same({ row[2], row[3] }, { found[2], found[3] }, name)
      end
    end)

  it("sleeps without a transfer", function()
    start {}
    local runtime, before = here.client:runtime(), core.now()
    local from, to = blocking.wait(runtime.session, nil, 0.05, runtime)
    assert.is_true(before <= from and to <= core.now())
    assert.is_true(to - from >= 0.05)
  end)

  it("tells everyone else who waits for the same transfer", function()
    start { service.answer(200, "{}") }
    local runtime, told = here.client:runtime(), 0
    local transfer = assert(runtime.session:start(nil, "GET", "/"))
    local waiter = { wake = function() told = told + 1 end }
    runtime.waiters:subscribe(transfer, waiter)
    repeat blocking.wait(runtime.session, transfer, 5, runtime)
    until transfer:ready()
    assert.equal(1, told)
    assert.is_nil(runtime.session:next_ready())
    transfer:close()
  end)

  it("returns at once for a ready target or a closed session", function()
    start {}
    local runtime = here.client:runtime()
    local session = runtime.session
    blocking.wait(session, { ready = function() return true end }, 3600,
      runtime)
    here.client:close()
    blocking.wait(session, { ready = function() return false end }, 3600,
      runtime)
  end)

  it("yields although there is data", function()
    local sleeps = 0
    start({ service.answer(200, service.list(3)) }, {
      host = function(session, transfer, seconds)
        if not transfer and seconds == 0 then sleeps = sleeps + 1 end
        return blocking.wait(session, transfer, seconds,
          here.client:runtime())
      end })
    for _ in here.client.generations:list() do scripted.sleep(0.005) end
    assert.is_true(sleeps >= 2)
  end)

  it("says once that a call stops a loop", function()
    local log, logged = core.log, {}
    core.log = function(text) logged[#logged + 1] = text end
    local function count()
      return coroutine.wrap(function()
        assert.equal(2, here.client.generations:count())
      end)()
    end
    local answer = { loop = true,
      service.answer(200, '{"count":2}') }
    local ok, problem = pcall(function()
      start(answer)
      count()
      assert.same({}, logged)
      here.client:drive { after = function() end }
      here.client.generations:count()  -- in the main coroutine
      assert.same({}, logged)
      count()
      count()
      assert.equal(1, #logged)
      assert.matches("a coroutine of the program's loop stops it .*"
        .. "client:spawn", logged[1])
      start(answer, { host = "blocking" })
      here.client:drive { after = function() end }
      count()
      package.loaded.copas = {}
      start(answer)
      count()
      assert.equal(2, #logged)
      assert.matches("a coroutine of copas stops it .*client:drive", logged[2])
      package.loaded.copas = nil
      local mode
      package.loaded.luv = { loop_mode = function() return mode end }
      start(answer)
      count()
      assert.equal(2, #logged)
      mode = "default"
      count()
      count()
      assert.equal(3, #logged)
      assert.matches("a coroutine of luv stops it .*function%(%) … end%)%.$",
        logged[3])
    end)
    package.loaded.copas, package.loaded.luv, core.log = nil, nil, log
    assert(ok, problem)
  end)

  it("names a waiter that makes no steps in a call that timed out", function()
    -- Sleeps, and leaves the rest to others.
    start({ { { read = true }, { stall = 5 } } }, { timeout = 1.5,
      max_attempts = 1, host = function(_, _, seconds)
        scripted.sleep(math.min(seconds, 0.6))
      end })
    local _, err = here.client.generations:count()
    assert.equal("timeout", err.kind)
    assert.matches("The function given as host let %d[%d.]* s pass without "
      .. "client:step%(%), which it must call when client:fd%(%) can be read "
      .. "and after client:timeout%(%) seconds%.$", tostring(err))
  end)

  it("blames no waiter that makes its steps", function()
    start({ { { read = true }, { stall = 5 } } }, { timeout = 1,
      max_attempts = 1, host = function(_, target, seconds)
        local until_ = core.now() + seconds
        while core.now() < until_ and not (target and target:ready()) do
          scripted.sleep(0.01)
          here.client:step()
        end
      end })
    local _, err = here.client.generations:count()
    assert.equal("timeout", err.kind)
    assert.is_nil(tostring(err):find("given as host", 1, true), tostring(err))
  end)
end)
