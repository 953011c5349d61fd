-- SPDX-License-Identifier: MIT
-- types/, what editors show, is made of the annotations as they are now, and
-- has all that a program can use.

local api = require "lipsync.api"
local lipsync = require "lipsync"
local markdown = require "spec.support.markdown"

local read = markdown.read
local library, emulated = read "types/lipsync.lua",
  read "types/lipsync/emulator.lua"

-- The block of a class with the functions after it.
local function class(text, name)
  local plain = name:gsub("%p", "%%%0")
  return assert((text .. "\n---@class "):match("\n%-%-%-@class " .. plain
    .. "%f[^%w_.](.-)\n%-%-%-@class "), name)
end

-- Whether the class has a field or a method of that name.
local function has(text, name, member)
  local block = class(text, name)
  return block:find("\n---@field " .. member .. " ", 1, true)
    or block:find("\nfunction [%w_]+[.:]" .. member .. "%(")
end

local function check(text, name, members)
  assert.is_true(#members > 0, name)
  for _, member in ipairs(members) do
    assert.is_truthy(has(text, name, member), name .. " lacks " .. member)
  end
end

-- The names that a refusal says it knows.
local function known(refuse, ...)
  local _, problem = pcall(refuse, ...)
  local found = {}
  for name in tostring(problem):match "Known: (.*)":gmatch "[%w_]+" do
    found[#found + 1] = name
  end
  return found
end

local function keys(of)
  local found = {}
  for name in pairs(of) do
    if type(name) == "string" then found[#found + 1] = name end
  end
  return found
end

-- What a script prints.
local function made_by(script)
  local pipe = assert(io.popen((os.getenv "LIPSYNC_LUA" or "lua5.4") .. " "
    .. script))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- Whether this VM asks __pairs.
local has_pairs = false
pairs(setmetatable({}, { __pairs = function(self)
  has_pairs = true
  return next, self, nil
end }))

describe("types/lipsync.lua", function()
  it("is what the annotations make (make types)", function()
    assert.equal(library, made_by("scripts/types.lua "
      .. "$(find lua -name '*.lua' | LC_ALL=C sort)"), 'run "make types"')
  end)

  it("is Lua, with no type that is not there", function()
    local n = 0
    for _, text in ipairs { library, emulated } do
      assert((loadstring or load)(text))  -- luacheck: ignore
      for line in text:gmatch "%-%-%-@[^\n]*" do
        for name in line:gmatch "lipsync%.%f[%w][%w_.]*%f[^%w_.]" do
          name = name:gsub("%.$", "")
          if name:find "%.%u" then
            n = n + 1
            local plain = name:gsub("%p", "%%%0") .. "%f[^%w_.]"
            assert.is_truthy((library .. emulated):find("\n%-%-%-@class "
              .. plain) or library:find("\n%-%-%-@alias " .. plain), name)
          end
        end
      end
    end
    assert.is_true(n > 100)
  end)

  it("has nothing private", function()
    for _, text in ipairs { library, emulated } do
      text = text:gsub("@field _VERSION", "")
      assert.is_nil(text:match "@field _[^\n]*")
      assert.is_nil(text:match "function [%w_]+[.:]_[^\n]*")
    end
  end)

  it("has all of the module", function()
    check(library, "lipsync", keys(lipsync))
    check(library, "lipsync.Webhook", keys(lipsync.webhook))
  end)

  it("has listings of what they list", function()
    local listings = {}
    for text in library:gmatch "%-%-%-@class (.-)\nlocal" do
      local returned = text:match(
        "@field list fun%([^\n]*%): lipsync%.(%a*Listing)")
      if returned then listings[text:match "^[%w_.]+"] = returned end
    end
    assert.same({ ["lipsync.Generations"] = "Listing",
      ["lipsync.Batches"] = "BatchListing",
      ["lipsync.Assets"] = "TableListing",
      ["lipsync.Projects"] = "TableListing",
      ["lipsync.UsageRecords"] = "TableListing" }, listings)
    for name, item in pairs { Batch = "lipsync.Batch", Table = "table" } do
      assert.is_truthy(library:find(("@class lipsync.%sListing : "
        .. "lipsync.Listing\n---@field next fun(self): %s|nil, "
        .. "lipsync.Error|nil\n---@overload fun(): %s|nil"):format(name, item,
        item), 1, true), name)
    end
  end)

  it("has every host that an option may name", function()
    local hosts = library:match "@alias lipsync%.Host ([^\n]*)"
    local n = 0
    for _, name in ipairs(known(lipsync.new, { host = "unknown" })) do
      assert.is_truthy(hosts:find('"' .. name .. '"', 1, true), name)
      n = n + 1
    end
    assert.is_true(n > 5)
  end)

  it("has all of a client, its resources and their operations", function()
    local client = lipsync.new { api_key = "k", strict = true }
    finally(function() client:close() end)
    local classes = {}
    for name, of in library:match "@class lipsync.Client\n(.-)\nlocal":gmatch
      "@field ([%w_]+) (lipsync%.%w+)" do
      classes[name] = of
      assert.is_table(client[name])
    end
    local checked = 0
    for resource, rows in pairs(api) do
      local names = {}
      for name, row in pairs(rows) do
        if type(row) == "table" and row.method and not row.is_step
           and client[resource][name] then
          names[#names + 1] = name
        end
      end
      if #names > 0 then
        check(library, assert(classes[resource], resource), names)
        checked = checked + #names
      end
    end
    assert.is_true(checked > 10, checked)
    if has_pairs then
      check(library, "lipsync.Client", keys(client))
      for resource, of in pairs(classes) do
        check(library, of, keys(client[resource]))
      end
    end
    local shown = {}
    for name in pairs(client) do shown[name] = true end
    for name in read "docs/reference.md":gmatch
      "%f[`]`client:([%w_]+)%(" do
      check(library, "lipsync.Client", { name })
      assert.is_true(not has_pairs or shown[name], name)
    end
    for resource, name in read "docs/reference.md":gmatch
      "\n### client%.([%w_]+):([%w_]+)" do
      check(library, assert(classes[resource], resource), { name })
    end
  end)

  it("has every option and member that is taken", function()
    local client = lipsync.new { api_key = "k", strict = true }
    finally(function() client:close() end)
    local wrong = { unknown = 1 }
    local generations = client.generations
    check(library, "lipsync.Options", known(lipsync.new, wrong))
    check(library, "lipsync.CallOptions",
      known(generations.count, generations, nil, wrong))
    check(library, "lipsync.Filter", known(generations.list, generations,
      wrong))
    check(library, "lipsync.WebhookOptions",
      known(lipsync.webhook.verify, "", "", "s", wrong))
    local listing = generations:list()
    check(library, "lipsync.Listing", known(function()
      return listing.unknown
    end))
    local waits = generations:wait_many { "a" }
    check(library, "lipsync.Waits", known(function() return waits.unknown end))
  end)

  it("has what a console completes by pairs, and that is all", function()
    local client = lipsync.new { api_key = "k", strict = true }
    finally(function() client:close() end)
    local generations, n = client.generations, 0
    for name, object in pairs {
      ["lipsync.Listing"] = (generations:list()),
    } do
      if has_pairs then
        check(library, name, keys(object))
        assert.is_function(object.next)
        n = n + 1
      end
    end
    assert.equal(has_pairs and 1 or 0, n)
  end)

  it("has every member of an error", function()
    local _, err = lipsync.generation "{"
    check(library, "lipsync.Error", keys(err))
    local client = lipsync.new { api_key = "k", base_url = "http://127.0.0.1:1",
                                 strict = true, max_attempts = 1 }
    finally(function() client:close() end)
    _, err = client.generations:get "x"
    check(library, "lipsync.Error", keys(err))
  end)
end)

describe("types/lipsync/emulator.lua", function()
  local found, module = pcall(require, "lipsync.emulator")
  if not found then return pending "lipsync.emulator is left out" end

  it("is what the emulator's parameters make (make types)", function()
    assert.equal(emulated, made_by "scripts/types_emulator.lua",
      'run "make types"')
  end)

  it("has all that the module takes and gives", function()
    local running = assert(module.start())
    finally(function() running:stop() end)
    local settings = class(emulated, "lipsync.emulator.Settings")
    for _, name in ipairs(known(module.start, { unknown = 1 })) do
      assert.is_truthy(settings:find("@field " .. name .. " ", 1, true)
        or has(emulated, "lipsync.emulator.Options", name), name)
    end
    check(emulated, "lipsync.emulator.Fault",
      known(running.fault, running, { unknown = 1 }))
    check(emulated, "lipsync.Emulator",
      known(function() return running.unknown end))
    local receiver = assert(module.receive())
    finally(function() receiver:stop() end)
    check(emulated, "lipsync.emulator.ReceiveOptions",
      known(module.receive, { unknown = 1 }))
    check(emulated, "lipsync.emulator.Receiver",
      known(function() return receiver.unknown end))
  end)
end)
