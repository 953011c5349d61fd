-- SPDX-License-Identifier: MIT
local calls = require "lipsync.call"
local core = require "lipsync.core"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

require "lipsync.resources.projects"  -- which makes the type of projects

local unpack = table.unpack or unpack

describe("client.assets:upload", function()
  local here = service.fixture(after_each)
  local path, storage

  -- Not a single slice, and no text.
  local content = ("\0\1\2video\255"):rep(20000)

  local function write(text)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
  end

  before_each(function()
    path = os.tmpname() .. ".mp4"
    write(content)
  end)

  after_each(function()
    os.remove(path)
    os.remove((path:gsub("%.mp4$", "")))
    if storage then storage:stop() end
    storage = nil
  end)

  -- The API and a storage of another origin, with its address in the first
  -- response; `query` is of the signed address.
  local query = "?X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost"
    .. "&X-Amz-Signature=0123456789abcdef"

  local function start(api, put, options, address_query)
    storage = scripted.start(put)
    local script = {}
    for i, each in ipairs(api) do
      script[i] = each == "address" and service.answer(201,
        ('{"uploadUrl":"%s/bucket/a%%20b.mp4%s","expiresIn":60,'
          .. '"url":"https://cdn.example/a.mp4?sig=1"}')
          :format(storage.base_url, address_query or query)) or each
    end
    here.start(script, options)
    return here.client.assets
  end

  local asset = '{"id":"a1","type":"VIDEO","name":"clip.mp4",'
    .. '"url":"https://cdn.example/a.mp4?sig=2"}'

  local function created() return service.answer(201, asset) end

  local function stored() return service.answer(200, "") end

  it("asks for an address, puts the file there, and makes the asset",
    function()
      local assets = start({ "address", created() }, { stored() },
        { headers = { ["X-Own"] = "a" }, user_agent = "mine" })
      local told = {}
      local made, err = assets:upload(path, { name = "clip.mp4",
        visibility = "ORGANIZATION", projectId = "p", on_progress =
          function(sent, total) told[#told + 1] = { sent, total } end })
      assert.is_nil(err)
      assert.equal("Asset a1 VIDEO clip.mp4", tostring(made))
      local first, last = unpack(here.server:requests(2))
      assert.equal("POST /v2/assets/upload", first.method .. " "
        .. first.target)
      assert.equal(('{"contentType":"video/mp4","fileName":"clip.mp4",'
        .. '"size":%d}'):format(#content), first.body)
      assert.equal("POST /v2/assets", last.method .. " " .. last.target)
      assert.equal('{"name":"clip.mp4","projectId":"p","type":"VIDEO",'
        .. '"url":"https://cdn.example/a.mp4?sig=1",'
        .. '"visibility":"ORGANIZATION"}', last.body)
      local put = storage:requests(1)[1]
      assert.equal("PUT /bucket/a%20b.mp4" .. query, put.method .. " "
        .. put.target)
      assert.is_true(content == put.body)
      assert.same({ #content, #content }, told[#told])
    end)

  it("takes a project, and any kind of medium", function()
    for ending, kind in pairs { mov = "VIDEO", mp3 = "AUDIO", png = "IMAGE" } do
      local assets = start({ "address", created() }, { stored() })
      local project = assert(core.object("Project", '{"id":"p1"}'))
      os.rename(path, path .. "." .. ending)
      local ok, err = assets:upload(path .. "." .. ending,
        { projectId = project })
      os.rename(path .. "." .. ending, path)
      assert(ok, err)
      local last = here.server:requests(2)[2]
      assert.equal("application/json", last.headers["content-type"])
      local body = core.decode(last.body)
      assert.same({ kind, "p1", (path .. "." .. ending):match "[^/]*$" },
        { body.type, body.projectId, body.name })
      storage:stop()
      here.stop()
    end
  end)

  it("gives the storage five minutes to answer, and steps the client's timeout",
    function()
      local made, seen = calls.new, {}
      finally(function() calls.new = made end)
      calls.new = function(client, spec, options, ...)
        seen[#seen + 1] = { spec.method, options.timeout,
                            options.answer_timeout }
        return made(client, spec, options, ...)
      end
      local assets = start({ "address", created(), "address", created() },
        { stored(), stored() })
      assert(assets:upload(path))
      assert(assets:upload(path, { timeout = 10, answer_timeout = 5 }))
      for i, wanted in ipairs { { 20, math.huge, 20, 300 },
                                { 10, 10, 10, 5 } } do
        local first, put, last = unpack(seen, 3 * i - 2, 3 * i)
        assert.same({ "POST", "PUT", "POST" }, { first[1], put[1], last[1] })
        assert.same({ wanted[2], wanted[4] }, { put[2], put[3] })
        -- The seconds of the steps before are added to those of a step.
        assert.is_true(math.abs(first[2] - wanted[1]) < 5)
        assert.is_true(last[2] >= wanted[3] and last[2] < wanted[3] + 5)
      end
    end)

  it("sends the storage nothing but what it has signed", function()
    for signed, wanted in pairs { [query] = "video/mp4", ["?a=b"] = "video/mp4",
        ["?X-Amz-SignedHeaders=content-type%3Bhost"] = "video/mp4",
        ["?x=1&X-Amz-SignedHeaders=host%3bContent-Type&y"] = "video/mp4",
        ["?X-Amz-SignedHeaders=host"] = false } do
      local assets = start({ "address", created() }, { stored() },
        { headers = { ["X-Own"] = "a" }, user_agent = "mine" }, signed)
      assert(assets:upload(path))
      local headers = storage:requests(1)[1].headers
      local names = {}
      for name in pairs(headers) do names[#names + 1] = name end
      table.sort(names)
      assert.equal("accept-encoding content-length "
        .. (wanted and "content-type " or "") .. "host user-agent",
        table.concat(names, " "))
      assert.equal(wanted or nil, headers["content-type"])
      assert.is_nil(headers["user-agent"]:find("mine", 1, true))
      storage:stop()
      here.stop()
    end
  end)

  it("puts the file again after what may pass", function()
    local assets = start({ "address", created() }, { service.answer(503, ""),
      { { read = true }, { close = true } }, stored() })
    assert(assets:upload(path))
    for _, put in ipairs(storage:requests(3)) do
      assert.is_true(content == put.body)
    end
  end)

  it("asks for another address once, if the first has expired", function()
    local denied = service.answer(403, "<Error><Code>AccessDenied</Code>"
      .. "<Message>Request has expired</Message></Error>",
      { ["Content-Type"] = "application/xml" })
    local assets = start({ "address", "address", created() },
      { denied, stored() })
    assert(assets:upload(path))
    storage:stop()
    here.stop()
    assets = start({ "address", "address" }, { denied, denied })
    local made, err = assets:upload(path, { tag = "t" })
    assert.is_nil(made)
    assert.equal(403, err.statusCode)
    assert.equal("t", err.tag)
    assert.match("^upload asset: 403 ", tostring(err))
    assert.is_nil(tostring(err):find("0123456789abcdef", 1, true))
    assert.equal("/bucket/a%20b.mp4", err.path)
  end)

  it("says where an address was signed for an empty file", function()
    local denied = service.answer(403, "<Error/>",
      { ["Content-Type"] = "application/xml" })
    for sum, told in pairs { ["AAAAAA%3D%3D"] = true, ["AAAAAA=="] = true,
                             ["AAAAAQ%3D%3D"] = false } do
      local assets = start({ "address", "address" }, { denied, denied }, nil,
        "?X-Amz-SignedHeaders=host&x-amz-checksum-crc32=" .. sum)
      local _, err = assets:upload(path)
      assert.equal(403, err.statusCode)
      assert.equal(told, tostring(err):find("signed for an empty file", 1,
        true) ~= nil, tostring(err))
      storage:stop()
      here.stop()
    end
  end)

  it("says so, too, where the storage calls it a bad request", function()
    local assets = start({ "address" }, { service.answer(400, "<Error/>",
      { ["Content-Type"] = "application/xml" }) }, nil,
      "?x-amz-checksum-crc32=AAAAAA%3D%3D")
    local _, err = assets:upload(path)
    assert.equal(400, err.statusCode)
    assert.matches("signed for an empty file", tostring(err), 1, true)
  end)

  it("makes no asset where a login page took the file", function()
    local assets = start({ "address" }, { service.answer(200, "<html>",
      { ["Content-Type"] = "text/html; charset=utf-8" }) })
    local made, err = assets:upload(path)
    assert.is_nil(made)
    assert.equal("protocol", err.kind)
    assert.match('got text/html %(200%): "<html>"', tostring(err))
    assert.equal(1, #here.server:requests(1))
  end)

  it("takes an empty answer of any type for a storage's", function()
    local assets = start({ "address", created() }, { service.answer(200, "",
      { ["Content-Type"] = "text/html; charset=UTF-8" }) })
    assert.equal("a1", assert(assets:upload(path)).id)
  end)

  it("follows no redirect with a file", function()
    local assets = start({ "address" }, { service.answer(307, "",
      { Location = "https://elsewhere.example/x?secret=1" }) })
    local made, err = assets:upload(path)
    assert.is_nil(made)
    assert.equal("protocol", err.kind)
    assert.match("307 redirect to https://elsewhere.example, which",
      tostring(err))
    assert.is_nil(tostring(err):find("secret", 1, true))
  end)

  it("looks for the asset before it makes another one", function()
    local cut = { { read = true }, { close = true } }
    local function found(items)
      return service.answer(200, '{"items":[' .. items .. "]}")
    end
    local assets = start({ "address", cut,
      found('{"id":"other","url":"https://cdn.example/b.mp4"},' .. asset) },
      { stored() })
    assert.equal("a1", assert(assets:upload(path, { name = "clip" })).id)
    assert.equal("/v2/assets?searchQuery=clip&limit=100",
      here.server:requests(3)[3].target)
    storage:stop()
    here.stop()
    assets = start({ "address", cut, found "", created() }, { stored() })
    assert.equal("a1", assert(assets:upload(path)).id)
    assert.equal(4, #here.server:requests(4))
  end)

  it("leaves the outcome unknown where the asset cannot be looked for",
    function()
      local assets = start({ "address", { { read = true }, { close = true } },
        service.answer(403, "{}") }, { stored() })
      local made, err = assets:upload(path)
      assert.is_nil(made)
      assert.is_true(err.outcomeUnknown)
      assert.match("The asset may have been created; "
      .. "client%.assets:list shows it%.$", tostring(err))
    end)

  it("returns a refusal", function()
    local assets = start({ "address", service.answer(422,
      '{"errorCode":"uploaded_file_not_found","message":"None."}') },
      { stored() })
    local made, err = assets:upload(path)
    assert.is_nil(made)
    assert.equal("uploaded_file_not_found", err.errorCode)
    assert.equal(2, #here.server:requests(2))
  end)

  it("never completes a file that has changed", function()
    local assets = start({ "address" }, { { { read = true } } })
    local changed = false
    local made, err = assets:upload(path, { on_progress = function()
      if not changed then write(("x"):rep(#content)) end
      changed = true
    end })
    assert.is_nil(made)
    assert.equal("invalid", err.kind)
    assert.is_truthy(tostring(err):find(path, 1, true))
    assert.equal(1, #here.server:requests(1))
  end)

  it("ends with what on_progress raises", function()
    local assets = start({ "address" }, { stored() })
    local made, err = assets:upload(path, { on_progress = function()
      error("enough", 0)
    end })
    assert.is_nil(made)
    assert.equal("canceled", err.kind)
    assert.equal("enough", err.cause)
  end)

  it("says at once what is wrong with the file", function()
    local assets = start({}, {})
    local function refused(kind, name, options)
      local made, err = assets:upload(name, options)
      assert.is_nil(made)
      assert.equal(kind, err.kind, tostring(err))
      assert.match("^upload asset: ", tostring(err))
      return err
    end
    refused("file", path .. ".none.mp4")
    refused("file", "/tmp", { type = "VIDEO" })
    write ""
    refused("file", path)
    for _, name in ipairs { "a\0b.mp4", "\0a.mp4" } do
      assert.equal("path", refused("invalid", name).field)
    end
    assert.equal("name", refused("invalid", "/tmp/\255.mp4").field)
    assert.equal("type", refused("invalid", "/tmp/a.txt").field)
    assert.equal(0, #here.server:connections())
  end)

  it("refuses a storage that is no public host", function()
    local assets = start({ service.answer(201,
      '{"uploadUrl":"https://10.0.0.1/x","url":"https://a.example/"}') }, {})
    local made, err = assets:upload(path)
    assert.is_nil(made)
    assert.equal("invalid", err.kind)
    for _, address in ipairs { '"ftp://a.example/x","url":"u"', '"","url":"u"',
        '"https://a.example","url":"u"', '5,"url":"u"', 'null,"url":"u"',
        '"https://a.example/x"', '"https://a.example/x","url":5' } do
      storage:stop()
      here.stop()
      assets = start({ service.answer(201, ('{"uploadUrl":%s}')
        :format(address)) }, {})
      made, err = assets:upload(path)
      assert.is_nil(made)
      assert.equal("protocol", err.kind)
    end
  end)

  it("works in a task, and ends with it", function()
    local assets = start({ "address", created() }, { stored() })
    local task = here.client:spawn(function() return assets:upload(path) end)
    assert.equal("a1", assert(task:wait()).id)
    storage:stop()
    here.stop()
    assets = start({ "address" }, { { { read = true }, { hold = true } } })
    local one = here.client:spawn(function() assets:upload(path) end)
    repeat here.client:step() until #storage:requests() == 1
    one:cancel()
    assert.equal(0, here.client:pending())
  end)

  it("has places of its own, which leave other calls theirs", function()
    local hold = { { read = true }, { hold = true } }
    local assets = start({ "address", service.answer(200, asset), "address" },
      { hold, hold }, { max_in_flight = 1, max_transfers = 1 })
    local client, got, err = here.client, nil, nil
    client:spawn(function() assets:upload(path) end)
    repeat client:step() until #storage:requests() == 1
    local made = calls.new
    finally(function() calls.new = made end)
    calls.new = function(of, spec, options, ...)
      if spec.method == "PUT" then
        options.timeout = spec.clock:seconds() + 0.1
      end
      return made(of, spec, options, ...)
    end
    client:spawn(function()
      got = assets:get "a1"
      err = select(2, assets:upload(path))
      client:close()
    end)
    client:run()
    assert.equal("a1", got.id)
    assert.matches("waiting for one of 1 connection (max_transfers)",
      tostring(err), 1, true)
    assert.equal(1, #storage:requests())
  end)

  it("uploads to the emulator, whose generations take it", function()
    here.emulate { generations = 0 }
    local assets = here.client.assets
    local made = assert(assets:upload(path, { name = "clip" }))
    assert.equal(#content, made.size)
    local listed = assert(assets:list({ searchQuery = "clip" }):next())
    assert.equal(made.id, listed.id)
    assert.equal(made.id, assert(assets:get(made)).id)
    assert(here.client.generations:create { model = "lipsync-2", input = {
      { type = "video", assetId = made.id },
      { type = "audio", url = "https://a.example/voice.wav" } } })
    assert(assets:delete(made.id))
    assert.equal(404, select(2, assets:get(made)).statusCode)
    assert.is_nil((assets:list():next()))
  end)

  it("raises for misuse", function()
    local assets = start({}, {})
    for _, value in ipairs { 5, "", false } do
      local ok, problem = pcall(function() assets:upload(value) end)
      assert.is_false(ok)
      assert.match("upload_asset_spec.lua:%d+: path must be a string", problem)
    end
    assert.has_error(function() assets:upload(path, { nam = "a" }) end)
    assert.has_error(function() assets.upload(path) end)
  end)
end)
