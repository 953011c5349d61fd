-- SPDX-License-Identifier: MIT
local lipsync = require "lipsync"
local service = require "spec.support.service"

local ID = "6533643b-aceb-4c40-967e-d9ba9baac39e"

describe("client.projects", function()
  local here = service.fixture(after_each)

  local function start(script)
    here.start(script)
    return here.client.projects
  end

  local function project(id, name)
    return service.answer(200, ('{"id":"%s","name":"%s"}'):format(id, name))
  end

  it("gives objects of their own type", function()
    local made = start({ project(ID, "Clips") }):get(ID)
    assert.equal("Project " .. ID .. " Clips", tostring(made))
    assert.equal('{"id":"' .. ID .. '","name":"Clips"}', made:json())
  end)

  it("is created with a random id, which all requests have", function()
    local scripted = { service.answer(503, "{}", { ["Retry-After"] = "0" }) }
    local projects = start(scripted)
    local _, err = projects:create({ name = "x" }, { max_attempts = 1 })
    local id = here.server:requests(1)[1].body:match '"id":"([^"]*)"'
    assert.matches("^%x+%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x+$", id)
    assert.equal(36, #id)
    assert.equal("create project " .. id, tostring(err):match "^[^:]*")
    here.stop()
    projects = start { service.answer(503, "{}", { ["Retry-After"] = "0" }),
                       project(ID, "x") }
    assert.equal(ID, projects:create({ id = ID, name = "x" }).id)
    local requests = here.server:requests(2)
    assert.equal(requests[1].body, requests[2].body)
    assert.equal('{"id":"' .. ID .. '","name":"x"}', requests[1].body)
  end)

  it("takes no other project for the one that it creates", function()
    local made, err = start({ project("other", "x") })
      :create { id = ID, name = "x" }
    assert.is_nil(made)
    assert.equal("protocol", err.kind)
    assert.matches("expected the project " .. ID, tostring(err), 1, true)
  end)

  it("says what may be there after an unknown outcome", function()
    local _, err = start({ { { read = true } } })
      :create({ id = ID, name = "x" }, { max_attempts = 1 })
    assert.is_true(err.outcomeUnknown)
    assert.matches("The project may have been created; the same request with "
      .. "this id creates no second one", tostring(err), 1, true)
  end)

  it("raises for an asset that is none", function()
    local projects = start { project(ID, "Clips") }
    local given = { ["number 5"] = 5, Project = assert(projects:get(ID)) }
    for shown, value in pairs(given) do
      local ok, message = pcall(function()
        local done = projects:attach(ID, value)
        return done
      end)
      assert.is_false(ok)
      assert.matches("projects_spec%.lua:%d+: assetId must be a string or an "
        .. "asset, got " .. shown .. "$", message)
    end
  end)

  it("does all of it at the emulator", function()
    here.emulate { generations = 0 }
    local projects, assets = here.client.projects, here.client.assets
    local made = assert(projects:create { name = "Clips" })
    assert.equal("Clips", projects:get(made).name)
    assert.equal("More", projects:update(made, { name = "More" }).name)
    here.server:add { kind = "asset", id = ID }
    assert.is_true(projects:attach(made, assert(assets:get(ID))))
    assert.equal(ID, assets:list({ projectId = made }):next().id)
    assert.is_true(projects:detach(made, ID))
    assert.is_nil((assets:list({ projectId = made }):next()))
    here.server:add { projectId = made.id }
    assert.equal(1, here.client.generations:count { projectId = made })
    for generation in here.client.generations:list { projectId = made } do
      assert.equal(made.id, generation.projectId)
    end
    local created = assert(here.client.generations:create {
      model = "lipsync-2", projectId = made, input = {
        { type = "video", url = "https://media.example/v.mp4" },
        { type = "audio", url = "https://media.example/a.wav" } } })
    assert.equal(made.id, created.projectId)
    assert.equal("More", projects:list({ sortBy = "name" }):next().name)
    assert.equal(made.id, projects:delete(made).id)
    local none, err = projects:get(made)
    assert.is_nil(none)
    assert.equal("project_not_found", err.errorCode)
    assert.is_true(lipsync.is_error(err))
  end)
end)
