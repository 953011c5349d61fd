-- SPDX-License-Identifier: MIT
local api = require "lipsync.api"
local clock = require "spec.support.clock"
local core = require "lipsync.core"
local lipsync = require "lipsync"
local operation = require "lipsync.operation"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"
local sleep = require "lipsync.call.sleep"
local wait = require "lipsync.compound.wait"

describe("wait", function()
  local here = service.fixture(after_each)
  local stop_clock = clock.fixture(after_each)

  local function answer(status)
    return service.answer(200, service.generation("g1", status))
  end

  -- The requests as `path?query`.
  local function targets(n)
    local list = {}
    for i, request in ipairs(here.server:requests(n)) do
      list[i] = request.target
    end
    return list
  end

  it("polls until the end, and reports each status once", function()
    stop_clock()
    local generations = here.start { answer "PENDING", answer "PROCESSING",
      answer "PROCESSING", answer "COMPLETED" }
    local told = {}
    local generation = assert(generations:wait("g1", {
      on_change = function(g) told[#told + 1] = g.status end }))
    assert.equal("COMPLETED", generation.status)
    assert.same({ "PENDING", "PROCESSING", "COMPLETED" }, told)
    for _, target in ipairs(targets(4)) do
      assert.equal("/v2/generate/g1?wait=true&timeout=10", target)
    end
  end)

  it("makes no request for an ended generation", function()
    local generations = here.start {}
    local ended = lipsync.generation(service.generation("g1", "REJECTED"))
    assert.equal(ended, generations:wait(ended))
    assert.equal(0, #here.server:connections())
  end)

  it("takes an unknown status as not ended", function()
    local generations = here.start { answer "RESTING", answer "FAILED" }
    assert.equal("FAILED", assert(generations:wait "g1").status)
    assert.equal(2, #targets(2))
  end)

  it("rests longer each time a long poll is answered early", function()
    local generations = here.start { answer "PENDING", answer "PENDING",
      answer "PENDING", answer "PENDING", answer "PENDING", answer "PENDING",
      answer "REJECTED" }
    local run, rests = sleep.run, {}
    finally(function() sleep.run = run end)
    function sleep.run(_, seconds)
      rests[#rests + 1] = seconds
      return true
    end
    assert.equal("REJECTED", assert(generations:wait "g1").status)
    assert.equal(7, #targets(7))
    assert.equal(6, #rests)
    for i, seconds in ipairs(rests) do
      local least = math.min(0.25 * 2 ^ (i - 1), 4)
      assert.is_true(seconds >= least and seconds <= 1.25 * least)
    end
  end)

  it("goes on after temporary errors only", function()
    stop_clock()
    local generations = here.start({ answer "PENDING", service.answer(503, ""),
      { { read = true }, { close = true } }, answer "PROCESSING",
      service.answer(404, '{"errorCode":"generation_not_found"}') })
    local generation, err = generations:wait("g1", { max_attempts = 1 })
    assert.is_nil(generation)
    assert.equal(404, err.statusCode)
    assert.equal("PROCESSING", err.generation.status)
    assert.match("^wait for generation g1: 404 ", tostring(err))
    assert.equal(5, #targets(5))
  end)

  it("speaks of waiting for an id that cannot be sent", function()
    local generations = here.start {}
    local generation, err = generations:wait ""
    assert.is_nil(generation)
    assert.equal("id", err.field)
    assert.equal("wait for generation: the id is empty.", tostring(err))
  end)

  it("ends at its timeout with the last status", function()
    local generations = here.start { answer "PENDING", answer "PENDING",
                                     loop = true }
    local generation, err = generations:wait("g1", { timeout = 0.4,
                                                     tag = "t" })
    assert.is_nil(generation)
    assert.equal("timeout", err.kind)
    assert.equal("t", err.tag)
    assert.equal("PENDING", err.generation.status)
    assert.equal("wait for generation g1: 0.4 s have passed (timeout); it is "
      .. "PENDING.", tostring(err))
  end)

  it("lets no poll last longer than is left, or than ten seconds", function()
    stop_clock()
    for left, seconds in pairs { [0.5] = 1, [1.75] = 1, [3.75] = 3, [10.5] = 10,
                                 [600] = 10 } do
      local generations = here.start { answer "FAILED" }
      assert(generations:wait("g1", { timeout = left }))
      assert.same({ ("/v2/generate/g1?wait=true&timeout=%d"):format(seconds) },
        targets(1))
      here.stop()
    end
  end)

  -- The timeout and the stall_timeout of the only poll of a wait.
  local function times(given, options)
    local generations = here.start({ answer "FAILED" }, options)
    local prepare, seen = operation.prepare, nil
    finally(function() operation.prepare = prepare end)
    operation.prepare = function(resource, spec, id, own, more)
      seen = own
      return prepare(resource, spec, id, own, more)
    end
    assert(generations:wait("g1", given))
    operation.prepare = prepare
    here.stop()
    return { seen.timeout, seen.stall_timeout }
  end

  it("gives no poll much more time than is left", function()
    stop_clock()
    assert.same({ 3601, 30 }, times())
    assert.same({ 61, 15 }, times({ timeout = 60 }, { stall_timeout = 2 }))
    assert.same({ 61, 40 }, times { timeout = 60, stall_timeout = 40 })
    -- A poll of a second may be answered late.
    assert.same({ 2, 6 }, times { timeout = 0.5, stall_timeout = 2 })
    assert.same({ 61, 2 }, times { timeout = 60, stall_timeout = 2,
                                   on_progress = function() end })
    assert.same({ 1.5 }, times { timeout = 0.5,
                                 on_progress = function() end })
  end)

  it("rests after an error as after an early answer, or as it is asked",
    function()
      local rests, random = stop_clock(), core.random
      finally(function() core.random = random end)
      core.random = function() return 0.5 end
      local bad = service.answer(503, "")
      local generations = here.start { answer "PENDING", bad, bad,
        service.answer(503, "", { ["Retry-After"] = "8" }),
        service.answer(503, "", { ["Retry-After"] = "0" }), answer "FAILED" }
      assert(generations:wait("g1", { max_attempts = 1 }))
      -- An eighth more, and twice as long each time, up to 4 s.
      assert.same({ 0.28125, 0.5625, 1.125, 9, 4.5 }, rests)
    end)

  it("rests only after a poll that was answered early", function()
    local generations = here.start {}
    local run, prepare, random, rests = sleep.run, operation.prepare,
      core.random, {}
    finally(function()
      sleep.run, operation.prepare, core.random = run, prepare, random
    end)
    core.random = function() return 0 end
    sleep.run = function(_, seconds)
      rests[#rests + 1] = seconds
      return true
    end
    -- Each poll takes so many seconds.
    local polls, at = { 0, 8.5, 9, 0, 8, 10, 0 }, 0
    operation.prepare = function(_, _, _, _, own)
      return { runtime = { polls = {} }, run = function()
        local seconds = table.remove(polls, 1)
        own.clock:add(at, at + seconds)
        at = at + seconds
        return assert(lipsync.generation(service.generation("g1",
          polls[1] and "PENDING" or "FAILED")))
      end }
    end
    assert(generations:wait "g1")
    assert.same({ 0.25, 0.5, 0.25, 0.5 }, rests)
  end)

  it("tells no status that it was given", function()
    local generations = here.start { answer "PENDING", answer "FAILED" }
    local told = {}
    assert(generations:wait(lipsync.generation(service.generation("g1",
      "PENDING")), { on_change = function(g) told[#told + 1] = g.status end }))
    assert.same({ "FAILED" }, told)
  end)

  it("polls for the progress for `on_progress`", function()
    stop_clock()
    local function progress(status, percent)
      return service.answer(200, service.generation("g1", status,
        ',"progress_percent":' .. percent))
    end
    local generations = here.start { progress("PENDING", "null"),
      progress("PENDING", '"half"'), progress("PROCESSING", "40.5"),
      progress("COMPLETED", 100) }
    local told = {}
    assert(generations:wait("g1", { on_progress = function(percent)
      told[#told + 1] = percent
    end }))
    assert.same({ 0, 0, 40.5, 100 }, told)
    assert.equal("/v2/generate/g1?include=progress", targets(2)[1])
  end)

  it("has so many long polls at a time, and else asks seldom", function()
    local generations = here.start({ pick = true,
      { when = "wait=true", { hold = true } },
      { when = "GET ", { send = scripted.response(200,
        service.generation("g1", "PENDING")) } } }, { max_waits = 2 })
    local run, rests = sleep.run, {}
    finally(function() sleep.run = run end)
    function sleep.run(client, seconds, ...)
      rests[#rests + 1] = seconds
      return run(client, 0.01, ...)
    end
    local tasks = {}
    for i = 1, 5 do
      tasks[i] = here.client:spawn(generations.wait, generations, "g1",
        { headers = { ["X-A"] = "b" } })  -- so none asks for others
    end
    -- How many polls were long when there were `n` requests, or `most` long.
    local function long_ones(n, most)
      local ends = core.now() + 20
      repeat
        here.client:step()
        local count, seen = 0, here.server:requests()
        for _, request in ipairs(seen) do
          if request.target:find("wait=true", 1, true) then
            count = count + 1
          end
        end
        if #seen >= n or count >= most then return count end
        scripted.sleep(0.001)
      until core.now() > ends
    end
    assert.equal(2, long_ones(20, math.huge))
    for _, seconds in ipairs(rests) do
      assert.is_true(seconds >= 10 and seconds <= 12.5)
    end
    tasks[1]:cancel()
    assert.equal(3, long_ones(math.huge, 3))
  end)

  it("holds no slot, and ends at once with its task", function()
    local generations = here.start({ { { read = true }, { hold = true } },
      service.answer(200, '{"count":3}') }, { max_in_flight = 1 })
    local client, count, ended = here.client, nil, false
    local waiting = client:spawn(function()
      generations:wait "g1"
      ended = true
    end)
    client:spawn(function()
      while #here.server:requests() == 0 do client:sleep(0.001) end
      count = generations:count()
      waiting:cancel()
    end)
    client:run()
    assert.equal(3, count)
    assert.is_false(ended)
  end)

  it("ends at once when the client is closed between two polls", function()
    local generations = here.start { service.answer(200,
      service.generation("g1", "PENDING")), service.answer(503, "",
      { ["Retry-After"] = "100" }) }
    local client, generation, err = here.client, nil, nil
    client:spawn(function()
      generation, err = generations:wait("g1", { max_attempts = 1, tag = "t" })
    end)
    repeat client:step() until #here.server:connections() == 2
    repeat client:step() until client:timeout() and client:timeout() > 30
    client:close()
    assert.is_nil(generation)
    assert.equal("closed", err.kind)
    assert.equal("t", err.tag)
    assert.equal("PENDING", err.generation.status)
    assert.equal("wait for generation g1: the client was closed.",
      tostring(err))
  end)

  it("is a method of a generation, and reports a dot", function()
    local generations = here.start { answer "PENDING", answer "FAILED" }
    local generation = assert(generations:get "g1")
    assert.equal("FAILED", assert(generation:wait()).status)
    local ok, message = pcall(function() generation.wait() end)
    assert.is_false(ok)
    assert.match("wait_spec.lua:%d+: call it with a colon", message)
    ok, message = pcall(function()
      lipsync.generation('{"id":"a"}'):wait()
    end)
    assert.is_false(ok)
    assert.match("call client%.generations:wait%(generation%)", message)
  end)

  it("is a method of all that ends, which says where else to call it",
    function()
      here.start {}
      for _, name in ipairs { "batches", "dialogue_edits", "speech",
                              "transcriptions" } do
        assert.is_function(here.client[name].wait)  -- which makes the type
        local object = assert(core.object(api[name].type, '{"id":"a"}'))
        local ok, message = pcall(function() object:wait() end)
        assert.is_false(ok)
        assert.match("wait_spec.lua:%d+: .*has no client: call client%."
          .. name .. ":wait%(", message)
        ok, message = pcall(function() object.wait() end)
        assert.is_false(ok)
        assert.match("wait_spec.lua:%d+: call it with a colon: "
          .. api[name].noun:gsub(" ", "_") .. ":wait%(%)", message)
      end
    end)

  it("waits at the emulator until its clock advances", function()
    local generations = here.emulate { generations = 0 }
    local id = here.server:add { status = "PENDING" }
    local client, generation = here.client, nil
    client:spawn(function() generation = assert(generations:wait(id)) end)
    client:spawn(function()
      assert(generations:get(id))
      here.server:advance(1000)
    end)
    client:run()
    assert.equal("COMPLETED", generation.status)
  end)
end)

describe("wait by the rows of a resource", function()
  local here = service.fixture(after_each)
  local stop_clock = clock.fixture(after_each)

  -- Rows whose service says only by Retry-After when to ask again.
  local rows = {
    type = "SpecJob", noun = "spec job", ends = { DONE = true, HALF = true },
    get = { method = "GET", path = "/v2/jobs/{id}", action = "get spec job",
            returns = "object", retry = "safe", poll = 3600 },
  }
  local Jobs = operation.resource("spec_jobs", rows)
  wait.install(Jobs, "spec_jobs", rows)

  local function answer(status, after)
    return service.answer(200, ('{"id":"j/1","status":"%s"}'):format(status),
      { ["Retry-After"] = after })
  end

  local function start(script)
    here.start(script)
    local jobs = Jobs.new(here.client)
    here.client.spec_jobs = jobs
    return jobs
  end

  it("asks again when the service says, until one of its ends", function()
    local jobs = start { answer("PENDING", "0"), answer("NEW", "0.01"),
                         answer "HALF" }
    local told = {}
    local job = assert(jobs:wait("j/1", { timeout = 20,
      on_change = function(j) told[#told + 1] = j.status end }))
    assert.equal("HALF", job.status)
    assert.same({ "PENDING", "NEW", "HALF" }, told)
    for _, request in ipairs(here.server:requests(3)) do
      assert.equal("/v2/jobs/j%2F1", request.target)
    end
    assert.equal(3, #here.server:requests())
  end)

  it("pauses even where the service says that it need not", function()
    local jobs = start { answer("PENDING", "0"),
      service.answer(503, "", { ["Retry-After"] = "0" }), answer "DONE" }
    local run, least = sleep.run, math.huge
    finally(function() sleep.run = run end)
    sleep.run = function(client, seconds, ...)
      least = math.min(least, seconds)
      return run(client, 0, ...)
    end
    assert(jobs:wait("j/1", { max_attempts = 1 }))
    assert.is_true(least >= 0.25)
  end)

  it("asks every so often where the service says nothing", function()
    local jobs = start { answer "PENDING", answer "PENDING", answer "DONE" }
    local every = Jobs.specs.get.poll
    Jobs.specs.get.poll = 0.01
    local job, err = jobs:wait "j/1"
    Jobs.specs.get.poll = every
    assert.is_nil(err)
    assert.equal("DONE", job.status)
  end)

  it("has an hour, and looks no more at its end", function()
    local jobs, rests, random = start { answer "PENDING", loop = true },
      stop_clock(), core.random
    finally(function() core.random = random end)
    core.random = function() return 0 end
    local job, err = jobs:wait "j/1"
    assert.is_nil(job)
    assert.equal("wait for spec job j/1: 3600 s have passed (timeout); it is "
      .. "PENDING.", tostring(err))
    assert.equal(3600, err.seconds)
    assert.same({ 3600 }, rests)
    assert.equal(1, #here.server:requests(1))
  end)

  it("rests up to a quarter longer than is asked, but not past its end",
    function()
      local jobs, rests, random = start { answer("PENDING", "8"),
        answer("PENDING", "4"), answer("PENDING", "100"), loop = true },
        stop_clock(), core.random
      finally(function() core.random = random end)
      core.random = function() return 0.5 end
      assert.is_nil((jobs:wait("j/1", { timeout = 20 })))
      assert.same({ 9, 4.5, 6.5 }, rests)
    end)

  it("ends at its timeout with the last object", function()
    local jobs = start { answer "PENDING" }
    local job, err = jobs:wait("j/1", { timeout = 0.3 })
    assert.is_nil(job)
    assert.equal("timeout", err.kind)
    assert.equal("PENDING", err.object.status)
    assert.is_nil(err.generation)
    assert.equal("wait for spec job j/1: 0.3 s have passed (timeout); it is "
      .. "PENDING.", tostring(err))
  end)

  it("has no progress to report", function()
    local jobs = start {}
    local ok, message = pcall(jobs.wait, jobs, "j/1", { on_progress = print })
    assert.is_false(ok)
    assert.match('unknown option "on_progress"', message)
  end)

  it("is a method of its objects", function()
    local jobs = start { answer("PENDING", "0"), answer "DONE" }
    local job = assert(jobs:get "j/1")
    assert.is_false(job:is_terminal())
    assert.equal("SpecJob j/1 PENDING", tostring(job))
    local done = assert(job:wait { timeout = 20 })
    assert.is_true(done:is_terminal())
    assert.equal(done, jobs:wait(done))
    assert.equal(2, #here.server:requests())
    local ok, message = pcall(function() job.wait() end)
    assert.is_false(ok)
    assert.match("wait_spec.lua:%d+: call it with a colon: spec_job:wait%(%)",
      message)
    local id = '{"id":"a"}'
    ok, message = pcall(function() core.object("SpecJob", id):wait() end)
    assert.is_false(ok)
    assert.match("has no client: call client%.spec_jobs:wait%(spec_job%)",
      message)
  end)
end)
