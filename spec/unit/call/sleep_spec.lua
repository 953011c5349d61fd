-- SPDX-License-Identifier: MIT
local core = require "lipsync.core"
local service = require "spec.support.service"
local sleep = require "lipsync.call.sleep"
local task = require "lipsync.sched.task"

describe("sleep", function()
  local here = service.fixture(after_each)
  local client

  before_each(function()
    here.start {}
    client = here.client
  end)

  it("sleeps where the host blocks, without using the processor", function()
    local from, used = core.now(), os.clock()
    assert.is_true(client:sleep(0.3))
    assert.is_true(core.now() - from >= 0.3)
    assert.is_true(os.clock() - used < 0.2)
  end)

  it("lets other tasks go on", function()
    local order = {}
    local function note(name, seconds)
      client:spawn(function()
        for _ = 1, 2 do
          assert(client:sleep(seconds))
          order[#order + 1] = name
        end
      end)
    end
    note("slow", 0.15)
    note("quick", 0)
    client:run()
    assert.same({ "quick", "quick", "slow", "slow" }, order)
  end)

  it("ends at once with its task", function()
    local ended = false
    local sleeper = client:spawn(function()
      client:sleep(3600)
      ended = true
    end)
    client:spawn(function() sleeper:cancel() end)
    client:run()
    assert.is_true(sleeper:is_over())
    assert.is_false(ended)
  end)

  it("ends at once when the client is closed", function()
    local ok, err
    client:spawn(function() ok, err = client:sleep(3600) end)
    client:spawn(function() client:close() end)
    client:step(0.1)
    assert.is_nil(ok)
    assert.equal("closed", err.kind)
    assert.equal("sleep: the client was closed.", tostring(err))
  end)

  it("calls again a host that returns early", function()
    local calls = 0
    local own = service.client(here.server.base_url, {
      host = function() calls = calls + 1 end })
    finally(function() own:close() end)
    local from = core.now()
    assert.is_true(own:sleep(0.1))
    assert.is_true(core.now() - from >= 0.1)
    assert.is_true(calls < 100)
  end)

  it("ends early by what it is told", function()
    local is_done, ok = false, nil
    client:spawn(function()
      local this = sleep.new(client, function() return is_done end)
      client:spawn(function()
        is_done = true
        this:wake()
      end)
      ok = this:run(3600, "wait")
    end)
    client:run()
    assert.is_true(ok)
  end)

  it("counts in a clock, and reports a cancel with its action", function()
    local counted = 0
    local clock = { add = function(_, from, to)
      counted = counted + to - from
    end }
    assert.is_true(sleep.run(client, 0.02, "wait", clock))
    assert.is_true(counted >= 0.02)
    local this = sleep.new(client)
    this:cancel()
    local ok, err = this:run(3600, "wait for it")
    assert.is_nil(ok)
    assert.equal("canceled", err.kind)
    assert.match("^wait for it: ", tostring(err))
  end)

  it("is ended with its task, unless it is over", function()
    local this, over, woken = sleep.new(client), sleep.new(client), 0
    assert.is_true(over:run(0, "wait"))
    client:runtime().waiters:subscribe(this, { wake = function()
      woken = woken + 1
    end })
    task.cancel_calls { calls = { [this] = true, [over] = true } }
    assert.same({ true, false, 1 }, { this.canceled, over.canceled, woken })
  end)

  it("raises before it begins where nothing can wait", function()
    client.options.host = "cqueues"
    assert.has_error(function() sleep.new(client) end)
    client.options.host = nil
  end)

  it("refuses what is no time", function()
    for _, value in ipairs { -1, 0 / 0, "1", false } do
      local ok, message = pcall(function() client:sleep(value) end)
      assert.is_false(ok)
      assert.match("sleep_spec.lua:%d+: sleep takes a number of seconds, got ",
        message)
    end
    assert.has_error(function() client:sleep() end)
    assert.has_error(function() client.sleep(1) end)
  end)
end)
