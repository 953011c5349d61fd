-- SPDX-License-Identifier: MIT
local clock = require "spec.support.clock"
local core = require "lipsync.core"
local media = require "spec.support.media"
local service = require "spec.support.service"

describe("client.assets:list", function()
  local here = service.fixture(after_each)

  local function page(ids, next)
    local items = {}
    for i, id in ipairs(ids) do
      items[i] = ('{"id":"%s","type":"VIDEO"}'):format(id)
    end
    return service.answer(200, ('{"items":[%s]%s}'):format(
      table.concat(items, ","), next and ',"nextCursor":"' .. next .. '"'
        or ""))
  end

  local function start(script)
    here.start(script)
    return here.client.assets
  end

  local function read(listing)
    local ids = {}
    local asset, err = listing:next()
    while asset do
      ids[#ids + 1] = asset.id
      asset, err = listing:next()
    end
    return table.concat(ids, " "), err
  end

  it("comes in pages, whatever the filter", function()
    local assets = start { page({ "a", "b" }, "t1"), page({}, "t2"),
                           page { "c" } }
    assert.equal("a b c", (read(assets:list())))
    local requests = here.server:requests(3)
    assert.equal("/v2/assets?limit=100", requests[1].target)
    assert.equal("/v2/assets?limit=100&cursor=t2", requests[3].target)
  end)

  it("gives objects of their own type", function()
    local assets = start { page { "a" } }
    local asset = assets:list():next()
    assert.equal("Asset a VIDEO", tostring(asset))
    assert.equal('{"id":"a","type":"VIDEO"}', asset:json())
  end)

  it("gives the bytes that the service sent", function()
    local bytes = '{ "type" : "VIDEO",\n"id":"\\u0061", "size":1.50e1 }'
    local assets = start { service.answer(200,
      '{"totalCount":1, "items" : [ ' .. bytes .. ' ] , "nextCursor":null}') }
    local asset = assets:list():next()
    assert.equal(bytes, asset:json())
    assert.equal("a", asset.id)
    assert.equal(15, asset.size)
  end)

  it("stops at its limit", function()
    local assets = start { page({ "a", "b" }, "t1"), page({ "c", "d" }, "t2") }
    assert.equal("a b c", (read(assets:list { limit = 3, page_size = 2 })))
    assert.equal("/v2/assets?limit=1&cursor=t1",
      here.server:requests(2)[2].target)
  end)

  it("goes on from the cursor of a listing that broke", function()
    local assets = start { page({ "a", "b" }, "t1"),
      service.answer(403, "{}"), page { "c" } }
    local listing = assets:list { page_size = 2 }
    local ids, err = read(listing)
    assert.equal("a b", ids)
    assert.equal(403, err.statusCode)
    assert.equal("t1", listing.cursor)
    assert.equal("c", (read(assets:list { cursor = listing.cursor })))
    assert.equal("/v2/assets?limit=100&cursor=t1",
      here.server:requests(3)[3].target)
  end)

  it("refuses a page of another form", function()
    for _, body in ipairs { "[]", '{"items":5}', '{"items":[5]}', "{}",
        '{"items":{}}', '{"items":[{"id":"a"},null]}', '{"items":[]}x',
        '{"items":[{"name":"no id"}]}', "x" } do
      local ids, err = read(start({ service.answer(200, body) }):list())
      assert.equal("", ids)
      assert.equal("protocol", err.kind)
      here.stop()
    end
  end)
end)

local ID = "6533643b-aceb-4c40-967e-d9ba9baac39e"
local URL = "https://media.example/a.wav"

local function asset(id, rest)
  return ('{"id":"%s","type":"AUDIO","name":"Voice","url":"%s"%s}')
    :format(id, URL, rest or "")
end

local function created(seconds)
  return ',"createdAt":"' .. os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + seconds)
    .. '"'
end

local function answer(body) return service.answer(200, body) end

local at_once = { ["Retry-After"] = "0" }

