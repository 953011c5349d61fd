-- SPDX-License-Identifier: MIT
local core = require "lipsync.core"
local timeslice = require "lipsync.host.timeslice"

describe("timeslice", function()
  -- A clock of its own, far from those of other specs.
  local now = 1e9

  before_each(function() now = now + 1000 end)

  -- Readers with endless data, in a host that resumes them in turn. Returns how
  -- long each worked between two turns of the host, and the longest wait of the
  -- host from its second round on.
  local function rounds(readers, n)
    local longest, worked = 0, {}
    for round = 1, n do
      local from = now
      for i, reader in ipairs(readers) do
        timeslice.begin(reader, now)
        local began = now
        repeat now = now + 1e-5 until now >= reader.slice_ends
        if round > 1 then worked[i] = (worked[i] or 0) + now - began end
      end
      if round > 1 then longest = math.max(longest, now - from) end
      now = now + 1e-3
    end
    return longest, worked
  end

  local function near(expected, value)
    assert.is_true(math.abs(expected - value) < 2e-4,
      ("%g is not about %g"):format(value, expected))
  end

  it("yields to the host after 2 ms of one reader", function()
    local reader = {}
    timeslice.begin(reader, now)
    near(0.002, reader.slice_ends - now)
    near(0.002, (rounds({ reader }, 10)))
  end)

  it("ends a slice when it has to end at the latest", function()
    local reader = {}
    timeslice.begin(reader, now, now + 0.001)
    near(0.001, reader.slice_ends - now)
    timeslice.begin(reader, now + 0.003, now + 1)
    near(0.002, reader.slice_ends - now - 0.003)
  end)

  it("shares a slice evenly among all readers", function()
    local readers = {}
    for i = 1, 8 do readers[i] = {} end
    local longest, worked = rounds(readers, 21)
    assert.is_true(longest < 0.0025, longest)
    for i = 1, 8 do near(20 * 0.00025, worked[i]) end
  end)

  it("limits the very first round too", function()
    local first, second = {}, {}
    timeslice.begin(first, now)
    timeslice.begin(second, now + 0.0021)
    assert.is_true(second.slice_ends <= now + 0.0021)
  end)

  it("gives a whole slice to the last reader", function()
    local readers = {}
    for i = 1, 8 do readers[i] = {} end
    rounds(readers, 3)
    local longest = rounds({ readers[1] }, 10)
    near(0.002, longest)
  end)

  describe("with steps", function()
    local original = core.now

    before_each(function() rawset(core, "now", function() return now end) end)
    after_each(function() rawset(core, "now", original) end)

    -- A session that always has more to do than it has time for.
    local function new_session()
      local session = { steps = {} }
      function session.step(_, seconds)
        session.steps[#session.steps + 1] = seconds
        now = now + seconds + 1e-5
      end
      return session
    end

    it("stays within its length if each reader makes its own", function()
      local session, readers, longest = new_session(), {}, 0
      for i = 1, 8 do readers[i] = {} end
      for round = 1, 20 do
        local from, made = now, #session.steps
        for _, reader in ipairs(readers) do
          timeslice.step(session, reader)
          timeslice.begin(reader, now)
          while now < reader.slice_ends do now = now + 1e-5 end
        end
        assert.equal(1, #session.steps - made)
        if round > 1 then longest = math.max(longest, now - from) end
        now = now + 1e-3
      end
      assert.is_true(longest < 0.0022, longest)
      near(0.001, session.steps[20])
    end)

    it("gives a step to each of several sessions", function()
      local sessions, pumps = { new_session(), new_session() }, { {}, {} }
      for _ = 1, 20 do
        local from = now
        for i = 1, 2 do timeslice.step(sessions[i], pumps[i]) end
        assert.is_true(now - from < 0.0022)
      end
      assert.equal(20, #sessions[1].steps)
      assert.equal(20, #sessions[2].steps)
    end)

    it("gives a single reader a millisecond of each round", function()
      local session = new_session()
      for round = 1, 20 do
        timeslice.step(session, session)
        near(0.001, session.steps[round])
      end
    end)

    it("goes on with what others have left of the slice", function()
      local session = new_session()
      function session.step(_, seconds)
        session.steps[#session.steps + 1] = seconds
        now = now + 0.0002
      end
      for n, left in ipairs { 0.001, 0.0008, 0.0006 } do
        timeslice.step(session, {})
        assert.equal(n, #session.steps)
        near(left, session.steps[n] + 2e-5)
        assert.is_true(math.abs(left - session.steps[n]) < 1e-5)
      end
    end)

    it("gives readers what the steps of the last slice have left", function()
      local session, reader = new_session(), {}
      timeslice.step(session, {})
      timeslice.begin(reader, now)
      timeslice.begin(reader, now)  -- a new slice
      near(0.001, reader.slice_ends - now)
      timeslice.begin(reader, now)
      near(0.002, reader.slice_ends - now)
    end)

    it("ends a step with its slice", function()
      local session = new_session()
      timeslice.begin({}, now)
      now = now + 0.0015
      timeslice.step(session, {})
      near(0.0005, session.steps[1])
    end)

    it("starts anew only half a millisecond after the last one", function()
      local session = new_session()
      timeslice.step(session, {})
      local from = now - 0.00101
      now = from + 0.00245
      timeslice.step(session, {})
      assert.equal(1, #session.steps)
      now = from + 0.00255
      timeslice.step(session, {})
      assert.equal(2, #session.steps)
    end)

    it("gives a session its step, if only of no time", function()
      local one, other = new_session(), new_session()
      timeslice.step(one, {})
      timeslice.step(other, {})
      assert.same({ 0 }, other.steps)
    end)

    it("is over for a reader at its end, or at that of its step", function()
      local client = {}
      local reader = { client = client, slice_ends = now + 1 }
      assert.is_false(timeslice.is_expired(reader) or false)
      client.step_ends = now + 1
      assert.is_false(timeslice.is_expired(reader))
      client.step_ends = now
      assert.is_true(timeslice.is_expired(reader))
      client.step_ends, reader.slice_ends = nil, now
      assert.is_true(timeslice.is_expired(reader))
    end)

    it("starts for a reader that comes after a long pause", function()
      local session = new_session()
      for i = 1, 20 do
        timeslice.step(session, {})
        assert.equal(i, #session.steps)
        now = now + 0.003
      end
    end)
  end)

  it("starts anew after a long pause", function()
    local first, second = {}, {}
    timeslice.begin(first, now)
    now = now + 1
    timeslice.begin(second, now)
    assert.is_true(second.slice_ends - now > 0)
  end)
end)
