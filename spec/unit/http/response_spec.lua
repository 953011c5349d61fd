-- SPDX-License-Identifier: MIT
-- The three ways to read a response, against a server that sends what no HTTP
-- library would. transfer_spec.lua tests the reading of lists.

local core = require "lipsync.core"
local file = require "lipsync.file"
local growth = require "spec.support.growth"
local gzip = require "spec.support.gzip"
local proc = require "spec.support.proc"
local program = require "spec.support.program"
local scripted = require "spec.support.scripted"
local tls = require "spec.support.tls"
local transfers = require "spec.support.transfers"

local it_measures = proc.is_here and it or pending
-- Lua 5.2 collects only when a function is called.
local it_collects = program.can_run() and _VERSION ~= "Lua 5.2" and it
  or pending

local function response(status, body, headers)
  local all = { Connection = "close" }
  for name, value in pairs(headers or {}) do all[name] = value end
  return scripted.response(status, body, all)
end

-- All byte values; no JSON reader accepts them.
local function bytes_of(n)
  local all = {}
  for i = 1, n do all[i] = string.char((i * 37 + math.floor(i / 256)) % 256) end
  return table.concat(all)
end

describe("a response", function()
  local server, session

  local function serve(script, more)
    server = scripted.start(script)
    session = transfers.session(server.base_url, more)
  end

  local function start(mode, more)
    local request = { mode = mode }
    for name, value in pairs(more or {}) do request[name] = value end
    return assert(transfers.start(session, request))
  end

  after_each(function()
    session:close()
    server:stop()
  end)

  it("gives its headers by name, once they are complete", function()
    serve { { { read = true }, { send = "HTTP/1.1 200 a: b\r\nX-A: 1\r\n"
                .. "@AMZ[-amz`{: z\r\n" },
              { stall = 0.05 }, { send = "x-a:\t2 \r\nEmpty:\r\nX-\195\137: i"
                .. "\r\nContent-Length: 0\r\n\r\n" }, { hold = true } } }
    local transfer = start "whole"
    assert.is_nil(transfer:headers())
    assert.equal("", (transfers.read(session, transfer)))
    assert.same({ ["x-a"] = "1, 2", ["@amz[-amz`{"] = "z",
                  empty = "", ["x-\195\137"] = "i",
                  ["content-length"] = "0" }, transfer:headers())
    assert.equal("1", transfer:header "X-A")
    transfer:close()
    assert.is_nil(transfer:headers())
  end)

  it("may be packed, and from status 400 on in any way", function()
    local script, cases = {}, {}
    for _, mode in ipairs { "whole", "chunks" } do
      for _, status in ipairs { 200, 399, 400, 401 } do
        for _, coding in ipairs { "gzip", "x-gzip", "GZIP", "br" } do
          cases[#cases + 1] = { mode, status, coding }
          script[#script + 1] = { { read = true }, { send = response(status,
            coding == "br" and "packed" or gzip "text",
            { ["Content-Encoding"] = coding }) } }
        end
      end
    end
    serve(script)
    for _, case in ipairs(cases) do
      local mode, status, coding = case[1], case[2], case[3]
      local what = table.concat(case, " ")
      local text, failure = transfers.read(session, start(mode))
      if coding == "br" and status < 400
        or mode == "chunks" and status < 400 then
        assert.is_nil(text, what)
        assert.same({ code = "encoding", found = coding }, failure)
      else
        assert.equal(coding == "br" and "packed" or "text", text, what)
      end
    end
  end)

  it("that is packed in an unknown way says how, in 64 bytes", function()
    local script, lengths = {}, { 1, 63, 64, 65, 1000 }
    for i, n in ipairs(lengths) do
      script[i] = { { read = true }, { send = response(200, "x",
        { ["Content-Encoding"] = ("e"):rep(n) }) } }
    end
    serve(script)
    for _, n in ipairs(lengths) do
      local _, failure = transfers.read(session, start "whole")
      assert.same({ code = "encoding", found = ("e"):rep(math.min(n, 64)) },
        failure)
    end
  end)

  it("is looked at in one call or in several", function()
    serve { { { read = true }, { send = "HTTP/1.1 404 No\r\nA: b\r\n\r\n" },
              { tell = true }, { hold = true } } }
    local transfer = start "whole"
    assert.same({ false, nil, 0 }, { transfer:look() })
    assert.equal(3, select("#", transfer:look()))
    assert.is_nil(transfer:header "a")
    assert.equal("Transfer", tostring(transfer))
    while not transfer:status() do session:poll(1) end
    local is_ready, status, received = transfer:look()
    assert.same({ transfer:ready(), 404, 25 }, { is_ready, status, received })
    assert.equal(404, transfer:status())
    assert.equal(25, transfer:received())
    assert.equal("b", transfer:header "A")
    assert.is_nil(transfer:header "b")
    assert.is_false(transfer:done())
    assert.is_false(transfer:read())
    assert.is_true(transfer:sent())
    assert.is_false(transfer:held())
    assert.is_nil(transfer:proxy())
    assert.same({ 0, 0 }, { transfer:uploaded() })
    assert.equal(0, transfer:position())
    transfer:close()
    assert.same({ true, nil, 0 }, { transfer:look() })
    for _, method in ipairs { "read", "object", "next" } do
      local none, failure = transfer[method](transfer)
      assert.is_nil(none)
      assert.same({ code = "closed" }, failure)
    end
    assert.equal(0, transfer:position())
    assert.is_nil(transfer:proxy())
    assert.same({ 0, 0 }, { transfer:uploaded() })
    assert.is_false(transfer:held())
    assert.is_true(transfer:done())
  end)

  it("leaves no memory behind, read or closed, packed or not", function()
    if not growth.can_measure then return pending "nothing counts it" end
    local text = '[{"id":"a"},{"id":"b"}]'
    local packed = { ["Content-Encoding"] = "gzip" }
    serve { loop = true, pick = true,
      { when = "GET /plain ", { send = scripted.response(200, text) } },
      { when = "GET /packed ", { send = scripted.response(200, gzip(text),
        packed) } } }
    local function discard(_, transfer)
      while not transfer:ready() do session:poll(1) end
    end
    local target = transfers.file()
    local function save(_, transfer)
      while not transfer:done() do session:poll(1) end
      transfer:save(target)
    end
    for _, case in ipairs { { "/plain", "whole", transfers.read },
        { "/packed", "whole", transfers.read },
        { "/plain", "objects", transfers.list },
        { "/packed", "objects", transfers.list },
        { "/plain", "objects", discard }, { "/packed", "objects", discard },
        { "/plain", "chunks", save } } do
      local grown = growth.of(function()
        local transfer = start(case[2], { path = case[1] })
        case[3](session, transfer)
        transfer:close()
      end)
      assert.is_true(grown < 16, case[1] .. " " .. case[2] .. ": " .. grown)
    end
    target:close()
  end)

  it("is as long as it likes only where it is read as it comes", function()
    local list, lines = "[" .. (" "):rep(1998) .. "]", ("\n"):rep(2000)
    local cases, script = {
      { "whole", 200, list, true }, { "whole", 206, list, true },
      { "objects", 200, list, false }, { "objects", 201, list, true },
      { "objects", 206, list, true }, { "lines", 200, lines, false },
      { "lines", 206, lines, false }, { "lines", 205, lines, true },
      { "chunks", 200, list, false }, { "chunks", 206, list, false },
      { "chunks", 201, list, true }, { "chunks", 207, list, true },
    }, {}
    for i, case in ipairs(cases) do
      script[i] = { { read = true }, { send = response(case[2], case[3]) } }
    end
    serve(script, { max_response = 1999 })
    for _, case in ipairs(cases) do
      local read = case[1] == "whole" and transfers.read
        or case[1] == "chunks" and transfers.chunks or transfers.list
      local _, failure = read(session, start(case[1]))
      assert.equal(case[4] and "body_limit" or nil, failure and failure.code,
        case[1] .. " " .. case[2])
    end
  end)

  it("may have 64 KiB of headers, and lines that end with a feed", function()
    local function headers(n)  -- bytes
      local first, last = "HTTP/1.1 200 OK\r\nConnection: close\r\n",
        "Content-Length: 2\r\n\r\n"
      local left, all = n - #first - #last, {}
      while left > 0 do
        local size = left < 2000 and left or 1000
        all[#all + 1] = "X: " .. ("x"):rep(size - 5) .. "\r\n"
        left = left - size
      end
      return first .. table.concat(all) .. last
    end
    serve { { { read = true }, { send = headers(65536) .. "[]" } },
            { { read = true }, { send = headers(65537) .. "[]" } },
            { { read = true }, { send = "HTTP/1.1 200 OK\nA: b \n"
              .. "Content-Length: 2\n\n[]" } } }
    assert.equal("[]", (transfers.read(session, start "whole")))
    local text, failure = transfers.read(session, start "whole")
    assert.is_nil(text)
    assert.equal("headers_limit", failure.code)
    local transfer = start "whole"
    assert.equal("[]", (transfers.read(session, transfer)))
    assert.equal("b", transfer:header "a")
  end)

  it("may have as much white space as an object may have bytes", function()
    for _, case in ipairs { { 100, nil }, { 101, "blank" } } do
      for _, mode in ipairs { "objects", "lines" } do
        local ends = mode == "objects" and { "[", "]" } or { "\n", "\n" }
        serve({ { { read = true }, { send = response(200, ends[1]
          .. (" "):rep(case[1] - 2) .. ends[2]) } } }, { max_object = 100 })
        local found, failure = transfers.list(session, start(mode))
        assert.same({}, found)
        assert.equal(case[2], failure and failure.code, mode)
        session:close()
        server:stop()
      end
    end
  end)

  describe("in chunks", function()
    local function read(max)
      local transfer = start "chunks"
      return transfers.chunks(session, transfer, max)
    end

    it("is the same for any encoding and cuts", function()
      local body = bytes_of(700)
      local chunked = "HTTP/1.1 206 Partial\r\nConnection: close\r\n"
        .. "Transfer-Encoding: chunked\r\n\r\n"
      for at = 1, #body, 7 do
        local piece = body:sub(at, at + 6)
        chunked = chunked .. ("%x\r\n"):format(#piece) .. piece .. "\r\n"
      end
      chunked = chunked .. "0\r\n\r\n"
      local script = {}
      for _, text in ipairs { response(200, body), chunked } do
        for _, size in ipairs { 1, 7, 100, #text } do
          script[#script + 1] = { { read = true },
            { send = text, chunk = size }, { close = true } }
        end
      end
      serve(script)
      for i = 1, #script do
        local max = ({ nil, 1, 13 })[i % 3 + 1]
        local pieces, failure = read(max)
        assert.is_nil(failure)
        assert.equal(body, table.concat(pieces))
        for _, piece in ipairs(pieces) do
          assert.is_true(#piece >= 1 and #piece <= (max or 65536))
        end
      end
    end)

    it("has pieces of at most 64 KiB, and ends once", function()
      serve { { { read = true }, { send = response(200, bytes_of(200000)) } } }
      local transfer = start "chunks"
      local pieces, failure = transfers.chunks(session, transfer, 1e9)
      assert.is_nil(failure)
      local n = 0
      for _, piece in ipairs(pieces) do
        assert.is_true(#piece <= 65536)
        n = n + #piece
      end
      assert.equal(200000, n)
      local target = transfers.file()
      assert.is_nil((transfer:save(target)))
      assert.is_nil((transfer:save(target, 0)))
      target:close()
    end)

    it("gives as much of it as is asked for, which may be nothing", function()
      serve { { { read = true }, { send = response(200, "abcdef") } } }
      local transfer, target = start "chunks", transfers.file()
      while not transfer:done() do session:poll(1) end
      for _, case in ipairs { { 0, 0 }, { -1, 0 }, { 1, 1 }, { 0.5, 0 },
          { 2, 2 }, { 1e300, 3 } } do
        assert.equal(case[2], (transfer:save(target, case[1])), case[1])
      end
      assert.equal(0, select("#", transfer:save(target, 0)))
      assert.equal(6, target:size())
      target:seek(0)
      assert.equal("abcdef", target:read(10))
      target:close()
    end)

    -- A reader that takes one piece each time that there is one, as one with
    -- a budget does. What paused must not wait for a second look.
    it("is ready where it only has to go on after a pause", function()
      local body = bytes_of(2 * 1024 * 1024)
      serve { { { read = true }, { send = response(200, body) } } }
      local transfer, target, n = start "chunks", transfers.file(), 0
      local deadline = core.now() + 20
      while true do
        while not transfer:ready() do
          assert.is_true(core.now() < deadline)
          session:poll(0.5)
        end
        local saved = transfer:save(target)
        if saved == nil then break end
        n = n + (saved or 0)
      end
      assert.equal(#body, n)
      target:seek(0)
      assert.is_true(body == target:read(#body + 1))
      target:close()
    end)

    it("asks for no encoding, and refuses one", function()
      local script, packed = {}, gzip "x"
      for i, encoding in ipairs { "gzip", "x-gzip", "br", "identity", "" } do
        script[i] = { { read = true }, { send = response(200, packed,
          { ["Content-Encoding"] = encoding }) } }
      end
      serve(script)
      for i = 1, 5 do
        local pieces, failure = read()
        if i > 3 then
          assert.is_nil(failure)
          assert.equal(packed, table.concat(pieces))
        else
          assert.equal("encoding", failure.code)
          assert.same({}, pieces)
        end
        assert.equal("identity",
          server:requests(i)[i].headers["accept-encoding"])
      end
    end)

    it("delivers all that arrived before it broke", function()
      local body = bytes_of(100)
      serve { { { read = true }, { send = response(200, body .. "cut") :sub(1,
        -4) }, { close = true } }, { { read = true }, { reset = true } } }
      local pieces, failure = read()
      assert.equal("cut", failure.code)
      assert.equal(body, table.concat(pieces))
      pieces, failure = read()
      assert.equal("connection", (transfers.what(failure):match "%l+"))
      assert.same({}, pieces)
    end)

    it("is read whole for an error status, encoded or not", function()
      serve({ { { read = true }, { send = response(403, gzip "denied",
        { ["Content-Encoding"] = "gzip" }) } },
        { { read = true }, { send = response(404, "missing") } },
        { { read = true }, { send = response(404, ("x"):rep(5000)) } } },
        { max_response = 4000 })
      assert.equal("denied", (transfers.read(session, start "chunks")))
      local transfer = start "chunks"
      assert.equal("missing", (transfers.read(session, transfer)))
      assert.equal(404, transfer:status())
      local _, failure = transfers.read(session, start "chunks")
      assert.equal("body_limit", failure.code)
    end)

    it("makes the server wait while it is not read", function()
      serve { { { read = true }, { send = "HTTP/1.1 200 OK\r\n\r\n" },
                { repeat_send = ("x"):rep(65536) } } }
      local transfer, most, target = start "chunks", 0, transfers.file()
      for _ = 1, 300 do
        session:poll(0.002)
        most = math.max(most, transfer:received())
      end
      assert.is_true(most < 200 * 1024, most)
      for _ = 1, 100 do
        if transfer:save(target) == false then session:poll(5) end
      end
      assert.is_true(transfer:received() > most)
      transfer:close()
      assert.equal("closed", select(2, transfer:save(target)).code)
      target:close()
    end)

    it_measures("takes no memory by its length", function()
      local size = 64 * 1024 * 1024
      serve { { { read = true }, { send = "HTTP/1.1 200 OK\r\nContent-Length: "
        .. size .. "\r\n\r\n" }, { repeat_send = ("x"):rep(65536),
        times = size / 65536 }, { hold = true } } }
      local transfer, target = start "chunks", transfers.file()
      local n, most, before = 0, 0, nil
      while true do
        local saved, failure = transfer:save(target)
        assert.is_nil(failure)
        if saved == nil then break end
        if saved then
          n = n + saved
          target:seek(0)  -- so that it takes no more of the disk than it must
        else
          session:poll(5)
        end
        local now = proc.memory "self"
        before, most = before or now, math.max(most, now)
      end
      target:close()
      assert.equal(size, n)
      if not os.getenv "LIPSYNC_SANITIZED" then
        assert.is_true(most - before < 2048, most - before)
      end
    end)

    it("is not a list, and a list is not in chunks", function()
      serve { { { read = true }, { send = response(200, "[]") } },
              { { read = true }, { send = response(200, "[]") } } }
      assert.has_error(function() start "chunks":next() end)
      local target = transfers.file()
      assert.has_error(function() start "whole":save(target) end)
      assert.has_error(function() start "other" end)
      target:close()
    end)

    it("goes to a file, and tells what that does not take", function()
      serve { { { read = true }, { send = response(200, "abc") } } }
      local transfer = start "chunks"
      for _, wrong in ipairs { false, "out", io.stdout, transfer } do
        assert.has_error(function() transfer:save(wrong) end)
      end
      local path = os.tmpname()
      local target = assert(file.open(path, "read"))
      os.remove(path)
      local n, failure
      repeat
        session:poll(5)
        n, failure = transfer:save(target)
      until n ~= false
      assert.equal(0, n)
      assert.equal("file_unwritten", failure.code)
      target:close()
    end)
  end)

  describe("of lines", function()
    local function read(text, more)
      serve { { { read = true }, { send = text, chunk = 5 } } }
      local request = { type = "Object" }
      for name, value in pairs(more or {}) do request[name] = value end
      local transfer = start("lines", request)
      local found, failure = transfers.list(session, transfer)
      return found, failure, transfer:position()
    end

    it("is read object by object", function()
      local text = '{"custom_id":"a","n":1}\n\n{"custom_id":"b"}\r\n{}'
      local found, failure = read(response(200, gzip(text),
        { ["Content-Encoding"] = "gzip" }))
      assert.is_nil(failure)
      assert.equal(3, #found)
      assert.equal("a", found[1].custom_id)
      assert.equal("Object", core.type_of(found[2]))
      assert.equal("{}", found[3]:json())
    end)

    it("may be a part of a body", function()
      local found, failure, position = read(response(206, '{}\n{"a":1}\n'))
      assert.is_nil(failure)
      assert.equal(2, #found)
      assert.equal(10, position)
    end)

    it("may be empty", function()
      local found, failure, position = read(response(200, "\n"))
      assert.same({ {}, nil, 0 }, { found, failure, position })
    end)

    it("reports which line is wrong", function()
      local found, failure = read(response(200, "{}\n{}\n[]\n"))
      assert.equal(2, #found)
      assert.equal("expected objects, but element 3 of the list is an array",
        (select(2, transfers.what(failure))))
    end)

    it("delivers the whole lines of a cut response", function()
      local found, failure, position = read(response(200, "{}\n{\"a\":"))
      assert.equal(1, #found)
      assert.equal(2, position)
      assert.equal("json_cut", failure.code)
    end)
  end)

  describe("of the type that the request names", function()
    it("has objects of that type, with an id or not", function()
      core.object_type { name = "Thing", shows = { "name" } }
      local text = '[{"name":"a"},{"id":"x","name":"b"}]'
      serve { { { read = true }, { send = response(200, text) } },
              { { read = true }, { send = response(200, text) } } }
      local found, failure = transfers.list(session,
        start("objects", { type = "Thing" }))
      assert.is_nil(failure)
      assert.same({ "Thing a", "Thing b" }, { tostring(found[1]),
                                              tostring(found[2]) })
      found, failure = transfers.list(session, start "whole")
      assert.same({}, found)
      assert.same({ code = "no_id", index = 1, type = "Generation",
                    limit = 2 ^ 20 }, failure)
      assert.has_error(function() start("whole", { type = "Nothing" }) end)
    end)

    it("has objects of its own owner and type", function()
      serve { { { read = true }, { send = response(200, '[{"id":"x"}]') } },
              loop = true }
      local a, b = { "a" }, { "b" }
      for i, case in ipairs { { a, "Generation" }, { a, "Generation" },
          { b, "Generation" }, { b, "Object" }, { a, "Generation" },
          { nil, "Generation" } } do
        local found = transfers.list(session, start("objects",
          { owner = case[1] or false, type = case[2] }))
        assert.equal(case[1] or false, core.owner(found[1]), i)
        assert.equal(case[2], core.type_of(found[1]), i)
      end
    end)
  end)

  describe("that is an object", function()
    local function object_of(answer, more)
      serve({ { { read = true }, { send = answer } } }, more)
      local owner = {}
      local value, failure = transfers.object(session,
        start("whole", { owner = owner }))
      if core.type_of(value) then assert.equal(owner, core.owner(value)) end
      return value, failure
    end

    it("is none from status 300 on", function()
      local value = object_of(response(299, '{"id":"x"}'))
      assert.equal("Generation", core.type_of(value))
    end)

    it("is one up to the length that an object may have", function()
      local text = '{"id":"x"}'
      for most = #text - 1, #text + 1 do
        local value = object_of(response(200, text), { max_object = most })
        assert.equal(most >= #text and "Generation" or nil,
          core.type_of(value), most)
        session:close()
        server:stop()
      end
    end)

    it("is one of the type, with its owner", function()
      for _, text in ipairs { '{"id":"x","status":"y"}', ' {"id":"x"}\n' } do
        for _, headers in ipairs { {}, { ["Content-Encoding"] = "gzip" } } do
          local value = object_of(response(201, headers["Content-Encoding"]
            and gzip(text) or text, headers))
          assert.equal("Generation", core.type_of(value))
          assert.equal("x", value.id)
          assert.equal(text:match "{.*}", value:json())
          session:close()
          server:stop()
        end
      end
    end)

    it("is given as bytes where it is another thing", function()
      local many = {}
      for i = 1, 70 do many[i] = ('"m%d":1'):format(i) end
      local long = ('{"id":"x","name":"%s"}'):format(("x"):rep(2000))
      for _, case in ipairs { { 200, "" }, { 200, "true" }, { 200, "[]" },
          { 200, '{"id":"x"} {' }, { 200, '{"name":"x"}' },
          { 200, '{"id":5}' }, { 299, "{}" }, { 404, '{"id":"x"}' },
          { 300, '{"id":"x"}' },
          { 200, long }, { 200, ('{"id":"x",%s}'):format(
            table.concat(many, ",")) } } do
        local value, failure = object_of(response(case[1], case[2]),
          { max_object = 1000 })
        assert.same({ case[2] }, { value, failure })
        session:close()
        server:stop()
      end
    end)

    it("fails as it would as bytes", function()
      local value, failure = object_of(
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}")
      assert.is_nil(value)
      assert.equal("cut", failure.code)
    end)
  end)

  -- A finalizer of the program may run wherever Lua allocates. In a process of
  -- its own, because there the collector soon runs again.
  for method, text in pairs { read = ("x"):rep(50000),
      object = ('{"id":"%s"}'):format(("x"):rep(50000)) } do
    it_collects("may be closed by a finalizer during " .. method, function()
      serve { { { read = true }, { send = response(200, text) } },
              loop = true }
      assert.same({ "true\n", true }, { program.run_text(([[
        local http = require "lipsync.http"
        local transfer, inside, has_run
        local function close()
          if not inside then return end
          has_run = true
          transfer:close()
        end
        local function leave()
          local newproxy = rawget(_G, "newproxy")
          if newproxy then getmetatable(newproxy(true)).__gc = close
          else setmetatable({}, { __gc = close }) end
        end
        -- The collector decides when a finalizer runs, so try up to 300 times.
        -- On Lua 5.1 a restart is a small step, of which it needs too many.
        if _VERSION == "Lua 5.1" then collectgarbage("setstepmul", 100000) end
        local function try()
          for n = 1, 300 do
            local session = http.session { base_url = "%s" }
            transfer = session:start(nil, "GET", "/")
            while not transfer:done() do session:poll(1) end
            local value, failure
            for _ = 1, 300 do
              leave()
              inside = true
              if n %% 2 == 0 then collectgarbage "restart" end  -- and soon
              value, failure = transfer:%s()
              inside = false
              assert(not value or tostring(value) ~= "")
              if not value or has_run then break end
            end
            assert(value or not failure or failure.code == "closed")
            session:close()
            if has_run then return end
          end
        end
        try()
        print(has_run)
      ]]):format(server.base_url, method)) })
    end)
  end
end)

describe("a request for a stream", function()
  if not tls.can_run() then pending("needs nginx and openssl") return end

  it("uses HTTP/1.1 where others use HTTP/2", function()
    if not tls.has_http2() then pending("needs HTTP/2 in libcurl") return end
    local server = tls.start '[{"id":"g1"}]'
    local session = transfers.session(server:url "right",
      { ca_file = server.ca_file })
    for _ = 1, 2 do
      assert(transfers.read(session, assert(transfers.start(session))))
      assert.same({ '[{"id":"g1"}]' }, (transfers.chunks(session,
        assert(transfers.start(session, { mode = "chunks" })))))
      assert.equal(1, #transfers.list(session,
        assert(transfers.start(session, { mode = "objects" }))))
    end
    assert.same({ "HTTP/2.0", "HTTP/1.1", "HTTP/1.1", "HTTP/2.0", "HTTP/1.1",
                  "HTTP/1.1" }, transfers.versions(server, 6))
    session:close()
    server:stop()
  end)
end)
