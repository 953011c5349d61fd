-- SPDX-License-Identifier: MIT
--
-- mutate.lua count FILE: how many small mutations the file has.
-- mutate.lua NUMBER FILE: writes the file with that one (from 1) to standard
-- output, and what it is to standard error.
--
-- A mutation is what a slip of the keyboard would be: another comparison, "and"
-- for "or", a number one too high (in C 0 for 1, because 2 is as true there), a
-- word misspelt in a string, a call left out. None is in a comment.

local what, path = arg[1], arg[2]

local is_c = path:find "%.[ch]$" ~= nil

-- { pattern in code, its replacement }; the position is that of the capture.
local swaps = {
  { "()<=()", "<" }, { "()>=()", ">" }, { "[^<%-]()<()[^<=]", "<=" },
  { "[^>%-]()>()[^>=]", ">=" }, { "()==()", is_c and "!=" or "~=" },
  { " ()%+() ", "-" }, { " ()%-() ", "+" },
  { "%f[%w_]()true()%f[^%w_]", "false" },
  { "%f[%w_]()false()%f[^%w_]", "true" },
}
for _, each in ipairs(is_c and {
    { "()!=()", "==" }, { "()&&()", "||" }, { "()||()", "&&" },
    { "[(&|] ?()!()[%w_(]", "" } } or {
    { "()~=()", "==" }, { "%f[%w_]()and()%f[^%w_]", "or" },
    { "%f[%w_]()or()%f[^%w_]", "and" }, { "%f[%w_]()not ()", "" } }) do
  swaps[#swaps + 1] = each
end

-- The text with comments, strings and lines of the preprocessor as spaces; and
-- where the strings are.
local function mask(text)
  local out, strings, at = {}, {}, 1
  local function blank(to)
    out[#out + 1] = text:sub(at, to):gsub("[^\n]", " ")
    at = to + 1
  end
  local function find_end(pattern, from)
    return select(2, text:find(pattern, from)) or #text
  end
  while at <= #text do
    local two, one = text:sub(at, at + 1), text:sub(at, at)
    local long = not is_c and text:match("^%-?%-?%[(=*)%[", at)
    if long then
      blank(find_end("]" .. long .. "]", at))
    elseif is_c and two == "/*" then
      blank(find_end("%*/", at + 2))
    elseif not is_c and two == "--" or is_c and one == "#" then
      blank(find_end("[^\n]*", at))
    elseif one == '"' or one == "'" then
      local to = at + 1
      while text:sub(to, to) ~= one do
        to = to + (text:sub(to, to) == "\\" and 2 or 1)
      end
      if one == '"' and to > at + 1 then
        strings[#strings + 1] = { at + 1, to - 1 }
      end
      blank(to)
    else
      out[#out + 1] = one
      at = at + 1
    end
  end
  return table.concat(out), strings
end

-- Whether the number in the code says how much room there is, of which more
-- changes nothing: in C an array's size, or what Lua is to make room for.
local function is_room(code, from, to)
  local line = code:sub(1, from - 1):match ".*\n(.*)$"
  return is_c and (line:find " [%w_]+%[$" and code:find("^%][;,]", to)
    or line:find "lua_createtable%([^;]*$"
    or line:find "luaL_checkstack%([^;]*$")
end

-- Whether what stands there is the "plain" of a search for a text in which no
-- character is special.
local function is_plain(text, from)
  local line = text:sub(1, from - 1):match ".*\n(.*)$"
  return not is_c and line:find 'find%("[^"^$()%%.%[%]*+?-]*", 1, $'
end

-- All mutations: { first byte, last byte, replacement }, by position.
local function mutations(text)
  local code, strings = mask(text)
  local found = {}
  local function add(from, to, with) found[#found + 1] = { from, to, with } end
  for _, swap in ipairs(swaps) do
    for from, to in code:gmatch(swap[1]) do
      if not is_plain(text, from) then add(from, to - 1, swap[2]) end
    end
  end
  for from, digits, to in code:gmatch "%f[%w_.]()(%d+)()%f[^%w_.]" do
    if not is_room(code, from, to) then
      local other = is_c and digits == "1" and 0 or digits + 1
      add(from, to - 1, ("%d"):format(other))
    end
  end
  for _, place in ipairs(strings) do
    local word = text:sub(place[1], place[2])
    -- A sentence has its test by what it says. A further letter of a weak
    -- table's mode changes nothing.
    if word:find "^[%w_.:/-]+$" and not word:find "^lipsync%."
       and not text:sub(1, place[1]):find '__mode = "[kv]$' then
      add(place[1], place[2], word .. "q")
    end
  end
  local call = "\n()( +[%a_][%w_.:>%-]* ?%([^\n]*%);?)()\n"
  for from, line, to in code:gmatch(call) do
    local first = line:match "[%w_]+"
    if first ~= "return" and first ~= "if" and first ~= "for"
       and first ~= "while" and first ~= "function"
       and (not is_c or line:find ";$") then
      add(from, to - 1, "")
    end
  end
  table.sort(found, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    return a[2] < b[2]
  end)
  return found
end

local file = assert(io.open(path, "rb"))
local text = file:read "*a"
file:close()
local all = mutations(text)
if what == "count" then
  print(#all)
else
  local chosen = all[tonumber(what)]
  local from, to, with = chosen[1], chosen[2], chosen[3]
  local _, line = text:sub(1, from):gsub("\n", "")
  io.write(text:sub(1, from - 1), with, text:sub(to + 1))
  io.stderr:write(("%s:%d: %s -> %s\n"):format(path, line + 1,
    text:sub(from, to):gsub("^ +", ""), with == "" and "(nothing)" or with))
end
