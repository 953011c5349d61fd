-- SPDX-License-Identifier: MIT
-- Answers that break, through the public calls: a listing's, a delete's, an
-- error's; plain, chunked and gzip; on a fresh connection and on a reused one;
-- by a close, by a reset and by silence. Also the pages of a listing, which is
-- to go on, and answers that arrive in two pieces.
--
-- Behind each seventh byte, each time another one of the seven; behind every
-- byte with LIPSYNC_EVERY=1, as "make every-byte" does it.

local core = require "lipsync.core"
local cuts = require "spec.support.cuts"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

local STEP = tonumber(os.getenv "LIPSYNC_EVERY") or 7
local AT_ONCE = 48
local RETRIES = 32  -- at once; a client has tokens for no more than 35
local ROWS = 3
local SHORT = 0.05  -- seconds of silence that are borne, at first
local LONG = 3      -- and where that was too short for a busy machine
local MOST = 15     -- that no call may take; its `timeout` is 20

local body = service.list(ROWS)

-- How many bytes of `body` end each generation.
local ends = {}
do
  local at = 1
  for i = 1, ROWS do
    local _, stop = body:find(service.generation("g" .. i), at, true)
    ends[i], at = stop, stop
  end
end

-- How many generations are complete in the first `n` bytes of the body.
local function complete(n)
  local count = 0
  for _, stop in ipairs(ends) do
    if n >= stop then count = count + 1 end
  end
  return count
end

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

