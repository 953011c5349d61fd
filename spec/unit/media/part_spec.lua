-- SPDX-License-Identifier: MIT
local core = require "lipsync.core"
local file = require "lipsync.file"
local media = require "spec.support.media"
local part = require "lipsync.media.part"

local mega = 1024 * 1024

describe("a part", function()
  local folder, path, opened
  local real, plans, outcome = file.job, nil, nil

  -- Jobs that end when the test says so.
  local function hold_jobs()
    plans, outcome = {}, { false }
    file.job = function(plan)  -- luacheck: ignore
      plans[#plans + 1] = plan
      local function state() return outcome[1], outcome[2] end
      return { done = state, stop = state, close = function() end }
    end
  end

  -- A part that was begun, and will have a tag.
  local function open(waits)
    opened = assert(part.open(path, waits))
    assert.equal(0, opened:begin "g1")
    opened:describe('"v1"', 300 * mega)
    return opened
  end

  -- Its file gets so many bytes, without writing them all.
  local function add(n)
    assert(opened.file:truncate(opened.size + n))
    return opened:added(n)
  end

  local function note()
    local text = media.read(path .. ".json")
    return text and core.decode(text).synced
  end

  before_each(function()
    folder = media.shell "mktemp -d"
    path = folder .. "/a.part"
  end)

  after_each(function()
    file.job = real  -- luacheck: ignore
    if opened then opened:close() end
    opened = nil
    media.shell("rm -rf " .. folder)
  end)

  it("has its note after 1 MiB, and syncs each 64", function()
    open(true)
    assert.is_true(add(mega - 1))
    assert.is_nil(note())
    assert.is_true(add(1))
    assert.equal(0, note())
    assert.is_true(add(62 * mega))
    assert.equal(0, note())
    assert.is_true(add(mega))
    assert.equal(64 * mega, note())
    assert.is_true(add(64 * mega))
    assert.equal(128 * mega, note())
  end)

  it("does the same by a thread", function()
    open(false)
    assert.is_true(add(64 * mega))
    local deadline = os.time() + 20
    while not opened:settle() do assert(os.time() < deadline) end
    assert.equal(64 * mega, note())
  end)

  it("is written on meanwhile, by 128 MiB at most", function()
    hold_jobs()
    open(false)
    assert.is_true(add(64 * mega))
    assert.equal(1, #plans)
    assert.equal(opened.file, plans[1].sync)
    assert.equal(64 * mega, core.decode(plans[1].bytes).synced)
    assert.is_false(opened:settle())
    assert.is_true(add(64 * mega - 1))
    assert.is_false(opened:is_ahead())
    assert.is_true(add(1))
    assert.is_true(opened:is_ahead())
    outcome[1] = true
    assert.is_true(opened:settle())
    assert.is_false(opened:is_ahead())
    assert.is_true(add(1))
    assert.equal(2, #plans)
    assert.equal(128 * mega + 1, core.decode(plans[2].bytes).synced)
  end)

  it("relies on nothing that the disk did not take", function()
    hold_jobs()
    open(false)
    add(64 * mega)
    outcome = { nil, { code = "file_unwritten" } }
    local settled, failure = opened:settle()
    assert.is_nil(settled)
    assert.equal("file_unwritten", failure.code)
    opened:leave()
    assert.equal(0, note())
  end)

  it("has no old note written after it was begun again", function()
    hold_jobs()
    open(false)
    add(64 * mega)
    assert(opened:rewind(0))  -- takes the job back
    opened:describe('"v2"', 300 * mega)
    add(mega)
    assert.equal(2, #plans)
    assert.equal('"v2"', core.decode(plans[2].bytes).etag)
    assert.equal(0, core.decode(plans[2].bytes).synced)
  end)

  it("that has become the file is left alone", function()
    open(true)
    add(10)
    opened:place(folder .. "/a", false)
    opened:leave()
    assert.equal("a", media.shell("ls -A " .. folder))
  end)
end)
