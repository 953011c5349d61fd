-- SPDX-License-Identifier: MIT
-- What holds of every operation, whatever it does: what is sent, how often,
-- and how it fails. What an operation is for is tested in its module's spec.

local core = require "lipsync.core"
local emulator = require "spec.support.emulator"
local http = require "spec.support.http"
local lipsync = require "lipsync"
local operations = require "spec.support.operations"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local SHORT = 0.25  -- seconds, in which all requests are sent
local MOST = 15     -- that no call may take
local AT_ONCE = 32  -- calls; a client has tokens for 35 retries
local ID = "6533643b-aceb-4c40-967e-d9ba9baac39e"

-- Whether attempts may follow one another, by the row's class.
local retried = { safe = true, idempotent = true, keyed = true, never = false }

local it_emulates = pcall(require, "lipsync.emulator") and it or pending

local unpack = table.unpack or unpack

local here = service.fixture(after_each)

-- Most calls have one attempt, and a tag that the error has to carry.
local tag = {}

local function options(more)
  local own = { max_attempts = 1, tag = tag }
  for name, value in pairs(more or {}) do own[name] = value end
  return own
end

-- What the server does after its next request, on whatever connection that
-- comes; `mark` is in the request's head.
local function after_request(step, mark)
  return { when = mark or "HTTP/1.1\r\n", times = 1, step }
end

local function reply(status, body, headers, mark)
  return after_request(
    { send = scripted.response(status, body, headers) }, mark)
end