describe("client.assets:create", function()
  local here = service.fixture(after_each)

  local request = { url = URL, type = "AUDIO", name = "Voice" }
  local stop_clock = clock.fixture(after_each)

  local function start(script)
    here.start(script)
    return here.client.assets
  end

  local function page(...)
    return answer('{"items":[' .. table.concat({ ... }, ",") .. "]}")
  end

  it("gives the asset that a lost answer has made", function()
    local assets = start { { { read = true } },
      page(asset("old", created(-600)), asset("none"),
        asset("new", created(-60))) }
    assert.equal("new", assets:create(request).id)
    local requests = here.server:requests(2)
    assert.equal("POST", requests[1].method)
    assert.equal("/v2/assets?searchQuery=Voice&sortBy=dateDesc&limit=100",
      requests[2].target)
  end)

  it("asks again only if none is found", function()
    local assets = start { service.answer(502, "{}", at_once),
      page(asset("old", created(-600))),
      service.answer(201, asset "new") }
    assert.equal("new", assets:create(request).id)
    local requests = here.server:requests(3)
    assert.equal(requests[1].body, requests[3].body)
    assert.equal("application/json", requests[1].headers["content-type"])
  end)

  it("takes an asset that seems two minutes older than its request", function()
    local time, now = core.time, os.time()
    finally(function() core.time = time end)
    core.time = function() return now end
    for seconds, id in pairs { [-120] = "made", [-121] = "new" } do
      local at = os.date("!%Y-%m-%dT%H:%M:%SZ", now + seconds)
      local assets = start { service.answer(500, "{}", at_once),
        page(asset("made", (',"createdAt":"%s"'):format(at))),
        service.answer(201, asset "new") }
      assert.equal(id, assets:create(request).id)
      here.stop()
    end
  end)

  it("needs no name to find it", function()
    local assets = start { service.answer(500, "{}", at_once),
      page(asset("made", created(0))) }
    assert.equal("made", assets:create({ url = URL, type = "AUDIO" }).id)
    assert.equal("/v2/assets?sortBy=dateDesc&limit=100",
      here.server:requests(2)[2].target)
  end)

  it("asks again after as long as the service says, as often as it may",
    function()
      local rests, random = stop_clock(), core.random
      finally(function() core.random = random end)
      core.random = function() return 0.5 end
      local bad = service.answer(502, "{}")
      local assets = start { service.answer(503, "{}",
        { ["Retry-After"] = "7" }), page(), bad, page(), bad }
      local made, err = assets:create(request, { max_attempts = 3 })
      assert.is_nil(made)
      assert.equal(502, err.statusCode)
      assert.same({ 7, 0.25 }, rests)
      assert.equal(5, #here.server:requests(5))
    end)

  it("counts the time that it has rested", function()
    local rests, script = stop_clock(), {}
    for i, seconds in ipairs { "12", "8" } do
      script[2 * i - 1] = service.answer(503, "{}", { ["Retry-After"] = seconds
      })
      script[2 * i] = page()
    end
    local made, err = start(script):create(request)
    assert.is_nil(made)
    assert.same({ 503, 8 }, { err.statusCode, err.retryAfter })
    assert.same({ 12 }, rests)
  end)

  it("asks again only where there is time for it", function()
    local rests = stop_clock()
    for _, case in ipairs { { 120, math.huge, true }, { 120, 120, false },
        { 120, 121, true }, { 20, nil, false }, { 19, nil, true } } do
      local seconds, timeout, again = case[1], case[2], case[3]
      local assets = start { service.answer(503, "{}",
        { ["Retry-After"] = ("%d"):format(seconds) }), page(),
        service.answer(201, asset "new") }
      local made = assets:create(request, { timeout = timeout })
      assert.equal(again, made ~= nil)
      assert.equal(again and seconds or nil, (table.remove(rests)))
      here.stop()
    end
  end)

  it("takes no asset of another name, type or address", function()
    local others = {}
    for i, change in ipairs { { "Voice", "Voices" }, { "AUDIO", "VIDEO" },
        { "a.wav", "b.wav" } } do
      others[i] = asset("x" .. i, created(0)):gsub(change[1], change[2])
    end
    local assets = start { service.answer(500, "{}", at_once), page(others[1],
      others[2], others[3]), service.answer(201, asset "new") }
    assert.equal("new", assets:create(request).id)
  end)

  it("leaves it open where that cannot be known", function()
    local assets = start { { { read = true } }, service.answer(403, "{}") }
    local made, err = assets:create(request)
    assert.is_nil(made)
    assert.equal("connection", err.kind)
    assert.is_true(err.outcomeUnknown)
    assert.matches("The asset may have been created; client.assets:list shows "
      .. "it", tostring(err), 1, true)
    assert.equal(2, #here.server:requests(2))
  end)

  it("stays open when the next request is refused", function()
    local assets = start { service.answer(500, "{}", at_once), page(),
      service.answer(422, "{}") }
    local made, err = assets:create(request)
    assert.is_nil(made)
    assert.is_true(err.outcomeUnknown)
    assert.equal(500, err.statusCode)
    assert.equal(422, err.cause.statusCode)
  end)

  it("is not asked again where that would take too long", function()
    local late = service.answer(503, "{}", { ["Retry-After"] = "121" })
    for _, timeout in ipairs { 60, math.huge } do
      local assets = start { late, page(), service.answer(201, asset "new") }
      local made, err = assets:create(request, { timeout = timeout })
      assert.is_nil(made)
      assert.equal(503, err.statusCode)
      assert.is_true(err.outcomeUnknown)
      here.stop()
    end
  end)

  it("is not asked again after a refusal", function()
    local assets = start { service.answer(422, "{}") }
    assert.equal(422, select(2, assets:create(request)).statusCode)
    assert.equal(1, #here.server:requests(1))
  end)
end)

describe("client.assets:get_many", function()
  local here = service.fixture(after_each)

  it("asks for a hundred at a time and tells what is missing", function()
    here.start { answer "[]", answer('{"items":[' .. asset "ID-101" .. "]}") }
    local ids = {}
    for i = 1, 101 do ids[i] = "id-" .. i end
    local found, err, missing = here.client.assets:get_many(ids)
    assert.is_nil(err)
    assert.equal(1, #found)
    assert.equal("ID-101", found[1].id)
    assert.equal(100, #missing)
    assert.equal("id-1 id-100", missing[1] .. " " .. missing[100])
    local requests = here.server:requests(2)
    assert.matches('"id%-100"%]}$', requests[1].body)
    assert.equal('{"ids":["id-101"]}', requests[2].body)
    assert.equal("application/json", requests[2].headers["content-type"])
  end)

  it("says of none that it is missing where another one came", function()
    here.start { answer("[" .. asset "a" .. "," .. asset "c" .. "]") }
    local found, err, missing = here.client.assets:get_many { "a", "b" }
    assert.is_nil(found)
    assert.equal("protocol", err.kind)
    assert.equal("get assets: the service sent the asset c, which was not "
      .. "asked for.", tostring(err))
    assert.is_nil(missing)
  end)

  it("asks for each once", function()
    here.start { answer("[" .. asset "a" .. "," .. asset "b" .. "]") }
    local found, err, missing = here.client.assets:get_many { "b", "a", "b" }
    assert.is_nil(err)
    assert.same({ 2, "b", "a" }, { #found, found[1].id, found[2].id })
    assert.is_nil(missing)
    assert.equal('{"ids":["b","a"]}', here.server:requests(1)[1].body)
  end)

  it("asks for nothing if nothing is wanted", function()
    here.start {}
    assert.same({}, here.client.assets:get_many {})
    assert.equal(0, #here.server:connections())
  end)

  it("raises for what is no array of all that is wanted", function()
    here.start {}
    for _, items in ipairs { { "a", nil, "b" }, { ids = "a" }, "a",
        setmetatable({}, { __index = { "a" } }) } do
      local ok, message = pcall(function()
        here.client.assets:get_many(items)
      end)
      assert.is_false(ok)
      assert.match("assets_spec.lua:%d+: items must be ", message)
    end
  end)
end)

describe("client.assets:delete_many", function()
  local here = service.fixture(after_each)

  it("reads a listing to its end before it deletes", function()
    here.emulate { generations = 0 }
    local assets = here.client.assets
    for i = 1, 7 do
      here.server:add { kind = "asset", name = "Old " .. i }
    end
    here.server:add { kind = "asset", name = "Other" }
    local seen = {}
    local filter = { searchQuery = "old", page_size = 2 }
    local dry = assert(assets:delete_many(assets:list(filter), {
      dry_run = true, on_progress = function(_, total)
        assert.is_nil(total)  -- it is read meanwhile
      end }))
    assert.equal(7, dry.deleted)
    local result = assert(assets:delete_many(assets:list(filter), {
      max = 6, on_progress = function(done, total)
        seen[#seen + 1] = done .. "/" .. total
      end }))
    assert.equal(6, result.deleted)
    assert.equal("1/7 6/7", seen[1] .. " " .. seen[#seen])
    assert.equal(1, assert(assets:delete_many(assets:list(filter))).deleted)
    local left = assets:list()
    assert.equal("Other", left:next().name)
    assert.is_nil((left:next()))
  end)

  it("raises without a filter", function()
    here.start {}
    local assets = here.client.assets
    -- An order leaves nothing out, and neither does a limit.
    for _, filter in ipairs { { limit = 5 }, { sortBy = "dateDesc" } } do
      local ok, message = pcall(function()
        local result = assets:delete_many(assets:list(filter))
        return result
      end)
      assert.is_false(ok)
      assert.matches("assets_spec%.lua:%d+: no filter was given, so all assets "
        .. "would be deleted. Pass a filter such as projectId, or "
        .. "everything = true%.", message)
    end
  end)

  it("deletes nothing if the listing breaks", function()
    here.start { answer('{"items":[' .. asset "a" .. '],"nextCursor":"t"}'),
                 service.answer(403, "{}") }
    local assets = here.client.assets
    local result, err, so_far = assets:delete_many(
      assets:list { types = "AUDIO", page_size = 1 })
    assert.is_nil(result)
    assert.equal(403, err.statusCode)
    assert.equal(0, so_far.deleted)
    assert.equal(2, #here.server:requests(2))
  end)
end)

describe("client.assets:download", function()
  local here = service.fixture(after_each)
  local disk = media.fixture(before_each, after_each)
  local sound = ("sound"):rep(1000)

  -- An emulator with an asset that was uploaded.
  local function prepare()
    here.emulate { generations = 0 }
    local path = disk.folder .. "/voice.wav"
    media.write(path, sound)
    return here.client.assets, disk.folder,
      assert(here.client.assets:upload(path, { name = "My voice.wav" }))
  end

  it("writes the file, named after the asset", function()
    local assets, folder, made = prepare()
    for i, given in ipairs { made, made.id } do
      local result = assert(assets:download(given, folder .. "/",
        { if_exists = "overwrite" }))
      assert.equal(folder .. "/My voice.wav", result.path)
      assert.equal(5000, result.bytes)
      assert.equal(sound, media.read(result.path))
      local seen = here.server:requests()
      assert.matches("/download$", seen[#seen - 1].path)
      assert.equal(i == 2, seen[#seen - 2].path == "/v2/assets/" .. made.id)
    end
  end)

  it("asks for another address where one has expired", function()
    local assets, folder, made = prepare()
    here.server:fault { route = "media", statusCode = 403, times = 1 }
    local result = assert(assets:download(made, folder .. "/x.wav"))
    assert.equal(5000, result.bytes)
    local count = 0
    for _, request in ipairs(here.server:requests()) do
      if request.path:find "/download$" then count = count + 1 end
    end
    assert.equal(2, count)
  end)

  it("says what refuses it, and no signature", function()
    local assets, folder = prepare()
    local none, err = assets:download(ID, folder .. "/x.wav")
    assert.is_nil(none)
    assert.equal("asset_not_found", err.errorCode)
    assert.equal("download asset " .. ID, tostring(err):match "^[^:]*")
    here.server:add { kind = "asset", id = ID }
    none, err = assets:download(ID, folder .. "/x.wav")
    assert.is_nil(none)
    assert.equal(409, err.statusCode)
    assert.equal(ID, err.asset.id)
  end)
end)

describe("client.assets", function()
  local here = service.fixture(after_each)

  it("creates, changes and finds at the emulator", function()
    here.emulate { generations = 0 }
    local assets = here.client.assets
    local project = assert(here.client.projects:create { name = "Clips" })
    local made = assert(assets:create { url = URL, type = "AUDIO",
                                        name = "Voice", projectId = project })
    assert.equal(project.id, made.projectId)
    assert.equal("Old voice", assets:update(made, { name = "Old voice",
      durationSeconds = 2.5 }).name)
    assert.equal(URL, assets:download_url(made))
    local found, _, missing = assets:get_many { ID, made }
    assert.equal(2.5, found[1].durationSeconds)
    assert.same({ ID }, missing)
  end)
end)
