-- SPDX-License-Identifier: MIT
-- Sessions and transfers without the Lua layer, against a server that sends
-- what no HTTP library would.

local core = require "lipsync.core"
local gzip = require "spec.support.gzip"
local proc = require "spec.support.proc"
local program = require "spec.support.program"
local scripted = require "spec.support.scripted"
local transfers = require "spec.support.transfers"
local http = require "lipsync.http"

-- Most scripts serve one request per connection, and announce it, so the
-- client does not try to reuse the connection.
local function response(status, body, headers)
  local all = { Connection = "close" }
  for name, value in pairs(headers or {}) do all[name] = value end
  return scripted.response(status, body, all)
end

-- A generation's JSON and a list of several.
local function row(i) return ('{"id":"g%d","status":"COMPLETED"}'):format(i) end
local function rows(n)
  local all = {}
  for i = 1, n do all[i] = row(i) end
  return "[" .. table.concat(all, ", ") .. "]"
end

local it_measures = proc.is_here and it or pending
-- A sanitizer needs more than it is given here.
local it_starves = not os.getenv "LIPSYNC_SANITIZED" and it or pending
local it_runs = program.can_run() and it or pending
-- Lua 5.2 collects only when a function is called.
local it_collects = _VERSION ~= "Lua 5.2" and it_runs or pending
local function peak() return proc.memory("self", "VmHWM") end

local server, session

local function serve(script, more)
  server = scripted.start(script)
  session = transfers.session(server.base_url, more)
end

local function list(request)
  local full = { mode = "objects" }
  for name, value in pairs(request or {}) do full[name] = value end
  local transfer = assert(transfers.start(session, full))
  local found, failure = transfers.list(session, transfer)
  return found, failure, transfer
end

local function read(request)
  local transfer = assert(transfers.start(session, request))
  local body, failure = transfers.read(session, transfer)
  return body, failure, transfer
end

-- A failure in short form; and its sentence.
local function what(failure)
  return transfers.what(failure, server and "127.0.0.1:" .. server.port)
end
local function kind(failure) return what(failure):match "%S+" end
local function words(failure) return (select(2, what(failure))) end

local function once(...) return { { { read = true }, ... } } end

-- Whether this build has a descriptor of its own. Without it libcurl polls, and
-- each step does all that can be done.
local function is_epolling()
  local own = transfers.session "http://127.0.0.1:9"
  local fd = own:fd()
  own:close()
  return fd ~= nil
end

local has_epoll = is_epolling()
local it_epolls = has_epoll and it or pending

