-- SPDX-License-Identifier: MIT
-- lipsync get and count, with a service of the spec's own. lipsync list:
-- selection_spec.lua. Against the emulator: spec/command/list_spec.lua.

if not pcall(require, "argparse") then
  describe("lipsync get", function() pending("argparse is missing") end)
  return
end

local cli = require "spec.support.cli"
local core = require "lipsync.core"
local errors = require "lipsync.error"
local lipsync = require "lipsync"

local function words_of(line)
  local words = {}
  for word in line:gmatch "%S+" do words[#words + 1] = word end
  return words
end

describe("lipsync get", function()
  local asked
  local client = { generations = { get = function(_, id)
    asked[#asked + 1] = id
    if id == "none" then
      return nil, errors.new("api", "no", { action = "get generation none" })
    end
    return lipsync.generation(('{"id":"%s","status":"FAILED"}'):format(id))
  end } }

  before_each(function() asked = {} end)

  local function get(line)
    return cli.run(words_of("get " .. line), client)
  end

  it("shows a record of each, with a line between them", function()
    assert.equal("id\ta\nstatus\tFAILED\n", (get "a"))
    assert.equal("id\ta\nstatus\tFAILED\n\nid\tb\nstatus\tFAILED\n",
      (get "a b a"))
    assert.same({ "a", "a", "b" }, asked)
  end)

  it("writes rows where a format is given", function()
    local json = '{"id":"a","status":"FAILED"}\n{"id":"b","status":"FAILED"}\n'
    assert.equal(json, (get "a b --json"))
    assert.equal("status\r\nFAILED\r\n", (get "a --csv --fields status"))
    assert.equal("FAILED\nFAILED\n", (get "a b --fields status"))
    assert.matches("^id,status,createdAt,model,errorCode,outputFileName\r\na,",
      (get "a --csv"))
  end)

  it("ends at the first that it does not get", function()
    local ok, err = pcall(get, "a none b")
    assert.is_false(ok)
    assert.equal("get generation none: no.", tostring(err))
    assert.same({ "a", "none" }, asked)
  end)
end)

describe("lipsync count", function()
  local numbers, asked

  local client = { generations = { count = function(_, filter)
    local copy = {}
    for name, value in pairs(filter) do copy[name] = value end
    asked[#asked + 1] = copy
    return numbers[filter.status or "all"] or 0
  end } }

  before_each(function()
    asked = {}
    numbers = { all = 12, COMPLETED = 7, FAILED = 2, PENDING = 1 }
  end)

  local function count(line)
    return (cli.run(words_of("count " .. line), client))
  end

  it("writes a number", function()
    assert.equal("12\n", count "")
    assert.equal('{"count":12}\n', count "--json")
    assert.equal("count\r\n12\r\n", count "--csv")
    assert.same({ {}, {}, {} }, asked)
    count "--status failed --source api --project p --ids a,b"
    assert.same({ status = { "FAILED" }, source = { "api" }, projectId = "p",
                  ids = { "a", "b" } }, asked[4])
  end)

  it("writes a line for each status, and for what has another", function()
    local five = "PENDING\t1\nPROCESSING\t0\nCOMPLETED\t7\nFAILED\t2\n"
      .. "REJECTED\t0\n"
    assert.equal(five .. "OTHER\t2\n", count "--by status --source api")
    assert.equal(6, #asked)
    assert.same({ status = "PENDING", source = { "api" } }, asked[1])
    assert.same({ source = { "api" } }, asked[6])
    numbers.all = 10
    assert.equal(five, count "--by status")
    numbers.all = 11
    assert.equal('{"count":1,"status":"OTHER"}',
      count("--by status --json"):match "([^\n]*)\n$")
  end)

  it("writes those statuses alone that are asked for", function()
    assert.equal("FAILED\t2\nPENDING\t1\n",
      count "--by status --status failed,pending")
    assert.equal(2, #asked)
  end)

  it("ends with the error of any", function()
    local err = errors.new("connection", "lost")
    for _, line in ipairs { "count", "count --by status" } do
      local ok, raised = pcall(cli.run, words_of(line), { generations = {
        count = function() return nil, err end } })
      assert.is_false(ok)
      assert.is_true(core.is_error(raised))
    end
  end)
end)
