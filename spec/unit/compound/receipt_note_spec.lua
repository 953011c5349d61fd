-- SPDX-License-Identifier: MIT

local core = require "lipsync.core"
require "lipsync"  -- describes the type Generation
local receipt_note = require "lipsync.compound.receipt_note"

local WINDOW = receipt_note.window

describe("a receipt's next step", function()
  local function note(state, more)
    local all = { version = 1, state = state, origin = "o", account = "a",
      content = "c", files = { { path = "p", stamp = "s" } },
      idempotency_key = "k", open_at = 1000, id = "g1" }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end
  local request = note "prepared"

  local function step(state, more, now)
    return receipt_note.decide(state and note(state, more), request,
      now or 1000, WINDOW)
  end

  it("sends where nothing can have been created", function()
    for _, more in ipairs { {}, { content = "other" }, { account = "b" } } do
      assert.equal("send", (step("prepared", more)))
      assert.equal("send", (step("refused", more)))
    end
    assert.equal("send", (step(nil)))
  end)

  it("fetches what was created", function()
    assert.equal("fetch", (step("created", nil, 1e9)))
  end)

  it("takes a file that is gone for the same", function()
    local files = request.files
    finally(function() request.files = files end)
    request.files = { { path = "p" } }
    assert.equal("fetch", (step "created"))
    request.files = { { path = "q" } }
    assert.is_nil((step "created"))
  end)

  it("gives what is done", function()
    assert.equal("give", (step("done", nil, 1e9)))
  end)

  it("repeats what is open, as long as the key is good", function()
    assert.equal("repeat", (step("open", nil, 1000)))
    assert.equal("repeat", (step("open", nil, 1000 + WINDOW)))
    assert.equal("find", (step("open", nil, 1001 + WINDOW)))
    assert.equal("find", (step("open", nil, 999)))
  end)

  it("is none for anything else", function()
    for _, state in ipairs { "open", "created", "done" } do
      for _, case in ipairs { { { origin = "x" }, "is of another api_key or "
            .. "base_url" }, { { account = "x" }, "is of another api_key or "
            .. "base_url" }, { { content = "x" }, "is of another request" },
          { { files = {} }, "is of another request" },
          { { files = { { path = "q", stamp = "s" } } },
            "is of another request" },
          { { files = { { path = "p", stamp = "x" } } },
            'is of another request: "p" has changed since' } } do
        local got, problem = step(state, case[1])
        assert.is_nil(got)
        assert.equal(case[2], problem)
      end
    end
  end)
end)

