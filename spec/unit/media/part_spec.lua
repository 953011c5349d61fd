-- SPDX-License-Identifier: MIT
local core = require "lipsync.core"
local file = require "lipsync.file"
local media = require "spec.support.media"
local part = require "lipsync.media.part"

local mega = 1024 * 1024

describe("a part", function()
  local folder, path, opened
  local real, plans, outcome = file.job, nil, nil
  local closed

  -- Jobs that end when the test says so.
  local function hold_jobs()
    plans, outcome, closed = {}, { false }, 0
    file.job = function(plan)  -- luacheck: ignore
      plans[#plans + 1] = plan
      local function state() return outcome[1], outcome[2] end
      return { done = state, stop = state, close = function()
        closed = closed + 1
      end }
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
    assert.is_false(opened:is_ahead())
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

  -- Leaves `n` bytes and a note with these members; false: without it.
  local function leave(n, change)
    local noted = { id = "g1", etag = '"v1"', total = 300 * mega, synced = n,
                    boot_id = file.boot_id() }
    for name, value in pairs(change or {}) do
      if value == false then value = nil end
      noted[name] = value
    end
    media.write(path, ("x"):rep(n))
    media.write(path .. ".json", core.encode(noted))
  end

  local function begun()
    opened = assert(part.open(path, true))
    local offset = assert(opened:begin "g1")
    assert.equal(offset, opened.file:size())
    return offset
  end

  local function names()
    return (media.shell("ls -A " .. folder):gsub("\n", " "))
  end

  it("goes on where its note says what it is", function()
    for _, change in ipairs { {}, { total = false }, { synced = 0 } } do
      leave(10, change)
      assert.equal(10, begun())
      assert.equal('"v1"', opened.note.etag)
      opened:close()
    end
    leave(1)
    assert.equal(1, begun())
    assert.equal('"v1"', opened.note.etag)
    opened:close()
    for _, change in ipairs { { id = "g2" }, { id = 5 }, { id = false },
        { etag = 5 }, { etag = false }, { synced = "5" }, { synced = false },
        { total = "9" } } do
      leave(10, change)
      assert.equal(0, begun())
      opened:close()
    end
    for _, text in ipairs { "", "{", "[]", "5", '"x"', "null" } do
      leave(10)
      media.write(path .. ".json", text)
      assert.equal(0, begun())
      opened:close()
    end
  end)

  it("has a note of 16 KiB at most", function()
    leave(10, { etag = '""' })
    local room = 16 * 1024 - #media.read(path .. ".json")
    for more, offset in pairs { [0] = 10, [1] = 0 } do
      leave(10, { etag = '"' .. ("x"):rep(room + more) .. '"' })
      assert.equal(offset, begun())
      opened:close()
    end
  end)

  it("that was another's says from now on whose it is", function()
    leave(10, { id = "g2", etag = '"old"' })
    begun()
    opened:describe('"v1"', 300 * mega)
    add(5)
    opened:leave()
    local left = core.decode(media.read(path .. ".json"))
    assert.same({ "g1", '"v1"', 300 * mega, 0 }, { left.id, left.etag,
      left.total, left.synced })
    assert.equal(file.boot_id(), left.boot_id)
  end)

  it("that goes on relies on no bytes of before", function()
    leave(10)
    begun()
    opened:leave()
    assert.equal(0, note())
  end)

  it("is one that others may read, and nobody can execute", function()
    begun()
    assert.matches("^%-rw%-[r-][w-]%-[r-][w-]%-", media.shell("ls -l " .. path))
  end)

  it("says why it cannot be opened", function()
    local none, failure = part.open(folder .. "/none/a.part", true)
    assert.same({ "folder_missing", folder .. "/none/a.part" },
      { failure.code, failure.path })
    assert.is_nil(none)
    none, failure = part.open(folder, true)
    assert.is_nil(none)
    assert.is_true(failure.code ~= "folder_missing")
  end)

  it("that another has is left to it", function()
    local open_file, opens, closes = file.open, 0, 0
    finally(function() rawset(file, "open", open_file) end)
    local locks, is_there = false, true
    rawset(file, "open", function(name, mode)
      assert.same({ path, "edit" }, { name, mode })
      opens = opens + 1
      return { lock = function() return locks, 77 end,
               is_at = function() return is_there end,
               close = function() closes = closes + 1 end }
    end)
    assert.same({ false, 77 }, { part.open(path, true) })
    assert.same({ 1, 1 }, { opens, closes })
    -- One that is always moved away before it is locked.
    locks, is_there = true, false
    local none, failure = part.open(path, true)
    assert.is_nil(none)
    assert.same({ code = "file_locked", path = path }, failure)
    assert.same({ 11, 11 }, { opens, closes })
  end)

  it("is noted anew only if it is another file now", function()
    hold_jobs()
    leave(mega)
    begun()
    opened:describe('"v1"', 300 * mega)
    add(1)
    assert.equal(0, #plans)
    for i, row in ipairs { { '"v2"', 300 * mega }, { '"v2"', 200 * mega } } do
      opened:describe(row[1], row[2])
      outcome = { true }
      add(1)
      assert.equal(i, #plans)
      assert.equal(path .. ".json", plans[i].replace)
      assert.is_nil(plans[i].sync)
      local noted = core.decode(plans[i].bytes)
      assert.same({ row[1], row[2], 0 }, { noted.etag, noted.total,
                                           noted.synced })
    end
    assert.equal(2, closed)
  end)

  it("is not ahead of a disk that has nothing to do", function()
    hold_jobs()
    open(false)
    add(mega)  -- its note, which takes long
    add(127 * mega)
    assert.is_true(opened:is_ahead())
    outcome = { true }
    assert.is_true(opened:settle())
    assert.is_false(opened:is_ahead())
    add(1)
    assert.equal(opened.file, plans[2].sync)
  end)

  it("that is left relies on what the disk took last", function()
    hold_jobs()
    open(false)
    add(64 * mega)
    outcome = { true }
    opened:leave()
    assert.equal(64 * mega, note())
    assert.equal(64 * mega, begun())
  end)

  it("that is left has all that came, if not counted", function()
    open(true)
    assert(opened.file:truncate(5))
    opened:leave()
    assert.equal("a.part a.part.json", names())
    assert.equal(5, begun())
  end)

  it("is noted once until there is more to say", function()
    hold_jobs()
    outcome = { true }
    open(false)
    for i, bytes in ipairs { mega, 63 * mega } do
      assert.is_true(add(bytes))
      assert.equal(i, #plans)
      assert.is_true(opened:settle())
      assert.is_true(add(1))
      assert.equal(i, #plans)
    end
  end)

  it("has no note without a tag", function()
    hold_jobs()
    outcome = { true }
    open(true)
    opened:describe(nil, 300 * mega)
    assert.is_true(add(mega))
    assert.equal(0, #plans)
    assert.is_true(add(63 * mega))
    assert.equal(1, #plans)
    assert.same({ sync = opened.file, here = true }, plans[1])
    opened:leave()
    assert.equal("a.part", names())
  end)

  it("has one job at a time, and tells its failure where it waits", function()
    hold_jobs()
    open(true)
    assert.is_false(add(64 * mega))
    assert.is_true(add(64 * mega))
    assert.equal(1, #plans)
    outcome = { nil, { code = "file_unwritten" } }
    local done, failure = opened:settle()
    assert.is_nil(done)
    assert.equal("file_unwritten", failure.code)
    assert.equal(1, closed)
    assert.is_true(opened:settle())
    done, failure = add(1)
    assert.is_nil(done)
    assert.equal("file_unwritten", failure.code)
  end)

  it("becomes the file by one job", function()
    for _, overwrite in ipairs { false, true } do
      hold_jobs()
      open(overwrite)
      add(10)
      opened:place(folder .. "/a", overwrite)
      assert.same({ sync = opened.file, all = true, remove = path .. ".json",
        from = path, to = folder .. "/a", overwrite = overwrite,
        here = overwrite }, plans[1])
      opened:close()
      assert.equal(1, closed)
      opened:close()
      opened:leave()
      assert.equal(1, closed)
    end
  end)

  it("that is empty is removed with its note", function()
    leave(10, { id = "g2" })
    begun()
    opened:leave()
    assert.equal("", names())
    open(true)
    add(1)
    opened:leave()
    assert.equal("a.part a.part.json", names())
    assert.equal(0, note())
  end)

  it("waits for a job that has begun before it is cut off", function()
    hold_jobs()
    open(false)
    add(mega)
    assert.equal(1, #plans)
    -- The job cannot be taken back, nor waited for; its note may come or not.
    assert.is_true(opened:rewind(0))
    assert.equal(1, closed)
    add(mega)
    assert.equal(2, #plans)
    outcome = { true }
    assert.is_true(opened:settle())
    assert.is_true(opened:rewind(100))
    assert.same({ 100, 100 }, { opened.size, opened.file:size() })
    assert.is_false(opened:is_ahead())
  end)
end)
