-- SPDX-License-Identifier: MIT
local options = require "lipsync.base.options"

local function raises(read, given, pattern)
  local ok, message = pcall(function()
    read(given)
    return nil
  end)
  assert.is_false(ok)
  assert.match("options_spec%.lua:%d+: ", message)
  assert.match(pattern, message)
end

describe("options", function()
  it("has the documented defaults", function()
    local own = options.client(nil)
    assert.equal(60, own.timeout)
    assert.equal(10, own.connect_timeout)
    assert.equal(30, own.stall_timeout)
    assert.equal(4, own.max_attempts)
    assert.equal(8, own.max_in_flight)
    assert.equal(1024 * 1024, own.max_generation)
    assert.equal(16 * 1024 * 1024, own.max_response)
    assert.equal(8, options.delete_many {}.concurrency)
    assert.same({}, options.call(nil))
  end)

  it("copies headers", function()
    local given = { headers = { a = "b" } }
    local own = options.call(given)
    given.headers.a = "c"
    assert.equal("b", own.headers.a)
  end)

  it("raises for unknown names", function()
    raises(options.client, { apikey = "x" },
      'unknown option "apikey", did you mean "api_key"%? Known: allow_http')
    raises(options.call, { max_attemps = 1 }, 'did you mean "max_attempts"')
    raises(options.call, { concurrency = 1 }, "unknown option")
    raises(options.call, 5, "options must be a table, got number 5")
  end)

  it("raises for wrong values", function()
    for _, value in ipairs { 0, -1, 0 / 0, "5", true } do
      raises(options.call, { timeout = value }, "timeout must be a number")
    end
    for _, value in ipairs { 0, 1.5, "5" } do
      raises(options.call, { max_attempts = value },
        "max_attempts must be a whole number of at least 1")
    end
    raises(options.client, { on_event = 5 }, "on_event must be a function")
    raises(options.client, { allow_http = 1 }, "allow_http must be a boolean")
    raises(options.client, { host = 5 }, "host must be a host's name or")
    raises(options.client, { headers = "x" }, "headers must be a table")
    raises(options.client, { headers = { "x" } }, "names of headers as keys")
    raises(options.client, { headers = { ["a b"] = "x" } }, "names of headers")
    raises(options.client, { headers = { a = 1 } }, "strings as values")
  end)

  it("never shows a key", function()
    raises(options.client, { headers = { ["X-Api-Key"] = "s3cret" } },
      "must not hold x%-api%-key: pass api_key$")
    raises(options.client, { api_key = { "s3cret" } },
      "api_key must be a string, got table$")
    raises(options.client, { api_key = 12345 },
      "api_key must be a string, got number$")
  end)

  it("tells a header that cannot be sent", function()
    assert.is_nil(options.bad_header(nil))
    assert.is_nil(options.bad_header { a = "b\tc" })
    for _, text in ipairs { "a\nb", "a\rb", "a\0b", "\127" } do
      assert.equal("the header x has a control character",
        options.bad_header { x = text })
    end
  end)
end)
