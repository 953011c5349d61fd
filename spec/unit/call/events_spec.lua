-- SPDX-License-Identifier: MIT
local service = require "spec.support.service"

local core = require "lipsync.core"
local events = require "lipsync.call.events"

describe("events", function()
  local here, told = service.fixture(after_each), nil

  local function start(script, options)
    told = {}
    options = options or {}
    options.on_event = options.on_event or function(event)
      told[#told + 1] = event
    end
    return here.start(script, options)
  end

  local function types()
    local list = {}
    for i, event in ipairs(told) do list[i] = event.type end
    return list
  end

  it("report requests, responses and retries", function()
    local generations = start { service.answer(503, '{"requestId":"r1"}'),
      service.answer(200, '{"count":3}', { ["X-Request-Id"] = "r2" }) }
    assert.equal(3, generations:count({ status = "FAILED" }, { tag = "t" }))
    assert.same({ "request", "response", "retry", "request", "response" },
      types())
    for _, event in ipairs(told) do
      assert.equal("GET", event.method)
      assert.equal("/v2/generations/count", event.path)
      assert.equal("t", event.tag)
    end
    assert.equal(503, told[2].statusCode)
    assert.equal("r1", told[2].err.requestId)
    assert.is_number(told[3].delay)
    assert.equal(2, told[4].attempt)
    assert.equal("r2", told[5].requestId)
    assert.is_true(told[5].bytes > 10)
    assert.is_true(told[5].seconds >= 0)
  end)

  it("never hold the key or a query", function()
    local generations = start { service.answer(400, '{"message":"No."}') }
    generations:list({ projectId = "hidden" }):next()
    for _, event in ipairs(told) do
      for _, value in pairs(event) do
        assert.is_nil(tostring(value):find(service.key, 1, true))
        assert.is_nil(tostring(value):find("hidden", 1, true))
      end
    end
  end)

  it("raise out of their call, after its transfer's end", function()
    for _, when in ipairs { "request", "response", "retry" } do
      local problem = { mine = true }
      local generations = start({ service.answer(503, ""), loop = true },
        { on_event = function(event)
          if event.type == when then error(problem) end
        end })
      local ok, err = pcall(function() generations:delete "a" end)
      assert.is_false(ok)
      assert.equal(problem, err)
      assert.same({}, { next(here.client:runtime().limiter.taken) })
      here.stop()
    end
  end)

  it("raise out of a listing's step too", function()
    local generations = start({ { { read = true }, { send = "HTTP/1.1 200 OK"
      .. "\r\nContent-Length: 5000\r\n\r\n[" .. service.generation "a" .. "," },
      { hold = true } } }, { on_event = function(event)
        if event.type == "response" then error "mine" end
      end })
    local listing = generations:list()
    local ok, err = pcall(function() listing:next() end)
    assert.is_false(ok)
    assert.match("mine", err)
    assert.equal(1, #here.server:gone(1))
  end)

  it("are lines for the log", function()
    local at = os.time { year = 2026, month = 8, day = 25, hour = 17,
                         min = 8, sec = 9 } + 0.0625
    assert.equal("lipsync: 17:08:09.062 response GET /v2/errors 200 12 bytes "
      .. "4 ms", events.line({ type = "response", method = "GET",
        path = "/v2/errors", statusCode = 200, attempt = 1, bytes = 12,
        seconds = 0.004 }, nil, at))
    assert.equal("lipsync: 17:08:09.062 retry GET /x?a=1 attempt 2 in 1.5 s "
      .. "tag job 7 (why)", events.line({ type = "retry", method = "GET",
        path = "/x", attempt = 2, delay = 1.5, err = "why", tag = "job\n7" },
        "/x?a=1", at))
  end)

  it("have milliseconds up to a second", function()
    local at = os.time { year = 2026, month = 8, day = 25, hour = 17,
                         min = 8, sec = 9 } + 0.9375
    for seconds, words in pairs { [0] = "0 ms", [0.999] = "999 ms",
                                  [1] = "1 s", [12] = "12 s" } do
      assert.equal("lipsync: 17:08:09.937 retry GET /x in " .. words,
        events.line({ type = "retry", method = "GET", path = "/x", attempt = 1,
                      delay = seconds }, nil, at))
    end
  end)

  it("are logged as SYNC_LOG says, with a warning if unknown", function()
    local lines, log = {}, core.log
    core.log = function(line) lines[#lines + 1] = line end
    for value, wanted in pairs { ["1"] = true, yes = true, ["true"] = true,
        on = true, ["0"] = false, no = false, ["false"] = false, off = false,
        debug = false } do
      assert.equal(wanted, events.wants_log(value))
    end
    assert.is_false(events.wants_log(nil))
    core.log = log
    assert.equal(1, #lines)
    assert.match('SYNC_LOG is "debug"', lines[1])
  end)

  it("have the query in the log, but not that of another server", function()
    local lines, log = {}, core.log
    core.log = function(line) lines[#lines + 1] = line end
    local generations = start { service.answer(200, '{"count":3}') }
    local listener = here.client.listener
    here.client.listener = events.listener(listener, true)
    generations:count({ status = "FAILED" }, { tag = "t" })
    core.log = log
    assert.match("request GET /v2/generations/count%?status=FAILED tag t$",
      lines[1])
    assert.match(" 200 .* tag t$", lines[2])
    assert.is_nil(told[1].query)
    assert.equal("/v2/generations/count", told[1].path)
  end)

  it("are both logged and passed to the listener", function()
    local lines, log = {}, core.log
    core.log = function(line) lines[#lines + 1] = line end
    local heard = 0
    local listener = events.listener(function() heard = heard + 1 end, true)
    listener { type = "request", method = "GET", path = "/x", attempt = 1 }
    core.log = log
    assert.equal(1, #lines)
    assert.match("^lipsync: %d%d:%d%d:%d%d%.%d%d%d request GET /x$", lines[1])
    assert.equal(1, heard)
    assert.is_nil(events.listener(nil, false))
  end)
end)
