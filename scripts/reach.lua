-- SPDX-License-Identifier: MIT
--
-- Notes which lines of the client a program comes by, and its children, since
-- LUA_INIT loads this: appends "path line" for each to the file that REACH
-- names, but for those that are there when it starts.

local name, noted, of = os.getenv "REACH", {}, {}
local getinfo, open, sethook = debug.getinfo, io.open, debug.sethook

local function lines_of(path)
  noted[path] = noted[path] or {}
  return noted[path]
end

-- Of a source: its path in the tree; false where it is no file of the client.
local function watch(source)
  of[source] = source:match "lua/lipsync/.*%.lua$" or false
  return of[source]
end

local function note(_, line)
  local source = getinfo(2, "S").source
  local path = of[source]
  if path == nil then path = watch(source) end
  if not path then return end
  local lines = lines_of(path)
  if lines[line] then return end
  lines[line] = true
  local file = open(name, "a")
  if file then
    file:write(("%s %d\n"):format(path, line))
    file:close()
  end
end

local before = open(name)
if before then
  for path, line in before:read "*a":gmatch "(%S+) (%d+)\n" do
    lines_of(path)[tonumber(line)] = true
  end
  before:close()
end

-- Hooks are a coroutine's own.
local create = coroutine.create
function coroutine.create(fn)  -- luacheck: ignore
  local thread = create(fn)
  sethook(thread, note, "l")
  return thread
end

local wrap = coroutine.wrap
function coroutine.wrap(fn)  -- luacheck: ignore
  return wrap(function(...)
    sethook(note, "l")
    return fn(...)
  end)
end

sethook(note, "l")
