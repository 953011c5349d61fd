-- SPDX-License-Identifier: MIT
-- Any text from the service, or passed on by a program, is read as what it is
-- or ignored. It never causes a Lua error, an endless wait or slow parsing.
-- Tests the functions that read it, then every operation.

local api = require "lipsync.api"
local core = require "lipsync.core"
local filter = require "lipsync.list.filter"
local http_date = require "lipsync.base.http_date"
local lipsync = require "lipsync"
local message = require "lipsync.error.message"
local operations = require "spec.support.operations"
local retry_after = require "lipsync.error.retry_after"
local service = require "spec.support.service"
local time = require "lipsync.base.time"
local url = require "lipsync.base.url"

local query = api.generations.list.query

local ROUNDS = 2000
local ANSWERS = 60  -- for each operation
local ARGUMENTS = 20

local seed = 11
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return math.floor(seed / 65536) % n
end

local parts = { "1", "9", "0", ".", "-", "+", ":", " ", "T", "Z", "e", ",",
  "2026-08-25", "10:00:00", "Tue, 25 Aug 2026 10:00:00 GMT", "GMT", "Feb",
  "99999999999999999999", "1e308", "nan", "inf", "0x10", "%", "/", "..", "?",
  "#", "@", "http://", "https://", "//", "[::1]", "\0", "\r\n", "\t", "\255",
  "a", "é", ("9"):rep(400), "Sun, 06 Nov 1994 08:49:37 GMT" }

