-- SPDX-License-Identifier: MIT
--
-- Compares the modules and sources that the rockspecs list by hand with the
-- files there are. Prints what differs and fails.

local failed = false

local function complain(...)
  failed = true
  io.stderr:write(string.format(...), "\n")
end

-- The globals that a rockspec sets.
local function load_rockspec(path)
  local env = {}
  local chunk, message
  if setfenv then -- luacheck: ignore
    chunk, message = loadfile(path)
    if chunk then setfenv(chunk, env) end -- luacheck: ignore
  else
    chunk, message = loadfile(path, "t", env)
  end
  if not chunk then error(message, 0) end
  chunk()
  return env
end

-- The files that the shell's find gives, as a set.
local function find(arguments)
  local files = {}
  local pipe = assert(io.popen("find " .. arguments .. " 2>/dev/null"))
  for path in pipe:lines() do files[path] = true end
  pipe:close()
  return files
end

-- Each file of 'wanted' must be listed and each listed one wanted.
local function compare(where, listed, wanted)
  local seen = {}
  for _, path in ipairs(listed) do
    if seen[path] then complain("%s lists %s twice", where, path) end
    seen[path] = true
    if not wanted[path] then complain("%s lists %s", where, path) end
  end
  for path in pairs(wanted) do
    if not seen[path] then complain("%s lacks %s", where, path) end
  end
end

-- "lua/lipsync/init.lua" is the module "lipsync".
local function module_name(path)
  return (path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", "")
    :gsub("/", "."))
end

local function check_lua_modules(where, modules, wanted)
  local paths = {}
  for name, module in pairs(modules) do
    if type(module) == "string" then
      paths[#paths + 1] = module
      if module_name(module) ~= name then
        complain("%s: %s is not the module %s", where, module, name)
      end
    end
  end
  compare(where, paths, wanted)
end

-- The files of src/ but for those that a list in the Makefile names.
local function all_but(list)
  local file = assert(io.open "Makefile")
  local text = file:read "*a":gsub("\\\n", " ")
  file:close()
  local files = find("src -maxdepth 1 -name '*.c'")
  for name in text:match("\n" .. list .. " = ([^\n]*)"):gmatch "%S+" do
    local path = "src/" .. name .. ".c"
    if not files[path] then complain("%s names no file: %s", list, name) end
    files[path] = nil
  end
  return files
end

local client_file = "lipsync-scm-1.rockspec"
local modules = load_rockspec(client_file).build.modules
check_lua_modules(client_file, modules, find("lua -name '*.lua'"))
compare(client_file, modules["lipsync.core"].sources, all_but "WIRE_ONLY")
compare(client_file, modules["lipsync.wire"].sources, all_but "CORE_ONLY")

local emulator_file = "lipsync-emulator-scm-1.rockspec"
local emulator = load_rockspec(emulator_file)
check_lua_modules(emulator_file, emulator.build.modules, {})
compare(emulator_file, emulator.build.modules["lipsync.emulator"].sources,
  find("src/emulator -name '*.c' ! -path '*/cli/*'"))

os.exit(failed and 1 or 0)
