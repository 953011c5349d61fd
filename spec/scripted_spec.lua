-- SPDX-License-Identifier: MIT
-- The scripted server of spec/support, which other specs stand on.

local scripted = require "spec.support.scripted"

local GET = "GET /v2/errors HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\n\r\n"
local LONG = 30 -- a deadline that is never reached when all is well

describe("scripted server", function()
  local server

  local function start(script)
    server = scripted.start(script)
    return server
  end

  local function exchange(text, seconds)
    return scripted.exchange(server.port, text, seconds or LONG)
  end

  after_each(function()
    if server then server:stop() end
    server = nil
  end)

  it("reads a request and sends bytes as they are", function()
    start { { { read = true }, { send = "any\0thing" } } }
    local text, how = exchange(GET)
    assert.equal("any\0thing", text)
    assert.equal("closed", how)
  end)

  it("tells what was asked", function()
    start { { { read = true }, { send = "x" } } }
    exchange(GET)
    local request = server:requests(1)[1]
    assert.equal(1, request.connection)
    assert.equal("GET", request.method)
    assert.equal("/v2/errors", request.target)
    assert.equal("k", request.headers["x-api-key"])
    assert.equal(GET, request.head)
    assert.equal("", request.body)
  end)

  it("reads the body and keeps what follows it for the next read", function()
    start { { { read = true }, { read = true }, { send = "x" } } }
    exchange("POST /a HTTP/1.1\r\ncontent-length: 4\r\n\r\nbody" .. GET)
    local requests = server:requests(2)
    assert.equal("body", requests[1].body)
    assert.equal("/v2/errors", requests[2].target)
  end)

  it("serves connections in their order, then refuses", function()
    start { { { send = "first" } }, { { send = "second" } } }
    assert.equal("first", (exchange ""))
    assert.equal("second", (exchange ""))
    assert.equal(2, #server:connections(2))
    local text, how = exchange ""
    assert.is_nil(text)
    assert.equal("refused", how)
  end)

  it("refuses at once without a script", function()
    start {}
    assert.equal("refused", select(2, exchange ""))
  end)

  it("serves the last script again with loop", function()
    start { { { send = "first" } }, { { send = "again" } }, loop = true }
    assert.equal("first", (exchange ""))
    for _ = 1, 5 do assert.equal("again", (exchange "")) end
  end)

  it("serves connections at the same time", function()
    start { { { hold = true } }, { { send = "second" } } }
    assert.equal("timeout", select(2, exchange("", 0.05)))
    assert.equal("second", (exchange ""))
    assert.equal(1, server:gone(1, LONG)[1].connection)
  end)

  it("sends in pieces, with a delay behind each", function()
    start { { { send = "abcdef", chunk = 2, delay = 0.03 } } }
    local began = scripted.now()
    assert.equal("abcdef", (exchange ""))
    assert.is_true(scripted.now() - began >= 0.08)
  end)

  it("repeats", function()
    start { { { repeat_send = "ab", times = 3 } } }
    assert.equal("ababab", (exchange ""))
  end)

  it("sends without end until the peer goes away", function()
    start { { { repeat_send = ("x"):rep(1000) } }, loop = true }
    local seconds = 0.1
    local text, how = exchange("", seconds)
    while #text <= 1000 and seconds < LONG do -- the machine may be busy
      seconds = seconds * 2
      text, how = exchange("", seconds)
    end
    assert.equal("timeout", how)
    assert.is_true(#text > 1000)
    assert.equal(1, server:gone(1, LONG)[1].connection)
  end)

  it("stalls", function()
    start { { { send = "a" }, { stall = 0.1 }, { send = "b" } } }
    local began = scripted.now()
    assert.equal("ab", (exchange ""))
    assert.is_true(scripted.now() - began >= 0.09)
  end)

  it("resets", function()
    start { { { read = true }, { reset = true } } }
    assert.equal("reset", select(2, exchange(GET)))
  end)

  it("closes early, whatever follows", function()
    start { { { send = "a" }, { close = true }, { send = "b" } } }
    local text, how = exchange ""
    assert.equal("a", text)
    assert.equal("closed", how)
  end)

  it("picks a script for each request, by what is in its head", function()
    start { pick = true,
      { when = "X-Api-Key: k\r", times = 1, { send = "once " } },
      { when = "X-Api-Key: k\r", { send = "again " } },
      { when = "/v2/b", { send = "b" }, { close = true }, { send = "c" } } }
    local b = GET:gsub("v2/errors", "v2/b"):gsub("Key: k", "Key: l")
    local text, how = exchange(GET .. GET .. GET .. b .. GET)
    assert.equal("once again again b", text)
    assert.equal("closed", how)
    assert.equal("again again ", (exchange(GET .. GET, 0.2)))
    assert.equal(6, #server:requests(6))
    -- None is for this one.
    assert.same({ "", "closed" }, { exchange "GET / HTTP/1.1\r\n\r\n" })
  end)

  it("stops in the middle of everything", function()
    start { { { stall = 600 } }, { { hold = true } }, { { read = true } } }
    exchange("", 0.02)
    server:stop()
    server:stop()
    assert.equal("refused", select(2, exchange("", 1)))
  end)

  it("makes an answer of a status and a body", function()
    local text = scripted.response(404, "{}", { ["Retry-After"] = "3" })
    assert.equal("HTTP/1.1 404 Status\r\nContent-Length: 2\r\n"
      .. "Content-Type: application/json\r\nRetry-After: 3\r\n\r\n{}", text)
  end)

  it("raises for a step that it does not know", function()
    assert.error_matches(function() scripted.start { { { sned = "x" } } } end,
      "none of the known ones")
  end)
end)
