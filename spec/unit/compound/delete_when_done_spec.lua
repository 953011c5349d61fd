-- SPDX-License-Identifier: MIT
local lipsync = require "lipsync"
local media = require "spec.support.media"
local scripted = require "spec.support.scripted"
local service = require "spec.support.service"

describe("delete_when_done", function()
  local here = service.fixture(after_each)

  local function answer(status)
    return service.answer(200, service.generation("g1", status))
  end

  local function requests(n)
    local list = {}
    for i, request in ipairs(here.server:requests(n)) do
      list[i] = request.method .. " " .. request.target:gsub("%?.*", "")
    end
    return list
  end

  it("waits, then deletes", function()
    local generations = here.start { answer "PROCESSING", answer "FAILED",
                                     answer "FAILED" }
    local deleted, err, note = generations:delete_when_done("g1",
      { discard = true })
    assert.equal("FAILED", deleted.status)
    assert.is_nil(err)
    assert.is_nil(note)
    assert.same({ "GET /v2/generate/g1", "GET /v2/generate/g1",
                  "DELETE /v2/generations/g1" }, requests(3))
  end)

  it("deletes one that has ended at once", function()
    local generations = here.start { service.answer(204, "") }
    local ended = lipsync.generation(service.generation("g1", "COMPLETED"))
    assert.equal(ended, generations:delete_when_done(ended,
      { discard = true }))
    assert.same({ "DELETE /v2/generations/g1" }, requests(1))
  end)

  it("deletes nothing if the wait fails", function()
    local generations = here.start { answer "PENDING", answer "PENDING",
                                     loop = true }
    local deleted, err = generations:delete_when_done("g1",
      { discard = true, timeout = 0.2 })
    assert.is_nil(deleted)
    assert.equal("timeout", err.kind)
    assert.equal("PENDING", err.generation.status)
    for _, request in ipairs(requests(1)) do
      assert.equal("GET /v2/generate/g1", request)
    end
  end)

  it("returns the generation with an error of the deletion", function()
    local generations = here.start { answer "COMPLETED",
                                     service.answer(403, "{}") }
    local deleted, err = generations:delete_when_done("g1",
      { discard = true, tag = "t" })
    assert.is_nil(deleted)
    assert.equal(403, err.statusCode)
    assert.equal("t", err.tag)
    assert.equal("COMPLETED", err.generation.status)
  end)

  describe("with a path", function()
    local path, storage

    before_each(function() path = os.tmpname() .. ".mp4" end)

    after_each(function()
      storage:stop()
      for _, suffix in ipairs { "", ".part", ".part.json", ".part.lock" } do
        os.remove(path .. suffix)
      end
      os.remove((path:gsub("%.mp4$", "")))
    end)

    -- A generation that has ended, and its output at another server.
    local function start(status, script, rest)
      storage = scripted.start(script)
      local text = service.generation("g1", status,
        (',"outputUrl":"%s/o.mp4"'):format(storage.base_url))
      local own = { service.answer(200, text) }
      for _, each in ipairs(rest or {}) do own[#own + 1] = each end
      return here.start(own)
    end

    it("downloads first", function()
      local generations = start("COMPLETED", { media.once(media.partial(0)) },
        { service.answer(204, "") })
      local deleted, err, note, file = generations:delete_when_done("g1",
        { download = path })
      assert.is_nil(err)
      assert.equal("COMPLETED", deleted.status)
      assert.is_nil(note)
      assert.equal(path, file.path)
      assert.is_true(media.body == media.read(path))
      assert.same({ "GET /v2/generate/g1", "DELETE /v2/generations/g1" },
        requests(2))
    end)

    it("deletes nothing after a failed download", function()
      local generations = start("COMPLETED", { service.answer(500, "") })
      local deleted, err = generations:delete_when_done("g1",
        { download = path, max_attempts = 1 })
      assert.is_nil(deleted)
      assert.equal(500, err.statusCode)
      assert.equal("COMPLETED", err.generation.status)
      assert.same({ "GET /v2/generate/g1" }, requests(1))
    end)

    it("deletes nothing that has no output", function()
      local generations = start("FAILED", {},
        { answer "FAILED", answer "FAILED" })
      local deleted, err = generations:delete_when_done("g1",
        { download = path })
      assert.is_nil(deleted)
      assert.equal("invalid", err.kind)
      assert.equal("FAILED", err.generation.status)
      for _, request in ipairs(requests(1)) do
        assert.equal("GET /v2/generate/g1", request)
      end
    end)
  end)

  it("raises unless something says what becomes of the output", function()
    local generations = here.start {}
    for _, options in ipairs { {}, { discard = false }, { tag = 1 } } do
      local ok, problem = pcall(function()
        generations:delete_when_done("g1", options)
      end)
      assert.is_false(ok)
      assert.match("delete_when_done_spec.lua:%d+: delete_when_done needs ",
        problem)
    end
    assert.has_error(function() generations:delete_when_done "g1" end)
    assert.has_error(function()
      generations:delete_when_done("g1", { discard = true, download = "a" })
    end)
    assert.equal(0, #here.server:connections())
  end)
end)
