-- SPDX-License-Identifier: MIT
-- Creating many generations: several at a time, each under its own key, and one
-- that fails ends no other.

local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

describe("create_many", function()
  local here = service.fixture(after_each)

  local function request(name)
    return { model = "lipsync-2", outputFileName = name,
      input = { { type = "video", url = "https://media.example/v.mp4" },
                { type = "audio", url = "https://media.example/a.wav" } } }
  end

  local function requests(n)
    local list = {}
    for i = 1, n do list[i] = request("n" .. i) end
    return list
  end

  -- A script by the names in the requests.
  local function serve(answers, options)
    local script = { pick = true }
    for _, each in ipairs(answers) do script[#script + 1] = each end
    return here.start(script, options)
  end

  local function created(id)
    return { when = "POST ", times = 1, { send = scripted.response(201,
      service.generation(id, "PENDING")) } }
  end

  -- What the iterator gives, by index.
  local function collect(iterator)
    local found, order = {}, {}
    while true do
      local index, generation, err = iterator:next()
      if not index then return found, order, err end
      assert.is_nil(found[index])
      found[index] = generation and generation.id or err
      order[#order + 1] = index
    end
  end

  it("gives each once, with the index of its request", function()
    local generations = serve { created "g1", created "g2", created "g3" }
    local found, order, err = collect(generations:create_many(requests(3)))
    assert.is_nil(err)
    assert.equal(3, #order)
    local ids, keys = {}, {}
    for i = 1, 3 do ids[found[i]] = true end
    assert.same({ g1 = true, g2 = true, g3 = true }, ids)
    for _, each in ipairs(here.server:requests(3)) do
      keys[each.headers["idempotency-key"]] = true
    end
    local count = 0
    for _ in pairs(keys) do count = count + 1 end
    assert.equal(3, count)
  end)

  it("waits as long as the service refuses all", function()
    local core = require "lipsync.core"
    local random = core.random
    finally(function() core.random = random end)
    core.random = function() return 0.001 end
    local refusal = { when = "POST ", times = 40, { send = scripted.response(
      429, '{"errorCode":"rate_limit_exceeded"}') } }
    local generations = serve { created "g1", refusal, created "g2",
      created "g3", created "g4" }
    local found, order = collect(generations:create_many(requests(4)))
    assert.equal(4, #order)
    local ids = {}
    for i = 1, 4 do ids[tostring(found[i])] = true end
    assert.same({ g1 = true, g2 = true, g3 = true, g4 = true }, ids)
    assert.equal(44, #here.server:requests(44))
  end)

  it("loses none, and doubles none, when it runs out of memory", function()
    local generations = serve { created "g1", created "g2" }
    local task = require "lipsync.sched.task"
    local scheduler = here.client:runtime().scheduler
    local spawn, watch = scheduler.spawn, task.watch
    local function fail() error("not enough memory", 0) end
    local iterator = generations:create_many(requests(2), { concurrency = 1 })
    scheduler.spawn = fail
    assert.is_false(pcall(iterator.next, iterator))
    scheduler.spawn, task.watch = spawn, fail  -- luacheck: ignore
    assert.is_false(pcall(iterator.next, iterator))
    task.watch = watch  -- luacheck: ignore
    local found, order, err = collect(iterator)
    assert.is_nil(err)
    assert.same({ 1, 2 }, order)
    assert.same({ "g1", "g2" }, found)
    assert.equal(2, #here.server:requests(2))
  end)

  it("is for a loop, also over a function", function()
    local generations = serve { created "g1", created "g2" }
    local n, count = 0, 0
    local function more()
      n = n + 1
      return n <= 2 and request("n" .. n) or nil
    end
    for index, generation, err in generations:create_many(more) do
      count = count + 1
      assert.is_true(index == 1 or index == 2)
      assert.equal("PENDING", generation.status)
      assert.is_nil(err)
    end
    assert.equal(2, count)
    for _ in generations:create_many {} do error "there is none" end
  end)

  it("gives a failure as a value, whatever it is", function()
    local generations = serve { created "g1", { when = "POST ", times = 1,
      { send = scripted.response(422,
        '{"message":"Words.","statusCode":422}') } } }
    local list = requests(6)
    list[2] = { model = "m", input = {} }
    list[3].input[1].url = "data:,"
    list[4].input[1] = { type = "video", file = "/nowhere/clip.mp4" }
    list[5] = 5
    local found, order = collect(generations:create_many(list,
      { concurrency = 1 }))
    assert.equal(6, #order)
    assert.equal("g1", found[1])
    assert.equal("create generation: request.input is empty.",
      tostring(found[2]))
    assert.same({ "invalid", "request" }, { found[2].kind, found[2].field })
    assert.equal("input[1].url", found[3].field)
    assert.equal("file", found[4].kind)
    assert.equal("create generation: request must be a table, got number 5.",
      tostring(found[5]))
    assert.equal(422, found[6].statusCode)
    assert.equal(2, #here.server:requests(2))
  end)

  it("begins no more than it may, and only when asked", function()
    local generations = serve({ created "g1", created "g2",
      { when = "POST ", { hold = true } } })
    local iterator = generations:create_many(requests(9), { concurrency = 3 })
    assert.equal(0, #here.server:connections())
    assert.same({}, iterator.open)
    assert.is_number((iterator:next()))
    assert.is_true(#iterator.open <= 3)
    assert.is_number((iterator:next()))
    local open = iterator.open
    iterator:close()
    iterator:close()
    assert.same(open, iterator.open)
    for _, each in ipairs(open) do
      assert.is_number(each.index)
      assert.equal(32, #each.idempotencyKey)
    end
    local index, _, err = iterator:next()
    assert.is_nil(index)
    assert.equal("canceled", err.kind)
    assert.is_true(#here.server:requests() <= 5)
    assert.equal(0, here.client:pending())
  end)

  it("begins none while there is one to give", function()
    local generations = serve { created "g1", created "g2", created "g3" }
    local iterator = generations:create_many(requests(3), { concurrency = 2 })
    assert.is_number((iterator:next()))
    while #iterator.open > 0 do here.client:step() end
    assert.is_number((iterator:next()))
    assert.same({}, iterator.open)
    assert.is_number((iterator:next()))
    assert.is_nil((iterator:next()))
  end)

  it("has eight under way, if nothing else is said", function()
    local generations = serve { { when = "POST ", { hold = true } } }
    local iterator = generations:create_many(requests(20))
    assert.equal("create_many (0 requests under way)", tostring(iterator))
    local waiting = here.client:spawn(function() return iterator:next() end)
    while #here.server:requests() < 8 do
      here.client:step()
      scripted.sleep(0.001)
    end
    for _ = 1, 20 do here.client:step() end
    assert.equal(8, #iterator.open)
    for i = 1, 8 do assert.equal(i, iterator.open[i].index) end
    assert.equal("create_many (8 requests under way)", tostring(iterator))
    iterator:close()
    assert.equal("create_many (8 requests under way, over)", tostring(iterator))
    assert.equal("canceled", select(3, waiting:wait()).kind)
    assert.equal(8, #here.server:requests())
  end)

  it("begins nothing for a request that comes after its end", function()
    local generations, iterator = serve { created "g1" }, nil
    iterator = generations:create_many(function()
      iterator:close()
      return request "n1"
    end)
    local index, _, err = iterator:next()
    assert.is_nil(index)
    assert.equal("canceled", err.kind)
    assert.same({}, iterator.open)
    here.client:run()
    assert.equal(0, #here.server:requests())
  end)

  it("may be taken from in several tasks", function()
    local generations = serve { created "g1", created "g2", created "g3",
                                created "g4" }
    local iterator = generations:create_many(requests(4), { concurrency = 2 })
    local seen, ended = {}, 0
    for _ = 1, 3 do
      here.client:spawn(function()
        local index, generation = iterator:next()
        while index do
          seen[index] = generation.id
          index, generation = iterator:next()
        end
        ended = ended + 1
      end)
    end
    here.client:run()
    assert.equal(3, ended)
    assert.equal(4, #seen)
  end)

  it("counts each request once where several tasks wait for them", function()
    local generations = serve { created "g1", created "g2" }
    local client, asked, indexes = here.client, 0, {}
    local iterator = generations:create_many(function()
      asked = asked + 1
      local own = asked <= 2 and request("n" .. asked) or nil
      client:sleep(0.01)
      return own
    end, { concurrency = 1 })
    for _ = 1, 2 do
      client:spawn(function()
        local index, generation = iterator:next()
        indexes[index or "none"] = generation and generation.id
      end)
    end
    client:run()
    assert.is_not_nil(indexes[1])
    assert.is_not_nil(indexes[2])
  end)

  it("ends with its client, and tells what is not known", function()
    local generations = serve { { when = "POST ", { hold = true } } }
    local iterator, got = generations:create_many(requests(9),
      { concurrency = 2 }), {}
    here.client:spawn(function()
      repeat
        local index, _, err = iterator:next()
        got[#got + 1] = { index = index, err = err }
      until not index
    end)
    while #here.server:requests() < 2 do
      here.client:step()
      scripted.sleep(0.001)
    end
    local open = iterator.open
    here.client:close()
    assert.equal(1, #got)
    assert.is_nil(got[1].index)
    assert.equal("closed", got[1].err.kind)
    assert.same(open, iterator.open)
    local keys = {}
    for _, each in ipairs(here.server:requests(2)) do
      keys[each.headers["idempotency-key"]] = true
    end
    for i = 1, 2 do assert.is_true(keys[open[i].idempotencyKey]) end
    assert.equal(got[1].err, select(3, iterator:next()))
  end)

  it("says that one may have been created whose listener raised", function()
    local told = {}
    local generations = serve({ created "g1" }, {
      on_event = function(event)
        if event.type == "response" then error("of the listener", 0) end
      end,
      on_task_error = function(problem) told[#told + 1] = problem end,
    })
    local found, order = collect(generations:create_many(requests(1)))
    local err, sent = found[1], here.server:requests(1)[1]
    assert.equal(1, #order)
    assert.equal("canceled", err.kind)
    assert.is_true(err.outcomeUnknown)
    assert.equal(sent.headers["idempotency-key"], err.idempotencyKey)
    assert.equal("of the listener", err.cause)
    assert.matches("died: of the listener", err.message, 1, true)
    assert.same({ "of the listener" }, told)
  end)

  it("reports the progress of each", function()
    local path = "spec/unit/compound/create_many_spec.lua"
    local generations = serve { created "g1", created "g2" }
    local list, told = requests(2), {}
    for i = 1, 2 do list[i].input[1] = { type = "video", file = path } end
    for _ in generations:create_many(list, {
      on_progress = function(sent, total, index) told[index] = sent / total end,
    }) do end
    assert.same({ 1, 1 }, told)
  end)

  it("raises wrong options", function()
    local generations = serve {}
    local function raises(words, given, options)
      local ok, raised = pcall(function()
        local value = generations:create_many(given, options)
        return value
      end)
      assert.is_false(ok)
      assert.matches("create_many_spec%.lua:%d+: ", raised)
      assert.matches(words, raised, 1, true)
    end
    raises('unknown option "idempotency_key"', {}, { idempotency_key = "k" })
    raises('unknown option "receipt", did you mean "receipts"?', {},
      { receipt = "x" })
    raises("concurrency must be a whole number", {}, { concurrency = 0 })
    raises("headers must not hold Idempotency-Key", {},
      { headers = { ["Idempotency-Key"] = "k" } })
    raises("requests must be a table, got number 5", 5)
    local iterator = generations:create_many {}
    for name, call in pairs { next = iterator.next, close = iterator.close } do
      local ok, problem = pcall(function() call() end)
      assert.is_false(ok)
      assert.matches(("create_many_spec.lua:%%d+: call it with a colon: "
        .. "iterator:%s()"):format(name):gsub("%(%)", "%%(%%)"), problem)
    end
    raises("requests must be an array without holes or names", request "one")
    raises("requests must be an array without holes or names",
      { [1] = request "one", [3] = request "three" })
  end)

  it("has a receipt for each", function()
    local folder = launch.folder()
    finally(function() launch.remove(folder) end)
    local generations = serve { created "g1", created "g2",
      { when = "GET /v2/generate/g1 ", { send = scripted.response(200,
        service.generation "g1") } },
      { when = "GET /v2/generate/g2 ", { send = scripted.response(200,
        service.generation "g2") } } }
    local first = collect(generations:create_many(requests(2),
      { receipts = folder }))
    assert.matches('"g%d"', launch.read(folder .. "/000001.json"))
    local again = collect(generations:create_many(requests(2),
      { receipts = folder }))
    assert.same(first, again)
    local posts = 0
    for _, each in ipairs(here.server:requests(4)) do
      if each.method == "POST" then posts = posts + 1 end
    end
    assert.equal(2, posts)
  end)

  it("waits for the organization's places", function()
    local function full()
      return { when = "POST ", times = 1, { send = scripted.response(429,
        '{"message":"W.","statusCode":429,"errorCode":'
        .. '"concurrency_limit_reached"}', { ["Retry-After"] = "0" }) } }
    end
    local generations = serve { created "g1", full(), full(), full(),
                                created "g2", created "g3" }
    local found = collect(generations:create_many(requests(3),
      { max_attempts = 1 }))
    for i = 1, 3 do assert.is_string(found[i]) end
    assert.equal(6, #here.server:requests(6))
  end)
end)
