-- SPDX-License-Identifier: MIT
--
-- rockspecs.lua [--check]: writes the lists of modules and sources in the
-- rockspecs, which cannot list folders themselves. Each list stands between
-- "-- begin NAME" and "-- end" in its rockspec. With --check it only says
-- which rockspec is out of date, and fails.

local check_only = arg[1] == "--check"
local stale = false

-- The files that the shell's find gives, sorted.
local function find(arguments)
  local files = {}
  local pipe = assert(io.popen("find " .. arguments .. " | LC_ALL=C sort"))
  for path in pipe:lines() do files[#files + 1] = path end
  pipe:close()
  return files
end

-- "lua/lipsync/init.lua" is the module "lipsync".
local function module_name(path)
  return (path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", "")
    :gsub("/", "."))
end

local function module_lines()
  local lines = {}
  for i, path in ipairs(find "lua -name '*.lua'") do
    lines[i] = ('["%s"] = "%s",'):format(module_name(path), path)
  end
  return lines
end

local function source_lines(arguments)
  local lines = {}
  for i, path in ipairs(find(arguments)) do
    lines[i] = ('"%s",'):format(path)
  end
  return lines
end

-- What stands in each list. lipsync.http has the core in it, but for the core's
-- own module.
local lists = {
  modules = module_lines,
  core = function() return source_lines "src/core -name '*.c'" end,
  http = function()
    return source_lines "src/core src/http -name '*.c' ! -name core.c"
  end,
  emulator = function()
    return source_lines "src/emulator -name '*.c' ! -name main.c"
  end,
}

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

local function update(path)
  local old = read(path)
  local new = old:gsub("( *)(%-%- begin (%a+)\n).-( *%-%- end\n)",
    function(indent, first, name, last)
      local lines = lists[name]()
      for i, line in ipairs(lines) do lines[i] = indent .. line .. "\n" end
      return indent .. first .. table.concat(lines) .. last
    end)
  if new == old then return end
  if check_only then
    stale = true
    io.stderr:write(path, ' is out of date: run "make rockspecs"\n')
    return
  end
  local file = assert(io.open(path, "w"))
  assert(file:write(new))
  assert(file:close())
end

for _, path in ipairs(find ". -maxdepth 1 -name '*.rockspec'") do
  update(path)
end

os.exit(stale and 1 or 0)