-- Each STEPth from `first` to `last`, and the last ones; another row of them
-- each time.
local turn = 0
local function positions(first, last)
  local list = {}
  turn = turn + 1
  for n = first + turn % STEP, last - 1, STEP do list[#list + 1] = n end
  list[#list + 1] = last
  return list
end

-- What can be read of a listing: how many generations, and the error.
local function read_all(listing)
  local count = 0
  while true do
    local generation, err = listing:next()
    if not generation then return count, err end
    count = count + 1
    assert.equal(service.generation("g" .. count), generation:json())
  end
end

-- The three calls. Each checks what holds however much has come, and returns
-- how much of it the caller got and how much of it was there to be got.
local calls = {}

calls.listing = { status = 200, body = body }

function calls.listing.check(answer, n, options, kind)
  local listing = client.generations:list(nil, options)
  local count, err = read_all(listing)
  assert.is_table(err, n)
  assert.equal(kind, err.kind, n .. ": " .. tostring(err))
  assert.equal(count, listing.delivered)
  assert.equal(count, err.delivered)
  -- The same again for who asks again.
  local again, same = listing:next()
  assert.is_nil(again)
  assert.equal(err, same)
  return count, answer.arrived and complete(answer.arrived(n)), err
end

calls.delete = { status = 200, body = service.generation "g1" }

-- Whatever has a head of 2xx has happened.
function calls.delete.check(answer, n, options, kind)
  local generation, err = client.generations:delete("g1", options)
  if generation then
    assert.is_nil(err)
    assert.equal("g1", generation.id)
  else
    assert.equal(kind, err.kind, n .. ": " .. tostring(err))
    assert.matches("may have been deleted", tostring(err), 1, true)
    assert.is_nil(tostring(err):find(service.key, 1, true))
  end
  return generation and 1 or 0, n >= answer.head and 1 or 0, err
end

calls.error = { status = 409, body = '{"message":"busy","statusCode":409,'
  .. '"errorCode":"generation_not_deletable_while_processing"}' }

-- Of an error that is not there as a whole nothing is believed.
function calls.error.check(_, n, options, kind)
  local generation, err = client.generations:delete("g1", options)
  assert.is_nil(generation)
  assert.equal(kind, err.kind, n .. ": " .. tostring(err))
  assert.is_nil(err.errorCode)
  return 0, 0, err
end

local endings = {
  close = { step = { close = true }, kind = "connection" },
  reset = { step = { reset = true }, kind = "connection" },
  silence = { step = { stall = 30 }, kind = "timeout" },
}

-- What one position gave, against what there was; whether silence was too
-- short for all that was sent to arrive.
local function is_late(ending, n, count, there)
  assert.is_true(count <= (there or ROWS), n)
  if not there or count == there then return false end
  -- A reset may take bytes with it that have arrived.
  assert.is_true(ending.step.reset or ending.step.stall ~= nil, n)
  return ending.step.stall ~= nil
end

-- Makes the cut calls, all at once. Notes how much each gave in `got`, and
-- returns those that were late.
local function make_cuts(call, answer, ending, list, patience, got)
  local late = {}
  cuts.each(client, list, AT_ONCE, function(n)
    local began = core.now()
    local count, there, err = call.check(answer, n, cuts.at(n,
      ending.step.stall and { stall_timeout = patience }), ending.kind)
    assert.is_true(core.now() - began < MOST, n)
    if err and ending.step.stall then
      assert.matches("stall_timeout", tostring(err), 1, true)
    end
    if is_late(ending, n, count, there) then late[#late + 1] = n end
    got[n] = count
  end)
  return late
end

-- One connection for each of so many cuts has answered before.
local function warm_up(list)
  cuts.each(client, list, AT_ONCE, function()
    assert(client.generations:all(nil, cuts.at "whole"))
  end)
end

-- One batch, and those again for which silence was too short. Counts in
-- `tries` how often each was asked for; returns how many requests that was.
local function cut_batch(call, answer, ending, batch, reused, got, tries)
  local function count(list)
    for _, n in ipairs(list) do tries[n] = (tries[n] or 0) + 1 end
    return #list
  end
  local warm = 0
  if reused then
    warm_up(batch)
    warm = #batch
  end
  local late = make_cuts(call, answer, ending, batch, SHORT, got)
  if late[1] then
    assert.same({}, make_cuts(call, answer, ending, late, LONG, got))
  end
  return warm + count(batch) + count(late)
end

-- Cuts at all positions until each was over a connection of the wanted kind:
-- now and then a call that was to reuse one gets a fresh one. Whatever was
-- asked was asked once.
local function cut_all(call, answer, ending, list, reused)
  local got, tries, total, left = {}, {}, 0, list
  for _ = 1, 50 do
    for first = 1, #left, AT_ONCE do
      local batch = {}
      for i = first, math.min(first + AT_ONCE - 1, #left) do
        batch[#batch + 1] = left[i]
      end
      total = total + cut_batch(call, answer, ending, batch, reused, got,
        tries)
    end
    local asked, warm = cuts.seen(server, total)
    assert.same(tries, asked)
    local rest = {}
    for _, n in ipairs(left) do
      if reused and not warm[n] then rest[#rest + 1] = n end
    end
    if #rest == 0 then return got end
    left = rest
  end
  error("not on reused connections: " .. table.concat(left, " "))
end

-- Where it is not known what can be read of so many bytes: with more of them
-- it is not less.
local function check_grows(got, list)
  local most = 0
  for _, n in ipairs(list) do
    assert.is_true(got[n] >= most, n)
    most = got[n]
  end
  assert.equal(ROWS, most)
end

describe("an answer that breaks", function()
  after_each(stop)

  for _, what in ipairs { "listing", "delete", "error" } do
    for _, encoding in ipairs(cuts.encodings) do
      for _, how in ipairs { "close", "reset", "silence" } do
        for _, reused in ipairs { false, true } do
          it(("is told as it is: %s, %s, %s, %s"):format(what, encoding, how,
            reused and "reused" or "fresh"), function()
            local call, ending = calls[what], endings[how]
            local answer = cuts.answer(call.status, call.body, encoding)
            local list = positions(0, answer.last)
            serve(cuts.server(answer, ending.step,
              scripted.response(200, "[]")))
            local got = cut_all(call, answer, ending, list, reused)
            if what == "listing" and encoding == "gzip" and how == "close" then
              check_grows(got, list)
            end
          end)
        end
      end
    end
  end
end)

-- Pages of two: what each is asked for by, and what it holds.
local pages = {
  { "limit=2 ", service.list(2) },
  { "limit=2&cursor=g2 ", service.list(1, 3) },
  { "limit=2&cursor=g3 ", "[]" },
}

-- A listing whose source is "2-17" finds the second page cut behind the 17th
-- byte, once; so does "2-17-again". Returns the script and the names.
local function page_script(encoding, step)
  local script, names = { pick = true }, {}
  for i, page in ipairs(pages) do
    local answer = cuts.answer(200, page[2], encoding)
    for _, n in ipairs(positions(0, answer.last)) do
      local name = i .. "-" .. n
      names[#names + 1] = name
      for _, tail in ipairs { "", "-again" } do
        script[#script + 1] = { times = 1, { send = answer.bytes:sub(1, n) },
          step, when = ("source=%s%s&%s"):format(name, tail, page[1]) }
      end
    end
  end
  for _, page in ipairs(pages) do
    script[#script + 1] = { when = page[1],
      { send = cuts.answer(200, page[2], encoding).bytes } }
  end
  return script, names
end

-- Reads them all; returns those for which silence was too short, which is
-- said of silence only.
local function read_pages(ending, names, at_once)
  local late = {}
  cuts.each(client, names, at_once, function(name)
    local listing = client.generations:list { source = name, page_size = 2 }
    local count, err = read_all(listing)
    if err and ending.kind == "timeout" and err.kind == "timeout" then
      late[#late + 1] = name .. "-again"
      return
    end
    assert.is_nil(err, name)
    assert.equal(ROWS, count, name)
    assert.equal(ROWS, listing.delivered)
  end)
  return late
end

describe("a page that breaks", function()
  after_each(stop)

  for _, encoding in ipairs(cuts.encodings) do
    for how, ending in pairs(endings) do
      it(("is asked for again, and nothing comes twice: %s, %s"):format(
        encoding, how), function()
        local script, names = page_script(encoding, ending.step)
        serve(scripted.start(script), { max_attempts = 2,
          stall_timeout = ending.step.stall and 4 * SHORT or nil })
        local late = read_pages(ending, names, RETRIES)
        if ending.step.stall then
          -- With another client, for the tokens of this one may be gone.
          client:close()
          serve(server, { max_attempts = 2, stall_timeout = LONG })
          assert.same({}, read_pages(ending, late, RETRIES))
        else
          local asked = #names * (#pages + 1)
          assert.equal(asked, #server:requests(asked))
        end
      end)
    end
  end
end)

describe("an answer in two pieces, parted at every byte,", function()
  after_each(stop)

  local reads = {}

  function reads.listing(n)
    local list = assert(client.generations:all(nil, cuts.at(n)))
    for i, generation in ipairs(list) do
      assert.equal(service.generation("g" .. i), generation:json())
    end
    assert.equal(ROWS, #list)
  end

  function reads.delete(n)
    local generation = assert(client.generations:delete("g1", cuts.at(n)))
    assert.equal(service.generation "g1", generation:json())
  end

  function reads.error(n)
    local generation, err = client.generations:delete("g1", cuts.at(n))
    assert.is_nil(generation)
    assert.equal("generation_not_deletable_while_processing", err.errorCode)
    assert.equal(409, err.statusCode)
  end

  for what, read in pairs(reads) do
    for _, encoding in ipairs(cuts.encodings) do
      it(("is read as one: %s, %s"):format(what, encoding), function()
        local call = calls[what]
        local answer = cuts.answer(call.status, call.body, encoding)
        serve(cuts.parting_server(answer))
        cuts.each(client, positions(1, #answer.bytes - 1), AT_ONCE, read)
      end)
    end
  end
end)
