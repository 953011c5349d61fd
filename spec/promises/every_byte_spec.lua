-- SPDX-License-Identifier: MIT
-- Cut responses to every operation, through the public calls: a good response
-- and an error; plain, chunked and gzip; on a fresh connection and a reused
-- one; by a close, a reset and a stall. Also the pages of a listing, which must
-- go on, and responses that arrive in two pieces.
--
-- Cuts after every 29th byte, from another start each time, for the first call
-- of each kind of reading, and every 253rd for the others; after every byte for
-- all with LIPSYNC_EVERY=1, as "make every-byte" does.

local core = require "lipsync.core"
local cuts = require "spec.support.cuts"
local operations = require "spec.support.operations"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local STEP = tonumber(os.getenv "LIPSYNC_EVERY") or 29
local STRIDE = 9 * (STEP - 1) + 1
local AT_ONCE = 48
local RETRIES = 32  -- at once; a client has tokens for at most 35
-- The stall_timeout in seconds: at first, and after it was too short for a busy
-- machine.
local PATIENCE = { 0.05, 0.5, 4 }
local MOST = 15     -- the longest a call may take; its `timeout` is 20

local ERROR = '{"message":"busy","statusCode":409,'
  .. '"errorCode":"generation_not_deletable_while_processing"}'

local server, client

local function serve(own, options)
  server = own
  local given = { max_attempts = 1, max_in_flight = AT_ONCE,
                  on_task_error = cuts.keep }
  for name, value in pairs(options or {}) do given[name] = value end
  client = service.client(server.base_url, given)
end

local function stop()
  if client then client:close() end
  if server then server:stop() end
  client, server = nil, nil
end

