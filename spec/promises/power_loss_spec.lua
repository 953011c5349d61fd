-- SPDX-License-Identifier: MIT
-- Files after a power loss: the system calls of a real run are recorded, and
-- after each of them all that the disk may have by then is looked at.

local disk = require "spec.support.disk"
local file = require "lipsync.file"
local tracer = require "tracer"

-- Containers may forbid it, and sanitizers trace by themselves.
local can_trace = tracer.run(function() end)
  and not os.getenv "LIPSYNC_SANITIZED"
local it_traced = can_trace and it or pending

local folder, path

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return (text:gsub("%s+$", ""))
end

-- The calls of a function that runs in a process of its own.
local function record(fn)
  local said, status, _, calls = tracer.run(fn)
  assert.same({ "", 0 }, { said, status })
  return calls
end

-- Files of the tests end with a full stop.
local function is_whole(bytes) return bytes:find "^[a-z ]+%.$" ~= nil end

local function check(fn)
  return disk.check(record(fn), folder, path, is_whole)
end

describe("a power loss", function()
  before_each(function()
    folder = shell "mktemp -d"
    path = folder .. "/file"
  end)
  after_each(function() shell("rm -rf " .. folder) end)

  it_traced("leaves the old or the new content of a replaced file",
    function()
      local problem, versions = check(function()
        assert(file.replace(path, "it is here."))
        assert(file.replace(path, "it is there."))
        assert(file.replace(path, "it is everywhere."))
      end)
      assert.is_nil(problem)
      assert.equal(3, versions)
    end)

  it_traced("leaves a file in its place or where it was", function()
    local problem, versions = check(function()
      for _, words in ipairs { "it is here.", "it is there." } do
        local part = assert(file.open(path .. ".part", "edit"))
        assert(part:write(words))
        assert(part:sync())
        part:close()
        assert(file.place(path .. ".part", path, true))
      end
    end)
    assert.is_nil(problem)
    assert.equal(2, versions)
  end)

  -- Whether this spec would see a mistake.
  it_traced("breaks a file that is written in place", function()
    assert.matches("it may hold", check(function()
      for _, words in ipairs { "it is here.", "it is there." } do
        local out = assert(io.open(path, "w"))
        out:write(words)
        out:close()
      end
    end))
  end)

  it_traced("breaks a file that is renamed but was not synced", function()
    assert.matches("rename, it may hold", check(function()
      local out = assert(io.open(path .. ".new", "w"))
      out:write "it is here."
      out:close()
      assert(os.rename(path .. ".new", path))
    end))
  end)
end)
