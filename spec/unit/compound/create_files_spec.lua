-- SPDX-License-Identifier: MIT
-- Creating a generation from files of this machine: what is sent of them, and
-- what happens if they are not what they were.

local calls = require "lipsync.call"
local core = require "lipsync.core"
local launch = require "spec.support.launch"
local media = require "spec.support.media"
local program = require "spec.support.program"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local GENERATION = service.generation("g1", "PENDING")
local MIB = 1024 * 1024

describe("create from files", function()
  local here = service.fixture(after_each)
  local answer, quote = service.answer, launch.quote
  local folder, clip, voice

  setup(function() folder = launch.folder() end)
  teardown(function() launch.remove(folder) end)

  before_each(function()
    clip, voice = folder .. "/clip.mp4", folder .. "/voice.wav"
    os.execute("rm -rf " .. quote(folder) .. "/*")
    launch.write(clip, "VIDEO\r\n--x\r\n")
    launch.write(voice, "AUDIO")
  end)

  local function request(more)
    local own = { model = "lipsync-2", input = {
      { type = "video", file = clip }, { type = "audio", file = voice } } }
    for name, value in pairs(more or {}) do own[name] = value end
    return own
  end

  local function says(status, code)
    return answer(status, ('{"message":"Words.","statusCode":%d,"errorCode":'
      .. '"%s"}'):format(status, code), { ["Retry-After"] = "0" })
  end

  local created = answer(201, GENERATION)
  local cut = { { read = true }, { close = true } }

  -- A file of so many bytes that no socket's buffer takes all of them.
  local function enlarge(path)
    os.execute(("truncate -s %d %s"):format(40 * MIB, quote(path)))
  end

  -- The parts of a request's body: head and content of each.
  local function parts_of(seen)
    local boundary = seen.headers["content-type"]
      :match "^multipart/form%-data; boundary=(lipsync%-%x+)$"
    local parts, at = {}, 1
    local rest = "\r\n" .. seen.body
    local mark = "\r\n--" .. boundary
    while true do
      local _, stop = rest:find(mark, at, true)
      local following = rest:find(mark, stop + 1, true)
      if not following then
        assert.equal("--\r\n", rest:sub(stop + 1))
        return parts
      end
      parts[#parts + 1] = rest:sub(stop + 3, following - 1)
      at = following
    end
  end

  local function form(name) return
    ('Content-Disposition: form-data; name="%s"'):format(name)
  end

  it("sends each as a part, after all that is text", function()
    local generations = here.start { created }
    assert(generations:create(request {
      outputFileName = "one", options = { sync_mode = "loop" },
      extra = { flag = false, list = { 1, 2.5 } },
    }, { idempotency_key = "k" }))
    local seen = here.server:requests(1)[1]
    assert.equal("k", seen.headers["idempotency-key"])
    assert.equal("POST", seen.method)
    assert.equal(("%d"):format(#seen.body), seen.headers["content-length"])
    assert.same({
      form "flag" .. "\r\n\r\nfalse", form "list" .. "\r\n\r\n[1,2.5]",
      form "model" .. "\r\n\r\nlipsync-2",
      form "options" .. '\r\n\r\n{"sync_mode":"loop"}',
      form "outputFileName" .. "\r\n\r\none",
      form "video" .. '; filename="clip.mp4"\r\nContent-Type: video/mp4'
        .. "\r\n\r\nVIDEO\r\n--x\r\n",
      form "audio" .. '; filename="voice.wav"\r\nContent-Type: audio/wav'
        .. "\r\n\r\nAUDIO",
    }, parts_of(seen))
  end)

  it("sends other inputs as one array", function()
    local generations = here.start { created }
    assert(generations:create { model = "m", input = {
      { type = "video", file = clip },
      { type = "audio", url = "https://a/b.wav", refId = "r" },
      { type = "text", provider = { voiceId = "v" } } } })
    local parts = parts_of(here.server:requests(1)[1])
    assert.equal(3, #parts)
    assert.equal(form "input" .. '\r\n\r\n[{"refId":"r","type":"audio","url":'
      .. '"https://a/b.wav"},{"provider":{"voiceId":"v"},"type":"text"}]',
      parts[1])
  end)

  it("leaves the request as it is", function()
    local generations = here.start { created }
    local given = request { outputFileName = "one" }
    assert(generations:create(given))
    assert.same(request { outputFileName = "one" }, given)
  end)

  it("says what type a file has by its suffix", function()
    local name = folder .. '/a "b"\n.WEBM'
    launch.write(name, "x")
    local generations = here.start { created }
    assert(generations:create { model = "m",
      input = { { type = "audio", file = name } } })
    assert.equal(form "audio" .. '; filename="a %22b%22%0A.WEBM"\r\n'
      .. "Content-Type: audio/webm\r\n\r\nx",
      parts_of(here.server:requests(1)[1])[2])
  end)

  it("repeats a request to the byte", function()
    local generations = here.start { cut, answer(503, "",
      { ["Retry-After"] = "0" }), says(409, "IDEMPOTENCY_IN_PROGRESS"),
      created }
    assert(generations:create(request()))
    local seen = here.server:requests(4)
    assert.equal(4, #seen)
    for i = 2, 4 do
      assert.equal(seen[1].body, seen[i].body)
      for _, name in ipairs { "idempotency-key", "content-type" } do
        assert.equal(seen[1].headers[name], seen[i].headers[name])
      end
    end
  end)

  it("raises what no file can have", function()
    local generations = here.start {}
    local function raises(words, input)
      local ok, raised = pcall(function()
        local value = generations:create { model = "m", input = input }
        return value
      end)
      assert.is_false(ok)
      assert.matches("create_files_spec%.lua:%d+: ", raised)
      assert.matches(words, raised, 1, true)
    end
    raises("request.input[1].refId does not go with file, only with url or "
      .. "assetId", { { type = "video", file = clip, refId = "r" } })
    raises("request.input[1] must have one of url, assetId and file",
      { { type = "video", file = clip, url = "https://a" } })
    raises("request.input has two files of the type video; one of them must "
      .. "be an asset", { { type = "video", file = clip },
                          { type = "video", file = voice } })
    raises("request.input[1].type must be video, audio or image with a file, "
      .. 'got string "text"', { { type = "text", file = clip } })
    assert.equal(0, #here.server:connections())
  end)

  it("says at once what is no file to send", function()
    local generations = here.start {}
    local pipe, loop, empty = folder .. "/pipe", folder .. "/loop",
      folder .. "/empty"
    os.execute("mkfifo " .. quote(pipe))
    os.execute(("ln -s loop %s"):format(quote(loop)))
    launch.write(empty, "")
    local missing = folder .. "/missing.mp4"
    local began = core.now()
    for path, words in pairs {
      [missing] = ('there is no file "%s".'):format(missing),
      [folder] = ('"%s" is a folder.'):format(folder),
      [pipe] = ('"%s" is no regular file.'):format(pipe),
      [empty] = ('"%s" is empty.'):format(empty),
      [loop] = ('"%s" cannot be opened: '):format(loop),
    } do
      local value, err = generations:create { model = "m",
        input = { { type = "video", file = path } } }
      assert.is_nil(value)
      assert.equal("file", err.kind)
      assert.equal(path, err.path)
      assert.equal("create generation: " .. words,
        tostring(err):sub(1, #words + 19))
      assert.equal(path == loop, err.os_error ~= nil)
      assert.equal(0, err.attempts)
      assert.is_nil(err.outcomeUnknown)
    end
    for path, words in pairs { ["a\0b"] = "has a NUL", ["\0a"] = "has a NUL",
                               ["a\255"] = "is not UTF-8" } do
      local _, err = generations:create { model = "m",
        input = { { type = "video", file = path } } }
      assert.equal("invalid", err.kind)
      assert.equal("input[1].file", err.field)
      assert.matches("input[1].file " .. words, tostring(err), 1, true)
    end
    assert.is_true(core.now() - began < 5)
    assert.equal(0, #here.server:connections())
  end)

  -- root may read all files, so the program has another user's rights.
  local it_drops = media.shell "id -u" == "0"
    and media.shell "setpriv --version 2>/dev/null" ~= "" and it or pending

  it_drops("says that a file may not be read", function()
    here.start {}
    os.execute(("chmod 755 %s; chmod 000 %s"):format(quote(folder),
      quote(clip)))
    local script = folder .. "/create.lua"
    launch.write(script, ([[
      package.path, package.cpath = %q, %q
      local client = require "lipsync".new { api_key = "k", base_url = %q }
      local none, err = client.generations:create { model = "m",
        input = { { type = "video", file = %q } } }
      print(none, err.kind, err.path == %q, err)]]):format(package.path,
        package.cpath, here.server.base_url, clip, clip))
    local text = media.shell(("setpriv --reuid 65534 --regid 65534 "
      .. "--clear-groups %s %s 2>&1"):format(program.vm, quote(script)))
    assert.matches("^nil\tfile\ttrue\tcreate generation: .* cannot be opened: "
      .. "permission denied", text)
    assert.equal(0, #here.server:connections())
  end)

  -- Changes a file between its opening and the sending.
  local function change_at_request(script, change, nth)
    local n = 0
    return here.start(script, { on_event = function(event)
      if event.type ~= "request" then return end
      n = n + 1
      if n == (nth or 1) then change() end
    end })
  end

  local function grow() launch.write(clip, ("V"):rep(99)) end

  it("completes no body of a file that has changed", function()
    -- Removed and replaced by programs: on Windows os.rename replaces nothing,
    -- and what is open stays there when os.remove has removed it.
    for _, change in ipairs {
      grow,
      function() launch.write(clip, "V") end,
      function() os.execute("rm " .. quote(clip)) end,
      function()  -- another file of the same size
        launch.write(folder .. "/other", "video\r\n--x\r\n")
        os.execute(("mv %s %s"):format(quote(folder .. "/other"), quote(clip)))
      end,
      function() os.execute("touch -d 2001-01-01 " .. quote(clip)) end,
    } do
      launch.write(clip, "VIDEO\r\n--x\r\n")
      local generations = change_at_request(
        { { { await = 1 }, { hold = true } }, loop = true }, change)
      local value, err = generations:create(request(), { answer_timeout = 20 })
      assert.is_nil(value)
      assert.equal("invalid", err.kind, tostring(err))
      assert.equal(clip, err.path)
      assert.equal(('create generation: "%s" was changed while it was sent.')
        :format(clip), tostring(err))
      assert.is_nil(err.outcomeUnknown)
      assert.equal(1, err.attempts)
      assert.equal(0, #here.server:requests())
      here.stop()
    end
  end)

  it("ends at once where a file became shorter", function()
    enlarge(clip)
    local generations = here.start { { { await = 0 },
      { send = "HTTP/1.1 100 Continue\r\n\r\n" }, { await = 1 },
      { stall = 0.6 }, { hold = true } } }
    local began = core.now()
    local _, err = generations:create(request(), { on_progress = function(sent)
      if sent > 0 then os.execute("truncate -s 1 " .. quote(clip)) end
    end })
    assert.equal("invalid", err.kind)
    assert.equal(clip, err.path)
    assert.matches("became shorter while it was sent", tostring(err), 1, true)
    assert.is_nil(err.outcomeUnknown)
    assert.is_true(core.now() - began < 10)
  end)

  it("does not forget an earlier send if the file has changed", function()
    local generations = change_at_request({ cut,
      { { await = 1 }, { hold = true } }, loop = true },
      grow, 2)
    local _, err = generations:create(request())
    assert.is_true(err.outcomeUnknown)
    assert.equal("connection", err.kind)
    assert.equal("invalid", err.cause.kind)
    assert.equal(clip, err.cause.path)
    assert.equal(1, #here.server:requests(1))
  end)

  it("knows that a request without its end did nothing", function()
    enlarge(clip)
    local generations = here.start { { { await = 0 },
        { send = "HTTP/1.1 100 Continue\r\n\r\n" }, { await = 1 },
        { reset = true } },
      { { await = 0 }, { send = scripted.response(422,
        '{"message":"W.","statusCode":422}', { Connection = "close" }) } } }
    local _, err = generations:create(request())
    assert.equal(422, err.statusCode)
    assert.is_nil(err.outcomeUnknown)
    assert.is_nil(err.cause)
    assert.equal(2, err.attempts)
  end)

  it("takes an early refusal without sending all", function()
    enlarge(clip)
    local generations = here.start { { { await = 0 }, { send =
      scripted.response(413, '{"message":"W.","statusCode":413,"errorCode":'
        .. '"generation_input_validation_failed"}',
        { Connection = "close" }) } } }
    local began = core.now()
    local _, err = generations:create(request())
    assert.equal(413, err.statusCode)
    assert.is_nil(err.outcomeUnknown)
    assert.is_true(core.now() - began < 10)
  end)

  it("is sent once more without Expect after 417", function()
    os.execute(("truncate -s %d %s"):format(2 * MIB, quote(clip)))
    local generations = here.start { { { await = 0 }, { send =
      scripted.response(417, "", { Connection = "close" }) } }, created }
    assert(generations:create(request(), { max_attempts = 1 }))
    local seen = here.server:requests(1)[1]
    assert.is_nil(seen.headers.expect)
    assert.is_true(#seen.body > 2 * MIB)
  end)

  it("waits long for the response, if nothing else is said", function()
    local generations = here.start({ { { read = true }, { stall = 0.5 },
      { send = scripted.response(201, GENERATION) } } },
      { timeout = 0.2, stall_timeout = 0.2 })
    assert(generations:create(request()))
  end)

  it("waits five minutes for it, and has no other end", function()
    local generations, made, spec = here.start { created }, calls.new, nil
    finally(function() calls.new = made end)
    calls.new = function(client, own, ...)
      spec = own
      return made(client, own, ...)
    end
    assert(generations:create(request()))
    assert.same({ 300, math.huge }, { spec.answer_timeout, spec.timeout })
  end)

  it("takes a picture", function()
    local name = folder .. "/face.png"
    launch.write(name, "x")
    local generations = here.start { created }
    assert(generations:create { model = "m",
      input = { { type = "image", file = name } } })
    assert.equal(form "image" .. '; filename="face.png"\r\n'
      .. "Content-Type: image/png\r\n\r\nx",
      parts_of(here.server:requests(1)[1])[2])
  end)

  it("ends when no response comes in time", function()
    local generations = here.start { { { read = true }, { hold = true } } }
    local _, err = generations:create(request(),
      { answer_timeout = 0.2, max_attempts = 1 })
    assert.equal("timeout", err.kind)
    assert.is_true(err.outcomeUnknown)
    assert.matches("^create generation: nothing received for 0.2 s "
      .. "%(answer_timeout%)%. The generation may", tostring(err))
  end)

  it("ends when the body is not taken", function()
    enlarge(clip)
    local generations = here.start { { { await = 0 },
      { send = "HTTP/1.1 100 Continue\r\n\r\n" }, { await = 1 },
      { stall = 20 } } }
    local _, err = generations:create(request(),
      { stall_timeout = 0.5, max_attempts = 1 })
    assert.equal("timeout", err.kind)
    assert.matches("nothing sent for 0.5 s (stall_timeout)", tostring(err), 1,
      true)
    assert.is_nil(err.outcomeUnknown)
  end)

  it("reports how far it is", function()
    os.execute(("truncate -s %d %s"):format(3 * MIB, quote(clip)))
    local generations = here.start { { { await = 0 }, { stall = 0.5 },
      { send = "HTTP/1.1 100 Continue\r\n\r\n" }, { read = true },
      { send = scripted.response(201, GENERATION) } } }
    local told, whole = {}, nil
    assert(generations:create(request(), { on_progress = function(sent, total)
      told[#told + 1], whole = sent, total
    end }))
    assert.equal(#here.server:requests(1)[1].body, whole)
    assert.equal(0, told[1])
    assert.is_true(#told > 1)
    for i = 2, #told do assert.is_true(told[i] > told[i - 1]) end
    assert.equal(whole, told[#told])
  end)

  it("reports the end of what took no time, too", function()
    local generations = here.start { created }
    local last
    assert(generations:create(request(), { on_progress = function(sent, total)
      last = sent == total
    end }))
    assert.is_true(last)
  end)

  it("ends if on_progress raises", function()
    local generations, mine = here.start { { { read = true }, { hold = true } }
      }, {}
    local value, err = generations:create(request(),
      { on_progress = function() error(mine) end })
    assert.is_nil(value)
    assert.equal("canceled", err.kind)
    assert.equal(mine, err.cause)
  end)

  it("has places of its own, which leave other calls theirs", function()
    local generations = here.start({ pick = true,
      { when = "POST ", { hold = true } },
      { when = "GET ", answer(200, GENERATION)[2] } },
      { max_in_flight = 1, max_transfers = 1 })
    local err
    here.client:spawn(function() generations:create(request()) end)
    here.client:spawn(function()
      err = select(2, generations:create(request(), { timeout = 0.3 }))
      assert(generations:get "g1")
      here.client:close()
    end)
    here.client:run()
    assert.equal("create generation: 0.3 s have passed (timeout), waiting for "
      .. "one of 1 connection (max_transfers).", tostring(err))
    assert.equal(2, #here.server:requests(2))
  end)

  it("leaves no file open", function()
    local function count()
      local n, pipe = 0, io.popen("ls -l /proc/self/../$PPID/fd 2>/dev/null")
      for line in pipe:lines() do
        if line:find(folder, 1, true) then n = n + 1 end
      end
      pipe:close()
      return n
    end
    local generations = here.start { created, says(422, "x"),
                                     { { read = true }, { hold = true } } }
    assert(generations:create(request()))
    assert.is_nil((generations:create(request())))
    local missing = request()
    missing.input[2].file = folder .. "/missing"
    generations:create(missing)
    assert.equal(0, count())
    local task = here.client:spawn(function() generations:create(request()) end)
    while #here.server:requests() < 3 do
      here.client:step()
      scripted.sleep(0.001)
    end
    assert.equal(2, count())
    task:cancel()
    assert.equal(0, count())
  end)
end)
