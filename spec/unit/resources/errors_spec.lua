-- SPDX-License-Identifier: MIT
local calls = require "lipsync.call"
local core = require "lipsync.core"
local service = require "spec.support.service"

local lipsync = require "lipsync"

describe("errors", function()
  local here = service.fixture(after_each)

  local function start(script, options)
    here.start(script, options)
    return here.client.errors
  end

  local body = '[{"code":"a","message":"A.","suggestion":"Do a."},'
    .. '{"code":"b","message":"B.","suggestion":null,"more":1}]'

  it("is fetched once, without the key", function()
    local errors = start { service.answer(200, body) }
    local expected = { { code = "a", message = "A.", suggestion = "Do a." },
                       { code = "b", message = "B." } }
    assert.same(expected, (errors:list()))
    assert.same(expected, (errors:list()))
    local request = here.server:requests(1)[1]
    assert.equal("/v2/errors", request.target)
    assert.is_nil(request.headers["x-api-key"])
  end)

  it("needs no key", function()
    assert.equal(2, #assert(start({ service.answer(200, body) },
      { api_key = "" }):list()))
  end)

  it("refuses a catalog that is far too long", function()
    local function long(n)
      return '[{"code":"a","message":"' .. ("x"):rep(n) .. '"}]'
    end
    local entries, err = start({ service.answer(200, long(3e5)) }):list()
    assert.is_nil(entries)
    assert.equal("protocol", err.kind)
    assert.equal(1, #assert(start({ service.answer(200, long(2e5)) }):list()))
  end)

  it("returns copies", function()
    local errors = start { service.answer(200, body) }
    errors:list()[1].code = "changed"
    assert.equal("a", errors:list()[1].code)
    errors:explain("a").message = "changed"
    assert.equal("A.", errors:explain("a").message)
  end)

  it("explains codes, errors and generations", function()
    local errors = start { service.answer(404,
      '{"message":"No.","errorCode":"b"}'), service.answer(200, body) }
    local _, err = here.client.generations:get "x"
    assert.equal("B.", errors:explain(err).message)
    assert.equal("Do a.", errors:explain("a").suggestion)
    local generation = lipsync.generation '{"id":"x","errorCode":"a"}'
    assert.equal("A.", errors:explain(generation).message)
    assert.equal("A.", errors:explain(nil, generation).message)
    assert.equal("B.", errors:explain("b", generation).message)
    assert.is_nil(errors:explain "unknown")
    assert.equal(2, #here.server:requests(2))
  end)

  it("makes no request without a code", function()
    local errors = start {}
    assert.is_nil(errors:explain(nil))
    assert.is_nil(errors:explain(lipsync.generation '{"id":"x"}'))
    assert.equal(0, #here.server:connections())
    for _, call in ipairs { function() errors:explain(5) end,
                            function() errors:explain(nil, 5) end } do
      local ok, message = pcall(call)
      assert.is_false(ok)
      assert.match("errors_spec.lua:%d+: explain takes a code, an error or a "
        .. "generation, got number 5", message)
    end
  end)

  it("never retries `explain`, and pauses after a failure", function()
    local errors = start { service.answer(503, ""), service.answer(200, body) }
    local entry, err = errors:explain "a"
    assert.is_nil(entry)
    assert.equal(503, err.statusCode)
    local _, again = errors:explain "a"
    assert.equal(err, again)
    assert.equal(1, #here.server:requests(1))
    assert.equal(2, #assert(errors:list()))
    assert.equal("A.", errors:explain("a").message)
  end)

  it("waits five seconds for `explain`, and asks no sooner than in thirty",
    function()
      local now, made, time, timeouts = core.now, calls.new, 1000, {}
      finally(function() core.now, calls.new = now, made end)
      core.now = function() return time end
      calls.new = function(client, spec, options, ...)
        timeouts[#timeouts + 1] = options.timeout
        return made(client, spec, options, ...)
      end
      local errors = start { service.answer(503, ""),
                             service.answer(200, body) }
      local _, err = errors:explain "a"
      assert.equal(503, err.statusCode)
      time = 1029.5
      assert.equal(err, select(2, errors:explain "a"))
      assert.equal(1, #here.server:requests(1))
      time = 1030
      assert.equal("A.", errors:explain("a").message)
      here.stop()
      errors = start({ service.answer(200, body) }, { timeout = 3 })
      assert.equal("A.", errors:explain("a").message)
      assert.same({ 5, 5, 3 }, timeouts)
    end)

  it("ends in `protocol` for another body", function()
    for _, text in ipairs { "{}", "[1]", '[{"message":"x"}]', "x", "" } do
      local entries, err = start({ service.answer(200, text) }):list()
      assert.is_nil(entries)
      assert.equal("protocol", err.kind)
      here.stop()
    end
  end)

  it("may be empty", function()
    local errors = start { service.answer(200, "[]") }
    assert.same({}, (errors:list()))
    assert.is_nil(errors:explain "a")
  end)

  it("reports a dot in place of a colon", function()
    start {}
    local ok, message = pcall(function() here.client.errors.list() end)
    assert.is_false(ok)
    assert.match("errors_spec.lua:%d+: call it with a colon: "
      .. "client.errors:list", message)
  end)
end)

describe("known error codes", function()
  local here = service.fixture(after_each)

  it("are told without a request", function()
    here.start {}
    local errors = here.client.errors
    assert.same({ code = "voice_clone_busy", scope = "service",
                  retryable = true }, errors:known "voice_clone_busy")
    assert.same({ code = "asset_not_found", scope = "object",
                  retryable = false }, errors:known(lipsync.generation(
      '{"id":"a","error_code":"asset_not_found"}')))
    assert.is_nil(errors:known "nothing")
    assert.is_nil(errors:known(nil))
    assert.equal(0, #here.server:connections())
  end)

  it("are about one of four things, and pass or not", function()
    here.start {}
    for code, facts in pairs {
        dubbing_duration_exceeded = { "request", false },
        account_on_hold = { "account", false },
        concurrency_limit_reached = { "account", true },
        voice_not_found = { "object", false },
        controller_timeout = { "service", true } } do
      assert.same({ code = code, scope = facts[1], retryable = facts[2] },
        here.client.errors:known(code))
    end
  end)

  it("are all that the emulator's catalog has", function()
    if not pcall(require, "lipsync.emulator") then
      pending "lipsync.emulator is left out"
    end
    here.emulate { generations = 0 }
    local entries = assert(here.client.errors:list())
    assert.is_true(#entries > 60)
    for _, entry in ipairs(entries) do
      assert.is_string(entry.scope, entry.code)
      assert.is_boolean(entry.retryable, entry.code)
    end
  end)

  it("are as the catalog says, once there is one", function()
    here.start { service.answer(200, '[{"code":"voice_clone_busy",'
      .. '"message":"M.","scope":"account","retryable":false}]') }
    local errors = here.client.errors
    assert.is_true(errors:known("voice_clone_busy").retryable)
    assert(errors:list())
    assert.same({ code = "voice_clone_busy", message = "M.",
      scope = "account", retryable = false }, errors:known "voice_clone_busy")
    assert.same(errors:known "voice_clone_busy",
      errors:explain "voice_clone_busy")
    assert.equal("service", errors:known("internal_error").scope)
  end)

  local function fail(status, code)
    local generations = here.start({ service.answer(status,
      ('{"errorCode":"%s","message":"M.","statusCode":%d}'):format(code,
        status)) }, { max_attempts = 1 })
    local _, err = generations:get "a"
    here.stop()
    return err
  end

  it("give errors their scope", function()
    assert.equal("account", fail(402, "account_on_hold").scope)
    assert.equal("service", fail(500, "internal_error").scope)
    assert.is_nil(fail(400, "some_other_code").scope)
  end)

  it("say where a refusal may pass", function()
    assert.is_true(fail(409, "IDEMPOTENCY_IN_PROGRESS").retryable)
    assert.is_false(fail(409, "generation_conflict").retryable)
    assert.is_false(fail(501, "internal_error").retryable)
  end)

  it("raise for what has no code", function()
    here.start {}
    local ok, message = pcall(here.client.errors.known, here.client.errors, 5)
    assert.is_false(ok)
    assert.match("known takes a code, an error or a generation", message)
  end)
end)
