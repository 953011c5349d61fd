-- SPDX-License-Identifier: MIT
--
-- emulator.receive: requests that wait until the program answers them.

local found, emulator = pcall(require, "lipsync.emulator")
local scripted = require "spec.support.scripted"
local launch = require "spec.support.launch"

if not found then
  describe("emulator.receive", function()
    pending("is not built: its libraries are missing")
  end)
  return
end

describe("emulator.receive", function()
  local receiver, folder

  before_each(function() folder = launch.folder() end)
  after_each(function()
    receiver:stop()
    launch.remove(folder)
  end)

  -- Sends a request by curl, in the background; its status comes into a file.
  local function send(words)
    local path = folder .. "/status"
    os.remove(path)
    -- A sanitizer that is preloaded here is not for curl.
    os.execute(("(unset LD_PRELOAD; curl -s -o %s/out -w "
      .. "'%%{http_code} %%{size_download}' %s %s >%s.new; mv %s.new %s) &")
      :format(folder, words, receiver.url .. "/hook?a=%20b", path, path, path))
    return function()
      local deadline = scripted.now() + 20
      repeat
        local text = launch.read(path)
        if text ~= "" then return text end
        scripted.sleep(0.005)
      until scripted.now() > deadline
    end
  end

  it("gives each request as it came, and answers as it is told", function()
    receiver = assert(emulator.receive())
    assert.matches("^http://127%.0%.0%.1:%d+$", receiver.url)
    assert.equal("Receiver " .. receiver.url, tostring(receiver))
    assert.is_nil(receiver:next(0))
    local answer = send "-d 'a b' -H 'X-One: 1' -H 'x-two: 2' -H 'X-TWO: 3'"
    local request = receiver:next(20)
    assert.equal("POST", request.method)
    assert.equal("/hook?a=%20b", request.path)
    assert.equal("a b", request.body)
    assert.equal("1", request.headers["x-one"])
    assert.same({ "2", "3" }, request.headers["x-two"])
    receiver:answer(204)
    assert.equal("204 0", answer())
    assert.has_error(function() receiver:answer(204) end,
      "there is no request to answer")
    answer = send "-X PUT"
    assert.equal("PUT", receiver:next(20).method)
    receiver:answer(405)
    assert.equal("405 0", answer())
  end)

  it("answers what was forgotten, and what waits at the end", function()
    receiver = assert(emulator.receive { host = "localhost" })
    local answer = send ""
    assert.is_table(receiver:next(20))
    assert.is_nil(receiver:next(0))
    assert.equal("500 0", answer())
    answer = send ""
    assert.is_table(receiver:next(20))
    receiver:answer(200)
    receiver:stop()  -- what was answered is sent
    assert.equal("200 0", answer())
    receiver = assert(emulator.receive())
    answer = send ""
    assert.is_table(receiver:next(20))
    receiver:stop()
    assert.equal("503 0", answer())
    receiver:stop()
    assert.equal("Receiver (stopped)", tostring(receiver))
    assert.has_error(function() receiver:next(0) end,
      "the receiver has been stopped")
  end)

  it("keeps no body that is too long", function()
    receiver = assert(emulator.receive { max_body = 10 })
    for words, body in pairs {
      ["-d 0123456789"] = "0123456789", ["-d 0123456789a"] = false,
      ["-d 0123456789a -H 'Transfer-Encoding: chunked'"] = false,
      ["-d 0123456789a -H 'Expect: 100-continue'"] = false,
    } do
      local answer = send(words)
      assert.equal(body or nil, receiver:next(20).body)
      receiver:answer(413)
      assert.equal("413 0", answer())
    end
  end)

  it("refuses what it cannot do", function()
    receiver = assert(emulator.receive())
    for options, problem in pairs {
      [{ prot = 1 }] = 'unknown option "prot"', [{ host = 1 }] = "host must be",
      [{ port = -1 }] = "port must be a whole", [{ port = 65536 }] = "at most",
      [{ max_body = 0.5 }] = "max_body must be", [{ port = "x" }] = "port must",
    } do
      local ok, message = pcall(emulator.receive, options)
      assert.is_false(ok)
      assert.matches(problem, message)
    end
    local port = tonumber(receiver.url:match "%d+$")
    local made, reason = emulator.receive { port = port }
    assert.is_nil(made)
    assert.matches("cannot listen on 127%.0%.0%.1 port %d+: %S", reason)
    assert.has_error(function() receiver:answer(99) end)
    assert.has_error(function() return receiver.unknown end)
  end)
end)
