-- SPDX-License-Identifier: MIT
-- lipsync create: the request that a command line makes. Sent to the emulator:
-- spec/command/create_spec.lua.

if not pcall(require, "argparse") then
  describe("lipsync create", function() pending("argparse is missing") end)
  return
end

local cli = require "spec.support.cli"
local launch = require "spec.support.launch"
local lipsync = require "lipsync"

-- The request, and the options of the call.
local function request_of(...)
  local request, options
  local client = { generations = { create = function(_, ...)
    request, options = ...
    return lipsync.generation '{"id":"a"}'
  end } }
  local out, code, err = cli.run({ "create", ... }, client)
  assert.equal("a\n0", out .. code, err)
  return request, options
end

describe("lipsync create", function()
  it("knows an address, an asset and a file", function()
    local id = "6533643b-aceb-4c40-967e-D9BA9BAAC39E"
    for given, wanted in pairs { ["https://a/b"] = { url = "https://a/b" },
        ["HTTP://a"] = { url = "HTTP://a" }, ["asset:ab"] = { assetId = "ab" },
        [id] = { assetId = id }, ["x" .. id] = { file = "x" .. id },
        [id .. "0"] = { file = id .. "0" }, ["a.mp4"] = { file = "a.mp4" },
        ["ftp://a"] = { file = "ftp://a" }, ["xhttp://"] = { file =
        "xhttp://" }, ["asset"] = { file = "asset" } } do
      wanted.type = "video"
      assert.same({ wanted }, request_of("--video", given).input)
    end
  end)

  it("takes a file for a file, also if its name is like an id", function()
    local name = "6533643b-aceb-4c40-967e-d9ba9baac39e"
    finally(function() os.remove(name) end)
    launch.write(name, "")
    assert.same({ { type = "image", file = name } },
      request_of("--image", name).input)
  end)

  it("has all that was given", function()
    local request, options = request_of("--video", "v", "--audio", "a",
      "--text", "Hello", "--voice", "v1", "--name", "n", "--project", "p",
      "--webhook", "w", "--receipt", "r", "--idempotency-key", "k")
    assert.same({ model = "lipsync-2", outputFileName = "n", projectId = "p",
      webhookUrl = "w", input = { { type = "video", file = "v" },
        { type = "audio", file = "a" }, { type = "text", provider = {
          name = "elevenlabs", voiceId = "v1", script = "Hello" } } } },
      request)
    assert.same({ idempotency_key = "k", receipt = "r" }, options)
    request = request_of("--image", "i", "--model", "m")
    assert.same({ model = "m", input = { { type = "image", file = "i" } } },
      request)
  end)

  it("joins the options of the service", function()
    local function options(...)
      local words = { "--video", "v" }
      for _, each in ipairs { ... } do
        words[#words + 1] = "--option"
        words[#words + 1] = each
      end
      return request_of((table.unpack or unpack)(words)).options
    end
    assert.same({ a = { b = { c = 1, d = "x" }, e = true }, f = { 1 } },
      options("a.b.c=1", "a.b.d=x", "a.e=true", "f=[1]"))
    assert.same({ a = { b = 2 } }, options("a=1", "a.b=2"))
    assert.same({ a = 1 }, options("a.b=2", "a=1"))
  end)
end)
