-- SPDX-License-Identifier: MIT
-- What an open receipt may have created, after its key may be forgotten.

local calls = require "lipsync.call"
local core = require "lipsync.core"
local file = require "lipsync.file"
local receipts = require "spec.support.receipts"
local service = require "spec.support.service"
local sleep = require "lipsync.call.sleep"

describe("the search for what a receipt has created", function()
  local here = service.fixture(after_each)
  local at = receipts.fixture(before_each, after_each)
  local request, note, rewrite = at.request, at.note, at.rewrite
  local answer = service.answer
  local created, cut = receipts.created, receipts.cut
  local function keys() return receipts.keys(here.server) end

  local function iso(seconds)
    return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)
  end

  local function row(id, more)
    local all = { id = id, createdAt = iso(os.time() - 2000),
      status = "PENDING", model = "lipsync-2", outputFileName = "One.mp4",
      input = { { type = "video", url = "https://media.example/v.mp4" },
                { type = "audio", assetId = "a1" } } }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  -- Has a run be cut off 2,000 seconds ago, and another one begin with such
  -- rows at the service, the last of them too old; calls `between` before that.
  local function find(rows, options, between)
    rows[#rows + 1] = row("old", { createdAt = iso(os.time() - 9000) })
    local generations = here.start { cut, answer(200, core.encode(rows)),
                                     created }
    generations:create(request(), { receipt = at.path, max_attempts = 1 })
    rewrite { open_at = os.time() - 2000, sent_at = os.time() - 2000 }
    if between then between() end
    local all = { receipt = at.path }
    for name, value in pairs(options or {}) do all[name] = value end
    return generations:create(request(), all)
  end

  it("finds the only one that can be meant", function()
    local generation = assert(find {
      row("late", { createdAt = iso(os.time()) }),
      row("name", { outputFileName = "two" }), row("none", {
        outputFileName = 5 }), row("model", { model = "x" }),
      row("input", { input = core.array {} }), row("other", { input = {
        5, { type = "video", url = "https://media.example/v.mp4" } } }),
      row "it" })
    assert.equal("it", generation.id)
    assert.equal("it", note().id)
    assert.equal(2, #here.server:requests())
  end)

  it("knows a name without its punctuation, letter case and suffix", function()
    for name, found in pairs { one = true, ONE = true, ["o-n e.mov"] = true,
        ["one.two"] = true, onemp4 = false, ["one1"] = false,
        ["one.two.mp4"] = false } do
      local generation, err = find { row("it", { outputFileName = name }) }
      assert.equal(found and 1 or 0, generation and 1 or #err.candidates, name)
      here.stop()
      os.remove(at.path)
    end
  end)

  it("takes those from two minutes before to ten after", function()
    local time, now = core.time, os.time()
    finally(function() core.time = time end)
    core.time = function() return now end
    local opened, sent = now - 2000, now - 1700
    local function created_at(id, seconds)
      return row(id, { createdAt = iso(seconds) })
    end
    for _, last in ipairs { sent, opened } do
      local none, err = find({ created_at("late", last + 601),
        created_at("last", last + 600), created_at("first", opened - 120),
        created_at("early", opened - 121), row "it" }, nil, function()
          local own = note()
          own.open_at, own.sent_at = opened, last ~= opened and last or nil
          assert(file.replace(at.path, core.encode(own)))
        end)
      assert.is_nil(none)
      local ids = {}
      for i, each in ipairs(err.candidates) do ids[i] = each.id end
      assert.same({ "last", "first" }, ids)
      assert.equal("/v2/generations?limit=100",
        here.server:requests(2)[2].target)
      here.stop()
      os.remove(at.path)
    end
  end)

  it("has what is left of the timeout", function()
    local generations = here.start { cut, answer(200, "[]") }
    generations:create(request(), { receipt = at.path, max_attempts = 1 })
    rewrite { open_at = os.time() - 2000, sent_at = os.time() - 2000 }
    local other = assert(file.open(at.path .. ".lock", "edit"))
    assert.is_true(other:lock())
    local run, made, left = sleep.run, calls.new, nil
    finally(function() sleep.run, calls.new = run, made end)
    function sleep.run(_, _, _, clock)
      clock:add(core.now(), core.now() + 100)
      other:close()
      return true
    end
    calls.new = function(client, spec, options, ...)
      if spec.action == "list generations" then left = options.timeout end
      return made(client, spec, options, ...)
    end
    local _, err = generations:create(request(), { receipt = at.path,
                                                   timeout = 160 })
    assert.same({}, err.candidates)
    assert.is_true(left > 30 and left <= 60, left)
  end)

  it("gives what it found, also where that cannot be noted", function()
    local job = file.job
    finally(function() file.job = job end)  -- luacheck: ignore
    local generation, err, problem = find({ row "it" }, nil, function()
      file.job = function(plan)  -- luacheck: ignore
        return { close = function() end, done = function()
          return nil, { code = "file_unwritten", path = plan.replace,
                        os_error = 28 }
        end }
      end
    end)
    assert.equal("it", generation.id)
    assert.is_nil(err)
    assert.equal(28, problem.os_error)
  end)

  it("sends nothing where several or none can be meant", function()
    local generation, err = find { row "a", row "b" }
    assert.is_nil(generation)
    assert.is_true(err.outcomeUnknown)
    assert.equal(2, #err.candidates)
    assert.is_string(err.idempotencyKey)
    assert.matches("^create generation: the receipt .* is open since "
      .. "%d+%-%d%d%-%d%dT.*, and of the generations made then 2 can be the "
      .. "one%.", tostring(err))
    assert.equal("open", note().state)
    here.stop()
    os.remove(at.path)
    generation, err = find({})
    assert.is_nil(generation)
    assert.equal(0, #err.candidates)
    assert.equal(2, #here.server:requests())
  end)

  it("looks by the service's clock", function()
    local function shifted(seconds)
      local rows = {}
      for i, id in ipairs { "before", "it", "late" } do
        rows[4 - i] = row(id, { createdAt =
          iso(os.time() + 7200 + seconds[i]) })
      end
      local generations = here.start { cut, answer(200, core.encode(rows),
        { Date = service.date(os.time() + 7200) }) }
      generations:create(request(), { receipt = at.path, max_attempts = 1 })
      rewrite { open_at = os.time() - 2000, sent_at = os.time() - 1900 }
      return generations:create(request(), { receipt = at.path })
    end
    assert.equal("it", assert(shifted { -2200, -2000, -1000 }).id)
  end)

  it("finds what its last request has made", function()
    local generation = assert(find({
      row("it", { createdAt = iso(os.time() - 700) }) }, nil, function()
        rewrite { sent_at = os.time() - 1290 }
      end))
    assert.equal("it", generation.id)
  end)

  it("does not take what another receipt has", function()
    assert(file.replace(at.folder .. "/two.json", core.encode { version = 1,
      state = "created", id = "a", idempotency_key = "k", content = "{}",
      files = core.array {} }))
    assert(file.replace(at.folder .. "/three.txt", "no receipt"))
    assert.equal("b", assert(find { row "a", row "b" }).id)
  end)

  it("takes what it wrote itself when its process was killed", function()
    local generation = assert(find({ row "a" }, nil, function()
      local own = note()
      own.state, own.id = "created", "a"
      assert(file.replace(at.path .. ".new", core.encode(own)))
    end))
    assert.equal("a", generation.id)
  end)

  it("sends anew if that is wanted, under another key", function()
    assert(find({}, { on_unknown = "create" }))
    local seen = keys()
    assert.equal(3, #seen)
    assert.not_equal(seen[1], seen[3])
    assert.equal("created", note().state)
  end)

  it("repeats for as long as it is told", function()
    local generations = here.start { cut, created }
    generations:create(request(), { receipt = at.path, max_attempts = 1 })
    rewrite { open_at = os.time() - 2000 }
    assert(generations:create(request(), { receipt = at.path,
                                           repeat_for = 3000 }))
    local seen = keys()
    assert.equal(seen[1], seen[2])
  end)
end)
