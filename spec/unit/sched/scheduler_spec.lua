-- SPDX-License-Identifier: MIT
local calls = require "spec.support.calls"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local host = require "lipsync.host"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local limited = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

-- Over a session that does nothing by itself.
describe("a scheduler's waits", function()
  local client, runtime, scheduler, now, told
  local real = core.now

  before_each(function()
    client, now, told = calls.client({}, { on_task_error = function(...)
      told[#told + 1] = { ... }
    end }), 100, {}
    client.closed = false
    runtime = client.runtime()
    scheduler = runtime.scheduler
    core.now = function() return now end
  end)

  after_each(function() core.now = real end)

  local function step() return scheduler:step(0.01) end

  it("end when they are due, and not before", function()
    local woken = 0
    scheduler:spawn(function()
      scheduler:wait(nil, 0.5)
      woken = woken + 1
      scheduler:wait(nil, math.huge)
    end)
    assert.is_true(scheduler:is_ready())
    step()
    assert.is_false(client.step_ends)
    assert.is_false(scheduler:is_ready())
    assert.equal(0.5, scheduler:timeout())
    now = 100.499
    step()
    assert.equal(0, woken)
    now = 100.5
    assert.is_true(scheduler:is_ready())
    assert.equal(0, scheduler:timeout())
    step()
    assert.equal(1, woken)
    assert.is_nil(scheduler:timeout())
    assert.is_false(scheduler:is_ready())
    now = 1e9
    step()
    assert.equal(1, scheduler:pending())
  end)

  it("are forgotten when they end", function()
    local target = { ready = function() return false end }
    local one = scheduler:spawn(function() scheduler:wait(target, 0.5) end)
    local other = scheduler:spawn(function()
      scheduler:wait(target, 0.25)
      scheduler:wait(nil, 60)
    end)
    step()
    assert.is_not_nil(runtime.waiters.by[target])
    assert.equal(0.25, scheduler:timeout())
    now = 100.25
    step()
    now = 100.5
    step()
    assert.is_true(one:is_over())
    assert.is_nil(next(runtime.waiters.by))
    other:cancel()
    assert.is_nil(scheduler:timeout())
    one = scheduler:spawn(function() scheduler:wait(target, 60) end)
    step()
    one:cancel()
    assert.is_nil(next(runtime.waiters.by))
    assert.is_nil(scheduler:timeout())
    step()
    assert.same({}, told)
  end)

  it("end when a target is ready, whoever made the step", function()
    local target, woken = { ready = function() return false end }, false
    scheduler:spawn(function()
      scheduler:wait(target, 60)
      woken = true
    end)
    step()
    assert.is_false(scheduler:is_ready())
    local ready = { target }
    function runtime.session.next_ready() return table.remove(ready) end
    assert.is_true(scheduler:is_ready())
    step()
    assert.is_true(woken)
  end)

  it("are only a turn for a target that is ready", function()
    local order = {}
    for i = 1, 2 do
      scheduler:spawn(function()
        scheduler:wait({ ready = function() return true end }, 60)
        order[#order + 1] = i
        scheduler:wait(nil, 0)
        order[#order + 1] = i
      end)
    end
    step()
    assert.same({ 1, 2, 1, 2 }, order)
  end)

  it("count the transfers that became ready in a step", function()
    local ready = {}
    function runtime.session.next_ready() return table.remove(ready) end
    assert.equal(0, step())
    ready = { {}, {}, {} }
    assert.equal(3, step())
    local inner
    scheduler:spawn(function()
      ready = { {}, {} }
      inner = scheduler:step(1)
    end)
    step()
    assert.equal(2, inner)
  end)

  it("give each session step the rest of the time", function()
    local given = {}
    function runtime.session.step(_, seconds)
      given[#given + 1] = seconds
      return 0
    end
    scheduler:spawn(function()
      now = now + 0.25
      scheduler:step(60)
      scheduler:wait(nil, 0)
      now = now + 0.125
    end)
    scheduler:step(1)
    assert.equal(3, #given)
    for i, seconds in ipairs { 1, 0.75, 0.75 } do
      assert.is_true(math.abs(seconds - 0.001 - given[i]) < 1e-6, given[i])
    end
  end)

  it("keep as much time as a step took too long, and forget it", function()
    local given
    function runtime.session.step(_, seconds)
      given = seconds
      return 0
    end
    scheduler:spawn(function() now = client.step_ends + 0.25 end)
    scheduler:step(1)
    local kept = 0.25
    for i = 1, 3 do
      scheduler:step(1)
      assert.is_true(math.abs(1 - kept - given) < 1e-6, given)
      -- Only steps that are used up show that less is enough.
      if i > 1 then
        scheduler:spawn(function() now = client.step_ends end)
        scheduler:step(1)
        kept = kept * 0.98
      end
    end
    -- Half of a step at most.
    scheduler:spawn(function() now = client.step_ends + 5 end)
    scheduler:step(0.5)
    scheduler:step(1)
    assert.is_true(math.abs(0.75 - given) < 1e-6, given)
  end)

  it("end when a call is made to wait for a task", function()
    local one = scheduler:spawn(function() scheduler:wait(nil, 60) end)
    function client.step() return step() end
    client.options.host = function(_, target, seconds)
      assert.is_false(target:ready())
      now = now + seconds
    end
    local _, err = one:wait(2.5)
    assert.equal("timeout", err.kind)
    assert.equal(102.5, now)
    assert.is_nil((one:wait(60)))
    assert.equal(160, now)
    assert.is_true(one:is_over())
  end)

  it("are told to a loop that makes the steps", function()
    local pump, made, armed = host.pump, 0, nil
    finally(function() rawset(host, "pump", pump) end)
    rawset(host, "pump", function(of)
      assert.equal(client, of)
      made = made + 1
      return { arm = function(_, on, seconds)
        armed = { on, seconds or "nothing" }
      end }
    end)
    local due
    function runtime.session.timeout() return due end
    step()
    assert.equal(0, made)
    client.closed = true
    scheduler:arm()
    assert.equal(0, made)
    client.closed = false
    local target = { ready = function() return false end }
    local one = scheduler:spawn(function()
      scheduler:wait(nil, 0.5)
      scheduler:wait(target, math.huge)
    end)
    assert.same({ 1, true, 0 }, { made, armed[1], armed[2] })
    step()
    assert.same({ true, 0.5 }, armed)
    for first, wanted in pairs { [0.25] = 0.25, [0.75] = 0.5, [0] = 0 } do
      due = first
      step()
      assert.same({ true, wanted }, armed)
    end
    now, due = 100.5, nil
    step()
    assert.same({ true, "nothing" }, armed)
    due = 3
    step()
    assert.same({ true, 3 }, armed)
    one:wake()
    assert.same({ true, 0 }, armed)
    one:cancel()
    assert.same({ false, "nothing" }, armed)
    scheduler:spawn(function() end)
    step()
    assert.same({ false, "nothing" }, armed)
    assert.equal(1, made)
    scheduler:drive()
    assert.same({ false, "nothing" }, armed)
    assert.is_false(scheduler.pump)
    scheduler:spawn(function() scheduler:wait(nil, 1) end)
    assert.equal(2, made)
  end)

  it("wake the one who runs the tasks", function()
    local woken, target = 0, nil
    function client.step() return step() end
    local one = scheduler:spawn(function() scheduler:wait(nil, 60) end)
    client.options.host = function(_, runner)
      target = runner
      runtime.waiters:subscribe(runner, { wake = function()
        woken = woken + 1
      end })
      one:wake()
    end
    scheduler:run()
    assert.equal(1, woken)
    assert.is_false(scheduler.runner)
    assert.is_function(target.ready)
  end)
end)

describe("scheduler", function()
  local server, client, failures

  local function start(script, options)
    failures = {}
    local own = { on_task_error = function(err, task)
      failures[#failures + 1] = { err, task }
    end }
    for name, value in pairs(options or {}) do own[name] = value end
    server = scripted.start(script)
    client = service.client(server.base_url, own)
  end

  after_each(function()
    client:close()
    server:stop()
  end)

  local function read(filter)
    local listing, ids = client.generations:list(filter), {}
    local generation, err = listing:next()
    while generation do
      ids[#ids + 1] = generation.id
      generation, err = listing:next()
    end
    return ids, err
  end

  -- Steps without waiting until `fn` returns true.
  local function step_until(fn, budget)
    local deadline = core.now() + 20
    repeat
      client:step(budget)
    until fn() or core.now() > deadline
    assert.is_true(fn())
  end

  -- Steps until the server has read `n` requests.
  local function await_requests(n)
    step_until(function() return #server:requests() >= n end)
  end

  it("starts a task in the next step, with its arguments", function()
    start {}
    local got
    client:spawn(function(...) got = { n = select("#", ...), ... } end, 1,
      nil, "three", nil)
    assert.is_nil(got)
    assert.equal(1, client:pending())
    assert.equal(0, client:timeout())
    client:step()
    assert.same({ n = 4, 1, nil, "three" }, got)
    assert.equal(0, client:pending())
    assert.is_nil(client:timeout())
  end)

  it("waits in one task while the others go on", function()
    start { { { read = true }, { stall = 0.2 },
              { send = scripted.response(200, service.list(2)) } },
            { { read = true },
              { send = scripted.response(200, '{"count":7}') } } }
    local order = {}
    client:spawn(function()
      local n = #read()
      order[#order + 1] = n
    end)
    await_requests(1)
    client:spawn(function()
      local n = assert(client.generations:count())
      order[#order + 1] = n
    end)
    client:run()
    assert.same({ 7, 2 }, order)
  end)

  it("resumes a task that yielded in the next step", function()
    start {}
    local n = 0
    client:spawn(function()
      for _ = 1, 3 do
        n = n + 1
        coroutine.yield "anything"
      end
    end)
    for i = 1, 3 do
      client:step(1)
      assert.equal(i, n)
    end
    client:step()
    assert.equal(0, client:pending())
  end)

  it("keeps to the budget, whatever has arrived", function()
    start { service.answer(200, service.list(300)) }
    local delivered, most, before = 0, 0, 0
    client:spawn(function()
      local listing = client.generations:list()
      while listing:next() do delivered = delivered + 1 end
    end)
    step_until(function()
      most = math.max(most, delivered - before)
      before = delivered
      return client:pending() == 0
    end, 0)
    assert.equal(300, delivered)
    assert.is_true(most <= 2, most)
  end)

  it("keeps to it inside a page and a generation too", function()
    local page = "[" .. service.generation("large", "COMPLETED",
      ',"text":"' .. ("x"):rep(900 * 1024) .. '"') .. ","
      .. service.list(90):sub(2)
    start { service.answer(200, page), service.answer(200, "[]"),
            service.answer(200, page) }
    for _, filter in ipairs { { page_size = 100 }, {} } do
      local steps, n = 0, nil
      client:spawn(function() n = #read(filter) end)
      step_until(function()
        -- Only steps that had something to read count.
        steps = steps + 1
        return client:pending() == 0
      end, 0)
      assert.equal(91, n)
      assert.is_true(steps > 14 + (filter.page_size and 90 or 0))
    end
  end)

  -- Calls `fn` for each step of the session, with the seconds given to it.
  local function watch_steps(fn)
    local runtime = client:runtime()
    local session = runtime.session
    runtime.session = setmetatable({
      step = function(_, seconds)
        fn(seconds)
        return session:step(seconds)
      end,
    }, { __index = function(_, name)
      return function(_, ...) return session[name](session, ...) end
    end })
  end

  it("gives the session the rest of the budget", function()
    start {}
    local given = {}
    watch_steps(function(seconds) given[#given + 1] = seconds end)
    client:spawn(function()
      scripted.sleep(0.02)
      client:step(60)  -- limited by the budget of the outer step
      client:runtime().scheduler:wait(nil, 0)
      scripted.sleep(0.02)
    end)
    client:step(0.5)
    assert.equal(3, #given)
    assert.is_true(given[1] <= 0.5 and given[1] > 0)
    assert.is_true(given[2] <= 0.48)
    assert.is_true(given[3] <= given[2])
  end)

  it("ends earlier after steps that took too long, for a while", function()
    start {}
    local given = {}
    watch_steps(function(seconds) given[#given + 1] = seconds end)
    local function take_too_long()
      local ends = client.step_ends + 0.2
      repeat until core.now() >= ends
    end
    -- What a busy machine takes may spoil one of some steps, but not all.
    local function most_of(steps)
      local before, most = #given, 0
      for _ = 1, steps do client:step(1) end
      for i = before + 1, #given do most = math.max(most, given[i]) end
      return most
    end
    client:spawn(take_too_long)
    client:step(1)
    assert.is_true(most_of(3) <= 0.82)
    -- What had nothing to do has not shown that it can be trusted.
    most_of(400)
    assert.is_true(most_of(3) <= 0.82)
    local used_up = client:spawn(function()
      while true do
        repeat until core.now() >= client.step_ends
        client:runtime().scheduler:wait(nil, 0)
      end
    end)
    for _ = 1, 400 do client:step(0.001) end
    used_up:cancel()
    assert.is_true(most_of(3) > 0.95)
    -- At most half of a step is kept.
    client:spawn(take_too_long)
    client:step(0.01)
    assert.is_true(most_of(3) > 0.95)
  end)

  it("begins no session step with hardly any time left", function()
    start {}
    local given, rounds = 0, 0
    watch_steps(function() given = given + 1 end)
    client:spawn(function()
      local tasks = client:runtime().scheduler
      repeat until core.now() >= client.step_ends
      tasks:wait(nil, 0)
      rounds = rounds + 1
    end)
    client:step(0.01)
    assert.same({ 1, 0 }, { given, rounds })
    client:step(0)  -- but one in each step of the client
    assert.same({ 2, 1 }, { given, rounds })
  end)

  it("lets no task begin anything with hardly any time left", function()
    start {}
    local real, now, left = core.now, core.now(), nil
    finally(function() core.now = real end)
    core.now = function() return now end
    client:spawn(function() left = client.step_ends - now end)
    client:step(0.5)
    assert.is_true(math.abs(left - 0.499) < 1e-6, left)
  end)

  it("makes no steps in waiting tasks, however many", function()
    -- No connection is used again: its script answers one request.
    local head, body = scripted.response(200, service.list(300),
      { Connection = "close" }):match "^(.-\r\n\r\n)(.*)"
    -- The head alone wakes a task, which then finds nothing to read.
    start { { { read = true }, { send = head }, { stall = 0.02 },
              { send = body }, { hold = true } }, loop = true }
    local inside, n = 0, 0
    watch_steps(function()
      if client:runtime().scheduler.current then inside = inside + 1 end
    end)
    for _ = 1, 8 do
      client:spawn(function()
        local mine = #read()
        n = n + mine
      end)
    end
    step_until(function() return client:pending() == 0 end)
    assert.equal(2400, n)
    assert.equal(0, inside)
  end)

  it("passes an error to on_task_error and ends the task's calls", function()
    start { { { read = true }, { send = scripted.response(200,
      service.list(1), { ["Content-Length"] = "100000" }) }, { hold = true } } }
    local task = client:spawn(function()
      assert(client.generations:list():next())
      error({ code = 7 }, 0)
    end)
    step_until(function() return task:is_over() end)
    assert.equal(7, failures[1][1].code)
    assert.equal(task, failures[1][2])
    -- At once, not only when it is collected.
    assert.equal(1, #server:gone(1))
  end)

  it("logs a task that dies, without on_task_error", function()
    local log, text = core.log, nil
    rawset(core, "log", function(line) text = line end)
    start {}
    client.options.on_task_error = nil
    client:spawn(function() error "quite unexpected" end)
    client:step()
    local first = text
    client:spawn(function() core.raise(errors.new("invalid", "no id")) end)
    client:step()
    rawset(core, "log", log)
    assert.matches("a task failed: [^\n]*scheduler_spec.lua:%d+: "
      .. "quite unexpected", first)
    assert.equal("lipsync: a task failed: no id.", text)
  end)

  it("loses no error if on_task_error raises", function()
    start {}
    local seen = 0
    client.options.on_task_error = function()
      seen = seen + 1
      error "and once more"
    end
    client:spawn(function() error "one" end)
    client:spawn(function() error "two" end)
    assert.has_error(function() client:step() end)
    assert.has_error(function() client:step() end)
    client:step()
    assert.equal(2, seen)
  end)

  it("cancels a task and closes its connections", function()
    start { { { read = true }, { hold = true } } }
    local went_on = false
    local task = client:spawn(function()
      client.generations:count()
      went_on = true
    end)
    await_requests(1)
    assert.is_false(task:is_over())
    task:cancel()
    task:cancel()
    assert.is_true(task:is_over())
    assert.equal(0, client:pending())
    assert.equal(1, #server:gone(1))
    client:run()
    assert.is_false(went_on)
    assert.same({}, failures)
  end)

  it("cancels the running task at its next wait", function()
    start {}
    local task, after
    task = client:spawn(function()
      task:cancel()
      coroutine.yield()
      after = true
    end)
    client:run()
    assert.is_true(task:is_over())
    assert.is_nil(after)
  end)

  it("ends a call with `closed` when the client is closed", function()
    start { { { read = true }, { hold = true } } }
    local kind
    client:spawn(function()
      local _, err = client.generations:count()
      kind = err.kind
    end)
    client:spawn(function() while true do coroutine.yield() end end)
    await_requests(1)
    client:close()
    assert.equal("closed", kind)
    assert.has_error(function() client:step() end)
    assert.equal(0, client:runtime().scheduler.count)
  end)

  it("logs what tasks raise at the end, but not that the client was closed",
    function()
      start { { { read = true }, { hold = true } }, loop = true }
      local real, logged = host.log, {}
      finally(function() host.log = real end)
      function host.log(text) logged[#logged + 1] = text end
      client.options.on_task_error = nil
      for _, problem in ipairs { false, "mine",
                                 errors.new("invalid", "no id") } do
        client:spawn(function()
          local _, err = client.generations:count()
          error(problem or err, 0)
        end)
      end
      await_requests(1)
      client:close()
      table.sort(logged, function(a, b) return #a < #b end)
      assert.equal(2, #logged)
      assert.equal("lipsync: a task failed: no id.", logged[1])
      assert.matches("a task failed: mine\nstack traceback", logged[2])
    end)

  it("tells on_task_error also that the client was closed", function()
    start { { { read = true }, { hold = true } } }
    client:spawn(function()
      error(select(2, client.generations:count()), 0)
    end)
    await_requests(1)
    client:close()
    assert.equal(1, #failures)
    assert.equal("closed", failures[1][1].kind)
  end)

  it("lets a task close the client", function()
    start { { { read = true }, { hold = true } } }
    local kind
    client:spawn(function()
      local _, err = client.generations:count()
      kind = err.kind
    end)
    client:step()
    client:spawn(function() client:close() end)
    client:step()
    assert.equal("closed", kind)
  end)

  it("wakes a task at its listing's end, from any cause", function()
    start { { { read = true }, { hold = true } } }
    local listing, kind = client.generations:list(), nil
    client:spawn(function()
      local _, err = listing:next()
      kind = err.kind
    end)
    await_requests(1)
    listing:close()
    client:step()
    assert.equal("canceled", kind)
  end)

  it("gives a task a slot as soon as one is free", function()
    local answer = { { read = true },
                     { send = scripted.response(200, '{"count":1}') } }
    start({ answer, answer, answer, answer, loop = true },
      { max_in_flight = 1 })
    local n, wakes = 0, 0
    for _ = 1, 20 do
      client:spawn(function()
        assert(client.generations:count())
        n = n + 1
      end)
    end
    local wait = client:runtime().scheduler.wait
    client:runtime().scheduler.wait = function(...)
      wakes = wakes + 1
      return wait(...)
    end
    client:run()
    assert.equal(20, n)
    -- No task polls.
    assert.is_true(wakes < 20 * 6, wakes)
  end)

  it("is not woken without a cause while it waits for a place", function()
    start({ { { read = true }, { hold = true } }, loop = true },
      { max_in_flight = 2 })
    local collect, collections, resumed = collectgarbage, 0, 0
    for _ = 1, 50 do
      client:spawn(function() client.generations:count() end)
    end
    await_requests(2)
    local resume = coroutine.resume
    rawset(coroutine, "resume", function(...)
      resumed = resumed + 1
      return resume(...)
    end)
    rawset(_G, "collectgarbage", function(...)
      collections = collections + 1
      return collect(...)
    end)
    local scheduler, deadline = client:runtime().scheduler, core.now() + 5
    while scheduler:timeout() == 0 and core.now() < deadline do
      client:step()
    end
    assert.is_true(scheduler:timeout() > 2)
    resumed, deadline = 0, core.now() + 1.5
    repeat
      client:step()
      scripted.sleep(0.05)
    until core.now() > deadline
    rawset(coroutine, "resume", resume)
    rawset(_G, "collectgarbage", collect)
    assert.same({ 0, 0 }, { resumed, collections })
  end)

  it("calls again one that could not be called", function()
    start({}, { max_in_flight = 1 })
    local limiter, called = client:runtime().limiter, 0
    local first, second = { kept = true }, { kept = true }
    function second.called()
      called = called + 1
      if called == 1 then error("not enough memory", 0) end
    end
    assert.is_true(limiter:take(first, core.now()))
    assert.is_false(limiter:take(second, core.now()))
    assert.has_error(function() limiter:release(first) end)
    client:step()
    assert.equal(2, called)
    client:step()
    assert.equal(2, called)
    limiter:leave(second)
  end)

  it("spends no time on waiting tasks", function()
    start({ { { read = true }, { hold = true } }, loop = true },
      { max_in_flight = 1 })
    local function cost(waiting)
      for _ = client:pending() + 1, waiting do
        client:spawn(function() client.generations:count() end)
      end
      for _ = 1, 5 do client:step(1) end
      local instructions = 0
      debug.sethook(function() instructions = instructions + 1 end, "", 10)
      client:step(1)
      debug.sethook()
      return instructions
    end
    if rawget(_G, "jit") then require "jit".off() end
    local few = cost(10)
    local many = cost(1000)
    if rawget(_G, "jit") then require "jit".on() end
    assert.is_true(many <= few * 3 + 20, few .. " " .. many)
  end)

  it("tells a task from a coroutine that it made", function()
    start { { { read = true }, { stall = 0.05 },
              { send = scripted.response(200, service.list(3)) } } }
    local ids = {}
    client:spawn(function()
      local each = coroutine.wrap(function()
        local listing = client.generations:list()
        local generation = listing:next()
        while generation do
          coroutine.yield(generation.id)
          generation = listing:next()
        end
      end)
      for id in each do ids[#ids + 1] = id end
    end)
    client:run()
    assert.same({ "g1", "g2", "g3" }, ids)
  end)

  it("refuses to run inside a task", function()
    start {}
    client:spawn(function() client:run() end)
    client:step()
    assert.matches("^[^\n]*scheduler_spec.lua:%d+: client:run%(%) was called "
      .. "by a task", failures[1][1])
  end)

  it("takes only functions", function()
    start {}
    assert.has_error(function() client:spawn "x" end)
    assert.has_error(function() client.spawn(function() end) end)
  end)

  it("allows a `for` in a task, or gives advice on Lua 5.1", function()
    start { { { read = true }, { stall = 0.05 },
              { send = scripted.response(200, service.list(3)) } } }
    local n = 0
    client:spawn(function()
      for _ in client.generations:list() do n = n + 1 end
    end)
    client:run()
    if limited then
      assert.matches("listing:next%(%)", failures[1][1])
      assert.equal(0, #server:requests())
    else
      assert.equal(3, n)
    end
  end)

  if rawget(coroutine, "close") then
    it("closes a task's variables when it ends early", function()
      start { { { read = true }, { hold = true } } }
      local closed = 0
      local made = assert(load([[
        local client, note = ...
        local variable <close> = setmetatable({}, { __close = note })
        client.generations:count()
      ]]))
      local task = client:spawn(made, client, function()
        closed = closed + 1
      end)
      client:step()
      task:cancel()
      assert.equal(1, closed)
    end)

    it("tells what these raise", function()
      start { { { read = true }, { hold = true } } }
      local made = assert(load([[
        local client, note = ...
        local variable <close> = setmetatable({}, { __close = note })
        client.generations:count()
      ]]))
      local task = client:spawn(made, client, function() error("mine", 0) end)
      client:step()
      task:cancel()
      client:step()
      assert.same({ { "mine", task } }, failures)
    end)
  end
end)
