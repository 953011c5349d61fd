-- SPDX-License-Identifier: MIT
--
-- types.lua FILE…: prints types/lipsync.lua, what an editor shows of the
-- library: the annotation blocks of the public classes and functions in those
-- files, and the error codes as literals. Public is what the module `lipsync`
-- has and what leads there from its types, if docs/reference.md names it.

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local reference = read "docs/reference.md"

-- ---- Reading ----

local classes, aliases, order = {}, {}, {}

-- Adds a line of a block: a tag, more of one, or text.
local function add_line(block, line)
  local tag, rest = line:match "^%-%-%-@(%a+) ?(.*)$"
  if tag then
    block.tags[#block.tags + 1] = { tag = tag, text = rest }
    return
  end
  local text = line:match "^%-%-%- ?(.*)$"
  local last = block.tags[#block.tags]
  if last then
    last.text = last.text .. " " .. text:match "^ *(.*)$"
  else
    block.text[#block.text + 1] = text
  end
end

-- The first tag of that kind in a block.
local function tag_of(block, tag)
  for _, each in ipairs(block.tags) do
    if each.tag == tag then return each.text end
  end
  return nil
end

-- Notes a class, and that the variable after its block holds its methods.
local function note_class(block, line, names)
  local name = tag_of(block, "class"):match "^[%w_.]+"
  classes[name] = { name = name, block = block, methods = {} }
  order[#order + 1] = name
  local variable = line:match "^local ([%w_]+) ="
  if not variable then return end
  names[variable] = name
  if variable:find "^%u" then names.methods = name end
end

-- The class and name of the function in a line, if it is a class's.
local function owner_of(block, line, names)
  local variable, mark, name, arguments =
    line:match "^function ([%w_]+)([.:])([%w_]+)%((.-)%)"
  if variable then return names[variable], mark, name, arguments end
  -- A function of its own whose first argument is the object.
  name, arguments = line:match "^local function ([%w_]+)%(self,? ?(.-)%)"
  local self = name and tag_of(block, "param")
  return self and self:match "^self ([%w_.]+)", ":", name, arguments
end

-- Whether the class's own block has a field of that name.
local function has_field(class, name)
  for _, each in ipairs(class.block.tags) do
    if each.tag == "field" and each.text:match "^[%w_]+" == name then
      return true
    end
  end
  return false
end

local function note_function(block, line, names)
  local class, mark, name, arguments = owner_of(block, line, names)
  if not class or not classes[class] or name:find "^_"
     or has_field(classes[class], name) then
    return
  end
  local methods = classes[class].methods
  methods[#methods + 1] = { block = block, mark = mark, name = name,
                            arguments = arguments }
end

local function end_block(block, line, names)
  if tag_of(block, "class") then
    note_class(block, line, names)
  elseif tag_of(block, "alias") then
    local name = tag_of(block, "alias"):match "^[%w_.]+"
    aliases[name] = tag_of(block, "alias")
  else
    note_function(block, line, names)
  end
end

local function read_file(path)
  local names, block = {}, nil
  for line in (read(path) .. "\n"):gmatch "(.-)\r?\n" do
    if line:find "^%-%-%-[^-]" or line == "---" then
      block = block or { text = {}, tags = {} }
      add_line(block, line)
    elseif block then
      end_block(block, line, names)
      block = nil
    end
  end
end

-- ---- What is public ----

local public, queue = {}, {}

local function want(text)
  for name in text:gmatch "lipsync%.[%w_]+" do
    if (classes[name] or aliases[name]) and not public[name] then
      public[name] = true
      queue[#queue + 1] = name
    end
  end
end

-- Whether the reference names a method: client:spawn(…), generations:list(…).
local function is_documented(class, method)
  local plain = method.name:gsub("%p", "%%%0")
  return class == "lipsync"
    or reference:find("[.:]" .. plain .. "%f[^%w_]") ~= nil
end

local function want_class(class)
  for _, each in ipairs(class.block.tags) do want(each.text) end
  for _, method in ipairs(class.methods) do
    if is_documented(class.name, method) then
      for _, each in ipairs(method.block.tags) do want(each.text) end
    end
  end
end

local function find_public()
  want_class(classes.lipsync)
  while #queue > 0 do
    local name = table.remove(queue)
    if classes[name] then want_class(classes[name]) else want(aliases[name]) end
  end
end

-- ---- Writing ----

local out = {}

local function write(line)
  out[#out + 1] = line
end

local function write_tags(block)
  for _, each in ipairs(block.tags) do
    if not (each.tag == "param" and each.text:find "^self ") then
      write(("---@%s %s"):format(each.tag, each.text))
    end
  end
end

local function write_method(variable, method)
  write ""
  for _, line in ipairs(method.block.text) do write("--- " .. line) end
  write_tags(method.block)
  write(("function %s%s%s(%s) end"):format(variable, method.mark, method.name,
    method.arguments))
end

local function write_class(class)
  local variable = class.name:match "[%w_]+$"
  write ""
  write_tags(class.block)
  write(("local %s = {}"):format(variable))
  table.sort(class.methods, function(a, b) return a.name < b.name end)
  for _, method in ipairs(class.methods) do
    if is_documented(class.name, method) then write_method(variable, method) end
  end
end

local function write_all()
  write "---@meta lipsync"
  write "-- Made by scripts/types.lua of the annotations in lua/: make types"
  table.sort(order)
  local names = {}
  for name in pairs(aliases) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if public[name] then write("\n---@alias " .. aliases[name]) end
  end
  for _, name in ipairs(order) do
    if public[name] then write_class(classes[name]) end
  end
  write_class(classes.lipsync)
  write "\nreturn lipsync"
end

-- ---- The error codes ----

-- Those that the emulator's catalog has, as an alias: any other text, too.
local function note_codes()
  local codes = {}
  for code in read "src/emulator/api/catalog.c":gmatch '\n  {"([%w_]+)"' do
    codes[#codes + 1] = ('"%s"'):format(code)
  end
  assert(#codes > 50)
  aliases["lipsync.ErrorCode"] = "lipsync.ErrorCode "
    .. table.concat(codes, "|") .. "|string"
end

note_codes()
for _, path in ipairs(arg) do read_file(path) end
find_public()
write_all()
io.write(table.concat(out, "\n"), "\n")