-- Appends the answers that an operation needs to succeed.
local function append_success(script, operation, mark)
  for _, exchange in ipairs(operation.exchanges) do
    script[#script + 1] = reply(200, exchange[2], nil, mark)
  end
  return script
end

local function start(script, more)
  script.pick = true
  here.start(script, more)
  return here.client
end

-- How many requests the server has seen, once it has seen `n`.
local function count_requests(n) return #here.server:requests(n) end

-- The body of an error of the service's.
local function problem(status, code, suggestion)
  local body = ('{"message":"Words.","statusCode":%d,"requestId":"r1"')
    :format(status)
  if code then body = body .. (',"errorCode":"%s"'):format(code) end
  if suggestion then
    body = body .. (',"suggestion":"%s"'):format(suggestion)
  end
  return body .. "}"
end

local function assert_has(part, text)
  assert.is_true(text:find(part, 1, true) ~= nil,
    ("%q is not in %q"):format(part, text))
end

local function assert_lacks(part, text)
  assert.is_nil(text:find(part, 1, true))
end

-- What every error says of its call.
local function check_error(operation, kind, err, label)
  assert.is_true(lipsync.is_error(err), label)
  local text = tostring(err)
  assert.equal(kind, err.kind, text)
  assert.equal(operation.action .. ": ", text:sub(1, #operation.action + 2))
  assert.equal(operation.method, err.method, text)
  assert.equal(operation.path, err.path, text)
  assert.equal(tag, err.tag, text)
  assert.is_true(err.seconds >= 0)
  assert.is_nil(text:find "%c", text)
  assert_lacks(service.key, text)
end

local function check_success(operation, value, err)
  assert.is_nil(err, tostring(err))
  assert.same(operation.value, operations.plain(value))
end

-- Raised, with a line of this file.
local function check_raised(message, fn, ...)
  local ok, raised = pcall(fn, ...)
  assert.is_false(ok, message)
  assert.matches("^[^:]*operations_spec%.lua:%d+: ", raised)
  assert_has(": " .. message, raised)
end

-- ---- One request ----

local function sending(operation)
  it("sends its method and path, and the key where it needs one", function()
    local client = start(append_success({}, operation))
    check_success(operation,
      operation:run(client, { headers = { ["X-Own"] = "mine" } }))
    local expected = #operation.exchanges
    assert.equal(expected, count_requests(expected))
    for i, request in ipairs(here.server:requests()) do
      assert.equal(operation.method, request.method)
      assert.equal(operation.path .. operation.exchanges[i][1],
        request.target)
      assert.equal(operation.key and service.key or nil,
        request.headers["x-api-key"])
      assert.equal("mine", request.headers["x-own"])
      assert.equal(operation.body, request.body)
      assert.equal(operation.body ~= "" and "application/json" or nil,
        request.headers["content-type"])
      assert.equal(operation.row.retry == "keyed",
        request.headers["idempotency-key"] ~= nil)
    end
  end)

  it_emulates("does with the emulator what it is to do", function()
    here.emulate { generations = 0 }
    for _, each in ipairs(operations.kinds) do
      local document = { id = ID }
      if type(each) == "string" then each = { kind = each } end
      for name, value in pairs(each) do document[name] = value end
      here.server:add(document)
    end
    local value, err = operation:run(here.client, nil, operation:about(ID))
    assert.is_nil(err)
    assert.is_truthy(value)
    local seen = here.server:requests()
    assert.is_true(#seen > 0)
    for _, request in ipairs(seen) do
      assert.equal(operation.status, request.statusCode)
      assert.equal(operation.method, request.method)
      assert.equal((operation.row.path:gsub("{%w+}", ID)),
        request.path:match "^[^?]*")
    end
  end)

  it("needs a key only where it sends one", function()
    for _, key in ipairs { "", "k\n" } do
      local client = start(append_success({}, operation), { api_key = key })
      local value, err = operation:run(client)
      if operation.key then
        assert.is_nil(value)
        assert.equal("invalid", err.kind)
        assert.equal("api_key", err.field)
        assert.equal(0, #here.server:connections())
      else
        check_success(operation, value, err)
      end
      here.stop()
    end
  end)
end

-- ---- Errors of the service's ----

-- Status, code, and whether a later attempt may end otherwise.
local refusals = {
  { 400, "generation_input_validation_failed" }, { 401 },
  { 402, "free_tier_generations_exhausted" }, { 403, "asset_forbidden" },
  { 404, "generation_not_found" }, { 408, "controller_timeout", true },
  { 409, "generation_not_deletable_while_processing" },
  { 410, "generation_not_found" }, { 413, "file_size_exceeds_plan_limit" },
  { 422, "generation_input_video_inaccessible" },
  { 429, "rate_limit_exceeded", true }, { 500, "internal_error", true },
  { 501, "internal_error" }, { 502, "controller_dependency_error", true },
  { 503, "controller_unavailable", true },
  { 504, "generation_media_probe_timeout", true }, { 505, "internal_error" },
}

-- Statuses after which what is not safe may have been done: of what may be
-- repeated freely those of proxies and crashes alone.
local may_be_done = {
  idempotent = { [500] = true, [502] = true, [504] = true },
  keyed = { [500] = true, [502] = true, [503] = true, [504] = true },
}
may_be_done.never, may_be_done.safe = may_be_done.keyed, {}

-- An error of kind `api`, unless the status is none to this call. Its sentence
-- begins with the action and goes on with `words`.
local function check_refusal(operation, status, words, value, err, body)
  if operation.spares(status, body) then
    assert.is_nil(err)
    assert.is_truthy(value)
    return false
  end
  assert.is_nil(value)
  check_error(operation, "api", err, status)
  assert.equal(status, err.statusCode)
  assert_has(operation.action .. ": " .. words, tostring(err))
  return true
end

local function refused(operation)
  -- What to do, where that is known.
  local function advice(status)
    if status == 401 and operation.key then
      return here.server.base_url:match "//(.*)"
        .. " does not accept the key given as api_key."
    end
    return (operation.row.advice or {})[status] or ""
  end

  it("says what the service says, and what to do", function()
    local script = {}
    for i, each in ipairs(refusals) do
      script[i] = reply(each[1], problem(each[1], each[2]))
    end
    local client = start(script)
    for i, each in ipairs(refusals) do
      local status, code, retryable = each[1], each[2], each[3] or false
      local value, err = operation:run(client, options())
      if check_refusal(operation, status, code
          and ("%d %s: Words."):format(status, code) or status .. " Words.",
          value, err) then
        assert.equal(code, err.errorCode)
        assert.equal("Words.", err.message)
        assert.equal("r1", err.requestId)
        assert.equal(retryable, err.retryable, status)
        assert.equal(may_be_done[operation.row.retry][status],
          err.outcomeUnknown or nil, status)
        assert.equal(1, err.attempts)
        assert_has(advice(status), tostring(err))
      end
      assert.equal(i, count_requests(i))
    end
  end)

  it("prefers the service's suggestion", function()
    local statuses, script = { 400, 401, 404, 409 }, {}
    for i, status in ipairs(statuses) do
      script[i] = reply(status, problem(status, "some_code", "Do this."))
    end
    local client = start(script)
    for _, status in ipairs(statuses) do
      local value, err = operation:run(client, options())
      if check_refusal(operation, status, status .. " some_code: Words. Do "
          .. "this.", value, err) then
        assert.equal("Do this.", err.suggestion)
      end
    end
  end)

  it("takes any body of an error, and makes up no code", function()
    local script, cases = {}, {}
    for _, status in ipairs { 400, 404, 502 } do
      for _, body in ipairs { "<html>", "", "[1]", '{"message":5}',
                              '{"errorCode":{}}', "{\255" } do
        cases[#cases + 1] = { status, body }
        script[#cases] = reply(status, body,
          { ["Content-Type"] = "text/html; charset=x" })
      end
    end
    local client = start(script)
    for _, case in ipairs(cases) do
      local value, err = operation:run(client, options())
      if check_refusal(operation, case[1], case[1] .. " ", value, err,
          case[2]) then
        assert.is_nil(err.errorCode)
        assert.equal(case[2], err.body)
      end
    end
  end)
end

-- ---- Attempts ----

local function retrying(operation)
  local again = retried[operation.row.retry]
  local at_once = { ["Retry-After"] = "0" }

  -- After 429 nothing was done.
  local function is_tried(each)
    return each[3] and (again or each[1] == 429 and not operation.most)
  end

  it("is tried again after what may end otherwise, and only then", function()
    local script, expected = {}, 0
    for _, each in ipairs(refusals) do
      script[#script + 1] = reply(each[1], problem(each[1], each[2]), at_once)
      if is_tried(each) then append_success(script, operation) end
    end
    start(script)
    for _, each in ipairs(refusals) do
      local status, tried = each[1], is_tried(each)
      -- A client of its own, for one may keep what it has got.
      local client = service.client(here.server.base_url)
      local value, err = operation:run(client, options { max_attempts = 3 })
      client:close()
      if tried then
        check_success(operation, value, err)
      else
        check_refusal(operation, status, status .. " ", value, err)
      end
      expected = expected + 1 + (tried and #operation.exchanges or 0)
      assert.equal(expected, count_requests(expected), status)
    end
  end)

  it("is tried no more often than it may be", function()
    local busy = reply(503, problem(503), at_once)
    busy.times = nil
    local client = start { busy }
    local value, err = operation:run(client, options { max_attempts = 3 })
    local expected = again and 3 or 1
    if check_refusal(operation, 503, "503 Words.", value, err) then
      assert.equal(expected, err.attempts)
      if again then assert_has("Gave up after 3 attempts", tostring(err)) end
    end
    assert.equal(expected, count_requests(expected))
  end)

  it("waits for no time that it does not have", function()
    local client = start { reply(429, problem(429),
      { ["Retry-After"] = "30" }) }
    local value, err = operation:run(client,
      options { max_attempts = 3, timeout = 10 })
    if check_refusal(operation, 429, "429 Words. The service asks for a wait "
        .. "of 30 s.", value, err) then
      assert.equal(30, err.retryAfter)
      assert.equal(1, err.attempts)
    end
    assert.equal(1, count_requests(1))
  end)

  it("tells of each attempt", function()
    local events = {}
    local client = start(append_success({ reply(503,
        problem(503, "controller_unavailable"), at_once) }, operation),
      { on_event = function(event) events[#events + 1] = event end })
    operation:run(client, options { max_attempts = 2 })
    local expected = { "request 1", "response 1" }
    if again then
      expected = { "request 1", "response 1", "retry 1", "request 2",
                   "response 2" }
      for _ = 2, #operation.exchanges do
        expected[#expected + 1] = "request 1"
        expected[#expected + 1] = "response 1"
      end
    end
    local told = {}
    for i, event in ipairs(events) do
      told[i] = event.type .. " " .. event.attempt
      assert.equal(operation.method, event.method)
      assert.equal(operation.path, event.path)
      assert.equal(tag, event.tag)
      for _, value in pairs(event) do
        assert_lacks(service.key, tostring(value))
      end
    end
    assert.same(expected, told)
    assert.equal(503, events[2].statusCode)
    assert.equal("controller_unavailable", events[2].err.errorCode)
    assert.equal("r1", events[2].requestId)
    assert.is_true(events[2].bytes > 0 and events[2].seconds >= 0)
    if again then
      assert.equal(0, events[3].delay)
      assert.equal(events[2].err, events[3].err)
      assert.equal(200, events[5].statusCode)
      assert.is_nil(events[5].err)
    end
  end)

  it("lets out what a listener raises, and works on", function()
    for _, kind in ipairs { "request", "response" } do
      local mine, quiet = {}, false
      local script = kind == "response" and { reply(503, problem(503)) } or {}
      local client = start(append_success(script, operation),
        { max_in_flight = 1, on_event = function(event)
          if event.type == kind and not quiet then error(mine) end
        end })
      local ok, raised = pcall(operation.run, operation, client, options())
      assert.is_false(ok)
      assert.equal(mine, raised)
      quiet = true
      check_success(operation, operation:run(client))
      here.stop()
    end
  end)
end

-- ---- Answers that are none ----

-- Answers of 2xx that are not what is documented: status, body, headers.
local function foreign(operation)
  local body = operation.exchanges[1][2]
  local html = { ["Content-Type"] = "text/html; charset=utf-8" }
  -- An array where an object belongs, an object where an array does.
  local other = body:find "^%[" and '{"data":' .. body .. "}"
    or "[" .. body .. "]"
  return { { 200, "<html>Sign in", html }, { 200, "" }, { 204, "" },
    { 200, "5" }, { 200, "null" }, { 200, '"text"' }, { 200, other },
    { 200, "[1]" }, { 200, "[null]" }, { 200, "[{}]" }, { 200, "[[]]" },
    { 200, '{"other":1}' }, { 200, '{"id":5,"count":-1}' },
    { 200, body .. "x" }, { 200, body:sub(1, -2) } }
end

local function misreading(operation)
  it("takes nothing else for its answer", function()
    local script, cases = {}, foreign(operation)
    for i, case in ipairs(cases) do script[i] = reply(unpack(case)) end
    local client = start(script)
    for i, case in ipairs(cases) do
      local value, err = operation:run(client, options { max_attempts = 3 })
      local label = case[1] .. " " .. case[2]
      if operation.accepts(case[1], case[2]) then
        assert.is_nil(err, label)
        assert.is_truthy(value)
      else
        assert.is_nil(value, label)
        check_error(operation, "protocol", err, label)
        assert.equal(1, err.attempts)
        assert.is_false(err.retryable)
      end
      if err and case[3] then
        assert.equal(200, err.statusCode)
        local unknown = operation.row.unknown
        assert.equal(("%s: expected %s, got text/html (200): \"<html>Sign "
          .. "in\". %sIs base_url (%s) right?"):format(operation.action,
          operation.expects, unknown and unknown .. " " or "",
          here.server.base_url), tostring(err))
      end
      assert.equal(i, count_requests(i), label)
    end
  end)

  local body = operation.exchanges[1][2]
  if operation.arguments[1] == "g1" and body:find('"g1"', 1, true) then
    it("takes no other object for the one it asked for", function()
      local client = start { reply(200, (body:gsub('"g1"', '"g2"'))) }
      local value, err = operation:run(client, options())
      assert.is_nil(value)
      check_error(operation, "protocol", err)
      assert.equal(1, count_requests(1))
    end)
  end

  if operation.method == "DELETE" and operation.arguments[1] == "g1"
     and not operation.others then
    it("takes only the service's word that it is gone", function()
      local unclear = reply(502, "", { ["Retry-After"] = "0" })
      local client = start { unclear, reply(404, "no route"), unclear,
        reply(404, '{"message":"None.","statusCode":404}') }
      local own = options { max_attempts = 2 }
      local value, err = operation:run(client, own)
      assert.is_nil(value)
      check_error(operation, "api", err)
      assert.equal(404, err.statusCode)
      assert.is_truthy(operation:run(client, own))
      assert.equal(4, count_requests(4))
    end)
  end

  it("follows no redirect", function()
    local other = scripted.start { { { hold = true } }, loop = true }
    local script, statuses = {}, { 300, 301, 302, 303, 304, 305, 307, 308 }
    for i, status in ipairs(statuses) do
      script[i] = reply(status, "",
        { Location = other.base_url .. "/v2/x?secret=1" })
    end
    local client = start(script)
    for i, status in ipairs(statuses) do
      local value, err = operation:run(client, options { max_attempts = 3 })
      assert.is_nil(value)
      check_error(operation, "protocol", err, status)
      assert.equal(status, err.statusCode)
      assert.equal(1, err.attempts)
      assert_has(("%s: %d redirect to %s, which is not followed."):format(
        operation.action, status, other.base_url), tostring(err))
      assert.equal(i, count_requests(i))
    end
    local connections = #other:connections()
    other:stop()
    assert.equal(0, connections)
  end)

  it("says that nobody is there", function()
    local client = start {}
    here.server:stop()
    local value, err = operation:run(client, options())
    assert.is_nil(value)
    check_error(operation, "connection", err)
    assert.equal(1, err.attempts)
    assert.equal(("%s: cannot connect to 127.0.0.1:%d: connection refused. "
      .. "The address comes from base_url."):format(operation.action,
      here.server.port), tostring(err))
  end)
end

-- ---- Misuse ----

-- Options of a call that raise.
local bad_options = {
  { 5, "options must be a table, got number 5" },
  { { timout = 1 }, 'unknown option "timout", did you mean "timeout"? '
    .. "Known: " },
  { { maxAttempts = 1 }, 'unknown option "maxAttempts", did you mean '
    .. '"max_attempts"? Known: ' },
  { { [1] = true }, "unknown option [1]. Known: " },
  { { timeout = 0 }, "timeout must be a number of seconds above 0, got "
    .. "number 0" },
  { { timeout = "1" }, 'timeout must be a number of seconds above 0, got '
    .. 'string "1"' },
  { { stall_timeout = -1 }, "stall_timeout must be a number of seconds above "
    .. "0, got number -1" },
  { { max_attempts = 0 }, "max_attempts must be a whole number of at least "
    .. "1, got number 0" },
  { { headers = "x" }, 'headers must be a table, got string "x"' },
  { { headers = { ["X-API-Key"] = "k" } }, "headers must not hold x-api-key: "
    .. "pass api_key" },
  { { headers = { Host = "x" } }, "headers must not hold Host: the client "
    .. "sets it itself" },
}

local function misusing(operation)
  -- The call as a script makes it: in a line of this file.
  local function call(client, given, first)
    local object, arguments = operation:object(client), {}
    for i, value in ipairs(operation.arguments) do arguments[i] = value end
    if first ~= nil then arguments[1] = first end
    arguments[#arguments + 1] = given
    local value = object[operation.method_name](object, unpack(arguments))
    return value
  end

  it("raises what is wrong with the program", function()
    local client = start {}
    for _, case in ipairs(bad_options) do
      check_raised(case[2], call, client, case[1])
    end
    for _, case in ipairs(operation.misuse) do
      check_raised(case[2], call, client, nil, case[1])
    end
    local method = operation:object(client)[operation.method_name]
    check_raised("call it with a colon: " .. operation.written, function()
      local value = method(operation.arguments[1])
      return value
    end)
    client:close()
    check_raised("this client was closed", call, client)
    assert.equal(0, #here.server:connections())
  end)

  it("returns what is wrong with what may come from elsewhere", function()
    local function fails(field, client, given, arguments)
      local value, err = operation:run(client, options(given), arguments)
      assert.is_nil(value)
      assert.equal("invalid", err.kind)
      assert.equal(field, err.field)
      assert.equal(operation.row.action,
        tostring(err):sub(1, #operation.row.action))
      assert.equal(0, err.attempts)
      assert.equal(0, #here.server:connections())
    end
    fails("headers", start({}, { headers = { ["X-A"] = "a\nb" } }))
    here.stop()
    local client = start {}
    fails("headers", client, { headers = { ["X-A"] = "a\0b" } })
    if operation.has_id then
      for _, id in ipairs { "", ".", "..", "a\nb", "\0", "\255" } do
        fails("id", client, nil, { operation.texts(id)[1] })
      end
    end
    for i, field in pairs(operation.others) do
      if operation.row.path:find("{" .. field .. "}", 1, true) then
        local arguments = operation:about "g1"
        arguments[i] = ".."
        fails(field, client, nil, arguments)
      end
    end
  end)
end

-- ---- Ends from elsewhere ----

local function ending(operation)
  -- Makes the call in a task, up to its first request. Returns the task, and a
  -- table that gets what the call returns.
  local function begin(script, more)
    local client, got = start(script, more), {}
    local task = client:spawn(function()
      got.value, got.err = operation:run(client, options())
      got.returned = true
    end)
    local deadline = core.now() + 20
    repeat
      client:step()
      scripted.sleep(0.001)
    until #here.server:requests() > 0 or core.now() > deadline
    return task, got
  end

  it("ends with its task, and leaves its place to others", function()
    local task, got = begin(append_success({ after_request { hold = true } },
      operation), { max_in_flight = 1 })
    task:cancel()
    assert.is_true(task:is_over())
    assert.equal(0, here.client:pending())
    assert.equal(1, #here.server:gone(1))
    check_success(operation, operation:run(here.client))
    assert.is_nil(got.returned)
  end)

  it("ends with its client", function()
    local task, got = begin { after_request { hold = true } }
    here.client:close()
    assert.is_true(task:is_over())
    assert.is_nil(got.value)
    check_error(operation, "closed", got.err)
    assert_has(operation.action .. ": the client was closed.",
      tostring(got.err))
    assert.is_false(got.err.retryable)
    assert.equal(1, #here.server:gone(1))
  end)
end

for _, operation in ipairs(operations.list) do
  describe(("operation %s, as %s,"):format(operation.of, operation.name),
    function()
      for _, part in ipairs { sending, refused, retrying, misreading, misusing,
                              ending } do
        part(operation)
      end
    end)
end

-- ---- What takes time, for all of them at once ----

describe("each operation", function()
  local function mark(operation)
    return "X-Spec: " .. operation.name .. "\r\n"
  end

  -- Makes all calls at once. Returns value and error of each, by name.
  local function run_all(script, more)
    local client = start(script, { max_in_flight = AT_ONCE })
    local results = {}
    for i, operation in ipairs(operations.list) do
      client:spawn(function()
        local own = options(more)
        own.headers = { ["X-Spec"] = operation.name }
        local value, err = operation:run(client, own)
        results[operation.name] = { value, err }
      end)
      if i % AT_ONCE == 0 then client:run() end
    end
    client:run()
    return results
  end

  -- What a sentence ends with where the outcome is not known.
  local function outcome(operation)
    return operation.row.unknown and " " .. operation.row.unknown or ""
  end

  local function time_out(given, words)
    local silent = after_request { hold = true }
    silent.times = nil
    local began = core.now()
    local results = run_all({ silent }, given)
    assert.is_true(core.now() - began < MOST)
    for _, operation in ipairs(operations.list) do
      local value, err = unpack(results[operation.name], 1, 2)
      assert.is_nil(value)
      check_error(operation, "timeout", err, operation.name)
      assert.equal(operation.action .. ": " .. words .. outcome(operation),
        tostring(err))
      assert.equal(1, err.attempts)
      assert.is_true(err.retryable)
      assert.is_true(err.seconds >= SHORT)
    end
    local all = #operations.list
    assert.equal(all, count_requests(all))
    assert.equal(all, #here.server:gone(all))
  end

  it("ends at its deadline, whatever attempts are left", function()
    time_out({ timeout = SHORT, max_attempts = 3 },
      "0.25 s have passed (timeout), in attempt 1.")
  end)

  it("ends where nothing comes any more", function()
    time_out({ stall_timeout = SHORT },
      "nothing received for 0.25 s (stall_timeout).")
  end)

  it("says that its connection broke, and what may have happened", function()
    local broken = after_request { close = true }
    broken.times = nil
    local results = run_all { broken }
    for _, operation in ipairs(operations.list) do
      local value, err = unpack(results[operation.name], 1, 2)
      assert.is_nil(value)
      check_error(operation, "connection", err, operation.name)
      assert.is_true(err.retryable)
      assert.equal(operation.row.retry ~= "safe", err.outcomeUnknown or false)
      local may_have = outcome(operation)
      assert.equal(may_have, tostring(err):sub(#tostring(err) - #may_have + 1))
    end
  end)

  it("is tried again where its connection broke, if it may be", function()
    local script, expected = {}, 0
    for _, operation in ipairs(operations.list) do
      script[#script + 1] = after_request({ close = true }, mark(operation))
      append_success(script, operation, mark(operation))
    end
    local results = run_all(script, { max_attempts = 2 })
    for _, operation in ipairs(operations.list) do
      local value, err = unpack(results[operation.name], 1, 2)
      expected = expected + 1
      if retried[operation.row.retry] then
        check_success(operation, value, err)
        expected = expected + #operation.exchanges
      else
        check_error(operation, "connection", err, operation.name)
      end
    end
    assert.equal(expected, count_requests(expected))
  end)
end)

describe("the list of operations", function()
  it("has a sample for each row", function()
    local sampled = {}
    for _, operation in ipairs(operations.list) do
      sampled[operation.of] = true
    end
    for name in pairs(operations.rows) do
      assert.is_true(sampled[name], name)
    end
  end)

  it("says of each row whether it may be tried again", function()
    for name, row in pairs(operations.rows) do
      assert.is_boolean(retried[row.retry], name)
    end
  end)

  it_emulates("is one to the emulator, which refuses other paths", function()
    local server = emulator.start { generations = 0 }
    local answer = http.request(server.base_url, "GET", "/v2/nothing",
      { headers = { ["x-api-key"] = server.key } })
    server:stop()
    assert.equal(404, answer.status)
    assert.equal("Cannot GET /v2/nothing", answer.json.message)
  end)
end)
