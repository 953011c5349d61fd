-- SPDX-License-Identifier: MIT
--
-- run.lua ARGUMENT…: busted under Wine. What specs use that is not there, or
-- has to be on Linux, is here by the same name.

-- luacheck: ignore 122

local link = require "link"
local values = require "spec.windows.values"

link.connect(tonumber(os.getenv "LIPSYNC_RELAY"))

local Remote = {}
local remotes = setmetatable({}, { __mode = "v" })

local function object(number)
  remotes[number] = remotes[number] or setmetatable({ number = number }, Remote)
  return remotes[number]
end

local function number_of(value)
  if type(value) ~= "table" then error("a value cannot be sent", 0) end
  return getmetatable(value) == Remote and rawget(value, "number") or nil
end

local function results(ok, ...)
  if not ok then error((...), 0) end
  return ...
end

local function ask(...)
  return results(values.read(
    link.ask(values.write(number_of, select("#", ...), ...)), object))
end

function Remote.__index(self, name)
  local value, is_method = ask("get", self, name)
  if not is_method then return value end
  return function(_, ...) return ask("call", self, name, ...) end
end

-- The module of Linux, whose functions run there.
local function remote_module(name)
  package.preload[name] = function()
    return setmetatable({}, { __index = function(_, key)
      return function(...) return ask("call", name, key, ...) end
    end })
  end
end

remote_module "scripted_core"
remote_module "lipsync.emulator"
remote_module "spec.support.launch"
remote_module "spec.support.tls"

-- The shell is that of Linux, which has the same files: "/tmp/x" is there on
-- the drive that Wine shows the root folder as.
io.popen = function(...) return ask("call", "io", "popen", ...) end
os.execute = function(...) return ask("call", "os", "execute", ...) end
os.tmpname = function() return ask("call", "os", "tmpname") end

-- What a pending test calls, which busted gives each test.
local pending

local function note_pending()
  require "busted".subscribe({ "test", "start" }, function(element)
    pending = element.env and element.env.pending or pending
    return nil, true
  end)
end

-- What is of Linux alone: a test that calls it is pending.
local function linux_alone(name, fields)
  package.preload[name] = function()
    note_pending()
    return setmetatable(fields or {}, { __index = function()
      return function() pending(name) end
    end })
  end
end

for _, name in ipairs { "process", "tracer", "spec.support.inside",
                        "spec.support.command", "spec.support.disk",
                        "spec.support.display" } do
  linux_alone(name)
end
linux_alone("spec.support.proc", { is_here = false })
linux_alone("cjson", { new = function() return require "cjson" end })
linux_alone("spec.support.program", { can_run = function() return false end })

-- What busted wants of the system.
package.preload.system = function()
  return { gettime = os.time, monotime = link.now, sleep = link.sleep }
end
package.preload.term = function()
  return { isatty = function() return false end }
end
package.preload.lfs = function()
  local lfs = {}
  function lfs.attributes(path, name)
    local file = io.open(path, "rb")
    if not file then return nil end
    file:close()
    return name and "file" or { mode = "file" }
  end
  function lfs.currentdir() return "." end
  function lfs.chdir() return true end
  return lfs
end

-- Tests whose names match are left out: of permissions, of a shell's limits, of
-- "/dev/null", of lua-cjson, of HTTP/2, which this libcurl has not; of a file
-- replaced while it is open, of variables whose names differ in case alone, of
-- a file's name with quotes in it; of a process's list of open files; of the
-- processor's time, which os.clock does not give; of folders that a shell
-- lists, and of paths that begin otherwise there.
for _, name in ipairs {
  "with those permissions", "the disk takes no more",
  "says what is there", "agrees with lua.cjson", "null where cjson does",
  "where no descriptor is left", "where no thread is left", "uses HTTP/1%.1",
  "is replaced is sent as it was opened", "is that of the first variable",
  "without using the processor", "is for its own user only",
  "what type a file has by its suffix", "that a file may not be read",
  "leaves no file open", "knows all of its folders",
  "where Lua cuts their paths",
} do
  arg[#arg + 1] = "--filter-out=" .. name
end

require "busted.runner" { standalone = false }
