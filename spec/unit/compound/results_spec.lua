-- SPDX-License-Identifier: MIT
-- The results of a batch: an address of the API's leads to lines elsewhere.

local core = require "lipsync.core"
local lipsync = require "lipsync"
local media = require "spec.support.media"
local proc = require "spec.support.proc"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

require "lipsync.resources.batches"  -- which makes the type of batches

local once, partial, whole = media.once, media.partial, media.whole

local STEP = tonumber(os.getenv "LIPSYNC_EVERY") or 13

local function line(id, rest)
  return ('{"request_id":"%s","response":%s%s}'):format(id,
    service.generation("g-" .. id), rest or "")
end

-- Blank lines, both ends of lines, and none at the end.
local lines = line("a") .. "\n" .. line("b", ',"new":{"x":[1.0]}') .. "\r\n\n"
  .. line("c") .. "\n \n" .. line "d"

local function batch_text(address, status)
  return ('{"id":"b1","created_at":"2026-08-25T10:00:00.000Z","status":"%s",'
    .. '"metrics":{},"outputUrl":"%s"}'):format(status or "COMPLETED", address)
end

local function json(text)
  return media.answer(200, { ["Content-Type"] = "application/json" }, text)
end

local function moved(address)
  return media.answer(302, { Location = address })
end

