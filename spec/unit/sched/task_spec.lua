-- SPDX-License-Identifier: MIT
local task = require "lipsync.sched.task"

describe("task", function()
  -- A set that only records what its task reports.
  local function new(fn, ...)
    local told = {}
    local set = {
      push = function(_, one) told[#told + 1] = { "push", one } end,
      end_canceled = function(_, one) told[#told + 1] = { "end", one } end,
    }
    return task.new(set, fn, ...), told
  end

  it("runs with its arguments, and tells a wait from a yield", function()
    local got
    local one = new(function(...)
      got = { n = select("#", ...), ... }
      task.rest()
      coroutine.yield "its own"
      return 1
    end, "a", nil, "c", nil)
    assert.equal("waits", (task.resume(one)))
    assert.same({ n = 4, "a", nil, "c", nil }, got)
    assert.equal("yields", (task.resume(one)))
    assert.equal("lipsync task (suspended)", tostring(one))
    assert.equal("ended", (task.resume(one)))
  end)

  it("returns the error it died with, and a traceback", function()
    local one = new(function() error "here" end)
    local state, problem = task.resume(one)
    assert.equal("died", state)
    assert.match("task_spec.lua:%d+: here", problem)
    task.trace(one, problem)
    assert.match("here\nstack traceback:.*task_spec.lua", one.trace)
  end)

  it("ends its own calls and no others", function()
    local canceled = {}
    local function call(name, over, keep_open)
      return { over = over, keep_open = keep_open, cancel = function()
        canceled[name] = true
      end }
    end
    local one = new(function() task.rest() end)
    local all = { call("running"), call("over", true),
                  call("open", true, true) }
    for _, each in ipairs(all) do one.calls[each] = true end
    task.resume(one)
    assert.is_true((task.tear_down(one)))
    assert.same({ running = true, open = true }, canceled)
  end)

  it("reports a cancel once, and each time it is woken",
    function()
      local one, told = new(function() end)
      one:wake()
      one:cancel()
      one:cancel()
      assert.same({ { "push", one }, { "end", one } }, told)
      assert.is_false(one:is_over())
      assert.has_error(function() one.cancel {} end)
    end)
end)
