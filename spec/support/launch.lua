-- SPDX-License-Identifier: MIT
--
-- Real programs for the specs of the hosts: started with this build on their
-- Lua paths and their own environment, ended by process id.

local scripted = require "spec.support.scripted"

local launch = {}

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "*a"
  pipe:close()
  return (text:gsub("%s+$", ""))
end

local root = shell "pwd"
launch.root = root

--- Quotes a word for the shell.
---@param word any
---@return string
function launch.quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end
local quote = launch.quote

--- The path of a program, nil if it is not installed.
---@param name string
---@return string|nil
function launch.find(name)
  local path = shell("PATH=$PATH:/usr/sbin:/usr/games command -v " .. name)
  return path ~= "" and path or nil
end

--- Makes a folder; remove() deletes it.
---@return string
function launch.folder()
  return shell "mktemp -d"
end

---@param folder string
function launch.remove(folder)
  os.execute("rm -rf " .. quote(folder))
end

---@param path string
---@param text string
function launch.write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

---@param path string
---@return string  empty if there is no such file
function launch.read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read "*a"
  file:close()
  return text
end

--- A port on which nothing listens.
---@return integer
function launch.port()
  local server = scripted.start {}
  local port = server.port
  server:stop()
  return port
end

local function environment(options)
  local vm = options.vm or "luajit"
  local env = {
    LUA_PATH = ("%s/lua/?.lua;%s/lua/?/init.lua;%s/?.lua;;")
      :format(root, root, root),
    LUA_CPATH = ("%s/build/%s/?.so;;"):format(root, vm),
  }
  for name, value in pairs(options.env or {}) do env[name] = value end
  local words = {}
  for name, value in pairs(env) do
    words[#words + 1] = name .. "=" .. quote(value)
  end
  table.sort(words)
  return table.concat(words, " ")
end

local Program = {}
Program.__index = Program

local started = 0  -- each writes to files of its own

--- Starts a program in the background.
---@param options table  command: for the shell; vm: whose build it loads;
---   env: further variables; folder: for its output
---@return table
function launch.start(options)
  started = started + 1
  local base = options.folder .. "/program" .. started
  local self = setmetatable({ base = base }, Program)
  -- The inner shell becomes the program, the outer one keeps its status.
  os.execute(("(sh -c 'echo $$ >%s.pid; exec env %s'; echo $? >%s.status) "
    .. ">%s.log 2>&1 </dev/null &"):format(base,
    (environment(options) .. " " .. options.command):gsub("'", "'\\''"),
    base, base))
  self.pid = self:await(function()
    return launch.read(base .. ".pid"):match "%d+"
  end)
  return self
end

--- Its output so far, with standard error.
---@return string
function Program:log()
  return launch.read(self.base .. ".log")
end

--- Its exit status, nil while it runs.
---@return integer|nil
function Program:status()
  return tonumber(launch.read(self.base .. ".status"):match "%d+")
end

--- Waits until `fn` returns a true value, or the program has ended.
---@param fn function
---@param seconds number|nil  default 30
---@return any
function Program:await(fn, seconds)
  local deadline = scripted.now() + (seconds or 30)
  while scripted.now() < deadline do
    local value = fn()
    if value then return value end
    if self:status() then break end
    scripted.sleep(0.01)
  end
  return fn() or error("not reached: " .. self:log(), 2)
end

--- Waits until it ends by itself.
---@param seconds number|nil  default 60
---@return integer status, string log
function Program:finish(seconds)
  self:await(function() return self:status() end, seconds or 60)
  return self:status(), self:log()
end

---@param name string  of a signal
function Program:signal(name)
  os.execute(("kill -%s %s 2>/dev/null"):format(name, self.pid))
end

--- Ends it by TERM, and after five seconds by KILL.
function Program:stop()
  if self:status() then return end
  self:signal "TERM"
  local deadline = scripted.now() + 5
  while not self:status() and scripted.now() < deadline do
    scripted.sleep(0.01)
  end
  if not self:status() then self:signal "KILL" end
end

--- Runs a program to its end.
---@param options table  as for start; seconds: at most, default 60
---@return integer status, string log
function launch.run(options)
  local self = launch.start(options)
  local ok, status, log = pcall(self.finish, self, options.seconds)
  self:stop()
  if not ok then error(status, 2) end
  return status, log
end

--- Runs a Lua script in a VM.
---@param vm string
---@param text string
---@param options table  folder, env, seconds, before: words for the shell
---@return integer status, string log
function launch.script(vm, text, options)
  local path = options.folder .. "/script.lua"
  launch.write(path, text)
  return launch.run { vm = vm, folder = options.folder, env = options.env,
    seconds = options.seconds,
    command = (options.before or "") .. " " .. vm .. " " .. path }
end

return launch
