-- SPDX-License-Identifier: MIT
-- Client and emulator under load, and the emulator with bad requests:
-- everything is deleted exactly once, nothing grows, a killed process leaves a
-- database that opens again, and garbage gets a response.

local emulator = require "spec.support.emulator"
local http = require "spec.support.http"
local proc = require "spec.support.proc"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

if not emulator.has_program() then
  describe("load", function()
    pending("the emulator is not built: its libraries are missing")
  end)
  return
end

local it_measures, resident = proc.is_here and it or pending, proc.memory

local TERMINAL = { "COMPLETED", "FAILED", "REJECTED" }

describe("under load", function()
  local server, client

  local function start(arguments, options)
    server = emulator.program(arguments)
    local own = { api_key = server.key, max_in_flight = 64, timeout = 60 }
    for name, value in pairs(options or {}) do own[name] = value end
    client = service.client(server.base_url, own)
  end

  after_each(function()
    client:close()
    server:stop()
  end)

  it("deletes every generation exactly once, 64 in flight", function()
    start { "--generations", "1500", "--now", "2026-08-25T10:00:00Z" }
    local all = assert(client.generations:count())
    local terminal = assert(client.generations:count { status = TERMINAL })
    assert.is_true(terminal > 500 and terminal < all)
    local seen = {}
    local result, err = client.generations:delete_many(
      client.generations:list { status = TERMINAL, page_size = 100 }, {
        concurrency = 64,
        on_result = function(id, outcome)
          assert.equal("deleted", outcome)
          assert.is_nil(seen[id])
          seen[id] = true
        end,
      })
    assert.is_nil(err)
    assert.same({ deleted = terminal, gone = 0, skipped = 0, failed = 0,
                  errors = {} }, result)
    assert.equal(all - terminal, assert(client.generations:count()))
    local _, gone = client.generations:get((next(seen)))
    assert.equal(404, gone.statusCode)
  end)

  it_measures("neither side grows, 64 in flight", function()
    start({ "--generations", "300" }, { on_task_error = function(problem)
      error(problem, 0)
    end })
    local function round()
      for i = 1, 128 do
        client:spawn(function()
          if i % 8 == 0 then
            assert.equal(300, #assert(client.generations:all()))
          end
          assert.equal(300, (client.generations:count()))
          local none, err = client.generations:delete
            "00000000-0000-4000-8000-000000000000"
          assert.is_nil(none)
          assert.equal(404, err.statusCode)
        end)
      end
      client:run()
      collectgarbage()
      collectgarbage()
    end
    -- Until each of the 64 connections has its thread and its memory.
    for _ = 1, 3 do round() end
    local ours, theirs = resident "self", resident(server.pid)
    for _ = 1, 8 do round() end
    if os.getenv "LIPSYNC_SANITIZED" then return end
    ours, theirs = resident "self" - ours, resident(server.pid) - theirs
    assert.is_true(ours < 8192, ours)
    assert.is_true(theirs < 16384, theirs)
  end)
end)

-- Needs no client, so one VM is enough.
if (os.getenv "LIPSYNC_LUA" or "lua5.4"):find "lua%-?5%.4$"
   or os.getenv "LIPSYNC_SANITIZED" == "tsan" then
  describe("the emulator under wrk, 64 connections", function()
    local ROUTES = { { "GET", "/v2/generations/count" },
      { "GET", "/v2/generations?limit=100&status=COMPLETED" },
      { "DELETE", "/v2/generations/00000000-0000-4000-8000-000000000000",
        refuses = true } }

    local found = io.popen "command -v wrk"
    local has_wrk = found:read "*l" ~= nil
    found:close()
    if not has_wrk then
      pending("wrk is not here")
      return
    end

    -- Some seconds of one route: every request gets the expected response, and
    -- each connection has one; returns whether it had. wrk is not instrumented,
    -- so it runs without the sanitizer's library.
    local function ask_for(seconds, server, route)
      local pipe = assert(io.popen(("LD_PRELOAD= WRK_METHOD=%s wrk -t1 -c64 "
        .. "-d%ds --timeout 30s -s spec/support/wrk.lua -H 'x-api-key: %s' "
        .. "'%s%s' 2>&1"):format(route[1], seconds, server.key,
        server.base_url, route[2])))
      local output = pipe:read "*a"
      pipe:close()
      local requests, socket, refused = output:match
        "requests (%d+), socket errors (%d+), refused (%d+)"
      assert.is_truthy(requests, output)
      assert.equal("0", socket, output)
      assert.equal(route.refuses and requests or "0", refused, output)
      return tonumber(requests) >= 64
    end

    -- As long as a busy machine needs.
    local function ask(server, route)
      for _, seconds in ipairs { 1, 4, 16, 64 } do
        if ask_for(seconds, server, route) then return end
      end
      error "64 requests took more than a minute"
    end

    it_measures("answers everything and does not grow", function()
      local server = emulator.program { "--generations", "300" }
      finally(function() server:stop() end)
      local first
      for _ = 1, 2 do
        for _, route in ipairs(ROUTES) do ask(server, route) end
        first = first or resident(server.pid)
      end
      local client = service.client(server.base_url, { api_key = server.key })
      assert.equal(300, client.generations:count())
      client:close()
      if os.getenv "LIPSYNC_SANITIZED" then return end
      local more = resident(server.pid) - first
      assert.is_true(more < 16384, more)
    end)
  end)
end

describe("waiting", function()
  it("takes no processor time", function()
    local text = scripted.response(200, service.generation "g1")
    local server = scripted.start { { { read = true },
      { send = text:sub(1, -5) }, { stall = 0.6 }, { send = text:sub(-4) } } }
    local client = service.client(server.base_url)
    local before = os.clock()
    assert(client.generations:get "g1")
    assert.is_true(os.clock() - before < 0.3, os.clock() - before)
    client:close()
    server:stop()
  end)
end)

describe("the emulator", function()
  local path, server

  before_each(function()
    path = os.tmpname()
    os.remove(path)
  end)

  after_each(function()
    server:stop()
    for _, tail in ipairs { "", "-journal", "-wal", "-shm" } do
      os.remove(path .. tail)
    end
  end)

  -- Kills it in the middle of many deletions. Returns the ids that were deleted
  -- as far as the client knows, and those with an unknown outcome.
  local function kill_while_deleting(after)
    local client = service.client(server.base_url, { api_key = server.key,
      max_in_flight = 8, max_attempts = 1 })
    local ids, gone, unclear, n = {}, {}, {}, 0
    for generation in client.generations:list { status = TERMINAL } do
      ids[#ids + 1] = generation.id
    end
    client.generations:delete_many(ids, {
      concurrency = 8,
      on_result = function(id, outcome)
        n = n + 1
        if outcome == "deleted" then gone[id] = true else unclear[id] = true
        end
        if n == after then os.execute("kill -9 " .. server.pid) end
      end,
    })
    client:close()
    server:stop()
    return ids, gone, unclear
  end

  it("that is killed leaves a good database, no row half-deleted",
    function()
      for _, after in ipairs { 1, 7, 40 } do
        server = emulator.program { "--database", path,
                                    "--generations", "200" }
        local ids, gone, unclear = kill_while_deleting(after)
        server = emulator.program { "--database", path }
        local client = service.client(server.base_url,
          { api_key = server.key })
        local left, n = {}, 0
        for generation in client.generations:list() do
          assert.is_nil(left[generation.id])
          assert.is_table(generation:decode())
          left[generation.id], n = true, n + 1
        end
        assert.equal(n, assert(client.generations:count()))
        for _, id in ipairs(ids) do
          if gone[id] then assert.is_nil(left[id]) end
          if not gone[id] and not unclear[id] then
            assert.is_true(left[id])
          end
        end
        -- The remaining rows can still be deleted.
        for id in pairs(unclear) do
          local deleted, err = client.generations:delete(id)
          assert.is_true(deleted ~= nil or err.statusCode == 404)
        end
        client:close()
        server:stop()
        os.remove(path)
      end
    end)

  it("responds beside any number of unfinished requests", function()
    server = emulator.program {}
    local port = tonumber(server.base_url:match ":(%d+)$")
    local headers = { ["x-api-key"] = server.key }
    for _, text in ipairs { "", "GET / HTTP/1.1\r\nHost: a",
      "POST /v2/generate HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
      "GET /v2/errors HTTP/1.1\r\nHost: localhost\r\n\r\n" } do
      local held = scripted.hold(port, text, 700)
      local before = scripted.now()
      for _ = 1, 10 do
        assert.equal(200, http.request(server.base_url, "GET",
          "/v2/generations/count", { headers = headers, seconds = 5 }).status)
      end
      assert.is_true(scripted.now() - before < 5)
      scripted.release(held)
    end
  end)

  it("responds to garbage, and to what comes after it", function()
    server = emulator.program {}
    local port = tonumber(server.base_url:match ":(%d+)$")
    local seed = 7
    local function random(n)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return math.floor(seed / 65536) % n
    end
    local parts = { "GET ", "DELETE ", "/v2/generations", "?status=", "%", "[",
      "\r\n", "\r\n\r\n", "Content-Length: ", "99999999999999999999", "-1",
      "Transfer-Encoding: chunked", " HTTP/1.1", "x-api-key: test-key", "\0",
      "/_emulator/fault", "POST ", "{\"route\":", ("a"):rep(5000), "\255",
      "Host: a", "/../..", "limit=1&", "ids[]=", "cursor=" }
    for _ = 1, 150 do
      local text = {}
      for i = 1, 3 + random(12) do text[i] = parts[random(#parts) + 1] end
      scripted.exchange(port, table.concat(text) .. "\r\n\r\n", 0.02)
    end
    local answer = http.request(server.base_url, "GET",
      "/v2/generations/count", { headers = { ["x-api-key"] = server.key } })
    assert.equal(200, answer.status)
  end)
end)
