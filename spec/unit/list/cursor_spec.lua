-- SPDX-License-Identifier: MIT
-- The cursor's rules against a model of the service (see
-- spec/support/row_service.lua); the random runs check the promises below.

local cursor = require "lipsync.list.cursor"
local history = require "lipsync.list.history"
local row_service = require "spec.support.row_service"

local run = row_service.run

-- A service of `count` rows, a second apart unless `more` says otherwise.
local function service(count, gone, more)
  local traits = { count = count, gone = gone or "error" }
  for name, value in pairs(more or {}) do traits[name] = value end
  return row_service.new(traits, row_service.randoms(1))
end

-- The ids that exist, in order.
local function ids(model)
  local found = {}
  for i, row in ipairs(model.rows) do found[i] = row.id end
  return found
end

-- The items of a range.
local function slice(items, first, last)
  local part = {}
  for i = first, last do part[#part + 1] = items[i] end
  return part
end

local function delete(policy, model, id)
  policy:note(id, "doubtful")
  model:delete(id)
  policy:note(id, "gone")
end

local function assert_once(delivered)
  local seen = {}
  for _, id in ipairs(delivered) do
    assert.is_nil(seen[id], id)
    seen[id] = true
  end
  return seen
end

local function row(n)
  return { id = "r" .. n, at = n }
end

-- A policy that has delivered some rows, all in one page.
local function after(policy, rows)
  policy:ask()
  local what, fresh = policy:page(rows)
  assert.equal("rows", what)
  for _, i in ipairs(fresh) do policy:deliver(rows[i]) end
  return policy
end

local behaviours = { "error", "empty", "position" }

describe("cursor", function()
  it("delivers every row once, in order", function()
    for _, n in ipairs { 0, 1, 9, 10, 11, 25, 30 } do
      local model = service(n)
      assert.same(ids(model), (run(cursor.new(10), model)))
    end
  end)

  it("makes no needless request", function()
    local model = service(25)
    run(cursor.new(10), model)
    assert.equal(4, model.requests)
  end)

  it("checks its cursor when a full page is the last", function()
    local model = service(20, "empty")
    local policy, asks = cursor.new(10), {}
    local answer = model.answer
    function model:answer(ask)
      asks[#asks + 1] = ask
      return answer(self, ask)
    end
    local delivered = run(policy, model)
    assert.same({ cursor = delivered[20], limit = 10 }, asks[3])
    assert.same({ ids = { delivered[20] }, limit = 1 }, asks[4])
    assert.equal(4, #asks)
  end)

  it("asks for no more rows than wanted", function()
    local policy, model = cursor.new(10, 13), service(100)
    local delivered = run(policy, model, nil, 13)
    assert.equal(13, #delivered)
    assert.equal(2, model.requests)
    assert.equal(3, policy.asked)
    assert.equal(4, cursor.new(10, 4):ask().limit)
  end)

  it("asks for whole pages if rows may be in the way", function()
    local policy = after(cursor.new(10, 13), { row(2), row(1) })
    policy:note("r1", "doubtful")
    assert.same({ cursor = "r2", limit = 10 }, policy:ask())
  end)

  for _, gone in ipairs(behaviours) do
    it("survives a loop that deletes all, gone cursor: " .. gone, function()
      for _, size in ipairs { 1, 3, 10, 100 } do
        local policy, model = cursor.new(size), service(230, gone)
        local all = ids(model)
        local delivered, err = run(policy, model, function(each)
          delete(policy, model, each.id)
        end)
        assert.is_nil(err)
        assert.same(all, delivered)
        assert.equal(0, #model.rows)
      end
    end)
  end

  it("loses no row if clocks differ", function()
    for _, jitter in ipairs { 0.012, 300, 7200, 1e6 } do
      local model = service(300, "error", { apart = 0.005, jitter = jitter })
      assert.same(ids(model), (run(cursor.new(10), model)))
    end
  end)

  it("loses no row if clocks differ and all are deleted", function()
    for _, jitter in ipairs { 0.012, 300, 3600 } do
      local policy = cursor.new(10)
      local model = service(300, "error", { apart = 0.005, jitter = jitter })
      local all = ids(model)
      local delivered = run(policy, model, function(each)
        delete(policy, model, each.id)
      end)
      assert.same(all, delivered)
    end
  end)

  it("delivers a row once that is in a page twice", function()
    local policy = cursor.new(10)
    policy:ask()
    local what, fresh = policy:page { row(3), row(2), row(3), row(2), row(1) }
    assert.equal("rows", what)
    assert.same({ 1, 2, 5 }, fresh)
  end)

  it("goes on after the row before the new ones if all are gone", function()
    local rows = {}
    for i = 1, 200 do rows[i] = row(100 * (201 - i)) end
    local policy = after(cursor.new(200), rows)
    local function remove_all(removed)
      for _, each in ipairs(removed) do policy:note(each.id, "gone") end
    end
    remove_all(rows)
    assert.is_nil(policy:ask().cursor)
    local more = { row(1e9), row(50), row(40) }
    local what, fresh = policy:page(more)
    assert.equal("rows", what)
    assert.same({ 2, 3 }, fresh)
    for _, i in ipairs(fresh) do policy:deliver(more[i]) end
    remove_all { more[2], more[3] }
    assert.equal(more[1].id, policy:ask().cursor)
  end)

  it("trusts no empty page after a cursor that was refused", function()
    local policy = after(cursor.new(2), { row(9), row(8) })
    after(policy, { row(7) })
    assert.equal("r7", policy:ask().cursor)
    assert.is_true(policy:refused(404))
    assert.equal("r8", policy:ask().cursor)
    assert.equal("again", (policy:page {}))
    assert.same({ ids = { "r8" }, limit = 1 }, policy:ask())
    assert.equal("end", (policy:page { row(8) }))
  end)

  it("ends in an error where pages without new rows go in a circle", function()
    -- By length, the page at which that is known.
    for length, page_of in pairs { [1] = 2, [2] = 4, [3] = 7, [4] = 8,
                                   [5] = 13 } do
      local policy = after(cursor.new(2), { row(9), row(8), row(7), row(6),
        row(5), row(4) })
      local what, text
      local asked = 0
      repeat
        local from = policy:ask().cursor
        what, text = policy:page { row(9 - asked % length) }
        asked = asked + 1
        if what == "error" then
          assert.equal(("the page after %s brings nothing older"):format(from),
            text)
        end
      until what == "error" or asked > 30
      assert.same({ "error", page_of }, { what, asked })
    end
  end)

  it("skips only known ids after the last delivered row", function()
    local policy = after(cursor.new(2), { row(9), row(8) })
    assert.equal("r8", policy:ask().cursor)
    local what, fresh = policy:page { row(1e9), row(9) }
    assert.equal("rows", what)
    assert.same({ 1 }, fresh)
  end)

  it("skips by id within an hour of the last row, by time beyond", function()
    local policy = after(cursor.new(3), { row(10002), row(10001), row(10000) })
    policy:note("r10000", "doubtful")
    assert.equal("r10001", policy:ask().cursor)
    local what, fresh = policy:page { row(10001 + 3601), row(10001 + 3600),
      row(10002), row(10000), { id = "undated" } }
    assert.equal("rows", what)
    assert.same({ 2, 5 }, fresh)
  end)

  it("skips by time until a row an hour older has come", function()
    local policy = after(cursor.new(3), { row(10002), row(10001), row(10000) })
    policy:note("r10000", "doubtful")
    policy:ask()
    local newer = row(1e6)
    local function given(rows, expected)
      local what, fresh = policy:page(rows)
      assert.equal("rows", what)
      assert.same(expected, fresh)
      for _, i in ipairs(fresh) do policy:deliver(rows[i]) end
      assert.equal(rows[#rows].id, policy:ask().cursor)
    end
    given({ newer, row(9999) }, { 2 })
    given({ newer, { id = "undated" } }, { 2 })
    given({ newer, row(6401) }, { 2 })   -- 10001 - 3600
    given({ newer, row(6400) }, { 2 })
    given({ newer, row(6399) }, { 1, 2 })
  end)

  it("ends when each deletion comes with an insertion", function()
    local policy, model = cursor.new(10), service(40, nil, { apart = 7200 })
    local all = ids(model)
    local delivered = run(policy, model, function(each)
      delete(policy, model, each.id)
      model:insert()
    end)
    assert.same(all, delivered)
    assert.equal(40, #model.rows)
  end)

  it("passes rows created meanwhile once, not for each page", function()
    local policy, model = cursor.new(1), service(100, nil, { apart = 7200 })
    run(policy, model, function(each)
      delete(policy, model, each.id)
      model:insert()
    end)
    assert.equal(100, #model.rows)
    assert.is_true(model.requests < 320, model.requests)
  end)

  it("begins at the top if the row it passed is gone", function()
    for _, gone in ipairs { "error", "empty" } do
      local policy = cursor.new(1)
      local model = service(40, gone, { apart = 7200 })
      local count = 0
      run(policy, model, function(each)
        delete(policy, model, each.id)
        count = count + 1
        if count % 2 == 0 then model:insert() end
        if count % 5 == 0 then model:delete(policy.passed) end
      end)
      assert.equal(40, count)
    end
  end)

  it("remembers the newest existing row after hundreds of deleted ones",
     function()
    local policy, model = cursor.new(10), service(900, nil, { apart = 100 })
    local all, count = ids(model), 0
    run(policy, model, function(each)
      count = count + 1
      if count > 5 then delete(policy, model, each.id) end
    end)
    assert.equal(900, count)
    assert.equal(5, #model.rows)
    assert.equal(all[5], policy:resume())
  end)

  it("ends in an error if the service ignores the cursor", function()
    for _, size in ipairs { 1, 10 } do
      local model = service(30)
      local answer = model.answer
      function model:answer(ask)
        return answer(self, { limit = ask.limit, ids = ask.ids })
      end
      local delivered, err = run(cursor.new(size), model)
      assert.equal(size, #delivered)
      assert.equal(2, model.requests)
      assert.equal("the page after " .. delivered[size]
        .. " brings nothing older", err)
    end
  end)

  it("ends in an error if the service goes in a circle", function()
    for length = 1, 12 do
      local model, n = service(30), 0
      function model:answer()
        n = n + 1
        if n <= 30 then return { self.rows[n] } end
        assert(n < 100, "a loop without end")
        return { self.rows[30 - (n - 31) % length] }
      end
      local delivered, err = run(cursor.new(1), model)
      assert.equal(30, #delivered)
      assert.match("brings nothing older", err)
    end
  end)

  it("ends if the service refuses every cursor", function()
    for _, status in ipairs { 400, 404 } do
      local model = service(30)
      local answer = model.answer
      function model:answer(ask)
        if ask.cursor then
          self.requests = self.requests + 1
          return nil, status
        end
        return answer(self, ask)
      end
      local delivered, err = run(cursor.new(10), model)
      assert.equal(10, #delivered)
      assert.equal(status, err)
      assert.equal(7, model.requests)
    end
  end)

  it("ends if the service knows none of its cursors", function()
    local model = service(30)
    function model:answer(ask)
      self.requests = self.requests + 1
      if ask.cursor or ask.ids then return {} end
      return slice(self.rows, 1, ask.limit)
    end
    local delivered, err = run(cursor.new(10), model)
    assert.equal(10, #delivered)
    assert.equal("cursor after cursor is refused or leads nowhere", err)
    assert.equal(9, model.requests)
  end)

  it("ends if the service lists deleted rows", function()
    local model = service(30)
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

  it("passes errors on that are not about the cursor", function()
    local policy = cursor.new(10)
    policy:ask()
    assert.is_false(policy:refused(400))
    after(policy, { row(5) })
    policy:ask()
    for _, status in ipairs { 401, 403, 500, 429 } do
      assert.is_false(policy:refused(status))
    end
    assert.is_false(policy:refused(nil))
    assert.is_true(policy:refused(404))
  end)

  it("passes on the error of a check for a row", function()
    local policy = after(cursor.new(1), { row(5) })
    policy:ask()
    assert.equal("again", (policy:page {}))
    assert.same({ ids = { "r5" }, limit = 1 }, policy:ask())
    assert.is_false(policy:refused(404))
  end)

  it("ends in an error if a check returns another row", function()
    local policy = after(cursor.new(1), { row(5) })
    policy:ask()
    policy:page {}
    policy:ask()
    local what, text = policy:page { row(6) }
    assert.equal("error", what)
    assert.equal("r5 was asked for, but the service sent r6", text)
  end)

  it("ends in an error at a row without an id", function()
    for _, id in ipairs { false, "", 7 } do
      local policy = cursor.new(3)
      policy:ask()
      local what, text = policy:page { row(1), { id = id or nil, at = 1 } }
      assert.equal("error", what)
      assert.match("a row came without an id", text)
    end
  end)

  it("works by ids alone if times cannot be read", function()
    local model = service(25, nil, { undated = 1 })
    local delivered, err = run(cursor.new(10), model)
    assert.is_nil(err)
    assert.equal(25, #delivered)
  end)

  it("delivers none twice if many have the same time", function()
    -- After row 200 another client deletes the last two delivered, so two
    -- cursors in a row are gone.
    local model = service(300, nil, { apart = 0 })
    local count, before = 0, nil
    local delivered = run(cursor.new(10), model, function(each)
      count = count + 1
      if count == 200 then
        model:delete(each.id)
        model:delete(before)
      end
      before = each.id
    end)
    assert.equal(300, #delivered)
    assert_once(delivered)
  end)
end)

describe("cursor with a start", function()
  it("begins after the start", function()
    local model = service(40)
    local all = ids(model)
    local policy = cursor.new(10, nil, all[25])
    assert.equal(all[25], policy:resume())
    assert.same({ cursor = all[25], limit = 10 }, policy:ask())
    assert.same(slice(all, 26, 40), (run(policy, model)))
    assert.equal(3, model.requests)
    assert.equal(3, cursor.new(10, 3, "r1"):ask().limit)
  end)

  it("ends if nothing follows the start", function()
    local model = service(40, "empty")
    local delivered, err = run(cursor.new(10, nil, model.rows[40].id), model)
    assert.same({}, delivered)
    assert.is_nil(err)
  end)

  it("passes on the error of a refused start", function()
    local model = service(40, "error")
    model.numbers.gone = 0
    local delivered, err = run(cursor.new(10, nil, "gone"), model)
    assert.same({}, delivered)
    assert.equal(400, err)
    assert.equal(1, model.requests)
  end)

  it("ends in an error if the start does not exist", function()
    local model = service(40, "empty")
    model.numbers.gone = 0
    local delivered, err = run(cursor.new(10, nil, "gone"), model)
    assert.same({}, delivered)
    assert.equal("no row has the id gone, where the listing is to begin", err)
  end)

  it("goes back to the start, never to the top", function()
    for _, gone in ipairs(behaviours) do
      local model = service(100, gone)
      local all = ids(model)
      local policy, count = cursor.new(10, nil, all[20]), 0
      local delivered, err = run(policy, model, function(each)
        count = count + 1
        delete(policy, model, each.id)
        -- Another client deletes the start once it is no longer needed.
        if count == 80 then model:delete(all[20]) end
      end)
      assert.same(slice(all, 21, 100), delivered)
      if gone == "error" then assert.equal(400, err) end
    end
  end)

  it("goes back to the start if all cursors are lost", function()
    local model = service(40, "error")
    local all = ids(model)
    local policy, count = cursor.new(10, nil, all[10]), 0
    local delivered = run(policy, model, function(each)
      count = count + 1
      if count == 9 or count == 10 then model:delete(each.id) end
    end)
    assert.same(slice(all, 11, 40), delivered)
  end)
end)

-- The promises of any listing, whatever this client and others do meanwhile,
-- and however the service treats a cursor whose row is gone:
--
--  * It ends without an error, and in bounded memory. (Except if others delete
--    four cursors in a row, each before its use, and none brings a row.)
--  * It delivers no row twice, not even one that others created meanwhile.
--    (Except if clocks differ by over an hour and others create rows.)
--  * It delivers each row that existed at the first request and is not deleted
--    by others before its turn. (If clocks differ by over an hour, only while
--    each cursor is the row delivered last.)
--
-- "This client" notes its deletions: before each, and when the outcome is
-- known. "Others" note nothing.

local seeds = tonumber(os.getenv "LIPSYNC_RUNS") or 1000
local first_seed = tonumber(os.getenv "LIPSYNC_SEED") or 1

local function one_of(random, list)
  return list[random(#list)]
end

-- This client: deletes some of the delivered rows, several at a time.
local Client = {}
Client.__index = Client

local function client(policy, model, random)
  return setmetatable({
    policy = policy, model = model, random = random, under_way = {},
    deletes = random(4) - 1,              -- of three rows
    at_once = random(8),
    refused = one_of(random, { 0, 2 }),   -- of ten deletions
  }, Client)
end

-- A request may be done or refused; its response may be lost.
function Client:finish_one()
  local random = self.random
  local id = table.remove(self.under_way, random(#self.under_way))
  local fate = random(10)
  if fate <= self.refused then
    self.policy:note(id, "kept")
    return
  end
  self.model:delete(id)
  if fate <= 7 then self.policy:note(id, "gone") end
end

function Client:take(id)
  if self.random(3) > self.deletes then return end
  self.policy:note(id, "doubtful")
  self.under_way[#self.under_way + 1] = id
  while #self.under_way >= self.at_once do self:finish_one() end
end

function Client:before_request()
  while #self.under_way > 0 and self.random(3) == 1 do self:finish_one() end
end

-- The others: delete any row, sometimes the cursor; create rows, if the model
-- may grow.
local function others(policy, model, random, taken)
  local rows = model.rows
  local deletes = one_of(random, { 0, 0, 2, 3, 6 })
  local inserts = one_of(random, { 0, 0, 3, 4, 7 })
  if model.traits.fixed then inserts = 0 end
  return function()
    if deletes > 0 and random(deletes) == 1 and #rows > 0 then
      local id = random(4) == 1 and policy:resume() or rows[random(#rows)].id
      taken[id] = true
      model:delete(id)
    end
    if inserts > 0 and random(inserts) == 1 then model:insert() end
  end, inserts > 0
end

local function count(items)
  local n = 0
  for _ in pairs(items) do n = n + 1 end
  return n
end

-- One random listing; raises a broken promise.
local function try(seed, traits, size)
  local random = row_service.randoms(seed * 7919)
  local model = row_service.new(traits, random)
  local policy = cursor.new(size)
  local all, taken, seen = ids(model), {}, {}
  local this = client(policy, model, random)
  local disturb, inserts = others(policy, model, random, taken)
  local again, last, most, lost = false, nil, 0, {}
  local answer = model.answer
  function model:answer(ask)
    this:before_request()
    if random(8) == 1 then disturb() end
    again = again or not ask.ids and ask.cursor ~= last
    most = math.max(most, count(policy.history.ids))
    local id = ask.ids and ask.ids[1] or ask.cursor
    if id and taken[id] then lost[id] = true end
    return answer(self, ask)
  end
  local _, err = run(policy, model, function(each)
    local twice = seen[each.id] and (traits.jitter <= 3600 or not inserts)
    assert(not twice, each.id .. " is given twice")
    seen[each.id], last, lost = true, each.id, {}
    this:take(each.id)
    disturb()
  end)
  if err and count(lost) > 3 then return end
  assert(not err, tostring(err))
  if traits.jitter <= 3600 or not again then
    for _, id in ipairs(all) do
      assert(seen[id] or taken[id], id .. " is lost")
    end
  end
  assert(most <= history.most + history.hundred + 1, "too many ids are kept")
  assert(count(policy.history.numbers) == count(policy.history.ids),
    "ids and numbers differ")
  assert(count(policy.history.hundreds)
    <= history.most / history.hundred + 1, "too many hundreds are kept")
end

-- Runs `seeds` of them; `draw` gives each its traits and size.
local function try_many(draw)
  for seed = first_seed, first_seed + seeds - 1 do
    local ok, why = pcall(function()
      try(seed, draw(row_service.randoms(seed * 104729)))
    end)
    if not ok then
      error(("LIPSYNC_SEED=%d: %s"):format(seed, tostring(why)), 0)
    end
  end
end

describe("cursor at random", function()
  local hundred, most = history.hundred, history.most

  after_each(function() history.hundred, history.most = hundred, most end)

  local function traits(random, gone)
    return {
      count = random(200), gone = gone,
      apart = one_of(random, { 0, 0.001, 1, 60, 1200 }),
      jitter = one_of(random, { 0, 0.012, 300, 3600, 10800 }),
      undated = one_of(random, { false, false, 3, 1 }),
      repeats = one_of(random, { false, 2 }),
    }
  end

  for _, gone in ipairs(behaviours) do
    it("keeps its promises, gone cursor: " .. gone, function()
      try_many(function(random)
        history.hundred = one_of(random, { 1, 2, 4, 10 })
        history.most = 1000
        return traits(random, gone), random(12)
      end)
    end)
  end

  -- Then clocks may differ by no more than the time that `most` rows span,
  -- minus the time of the rows that others create.
  it("keeps its promises when its memory is full", function()
    try_many(function(random)
      history.hundred = one_of(random, { 4, 10 })
      history.most = 3 * history.hundred
      local own = traits(random, one_of(random, behaviours))
      own.apart = one_of(random, { 1, 60, 1200 })
      own.jitter, own.undated = one_of(random, { 0, 0.5 }), false
      own.fixed = true
      return own, random(12)
    end)
  end)

  it("can be resumed by another listing", function()
    for seed = first_seed, first_seed + seeds / 10 do
      local random = row_service.randoms(seed * 7919)
      local gone = one_of(random, behaviours)
      local model = row_service.new(traits(random, gone), random)
      local all, size, left, start = ids(model), random(12), {}, nil
      repeat
        local policy = cursor.new(size, nil, start)
        local wanted = random(40)
        local part, err = run(policy, model, function(each)
          left[#left + 1] = each.id
          -- Clocks that differ by an hour are too much after it began again.
          if model.traits.jitter <= 3600 and random(4) == 1 then
            delete(policy, model, each.id)
          end
        end, wanted)
        assert.is_nil(err, "seed " .. seed)
        start = policy:resume()
      until #part < wanted
      assert.same(all, left, "seed " .. seed)
    end
  end)
end)
