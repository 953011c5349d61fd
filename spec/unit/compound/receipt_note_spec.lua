-- SPDX-License-Identifier: MIT

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
