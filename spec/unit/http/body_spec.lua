-- SPDX-License-Identifier: MIT
-- Bodies of requests: they arrive to the byte; and what happens if the file
-- changes or the server refuses.

local core = require "lipsync.core"
local growth = require "spec.support.growth"
local http = require "lipsync.http"
local launch = require "spec.support.launch"
local proc = require "spec.support.proc"
local process = require "process"
local program = require "spec.support.program"
local scripted = require "spec.support.scripted"
local tls = require "spec.support.tls"
local transfers = require "spec.support.transfers"

local it_measures = proc.is_here and it or pending
local KIB, MIB = 1024, 1024 * 1024

local function ok(headers)
  return scripted.response(200, "{}", headers or { Connection = "close" })
end

-- Bytes that differ from their neighbours and from those of the next slices.
local function bytes_of(n)
  local block = {}
  for i = 1, 8191 do block[i] = string.char((i * 31 + i % 7) % 256) end
  local text = table.concat(block)
  return text:rep(math.floor(n / 8191) + 1):sub(1, n)
end

describe("a request's body", function()
  local folder, path, server, session

  setup(function() folder = launch.folder() end)
  teardown(function() launch.remove(folder) end)

  before_each(function() path = folder .. "/clip.mp4" end)
  after_each(function()
    if session then session:close() end
    if server then server:stop() end
    session, server = nil, nil
  end)

  local function serve(script, more)
    server = scripted.start(script)
    session = transfers.session(server.base_url, more)
  end

  local function start(body, more)
    local request = { method = "POST", path = "/v2/generate", body = body }
    for name, value in pairs(more or {}) do request[name] = value end
    return assert(transfers.start(session, request))
  end

  local function poll_until(is_true)
    local deadline = core.now() + 20
    while not is_true() do
      assert(core.now() < deadline, "nothing happens")
      session:poll(0.01)
    end
  end

  local function truncate(size)
    os.execute(("truncate -s %d %s"):format(size, launch.quote(path)))
  end

  -- Reads the response; also returns a short form of its failure.
  local function finish(transfer)
    local text, failure = transfers.read(session, transfer)
    return text, failure and failure.code, failure
  end

  -- Server script that reads a body of `n` bytes.
  local function taken(n, answer)
    local steps = { { await = 0 } }
    if n > MIB then
      steps[2] = { send = "HTTP/1.1 100 Continue\r\n\r\n" }
    end
    steps[#steps + 1] = { read = true }
    steps[#steps + 1] = { send = answer or ok() }
    return steps
  end

  describe("arrives to the byte", function()
    local sizes = { 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB - 1, MIB,
                    MIB + 1, 3 * MIB }

    -- Sends a body of each size, made by `make`, and checks the request.
    local function each_size(make)
      local cases, script = {}, {}
      for i, size in ipairs(sizes) do
        local text = bytes_of(size)
        local body, wanted = make(text)
        cases[i] = { body, wanted or text }
        script[i] = taken(#cases[i][2])
      end
      serve(script)
      for i, case in ipairs(cases) do
        local transfer = start(case[1])
        assert.equal("{}", (transfers.read(session, transfer)))
        local seen, length = server:requests(i)[i], #case[2]
        assert.is_true(case[2] == seen.body, sizes[i])
        assert.same({ length, length }, { transfer:uploaded() })
        assert.equal(("%d"):format(length), seen.headers["content-length"])
        assert.is_nil(seen.headers["transfer-encoding"])
        assert.equal(length > MIB and "100-continue" or nil,
          seen.headers.expect)
      end
    end

    it("of bytes", function()
      each_size(function(text) return text end)
    end)

    it("of a file", function()
      local n = 0
      each_size(function(text)
        n = n + 1
        local name = path .. n
        launch.write(name, text)
        local body = assert(http.body { file = name })
        assert.equal(#text, body:length())
        os.remove(name)  -- it is open
        return body, text
      end)
    end)

    it("of a range of a file", function()
      launch.write(path, bytes_of(3 * MIB))
      each_size(function(text)
        return assert(http.body { file = path, offset = 0, length = #text })
      end)
      local body = assert(http.body { file = path, offset = MIB + 3 })
      assert.equal(2 * MIB - 3, body:length())
    end)

    it("of several parts", function()
      launch.write(path, "0123456789")
      each_size(function(text)
        return assert(http.body { boundary = "b-1",
          { name = 'a"b\r\nc', bytes = text },
          { name = "video", filename = "clip \195\164%.mp4",
            type = "video/mp4", file = path, offset = 1, length = 3 },
          { name = "empty", bytes = "" },
        }), table.concat {
          '--b-1\r\nContent-Disposition: form-data; name="a%22b%0D%0Ac"',
          "\r\n\r\n", text, "\r\n--b-1\r\nContent-Disposition: form-data; ",
          'name="video"; filename="clip \195\164%.mp4"\r\n',
          "Content-Type: video/mp4\r\n\r\n123\r\n--b-1\r\n",
          'Content-Disposition: form-data; name="empty"\r\n\r\n\r\n',
          "--b-1--\r\n" }
      end)
    end)

    it("again and again, also after it was closed", function()
      launch.write(path, bytes_of(100 * KIB))
      local body = assert(http.body { boundary = "x",
        { name = "a", file = path }, { name = "b", bytes = "c" } })
      serve { taken(1), taken(1), taken(1) }
      local all = { start(body), start(body), start(body) }
      body:close()
      body:close()
      for _, each in ipairs(all) do
        assert.equal("{}", (transfers.read(session, each)))
      end
      local seen = server:requests(3)
      assert.is_true(seen[1].body == seen[2].body)
      assert.is_true(seen[1].body == seen[3].body)
      assert.has_error(function() body:length() end)
      assert.has_error(function() start(body) end)
    end)
  end)

  it("has its own type, or the given one, or none", function()
    local parts = assert(http.body { boundary = "a_B-1",
      { name = "a", bytes = "b" } })
    local cases = {
      { "{}", { content_type = "application/json", headers = {
          ["Content-Type"] = "text/plain" } }, "application/json" },
      { "{}", { headers = { ["content-type"] = "text/plain" } }, "text/plain" },
      { "{}", {}, nil },
      { parts, { headers = { ["Content-Type"] = "text/plain" } },
        "multipart/form-data; boundary=a_B-1" },
    }
    serve({ { { read = true }, { send = ok() } }, loop = true },
      { headers = { ["Content-Type"] = "image/png" } })
    for i, case in ipairs(cases) do
      transfers.read(session, start(case[1], case[2]))
      local seen = server:requests(i)[i]
      assert.equal(case[3], seen.headers["content-type"], i)
    end
  end)

  it("may be missing or empty, with a Content-Length if usual", function()
    local long = bytes_of(64 * KIB + 1)
    serve { { { read = true }, { send = ok {} } }, loop = true }
    for i, case in ipairs { { "POST", nil, "0" }, { "PUT", nil, "0" },
        { "PATCH", "", "0" }, { "DELETE", nil, nil }, { "DELETE", "x", "1" },
        { "GET", nil, nil }, { "POST", "short", "5" }, { "POST", nil, "0" },
        { "PUT", long, "65537" }, { "POST", "short", "5" },
        { "DELETE", nil, nil }, { "HEAD", nil, nil } } do
      transfers.read(session, start(case[2], { method = case[1] }))
      local seen = server:requests(i)[i]
      assert.equal(case[1], seen.method)
      assert.equal(case[3], seen.headers["content-length"])
      assert.is_nil(seen.headers["content-type"])
      assert.equal(case[2] or "", seen.body)
    end
  end)

  it("goes to another origin with only the given headers", function()
    local other = scripted.start { taken(1) }
    serve({ {} }, { headers = { ["X-Canary"] = "canary" },
                    user_agent = "canary", bare_agent = "lipsync" })
    launch.write(path, "data")
    local transfer = start(assert(http.body { file = path }), {
      method = "PUT", origin = other.base_url, path = "/bucket/x",
      query = "X-Amz-Signature=s", headers = { ["x-amz-acl"] = "private" } })
    assert.equal("{}", (transfers.read(session, transfer)))
    local seen = other:requests(1)[1]
    assert.equal("PUT", seen.method)
    assert.equal("data", seen.body)
    assert.same({ host = "127.0.0.1:" .. other.port, ["user-agent"] = "lipsync",
      ["accept-encoding"] = "identity", ["content-length"] = "4",
      ["x-amz-acl"] = "private" }, seen.headers)
    assert.is_nil(seen.head:find("canary", 1, true))
    assert.same({}, server:requests(0))
    other:stop()
  end)

  it("of a file uses a new connection", function()
    serve { { { read = true }, { send = ok {} }, { read = true },
              { send = ok {} } }, { { read = true }, { send = ok() } } }
    launch.write(path, "data")
    local file = assert(http.body { file = path })
    for i, case in ipairs { { "bytes", 1 }, { "bytes", 1 }, { file, 2 } } do
      assert.equal("{}", (transfers.read(session, start(case[1]))))
      assert.equal(case[2], server:requests(i)[i].connection)
    end
  end)

  describe("cannot be made", function()
    local function refused(spec)
      local body, failure = http.body(spec)
      assert.is_nil(body)
      return failure
    end

    it("of what is not a file", function()
      launch.write(path, "")
      os.execute("mkfifo " .. folder .. "/pipe")
      local from = core.now()
      for name, code in pairs { [folder .. "/none"] = "file_missing",
          [path .. "/x"] = "file_missing", [path] = "file_empty",
          [folder] = "file_folder", [folder .. "/pipe"] = "file_special",
          ["/dev/null"] = "file_special" } do
        assert.same({ code = code, path = name }, refused { file = name })
        assert.same({ code = code, path = name, index = 2 }, refused {
          boundary = "x", { name = "a", bytes = "" },
          { name = "b", file = name } })
        assert.equal(code, select(2, http.stamp(name)).code)
      end
      assert.is_true(core.now() - from < 5)
    end)

    it("of a file that cannot be opened", function()
      local long = folder .. "/" .. ("x"):rep(300)
      local failure = refused { file = long }
      assert.equal("file_unreadable", failure.code)
      assert.is_true(failure.os_error > 0)
      assert.equal("file_unreadable", refused { fd = 12345 }.code)
      assert.is_nil(refused { fd = 12345 }.path)
    end)

    it("of a range that the file does not have", function()
      launch.write(path, "0123456789")
      for _, range in ipairs { { 10 }, { 0, 11 }, { 9, 2 }, { 0, 0 },
          { 1e30 }, { 0, 1e30 } } do
        assert.equal("file_range", refused { file = path, offset = range[1],
          length = range[2] }.code)
      end
    end)

    it("that would break the framing", function()
      local part = { name = "a", bytes = "b" }
      assert.equal("part_malformed", refused { boundary = "a b", part }.code)
      assert.equal("part_malformed", refused { boundary = "", part }.code)
      for _, wrong in ipairs { { name = "a\0" }, { name = "a", type = "a\nb" },
          { name = "a", filename = "\0" } } do
        wrong.bytes = "b"
        local failure = refused { boundary = "x", part, wrong }
        assert.same({ code = "part_malformed", index = 2 }, failure)
      end
      for _, wrong in ipairs { {}, { boundary = "x", "y" },
          { boundary = "x", {} }, { boundary = "x", { name = "a" } } } do
        assert.has_error(function() http.body(wrong) end)
      end
      assert.has_error(function() http.body() end)
    end)
  end)

  it("leaves no memory and no descriptor behind, made or refused", function()
    launch.write(path, "0123456789")
    local before = process.descriptors()
    for what, spec in pairs {
        bytes = { bytes = "abc" }, file = { file = path },
        range = { file = path, offset = 11 },
        missing = { file = path .. "none" }, folder = { file = folder },
        parts = { boundary = "x", { name = "a", bytes = "b" },
                  { name = "c", file = path }, { name = "d", file = path } },
        boundary = { boundary = " ", { name = "a", file = path } },
        part = { boundary = "x", { name = "a", file = path },
                 { name = "c", file = folder } } } do
      local function make()
        local body = http.body(spec)
        if body then body:close() end
      end
      make()
      assert.equal(before, process.descriptors(), what)
      local grown = growth.can_measure and growth.of(make) or 0
      assert.is_true(grown < 16, what .. ": " .. grown)
    end
    assert(http.body { file = path })  -- which the collector closes
    collectgarbage()
    collectgarbage()
    assert.equal(before, process.descriptors())
  end)

  -- Under the thread sanitizer the VM is a script, and no library preloaded.
  local it_preloads = os.getenv "LIPSYNC_SANITIZED" == "tsan" and pending or it

  it_preloads("of a file goes on where a signal interrupts it", function()
    if not proc.is_here then return pending "preloading needs Linux" end
    serve { { { read = true }, { send = ok() } } }
    local text = bytes_of(200000)
    launch.write(path, text)
    local pipe = assert(io.popen(([[LD_PRELOAD="$LD_PRELOAD \
      build/interrupted_disk.so" %s -e '
      package.path, package.cpath = "%s", "%s"
      local http = require "lipsync.http"
      local transfers = require "spec.support.transfers"
      local session = transfers.session "%s"
      local body = assert(http.body { file = "%s" })
      print((transfers.read(session, assert(transfers.start(session,
        { method = "POST", body = body })))))' 2>&1]])
      :format(program.vm, package.path, package.cpath, server.base_url,
        path)))
    assert.equal("{}\n", pipe:read "*a")
    pipe:close()
    assert.is_true(text == server:requests(1)[1].body)
  end)

  describe("of a file that", function()
    -- A body of `size` bytes whose last MiB is held back; then `change`
    -- modifies the file.
    local function changed_within(size, change)
      launch.write(path, bytes_of(size))
      local body = assert(http.body { file = path })
      local transfer = start(body, { hold = MIB, no_expect = true })
      poll_until(function() return transfer:held() end)
      assert.is_nil(body:changed())
      assert.same({ size - MIB, size }, { transfer:uploaded() })
      change()
      assert.equal(1, body:changed())
      transfer:release()
      return transfer
    end

    it("shrinks ends the transfer at once", function()
      serve { { { read = true }, { send = ok() } } }
      local transfer = changed_within(3 * MIB, function() truncate(MIB) end)
      local from = core.now()
      local _, code, failure = finish(transfer)
      assert.equal("file_shrank", code)
      assert.same({ path, 1 }, { failure.path, failure.index })
      assert.is_true(core.now() - from < 5)
      assert.is_true(transfer:sent())
      assert.equal(1, #server:gone(1))
      assert.same({}, server:requests(0))
    end)

    it("shrank after it was opened ends it too", function()
      serve { { { read = true }, { send = ok() } } }
      launch.write(path, "0123456789")
      local body = assert(http.body { boundary = "x", { name = "a",
        bytes = "b" }, { name = "c", file = path } })
      truncate(4)
      local _, code, failure = finish(start(body))
      assert.equal("file_shrank", code)
      assert.equal(2, failure.index)
      assert.equal(2, body:changed())
      assert.same({}, server:requests(0))
    end)

    it("grows is cut at the size it had", function()
      serve { taken(1) }
      local transfer = changed_within(2 * MIB, function()
        truncate(4 * MIB)
      end)
      assert.equal("{}", (finish(transfer)))
      assert.is_true(bytes_of(2 * MIB) == server:requests(1)[1].body)
    end)

    it("is replaced is sent as it was opened, with a warning", function()
      serve { taken(1) }
      local transfer = changed_within(2 * MIB, function()
        launch.write(path .. ".new", bytes_of(2 * MIB):reverse())
        os.rename(path .. ".new", path)
      end)
      assert.equal("{}", (finish(transfer)))
      assert.is_true(bytes_of(2 * MIB) == server:requests(1)[1].body)
    end)

    it("is written to in place causes a warning", function()
      launch.write(path, "0123456789")
      local body = assert(http.body { file = path })
      local stamp = assert(http.stamp(path))
      assert.equal(stamp, body:stamp())
      assert.equal(stamp, body:stamp(1))
      assert.is_nil(body:stamp(2))
      assert.is_nil(body:changed())
      scripted.sleep(0.02)  -- file times are coarse
      launch.write(path, "9876543210")
      assert.equal(1, body:changed())
      assert.not_equal(stamp, (http.stamp(path)))
      body:close()
    end)

    it("is open is not inherited by a child", function()
      launch.write(path, "0123456789")
      local body = assert(http.body { file = path })
      local pipe = assert(io.popen "ls -l /proc/self/fd 2>/dev/null")
      local text = pipe:read "*a"
      pipe:close()
      assert.is_nil(text:find("clip.mp4", 1, true))
      body:close()
    end)
  end)

  describe("is held back at its end", function()
    local function held(size, hold)
      serve { { { read = true }, { send = ok() } } }
      local text = bytes_of(size)
      local transfer = start(text, { hold = hold })
      poll_until(function() return transfer:held() end)
      assert.is_true(transfer:ready())
      assert.is_false((transfer:read()))
      assert.same({ math.max(0, size - hold), size }, { transfer:uploaded() })
      -- The server has exactly these bytes.
      for _ = 1, 5 do session:poll(0.02) end
      assert.same({}, server:requests(0))
      assert.is_true(transfer:held())
      transfer:release()
      transfer:release()
      assert.is_false(transfer:held())
      assert.equal("{}", (finish(transfer)))
      assert.same({ size, size }, { transfer:uploaded() })
      assert.is_true(text == server:requests(1)[1].body)
    end

    it("until it is released", function()
      held(100 * KIB, 4 * KIB)
    end)

    it("by one byte", function()
      held(10, 1)
    end)

    it("all of it", function()
      held(3 * KIB, 4 * KIB)
    end)

    it("but not if it was released earlier", function()
      serve { { { read = true }, { send = ok() } } }
      local transfer = start(bytes_of(300 * KIB), { hold = 100 })
      transfer:release()
      assert.equal("{}", (finish(transfer)))
      assert.is_false(transfer:held())
    end)

    it("until it is closed", function()
      serve { { { read = true }, { send = ok() } } }
      local transfer = start("0123456789", { hold = 1 })
      poll_until(function() return transfer:held() end)
      assert.equal(transfer, session:next_ready())
      transfer:close()
      transfer:release()
      assert.is_false(transfer:held())
      assert.same({ 0, 0 }, { transfer:uploaded() })
      assert.equal(1, #server:gone(1))
      assert.same({}, server:requests(0))
    end)

    it("while the server refuses it", function()
      for _, status in ipairs { 300, 400, 429 } do
        serve { { { await = 5 }, { send = scripted.response(status, "{}") },
                  { hold = true } } }
        local transfer = start("0123456789", { hold = 5 })
        poll_until(function() return transfer:done() end)
        assert.equal("{}", (transfer:read()))
        assert.equal(status, transfer:status())
        assert.same({}, server:requests(0))
        session:close()
        server:stop()
      end
    end)
  end)

  describe("that the server does not want", function()
    local function refuse(...) return { { await = 0 }, ... } end
    local no = scripted.response(413, "too long", { Connection = "close" })

    it("is not sent if it awaits a 100 Continue", function()
      serve { refuse({ send = no }, { close = true }) }
      local transfer = start(bytes_of(2 * MIB))
      assert.equal("too long", (finish(transfer)))
      assert.equal(413, transfer:status())
      assert.same({ 0, 2 * MIB }, { transfer:uploaded() })
    end)

    it("breaks off, and the status counts", function()
      serve { refuse({ send = no }, { close = true }),
              refuse({ send = no }, { stall = 0.1 }, { reset = true }) }
      for _ = 1, 2 do
        local transfer = start(bytes_of(3 * MIB), { no_expect = true })
        assert.equal("too long", (finish(transfer)))
        assert.equal(413, transfer:status())
      end
    end)

    it("breaks off an answer, which counts from 400 on", function()
      -- More than all buffers on the way can take.
      local body = ("x"):rep(16 * MIB)
      for _, case in ipairs { { 400, "short" }, { 499, "short" },
          { 399, nil }, { 200, nil } } do
        local answer = scripted.response(case[1], "short to be long",
          { Connection = "close" })
        serve { refuse({ send = answer:sub(1, -12) }, { stall = 60 }) }
        local transfer = start(body, { no_expect = true })
        poll_until(function() return transfer:status() end)
        for _ = 1, 5 do session:poll(0.01) end
        server:stop()
        assert.equal(case[2], (finish(transfer)), case[1])
        session:close()
      end
    end)

    it("is not sent again by libcurl without Expect", function()
      local text = scripted.response(417, "no")
      serve { refuse({ send = text }, { hold = true }),
              refuse({ send = text }, { close = true }), { { read = true } } }
      for _ = 1, 2 do
        local transfer = start(bytes_of(2 * MIB))
        local said, code = finish(transfer)
        assert.is_string(said)
        assert.is_nil(code)
        assert.equal(417, transfer:status())
        assert.same({ 0, 2 * MIB }, { transfer:uploaded() })
      end
      assert.same({}, server:requests(0))
    end)

    it("may get a response before it was read", function()
      local early = { { await = 0 }, { send = ok {} }, { stall = 0.1 } }
      serve { { early[1], early[2], early[3], { read = true } },
              { early[1], early[2], early[3], { reset = true } } }
      local transfer = start(bytes_of(MIB))
      assert.equal("{}", (finish(transfer)))
      assert.is_true(bytes_of(MIB) == server:requests(1)[1].body)
      transfer = start(bytes_of(3 * MIB), { no_expect = true })
      assert.equal("{}", (finish(transfer)))
      assert.equal(200, transfer:status())
    end)

    it("may be cut by a reset", function()
      serve { { { await = 100000 }, { reset = true } } }
      local transfer = start(bytes_of(3 * MIB), { no_expect = true })
      local _, code = finish(transfer)
      assert.is_true(code == "send" or code == "cut", code)
      assert.is_true(transfer:sent())
      local given = transfer:uploaded()
      assert.is_true(given >= 100000)
    end)
  end)

  describe("is not sent twice by libcurl", function()
    -- The second request, of so many bytes, is seen as the `seen`th, if at all.
    local function dies(size, seen, ...)
      serve { { { read = true }, { send = ok {} }, ... },
              { { read = true }, { send = ok() } }, loop = true }
      assert.equal("{}", (finish(start "first")))
      local _, code = finish(start(bytes_of(size)))
      assert.equal("resend", code)
      assert.equal(seen, #server:requests(seen))
      assert.equal("{}", (finish(start "third")))
      local all = server:requests(seen + 1)
      assert.equal(seen + 1, #all)
      assert.equal("third", all[seen + 1].body)
    end

    it("if a reused connection closes after it", function()
      dies(MIB, 2, { read = true }, { close = true })
    end)

    it("if it is short, which libcurl could rewind", function()
      dies(10, 2, { read = true }, { close = true })
    end)

    it("if a reused connection closes within it", function()
      dies(MIB, 1, { await = 1000 }, { close = true })
    end)
  end)

  it_measures("takes no memory by its length", function()
    local size = 64 * MIB
    truncate(0)
    local file = assert(io.open(path, "wb"))
    for _ = 1, 64 do file:write(("x"):rep(MIB)) end
    file:close()
    serve { { { await = 0 }, { hold = true } } }
    local before, most = proc.memory "self", 0
    local transfer = start(assert(http.body { file = path }),
      { no_expect = true })
    poll_until(function()
      most = math.max(most, proc.memory "self")
      return (transfer:uploaded()) == size
    end)
    transfer:close()
    if not os.getenv "LIPSYNC_SANITIZED" then
      assert.is_true(most - before < 8192, most - before)
    end
  end)

  -- One slice a step, but for what libcurl itself repeats.
  it("is read a slice or two at a time if a step has no time", function()
    serve { { { await = 0 }, { hold = true } } }
    launch.write(path, bytes_of(3 * MIB))
    local transfer = start(assert(http.body { file = path }),
      { no_expect = true })
    local given, most, deadline = 0, 0, core.now() + 20
    while given < 3 * MIB and core.now() < deadline do
      session:step(0)
      local now = transfer:uploaded()
      most, given = math.max(most, now - given), now
    end
    assert.equal(3 * MIB, given)
    assert.is_true(most <= 128 * KIB, most)
  end)

  it("of a file, or held, uses HTTP/1.1, others HTTP/2", function()
    if not tls.can_run() then pending("needs nginx and openssl") return end
    if not tls.has_http2() then pending("needs HTTP/2 in libcurl") return end
    local nginx = tls.start "[]"
    session = transfers.session(nginx:url "right", { ca_file = nginx.ca_file })
    launch.write(path, "data")
    transfers.read(session, start "bytes")
    transfers.read(session, start(assert(http.body { file = path })))
    local transfer = start("bytes", { hold = 1 })
    poll_until(function() return transfer:held() end)
    transfer:release()
    transfers.read(session, transfer)
    assert.same({ "HTTP/2.0", "HTTP/1.1", "HTTP/1.1" },
      transfers.versions(nginx, 3))
    nginx:stop()
  end)
end)
