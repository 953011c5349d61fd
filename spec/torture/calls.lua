-- SPDX-License-Identifier: MIT
-- The public calls that are tortured: every operation's, under "operation.get"
-- and so on; a call of each row that is only a step, "step.voices.clone"; a
-- wait for each object that can be waited for, "wait.speech" (a spec looks that
-- none is missing); and others that do more. Each function below prepares what
-- its call needs and returns the call, which does the work and checks it. It is
-- made with allocations failing, and then made again without.
--
-- `relent` makes allocations succeed from there on.

local url, closed_url, relent = ...

-- LuaJIT's compiler crashes where memory runs out while it stitches traces
-- together, whatever the script (SECURITY.md); its interpreter does not.
if jit then jit.off() end

local operations = dofile "spec/support/operations.lua"

local calls = {}

-- One slot, so that a slot which a failed call keeps is noticed; one attempt,
-- so that a failure is not tried away.
local function client(options)
  local own = { api_key = "torture-key", base_url = url, max_in_flight = 1,
                max_attempts = 1, timeout = 20 }
  for name, value in pairs(options or {}) do own[name] = value end
  return assert(require "lipsync".new(own))
end

-- What is expected of the responder's generations.
local function check_generation(generation)
  assert(generation.id:match "^g%d$")
  assert(generation.status == "FAILED")
  assert(generation.errorCode == "generation_pipeline_failed")
  assert(generation.error == "caf\195\169 \240\159\152\128 \239\191\189")
  assert(generation.options.temperature == 0.5)
  assert(generation.input[1].type == "video" and #generation.input == 2)
  assert(math.abs(generation.outputDuration - 12345.67890123456) < 1e-9)
  assert(generation.outputUrl == nil and generation:has "outputUrl")
end

local function is_same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for name, value in pairs(a) do
    if not is_same(value, b[name]) then return false end
  end
  for name in pairs(b) do
    if a[name] == nil then return false end
  end
  return true
end

-- The responder answers these with the samples' own responses.
for _, operation in ipairs(operations.list) do
  calls["operation." .. operation.name] = function()
    local own = client { base_url = url .. "/sample" }
    -- What is loaded when it is used was loaded before; see calls.warm.
    assert(operation:object(own)[operation.method_name])
    return function()
      local value, err = operation:run(own)
      if err then error(err, 0) end
      assert(is_same(operations.plain(value), operation.value))
    end
  end
end

-- ---- Rows that are a step of a call ----

-- A small file, whose name is a sound's.
local sample = "build/torture.wav"

local function write_sample()
  local file = assert(io.open(sample, "wb"))
  file:write(("abc"):rep(1000))
  file:close()
end

local function step(run)
  return function()
    local own = client()
    write_sample()
    require "lipsync.error.backoff".jitter = function() return 0 end
    return function()
      local made, err = run(own)
      if not made then error(err, 0) end
      assert(made:get "id" == "a1")
    end
  end
end

local function batch_rows()
  local rows = {}
  for i = 1, 20 do
    rows[i] = { model = "lipsync-2", input = {
      { type = "video", url = ("https://media.example/%d.mp4"):format(i) } } }
  end
  return rows
end

calls["step.assets.upload_url"] = step(function(own)
  return own.assets:upload(sample, { on_progress = function() end })
end)
calls["step.voices.clone"] = step(function(own)
  return own.voices:clone { name = "Me", provider = "elevenlabs",
                            file = sample }
end)
calls["step.batches.create"] = step(function(own)
  return own.batches:create(batch_rows(), { webhook_url = "https://a/b" })
end)
calls["step.batches.check"] = step(function(own)
  return own.batches:create(batch_rows(), { dry_run = true })
end)

-- ---- Waits: a look that fails is made again, so from then on there is memory

for _, name in ipairs { "generations", "speech", "transcriptions",
                        "dialogue_edits", "batches" } do
  calls["wait." .. name] = function()
    local own = client { base_url = url .. "/sample", on_event = function(event)
      if event.err then relent() end
    end }
    require "lipsync.error.backoff".jitter = function() return 0 end
    assert(own[name].wait)
    return function()
      local ended, err = own[name]:wait("g1", { timeout = 20 })
      if not ended then error(err, 0) end
      assert(ended.id == "g1")
    end
  end
end

-- Two waits without a long poll, one of which asks for both: the first look at
-- each finds it pending.
function calls.wait_shared()
  local core = require "lipsync.core"
  require "lipsync.error.backoff".jitter = function() return 0 end
  require "lipsync.compound.wait".seldom = 0.25
  core.random = function() return -3.9 end  -- a fortieth of each pause
  local lists = 0
  local own = client { on_task_error = function() end,
    on_event = function(event)
      if event.err then relent() end
      if event.path == "/v2/generations" and event.type == "request" then
        lists = lists + 1
      end
    end }
  own.options.max_waits = 0
  local get, looks = require "lipsync.resources.generations".specs.get, {}
  local accept = get.accept
  function get.accept(this, status, object)
    if looks[this.id] then return accept(this, status, object) end
    looks[this.id] = true
    return core.object("Generation",
      ('{"id":"%s","status":"PENDING"}'):format(this.id), own)
  end
  local function wait(id)
    return own:spawn(own.generations.wait, own.generations, id,
      { timeout = 20 })
  end
  return function()
    own:run()
    looks, lists = {}, 0
    local tasks = { wait "g1", wait "g2" }
    own:run()
    for i, task in ipairs(tasks) do
      local generation, err = task:wait()
      if not generation then error(err, 0) end
      assert(generation.id == "g" .. i)
      check_generation(generation)
    end
    assert(lists > 0)
  end
end

local function check_ids(found, wanted)
  assert(table.concat(found, " ") == (wanted or "g1 g2 g3 g4 g5"),
    table.concat(found, " "))
end

local function list(filter)
  return function()
    local own = client()
    return function()
      local found = {}
      for generation in own.generations:list(filter) do
        check_generation(generation)
        found[#found + 1] = generation.id
      end
      check_ids(found)
    end
  end
end

--- Loading the module, for what needs no client.
function calls.load()
  require "lipsync"
  return function()
    for name in pairs(package.loaded) do
      if name:find "^lipsync" then package.loaded[name] = nil end
    end
    assert(require "lipsync".generation '{"id":"g1"}'.id == "g1")
  end
end

--- A request that the library has no method for.
function calls.request()
  local own = client()
  return function()
    local response, err = own:request("POST", "/count_bytes",
      { body = { a = 1 }, query = { b = { "c", 2 } } })
    if not response then error(err, 0) end
    assert(response.statusCode == 200 and response.body.bytes == 7)
    assert(response.headers["content-type"] == "application/json")
  end
end

--- The first client, which loads all the rest, and a first request. What
--- failed to load stays as the VM has left it.
function calls.first()
  local lipsync = require "lipsync"
  return function()
    local own = lipsync.new { api_key = "torture-key", base_url = url,
                              max_attempts = 1, timeout = 20 }
    local n, err = own.generations:count()
    if not n then error(err, 0) end
    assert(n == 5)
    own:close()
  end
end

function calls.new()
  client():close()
  return function()
    local own = client { headers = { ["X-A"] = "b" }, user_agent = "torture/1",
                         proxy = "", ca_file = "none" }
    assert(tostring(own):find "127.0.0.1")
    own:close()
  end
end

calls.list = list()
calls.list_gzip = list { source = "gzip" }
calls.list_pages = list { page_size = 2 }
calls.list_gzip_pages = list { source = "gzip", page_size = 2 }

function calls.list_break()
  local own = client()
  return function()
    local listing = own.generations:list()
    for generation in listing do
      if generation.id == "g3" then break end
    end
    listing:close()
    listing:close()
    assert(listing.delivered == 3 and listing.bytes > 0)
  end
end

-- A listing goes on after a step ran out of memory: each generation is given
-- once. Only if the transfer itself failed, it ends with an error.
local function resumed(filter)
  return function()
    local own = client()
    return function()
      local listing = own.generations:list(filter)
      local found, failed = {}, 0
      while true do
        local ok, generation, err = pcall(listing.next, listing)
        if not ok then
          relent()
          failed = failed + 1
          if failed > 1 then error(generation, 0) end
        elseif err then
          error(err, 0)
        elseif not generation then
          break
        else
          found[#found + 1] = generation:get "id"
        end
      end
      check_ids(found)
    end
  end
end

calls.resume = resumed()
calls.resume_pages = resumed { page_size = 2 }

function calls.all()
  local own = client()
  return function()
    assert(#assert(own.generations:all { ids = { "g1", "g2" } }) == 2)
  end
end

function calls.get()
  local own = client()
  return function()
    local generation, err = own.generations:get "g1"
    if not generation then error(err, 0) end
    check_generation(generation)
  end
end

function calls.create()
  local own = client()
  local request = { model = "lipsync-2", options = { temperature = 0.5 },
    input = { { type = "video", url = "https://media.example/v.mp4" },
              { type = "audio", assetId = "a1" } } }
  return function()
    local generation, err = own.generations:create(request,
      { idempotency_key = "k1", headers = { ["X-A"] = "b" } })
    if not generation then error(err, 0) end
    check_generation(generation)
  end
end

--- The same with a file, which is held back at its end.
function calls.create_files()
  local own = client()
  local request = { model = "lipsync-2", input = {
    { type = "video", file = "spec/torture/calls.lua" },
    { type = "audio", url = "https://media.example/v.wav" } } }
  return function()
    local told
    local generation, err = own.generations:create(request,
      { on_progress = function(sent, total) told = sent / total end })
    if not generation then error(err, 0) end
    check_generation(generation)
    assert(told == 1)
  end
end

--- With a receipt, which a call that failed may have left, and a file that is
--- uploaded as an asset before.
function calls.create_receipt()
  local own = client()
  write_sample()
  require "lipsync.compound.receipt"
  local receipt = "build/torture.json"
  local request = { model = "lipsync-2", input = {
    { type = "audio", file = sample },
    { type = "video", url = "https://media.example/v.mp4" } } }
  for _, ending in ipairs { "", ".lock" } do os.remove(receipt .. ending) end
  return function()
    local generation, err = own.generations:create(request,
      { receipt = receipt, upload = "asset" })
    if not generation then error(err, 0) end
    check_generation(generation)
  end
end

-- A request that fails is made again in the next round, so from then on there
-- is memory.
function calls.wait_many()
  require "lipsync.compound.wait_many".interval = function() return 0 end
  local own = client { on_event = function(event)
    if event.err then relent() end
  end }
  return function()
    local n = 0
    for id, generation, err in own.generations:wait_many { "g1", "g2" } do
      if err then error(err, 0) end
      n = n + 1
      check_generation(generation)
      assert(id == "g" .. n)
    end
    assert(n == 2)
  end
end

function calls.create_many()
  local own = client { on_task_error = function() end }
  return function()
    local requests, seen = {}, {}
    for i = 1, 3 do
      requests[i] = { model = "lipsync-2",
        input = { { type = "video", url = "https://example.com/a.mp4" } } }
    end
    local all = own.generations:create_many(requests, { concurrency = 2 })
    for index, generation, err in all do
      if err then error(err, 0) end
      assert(not seen[index])
      seen[index] = true
      check_generation(generation)
    end
    assert(#seen == 3 and #all.open == 0)
  end
end

-- A generation whose output is a listing: what the responder sends is as good
-- a file as any.
local function completed(id)
  return assert(require "lipsync".generation(
    ('{"id":"%s","status":"COMPLETED","outputUrl":"%s/v2/generations?ids=g2"}')
      :format(id, url)))
end

-- Raises unless there is this file, and removes it.
local function check_download(result, path)
  local file = assert(io.open(path, "rb"))
  local size = file:seek "end"
  file:close()
  assert((not result or size == result.bytes) and size > 20000)
  os.remove(path .. ".part")
  os.remove(path)
end

local function download(run)
  local own = client { on_task_error = function() end }
  local path = os.tmpname()
  local generation = completed "g1"
  return function()
    local result, err = run(own, function()
      return own.generations:download(generation, path,
        { if_exists = "overwrite" })
    end)
    if not result then error(err, 0) end
    check_download(result, path)
  end
end

function calls.download()
  return download(function(_, fetch) return fetch() end)
end

-- In a task a thread waits for the disk. One that an earlier call has left,
-- because no step could be made, ends first.
function calls.download_in_task()
  return download(function(own, fetch)
    own:run()
    local task = own:spawn(fetch)
    own:run()
    return task:wait()
  end)
end

function calls.download_many()
  local own = client()
  local items = { completed "g1", completed "g2" }
  return function()
    local tally, err = own.generations:download_many(items, "build",
      { if_exists = "overwrite", concurrency = 2 })
    if not tally then error(err, 0) end
    if tally.failed > 0 then error(tally.errors[1], 0) end
    assert(tally.downloaded == 2)
    for _, id in ipairs { "g1", "g2" } do
      check_download(nil, ("build/%s-%s.json"):format(id, id))
    end
  end
end

function calls.delete_when_done()
  local own = client()
  local path = os.tmpname()
  local generation = completed "g1"
  return function()
    local deleted, err, _, file = own.generations:delete_when_done(generation,
      { download = path, if_exists = "overwrite" })
    if not deleted then error(err, 0) end
    assert(deleted.id == "g1")
    check_download(file, path)
  end
end

function calls.delete()
  local own = client()
  return function()
    local deleted, err = own.generations:delete("g1", { tag = {},
      headers = { ["X-A"] = "b" } })
    if not deleted then error(err, 0) end
    assert(deleted.id == "g1")
  end
end

function calls.delete_own()
  local own = client()
  local generation = assert(own.generations:get "g1")
  return function()
    local deleted, err = generation:delete()
    if not deleted then error(err, 0) end
  end
end

function calls.delete_missing()
  local own = client()
  return function()
    local deleted, err = own.generations:delete "missing"
    assert(not deleted)
    if err.kind ~= "api" then error(err, 0) end
    assert(err.errorCode == "generation_not_found" and err.requestId == "r1")
    assert(tostring(err):find "404" and err.details.extra.a[1] == 1)
  end
end

function calls.delete_many()
  local own = client { max_in_flight = 4 }
  return function()
    local seen = {}
    local result, err = own.generations:delete_many(own.generations:list(), {
      concurrency = 3, everything = true,
      on_result = function(id) seen[#seen + 1] = id end,
    })
    if err then error(err.cause or err, 0) end
    if result.errors[1] then error(result.errors[1], 0) end
    assert(result.deleted == 5 and #seen == 5)
  end
end

--- With receipts of one generation, which a call that failed may have left.
function calls.delete_many_receipts()
  local own, folder = client(), os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
  local request = { model = "lipsync-2", input = {
    { type = "video", url = "https://media.example/v.mp4" },
    { type = "audio", url = "https://media.example/v.wav" } } }
  local paths = { folder .. "/1.json", folder .. "/2.json" }
  local id, text
  for _, path in ipairs(paths) do
    id = assert(own.generations:create(request, { receipt = path,
      idempotency_key = "k1" })).id
    local file = assert(io.open(path, "rb"))
    text = file:read "*a"
    file:close()
  end
  return function()
    for _, path in ipairs(paths) do
      os.remove(path .. ".lock")
      local file = assert(io.open(path, "wb"))
      file:write(text)
      file:close()
    end
    local result, err = own.generations:delete_many({ id },
      { receipts = folder })
    if not result then error(err, 0) end
    if result.errors[1] then error(result.errors[1], 0) end
    assert(result.deleted == 1)
    for _, path in ipairs(paths) do
      local file = assert(io.open(path, "rb"))
      assert(file:read "*a":find('"done"', 1, true), path)
      file:close()
    end
  end
end

--- Tasks, of which each makes a call; one of them ends before its time.
function calls.tasks()
  local failed, own
  own = client { max_in_flight = 3, on_task_error = function(problem)
    failed = failed or problem
  end }
  return function()
    local done = 0
    failed = nil
    for _ = 1, 3 do
      own:spawn(function()
        local generation, err = own.generations:get "g1"
        if not generation then error(err, 0) end
        done = done + 1
      end)
    end
    local canceled = own:spawn(function() own.generations:get "g2" end)
    own:step()
    canceled:cancel()
    own:run()
    assert(own:pending() == 0, "a task was lost")
    if failed then error(failed, 0) end
    assert(done == 3)
  end
end

function calls.warm()
  local own = client()
  return function()
    local warm, err = own:warm()
    if not warm then error(err, 0) end
    assert(own:fd() and (own:timeout() or 0) >= 0)
  end
end

function calls.explain()
  local own = client()
  return function()
    -- A catalog that did not come for `explain` is not asked for again soon.
    local entries, err = own.errors:list()
    if err then error(err, 0) end
    assert(#entries == 1)
    local entry = assert(own.errors:explain "generation_not_found")
    assert(entry.suggestion == "s")
  end
end

function calls.refused()
  local own = client { base_url = closed_url }
  return function()
    local none, err = own.generations:count()
    assert(not none)
    if err.kind ~= "connection" then error(err, 0) end
    assert(tostring(err):find "cannot ", tostring(err))
  end
end

local many = {}
for i = 1, 70 do many[i] = ('"k%d":%d'):format(i, i) end

local text = '{"id":"g\\u0031","status":"DONE","createdAt":'
  .. '"2026-08-25T10:00:00.250Z","\\u0061b":[1,null,{"x":"'
  .. ("\\n"):rep(600) .. '"}],"big":123456789012345678901234567890,'
  .. '"long":' .. ("1"):rep(80) .. ".5," .. '"error_code":null,'
  .. table.concat(many, ",") .. "}"

function calls.generation()
  local lipsync = require "lipsync"
  return function()
    local generation = assert(lipsync.generation(text))
    assert(generation.id == "g1" and generation:get "k70" == 70)
    assert(generation.ab[3].x == ("\n"):rep(600))
    assert(generation.ab == generation.ab and generation.big > 1e29)
    assert(generation:json() == text and generation.long > 1e79)
    assert(generation:decode().error_code == lipsync.null)
    assert(generation == assert(lipsync.generation(text)))
    assert(tostring(generation) == "Generation g\\u0031 DONE")
    assert(not generation:is_terminal() and generation:created_at())
    local n = 0
    for name in generation:fields() do n = n + #name end
    assert(n > 200)
  end
end

function calls.generation_bad()
  local lipsync = require "lipsync"
  return function()
    for _, bad in ipairs { "", "[]", '{"id":1}', '{"id":"a",}', "{\255" } do
      local none, err = lipsync.generation(bad)
      assert(none == nil and lipsync.is_error(err))
      assert(#tostring(err) > 20 and err.kind == "protocol")
    end
  end
end

function calls.encode()
  local core = require "lipsync.core"
  local generation = assert(core.object("Object", text))
  local value = { list = core.array {}, of = { generation, 0.1 + 0.2, 7 } }
  for i = 1, 70 do value["k" .. i] = { deep = { [("n"):rep(i)] = i / 7 } } end
  local bad = { input = { {}, { ["a b"] = "\255" } } }
  return function()
    local written = assert(core.encode(value))
    local read = assert(core.decode(written))
    assert(core.encode(read.k70) == core.encode(value.k70))
    assert(core.encode(read.list) == "[]" and #read.of == 3)
    assert(core.compact(written) == written)
    local none, why = core.encode(bad)
    assert(none == nil and why == 'input[2]["a b"]: invalid UTF-8')
    assert(not core.encode(value, 1000))
  end
end

-- The HMAC is OpenSSL's own program's.
function calls.webhook()
  local verify = require "lipsync".webhook.verify
  local body, now = '{"id":"a","status":"COMPLETED"}', { now = 1787652000 }
  local headers = { ["sync-signature"] = { "t=1787652000,v1=7088c018721618903b"
    .. "0fa8cef0d096016b056955ef61e21f94a2f342e1a6fef2" } }
  return function()
    local generation, err = verify(body, headers,
      { "whsec_other", "whsec_example" }, now)
    if not generation then error(err, 0) end
    assert(generation.id == "a")
    local none, why = verify(body .. " ", headers, "whsec_example", now)
    assert(none == nil and why.kind == "signature")
  end
end

function calls.events()
  local own, said
  own = client { on_event = function(event) said = event end }
  return function()
    local deleted, err = own.generations:delete "g1"
    if not deleted then error(err, 0) end
    assert(said.type == "response" and said.statusCode == 200)
  end
end

--- Closing a client with a listing half-read; what is left is collected.
function calls.close()
  require "lipsync"
  return function()
    local own = client()
    local listing = own.generations:list()
    local generation, err = listing:next()
    if not generation then error(err, 0) end
    own:close()
    own:close()
    local rest
    repeat rest, err = listing:next() until not rest
    assert(err.kind == "closed")
  end
end

--- A listing is abandoned.
function calls.collect()
  local own = client()
  return function()
    local generation, err = own.generations:list():next()
    if not generation then error(err, 0) end
    collectgarbage()
    collectgarbage()
    assert(generation.id == "g1" and tostring(generation))
  end
end

-- ---- Transfers without a client: bodies, chunks, other origins ----

-- A value, or its failure raised in words.
local function checked(value, raw)
  if value == nil and raw then
    error(select(2, require "lipsync.error.failure".describe(raw, "it")), 0)
  end
  return value
end

-- Starts a request and reads it by `method`, until that gives no false.
local function exchange(session, request, method)
  local transfer = checked(session:start(nil, request.method, request.path,
    request.type, request.key, request.headers, request.idempotency_key,
    request.body, request.content_type, request))
  while true do
    local value, raw = transfer[method](transfer)
    if value ~= false then return checked(value, raw), transfer end
    if transfer:held() then transfer:release() end
    session:poll(5)
  end
end

local path = "spec/torture/calls.lua"

-- Sends the body that `make` makes, and checks that it arrives.
local function send(make, more)
  return function()
    local http = require "lipsync.http"
    local session = http.session { base_url = url, api_key = "torture-key",
                                   headers = { ["X-A"] = "b" } }
    return function()
      local request = { method = "POST", path = "/count_bytes", key = true }
      for name, value in pairs(more or {}) do request[name] = value end
      local body = checked(make(http))
      request.body = body
      local said, transfer = exchange(session, request, "read")
      local given, length = transfer:uploaded()
      assert(given == length and length > 0)
      assert(said == ('{"bytes":%d}'):format(length), said)
    end
  end
end

calls.send_bytes = send(function() return ("x"):rep(70000) end,
  { content_type = "application/json" })
calls.send_short = send(function() return "{}" end,
  { content_type = "application/json", idempotency_key = "k" })
calls.send_file = send(function(http)
  return http.body { file = path, offset = 10 }
end)
calls.send_held = send(function(http)
  return http.body { file = path }
end, { hold = 1000 })
-- More than one slice.
calls.send_parts = send(function(http)
  local spec = { boundary = "boundary-of-the-torture",
                 { name = "model", bytes = "lipsync-2" } }
  for i = 1, 8 do
    spec[#spec + 1] = { name = 'vi"deo', filename = "clip.mp4",
                        type = "video/mp4", file = path, offset = i }
  end
  return http.body(spec)
end)
calls.send_elsewhere = send(function() return "abc" end,
  { origin = url, headers = { ["X-B"] = "c" }, query = "a=b" })

function calls.body_bad()
  local http = require "lipsync.http"
  return function()
    local body, raw = http.body { file = "/nowhere" }
    assert(not body)
    if raw.code ~= "file_missing" then checked(body, raw) end
    local stamp, problem = http.stamp "/"
    assert(not stamp and problem.code == "file_folder")
  end
end

-- The file is made first, because closing it is the collector's otherwise.
function calls.chunks()
  local session = require "lipsync.http".session { base_url = url }
  local name = os.tmpname()
  local target = require "lipsync.file".open(name, "edit")
  os.remove(name)
  return function()
    target:truncate(0)
    target:seek(0)
    local transfer = checked(session:start(nil, "GET", "/v2/generations",
      nil, false, nil, nil, nil, nil, { mode = "chunks" }))
    local total, n, raw = 0, false, nil
    while n ~= nil do
      n, raw = transfer:save(target)
      if n == false then session:poll(5) end
      total = total + (n or 0)
    end
    checked(not raw or nil, raw)
    checked(target:seek(0))
    local whole = checked(target:read(total + 1))
    assert(#whole == total and total > 20000 and whole:sub(-1) == "]")
  end
end

function calls.lines()
  require "lipsync"
  local session = require "lipsync.http".session { base_url = url }
  return function()
    local first = exchange(session, { method = "GET", path = "/lines",
      mode = "lines", type = "Generation" }, "next")
    check_generation(first)
  end
end

--- What is at the API's own address, with the key.
function calls.results()
  local own = client()
  require "lipsync.resources.batches"
  local batch = assert(require "lipsync.core".object("Batch",
    ('{"id":"b1","status":"COMPLETED","outputUrl":"%s/results"}'):format(url)))
  return function()
    local results = own.batches:results(batch)
    local id, generation = results:next()
    if not id then error(select(3, results:next()), 0) end
    check_generation(generation)
    local other, none, err = results:next()
    assert(id == "r1" and other == "r2" and not none and err.kind == "api")
    assert(not results:next())
  end
end

function calls.object_type()
  local core = require "lipsync.core"
  return function()
    core.object_type { name = "Thing", has_id = true, aliases = { a = "b" },
      shows = { "id", "a" }, methods = { own = function() return 1 end } }
    local thing = checked(core.object("Thing", '{"id":"x","b":"y"}', {}))
    assert(tostring(thing) == "Thing x y" and thing:own() == 1)
    assert(core.type_of(thing) == "Thing" and core.owner(thing))
    assert(core.member(thing, "b") == '"y"')
  end
end

return calls
