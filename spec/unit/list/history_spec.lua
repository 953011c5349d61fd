-- SPDX-License-Identifier: MIT
local history = require "lipsync.list.history"

-- The number of rows that a history holds.
local function size(self)
  local ids, numbers = 0, 0
  for _ in pairs(self.ids) do ids = ids + 1 end
  for _ in pairs(self.numbers) do numbers = numbers + 1 end
  assert.equal(ids, numbers)
  return ids
end

describe("history", function()
  local hundred, most = history.hundred, history.most
  local self

  before_each(function()
    history.hundred, history.most = 10, 50
    self = history.new()
  end)

  after_each(function() history.hundred, history.most = hundred, most end)

  -- Adds the rows first to last, each older than the one before by a step.
  local function add(first, last, apart)
    for n = first, last do
      self:add { id = "r" .. n, at = apart and -apart * n }
    end
  end

  it("is empty at first", function()
    assert.is_nil(self:newest())
    assert.is_nil(self:state "r1")
    assert.is_false(self:is_gone "r1")
    assert.is_false(self:is_gone(nil))
    assert.is_falsy(self:time())
    assert.equal(math.huge, self:horizon())
  end)

  it("returns the noted state of a row", function()
    add(1, 2, 1)
    assert.equal("kept", self:state "r1")
    self:note("r1", "doubtful")
    assert.equal("doubtful", self:state "r1")
    assert.is_false(self:is_gone "r1")
    self:note("r1", "gone")
    assert.equal("gone", self:state "r1")
    assert.is_true(self:is_gone "r1")
    self:note("r1", "kept")
    assert.equal("kept", self:state "r1")
    self:note("stranger", "gone")
    assert.is_nil(self:state "stranger")
  end)

  it("finds the newest row that exists", function()
    add(1, 4, 1)
    assert.equal("r4", self:newest())
    self:note("r4", "gone")
    assert.equal("r3", self:newest())
    self:note("r3", "doubtful")
    assert.equal("r2", self:newest())
    self:note("r1", "gone")
    self:note("r2", "gone")
    assert.is_nil(self:newest())
    self:note("r3", "kept")
    assert.equal("r3", self:newest())
    self:note("r1", "kept")
    assert.equal("r3", self:newest())
    add(5, 5, 1)
    assert.equal("r5", self:newest())
  end)

  it("accepts a row twice after memory ran out", function()
    local row = { id = "r1", at = 1 }
    local numbers = self.numbers
    self.numbers = setmetatable({}, { __newindex = function()
      error "not enough memory"
    end })
    assert.has_error(function() self:add(row) end)
    self.numbers = numbers
    self:add(row)
    assert.equal("r1", self:newest())
    assert.equal(1, self.last)
    assert.equal(1, size(self))
  end)

  it("uses the median of the last three times", function()
    for _, case in ipairs { { { 5 }, 5 }, { { 9, 5 }, 5 }, { { 5, 9 }, 9 },
                            { { 1, 2, 3 }, 2 }, { { 1, 3, 2 }, 2 },
                            { { 2, 1, 3 }, 2 }, { { 2, 3, 1 }, 2 },
                            { { 3, 1, 2 }, 2 }, { { 3, 2, 1 }, 2 },
                            { { 0, 1, 2, 3 }, 2 } } do
      self = history.new()
      for i, at in ipairs(case[1]) do
        self:add { id = "r" .. i, at = at }
        self:add { id = "undated" .. i }
      end
      assert.equal(case[2], self:time())
      assert.equal(case[2] + 3600, self:horizon())
    end
  end)

  it("forgets ten rows once the last ten are over an hour older", function()
    add(1, 20, 3600)
    -- Row 10 is just an hour newer than row 11.
    for n = 1, 20 do assert.equal("kept", self:state("r" .. n)) end
    add(21, 29, 3600)
    assert.equal(29, size(self))
    add(30, 30, 3600)
    for n = 1, 9 do assert.is_nil(self:state("r" .. n)) end
    -- The newest existing row of those that were dropped.
    assert.equal("kept", self:state "r10")
    for n = 11, 30 do assert.equal("kept", self:state("r" .. n)) end
    assert.equal(-3600 * 28, self:horizon())
  end)

  it("remembers a complete ten at any distance", function()
    add(1, 200, 1e6)
    assert.is_nil(self:state "r189")
    for n = 191, 200 do assert.equal("kept", self:state("r" .. n)) end
    assert.equal(11, size(self))
  end)

  it("is not misled by one old time", function()
    self:add { id = "old", at = -1e9 }
    add(2, 50, 1)
    assert.equal("kept", self:state "old")
    assert.equal(-41 + 3600, self.forgotten_above)
    self = history.new()
    add(1, 9, 1)
    self:add { id = "old", at = -1e9 }
    assert.equal(-1 + 3600, self.forgotten_above)
  end)

  it("drops rows without a time only for lack of room", function()
    add(1, 5, 1e6)
    self:add { id = "undated" }
    add(7, 50, 1e6)
    assert.equal("kept", self:state "undated")
    assert.equal(50, size(self))
    add(51, 60, 1e6)
    assert.is_nil(self:state "undated")
  end)

  it("keeps the last fifty if an hour has more", function()
    add(1, 50, 1)
    assert.equal(50, size(self))
    assert.equal(-49 + 3600, self:horizon())
    add(51, 59, 1)
    assert.equal(59, size(self))
    assert.equal(-58 + 3600, self:horizon())
    add(60, 60, 1)
    assert.equal(51, size(self))
    -- From here on the rest is remembered: the second row of the next ten.
    assert.equal(-12, self:horizon())
    add(61, 70, 1)
    assert.equal(-22, self:horizon())
    assert.equal(51, size(self))
  end)

  it("never raises the horizon again", function()
    add(1, 60, 1)
    for n = 61, 200 do self:add { id = "r" .. n, at = 1e6 } end
    assert.equal(-52, self:horizon())
  end)

  it("works without any time", function()
    add(1, 500)
    assert.equal(51, size(self))
    assert.equal(math.huge, self:horizon())
  end)

  it("keeps the newest existing row of those it drops", function()
    add(1, 5, 1e6)
    for n = 6, 100 do
      add(n, n, 1e6)
      self:note("r" .. n, "gone")
    end
    assert.equal("r5", self:newest())
    assert.equal(11, size(self))
    -- It can be noted like the others.
    self:note("r5", "doubtful")
    assert.is_nil(self:newest())
    self:note("r5", "kept")
    assert.equal("r5", self:newest())
    -- A later one takes its place.
    self:note("r95", "kept")
    assert.equal("r95", self:newest())
    for n = 101, 120 do
      add(n, n, 1e6)
      self:note("r" .. n, "gone")
    end
    assert.equal("r95", self:newest())
    assert.is_nil(self:state "r5")
    assert.equal(11, size(self))
  end)

  it("remembers ten thousand ids in less than 3 MB", function()
    history.hundred, history.most = hundred, most
    collectgarbage()
    collectgarbage()
    local before = collectgarbage "count"
    for n = 1, 30000 do
      self:add { id = ("6533643b-aceb-4c40-967e-%012d"):format(n),
                 at = -n / 100 }
    end
    collectgarbage()
    collectgarbage()
    local used = collectgarbage "count" - before
    assert.equal(10001, size(self))
    assert.is_true(used < 3 * 1024, used)
  end)
end)