describe("the results of a batch", function()
  local here, random = {}, core.random

  before_each(function()
    core.random = function() return 0 end  -- no delay before a retry
  end)

  local function stop()
    for _, name in ipairs { "client", "api", "files" } do
      local it = here[name]
      if it then (it.close or it.stop)(it) end
      here[name] = nil
    end
  end

  after_each(function()
    core.random = random
    stop()
  end)

  local function to_batch(address, status)
    return assert(core.object("Batch", batch_text(address, status),
      here.client))
  end

  -- Starts the API's server; gives a batch whose results are at the address of
  -- the API's.
  local function serve(script, options)
    here.api = scripted.start(script)
    here.client = service.client(here.api.base_url, options)
    return to_batch(here.api.base_url .. "/v2/batch/b1/output")
  end

  -- Starts the files' server, and the API's, which redirects to there and then
  -- names that address `more` times.
  local function start(files, more, options)
    here.files = scripted.start(files)
    here.address = here.files.base_url .. "/r.jsonl?X-Amz-Signature=5ec3e7f0a1"
    local script = { once(moved(here.address)) }
    for i = 1, more or 0 do
      script[i + 1] = once(json(batch_text(here.address)))
    end
    return serve(script, options)
  end

  -- All that comes: names joined, the errors, and the error of the whole.
  local function read(iterator)
    local names, errors = {}, {}
    while true do
      local id, generation, err = iterator:next()
      if not id then return table.concat(names, " "), err, errors end
      names[#names + 1] = id
      if generation then
        assert.equal("Generation", core.type_of(generation))
        assert.equal("g-" .. id, generation.id)
      else
        errors[id] = assert(err)
      end
    end
  end

  -- Those of results that come whole and without errors.
  local function names_of(iterator)
    local names, err = read(iterator)
    assert.is_nil(err)
    return names
  end

  it("come line by line, with all that is in one", function()
    local batch = start { once(partial(0, {}, lines)) }
    local results = batch:results()
    local id, generation, err, all = results:next()
    assert.same({ "a", "g-a", nil }, { id, generation.id, err })
    assert.equal(here.client, core.owner(generation))
    assert.equal(line "a", all:json())
    all = select(4, results:next())
    assert.same({ 1 }, all.new.x)
    assert.equal(2, results.delivered)
    assert.equal("results of batch b1 (2 so far)", tostring(results))
    assert.equal("c d", (read(results)))
    assert.equal("results of batch b1 (4 so far, over)", tostring(results))
    assert.is_nil((results:next()))
  end)

  it("are asked for with the key at the API, and without it elsewhere",
  function()
    local batch = start({ once(partial(0, {}, lines)) }, nil,
      { headers = { ["X-Secret"] = "canary" } })
    assert.equal("a b c d", (read(batch:results { headers = {
      ["X-Own"] = "this call" } })))
    local first = here.api:requests(1)[1]
    assert.equal("this call", first.headers["x-own"])
    assert.equal("/v2/batch/b1/output", first.target)
    assert.equal(service.key, first.headers["x-api-key"])
    assert.equal("canary", first.headers["x-secret"])
    assert.is_nil(first.headers.range)
    local second = here.files:requests(1)[1]
    assert.same({ host = "127.0.0.1:" .. here.files.port,
      ["user-agent"] = second.headers["user-agent"],
      ["accept-encoding"] = "identity", range = "bytes=0-" }, second.headers)
    assert.is_nil(second.head:find(service.key, 1, true))
  end)

  -- Also not where the way leads back to the API.
  it("have no key after a redirect, and none at other addresses", function()
    start { once(moved "/again"), once(partial(0, {}, lines)) }
    assert.equal("a b c d", (read(to_batch(here.address):results())))
    for _, request in ipairs(here.files:requests(2)) do
      assert.is_nil(request.headers["x-api-key"])
    end
    stop()
    local batch = serve { once(moved "/elsewhere"),
                          once(partial(0, {}, lines)) }
    assert.equal("a b c d", (read(batch:results())))
    local requests = here.api:requests(2)
    assert.equal(service.key, requests[1].headers["x-api-key"])
    assert.is_nil(requests[2].headers["x-api-key"])
  end)

  it("are looked for by an id, and once more if the batch had not ended",
  function()
    here.files = scripted.start { once(partial(0, {}, lines)),
                                  once(partial(0, {}, lines)) }
    local address = here.files.base_url .. "/r"
    serve { service.answer(200, batch_text(address)),
            service.answer(200, batch_text(address)),
            service.answer(200, batch_text("", "PROCESSING")),
            service.answer(200, batch_text("", "FAILED")) }
    local waiting = to_batch("", "PROCESSING")
    local batches = here.client.batches
    assert.equal("a b c d", (read(batches:results "b1")))
    assert.equal("a b c d", (read(batches:results(waiting))))
    local none, _, err = batches:results("b1"):next()
    assert.is_nil(none)
    assert.equal("get results of batch b1: it is PROCESSING; its results are "
      .. "there once it is COMPLETED.", tostring(err))
    assert.equal("PROCESSING", err.batch.status)
    _, err = read(batches:results "b1")
    assert.matches("it has no outputUrl", err.message)
  end)

  it("may be none", function()
    for _, text in ipairs { whole({}, ""), whole({}, "\n"),
        media.answer(416, { ["Content-Range"] = "bytes */0" }) } do
      local names, err = read(start({ once(text) }):results())
      assert.same({ "", nil }, { names, err })
      stop()
    end
  end)

  it("may be errors, each of its row", function()
    local text = '{"request_id":"a","response":{"statusCode":422,'
      .. '"errorCode":"generation_input_video_inaccessible","message":"No."}}\n'
      .. line "b" .. '\n{"request_id":"c","response":{"message":"Odd."}}\n'
      .. '{"request_id":"d","response":null,"error":"gone"}\n'
      .. '{"request_id":"e"}\n{"request_id":"f","response":5}'
    local names, err, errors = read(start({ once(partial(0, {}, text)) })
      :results())
    assert.same({ "a b c d e f", nil }, { names, err })
    assert.equal("request a of batch b1: 422 "
      .. "generation_input_video_inaccessible: No.", tostring(errors.a))
    assert.same({ "api", 422 }, { errors.a.kind, errors.a.statusCode })
    assert.is_nil(errors.c.statusCode)
    assert.equal("request c of batch b1: Odd.", tostring(errors.c))
    assert.equal("gone", errors.d.details.error)
    assert.equal("5", errors.f.body)
    assert.equal(lipsync.is_error(errors.e), true)
  end)

  -- Where the last whole line ends in the first n bytes.
  local ends = {}
  for _, id in ipairs { "a", "b", "c", "d" } do
    local from = lines:find('{"request_id":"' .. id .. '"', 1, true)
    local stop_at = select(2, lines:find("%b{}", from))
    ends[#ends + 1] = stop_at
  end
  local function end_before(n)
    local last = 0
    for _, at in ipairs(ends) do if at <= n then last = at end end
    return last
  end

  it("go on after a break at any byte, from the end of a line", function()
    for n = 0, #lines - 1, STEP do
      local at = end_before(n)
      local batch = start { media.cut(partial(0, {}, lines), n),
                            once(partial(at, {}, lines)) }
      assert.equal("a b c d", names_of(batch:results()), n)
      local requests = here.files:requests(2)
      assert.equal(("bytes=%d-"):format(at), requests[2].headers.range)
      if at > 0 then
        assert.equal(media.etag, requests[2].headers["if-range"])
      end
      stop()
    end
  end)

  -- The second time they come in another order, and other lines are blank.
  local others = line "d" .. "\n" .. line "b" .. "\n" .. line("a") .. "\n"
    .. line("c") .. "\n"

  it("begin again after a break at any byte, and leave out what was given",
  function()
    for n = 0, #lines - 1, STEP do
      local batch = start { media.cut(whole({ ETag = false }, lines), n),
                            once(whole({ ETag = false }, others)) }
      local seen, results = {}, batch:results()
      for _ = 1, 4 do
        local id = assert(results:next())
        assert.is_nil(seen[id])
        seen[id] = true
      end
      assert.same({}, { results:next() })
      stop()
    end
  end)

  it("begin again where they are other ones", function()
    local after = end_before(#line "a" + 1)
    for _, text in ipairs { whole({ ETag = '"v2"' }, others),
                            partial(after, { ETag = '"v2"' }, others) } do
      local batch = start { media.cut(partial(0, {}, lines), after + 5),
                            once(text), once(partial(0, {}, others)) }
      assert.equal("a d b c", names_of(batch:results()))
      stop()
    end
  end)

  it("give a name as often as it is there", function()
    local twice = line "a" .. "\n" .. line "a" .. "\n" .. line "b" .. "\n"
    local weak = { ETag = 'W/"1"' }
    local batch = start { media.cut(whole(weak, twice), #line "a" + 5),
                          once(whole(weak, twice)) }
    assert.equal("a a b", names_of(batch:results()))
    stop()
    local thrice = line "a" .. "\n" .. twice
    batch = start { media.cut(whole(weak, thrice), 2 * #line "a" + 5),
                    once(whole(weak, thrice)) }
    assert.equal("a a a b", names_of(batch:results()))
  end)

  it("may come in parts", function()
    local function part(first, last)
      return media.answer(206, { ETag = media.etag, ["Content-Range"] =
        ("bytes %d-%d/%d"):format(first, last - 1, #lines) },
        lines:sub(first + 1, last))
    end
    local middle = ends[2] + 20
    local batch = start { once(part(0, ends[1])), once(part(ends[1], middle)),
                          once(part(ends[2], #lines)) }
    assert.equal("a b c d", names_of(batch:results()))
    assert.equal(3, #here.files:requests(3))
  end)

  it("ask for an address that has expired once more", function()
    local batch = start({ once(media.answer(403, {}, "<Error/>")),
      media.cut(partial(0, {}, lines), ends[1]),
      once(media.answer(404)), once(partial(ends[1], {}, lines)) }, 2)
    assert.equal("a b c d", names_of(batch:results()))
    stop()
    batch = start({ once(media.answer(403)), once(media.answer(403)) }, 1)
    local names, err = read(batch:results())
    assert.same({ "", 403 }, { names, err.statusCode })
    assert.is_nil(tostring(err):find("5ec3e7", 1, true))
  end)

  it("are refused where they are none", function()
    for text, words in pairs {
      [whole({ ["Content-Type"] = "text/html" }, "<p>")] =
        "expected lines of JSON objects, got text/html",
      [partial(0, {}, line "a" .. "\n{nope")] = "invalid JSON at byte",
      [partial(0, {}, line "a" .. "\n{}")] =
        "line 2 of the results has no request_id",
      [partial(0, {}, line "a" .. "\n[]")] = "is an array",
      [partial(0, {}, line "a" .. '\n{"request_id":"b"')] =
        "the JSON ends too early",
      [whole({ ["Content-Length"] = false, Connection = "close" }, lines)] =
        "does not say how long",
      -- a part without a line, after which nothing can be asked for
      [media.answer(206, { ["Content-Range"] = "bytes 0-1/99" }, "\n\n")] =
        "other bytes of the file than were asked for",
    } do
      local _, err = read(start({ once(text) }):results())
      assert.equal("protocol", err.kind)
      assert.is_truthy(tostring(err):find(words, 1, true), tostring(err))
      stop()
    end
    local text = whole({ ["Content-Length"] = false, Connection = "close" },
      lines)
    local batch = start { once(text) }
    assert.equal("a b c d",
      names_of(batch:results { allow_unknown_length = true }))
  end)

  it("come from no private address", function()
    local batch = serve { once(moved "http://10.0.0.1/r"),
                          once(moved "https://169.254.1.1/r") }
    for _ = 1, 2 do
      local _, err = read(batch:results())
      assert.equal("invalid", err.kind)
    end
  end)

  local it_measures = proc.is_here and not os.getenv "LIPSYNC_SANITIZED"
    and it or pending

  -- 64 MB, in lines of 64 KiB.
  it_measures("take the memory of a few of them, however many come", function()
    local one = line("a", ',"x":"' .. ("y"):rep(65400) .. '"') .. "\n"
    local batch = start { { { read = true }, { send =
      media.answer(200, { ["Content-Length"] = ("%d"):format(1000 * #one),
        ETag = media.etag }) }, { repeat_send = one, times = 1000 } } }
    local results, before, n = batch:results(), nil, 0
    for id, generation in results do
      n = n + 1
      assert(id == "a" and generation.id == "g-a")
      if n == 50 then before = proc.memory "self" end
      if n % 50 == 0 then collectgarbage() end
    end
    assert.equal(1000, n)
    assert.is_true(proc.memory "self" - before < 16 * 1024)
  end)

  it("have lines up to max_generation", function()
    local long = line("a", ',"x":"' .. ("y"):rep(200000) .. '"')
    local batch = start({ once(partial(0, {}, long)) })
    assert.equal("a", names_of(batch:results()))
    stop()
    batch = start({ once(partial(0, {}, long)) }, nil,
      { max_generation = 100000 })
    local _, err = read(batch:results())
    assert.equal("limit", err.kind)
  end)

  it("can be left and closed", function()
    local batch = start({ { { read = true },
      { send = partial(0, {}, lines):sub(1, -20) }, { hold = true } } })
    local results = batch:results()
    for id in results do
      if id == "b" then break end
    end
    results:close()
    results:close()
    local _, err = read(results)
    assert.equal("canceled", err.kind)
    assert.equal(1, #here.files:gone(1))
  end)

  it("raise in a for what next returns", function()
    local batch = start({ once(media.answer(400, {}, "no")) })
    local ok, err = pcall(function()
      for _ in batch:results() do error "none came" end
    end)
    assert.is_false(ok)
    assert.equal(400, err.statusCode)
    local results = batch:results()
    for name, call in pairs { next = results.next, close = results.close } do
      local told, problem = pcall(function() call() end)
      assert.is_false(told)
      assert.matches("results_spec.lua:%d+: call it with a colon: iterator:"
        .. name .. "%(%)", problem)
    end
    assert.has_error(function() return batch:results().unknown end)
    assert.has_error(function() batch:results().x = 1 end)
    assert.has_error(function() batch:results { unknown = 1 } end)
    assert.has_error(function() here.client.batches:results(5) end)
  end)

  it("end with the client, and at the timeout", function()
    local function hold()
      return { { read = true },
        { send = partial(0, {}, lines):sub(1, -20) }, { hold = true } }
    end
    local batch = start({ hold() })
    local results = batch:results { timeout = 1 }
    local _, err = read(results)
    assert.equal("timeout", err.kind)
    assert.equal(3, err.delivered)
    stop()
    batch = start({ hold() })
    results = batch:results()
    assert.equal("a", (results:next()))
    here.client:close()
    _, err = read(results)
    assert.equal("closed", err.kind)
  end)
end)

local found, emulator = pcall(require, "lipsync.emulator")

describe("the results of a batch of 500", function()
  if not found then
    pending("need the emulator, whose libraries are missing")
    return
  end

  -- Each break leaves at least one more line. After some of them the clock goes
  -- on, so that the service has other bytes in the same place.
  it("come in any order, cut and resumed, each once", function()
    local responses = 0
    local service_now = assert(emulator.start { generations = 0,
      batch_order = "mixed", batch_errors = 9, now = "2026-08-25T12:00:00Z" })
    local client = service.client(service_now.base_url, {
      api_key = service_now.key, on_event = function(event)
        if event.type == "response" and event.path:find "/media/" then
          responses = responses + 1
        end
      end })
    finally(function()
      client:close()
      service_now:stop()
    end)
    local n = 0
    local batch = assert(client.batches:create(function()
      n = n + 1
      return n <= 500 and { request_id = "r" .. n, payload = {
        model = "lipsync-2", input = {
          { type = "video", url = "https://media.example/" .. n },
          { type = "audio", url = "https://media.example/a.wav" } } } } or nil
    end))
    service_now:advance(360)
    batch = assert(batch:wait())
    assert.equal(445, batch.metrics.success_count)
    for i = 1, 12 do
      service_now:fault { route = "media", cut = i % 3 == 0 and 0 or 30000 }
    end
    local seen, order, failed, problem = {}, {}, 0
    local results = batch:results()
    while true do
      local id, generation, err = results:next()
      if not id then
        problem = err
        break
      end
      assert.is_nil(seen[id])
      seen[id], order[#order + 1] = true, tonumber(id:sub(2))
      if err then
        failed = failed + 1
        assert.equal(500, err.statusCode)
        assert.equal(0, order[#order] % 9)
      else
        assert.equal("https://media.example/" .. order[#order],
          generation.input[1].url)
      end
      if #order == 200 or #order == 300 then service_now:advance(1) end
    end
    assert.is_nil(problem)
    assert.same({ 500, 55 }, { #order, failed })
    local is_sorted = true
    for i = 2, 500 do is_sorted = is_sorted and order[i - 1] < order[i] end
    assert.is_false(is_sorted)
    assert.is_true(responses >= 12, responses)
  end)
end)
