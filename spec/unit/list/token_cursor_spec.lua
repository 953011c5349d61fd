-- SPDX-License-Identifier: MIT
local token_cursor = require "lipsync.list.token_cursor"

local function rows(...)
  local made = {}
  for i, id in ipairs { ... } do made[i] = { id = id } end
  return made
end

describe("token_cursor", function()
  -- Takes a page and delivers its new rows; returns their ids.
  local function take(policy, page, next)
    local what, fresh = policy:page(page, next)
    if what ~= "rows" then return what, fresh end
    local given = {}
    for i, index in ipairs(fresh) do
      given[i] = page[index].id
      policy:deliver(page[index])
    end
    return given
  end

  it("follows the tokens to the end", function()
    local policy = token_cursor.new(10)
    assert.same({ limit = 10 }, policy:ask())
    assert.same({ "a", "b" }, take(policy, rows("a", "b"), "t1"))
    assert.same({ cursor = "t1", limit = 10 }, policy:ask())
    assert.same({ "c" }, take(policy, rows "c", "t2"))
    assert.same({ cursor = "t2", limit = 10 }, policy:ask())
    assert.same({ "d" }, take(policy, rows "d"))
    assert.is_nil(policy:ask())
  end)

  it("treats an empty token as none", function()
    local policy = token_cursor.new(10)
    policy:ask()
    assert.same({ "a" }, take(policy, rows "a", ""))
    assert.is_nil(policy:ask())
  end)

  it("goes on after an empty page with a token, else ends", function()
    local policy = token_cursor.new(10)
    policy:ask()
    assert.equal("again", (take(policy, {}, "t1")))
    assert.equal("t1", policy:ask().cursor)
    assert.equal("end", (take(policy, {})))
    assert.is_nil(policy:ask())
  end)

  it("asks for no more rows than wanted", function()
    local policy = token_cursor.new(2, 3)
    assert.equal(2, policy:ask().limit)
    take(policy, rows("a", "b"), "t1")
    assert.equal(1, policy:ask().limit)
    assert.equal(1, token_cursor.new(2, 1):ask().limit)
  end)

  it("delivers a row once that is in a page twice, or in the next too",
     function()
    local policy = token_cursor.new(4)
    policy:ask()
    assert.same({ "a", "b" }, take(policy, rows("a", "b", "a", "b"), "t1"))
    policy:ask()
    assert.same({ "c" }, take(policy, rows("b", "c", "c"), "t2"))
    policy:ask()
    assert.same({ "a" }, take(policy, rows("a", "c"), "t3"))
  end)

  it("delivers all rows without an id", function()
    local policy = token_cursor.new(4)
    policy:ask()
    local what, fresh = policy:page({ {}, { id = "a" }, {} }, "t1")
    assert.equal("rows", what)
    assert.same({ 1, 2, 3 }, fresh)
    for _ = 1, 3 do policy:deliver {} end
    assert.equal("t1", policy:ask().cursor)
  end)

  it("asks for the same page until all of it is delivered", function()
    local policy = token_cursor.new(4, nil, "t1")
    policy:ask()
    policy:page(rows("a", "b"))
    policy:deliver { id = "a" }
    assert.same({ cursor = "t1", limit = 4 }, policy:ask())
    assert.same({ "b" }, take(policy, rows("a", "b")))
    assert.is_nil(policy:ask())
  end)

  it("ends in an error at a page that names itself", function()
    local policy = token_cursor.new(4, nil, "t1")
    policy:ask()
    local what, text = policy:page(rows "a", "t1")
    assert.equal("error", what)
    assert.equal("the page of t1 names itself as the next", text)
  end)

  it("ends in an error where pages name each other in a circle", function()
    -- By length, the page at which that is known.
    for length, page_of in pairs { [2] = 4, [3] = 7, [4] = 8, [5] = 13 } do
      local policy = token_cursor.new(4)
      local what, text
      local asked = 0
      repeat
        local page = assert(policy:ask()).cursor
        asked = asked + 1
        local n = page and tonumber(page:match "%d+") or 0
        what, text = policy:page({}, "t" .. n % length + 1)
      until what == "error" or asked > 30
      assert.equal("error", what)
      assert.equal(page_of, asked)
      assert.matches("^the page of t%d comes again and again$", text)
    end
  end)

  it("passes errors on", function()
    local policy = token_cursor.new(4, nil, "t1")
    policy:ask()
    for _, status in ipairs { 400, 404, 410, 500 } do
      assert.is_false(policy:refused(status))
    end
  end)

  it("can be resumed by another listing", function()
    local policy = token_cursor.new(2)
    assert.is_nil(policy:resume())
    policy:ask()
    policy:page(rows("a", "b"), "t1")
    policy:deliver { id = "a" }
    assert.is_nil(policy:resume())
    policy:note("a", "gone")
    policy:deliver { id = "b" }
    assert.equal("t1", policy:resume())
    policy:ask()
    take(policy, rows "c")
    assert.equal("t1", policy:resume())
    local other = token_cursor.new(2, nil, "t1")
    assert.equal("t1", other:resume())
    assert.same({ cursor = "t1", limit = 2 }, other:ask())
  end)
end)
