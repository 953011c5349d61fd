-- SPDX-License-Identifier: MIT
--
-- The emulator's projects: made once for an id, listed, changed, deleted; and
-- the assets in them.

local found, emulator = pcall(require, "lipsync.emulator")
local http = require "spec.support.http"
local cjson = require "cjson"

if not found then
  describe("the emulator's projects", function()
    pending("is not built: its libraries are missing")
  end)
  return
end

local ID = "6533643b-aceb-4c40-967e-d9ba9baac39e"
local OTHER = "00000000-0000-4000-8000-000000000000"

describe("the emulator's projects", function()
  local service

  before_each(function()
    service = assert(emulator.start {
      generations = 0, now = "2026-08-25T12:00:00Z",
      keys = { a = "first", b = "second" } })
  end)
  after_each(function() service:stop() end)

  local function ask(method, target, body, key)
    return http.request(service.base_url, method, target, {
      headers = { ["x-api-key"] = key or "a" },
      body = body and cjson.encode(body) })
  end

  local function make(body)
    return ask("POST", "/v2/projects", body)
  end

  local function assert_refused(status, answer, code)
    assert.equal(status, answer.status)
    assert.equal(status, answer.json.statusCode)
    assert.equal(code, answer.json.errorCode)
  end

  local function names(target)
    local answer, list = ask("GET", target), {}
    for i, each in ipairs(answer.json.items) do list[i] = each.name end
    return table.concat(list, " "), answer.json
  end

  it("are made of what is known of the body", function()
    local answer = make { name = "Clips", mode = "DEVELOPER", odd = true }
    assert.equal(201, answer.status)
    local json = answer.json
    assert.equal("Clips DEVELOPER USER", ("%s %s %s"):format(json.name,
      json.mode, json.visibility))
    assert.equal("2026-08-25T12:00:00.000Z", json.createdAt)
    assert.equal(json.createdAt, json.updatedAt)
    assert.is_nil(json.odd)
    assert.is_nil(json.organization)
    assert.same(json, ask("GET", "/v2/projects/" .. json.id).json)
  end)

  it("are refused by what is wrong in the body", function()
    for _, case in ipairs { { {}, "name" }, { { name = "" }, "name" },
        { { name = ("x"):rep(256) }, "name" },
        { { name = "x", id = "5" }, "id" },
        { { name = "x", mode = "ANY" }, "mode" },
        { { name = "x", defaultWorkflow = "none" }, "defaultWorkflow" } } do
      local answer = make(case[1])
      assert.equal(400, answer.status)
      assert.equal(case[2], answer.json.field)
    end
  end)

  it("are made once for an id", function()
    local first = make { name = "One", id = ID }
    local again = make { name = "Two", id = ID }
    assert.equal(201, first.status)
    assert.equal(200, again.status)
    assert.same(first.json, again.json)
    assert_refused(409, ask("POST", "/v2/projects", { name = "x", id = ID },
      "b"))
    assert.equal(200, ask("DELETE", "/v2/projects/" .. ID).status)
    assert_refused(409, make { name = "Three", id = ID })
  end)

  it("are listed in pages, sorted and searched", function()
    for _, name in ipairs { "bee", "Ant", "cow", "anteater" } do
      make { name = name }
      service:advance(1)
    end
    local first, json = names "/v2/projects?sortBy=name&limit=3"
    assert.equal("Ant anteater bee", first)
    assert.equal(4, json.totalCount)
    local rest
    rest, json = names("/v2/projects?sortBy=name&cursor=" .. json.nextCursor)
    assert.equal("cow", rest)
    assert.is_nil(json.nextCursor)
    assert.equal("anteater cow Ant bee", (names "/v2/projects"))
    assert.equal("anteater Ant", (names "/v2/projects?searchQuery=ANT"))
    assert.equal(400, ask("GET", "/v2/projects?sortBy=dateAsc").status)
    assert.equal("", (names "/v2/projects?searchQuery=zebra"))
    assert.same({}, ask("GET", "/v2/projects", nil, "b").json.items)
  end)

  it("are changed in what is given", function()
    make { name = "One", id = ID, description = "Old." }
    service:advance(60)
    local answer = ask("PATCH", "/v2/projects/" .. ID, { name = "Two" })
    assert.equal(200, answer.status)
    assert.equal("Two Old.", answer.json.name .. " " .. answer.json.description)
    assert.equal("2026-08-25T12:01:00.000Z", answer.json.updatedAt)
    assert.equal(400, ask("PATCH", "/v2/projects/" .. ID, { mode = 5 }).status)
    assert_refused(404, ask("PATCH", "/v2/projects/" .. OTHER, { name = "x" }),
      "project_not_found")
    assert_refused(404, ask("PATCH", "/v2/projects/" .. ID, { name = "x" },
      "b"), "project_not_found")
  end)

  it("are deleted once", function()
    make { name = "One", id = ID }
    local answer = ask("DELETE", "/v2/projects/" .. ID)
    assert.same({ id = ID }, answer.json)
    assert_refused(404, ask("DELETE", "/v2/projects/" .. ID),
      "project_not_found")
  end)

  it("have assets, which are in one of them at a time", function()
    make { name = "One", id = ID }
    make { name = "Two", id = OTHER }
    service:add { kind = "asset", id = ID }
    local here, there = "/v2/projects/" .. ID .. "/assets",
      "/v2/projects/" .. OTHER .. "/assets"
    local function project()
      return ask("GET", "/v2/assets/" .. ID).json.projectId
    end
    for _ = 1, 2 do
      assert.equal(204, ask("POST", here, { assetId = ID }).status)
      assert.equal(ID, project())
    end
    assert.equal(1, #ask("GET", "/v2/assets?projectId=" .. ID).json.items)
    assert.equal(204, ask("DELETE", there .. "/" .. ID).status)
    assert.equal(ID, project())
    for _ = 1, 2 do
      assert.equal(204, ask("DELETE", here .. "/" .. ID).status)
      assert.is_nil(project())
    end
    assert.equal(400, ask("POST", here, {}).status)
    assert_refused(404, ask("POST", here, { assetId = OTHER }),
      "asset_not_found")
    assert_refused(404, ask("POST", here, { assetId = ID }, "b"),
      "project_not_found")
  end)
end)
