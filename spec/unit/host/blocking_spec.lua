-- SPDX-License-Identifier: MIT
-- Waits that block, over a session whose polls are written down.

local blocking = require "lipsync.host.blocking"

describe("a wait that blocks", function()
  -- Each poll is { how many became ready, whether the transfer did, seconds }.
  local function wait(target, seconds, polls, is_closed)
    local now, made, told = 100, {}, {}
    local session = {
      is_open = function() return not is_closed end,
      poll = function(_, left, transfer)
        local poll = polls[#made + 1]
        made[#made + 1] = left
        assert.equal(type(target) == "userdata" and target or nil, transfer)
        local began = now
        now = now + poll[3]
        return poll[1], poll[2], began, now
      end,
    }
    local from, to = blocking.wait(session, target, seconds, { waiters = {
      notify = function(_, one) told[#told + 1] = one end,
      dispatch = function(_, of, n)
        assert.equal(session, of)
        told[#told + 1] = n
      end,
    } })
    assert.same({ 100, now }, { from, to })
    return made, told
  end

  it("goes on after polls that return early, until its time is up", function()
    assert.same({ 1, 0.75, 0.25 }, (wait(nil, 1, { { 0, false, 0.25 },
      { 0, false, 0.5 }, { 0, false, 0.25 } })))
    assert.same({ 0 }, (wait(nil, 0, { { 0, false, 0 } })))
  end)

  it("ends when what it waits for is there", function()
    local looks, ready_after = 0, 0
    local target = { ready = function()
      looks = looks + 1
      return looks > ready_after
    end }
    assert.same({ 0 }, (wait(target, 60, { { 0, false, 0 } })))
    looks, ready_after = 0, 2
    assert.same({ 60, 59.5 }, (wait(target, 60, { { 0, false, 0.5 },
      { 0, false, 0.5 } })))
  end)

  it("tells who waits for what became ready", function()
    local made, told = wait(nil, 1, { { 1, false, 0.5 }, { 0, false, 0.25 },
                                      { 3, false, 0.25 } })
    assert.equal(3, #made)
    assert.same({ 1, 3 }, told)
    local transfer = io.stdout  -- any userdata
    made, told = wait(transfer, 60, { { 0, false, 1 }, { 2, true, 1 } })
    assert.same({ 60, 59 }, made)
    assert.same({ transfer, 2 }, told)
  end)

  it("ends when the session is closed", function()
    assert.same({ 60 }, (wait(nil, 60, { { 0, false, 1 } }, true)))
  end)
end)
