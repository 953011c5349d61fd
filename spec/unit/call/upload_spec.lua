-- SPDX-License-Identifier: MIT
-- How far a request was sent, of calls that follow a script.

require "lipsync"
local errors = require "lipsync.error"
local upload = require "lipsync.call.upload"

local function error_of(_, kind, text)
  return errors.new(kind, text, {})
end

describe("the files of a request", function()
  local function check(sent)
    return upload.check_files { sent = sent, about = function() return {} end }
  end

  it("are as they were, or are not sent to their end", function()
    local body = { changed = function() return 2 end }
    assert.is_true((check { body = body }))
    local parts = { { file = "a" }, { file = "b" } }
    local done, err = check { body = body, parts = parts }
    assert.is_nil(done)
    assert.same({ "invalid", "b" }, { err.kind, err.path })
    function body.changed() return nil end
    assert.is_true((check { body = body, parts = parts }))
  end)
end)

describe("an upload", function()
  local reported, canceled, waits

  -- Runs a call that has sent so much at each turn, and then ends.
  local function run(sent, length, ends, on_progress)
    reported, canceled, waits = {}, 0, 0
    local turn = 0
    local this = { options = { on_progress = on_progress }, error = error_of }
    function this.run() return "run" end
    function this.advance()
      turn = turn + 1
      if turn <= #sent then return false end
      this.value, this.err, this.note = ends[1], ends[2], ends[3]
      return true
    end
    function this.uploaded() return sent[turn] or nil end
    function this.wait() waits = waits + 1 end
    function this.cancel() canceled = canceled + 1 end
    return upload.run(this, length)
  end

  local function note(...)
    reported[#reported + 1] = table.concat({ ... }, "/")
  end

  it("is a call as all others where nobody listens", function()
    assert.equal("run", (run({ 1 }, 5, { "v" })))
    assert.equal("run", (run({ 1 }, nil, { "v" }, note)))
    assert.equal(0, waits)
  end)

  it("reports each step once, and that all was sent", function()
    assert.same({ "v", nil, "note" }, { run({ false, 1, 1, 3 }, 5,
      { "v", nil, "note" }, note) })
    assert.same({ "1/5", "3/5", "5/5" }, reported)
    assert.equal(4, waits)
    run({ 1, 5 }, 5, { "v" }, note)
    assert.same({ "1/5", "5/5" }, reported)
    run({}, 5, { "v" }, note)
    assert.same({ "5/5" }, reported)
  end)

  it("does not report the end of one that failed", function()
    local err = errors.new("connection", "lost", {})
    assert.same({ nil, err }, { run({ 1 }, 5, { nil, err }, note) })
    assert.same({ "1/5" }, reported)
  end)

  it("ends where the listener raises", function()
    local value, err = run({ 1 }, 5, { "v" }, function() error("no", 0) end)
    assert.is_nil(value)
    assert.same({ "canceled", "no", 1 }, { err.kind, err.cause, canceled })
    assert.matches("on_progress raised an error: no", err.message)
    value, err = run({}, 5, { "v" }, function() error("no", 0) end)
    assert.same({ "v", "no" }, { value, err.cause })
  end)
end)