describe("a receipt's note", function()
  local function note(state, more)
    local all = { version = 1, state = state, origin = "o", account = "a",
      content = '{"b":1}', files = core.array {}, idempotency_key = "k" }
    for name, value in pairs(more or {}) do
      all[name] = value ~= "none" and value or nil
    end
    return all
  end

  local function is_good(state, more)
    return receipt_note.parse(core.encode(note(state, more))) ~= nil
  end

  it("is read as it was written", function()
    local given = note("open", { open_at = 5, sent_at = 6, boundary = "b",
      files = { { path = "p", stamp = "s" } }, assets = { p = "id" } })
    local text = receipt_note.format(given)
    assert.equal("\n", text:sub(-1))
    assert.same(given, receipt_note.parse(text))
  end)

  it("is none where anything is missing or of another type", function()
    for _, more in ipairs { { version = 2 }, { version = "none" },
        { state = "new" }, { idempotency_key = 5 },
        { idempotency_key = "none" }, { content = 5 }, { content = "b" },
        { content = "5" }, { files = "none" }, { files = "p" },
        { files = { "p" } }, { files = { { path = "p" } } },
        { files = { { stamp = "s" } } },
        { files = { { path = 5, stamp = "s" } } },
        { files = { { path = "p", stamp = "s" }, { path = "q", stamp = 5 } } },
        { assets = "a" } } do
      assert.is_false(is_good("prepared", more), core.encode(more))
    end
    for _, text in ipairs { "", "[]", "5", "{}", '{"version":1' } do
      assert.is_nil(receipt_note.parse(text), text)
    end
    assert.is_true(is_good "prepared")
    assert.is_true(is_good("prepared", { assets = {} }))
    assert.is_true(is_good "refused")
  end)

  it("has what its state needs", function()
    local object = '{"id":"g1"}'
    for state, cases in pairs {
        open = { [{}] = false, [{ open_at = "5" }] = false,
          [{ open_at = 5 }] = true, [{ open_at = 5, sent_at = "6" }] = false,
          [{ open_at = 5, sent_at = 6 }] = true, [{ sent_at = 6 }] = false },
        created = { [{}] = false, [{ id = 5 }] = false, [{ id = "g" }] = true },
        done = { [{}] = false, [{ id = "g" }] = false,
          [{ id = "g", object = object }] = true, [{ object = object }] = false,
          [{ id = "g", object = "{}" }] = false,
          [{ id = "g", object = 5 }] = false,
          [{ id = "g", object = object, path = "p" }] = false,
          [{ id = "g", object = object, path = 5, bytes = 6 }] = false,
          [{ id = "g", object = object, path = "p", bytes = 6 }] = true },
      } do
      for more, good in pairs(cases) do
        assert.equal(good, is_good(state, more), state .. core.encode(more))
      end
    end
  end)

  it("is foreign to any other generation, key or origin", function()
    local owner = { origin = "o", account = "a" }
    local own = note("created", { id = "g" })
    local other = "is of another generation, api_key or base_url"
    assert.is_nil(receipt_note.foreign(own, owner, "g"))
    assert.equal(other, receipt_note.foreign(own, owner, "h"))
    assert.equal(other, receipt_note.foreign(own, { origin = "x",
                                                    account = "a" }, "g"))
    assert.equal(other, receipt_note.foreign(own, { origin = "o",
                                                    account = "x" }, "g"))
    assert.equal("does not exist", receipt_note.foreign(nil, owner, "g"))
  end)

  it("takes the assets of an earlier run of the same request", function()
    local request = note "none"
    request.state = nil
    local function assets(earlier, own)
      local fixed = { idempotency_key = "k2", boundary = "b", assets = own }
      local made = receipt_note.prepared(request, fixed, earlier)
      assert.equal(made.assets, fixed.assets)
      return made.assets and made.assets[1]
    end
    assert.equal("old", assets(note("prepared", { assets = { "old" } }),
      { "new" }))
    assert.equal("old", assets(note("open", { assets = { "old" } }),
      { "new" }))
    assert.is_nil(assets(note("prepared", { assets = { "old" } }), nil))
    for _, earlier in ipairs { note("prepared"),
        note("refused", { assets = { "old" } }),
        note("prepared", { assets = { "old" }, origin = "x" }),
        note("prepared", { assets = { "old" }, account = "x" }),
        note("prepared", { assets = { "old" }, content = "{}" }) } do
      assert.equal("new", assets(earlier, { "new" }))
    end
    assert.equal("new", assets(nil, { "new" }))
    assert.same({ version = 1, state = "prepared", origin = "o", account = "a",
      content = '{"b":1}', files = {}, idempotency_key = "k2", boundary = "b" },
      receipt_note.prepared(request, { idempotency_key = "k2",
                                       boundary = "b" }))
  end)

  it("is copied into another state", function()
    local own = note "prepared"
    local changed = receipt_note.changed(own, "open", { open_at = 5 })
    assert.same({ "open", 5, "k" }, { changed.state, changed.open_at,
                                      changed.idempotency_key })
    assert.equal("prepared", own.state)
    assert.is_nil(own.open_at)
  end)

  it("lets a key be used for ten minutes", function()
    assert.equal(600, receipt_note.window)
  end)
end)
