-- SPDX-License-Identifier: MIT
-- The cursor's rules against a model of the service: rows newest first, and
-- three things it may do with a cursor whose row is gone.

local cursor = require "lipsync.list.cursor"

local function row(n)
  return { id = ("r%05d"):format(n), at = n }
end

-- A small generator of its own: the same numbers on every VM.
local function randoms(seed)
  return function(n)
    seed = (seed * 16807) % 2147483647
    return seed % n + 1
  end
end

local Service = {}
Service.__index = Service

local function service(n, gone_cursor)
  local self = setmetatable({ rows = {}, gone_cursor = gone_cursor,
                              requests = 0 }, Service)
  for i = n, 1, -1 do self.rows[#self.rows + 1] = row(i) end
  return self
end

function Service:index(id)
  for i, each in ipairs(self.rows) do
    if each.id == id then return i end
  end
end

function Service:delete(id)
  local i = self:index(id)
  if i then table.remove(self.rows, i) end
  return i ~= nil
end

-- Answers what Cursor:ask wants: rows, or nil and a status.
function Service:answer(ask)
  self.requests = self.requests + 1
  assert(self.requests < 5000, "a loop without end")
  local page, from = {}, 1
  if ask.ids then
    local i = self:index(ask.ids[1])
    return { self.rows[i] }
  elseif ask.cursor then
    local i = self:index(ask.cursor)
    if i then
      from = i + 1
    elseif self.gone_cursor == "error" then
      return nil, 400
    elseif self.gone_cursor == "empty" then
      return {}
    else
      while self.rows[from] and self.rows[from].id > ask.cursor do
        from = from + 1
      end
    end
  end
  for i = from, math.min(#self.rows, from + ask.limit - 1) do
    page[#page + 1] = self.rows[i]
  end
  return page
end

-- Lists everything, calling back for each row delivered. Returns ids, error.
local function run(policy, model, on_row, limit)
  local delivered = {}
  while true do
    local page, status = model:answer(policy:ask())
    local what, detail = "again", nil
    if page then
      what, detail = policy:page(page)
    elseif not policy:refused(status) then
      return delivered, status
    end
    if what == "end" or what == "error" then
      return delivered, detail
    elseif what == "rows" then
      for _, i in ipairs(detail) do
        policy:deliver(page[i])
        delivered[#delivered + 1] = page[i].id
        on_row(page[i])
        if #delivered == limit then return delivered end
      end
    end
  end
end

local function nothing() end

local function assert_once(delivered)
  local seen = {}
  for _, id in ipairs(delivered) do
    assert.is_nil(seen[id], id)
    seen[id] = true
  end
  return seen
end

local behaviours = { "error", "empty", "position" }

describe("cursor", function()
  it("gives every row once, in order", function()
    for _, n in ipairs { 0, 1, 9, 10, 11, 25, 30 } do
      local delivered = run(cursor.new(10), service(n, "error"), nothing)
      assert.equal(n, #delivered)
      for i, id in ipairs(delivered) do assert.equal(row(n - i + 1).id, id) end
    end
  end)

  it("asks no more often than needed", function()
    local model = service(25, "error")
    run(cursor.new(10), model, nothing)
    assert.equal(4, model.requests)
  end)

  it("asks whether its cursor is there when a full page is the last",
     function()
    local model = service(20, "empty")
    run(cursor.new(10), model, nothing)
    assert.equal(4, model.requests)
  end)

  it("asks for no more rows than are wanted", function()
    local policy, model = cursor.new(10, 13), service(100, "error")
    assert.equal(10, policy:ask().limit)
    local delivered = run(policy, model, nothing, 13)
    assert.equal(13, #delivered)
    assert.equal(2, model.requests)
    assert.equal(3, policy.asked)
  end)

  for _, gone in ipairs(behaviours) do
    it("survives a loop that deletes all, gone cursor: " .. gone, function()
      for _, size in ipairs { 1, 3, 10, 100 } do
        local policy, model = cursor.new(size), service(230, gone)
        local delivered, err = run(policy, model, function(each)
          policy:note(each.id, "deleting")
          model:delete(each.id)
          policy:note(each.id, "gone")
        end)
        assert.is_nil(err)
        assert.equal(230, #delivered)
        assert.equal(0, #model.rows)
        assert_once(delivered)
      end
    end)

    it("survives deleting at random, by another client too: " .. gone,
       function()
      for seed = 1, 60 do
        local random = randoms(seed)
        local policy = cursor.new(random(12))
        local model, taken = service(150, gone), {}
        local delivered, err = run(policy, model, function(each)
          if random(3) ~= 1 then
            policy:note(each.id, "gone")
            model:delete(each.id)
          end
          -- The other deletes a row anywhere, mostly behind the reader.
          if random(3) == 1 and #model.rows > 0 then
            local victim = model.rows[random(#model.rows)]
            taken[victim.id] = true
            model:delete(victim.id)
          end
        end)
        assert.is_nil(err, "seed " .. seed)
        local seen = assert_once(delivered)
        for i = 1, 150 do
          local id = row(i).id
          assert.is_true(seen[id] or taken[id] or false,
            ("seed %d: %s was skipped"):format(seed, id))
        end
      end
    end)

    it("survives deletions under way while it reads on: " .. gone, function()
      for seed = 1, 60 do
        local random = randoms(seed)
        local policy, model = cursor.new(random(12)), service(150, gone)
        local under_way = {}
        local function finish_one()
          local id = table.remove(under_way, random(#under_way))
          model:delete(id)
          -- The answer may come late, or not.
          if random(2) == 1 then policy:note(id, "gone") end
        end
        local answer = model.answer
        function model:answer(ask)
          while #under_way > 0 and random(2) == 1 do finish_one() end
          return answer(self, ask)
        end
        local delivered, err = run(policy, model, function(each)
          under_way[#under_way + 1] = each.id
          policy:note(each.id, "deleting")
          if #under_way >= 8 then finish_one() end
        end)
        assert.is_nil(err, "seed " .. seed)
        assert.equal(150, #delivered, "seed " .. seed)
        assert_once(delivered)
      end
    end)
  end

  it("skips rows that are newer than what it has given", function()
    local policy, model = cursor.new(10), service(40, "error")
    local n = 40
    local delivered = run(policy, model, function(each)
      policy:note(each.id, "gone")
      model:delete(each.id)
      n = n + 1
      table.insert(model.rows, 1, row(n))
    end)
    assert.equal(40, #delivered)
    assert_once(delivered)
    assert.equal(40, #model.rows)
  end)

  it("remembers the newest row that is there behind a hundred that are not",
     function()
    local policy, model = cursor.new(10), service(300, "error")
    local count = 0
    run(policy, model, function(each)
      count = count + 1
      if count > 5 then
        policy:note(each.id, "gone")
        model:delete(each.id)
      end
    end)
    assert.equal(300, count)
    assert.equal(5, #model.rows)
    -- Not from the top: the fifth row is still a cursor.
    assert.equal(row(296).id, policy:candidate())
  end)

  it("calls a service that ignores the cursor an error, not a loop",
     function()
    local model = service(30, "error")
    local answer = model.answer
    function model:answer(ask)
      return answer(self, { limit = ask.limit, ids = ask.ids })
    end
    local delivered, err = run(cursor.new(10), model, nothing)
    assert.equal(10, #delivered)
    assert.match("brings nothing older", err)
  end)

  it("gives up on a service that refuses every cursor", function()
    local model = service(30, "error")
    local answer = model.answer
    function model:answer(ask)
      if ask.cursor then
        self.requests = self.requests + 1
        return nil, 400
      end
      return answer(self, ask)
    end
    local delivered, err = run(cursor.new(10), model, nothing)
    assert.equal(10, #delivered)
    assert.is_truthy(err)
    assert.is_true(model.requests < 20)
  end)

  it("gives up on a service that lists what is deleted", function()
    local model = service(30, "error")
    model.gone = {}
    local answer = model.answer
    function model:answer(ask)
      if self.gone[ask.cursor or ""] then
        self.requests = self.requests + 1
        return nil, 404
      end
      return answer(self, ask)
    end
    local policy = cursor.new(10)
    local delivered = run(policy, model, function(each)
      model.gone[each.id] = true
      policy:note(each.id, "gone")
    end)
    assert_once(delivered)
    assert.is_true(model.requests < 60)
  end)

  it("leaves errors that are not about the cursor to the caller", function()
    local policy = cursor.new(10)
    policy:ask()
    assert.is_false(policy:refused(400))
    policy:page { row(5) }
    policy:deliver(row(5))
    policy:ask()
    for _, status in ipairs { 401, 403, 500, 429 } do
      assert.is_false(policy:refused(status))
    end
    assert.is_false(policy:refused(nil))
    assert.is_true(policy:refused(404))
  end)

  it("works by ids alone where times cannot be read", function()
    local model = service(25, "error")
    for _, each in ipairs(model.rows) do each.at = nil end
    local delivered, err = run(cursor.new(10), model, nothing)
    assert.is_nil(err)
    assert.equal(25, #delivered)
  end)

  it("gives none twice where many are of one instant", function()
    -- 300 rows of one instant; behind row 200 another client deletes the two
    -- that were given last, so that two cursors in a row lead nowhere.
    local model = service(300, "error")
    for _, each in ipairs(model.rows) do each.at = 1 end
    local policy, seen, count, over = cursor.new(10), {}, 0, false
    while not over do
      local page, status = model:answer(policy:ask())
      local what, detail
      if page then
        what, detail = policy:page(page)
      else
        what = policy:refused(status) and "again" or "error"
      end
      assert.not_equal("error", what)
      over = what == "end"
      for _, index in ipairs(what == "rows" and detail or {}) do
        local each = page[index]
        assert.is_nil(seen[each.id], each.id)
        seen[each.id], count = true, count + 1
        policy:deliver(each)
        if count == 200 then
          model:delete(each.id)
          model:delete(page[index - 1].id)
        end
      end
    end
    assert.equal(300, count)
  end)
end)