-- Every `step`th number from `first` to `last`, and the last one; with another
-- start each time.
local turn = 0
local function positions(first, last, step)
  local list = {}
  turn = turn + 1
  for n = first + turn % step, last - 1, step do list[#list + 1] = n end
  list[#list + 1] = last
  return list
end

-- The responses of each operation, a good one or an error, and the number of
-- places to cut each.
local cases, known = {}, {}

local function add_case(operation, status, body, is_error)
  local kind = table.concat({ status,
    operation.streams and not is_error and "stream" or "" }, ",")
  cases[#cases + 1] = {
    name = operation.name .. " " .. status, operation = operation,
    status = status, body = body, is_error = is_error,
    step = known[kind] and STRIDE or STEP,
  }
  known[kind] = true
end

for _, operation in ipairs(operations.list) do
  add_case(operation, 200, operation.exchanges[1][2], false)
  add_case(operation, 409, ERROR, true)
end

-- The cuts of all cases: a case and a position in its response.
local function places_of(encoding, first, find_last)
  local places = {}
  for _, case in ipairs(cases) do
    local answer = cuts.answer(case.status, case.body, encoding)
    for _, n in ipairs(positions(first, find_last(answer), case.step)) do
      places[#places + 1] = { name = case.name .. " " .. n, n = n,
                              case = case, answer = answer }
    end
  end
  return places
end

-- The number of objects that are complete in the first `n` bytes of the body.
local function complete(case, n)
  local count, at = 0, 1
  for i, object in ipairs(case.operation.value) do
    local _, stop_at = case.body:find(object, at, true)
    if not stop_at or stop_at > n then break end
    count, at = i, stop_at
  end
  return count
end

-- Reads a listing: the number of generations, and the error.
local function read_all(listing, expected)
  local count = 0
  while true do
    local generation, err = listing:next()
    if not generation then return count, err end
    count = count + 1
    assert.equal(expected[count], generation:json())
  end
end

-- Checks the error for a cut response. An error response that is not complete
-- must not be used.
local function check_broken(place, kind, err)
  assert.is_table(err, place.name)
  assert.equal(kind, err.kind, place.name .. ": " .. tostring(err))
  assert.is_nil(err.errorCode)
  assert.is_nil(tostring(err):find(service.key, 1, true))
end

-- How much a listing delivered, and how much it could have delivered: false if
-- that is not known.
local function check_listing(place, kind, listing)
  local case = place.case
  local count, err = read_all(listing, case.operation.value)
  check_broken(place, kind, err)
  assert.equal(count, listing.delivered)
  assert.equal(count, err.delivered)
  -- The next call returns the same.
  local again, same = listing:next()
  assert.is_nil(again)
  assert.equal(err, same)
  local there = 0
  if case.operation.streams and not case.is_error then
    there = place.answer.arrived
      and complete(case, place.answer.arrived(place.n)) or false
  end
  return count, there, err
end

-- The same for other calls: 1 for success, impossible for a cut response.
local function check_value(place, kind, value, err)
  local case, operation = place.case, place.case.operation
  if value == nil then
    check_broken(place, kind, err)
    if operation.row.unknown and not case.is_error then
      assert.matches(operation.row.unknown, tostring(err), 1, true)
    end
  elseif type(value) == "userdata" then
    assert.equal("g1", value.id)
  end
  return value and 1 or 0, 0, err
end

-- Makes the call and checks what holds for any cut. Returns how much the caller
-- got, how much was available, and the error.
local function check(place, kind, options)
  local operation = place.case.operation
  local value, err = operation:begin(client, cuts.at(place.name, options))
  if type(value) == "table" and value.next then
    return check_listing(place, kind, value)
  end
  if operation.read then value, err = operation.read(value, err) end
  return check_value(place, kind, value, err)
end

local endings = {
  close = { step = { close = true }, kind = "connection" },
  reset = { step = { reset = true }, kind = "connection" },
  silence = { step = { hold = true }, kind = "timeout" },
}

-- Compares what a call got with what was available. Returns whether the stall
-- was too short for everything sent to arrive.
local function is_late(ending, place, count, there)
  assert.is_true(count <= (there or #place.case.operation.value), place.name)
  if not there or count == there then return false end
  -- A reset may discard bytes that have arrived.
  assert.is_true(ending.step.reset or ending.step.hold, place.name)
  return ending.step.hold or false
end

-- Makes the cut calls, all at once. Notes how much each got in `got`, and
-- returns the late ones.
local function make_cuts(ending, places, patience, got)
  local late = {}
  cuts.each(client, places, AT_ONCE, function(place)
    local began = core.now()
    local count, there, err = check(place, ending.kind,
      ending.step.hold and { stall_timeout = patience })
    assert.is_true(core.now() - began < MOST, place.name)
    if err and ending.step.hold then
      assert.matches("stall_timeout", tostring(err), 1, true)
    end
    if is_late(ending, place, count, there) then late[#late + 1] = place end
    got[place] = count
  end)
  return late
end

-- Makes reusable connections, one for each cut, with one request each.
local function warm_up(places)
  cuts.each(client, places, AT_ONCE, function()
    assert(operations.by_name.list:run(client, cuts.at "whole"))
  end)
end

-- Runs one batch, and again those whose stall was too short. Counts the
-- requests for each in `tries`; returns how many requests that made.
local function cut_batch(ending, batch, reused, got, tries)
  local requests, late = 0, batch
  if reused then
    warm_up(batch)
    requests = #batch
  end
  for _, patience in ipairs(PATIENCE) do
    requests = requests + #late
    for _, place in ipairs(late) do
      tries[place.name] = (tries[place.name] or 0) + 1
    end
    late = make_cuts(ending, late, patience, got)
    if #late == 0 then return requests end
  end
  error("too late: " .. late[1].name)
end

-- Cuts at all places until each used a connection of the wanted kind: after one
-- has broken, as many calls get a fresh one as may be idle, or for a second.
-- Each call made one request.
local function cut_all(ending, places, reused)
  local got, tries, total, left = {}, {}, 0, places
  for _ = 1, 500 do
    for first = 1, #left, AT_ONCE do
      local batch = {}
      for i = first, math.min(first + AT_ONCE - 1, #left) do
        batch[#batch + 1] = left[i]
      end
      total = total + cut_batch(ending, batch, reused, got, tries)
      -- Otherwise abandoned connections might fill the server's backlog.
      server:requests(total)
    end
    local asked, warm = cuts.seen(server, total)
    assert.same(tries, asked)
    local rest = {}
    for _, place in ipairs(left) do
      if reused and not warm[place.name] then rest[#rest + 1] = place end
    end
    if #rest == 0 then return got end
    left = rest
  end
  error(("%d are not on reused connections"):format(#left))
end

-- If it is unknown how much can be read of so many bytes: more bytes give no
-- less, and all bytes give all.
local function check_grows(got, places)
  local most = 0
  for i, place in ipairs(places) do
    local case, next_one = place.case, places[i + 1]
    if case.operation.streams and not case.is_error then
      assert.is_true(got[place] >= most, place.name)
      most = got[place]
      if not next_one or next_one.case ~= case then
        assert.equal(#case.operation.value, most)
        most = 0
      end
    end
  end
end

describe("a cut response", function()
  after_each(stop)

  for _, encoding in ipairs(cuts.encodings) do
    for _, how in ipairs { "close", "reset", "silence" } do
      for _, reused in ipairs { false, true } do
        it(("is told as it is: %s, %s, %s"):format(encoding, how,
          reused and "reused" or "fresh"), function()
          local ending = endings[how]
          local places = places_of(encoding, 0,
            function(answer) return answer.last end)
          serve(cuts.server(places, ending.step,
            scripted.response(200, "[]")))
          local got = cut_all(ending, places, reused)
          if encoding == "gzip" and how == "close" then
            check_grows(got, places)
          end
        end)
      end
    end
  end
end)

local paged = operations.by_name.list_pages

-- A listing whose source is "2-17" finds the second page cut after the 17th
-- byte, once; so does "2-17-again". Returns the script and the sources.
local function page_script(encoding, step)
  local script, names = { pick = true }, {}
  local function asked_by(page) return page[1]:sub(2) .. " " end
  for i, page in ipairs(paged.exchanges) do
    local answer = cuts.answer(200, page[2], encoding)
    for _, n in ipairs(positions(0, answer.last, STEP)) do
      local name = i .. "-" .. n
      names[#names + 1] = name
      for _, tail in ipairs { "", "-again" } do
        script[#script + 1] = { times = 1, { send = answer.bytes:sub(1, n) },
          step, when = ("source=%s%s&%s"):format(name, tail, asked_by(page)) }
      end
    end
  end
  for _, page in ipairs(paged.exchanges) do
    script[#script + 1] = { when = asked_by(page),
      { send = cuts.answer(200, page[2], encoding).bytes } }
  end
  return script, names
end

-- Reads all listings; returns those whose stall was too short, which only a
-- stall may cause.
local function read_pages(ending, names, at_once)
  local late = {}
  cuts.each(client, names, at_once, function(name)
    local listing = paged:begin(client, nil, { paged.texts(name)[1] })
    local count, err = read_all(listing, paged.value)
    if err and ending.kind == "timeout" and err.kind == "timeout" then
      late[#late + 1] = name .. "-again"
      return
    end
    assert.is_nil(err, name)
    assert.equal(#paged.value, count, name)
    assert.equal(count, listing.delivered)
  end)
  return late
end

describe("a cut page", function()
  after_each(stop)

  for _, encoding in ipairs(cuts.encodings) do
    for how, ending in pairs(endings) do
      it(("is asked for again, and nothing comes twice: %s, %s"):format(
        encoding, how), function()
        local script, names = page_script(encoding, ending.step)
        serve(scripted.start(script), { max_attempts = 2,
          stall_timeout = ending.step.hold and 0.2 or nil })
        local late = read_pages(ending, names, RETRIES)
        if ending.step.hold then
          -- Uses another client, because this one's retry budget may be spent.
          client:close()
          serve(server, { max_attempts = 2, stall_timeout = PATIENCE[3] })
          assert.same({}, read_pages(ending, late, RETRIES))
        else
          local asked = #names * (#paged.exchanges + 1)
          assert.equal(asked, #server:requests(asked))
        end
      end)
    end
  end
end)

describe("a response in two pieces, split at every byte,", function()
  after_each(stop)

  -- The further responses of a call that makes several requests.
  local function further(place)
    local more = {}
    for i = 2, place.case.is_error and 0 or #place.case.operation.exchanges do
      more[#more + 1] = scripted.response(200,
        place.case.operation.exchanges[i][2])
    end
    return more
  end

  local function read(place, of)
    local case, operation = place.case, place.case.operation
    local value, err = operation:run(of, cuts.at(place.name))
    if not case.is_error then
      assert.is_nil(err, tostring(err))
      assert.same(operation.value, operations.plain(value))
    elseif operation.spares(409) then
      assert.is_truthy(value)
    else
      assert.is_nil(value)
      assert.equal("generation_not_deletable_while_processing", err.errorCode)
      assert.equal(409, err.statusCode)
    end
  end

  for _, encoding in ipairs(cuts.encodings) do
    it("is read as one: " .. encoding, function()
      local places = places_of(encoding, 1,
        function(answer) return #answer.bytes - 1 end)
      local once, often = {}, {}
      for _, place in ipairs(places) do
        place.more = further(place)
        local list = place.case.operation.keeps and once or often
        list[#list + 1] = place
      end
      serve(cuts.parting_server(places))
      cuts.each(client, often, AT_ONCE, function(place) read(place, client) end)
      -- A client makes these requests only once.
      for _, place in ipairs(once) do
        local own = service.client(server.base_url)
        read(place, own)
        own:close()
      end
      local asked = 0
      for _, place in ipairs(places) do asked = asked + 1 + #place.more end
      assert.equal(asked, #server:requests(asked))
    end)
  end
end)
