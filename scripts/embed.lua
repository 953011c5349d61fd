-- SPDX-License-Identifier: MIT
--
-- embed.lua FILE…: writes a C file with the Lua files in it, as arrays of
-- bytes (a string literal may not be so long). Each gets its `require` and its
-- `math` as arguments, on its first line, so that lines keep their numbers.

local prelude = "local require, math = ... "

print "/* Made by scripts/embed.lua. */"
print '#include "modules.h"\n'

local entries = {}
for i, path in ipairs(arg) do
  local file = assert(io.open(path, "rb"))
  local text = prelude .. file:read "*a"
  file:close()
  local bytes = {}
  for at = 1, #text do
    bytes[at] = text:byte(at) .. (at % 20 == 0 and ",\n" or ",")
  end
  print(("static const unsigned char text_%d[] = {\n%s0\n};\n"):format(i,
    table.concat(bytes)))
  local short = path:gsub("^lua/", "")
  local name = short:gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
  entries[i] = ('  { "%s", "@%s", text_%d, sizeof(text_%d) - 1 },')
    :format(name, short, i, i)
end

print "const struct embedded embedded_modules[] = {"
print(table.concat(entries, "\n"))
print "  { NULL, NULL, NULL, 0 }\n};"
