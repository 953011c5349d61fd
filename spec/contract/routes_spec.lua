-- SPDX-License-Identifier: MIT
-- The client's operations, the emulator's routes and the reference name the
-- same things: what is added to one is missed in the others here.

local api = require "lipsync.api"
local markdown = require "spec.support.markdown"
local operations = require "spec.support.operations"
local service = require "spec.support.service"

-- Routes that the emulator has and the client has no operation for, and why;
-- one that ends in "/" stands for all below it.
local beyond = {
  ["GET /v2/generations/*"] = "the same as GET /v2/generate/*",
  ["GET /v2/generations/*/download"] = "a redirect that a download takes",
  ["POST /v2/generate/estimate-cost"] = "another name of the estimate",
  ["POST /v2/analyze/cost"] = "another name of the estimate",
  ["GET /v2/batch/*/output"] = "the address that a batch names",
}

local function is_beyond(route)
  if beyond[route] then return true end
  for prefix in pairs(beyond) do
    local path = route:match " (.*)" .. "/"
    if prefix:find "/$" and path:sub(1, #prefix) == prefix then
      return true
    end
  end
  return false
end

-- Each operation of the client, by "generations.get"; also those that are only
-- a step of a method, if they are wanted.
local function rows(with_steps)
  local found = {}
  for resource, members in pairs(api) do
    for name, row in pairs(members) do
      if type(row) == "table" and row.method
         and (with_steps or not row.is_step) then
        found[resource .. "." .. name] = row
      end
    end
  end
  return found
end

-- "GET /v2/generate/*" of each row.
local function client_routes()
  local found = {}
  for _, row in pairs(rows(true)) do
    found[row.method .. " " .. row.path:gsub("{[%w_]+}", "*")] = true
  end
  return found
end

-- Those of operations: what is at another path is an address in a response.
local function emulator_routes()
  local file = assert(io.open "src/emulator/api/operations.c")
  local text = file:read "*a"
  file:close()
  local found = {}
  for method, path in text:gmatch '{%s*"[%w_-]+",%s*"(%u+)",%s*"(/v2/[^"]*)"' do
    found[method .. " " .. path] = true
  end
  return found
end

local function missing(of, from)
  local found = {}
  for name in pairs(of) do
    if not from[name] then found[#found + 1] = name end
  end
  table.sort(found)
  return found
end

describe("the operations of the client", function()
  it("are those that the emulator has", function()
    assert.is_truthy(next(emulator_routes()))
    assert.same({}, missing(client_routes(), emulator_routes()))
  end)

  it("are all that the emulator has, but for what is listed", function()
    local known, unknown = client_routes(), {}
    for _, route in ipairs(missing(emulator_routes(), known)) do
      if not is_beyond(route) then unknown[#unknown + 1] = route end
    end
    assert.same({}, unknown)
    for route in pairs(beyond) do
      assert.is_nil(known[route], route .. " is no exception any more")
    end
  end)

  it("are those that the contract tests", function()
    assert.same({}, missing(rows(), operations.rows))
    assert.same({}, missing(operations.rows, rows()))
    local sampled = {}
    for _, operation in ipairs(operations.list) do
      sampled[operation.of] = true
    end
    assert.same({}, missing(operations.rows, sampled))
  end)

  it("are tortured, with their steps and waits", function()
    local jit = rawget(_G, "jit")
    local is_on = jit and jit.status()
    local calls = assert(loadfile "spec/torture/calls.lua")("", "")
    if is_on then jit.on() end
    local wanted = {}
    for _, operation in ipairs(operations.list) do
      wanted["operation." .. operation.name] = true
    end
    for name, row in pairs(rows(true)) do
      if row.is_step then wanted["step." .. name] = true end
      if row.poll then wanted["wait." .. name:match "^[^.]+"] = true end
    end
    assert.same({}, missing(wanted, calls))
  end)

  it("have a section of the reference each", function()
    local text = markdown.read "docs/reference.md"
    for name in pairs(rows()) do
      local call = name:gsub("%.", ":")
      assert.is_truthy(text:find("\n### client." .. call .. "(", 1, true),
        "no section for client." .. call)
    end
  end)

  it("and all else that the reference describes are there", function()
    local client = service.client "http://127.0.0.1:1"
    local n = 0
    for owner, name in markdown.read "docs/reference.md"
        :gmatch "\n### client%.?([%w_]*):([%w_]+)%(" do
      local object = owner == "" and client or client[owner]
      assert.is_function(object[name], owner .. ":" .. name)
      n = n + 1
    end
    client:close()
    assert.is_true(n > 10)
  end)
end)