local function garbage()
  local text = {}
  for i = 1, random(6) do text[i] = parts[random(#parts) + 1] end
  return table.concat(text)
end

-- A number that a clock can use.
local function is_finite(n)
  return type(n) == "number" and n == n and n > -math.huge and n < math.huge
end

describe("garbage", function()
  it("in Retry-After is a valid wait, or none", function()
    for _ = 1, ROUNDS do
      local text, date = garbage(), random(2) == 0 and garbage() or nil
      local seconds = retry_after.header(text, date, 1787652000)
      assert.is_true(seconds == nil or is_finite(seconds) and seconds >= 0,
        text)
    end
    for _, value in ipairs { -1, 0 / 0, math.huge, -math.huge, "5", {}, true }
    do
      local seconds = retry_after.body(value)
      assert.is_true(seconds == nil or is_finite(seconds) and seconds >= 0)
    end
  end)

  it("for a date or a time is a valid one, or none", function()
    for _ = 1, ROUNDS do
      local text = garbage()
      local date, moment = http_date.parse(text), time.parse(text)
      assert.is_true(date == nil or is_finite(date), text)
      assert.is_true(moment == nil or is_finite(moment), text)
    end
  end)

  -- A backtracking pattern takes minutes for these, a good one no time.
  it("is parsed in linear time", function()
    local begun = os.clock()
    for _, of in ipairs { " ", "9", "a", "\t", "0.", "@", "-", "\128" } do
      local row = of:rep(math.floor(100000 / #of))
      for _, text in ipairs { row, "x" .. row .. "x", row .. "x", "x" .. row,
                              "Sun Nov" .. row .. "x", "1." .. row .. "x" } do
        retry_after.header(text, text, 0)
        retry_after.body(text)
        time.parse("2026-08-25T10:00:00" .. text)
        url.segment(text)
        url.origin("http://" .. text, "http://127.0.0.1:1")
        message.inline(text)
        pcall(filter.read, query, { status = text, ids = text })
      end
    end
    local most = os.getenv "LIPSYNC_SANITIZED" and 200 or 20
    assert.is_true(os.clock() - begun < most)
  end)

  it("for an id is one path segment, or refused", function()
    for _ = 1, ROUNDS do
      local text = garbage()
      local segment = url.segment(text)
      if segment then
        assert.is_nil(segment:find "[^%w%-%._~%%]")
        assert.is_truthy(segment ~= "" and segment ~= "."
          and segment ~= "..")
      end
      local readable = url.readable(text)
      assert.is_nil(readable:find "%c")
    end
  end)

  it("for a redirect's target is an origin without secrets", function()
    for _ = 1, ROUNDS do
      local origin = url.origin(garbage(), "http://127.0.0.1:1")
      assert.is_true(origin == nil or not origin:find "[%c@]")
    end
  end)

  it("for a generation is an error with its reason", function()
    for _ = 1, ROUNDS do
      local text = "{" .. garbage() .. "}"
      local generation, err = lipsync.generation(text)
      assert.is_nil(generation)
      assert.equal("protocol", err.kind)
    end
  end)
end)

describe("garbage for an operation", function()
  local here = service.fixture(after_each)

  local words = { "null", "true", "5", "-1", "0.5", "1e999", '""', '"x"',
                  "[]", "{}", '"2026-08-25T10:00:00Z"' }
  local members = { "message", "errorCode", "error_code", "suggestion",
    "field", "requestId", "retryAfterSeconds", "id", "status", "count", "code" }

  -- Any JSON, with members that mean something.
  local function any_json(depth)
    local how, items = depth > 0 and random(4) or 2, {}
    if how >= 2 then return words[random(#words) + 1] end
    for i = 1, random(4) do
      items[i] = (how == 0 and '"' .. members[random(#members) + 1] .. '":'
        or "") .. any_json(depth - 1)
    end
    local inside = table.concat(items, ",")
    return how == 0 and "{" .. inside .. "}" or "[" .. inside .. "]"
  end

  -- A good body with garbage in it, or cut; other JSON; nothing but garbage.
  local function spoil(body)
    local at, how = random(#body + 1), random(8)
    if how == 0 then return garbage() end
    if how == 1 then return body:sub(1, at) end
    if how >= 4 then return any_json(3) end
    return body:sub(1, at) .. garbage() .. body:sub(at + 1 + random(9))
  end

  local statuses = { 200, 200, 200, 204, 302, 400, 404, 429, 503 }
  local kinds = { api = true, connection = true, limit = true, protocol = true,
                  timeout = true }

  local function answer(operation)
    return service.answer(statuses[random(#statuses) + 1],
      spoil(operation.exchanges[1][2]), {
        ["Content-Type"] = garbage(), ["Date"] = garbage(),
        ["Location"] = garbage(), ["Retry-After"] = garbage(),
        ["X-Request-Id"] = garbage(),
      })
  end

  for _, operation in ipairs(operations.list) do
    it("is no answer, but a value or an error: " .. operation.name, function()
      local script = {}
      for i = 1, ANSWERS do script[i] = answer(operation) end
      here.start(script)
      local begun, failed = core.now(), 0
      for _ = 1, ANSWERS do
        -- A client of its own, for one may keep what it has got.
        local client = service.client(here.server.base_url,
          { max_attempts = 1 })
        local value, err = operation:run(client)
        client:close()
        if err then
          failed = failed + 1
          assert.is_nil(value)
          assert.is_true(kinds[err.kind], err.kind)
          assert.is_nil(tostring(err):find "%c")
          local wait = err.retryAfter
          assert.is_true(wait == nil or is_finite(wait) and wait >= 0)
        else
          assert.is_truthy(value)
        end
      end
      assert.is_true(failed > 0)
      assert.is_true(core.now() - begun < 20)
    end)

    local it_sends = #operation.texts "x" > 0 and it or function() end

    it_sends("is sent as what it is, or not: " .. operation.name, function()
      here.start { pick = true, { when = "HTTP/1.1\r\n",
        service.answer(200, "[]")[2] } }
      local prefix = operation.row.path:gsub("{id}.*", "")
      local suffix = (operation.row.path:match "{id}(.*)$" or "")
        :gsub("{%w+}", "g1")
      local sent, refused = 0, 0
      for _ = 1, ARGUMENTS do
        for _, first in ipairs(operation.texts(garbage())) do
          local ok, value, err = pcall(operation.run, operation, here.client,
            { max_attempts = 1 }, { first })
          if not ok then
            assert.matches("^[^\n]*%.lua:%d+: ", value)
          elseif err and err.kind == "invalid" then
            refused = refused + 1
          else
            sent = sent + 1
          end
        end
      end
      local seen = here.server:requests(sent)
      assert.equal(sent, #seen)
      assert.is_true(sent > 0)
      -- Few of the texts are none that JSON can hold.
      if operation.body == "" then
        assert.equal(operation.has_id, refused > 0)
      end
      for _, request in ipairs(seen) do
        local path = request.target:match "^[^?]*"
        assert.equal(operation.method, request.method)
        assert.is_nil(request.target:find "[^%w%-%._~%%/?=&,]")
        assert.equal(prefix, path:sub(1, #prefix))
        if operation.has_id then
          local id = path:sub(#prefix + 1, #path - #suffix)
          assert.is_nil(id:find("/", 1, true))
          assert.equal(prefix .. id .. suffix, path)
        else
          assert.equal(prefix, path)
        end
      end
    end)
  end
end)
