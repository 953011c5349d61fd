-- SPDX-License-Identifier: MIT
--
-- types_emulator.lua: prints types/lipsync/emulator.lua with the parameters
-- that src/emulator/service/parameters.c has now: fields of two classes.

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local source = read "src/emulator/service/parameters.c"

-- The words of a choice, as literals; numbers are given as numbers, too.
local function literals(choices)
  local words = {}
  local list = source:match("%f[%w]" .. choices .. "%[%] = (%b{})")
  for word in assert(list, choices):gmatch '"([^"]+)"' do
    words[#words + 1] = tonumber(word) and word or ('"%s"'):format(word)
  end
  return table.concat(words, "|")
end

local types = { TEXT = "string", WHOLE = "integer", NUMBER = "number",
                FLAG = "boolean", TIME = "string|number",
                OTHER = "table<string, string>" }

local units = { SECONDS = "seconds: ", BYTES = "bytes: " }

-- What the help says, on one line, after the unit.
local function help_of(row)
  local words, n = {}, 0
  for text in row:gmatch '"([^"]*)"' do
    n = n + 1
    words[n] = text:gsub("\\n", " ")
  end
  -- The first is the name; an argument and a default may follow it.
  local help = {}
  for i = n, 2, -1 do
    if not words[i]:find " " then break end
    table.insert(help, 1, words[i])
  end
  return (units[words[2]] or "") .. table.concat(help)
end

local settings, options = {}, {}
for row in source:gmatch "ROW(%b())," do
  local name, kind, member, choices =
    row:match '^%("([%w_]+)",%s*(%u+),%s*([%w_.]+),%s*[^,]+,%s*([%w_]+),'
  if name then
    local list = member:find "^settings%." and settings or options
    local type = kind == "CHOICE" and literals(choices) or types[kind]
    list[#list + 1] = ("---@field %s %s|nil  %s"):format(name, type,
      help_of(row))
  end
end
assert(#settings > 30 and #options > 5)

local text = read "types/lipsync/emulator.lua"

-- Replaces the fields of a class.
local function replace(class, fields)
  local plain = class:gsub("%p", "%%%0")
  local n
  text, n = text:gsub("(%-%-%-@class " .. plain .. "[^\n]*\n).-\n\n",
    function(head) return head .. table.concat(fields, "\n") .. "\n\n" end, 1)
  assert(n == 1, class)
end

replace("lipsync.emulator.Settings", settings)
replace("lipsync.emulator.Options", options)
io.write(text)