describe("a transfer", function()
  after_each(function()
    if session then session:close() end
    if server then server:stop() end
    session, server = nil, nil
  end)

  describe("sends", function()
    it_epolls("at its start, if it connects without a step", function()
      local function answer(id)
        return scripted.response(200, ('{"id":"%s"}'):format(id))
      end
      serve { { { read = true }, { send = answer "g1" }, { read = true },
                { send = answer "g2" } } }
      assert.matches("g1", (read()))
      local second = assert(transfers.start(session))
      assert.equal(2, #server:requests(2))
      assert.equal('{"id":"g2"}', (transfers.read(session, second)))
    end)

    it("one request, with the key if it is wanted", function()
      serve { { { read = true }, { send = scripted.response(200, "[]") },
                { read = true }, { send = response(200, "{}") } } }
      assert.same({}, (list()))
      assert.equal("{}", (read { path = "/v2/errors", key = false }))
      local seen = server:requests(2)
      assert.equal("GET", seen[1].method)
      assert.equal("/v2/generations", seen[1].target)
      assert.equal("test-key", seen[1].headers["x-api-key"])
      assert.equal("gzip", seen[1].headers["accept-encoding"])
      assert.equal("application/json", seen[1].headers.accept)
      assert.equal("spec", seen[1].headers["user-agent"])
      assert.equal("/v2/errors", seen[2].target)
      assert.is_nil(seen[2].headers["x-api-key"])
      -- Without TLS libcurl's HTTP/2 is broken before 8.0, so it is not
      -- offered.
      for _, request in ipairs(seen) do
        assert.matches("^%u+ %S+ HTTP/1.1\r\n", request.head)
        assert.is_nil(request.headers.upgrade)
      end
    end)

    it("headers of the session, overridden by the request",
      function()
        serve({ { { read = true }, { send = response(204, "") } } },
          { headers = { ["X-A"] = "session", ["X-B"] = "kept" } })
        read { headers = { ["x-a"] = "request", ["X-Empty"] = "" } }
        local headers = server:requests(1)[1].headers
        assert.equal("request", headers["x-a"])
        assert.equal("kept", headers["x-b"])
        assert.equal("", headers["x-empty"])
        assert.equal("test-key", headers["x-api-key"])
      end)

    it("other methods and the prefix of the base URL", function()
      server = scripted.start(once { send = response(204, "") })
      session = transfers.session(server.base_url .. "/pre/fix/")
      read { method = "DELETE", path = "/v2/generations/a%2Fb" }
      local seen = server:requests(1)[1]
      assert.equal("DELETE", seen.method)
      assert.equal("/pre/fix/v2/generations/a%2Fb", seen.target)
    end)

    it("no header made of another, and none that is reserved", function()
      serve { {} }
      local cases = {
        { { ["X-A"] = "a\r\nX-B: b" }, "header_malformed" },
        { { ["X A"] = "a" }, "header_malformed" },
        { { [""] = "a" }, "header_malformed" },
        { { ["X-Api-Key"] = "other" }, "header_reserved" },
        { { ["Content-Length"] = "1" }, "header_reserved" },
        { { Host = "other" }, "header_reserved" },
      }
      for _, case in ipairs(cases) do
        local transfer, failure = transfers.start(session,
          { headers = case[1] })
        assert.is_nil(transfer)
        assert.equal(case[2], failure.code)
      end
      local transfer, failure = transfers.start(session, { path = "/a b" })
      assert.is_nil(transfer)
      assert.equal("invalid path_malformed", what(failure))
      assert.same({}, server:requests(0))
    end)
  end)

  describe("reads", function()
    it("a list in pieces of any size", function()
      local body = rows(5)
      -- Each closes and announces it, so no request meets a closing connection.
      local plain = response(200, body, { Connection = "close" })
      local packed = gzip(body)
      local zipped = response(200, packed, { ["Content-Encoding"] = "gzip",
                                             Connection = "close" })
      local chunked = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
        .. "Transfer-Encoding: chunked\r\n\r\n"
      for i = 1, #body do
        chunked = chunked .. "1\r\n" .. body:sub(i, i) .. "\r\n"
      end
      chunked = chunked .. "0\r\nX-Trailer: t\r\n\r\n"
      local script = {}
      for _, text in ipairs { plain, zipped, chunked } do
        for _, size in ipairs { 1, 7, #text } do
          script[#script + 1] = { { read = true },
            { send = text, chunk = size }, { close = true } }
        end
      end
      serve(script)
      for i = 1, #script do
        local found, failure = list()
        assert.equal("none", what(failure), i)
        assert.equal(5, #found)
        for n, generation in ipairs(found) do
          assert.equal(row(n), generation:json())
        end
      end
    end)

    it("a page that arrived whole, without waiting", function()
      serve(once { send = response(200, rows(3)) })
      local transfer = assert(transfers.start(session))
      local deadline = core.now() + 20
      while not transfer:done() and core.now() < deadline do
        session:poll(1)
      end
      for i = 1, 3 do assert.equal("g" .. i, transfer:next().id) end
      local generation, failure = transfer:next()
      assert.is_nil(generation)
      assert.is_nil(failure)
    end)

  end)

  describe("takes", function()
    -- A whole response of `n` rows.
    local function arrived(n, options)
      serve(once { send = response(200, rows(n)) })
      local transfer = assert(transfers.start(session, options))
      local deadline = core.now() + 20
      while not transfer:done() and core.now() < deadline do
        session:poll(1)
      end
      return transfer
    end

    local function pass(moment) repeat until core.now() > moment end

    it("objects, and nothing at the end or after it was closed", function()
      local transfer = arrived(3)
      assert.equal("g1", transfer:take(math.huge).id)
      assert.equal("g2", transfer:next().id)
      assert.equal("g3", transfer:take(math.huge).id)
      assert.equal(0, select("#", transfer:take(math.huge)))
      assert.is_nil((transfer:next()))
      transfer:close()
      assert.equal(0, select("#", transfer:take(math.huge)))
    end)

    it("nothing that is wrong, which next returns", function()
      serve(once { send = response(200, '[{"id":"g1"},{"id":5}]') })
      local transfer = assert(transfers.start(session))
      session:poll(1)
      repeat session:poll(0.1) until transfer:ready()
      assert.equal("g1", transfer:take(math.huge).id)
      assert.is_nil((transfer:take(math.huge)))
      local object, failure = transfer:next()
      assert.is_nil(object)
      assert.equal("no_id", failure.code)
    end)

    it("nothing once its session is closed", function()
      local transfer = arrived(2)
      assert.equal("g1", transfer:take(math.huge).id)
      session:close()
      assert.is_nil((transfer:take(math.huge)))
    end)

    it("nothing after the given moment", function()
      local transfer = arrived(3)
      assert.is_nil((transfer:take(core.now() - 1)))
      assert.equal("g1", transfer:take(math.huge).id)
      assert.is_nil((transfer:take(0)))
      pass(core.now() + 0.001)  -- as in a loop as slow as that
      local ends = core.now() + 0.3
      assert.is_truthy(transfer:take(ends))
      pass(ends)
      assert.is_nil((transfer:take(ends)))
      assert.equal("g3", transfer:take(math.huge).id)
    end)

    it("no more where only half of the loop is slow", function()
      local transfer, n = arrived(1000), 0
      local ends = core.now() + 0.02
      while transfer:take(ends) do
        n = n + 1
        if n % 2 == 0 then pass(core.now() + 0.001) end
      end
      assert.is_true(n <= 41, n)
    end)

    it("only a few more where the loop was fast", function()
      local transfer, n = arrived(2000), 0
      local ends = core.now() + 0.3
      for _ = 1, 600 do transfer:take(ends) end
      pass(ends)
      while transfer:take(ends) do n = n + 1 end
      local size = #rows(2000) / 2000
      assert.is_true(n <= 16384 / size + 1, n)
      assert.is_nil((transfer:take(ends)))
      assert.is_truthy(transfer:take(core.now() + 10))
    end)

    it("no chunks", function()
      local transfer = arrived(1, { mode = "chunks" })
      assert.is_nil((transfer:take(math.huge)))
    end)
  end)

  describe("reads", function()
    it("long generations, plain and packed, without pauses",
      function()
        local text, state = {}, 7
        for i = 1, 700000 do  -- hardly compressible
          state = (state * 16807) % 2147483647
          text[i] = string.char(48 + state % 64 + (state % 64 > 43 and 1 or 0))
        end
        local long = '{"id":"' .. table.concat(text) .. '"}'
        local body = "[" .. long .. (" "):rep(700000) .. ("," .. long):rep(4)
          .. (" "):rep(700000) .. "]"
        serve { { { read = true }, { send = response(200, body) } },
                { { read = true }, { send = response(200, gzip(body),
                  { ["Content-Encoding"] = "gzip" }) } } }
        for _ = 1, 2 do
          local transfer = assert(transfers.start(session,
            { mode = "objects" }))
          local found, idle = 0, 0
          while true do
            local generation, failure = transfer:next()
            if generation == nil then assert.is_nil(failure) break end
            if generation then found = found + 1 end
            if generation == false and not transfer:ready() then
              local before = transfer:received()
              session:poll(5)
              if transfer:received() == before then idle = idle + 1 end
            end
          end
          assert.equal(5, found)
          -- A wait without data; a few belong to the connection.
          assert.is_true(idle < 20, idle)
        end
      end)

    it("status and headers of the final response, not of a 1xx", function()
      serve(once { send = "HTTP/1.1 103 Early Hints\r\nX-A: early\r\n\r\n"
        .. "HTTP/1.1 409 Conflict\r\nX-A:  late \r\nContent-Length: 2\r\n"
        .. "\r\n{}" })
      local body, _, transfer = read()
      assert.equal("{}", body)
      assert.equal(409, transfer:status())
      assert.equal("late", transfer:header "x-a")
      assert.is_nil(transfer:header "X")
      assert.is_true(transfer:sent())
    end)

    it("gzip of several members to its end", function()
      local packed = gzip "{\"a\":" .. gzip "1}"
      serve(once { send = response(200, packed,
        { ["Content-Encoding"] = "gzip" }) })
      assert.equal('{"a":1}', (read()))
    end)

    it("an error's body in any encoding", function()
      serve(once { send = response(500, "??",
        { ["Content-Encoding"] = "br" }) })
      local body, _, transfer = read()
      assert.equal(500, transfer:status())
      assert.equal("??", body)
    end)

    it("only whole objects of a list that was cut", function()
      local body = rows(3)
      local whole = response(200, body)
      local head = #whole - #body
      local ends = {}  -- where each generation is complete
      for i = 1, 3 do ends[i] = head + select(2, whole:sub(head + 1)
        :find(row(i), 1, true)) end
      local script = {}
      for n = 0, #whole - 1 do
        script[n + 1] = { { read = true }, { send = whole:sub(1, n) },
                          { close = true } }
      end
      serve(script)
      for n = 0, #whole - 1 do
        local found, failure = list()
        local expected = 0
        for _, at in ipairs(ends) do
          if n >= at then expected = expected + 1 end
        end
        assert.equal(expected, #found, n)
        local of = kind(failure)
        assert.is_true(of == "connection" or of == "protocol", n)
      end
      assert.equal(#whole, #server:requests(#whole))
    end)

    it("no object from truncated or damaged gzip", function()
      local packed = gzip(rows(50))
      local function answer(bytes)
        return { { read = true }, { send = response(200, bytes,
          { ["Content-Encoding"] = "gzip" }) }, { close = true } }
      end
      serve { answer(packed:sub(1, -9)), answer(packed .. "junk"),
              answer("not gzip at all"),
              answer(packed:sub(1, 20) .. "\255\255" .. packed:sub(23)) }
      for i = 1, 4 do
        local _, failure = list()
        assert.equal("protocol gzip", what(failure), i)
      end
    end)
  end)

  describe("takes a number without end", function()
    it("for a connect_timeout that never comes", function()
      for _, seconds in ipairs { math.huge, 1e16, 1e300 } do
        -- A peer that is slow to say nothing inside the TLS handshake.
        server = scripted.start { { { stall = 0.1 }, { close = true } } }
        session = transfers.session("https://127.0.0.1:" .. server.port,
          { connect_timeout = seconds })
        assert.equal("connection cut", what((select(2, read()))))
        session:close()
        server:stop()
      end
    end)

    it("for a size, a step and a wait", function()
      serve({ { { read = true }, { send = response(200, rows(3)) } } },
        { max_object = math.huge, max_response = math.huge })
      local found, failure = list()
      assert.is_nil(failure)
      assert.equal(3, #found)
      session:step(math.huge)
      local transfer = assert(transfers.start(session))
      session:poll(1e300)
      transfer:close()
    end)
  end)

  describe("fails", function()
    it("if nothing listens", function()
      serve { {} }
      server:stop()
      local _, failure, transfer = read()
      assert.equal("connection connect", what(failure))
      assert.equal(("cannot connect to 127.0.0.1:%d: connection refused")
        :format(server.port), words(failure))
      assert.is_false(transfer:sent())
    end)

    -- Runs a call in a process that has less of something.
    local function starve(limits, code)
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(code)
      file:close()
      local pipe = assert(io.popen(("(ulimit %s; %s %s 2>&1)")
        :format(limits, program.vm, path)))
      local text = pipe:read "*a"
      pipe:close()
      os.remove(path)
      return text
    end

    it_starves("where no descriptor is left, whatever it is for", function()
      server = scripted.start { loop = true, { { close = true } } }
      local text = starve("-n 64", ([[
        local lipsync = require "lipsync"
        local files = {}
        for left = 0, 8 do
          local client = lipsync.new { api_key = "abcdefgh",
            base_url = %q, max_attempts = 1 }
          repeat
            local file = io.open("/dev/null")
            files[#files + 1] = file
          until not file
          for _ = 1, left do table.remove(files):close() end
          local _, err = client.generations:get "g"
          print(left, err)
          client:close()
        end
      ]]):format("https://localhost:" .. server.port))
      local n, starved = 0, 0
      for sentence in text:gmatch "%d\t(get [^\n]*)" do
        n = n + 1
        local lacks = sentence:find(": too many open files.", 1, true)
        assert.is_truthy(lacks or sentence:find("broke", 1, true), text)
        if lacks then starved = starved + 1 end
      end
      assert.equal(9, n, text)
      assert.is_true(starved >= 4 and starved < 9, text)
    end)

    it_starves("where no thread is left for a lookup", function()
      local text = starve("-s 2000000; ulimit -v 1000000", [[
        local client = require "lipsync".new { api_key = "abcdefgh",
          base_url = "https://surely-not-there.invalid", max_attempts = 1 }
        print(select(2, client.generations:get "g"))
      ]])
      assert.equal("get generation g: cannot resolve surely-not-there.invalid: "
        .. "no thread could be started.\n", text)
    end)

    it("if the name has no address", function()
      session = transfers.session "https://surely-not-there.invalid"
      local _, failure = read()
      assert.equal("connection resolve", what(failure))
      assert.equal("surely-not-there.invalid", session:host())
    end)

    it("on a reset, before and inside the response", function()
      serve { { { read = true }, { reset = true } },
              { { read = true }, { send = response(200, "[1,"):sub(1, -3) },
                { reset = true } } }
      assert.equal("connection", kind((select(2, read()))))
      assert.equal("connection", kind((select(2, read()))))
    end)

    it("on a hang-up inside a TLS handshake, by FIN or reset", function()
      for _, ending in ipairs { "close", "reset" } do
        -- Before and after the client's first message is there.
        for _, seconds in ipairs { 0, 0.05 } do
          server = scripted.start {
            { { stall = seconds }, { [ending] = true } } }
          session = transfers.session("https://127.0.0.1:" .. server.port)
          local failure = select(2, read())
          -- A reset may come before libcurl has seen that it is connected.
          if ending == "close" or seconds > 0 then
            assert.equal("connection cut", what(failure))
          end
          assert.equal("connection", kind(failure))
          session:close()
          server:stop()
        end
      end
    end)

    it("on a peer that speaks no TLS", function()
      server = scripted.start { { { send = "HTTP/1.1 400 No\r\n\r\n" },
                                  { hold = true } } }
      session = transfers.session("https://127.0.0.1:" .. server.port)
      local _, failure, transfer = read()
      assert.equal("tls handshake", what(failure))
      assert.is_false(transfer:sent())
    end)

    it("without a second request if a reused connection died", function()
      serve { { { read = true }, { send = scripted.response(200, "[]") },
                { read = true }, { close = true } },
              { { read = true } },  -- opened by libcurl to send again
              { { read = true }, { send = response(200, "[]") } } }
      assert.equal("[]", (read()))
      local _, failure, transfer = read { method = "DELETE" }
      assert.equal("connection resend", what(failure))
      assert.is_true(transfer:sent())
      assert.equal(2, #server:requests(2))
      assert.equal("[]", (read()))
      assert.equal(3, #server:requests(3))
    end)

    -- All of several connections that are idle, and the ones after them.
    local function warm_up(n, ...)
      local dead = { { read = true }, { send = scripted.response(200, "[]"),
                     delay = 0.05 }, { read = true }, ... }
      local script = { loop = true }
      for i = 1, n do script[i] = dead end
      script[n + 1] = {}
      for i = 1, 20, 2 do
        script[n + 1][i] = { read = true }
        script[n + 1][i + 1] = { send = scripted.response(200, "[1]") }
      end
      serve(script)
      local all = {}
      for i = 1, n do all[i] = assert(transfers.start(session)) end
      for i = 1, n do assert.equal("[]", (transfers.read(session, all[i]))) end
      assert.equal(n, #server:connections(n))
    end

    it("once only, when all idle connections have died", function()
      for _, ending in ipairs { "close", "reset" } do
        warm_up(8, { [ending] = true })
        assert.equal("connection", kind((select(2, read()))))
        for _ = 1, 4 do assert.equal("[1]", (read())) end
        session:close()
        server:stop()
      end
    end)

    it("once only, when nothing comes on idle connections", function()
      warm_up(8, { hold = true })
      local transfer = assert(transfers.start(session))
      local deadline = core.now() + 20
      while not transfer:sent() and core.now() < deadline do
        session:poll(0.05)
      end
      transfer:close()  -- as a clock does
      for _ = 1, 4 do assert.equal("[1]", (read())) end
    end)

    it("and drops connections that are older, not later ones", function()
      warm_up(3, { close = true })
      scripted.sleep(1.1)
      assert.equal("connection", kind((select(2, read()))))
      scripted.sleep(1.1)
      local before = #server:connections(0)
      for _ = 1, 5 do assert.equal("[1]", (read())) end
      assert.is_true(#server:connections(0) <= before + 1)
      -- The one that libcurl was to send again on, and the idle one.
      assert.equal(2, #server:gone(2, 1))
    end)

    it("on what is not HTTP", function()
      serve { { { read = true }, { send = "SSH-2.0-OpenSSH\r\n" },
                { close = true } },
              { { read = true }, { send = "[]" }, { close = true } } }
      assert.equal("protocol not_http", what((select(2, read()))))
      assert.equal("protocol not_http", what((select(2, read()))))
    end)

    it("on a status that an answer cannot end with", function()
      for _, status in ipairs { "101", "001", "000" } do
        local answer = "HTTP/1.1 " .. status .. " Switching Protocols\r\n"
          .. "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        serve { { { read = true }, { send = answer }, { close = true } },
                { { read = true }, { send = answer .. "\0\1\2" },
                  { hold = true } } }
        for _, run in ipairs { read, list } do
          local value, failure = run()
          assert.same(run == list and {} or nil, value)
          -- libcurl itself refuses some that are no status at all.
          assert.is_truthy(failure.code == "interim"
            or status ~= "101" and failure.code == "not_http", status)
        end
        session:close()
        server:stop()
      end
      assert.equal(
        "the answer ends with status 101, which is none to end with",
        words { code = "interim", status = 101 })
    end)

    it("on a 1xx that nothing follows, as if nothing came", function()
      serve(once({ send = "HTTP/1.1 103 Early Hints\r\n\r\n" },
        { close = true }))
      assert.equal("connection", kind((select(2, read()))))
    end)

    it("on an encoding that was not requested", function()
      serve(once { send = response(200, "[]",
        { ["Content-Encoding"] = "br" }) })
      local _, failure = list()
      assert.equal("protocol encoding", what(failure))
      assert.matches('"br"', words(failure))
    end)

    it("on another body than a list, and names it", function()
      local cases = {
        { "{}", "json_shape", "expected a JSON array, got an object" },
        { '"x"', "json_shape", "expected a JSON array, got a string" },
        { "null", "json_shape", "expected a JSON array, got null" },
        { "", "json_cut", "expected a JSON array, got nothing" },
        { '[{"id":"a"},7]', "json_element",
          "expected generations, but element 2 of the list is a number" },
        { '[[]]', "json_element",
          "expected generations, but element 1 of the list is an array" },
        { '[{"id":7}]', "no_id",
          "element 1 of the list is an object without a string id" },
        { '[{"id":"a"}', "json_cut",
          "the JSON ends too early, behind byte 11" },
        { '[{"id":"a"}]]', "json_syntax" }, { "<html>", "json_syntax" },
        { "[{\"id\":\"a\",\"b\":\"\1\"}]", "json_syntax" },
        { '[{"id":"a\255"}]', "json_syntax" },
      }
      local script = {}
      for i, case in ipairs(cases) do
        script[i] = { { read = true }, { send = response(200, case[1]) },
                      { close = true } }
      end
      serve(script)
      for _, case in ipairs(cases) do
        local _, failure = list()
        assert.equal("protocol " .. case[2], what(failure), case[1])
        if case[3] then assert.equal(case[3], words(failure)) end
      end
    end)

    it("and returns the beginning of the response", function()
      serve(once { send = response(200, "<html>nope") })
      local _, failure = list()
      assert.equal("<html>nope", failure.body)
    end)
  end)

  describe("keeps its limits", function()
    it_measures("holds no bytes that were read, whether it is collected or not",
      function()
        local script, kept = {}, {}  -- kept alive
        local text = "[" .. (" "):rep(3e5) .. "]"
        for i = 1, 60, 2 do
          script[i] = { { read = true }, { send = response(200, text) } }
          -- Its last byte is read before the response ends.
          script[i + 1] = { { read = true },
            { send = "HTTP/1.1 200 OK\r\n\r\n" .. text }, { stall = 0.02 } }
        end
        serve(script)
        local before
        finally(function() collectgarbage "restart" end)
        collectgarbage "stop"
        for i = 1, #script do
          local found, failure, transfer = list()
          assert.same({}, found)
          assert.is_nil(failure)
          kept[i] = transfer
          before = before or proc.memory "self"
        end
        local grown = proc.memory "self" - before
        collectgarbage "restart"
        assert.equal(60, #kept)
        if not os.getenv "LIPSYNC_SANITIZED" then
          assert.is_true(grown < 4096, grown)
        end
      end)

    local function over(answer, more)
      serve(once({ send = answer }, { hold = true }), more)
      return list()
    end

    it("for a generation", function()
      local long = '[{"id":"' .. ("x"):rep(5000)
      local found, failure = over("HTTP/1.1 200 OK\r\n\r\n" .. long,
        { max_object = 4000 })
      assert.same({}, found)
      assert.equal("limit json_size", what(failure))
      assert.equal("generation 1 is longer than 4000 bytes (max_generation)",
        words(failure))
    end)

    it("for white space, which an endless response could consist of", function()
      serve({ { { read = true }, { send = "HTTP/1.1 200 OK\r\n\r\n[" },
                { repeat_send = (" "):rep(1000) } },
              { { read = true }, { send = "HTTP/1.1 200 OK\r\n\r\n[]" },
                { repeat_send = ("\n"):rep(1000) } } }, { max_object = 40000 })
      for _ = 1, 2 do
        local _, failure = list()
        assert.equal("limit blank", what(failure))
        assert.matches("40000 bytes of white space", words(failure))
      end
    end)

    it("for a response that is read whole, in any framing", function()
      local packed = gzip(("x"):rep(100000))
      serve({ { { read = true }, { send = response(200, ("x"):rep(5000)) } },
              { { read = true }, { send = response(200, packed,
                { ["Content-Encoding"] = "gzip" }) } },
              { { read = true }, { send = "HTTP/1.1 500 No\r\n\r\n" },
                { repeat_send = ("x"):rep(1000) } } }, { max_response = 4000 })
      for _ = 1, 3 do
        local body, failure = read()
        assert.is_nil(body)
        assert.equal("limit body_limit", what(failure))
      end
    end)

    it("for no response of just the size that is allowed", function()
      local text = ("x"):rep(4000)
      for _, answer in ipairs { response(200, text), response(200, gzip(text),
          { ["Content-Encoding"] = "x-gzip" }) } do
        for _, most in ipairs { 4000, 3999 } do
          serve(once { send = answer }, { max_response = most })
          local body, failure = read()
          assert.equal(most == 4000 and text or nil, body)
          assert.equal(most == 3999 and "limit body_limit" or nil,
            failure and what(failure))
          session:close()
          server:stop()
        end
      end
    end)

    it("for what is kept of a response that is no JSON", function()
      local whole = response(200, ("x"):rep(1e5))
      serve { { { read = true }, { send = whole } } }
      local transfer = transfers.start(session, { mode = "objects" })
      local enough = #whole - 1e5 + 64 * 1024  -- it may be paused from there on
      while transfer:received() < enough do session:poll(1) end
      local _, failure = transfer:next()
      assert.equal(64 * 1024, #failure.body)
    end)

    it("for headers, also of responses before the final one", function()
      serve { { { read = true }, { send = "HTTP/1.1 200 OK\r\n" },
                { repeat_send = "X-A: " .. ("x"):rep(1000) .. "\r\n" } },
              { { read = true },
                { repeat_send = "HTTP/1.1 100 Continue\r\nX-A: "
                  .. ("x"):rep(1000) .. "\r\n\r\n" } } }
      assert.equal("limit headers_limit", what((select(2, list()))))
      assert.equal("limit headers_limit", what((select(2, list()))))
    end)

    it("for nesting and members", function()
      serve { { { read = true }, { send = response(200, '[{"id":"a","b":'
                .. ("["):rep(1000)) } },
              { { read = true }, { send = response(200, '[{"id":"a"'
                .. (',"b":1'):rep(2000) .. "}]") } } }
      assert.equal("limit json_depth", what((select(2, list()))))
      assert.equal("limit json_members", what((select(2, list()))))
    end)

    it_measures("for a compressed bomb: memory stays flat", function()
      local pipe = assert(io.popen("{ printf '[{\"id\":\"'; "
        .. "head -c 100000000 /dev/zero | tr '\\0' x; } | gzip -nc"))
      local packed = pipe:read "*a"
      pipe:close()
      serve { { { read = true }, { send = response(200, packed,
                { ["Content-Encoding"] = "gzip" }) } } }
      local before = peak()
      local _, failure = list()
      assert.equal("limit json_size", what(failure))
      assert.is_true(peak() - before < 8000, peak() - before)
    end)

    it("for unread data: the server has to wait", function()
      local line = row(1) .. ","
      serve(once({ send = "HTTP/1.1 200 OK\r\n\r\n[" },
        { repeat_send = line:rep(1000) }))
      local transfer = assert(transfers.start(session,
        { mode = "objects" }))
      local most = 0
      for _ = 1, 300 do
        session:poll(0.002)
        most = math.max(most, transfer:received())
      end
      assert.is_true(most < 620 * 1024, most)
      -- It goes on when the data is read.
      for _ = 1, 50000 do
        local generation = transfer:next()
        if generation == false then session:poll(5) end
      end
      assert.is_true(transfer:received() > most)
      transfer:close()
    end)
  end)

  describe("ends", function()
    it("by close, which the server notices, and stays ended", function()
      serve(once({ send = "HTTP/1.1 200 OK\r\n\r\n[" }, { hold = true }))
      local transfer = assert(transfers.start(session,
        { mode = "objects" }))
      while not transfer:status() do session:poll(1) end
      transfer:close()
      transfer:close()
      assert.equal(1, #server:gone(1))
      assert.is_true(transfer:ready())
      assert.is_true(transfer:done())
      assert.is_nil(transfer:status())
      assert.is_nil(transfer:header "date")
      assert.equal(0, transfer:received())
      assert.is_false(transfer:sent())
      assert.equal("closed closed", what((select(2, transfer:next()))))
      assert.equal("closed closed", what((select(2, transfer:read()))))
      assert.equal("Transfer (closed)", tostring(transfer))
    end)

    it("when it is collected", function()
      serve(once({ send = "HTTP/1.1 200 OK\r\n\r\n[" }, { hold = true }))
      local transfer = assert(transfers.start(session,
        { mode = "objects" }))
      while not transfer:status() do session:poll(1) end
      transfer = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.equal(1, #server:gone(1))
      assert.is_nil(session:next_ready())
    end)

    it("by being collected, though the collector knows nothing of what it "
       .. "holds", function()
      serve { { { read = true }, { hold = true } }, loop = true }
      collectgarbage()
      collectgarbage()
      collectgarbage "stop"
      local _, before = http.live()
      local most = 0
      for _ = 1, 600 do
        assert(transfers.start(session))
        local _, now = http.live()
        most = math.max(most, now - before)
      end
      collectgarbage "restart"
      assert.is_true(most < 400, most)
    end)

    -- In a program of its own: how long a cycle of the collector takes depends
    -- on the heap, and that of all specs is large.
    it_runs("before many abandoned ones pile up, in any heap", function()
      local text = "HTTP/1.1 200 OK\r\n\r\n[" .. row(1) .. (" "):rep(4e5)
      serve { { { read = true }, { send = text }, { hold = true } },
              loop = true }
      local most, well = program.run_text(([[
        local http = require "lipsync.http"
        local transfers = require "spec.support.transfers"
        local session = transfers.session(%q)
        local ballast, most = {}, 0
        for i = 1, 1e5 do ballast[i] = { i } end
        collectgarbage()
        for _ = 1, 200 do
          local transfer = assert(transfers.start(session,
            { mode = "objects" }))
          while not transfer:next() do session:poll(1) end
          most = math.max(most, (select(2, http.live())))
        end
        print(#ballast > 0 and most)
      ]]):format(server.base_url))
      assert.is_true(well, most)
      assert.is_true(tonumber(most) < 90, most)
    end)

    -- How many of so many starts have something collected; what the program
    -- itself would collect is left out.
    local function collections(starts)
      local weak, kept, n = setmetatable({}, { __mode = "v" }), {}, 0
      serve { { { read = true }, { hold = true } }, loop = true }
      collectgarbage()
      collectgarbage "stop"
      for i = 1, starts do
        weak[1] = {}
        kept[i] = assert(transfers.start(session))
        n = n + (weak[1] and 0 or 1)
      end
      collectgarbage "restart"
      session:close()
      server:stop()
      return #kept == starts and n
    end

    it("with few collections, however many are in use", function()
      local found = collections(400)
      assert.is_true(found > 0 and found < 20, found)
    end)

    it("with few collections by a generational collector", function()
      local has_it, before = pcall(collectgarbage, "generational")
      if not has_it then pending "this VM has no such mode" end
      local found = collections(400)
      if before ~= "generational" then collectgarbage "incremental" end
      assert.is_true(found > 0 and found < 20, found)
    end)

    it("with few collections, however much they hold", function()
      local text = "HTTP/1.1 200 OK\r\n\r\n[" .. row(1) .. (" "):rep(4e5)
      serve { { { read = true }, { send = text }, { hold = true } },
              loop = true }
      local weak, kept, found = setmetatable({}, { __mode = "v" }), {}, 0
      collectgarbage()
      collectgarbage "stop"
      for i = 1, 150 do
        weak[1] = {}
        kept[i] = assert(transfers.start(session, { mode = "objects" }))
        found = found + (weak[1] and 0 or 1)
        while not kept[i]:next() do session:poll(1) end
      end
      collectgarbage "restart"
      assert.is_true(found > 0 and found < 20, found)
    end)

    it("when its session is closed", function()
      serve(once({ send = "HTTP/1.1 200 OK\r\n\r\n[" .. row(1) },
        { hold = true }))
      local transfer = assert(transfers.start(session,
        { mode = "objects" }))
      while not transfer:ready() do session:poll(1) end
      session:close()
      assert.equal(1, #server:gone(1))
      -- Data that had arrived is read first.
      local generation, failure = transfer:next()
      while generation do generation, failure = transfer:next() end
      assert.equal("closed closed", what(failure))
      transfer, failure = transfers.start(session)
      assert.is_nil(transfer)
      assert.equal("closed closed", what(failure))
      assert.is_false(session:is_open())
      assert.equal(0, session:step())
      assert.is_nil(session:fd())
      session:close()
    end)

    it("in any order of collection", function()
      for _ = 1, 20 do
        local one = scripted.start(once({ hold = true }))
        local s = transfers.session(one.base_url)
        for _ = 1, 3 do transfers.start(s) end
        s:step()
        s = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()
        one:stop()
      end
      local sessions, exchanges = http.live()
      assert.same({ 0, 0 }, { sessions, exchanges })
    end)
  end)

  describe("is sent", function()
    it("on another connection where an idle one has bytes", function()
      local first, other = scripted.response(200, "[1]"),
        scripted.response(200, "[2]")
      for _, stale in ipairs { scripted.response(200, "[9]"), "\0",
          scripted.response(408, ""), (" "):rep(300000) } do
        serve { { { read = true }, { send = first }, { stall = 0.02 },
                  { send = stale:sub(1, 1000) }, { tell = true },
                  { send = stale:sub(1001) }, { hold = true } },
                { { read = true }, { send = other }, { read = true },
                  { send = first } } }
        assert.equal("[1]", (read()))
        server:told(1)
        assert.equal("[2]", (read { method = "DELETE" }))
        assert.equal(1, #server:gone(1))
        assert.equal("[1]", (read()))
        assert.equal(2, #server:connections())
        session:close()
        server:stop()
      end
    end)

    it("on a new connection where all idle ones have bytes", function()
      local old, new = scripted.response(200, "[1]"),
        scripted.response(200, "[2]")
      local stale = { { read = true }, { send = old, delay = 0.05 },
                      { tell = true }, { send = "\0" }, { tell = true },
                      { hold = true } }
      local other = {}
      for i = 1, 8, 2 do
        other[i], other[i + 1] = { read = true }, { send = new }
      end
      serve { stale, stale, stale, other, loop = true }
      local all = {}
      for i = 1, 3 do all[i] = assert(transfers.start(session)) end
      for i = 1, 3 do assert.equal("[1]", (transfers.read(session, all[i]))) end
      server:told(6)
      for _ = 1, 4 do
        local body, failure, transfer = read { method = "DELETE" }
        assert.equal("[2]", body, failure)
        assert.is_true(transfer:sent())
      end
      assert.equal(7, #server:requests(7))
    end)

    it("on connections that others have used and kept clean", function()
      local script = { pick = true }
      for i = 1, 6 do
        script[i] = { when = "GET /" .. i .. " ",
          { send = scripted.response(200, ("[%d]"):format(i)) } }
      end
      serve(script)
      for round = 1, 5 do
        local all = {}
        for i = 1, 6 do
          all[i] = transfers.start(session, { path = "/" .. i })
          if round % 2 == 0 then server:requests(round * 6 - 6 + i) end
        end
        for i = 6, 1, -1 do
          assert.equal(("[%d]"):format(i), (transfers.read(session, all[i])))
        end
      end
      assert.is_true(#server:connections() <= 6)
    end)
  end)

  describe("connects", function()
    it("and takes no trailer for a header", function()
      serve { { { read = true }, { send = "HTTP/1.1 200 OK\r\nX-A: 1\r\n"
        .. "Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n"
        .. "X-A: 2\r\nX-B: 3\r\n\r\n" } } }
      local body, _, transfer = read()
      assert.equal("[]", body)
      assert.equal("1", transfer:header "x-a")
      assert.is_nil(transfer:header "x-b")
    end)

    it("by http: to this machine only, by its address", function()
      serve({ { { read = true }, { send = response(200, "[]") },
                { close = true } }, loop = true })
      local mine = { "127.0.0.1", "127.1", "0", "0x7f.1", "localhost",
                     "foo.localhost", "127.9.8.7", "[::1]",
                     "[::ffff:127.0.0.1]" }
      for _, name in ipairs(mine) do
        local s = transfers.session(("http://%s:%d"):format(name, server.port))
        local transfer = transfers.start(s)
        local body, failure = transfers.read(s, transfer)
        -- Only 127.0.0.1 listens; the test is that others are not refused.
        assert.is_true(body == "[]" or kind(failure) == "connection", name)
        s:close()
      end
      local others = { "192.0.2.1", "[2001:db8::1]", "[::ffff:192.0.2.1]",
                       "3221225985" }
      for _, name in ipairs(others) do
        local s = transfers.session(("http://%s:9"):format(name))
        local _, failure = transfers.read(s, transfers.start(s))
        assert.equal("invalid not_loopback", what(failure), name)
        s:close()
      end
    end)

    it("in the zone of an address", function()
      for _, zone in ipairs { "%25lo", "%lo" } do
        local s = transfers.session("http://[fe80::1" .. zone .. "]:9",
          { allow_http = true, connect_timeout = 1 })
        assert.equal("http://[fe80::1%25lo]:9", s:origin())
        local _, failure = transfers.read(s, transfers.start(s))
        -- Which it is depends on the machine, but without a zone it is EINVAL.
        assert.is_not.equal(22, failure.os_error)
        s:close()
      end
    end)

    it("without the environment's proxy, where it would see the key",
      function()
        serve(once { send = response(200, "[]") })
        local proxy = scripted.start { { { read = true } }, loop = true }
        local vm = os.getenv "LIPSYNC_LUA" or arg[-1] or "lua"
        local script = ([[
          local transfers = require "spec.support.transfers"
          local s = transfers.session "%s"
          print(transfers.read(s, transfers.start(s)))]])
          :format(server.base_url)
        local pipe = assert(io.popen(("http_proxy=%s ALL_PROXY=%s %s -e '%s'")
          :format(proxy.base_url, proxy.base_url, vm, script)))
        local text = pipe:read "*a"
        pipe:close()
        assert.matches("^%[%]", text)
        assert.same({}, proxy:connections(0))
        proxy:stop()
      end)
  end)
end)

describe("a session", function()
  it("is refused an invalid address or key", function()
    local cases = {
      { base_url = "https://x/v2", code = "url_v2" },
      { base_url = "https://x/v2/", code = "url_v2" },
      { base_url = "https://x/a/v2//", code = "url_v2" },
      { base_url = "ftp://x", code = "url_scheme" },
      { base_url = "file:///tmp", code = "url_scheme" },
      { base_url = "x", code = "url_scheme" },
      { base_url = "", code = "url_scheme" },
      { base_url = "https://", code = "url_malformed" },
      { base_url = "https://u@x", code = "url_user" },
      { base_url = "https://u:p@x", code = "url_user" },
      { base_url = "https://x?a", code = "url_query" },
      { base_url = "https://x#a", code = "url_query" },
      { base_url = "https://x\n", code = "url_malformed" },
      { base_url = "https://x y", code = "url_malformed" },
      { api_key = "a\n", code = "key_line_break" },
      { api_key = "a\r\nX-A: b", code = "key_control" },
      { api_key = "a b", code = "key_control" },
      { api_key = "a\226\128\147b", code = "key_not_ascii", offset = 1 },
      { api_key = "abc\160", code = "key_not_ascii", offset = 3 },
      { headers = { ["X-A"] = "\n" }, code = "header_malformed" },
    }
    for _, case in ipairs(cases) do
      case.base_url = case.base_url or "https://x"
      case.user_agent = "spec"
      local refused, failure = http.session(case)
      assert.is_nil(refused, case.base_url)
      assert.same({ code = case.code, offset = case.offset }, failure)
    end
  end)

  -- What libcurl was before 7.87, on any Linux.
  local it_pipes = proc.is_here and not os.getenv "LIPSYNC_SANITIZED" and it
    or pending

  it_pipes("keeps SIGPIPE of an old libcurl's to itself, and no other",
    function()
      server = scripted.start { loop = true, { { read = true },
        { send = scripted.response(200, '{"id":"g"}') }, { close = true } } }
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(([[
        local client = require "lipsync".new { api_key = "abcdefgh",
          base_url = %q, max_attempts = 1 }
        print((assert(client.generations:get "g")).id)
        client:close()
        -- The mask is as it was: what does not block it ends by it.
        for line in io.lines "/proc/self/status" do
          if line:find "^Sig[BP]" or line:find "^ShdPnd" then
            print((line:gsub("%%s+", " ")))
          end
        end
      ]]):format(server.base_url))
      file:close()
      local pipe = assert(io.popen("LD_PRELOAD=build/pipe_curl.so "
        .. program.vm .. " " .. path .. " 2>&1; echo status $?"))
      local text = pipe:read "*a"
      pipe:close()
      os.remove(path)
      assert.equal("g\nSigPnd: 0000000000000000\nShdPnd: 0000000000000000\n"
        .. "SigBlk: 0000000000000000\nstatus 0\n", text)
    end)

  it("redacts its key, of eight characters and more", function()
    local function redacted(key, text)
      local s = transfers.session("https://api.example", { api_key = key })
      local made = s:redact(text)
      s:close()
      return made
    end
    assert.equal("a (key) b (key)",
      redacted("12345678", "a 12345678 b 12345678"))
    assert.equal("a 1234567", redacted("12345678", "a 1234567"))
    assert.equal("a 1234567", redacted("1234567", "a 1234567"))
    assert.equal("(key)9 (key)", redacted("123456789", "1234567899 12345678"))
  end)

  it("knows its origin", function()
    local s = transfers.session "https://api.example:8443/prefix"
    assert.equal("https://api.example:8443", s:origin())
    assert.equal("api.example:8443", s:host())
    assert.equal("Session (https://api.example:8443)", tostring(s))
    s:close()
    assert.equal("Session (closed)", tostring(s))
  end)

  it("reports ready transfers, each once", function()
    local server2 = scripted.start { { { read = true },
      { send = response(200, "{}") } }, loop = true }
    local s = transfers.session(server2.base_url)
    local mine = {}
    for i = 1, 5 do mine[assert(transfers.start(s, {}))] = i end
    local finished, deadline = 0, core.now() + 20
    while finished < 5 and core.now() < deadline do
      s:poll(1)
      local transfer = s:next_ready()
      while transfer do
        assert.is_number(mine[transfer])
        if transfer:done() then finished = finished + 1 end
        transfer = s:next_ready()
      end
    end
    assert.equal(5, finished)
    assert.equal(has_epoll, s:fd() ~= nil)
    s:close()
    server2:stop()
  end)

  it("uses only as many connections as it needed at once", function()
    -- The responses of each burst come one after the other.
    local connections, keep = { loop = true }, scripted.response(200, "{}")
    for i = 1, 12 do
      connections[i] = { { read = true }, { stall = i * 0.01 },
        { send = keep }, { read = true }, { send = keep } }
    end
    local busy = scripted.start(connections)
    local s = transfers.session(busy.base_url)
    for _ = 1, 2 do
      local burst = {}
      for i = 1, 12 do burst[i] = assert(transfers.start(s)) end
      for _, transfer in ipairs(burst) do
        assert.equal("{}", (transfers.read(s, transfer)))
      end
    end
    assert.equal(12, #busy:connections())
    s:close()
    busy:stop()
  end)

  it("tells of a transfer in the poll for it, and not once more", function()
    local quick = scripted.start { { { read = true },
      { send = response(200, "{}") } }, { { read = true },
      { send = response(200, "{}") } } }
    local s = transfers.session(quick.base_url)
    local one, other = assert(transfers.start(s)), assert(transfers.start(s))
    while not other:done() do s:poll(1) end
    local before = core.now()
    local became, is_ready, from, to
    repeat became, is_ready, from, to = s:poll(1, one) until is_ready
    assert.equal(1, became)
    assert.is_true(before <= from and from <= to and to <= core.now())
    assert.equal(other, s:next_ready())
    assert.is_nil(s:next_ready())
    one:close()
    assert.is_true(select(2, s:poll(0, one)))
    s:close()
    quick:stop()
  end)

  it("waits for new events although old ones were not taken", function()
    local busy = scripted.start { { { read = true },
      { send = response(200, "{}") } }, { { read = true }, { hold = true } } }
    local s = transfers.session(busy.base_url)
    local first = assert(transfers.start(s))
    assert.equal("{}", (transfers.read(s, first)))
    local second = assert(transfers.start(s))
    while not second:sent() do s:poll(1) end
    local from = core.now()
    for _ = 1, 3 do s:poll(0.1) end  -- the first is still in the queue
    assert.is_true(core.now() - from > 0.15)
    assert.equal(first, s:next_ready())
    s:close()
    busy:stop()
  end)

  describe("steps", function()
    local peer, own

    after_each(function()
      own:close()
      peer:stop()
    end)

    -- Opens endless listings, each as full as it gets; returns their received
    -- bytes and a function that reads all of one.
    local function streams(n, blocking)
      local pad = row(1):sub(1, -2) .. ',"input":"' .. ("x"):rep(4000) .. '"},'
      peer = scripted.start { { { read = true },
        { send = "HTTP/1.1 200 OK\r\n\r\n[" },
        { repeat_send = pad:rep(16) } }, loop = true }
      own = transfers.session(peer.base_url)
      local all = {}
      for i = 1, n do
        all[i] = assert(transfers.start(own, { mode = "objects",
          blocking = blocking }))
      end
      local function received()
        local bytes = {}
        for i = 1, n do bytes[i] = all[i]:received() end
        return bytes
      end
      local function read_all(i) while all[i]:next() do end end
      -- The more was read, the more may be in a socket.
      for _ = 1, 100 do
        own:poll(1)
        for i = 1, n do read_all(i) end
      end
      return received, read_all
    end

    -- Steps until nothing more comes because every reader is full.
    local function fill(received)
      local bytes = received()
      while true do
        scripted.sleep(0.05)
        for _ = 1, 20 do own:step() end
        local before = bytes
        bytes = received()
        if table.concat(before, " ") == table.concat(bytes, " ") then
          return bytes
        end
      end
    end

    it("by one piece of a stream if there is no time", function()
      -- The most that one step took in.
      local function longest(blocking)
        local received, read_all = streams(1, blocking)
        local before, most = fill(received)[1], 0
        for _ = 1, 50 do
          read_all(1)
          scripted.sleep(0.002)
          own:step(0)
          local bytes = received()[1]
          most, before = math.max(most, bytes - before), bytes
        end
        assert.is_true(own:step(-1) >= 0)
        own:close()
        peer:stop()
        return most
      end
      local most = longest(false)
      assert.is_true(most <= 128 * 1024, most)
      local blocking = longest(true)
      assert.is_true(blocking > most and blocking <= 512 * 1024, blocking)
    end)

    it("by one piece of a response read whole too", function()
      local text = '"' .. ("x"):rep(4e6) .. '"'
      peer = scripted.start { { { read = true },
        { send = response(200, text) } } }
      own = transfers.session(peer.base_url)
      local transfer = assert(transfers.start(own))
      while transfer:received() < 1e6 do own:poll(1) end
      local steps, most, deadline = 0, 0, core.now() + 20
      while not transfer:done() and core.now() < deadline do
        local before = transfer:received()
        own:step(0)
        steps, most = steps + 1, math.max(most, transfer:received() - before)
      end
      assert.equal(text, (transfer:read()))
      assert.is_true(most <= 128 * 1024 and steps > 20, most)
    end)

    it("by smaller pieces of a file", function()
      local size = 4000000
      peer = scripted.start { { { read = true },
        { send = response(200, ("x"):rep(size)) } } }
      own = transfers.session(peer.base_url)
      local transfer = assert(transfers.start(own, { mode = "chunks" }))
      local target, most, deadline = transfers.file(), 0, core.now() + 20
      while transfer:received() < size and core.now() < deadline do
        local before = transfer:received()
        own:step(0)
        most = math.max(most, transfer:received() - before)
        while transfer:save(target) do end
      end
      target:close()
      assert.is_true(transfer:received() >= size)
      -- One that is ready, and one that was put off before.
      assert.is_true(most <= 2 * 33 * 1024, most)
    end)

    for _, time in ipairs { 0, -1e9, -math.huge } do
      it_epolls(("and leaves the other sockets to the next one, given %g s")
        :format(time), function()
          peer = scripted.start { { { read = true },
            { send = response(200, "{}") } }, loop = true }
          own = transfers.session(peer.base_url)
          local all = {}
          for i = 1, 5 do all[i] = assert(transfers.start(own)) end
          -- The response may be there as soon as the request is sent.
          local function changed(seen)
            local n = 0
            for i, transfer in ipairs(all) do
              local now = transfer:done() and "done"
                or transfer:sent() and "sent" or "begun"
              if now ~= seen[i] then n, seen[i] = n + 1, now end
            end
            return n
          end
          local function done(seen)
            for i = 1, #all do
              if seen[i] ~= "done" then return false end
            end
            return true
          end
          local seen, most, from = {}, 0, core.now()
          changed(seen)
          while not done(seen) and core.now() < from + 20 do
            scripted.sleep(0.002)
            own:step(time)
            local n = changed(seen)
            -- From 0.2 s on timers of libcurl are due, in all of them at once.
            if core.now() < from + 0.15 then most = math.max(most, n) end
          end
          assert.is_true(done(seen))
          assert.is_true(most <= 1, most)
        end)
    end

    it_epolls("and leaves resumed streams to the next step", function()
      local received, read_all = streams(4)
      fill(received)
      for i = 1, 4 do read_all(i) end
      assert.equal(0, own:timeout())
      local grown, before = {}, received()
      for round = 1, 4 do
        own:step(0)
        local now = received()
        grown[round] = 0
        for i = 1, 4 do
          if now[i] > before[i] then grown[round] = grown[round] + 1 end
        end
        before = now
      end
      -- A resumed stream, and perhaps one that was resumed before.
      assert.equal(1, grown[1])
      for round = 2, 4 do assert.is_true(grown[round] <= 2) end
    end)
  end)

  -- A finalizer of the program may run wherever Lua allocates. In a process of
  -- its own, because there the collector soon runs again. Each result is that
  -- of a function in which a finalizer ran.
  local preamble = [[
    local session, transfer, inside, has_run
    require "lipsync"
    local http = require "lipsync.http"
    local function open()
      session = http.session { base_url = os.getenv "SYNC_BASE_URL",
                               api_key = os.getenv "SYNC_API_KEY" }
    end
    local function start()
      return session:start(nil, "GET", "/v2/generations", "Generation", true,
        nil, nil, nil, nil, { mode = "objects" })
    end
    local function leave(finalizer)
      local function run()
        if inside then
          has_run = true
          finalizer()
        end
      end
      local newproxy = rawget(_G, "newproxy")
      if not newproxy then return setmetatable({}, { __gc = run }) and nil end
      getmetatable(newproxy(true)).__gc = run
    end
    local function call(fn, ...)
      inside, has_run = true, false
      local value, failure = fn(...)
      inside = false
      return value, failure
    end
    local function try_next(finalizer)
      local value, failure
      repeat
        open()
        transfer = start()
        repeat
          session:poll(0.01)
          leave(finalizer)
          repeat value, failure = call(transfer.next, transfer)
          until not value or has_run
        until value == nil or has_run
        if not has_run then session:close() end
      until has_run
      return value, failure
    end
  ]]

  it_runs("may be closed by a finalizer while it starts a transfer", function()
    assert.same({ "nil\tclosed\n", true }, { program.run_text(preamble .. [[
      local value, failure
      repeat
        open()
        leave(function() session:close() end)
        local all = {}
        for i = 1, 100 do
          if not has_run then
            value, failure = call(start)
            all[i] = value
          end
        end
        session:close()
      until has_run
      print(value, failure.code)
    ]]) })
  end)

  it_collects("has transfers that a finalizer may close while they are read",
    function()
      assert.same({ "nil\tclosed\n", true }, { program.run_text(preamble .. [[
        local value, failure = try_next(function() transfer:close() end)
        print(value, failure.code)
      ]]) })
    end)

  it_collects("has transfers that a finalizer may read, each generation once",
    function()
      assert.same({ "true\n", true }, { program.run_text(preamble .. [[
        local inner
        local outer = try_next(function()
          inside = false
          inner = transfer:next()
        end)
        if outer == false then outer = transfer:next() end
        -- one of them is none where the other was the last
        print(not (inner and outer) or inner.id ~= outer.id)
      ]]) })
    end)

  it("has no timer and nothing to do while idle", function()
    local s = transfers.session "http://127.0.0.1:9"
    assert.is_nil(s:timeout())
    assert.equal(0, s:step())
    assert.equal(0, s:poll(0))
    s:close()
  end)
end)
