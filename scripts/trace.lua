-- SPDX-License-Identifier: MIT
--
-- trace.lua [-v]: how far a reader has to walk to follow a call. Runs a few
-- calls against an emulator of its own and counts, for each, the Lua files and
-- the functions of ours that it enters, and how often it goes from one file to
-- another. With -v it prints the way. Run by "make trace".

local emulator = assert(require "lipsync.emulator".start { generations = 20 })
local lipsync = require "lipsync"
local client = lipsync.new { base_url = emulator.base_url,
                             api_key = emulator.key }
local verbose = arg[1] == "-v"

-- The file of ours that a function is from, nil for all other functions.
local function file_of(info)
  return info.what ~= "C" and info.source:match "^@.*lipsync/(.*)$" or nil
end

-- Calls `fn` and notes each function of ours that is entered.
local function follow(fn)
  local way = { files = 0, functions = 0, changes = 0 }
  local seen_file, seen_function, last = {}, {}, nil
  debug.sethook(function()
    local info = debug.getinfo(2, "Sn")
    local file = file_of(info)
    if not file then return end
    local key = file .. ":" .. info.linedefined
    if not seen_file[file] then way.files = way.files + 1 end
    if not seen_function[key] then way.functions = way.functions + 1 end
    if last and last ~= file then way.changes = way.changes + 1 end
    seen_file[file], seen_function[key], last = true, true, file
    way[#way + 1] = ("%s %s"):format(key, info.name or "?")
  end, "c")
  fn()
  debug.sethook()
  return way
end

-- The response arrives before it is read, so that no rounds of waiting count.
local session = debug.getmetatable(client:runtime().session)
local start = session.start
function session.start(self, request)
  local transfer, more = start(self, request)
  while transfer and not transfer:done() do self:poll(1) end
  return transfer, transfer and true or more
end

local function tell(name, fn)
  local way = follow(fn)
  print(("%-28s %3d files, %3d functions, %3d changes of file"):format(name,
    way.files, way.functions, way.changes))
  if verbose then print("  " .. table.concat(way, "\n  ")) end
end

local id = assert(client.generations:all { limit = 1 })[1].id
assert(client.generations:get(id))

tell("get", function() assert(client.generations:get(id)) end)
local listing
tell("list and its first step", function()
  listing = client.generations:list()
  assert(listing:next())
end)
tell("a further listing:next()", function() assert(listing:next()) end)
listing:close()
tell("delete", function() client.generations:delete(id) end)

client:close()
emulator:stop()
