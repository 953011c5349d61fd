-- SPDX-License-Identifier: MIT
-- A receipt on disk: when it is there, who has it, and what cannot be written.

local clock = require "spec.support.clock"
local core = require "lipsync.core"
local file = require "lipsync.file"
local proc = require "spec.support.proc"
local receipt_file = require "lipsync.compound.receipt_file"
local receipts = require "spec.support.receipts"
local service = require "spec.support.service"
local sleep = require "lipsync.call.sleep"

describe("the file of a receipt", function()
  local here = service.fixture(after_each)
  local at = receipts.fixture(before_each, after_each)
  local stop_clock = clock.fixture(after_each)
  local request, note = at.request, at.note
  local answer = service.answer
  local created, cut = receipts.created, receipts.cut
  local says = receipts.says

  it("is open before the last bytes are sent", function()
    local states = {}
    local generations = here.start { created }
    local job = file.job
    finally(function() file.job = job end)  -- luacheck: ignore
    file.job = function(plan)  -- luacheck: ignore
      states[#states + 1] = core.decode(plan.bytes).state
      states[#states + 1] = #here.server:requests()
      assert.is_true(plan.here)
      return job(plan)
    end
    assert(generations:create(request(), { receipt = at.path }))
    assert.same({ "prepared", 0, "open", 0, "created", 1 }, states)
  end)

  -- A disk that takes its time: each job ends after so many looks at it.
  -- Returns how many requests there were at each look, by the state it is for.
  local function slow_disk(looks)
    local job, seen = file.job, {}
    finally(function() file.job = job end)  -- luacheck: ignore
    file.job = function(plan)  -- luacheck: ignore
      local state = core.decode(plan.bytes).state
      local left = looks
      assert.is_false(plan.here)
      plan.here = true
      local real = job(plan)
      return {
        done = function()
          left = left - 1
          if left >= 0 then
            seen[state] = (seen[state] or 0) + #here.server:requests()
            return false
          end
          return real:done()
        end,
        stop = function()
          left = 0
          return real:stop()
        end,
        close = function() real:close() end,
      }
    end
    return seen
  end

  it("waits in a task for the disk, and sends nothing before", function()
    local generations = here.start { created }
    local seen = slow_disk(20)
    local task = here.client:spawn(function()
      return generations:create(request(), { receipt = at.path })
    end)
    here.client:run()
    assert.equal("g1", assert(task:wait()).id)
    assert.same({ prepared = 0, open = 0, created = 20 }, seen)
    assert.equal("created", note().state)
  end)

  it("is whole when its task is canceled", function()
    local generations = here.start { cut }
    slow_disk(math.huge)
    local task = here.client:spawn(function()
      return generations:create(request(), { receipt = at.path })
    end)
    for _ = 1, 3 do here.client:step() end
    task:cancel()
    here.client:run()
    local _, err = task:wait()
    assert.equal("canceled", err.kind)
    assert.equal(0, #here.server:requests())
    local other = assert(file.open(at.path .. ".lock", "edit"))
    assert.is_true(other:lock())
    other:close()
    assert.equal("prepared", note().state)
  end)

  it("says why it could not be written, without sending anything", function()
    local generations = here.start { created, created }
    local job, failing = file.job, "open"
    finally(function() file.job = job end)  -- luacheck: ignore
    file.job = function(plan)  -- luacheck: ignore
      if core.decode(plan.bytes).state ~= failing then return job(plan) end
      return { close = function() end, done = function()
        return nil, { code = "file_unwritten", path = at.path, os_error = 28 }
      end }
    end
    local generation, err = generations:create(request(), { receipt = at.path })
    assert.is_nil(generation)
    assert.equal("file", err.kind)
    assert.equal(28, err.os_error)
    assert.equal(0, #here.server:requests())
    -- One that was created is given all the same.
    failing = "created"
    os.remove(at.path)
    local problem
    generation, err, problem = generations:create(request(),
      { receipt = at.path })
    assert.equal("g1", generation.id)
    assert.is_nil(err)
    assert.equal("file", problem.kind)
    assert.equal("open", note().state)
  end)

  it("cannot be opened or read, and so nothing is deleted", function()
    local generations = here.start { created, answer(204, "") }
    assert(generations:create(request(), { receipt = at.path }))
    local open = file.open
    finally(function() file.open = open end)  -- luacheck: ignore
    local unread = { size = function() return 10 end, close = function() end,
      read = function()
        return nil, { code = "file_unread", path = at.path, os_error = 5 }
      end }
    for _, case in ipairs {
      { nil, { code = "file_unreadable", path = at.path, os_error = 24 } },
      { unread } } do
      file.open = function(path, mode)  -- luacheck: ignore
        if path ~= at.path then return open(path, mode) end
        return case[1], case[2]
      end
      local result, err = generations:delete_many({ "g1" },
        { receipts = at.folder })
      assert.is_nil(result)
      assert.equal("file", err.kind)
      assert.equal(case[2] and 24 or 5, err.os_error)
      assert.matches(at.path, err.message, 1, true)
    end
    assert.equal(1, #here.server:requests())
  end)

  it("is open since the first request that was not refused", function()
    local full = says(429, "concurrency_limit_reached")
    local time, shift = core.time, 0
    finally(function() core.time = time end)
    core.time = function() return time() + shift end
    local generations = here.start({ full, cut, cut }, {
      on_event = function(event)
        if event.type == "request" then shift = 200 * event.attempt end
      end })
    local began = time()
    local _, err = generations:create(request(), { receipt = at.path,
                                                   max_attempts = 2 })
    assert.is_true(err.outcomeUnknown)
    local own = note()
    assert.is_true(own.open_at >= began + 400 and own.open_at < began + 590)
    assert.is_true(own.sent_at >= own.open_at + 199)
  end)

  it("is read up to 4 MiB", function()
    local generations = here.start { created,
      answer(200, service.generation "g1") }
    assert(generations:create(request(), { receipt = at.path }))
    local _, bytes = note()
    local longest = bytes .. (" "):rep(4 * 1024 * 1024 - #bytes)
    assert(file.replace(at.path, longest))
    assert.equal("COMPLETED", assert(generations:create(request(),
      { receipt = at.path })).status)
    assert(file.replace(at.path, longest .. " "))
    local none, err = generations:create(request(), { receipt = at.path })
    assert.is_nil(none)
    assert.matches("is none, or one that another version has written",
      tostring(err))
  end)

  it("is looked for in the present folder, too", function()
    assert.is_table(receipt_file.all "")
    for _, folder in ipairs { "spec/none/", at.folder .. "/none//" } do
      local notes, failure = receipt_file.all(folder)
      assert.is_nil(notes)
      assert.same({ "no_folder", folder:match "^(.-)/*$" },
        { failure.code, failure.path })
    end
  end)

  it("says which at.folder is missing", function()
    local generations = here.start {}
    local _, err = generations:create(request(),
      { receipt = at.folder .. "/no/one.json" })
    assert.equal("file", err.kind)
    assert.matches('there is no folder for ".*/no/one.json"%.',
      tostring(err))
    assert.equal(0, #here.server:requests())
  end)

  it("has no NUL in its path", function()
    local generations = here.start {}
    local wrong = at.folder .. "/a\0b"
    local function check(value, err)
      assert.is_nil(value)
      assert.equal("invalid", err.kind)
      assert.matches("the path has a NUL character", tostring(err))
    end
    check(generations:create(request(), { receipt = wrong }))
    check(generations:create(request(), { receipt = "\0a" }))
    check(generations:download("g1", at.folder, { receipt = wrong }))
    check(generations:delete("g1", { receipt = wrong }))
    check(generations:download_many({ "g1" }, at.folder, { receipts = wrong }))
    check(generations:delete_many({ "g1" }, { receipts = wrong }))
    local index, generation, err =
      generations:create_many({ request() }, { receipts = wrong }):next()
    assert.equal(1, index)
    check(generation, err)
    assert.equal(0, #here.server:requests())
  end)

  -- ---- Two at once ----

  it("waits for another one that has it", function()
    local generations = here.start { created }
    local other = assert(file.open(at.path .. ".lock", "edit"))
    assert.is_true(other:lock())
    local generation, err = generations:create(request(),
      { receipt = at.path, timeout = 0.05 })
    assert.is_nil(generation)
    assert.equal("file", err.kind)
    assert.equal(at.path, err.path)
    if proc.is_here then
      assert.matches("is being written by process %d+%.", tostring(err))
    end
    assert.equal(0, #here.server:requests())
    local client, done = generations.client, false
    client:spawn(function()
      done = assert(generations:create(request(), { receipt = at.path }))
    end)
    for _ = 1, 5 do client:step() end
    assert.is_false(done)
    other:close()
    client:run()
    assert.equal("g1", done.id)
  end)

  it("looks ten times a second whether another one has let go", function()
    local generations, rests = here.start {}, stop_clock()
    local other = assert(file.open(at.path .. ".lock", "edit"))
    assert.is_true(other:lock())
    local _, err = generations:create(request(),
      { receipt = at.path, timeout = 1.25 })
    other:close()
    assert.equal("file", err.kind)
    local sum = 0
    for _, seconds in ipairs(rests) do
      assert.is_true(seconds <= 0.1)
      sum = sum + seconds
    end
    assert.equal(0.1, rests[1])
    assert.is_true(math.abs(sum - 1.25) < 1e-6, sum)
  end)

  it("counts the wait for it in the timeout", function()
    local generations = here.start { { { read = true }, { hold = true } } }
    local other = assert(file.open(at.path .. ".lock", "edit"))
    assert.is_true(other:lock())
    local run = sleep.run
    finally(function() sleep.run = run end)
    function sleep.run(_, _, _, watch)
      watch:add(core.now(), core.now() + 100)
      other:close()
      return true
    end
    local generation, err = generations:create(request(),
      { receipt = at.path, timeout = 60 })
    assert.is_nil(generation)
    assert.equal("timeout", err.kind)
    assert.is_true(err.seconds >= 100)
  end)

  it("is for its own user only", function()
    assert(here.start { created }:create(request(), { receipt = at.path }))
    local pipe = io.popen("ls -l " .. at.folder)
    assert.equal(2, select(2, pipe:read "*a":gsub("%-rw%-%-%-%-%-%-%-", "")))
    pipe:close()
  end)
end)
