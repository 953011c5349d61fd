-- SPDX-License-Identifier: MIT

local http = require "lipsync.http"

describe("a method", function()
  it("takes no table for its object", function()
    local session = assert(http.session { base_url = "http://127.0.0.1:9" })
    local class = getmetatable(session)
    local ok, message = pcall(class.account, setmetatable({}, class))
    session:close()
    assert.is_false(ok)
    assert.matches("Session expected, got", message)
  end)
end)

describe("a session", function()
  it("keeps no transfer that nothing else has", function()
    local session = assert(http.session { base_url = "http://127.0.0.1:9" })
    local function count() return (select(2, http.live())) end
    local function abandon()
      for _ = 1, 3 do assert(session:start(nil, "GET", "/")) end
      assert.equal(3, count())
    end
    abandon()
    for _ = 1, 3 do collectgarbage() end
    assert.equal(0, count())
    local kept = assert(session:start(nil, "GET", "/"))
    for _ = 1, 3 do collectgarbage() end
    assert.equal(1, count())
    kept:close()
    session:close()
  end)
end)

describe("a session's account", function()
  local function account(key)
    local session = assert(http.session { base_url = "http://127.0.0.1:9",
      api_key = key, user_agent = "spec" })
    local text = session:account()
    session:close()
    return text, session:account()
  end

  it("is the beginning of the key's SHA-256", function()
    assert.equal("9b346041bc9a4957", (account "key-one"))
  end)

  it("differs for another key", function()
    assert.not_equal((account "key-one"), (account "key-two"))
  end)

  it("is nil without a key and when the session is closed", function()
    assert.is_nil((account(nil)))
    assert.is_nil((select(2, account "key-one")))
  end)
end)
