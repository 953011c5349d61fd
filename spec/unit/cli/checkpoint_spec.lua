-- SPDX-License-Identifier: MIT
-- The file that remembers how far a deletion came. In use:
-- spec/command/delete_spec.lua.

local checkpoint = require "lipsync.cli.checkpoint"
local launch = require "spec.support.launch"
local status = require "lipsync.cli.status"

local client = {}
function client.about() return { base_url = "https://a" } end
function client.runtime()
  return { session = { account = function() return "1234" end } }
end

local title = '{"account":"1234","base_url":"https://a","version":1,'
  .. '"what":{"all":true}}'

describe("a checkpoint", function()
  local path

  before_each(function()
    path = os.tmpname()
    os.remove(path)
  end)
  after_each(function() os.remove(path) end)

  local function open(what)
    return checkpoint.open(path, client, what or { all = true })
  end

  it("has a line for the deletion, for each id and for each that is gone",
    function()
      assert.is_nil((open()))
      local made = checkpoint.create(path, client, { all = true },
        { "a", "b", "c" })
      assert.equal(title .. "\ntodo a\ntodo b\ntodo c\n", launch.read(path))
      made:note "b"
      assert.equal(title .. "\ntodo a\ntodo b\ntodo c\ndone b\n",
        launch.read(path))
      made:close(false)
      local again, left, total = open()
      assert.same({ "a", "c" }, left)
      assert.equal(3, total)
      again:note "a"
      again:close(true)
      assert.equal("", launch.read(path))
    end)

  it("leaves out a line that was cut off, and goes on after it", function()
    launch.write(path, title .. "\ntodo a\ntodo b\ndone a\ndone b")
    local again, left, total = open()
    assert.same({ "b" }, left)
    assert.equal(2, total)
    again:note "b"
    again:close(false)
    assert.equal(title .. "\ntodo a\ntodo b\ndone a\ndone b\ndone b\n",
      launch.read(path))
  end)

  it("is of one deletion, one account and one service", function()
    local function refusal(text, what)
      launch.write(path, text)
      local ok, stop = pcall(open, what)
      assert.is_false(ok)
      assert.is_true(status.is_stop(stop))
      assert.equal(text, launch.read(path))
      return stop.status .. " " .. stop.message:gsub("^" .. path, "PATH")
    end
    for _, text in ipairs { "", "\n", title, "todo a\n", "[]\n", "1\n",
        (title:gsub('"version":1', '"version":2')) .. "\n" } do
      assert.equal("1 PATH is no checkpoint of this command. Give another "
        .. "--checkpoint, or remove it.", refusal(text), text)
    end
    for from, to in pairs { ["1234"] = "1235", ["//a"] = "//b",
                            ["true"] = "false" } do
      assert.equal("1 PATH is of another deletion, account or service. Give "
        .. "another --checkpoint, or remove it.",
        refusal((title:gsub(from, to)) .. "\n"))
    end
    assert.matches("is of another deletion", refusal(title .. "\n", {}))
  end)

  it("says where it cannot be written", function()
    path = path .. "/none"
    local ok, stop = pcall(checkpoint.create, path, client, {}, {})
    assert.is_false(ok)
    assert.equal("1 the checkpoint " .. path .. " cannot be written.",
      stop.status .. " " .. stop.message)
  end)
end)
