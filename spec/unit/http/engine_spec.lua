-- SPDX-License-Identifier: MIT
-- What a session tells the kernel about its sockets.

local core = require "lipsync.core"
local http = require "lipsync.http"
local process = require "process"
local proc = require "spec.support.proc"
local program = require "spec.support.program"
local scripted = require "spec.support.scripted"
local tracer = require "tracer"
local transfers = require "spec.support.transfers"

local it_traces = program.can_run() and not os.getenv "LIPSYNC_SANITIZED"
  and tracer.run(function() end) and it or pending

describe("an engine", function()
  local server, session

  after_each(function()
    if session then session:close() end
    server:stop()
    session = nil
  end)

  local function read()
    return transfers.read(session, assert(transfers.start(session)))
  end

  -- Any number of requests, each answered alike on its connection.
  local function keep(headers, script)
    server = scripted.start { pick = true, script or {
      when = "GET ", { send = scripted.response(200, "[1]", headers) } } }
  end

  -- The calls of epoll_ctl while a child makes so many requests.
  local function count(requests)
    local said, status, _, calls = tracer.run(function()
      session = transfers.session(server.base_url)
      for _ = 1, requests do assert(read() == "[1]") end
    end)
    assert.same({ "", 0 }, { said, status })
    local n = 0
    for _, call in ipairs(calls) do
      n = n + (call.name == "epoll_ctl" and 1 or 0)
    end
    return n
  end

  it_traces("keeps a socket in its set between two requests", function()
    keep()
    local few, many = count(2), count(30)
    assert.is_true(few > 0)
    -- Since 8.7 libcurl first waits until each request can be sent.
    local major, minor = http.curl_version:match "^libcurl/(%d+)%.(%d+)"
    local waits = tonumber(major) * 100 + tonumber(minor) >= 807
    -- A request that a busy machine interrupts may need some more.
    assert.is_true(many <= few + 10 + (waits and 28 * 2 or 0), many)
  end)

  it("hears of sockets whose numbers were others' before", function()
    keep { Connection = "close" }
    session = transfers.session(server.base_url)
    for _ = 1, 20 do assert.equal("[1]", (read())) end
    -- Looked up by another thread, to which libcurl has a socket, too.
    session:close()
    session = transfers.session("http://localhost:" .. server.port)
    for _ = 1, 5 do assert.equal("[1]", (read())) end
  end)

  -- A connection that serves one request and is then hung up on.
  local short = { { read = true }, { send = scripted.response(200, "[1]") },
                  { stall = 0.05 }, { send = "x" }, { tell = true },
                  { close = true } }

  -- How often a session is woken that has nothing to do.
  local function wakings()
    local from, waits = core.now(), 0
    repeat
      session:poll(0.1)
      waits = waits + 1
    until core.now() - from >= 0.3
    return waits
  end

  it("is not kept awake by a connection that nobody waits for", function()
    server = scripted.start { short, loop = true }
    session = transfers.session(server.base_url)
    assert.equal("[1]", (read()))
    local found = wakings()
    assert.is_true(found < 10, found)
    assert.equal("[1]", (read()))
  end)

  it("nor by one that a child still has, once it is closed", function()
    server = scripted.start { short, { { read = true },
      { send = scripted.response(200, "[2]") }, { hold = true } } }
    session = transfers.session(server.base_url)
    assert.equal("[1]", (read()))
    local pid, descriptor = process.fork(function() scripted.sleep(2) end)
    assert.equal(1, #server:told(1))
    assert.equal("[2]", (read()))
    local found = wakings()
    assert.is_true(found < 10, found)
    process.wait(pid, descriptor)
  end)

  it("finds bytes on one of many connections that nobody waits for", function()
    local stale = { { read = true }, { stall = 0.2 },
      { send = scripted.response(200, "[1]") }, { stall = 0.1 },
      { send = scripted.response(200, "[9]") }, { tell = true },
      { hold = true } }
    local script = {}
    for i = 1, 40 do script[i] = stale end
    script[41] = { { read = true }, { send = scripted.response(200, "[1]") } }
    script.loop = true
    server = scripted.start(script)
    session = transfers.session(server.base_url)
    local all = {}
    for i = 1, 40 do all[i] = assert(transfers.start(session)) end
    for i = 1, 40 do
      assert.equal("[1]", (transfers.read(session, all[i])))
    end
    server:told(40)
    for _ = 1, 45 do assert.equal("[1]", (read())) end
  end)

  -- Whether the kernel's set has a socket that waits to be written to: EPOLLOUT
  -- is 4. nil: the system shows no such set.
  local function waits_to_write()
    local fd = proc.is_here and session:fd()
    local list = fd and assert(io.open("/proc/self/fdinfo/" .. fd)):read "*a"
    if not list then return nil end
    for events in list:gmatch "events:%s*(%x+)" do
      if tonumber(events, 16) % 8 >= 4 then return true end
    end
    return false
  end

  it("waits to write only while a socket takes no more", function()
    server = scripted.start { { { await = 1 }, { tell = true },
      { stall = 0.3 }, { read = true },
      { send = scripted.response(200, "[1]") }, { hold = true } } }
    session = transfers.session(server.base_url)
    if waits_to_write() == nil then return pending "no set is shown" end
    local body = ("x"):rep(3 * 1024 * 1024)
    local transfer = assert(transfers.start(session,
      { method = "POST", body = body }))
    while #server:told() == 0 do session:poll(0.01) end
    for _ = 1, 5 do session:poll(0.01) end
    assert.is_true(waits_to_write())
    local polls = 0
    while not transfer:ready() and polls < #body / 1024 do
      session:poll(1)
      polls = polls + 1
    end
    local text, failure = transfers.read(session, transfer)
    assert.equal("[1]", text, (transfers.what(failure)))
    assert.is_false(waits_to_write())
    -- An event for each piece that fits, and none that could not be used.
    assert.is_true(polls < #body / 1024, polls)
  end)

  it("goes on with a response that it had paused", function()
    local rows = ('{"id":"g","status":"COMPLETED"},'):rep(60000)
    server = scripted.start { { { read = true },
      { send = scripted.response(200, "[" .. rows .. '{"id":"z"}]') } } }
    session = transfers.session(server.base_url)
    local transfer = assert(transfers.start(session, { mode = "objects" }))
    for _ = 1, 20 do session:poll(0.01) end
    local found, failure = transfers.list(session, transfer)
    assert.is_nil(failure)
    assert.equal(60001, #found)
  end)

  -- What libcurl 8.5.0 is, on any Linux.
  local it_waits = proc.is_here and program.can_run()
    and not os.getenv "LIPSYNC_SANITIZED" and it or pending

  it_waits("keeps a libcurl from paused sockets that waits for them", function()
    local rows = ('{"id":"g","status":"COMPLETED"},'):rep(60000)
    local text = scripted.response(200, "[" .. rows .. '{"id":"z"}]')
    keep(nil, { when = "GET ", { send = text:sub(1, -100) }, { stall = 0.3 },
      { send = text:sub(-99) } })
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(([[
      local transfers = require "spec.support.transfers"
      -- Nothing else of libcurl's is due meanwhile.
      local session = transfers.session(%q, { connect_timeout = 100 })
      for _ = 1, 2 do
        local transfer = assert(transfers.start(session, { mode = "objects" }))
        for _ = 1, 5 do session:poll(0.01) end
        local found, failure = transfers.list(session, transfer)
        assert(not failure, failure)
        print(#found)
      end
      session:close()
    ]]):format(server.base_url))
    file:close()
    local pipe = assert(io.popen("LD_PRELOAD=build/greedy_curl.so "
      .. program.vm .. " " .. path .. " 2>&1; echo status $?"))
    local said = pipe:read "*a"
    pipe:close()
    os.remove(path)
    assert.equal("60001\n60001\nstatus 0\n", said)
  end)
end)
