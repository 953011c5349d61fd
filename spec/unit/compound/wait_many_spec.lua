-- SPDX-License-Identifier: MIT
local calls = require "lipsync.call"
local clock = require "spec.support.clock"
local lipsync = require "lipsync"
local core = require "lipsync.core"
local service = require "spec.support.service"

local limited = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

-- The module that the library itself has loaded, once there is a client.
local function module()
  return require "lipsync.compound.wait_many"
end

describe("wait_many", function()
  local here = service.fixture(after_each)
  local stop_clock = clock.fixture(after_each)
  local interval = module().interval

  -- Rounds follow each other at once, unless a test says otherwise.
  before_each(function() module().interval = function() return 0.01 end end)
  after_each(function() module().interval = interval end)

  local function rows(states)
    local items = {}
    for i = 1, #states, 2 do
      items[#items + 1] = service.generation(states[i], states[i + 1])
    end
    return service.answer(200, "[" .. table.concat(items, ",") .. "]")
  end

  -- All that an iterator gives: "id STATUS" or "id kind", and the last error.
  local function read(iterator)
    local found = {}
    while true do
      local id, generation, err = iterator:next()
      if not id then return found, err end
      found[#found + 1] = id .. " "
        .. (generation and generation.status or err.kind)
    end
  end

  local function targets(n)
    local list = {}
    for i, request in ipairs(here.server:requests(n)) do
      list[i] = request.target:gsub("^/v2/generations%?ids=", "")
    end
    return list
  end

  it("gives each when it has ended, in the order of completion", function()
    local generations = here.start {
      rows { "a", "PENDING", "b", "COMPLETED", "c", "PROCESSING" },
      rows { "c", "RESTING", "a", "FAILED" },
      rows { "c", "REJECTED" } }
    local iterator = generations:wait_many { "a", "b", "c", "b" }
    assert.equal(3, iterator.waiting)
    assert.equal("wait for 3 generations", tostring(iterator))
    local found, err = read(iterator)
    assert.same({ "b COMPLETED", "a FAILED", "c REJECTED" }, found)
    assert.is_nil(err)
    assert.same({ "a,b,c", "a,c", "c" }, targets(3))
    assert.equal(0, iterator.waiting)
    assert.is_nil((iterator:next()))
  end)

  it("is what a `for` takes", function()
    local generations = here.start { rows { "a", "FAILED", "B", "COMPLETED" } }
    local found = {}
    for id, generation, err in generations:wait_many { "a", "b" } do
      found[id] = generation.status
      assert.is_nil(err)
    end
    assert.same({ a = "FAILED", b = "COMPLETED" }, found)
  end)

  it("asks nothing for those that have ended", function()
    local generations = here.start {}
    local ended = lipsync.generation(service.generation("a", "REJECTED"))
    assert.same({ "a REJECTED" }, (read(generations:wait_many { ended, "a" })))
    assert.same({}, (read(generations:wait_many {})))
    assert.equal(0, #here.server:connections())
  end)

  it("makes a request for each hundred and round, and sleeps between",
    function()
      module().interval = interval
      local generations = here.emulate { generations = 0 }
      local pending = {}
      for i = 1, 1000 do pending[i] = { status = "PENDING" } end
      local ids = here.server:add(pending)
      here.server:advance(60)
      local client, found, n = here.client, {}, 0
      local task = client:spawn(function()
        local iterator = generations:wait_many(ids)
        local id, generation = iterator:next()
        while id do
          assert(generation.status == "COMPLETED")
          assert(not found[id])
          found[id], n = true, n + 1
          id, generation = iterator:next()
        end
        return iterator.waiting
      end)
      local sent
      repeat
        client:step()
        sent = #here.server:requests()
      until sent == 10 and (client:timeout() or 0) > 1
      here.server:advance(300)
      assert.equal(0, task:wait())
      assert.equal(1000, n)
      assert.equal(20, #here.server:requests())
    end)

  it("reads a listing first, and gives what it finds ended", function()
    local generations = here.start {
      rows { "a", "COMPLETED", "b", "PENDING" }, rows { "b", "FAILED" } }
    local listing = generations:list()
    assert.same({ "a COMPLETED", "b FAILED" },
      (read(generations:wait_many((listing)))))
    assert.same({ "/v2/generations", "b" }, targets(2))
  end)

  it("ends with the error of its listing", function()
    local generations = here.start { service.answer(401, "{}") }
    local found, err = read(generations:wait_many((generations:list())))
    assert.same({}, found)
    assert.equal(401, err.statusCode)
  end)

  it("says of none that it is gone where another one came", function()
    local generations = here.start { rows { "a", "PENDING", "b", "PENDING" },
      rows { "B", "COMPLETED", "A", "PENDING" }, rows { "c", "FAILED" } }
    local found, err = read(generations:wait_many { "a", "b" })
    assert.same({ "b COMPLETED" }, found)
    assert.equal("protocol", err.kind)
    assert.equal("wait for generations: the service sent the generation c, "
      .. "which was not asked for.", tostring(err))
  end)

  it("gives one that is listed no more after a second look", function()
    local generations = here.start {
      rows { "a", "PENDING" }, rows { "a", "PENDING" },
      rows { "a", "COMPLETED" } }
    local iterator = generations:wait_many { "a", "b" }
    local id, generation, err = iterator:next()
    assert.equal("b", id)
    assert.is_nil(generation)
    assert.equal("api", err.kind)
    assert.equal(404, err.statusCode)
    assert.equal("wait for generation b: 404 it is not in the list. It was "
      .. "deleted before, or belongs to another organization.", tostring(err))
    assert.same({ "a COMPLETED" }, (read(iterator)))
    assert.same({ "a,b", "a,b", "a" }, targets(3))
  end)

  it("waits on for one that is listed late", function()
    local generations = here.start { rows {}, rows { "a", "PENDING" },
                                     rows {}, rows { "a", "COMPLETED" } }
    assert.same({ "a COMPLETED" }, (read(generations:wait_many { "a" })))
  end)

  it("finds the ids that the service refuses", function()
    local refused = service.answer(400,
      '{"errorCode":"generation_input_validation_failed","field":"ids"}')
    local generations = here.start { refused, rows { "a", "COMPLETED" },
      refused, refused, rows { "d", "PENDING" }, rows { "d", "FAILED" } }
    local iterator = generations:wait_many { "a", "b", "c!", "d" }
    -- [a b c d] refused; [a b] has no b; [c d] refused; [c] refused; [d]
    local id, _, err
    repeat
      id, _, err = iterator:next()
    until id ~= "a"
    assert.equal("c!", id)
    assert.equal(400, err.statusCode)
    assert.same({ "d FAILED", "b api" }, (read(iterator)))
    assert.same({ "a,b,c%21,d", "a,b", "c%21,d", "c%21", "d", "b,d" },
      targets(6))
  end)

  it("gives an id that cannot be sent, and asks for the others", function()
    local generations = here.start { rows { "a", "COMPLETED" } }
    local iterator = generations:wait_many { "", "x,y", "a" }
    local id, generation, err = iterator:next()
    assert.equal("", id)
    assert.is_nil(generation)
    assert.equal("invalid", err.kind)
    assert.equal("id", err.field)
    assert.equal("wait for generation: the id is empty.", tostring(err))
    assert.same({ "x,y invalid", "a COMPLETED" }, (read(iterator)))
  end)

  it("asks for an hour, and gives no request much more time than is left",
    function()
      local rests, new, timeouts = stop_clock(), calls.new, {}
      finally(function() calls.new = new end)
      calls.new = function(client, spec, options, ...)
        timeouts[#timeouts + 1] = options.timeout
        return new(client, spec, options, ...)
      end
      module().interval = function() return 1199.5 end
      local generations = here.start { rows { "a", "PENDING" }, loop = true }
      local id, generation, err = generations:wait_many({ "a" }):next()
      assert.equal("a", id)
      assert.is_nil(generation)
      assert.equal("wait for generation a: 3600 s have passed (timeout); it is "
        .. "PENDING.", tostring(err))
      assert.same({ "timeout", 3600 }, { err.kind, err.seconds })
      assert.is_nil(err.cause)
      assert.same({ 1199.5, 1199.5, 1199.5, 1.5 }, rests)
      -- Of the client, but no more than a second after the end of the wait.
      assert.same({ 20, 1219.5, 2419, 3601 }, timeouts)
    end)

  it("goes on after temporary errors only", function()
    local generations = here.start { service.answer(503, ""),
      { { read = true }, { close = true } }, rows { "a", "PENDING" },
      service.answer(401, "{}") }
    local iterator = generations:wait_many({ "a", "b" }, { max_attempts = 1 })
    local id, generation, err = iterator:next()
    assert.is_nil(id)
    assert.is_nil(generation)
    assert.equal(401, err.statusCode)
    assert.match("^wait for generations: 401", tostring(err))
    assert.equal(err, select(3, iterator:next()))
    assert.equal(4, #targets(4))
  end)

  it("raises such an error in a `for`", function()
    local generations = here.start { service.answer(401, "{}") }
    local ok, err = pcall(function()
      for _ in generations:wait_many { "a" } do error "a turn" end
    end)
    assert.is_false(ok)
    assert.equal(401, err.statusCode)
  end)

  it("waits as long as the service asks for, and until its next round",
    function()
      local rests = stop_clock()
      module().interval = function() return 3 end
      local generations = here.start {
        service.answer(429, "{}", { ["Retry-After"] = "7" }),
        service.answer(503, "{}", { ["Retry-After"] = "1" }),
        service.answer(500, "{}"), rows { "a", "COMPLETED" } }
      assert.same({ "a COMPLETED" },
        (read(generations:wait_many({ "a" }, { max_attempts = 1 }))))
      assert.same({ 7, 3, 3 }, rests)
    end)

  it("gives the rest when its time is up", function()
    local script = { loop = true, rows { "a", "PENDING", "b", "PENDING" } }
    local generations = here.start(script)
    local iterator = generations:wait_many({ "a", "b" },
      { timeout = 0.3, tag = "t" })
    local id, generation, err = iterator:next()
    assert.equal("a", id)
    assert.is_nil(generation)
    assert.equal("t", err.tag)
    assert.equal("wait for generation a: 0.3 s have passed (timeout); it is "
      .. "PENDING.", tostring(err))
    assert.same({ "b timeout" }, (read(iterator)))
  end)

  it("says what kept it from the service until then", function()
    local generations = here.start { loop = true, service.answer(503, "") }
    local _, generation, err = generations:wait_many({ "a" },
      { timeout = 0.3, max_attempts = 1 }):next()
    assert.is_nil(generation)
    assert.equal("timeout", err.kind)
    assert.equal(503, err.cause.statusCode)
  end)

  it("goes on after it has run out of memory", function()
    local generations = here.start { rows { "a", "COMPLETED" } }
    local iterator = generations:wait_many { "a" }
    local random = core.random
    core.random = function() error("not enough memory", 0) end
    local ok, problem = pcall(iterator.next, iterator)
    core.random = random
    assert.same({ false, "not enough memory" }, { ok, problem })
    assert.same({ "a COMPLETED" }, (read(iterator)))
  end)

  it("reports each status once", function()
    local generations = here.start { rows { "a", "PENDING", "b", "PENDING" },
      rows { "a", "PROCESSING", "b", "PENDING" },
      rows { "a", "COMPLETED", "b", "FAILED" } }
    local told = {}
    local known = lipsync.generation(service.generation("b", "PENDING"))
    read(generations:wait_many({ "a", known }, {
      on_change = function(g) told[#told + 1] = g.id .. " " .. g.status end }))
    assert.same({ "a PENDING", "a PROCESSING", "a COMPLETED", "b FAILED" },
      told)
  end)

  it("asks anew after a hook has raised", function()
    if limited then return end
    local raised = false
    local generations = here.start({ rows { "a", "PENDING" },
      rows { "a", "COMPLETED" } }, { on_event = function(event)
        if event.type == "response" and not raised then
          raised = true
          error("of a hook", 0)
        end
      end })
    local iterator = generations:wait_many { "a" }
    local ok, problem = pcall(iterator.next, iterator)
    assert.same({ false, "of a hook" }, { ok, problem })
    assert.same({ "a COMPLETED" }, (read(iterator)))
    assert.same({ "a", "a" }, targets(2))
  end)

  it("loses none when on_change raises", function()
    local generations = here.start { rows { "a", "COMPLETED" } }
    local iterator = generations:wait_many({ "a" }, { on_change = function()
      error("no disk", 0)
    end })
    if not limited then
      local ok, problem = pcall(iterator.next, iterator)
      assert.is_false(ok)
      assert.equal("no disk", problem)
      assert.same({ "a COMPLETED" }, (read(iterator)))
    end
    iterator:close()
  end)

  it("takes a state that came by itself, and asks for it no more", function()
    module().interval = interval
    local generations = here.start { rows { "a", "PENDING", "b", "PENDING" },
                                     rows { "b", "COMPLETED" } }
    local client, iterator = here.client, generations:wait_many { "a", "b" }
    local waiting = client:spawn(function() return iterator:next() end)
    repeat client:step() until client:timeout() and client:timeout() > 1
    local from = core.now()
    local function made(id, status)
      return lipsync.generation(service.generation(id, status))
    end
    assert.is_true(iterator:saw(made("A", "COMPLETED")))
    assert.is_false(iterator:saw(made("a", "COMPLETED")))
    assert.is_false(iterator:saw(made("other", "COMPLETED")))
    assert.is_true(iterator:saw(made("b", "PROCESSING")))
    local id, generation = waiting:wait()
    assert.equal("a", id)
    assert.equal("COMPLETED", generation.status)
    assert.is_true(core.now() - from < 1)
    assert.equal(1, #here.server:requests())
    assert.equal(1, iterator.waiting)
    iterator:close()
  end)

  it("ends at once when it is closed, whoever waits", function()
    local generations = here.start { rows { "a", "PENDING" } }
    module().interval = function() return 3600 end
    local client, iterator = here.client, generations:wait_many { "a" }
    local one = client:spawn(function() return select(3, iterator:next()) end)
    local two = client:spawn(function() return select(3, iterator:next()) end)
    repeat client:step() until client:timeout() and client:timeout() > 1
    iterator:close()
    iterator:close()
    assert.equal("canceled", one:wait().kind)
    assert.equal("canceled", two:wait().kind)
    assert.equal("canceled", select(3, iterator:next()).kind)
  end)

  it("ends with its task, and goes on in another", function()
    local generations = here.start { { { read = true }, { hold = true } },
                                     rows { "a", "COMPLETED" } }
    local client, iterator = here.client, generations:wait_many { "a" }
    local ended = false
    local one = client:spawn(function()
      iterator:next()
      ended = true
    end)
    repeat client:step() until #here.server:requests() == 1
    one:cancel()
    client:run()
    assert.is_false(ended)
    assert.same({ "a COMPLETED" }, (read(iterator)))
  end)

  it("serves several tasks, each id once", function()
    local generations = here.emulate { generations = 0 }
    local ids = {}
    for i = 1, 250 do ids[i] = here.server:add { status = "COMPLETED" } end
    local client, seen, n = here.client, {}, 0
    local iterator = generations:wait_many(ids)
    for _ = 1, 4 do
      client:spawn(function()
        local id = iterator:next()
        while id do
          assert(not seen[id])
          seen[id], n = true, n + 1
          client:sleep(0)
          id = iterator:next()
        end
      end)
    end
    client:run()
    assert.equal(250, n)
    assert.equal(3, #here.server:requests())
  end)

  it("ends when the client is closed", function()
    local generations = here.start { rows { "a", "PENDING" } }
    local iterator = generations:wait_many { "a" }
    here.client:close()
    assert.equal("closed", select(3, iterator:next()).kind)
  end)

  it("asks less often the longer it takes", function()
    for _, case in ipairs { { 0, 0, 2 }, { 0, 0.5, 2.25 }, { 0, 1, 2.5 },
        { 40, 0, 5.2 }, { 40, 1, 6.5 }, { 124, 1, 14.9 }, { 126, 1, 15 },
        { 1e6, 0, 12 }, { 1e6, 1, 15 } } do
      local seconds = interval(case[1], case[2])
      assert.is_true(math.abs(seconds - case[3]) < 1e-9, seconds)
    end
  end)

  it("raises for what it cannot take", function()
    local generations = here.start {}
    local other = service.client(here.server.base_url)
    finally(function() other:close() end)
    local iterator = generations:wait_many { "a" }
    for pattern, call in pairs {
      ["items must be an array of ids or generations, or a listing, got "]
        = function() generations:wait_many(5) end,
      ["pass client.generations:list { … } for a filter"]
        = function() generations:wait_many { status = "PENDING" } end,
      ["id must be a string or a generation, got number 1"]
        = function() generations:wait_many { 1 } end,
      ["the listing belongs to another client"]
        = function() generations:wait_many((other.generations:list())) end,
      ['unknown option "on_progress"']
        = function() generations:wait_many({}, { on_progress = print }) end,
      ["call it with a colon: client.generations:wait_many(…)"]
        = function() generations.wait_many {} end,
      ["call it with a colon: iterator:next()"]
        = function() iterator.next() end,
      ["call it with a colon: iterator:saw(generation)"]
        = function() iterator.saw() end,
      ["call it with a colon: iterator:close()"]
        = function() iterator.close() end,
      ["saw takes a generation, got string"]
        = function() iterator:saw "a" end,
      ['an iterator of wait_many has no "waitin", did you mean "waiting"?']
        = function() return iterator.waitin end,
      ["close of an iterator of wait_many cannot be set"]
        = function() iterator.close = 1 end,
    } do
      local ok, problem = pcall(call)
      assert.is_false(ok)
      assert.match("wait_many_spec.lua:%d+: ", problem)
      assert.is_truthy(problem:find(pattern, 1, true), problem)
    end
    iterator:close()
  end)

  if not limited then
    it("is a `for` in a task", function()
      local generations = here.start { rows { "a", "COMPLETED" } }
      local client, found = here.client, nil
      client:spawn(function()
        for id in generations:wait_many { "a" } do found = id end
      end)
      client:run()
      assert.equal("a", found)
    end)
  end
end)
