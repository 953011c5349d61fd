-- SPDX-License-Identifier: MIT
-- The documents name all that a program can use: options, fields, members,
-- the emulator's options; and nothing inside. A number of a rule that a spec
-- cites has its text in docs/hosts.md.

local emulator = require "spec.support.emulator"
local lipsync = require "lipsync"
local markdown = require "spec.support.markdown"

local read = markdown.read

-- Whether a document names it in code: `name`, `x.name`, `x:name(…)`.
local function names(document, name)
  local plain = name:gsub("%p", "%%%0")
  return document:find("`[^`\n]*%f[%w_-]" .. plain .. "%f[^%w_][^`\n]*`")
end

local function check_names(path, list)
  local document = read(path)
  assert.is_true(#list > 0)
  for _, name in ipairs(list) do
    assert.is_truthy(names(document, name), path .. " lacks " .. name)
  end
end

-- All of the library's Lua text.
local function sources()
  local pipe = assert(io.popen "find lua -name '*.lua' -exec cat '{}' +")
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- The fields that the annotation of a class names.
local function fields(class)
  local text = sources():match("%-%-%-@class " .. class:gsub("%.", "%%.")
    .. "%f[^%w](.-)\n[^-]")
  local found = {}
  for name in assert(text, class):gmatch "%-%-%-@field ([%w_]+)" do
    found[#found + 1] = name
  end
  return found
end

describe("the reference", function()
  for class, path in pairs {
    Options = "reference", CallOptions = "reference",
    CreateRequest = "reference", InputItem = "reference",
    CreateOptions = "reference", CreateManyOptions = "reference",
    Creates = "reference", EstimateRequest = "reference",
    DeleteManyOptions = "reference", WaitManyOptions = "reference",
    Waits = "reference", DeleteWhenDoneOptions = "reference",
    Batch = "reference", BatchFilter = "reference", BatchRow = "reference",
    BatchOptions = "reference", BatchWaitOptions = "reference",
    Results = "reference", ResultsOptions = "reference",
    AssetFilter = "reference", AssetRequest = "reference",
    AssetChanges = "reference", ProjectFilter = "reference",
    ProjectRequest = "reference", UploadOptions = "reference",
    RequestOptions = "reference", WebhookOptions = "reference",
    NginxWebhookOptions = "reference",
    Response = "reference",
    Filter = "reference", VoiceFilter = "reference",
    CloneRequest = "reference", SpeechRequest = "reference",
    KeyedOptions = "reference", TranscriptionRequest = "reference",
    DialogueEditRequest = "reference", UsageFilter = "reference",
    SecretFilter = "reference", CostsOptions = "reference",
    WaitOptions = "reference",
    Listing = "reference", Generation = "reference", Deleted = "reference",
    CatalogEntry = "reference", Event = "reference", Error = "errors",
  } do
    it("names every field of lipsync." .. class, function()
      check_names("docs/" .. path .. ".md", fields("lipsync." .. class))
    end)
  end

  it("names everything in the module", function()
    local text = read "docs/reference.md"
    for name in pairs(lipsync) do
      assert.is_truthy(text:find("lipsync." .. name, 1, true), name)
    end
    for name in pairs(lipsync.webhook) do
      assert.is_truthy(text:find("### lipsync.webhook." .. name, 1, true), name)
    end
  end)

  -- What is loaded inside may be named otherwise tomorrow.
  it("names no module but the public ones, nor do the others", function()
    local public = { emulator = true, h = true }
    for name in pairs(lipsync) do public[name] = true end
    for _, path in ipairs(markdown.files()) do
      if path ~= "CONTRIBUTING.md" then
        for name in read(path):gmatch "%f[%w]lipsync%.([%a_]+)" do
          assert.is_true(public[name], path .. ": lipsync." .. name)
        end
      end
    end
  end)
end)

describe("the emulator's document", function()
  local path = "docs/emulator.md"

  it("names every option of the program", function()
    if not emulator.has_program() then pending "the emulator is left out" end
    local pipe = assert(io.popen "build/lipsync-emulator --help")
    local found = {}
    for name in pipe:read "*a":gmatch "\n  (%-%-[%l-]+)" do
      found[#found + 1] = name
    end
    pipe:close()
    check_names(path, found)
  end)

  -- Each refuses a name that it does not know, and says those it knows.
  local function known(refuse, ...)
    local _, problem = pcall(refuse, ...)
    local found = {}
    for name in problem:match "Known: (.*)":gmatch "[%w_]+" do
      found[#found + 1] = name
    end
    return found
  end

  it("names all that its Lua module takes", function()
    local found, module = pcall(require, "lipsync.emulator")
    if not found then pending "lipsync.emulator is left out" end
    local running = assert(module.start())
    finally(function() running:stop() end)
    check_names(path, known(module.start, { unknown = 1 }))
    check_names(path, known(running.fault, running, { unknown = 1 }))
    check_names(path, known(running.fault, running, { route = "unknown" }))
    check_names(path, known(running.set, running, { unknown = 1 }))
  end)
end)

describe("the rules of hosts", function()
  -- The numbers in "Rule 3 of hosts" and "Rules of hosts: 3 (…), 7 (…); …".
  local function cited(path, found)
    local text = read(path):gsub("\n%-%- ", " "):gsub("\n%*%* ", " ")
    for number in text:gmatch "[Rr]ule (%d+) of hosts" do
      found[number] = path
    end
    for list in text:gmatch "[Rr]ules of hosts: ([^\n]*)" do
      for number in list:gmatch "(%d+) %(" do found[number] = path end
    end
  end

  it("have a text wherever a number is cited", function()
    local found, count = {}, 0
    local pipe = assert(io.popen "grep -rliE 'rules? (of|[0-9])' spec lua src")
    for path in pipe:lines() do
      if path ~= "spec/reference_spec.lua" then cited(path, found) end
    end
    pipe:close()
    local rules = read "docs/hosts.md":match "\n## Rules\n(.*)"
    for number, path in pairs(found) do
      count = count + 1
      assert.is_truthy(rules:find("\n" .. number .. ". ", 1, true),
        path .. " cites rule " .. number)
    end
    assert.is_true(count > 10)
  end)
end)
