-- SPDX-License-Identifier: MIT
--
-- Loaded by busted before the specs: fails a test that leaves a live session,
-- a live transfer or a new global behind, and sets the locale that
-- LIPSYNC_LOCALE names.

local busted = require "busted"

-- The open objects, counted by the module that the spec itself has loaded,
-- because busted gives each spec file its own modules.
local function count_live()
  local http = package.loaded["lipsync.http"]
  if type(http) ~= "table" then return 0, 0 end
  return http.live()
end

-- Unreferenced objects count as closed: collects twice (finalizers, then what
-- they held), and flushes code compiled by LuaJIT, which keeps the spec's
-- closures alive. The slowest part of a short test, so only where it may tell.
local function collect_all()
  local jit = rawget(_G, "jit")
  if jit then jit.flush() end
  collectgarbage()
  collectgarbage()
end

local function global_names()
  local names = {}
  for name in pairs(_G) do names[name] = true end
  return names
end

local before, test

busted.subscribe({ "test", "start" }, function(element)
  test = element.name
  return nil, true
end)

-- The outermost before_each, so it runs first: objects opened by a describe's
-- setup do not belong to the test.
busted.before_each(function()
  local sessions, transfers = count_live()
  before = { sessions = sessions, transfers = transfers,
             globals = global_names() }
end)

-- The outermost after_each, which runs last.
busted.after_each(function()
  local found = {}
  local sessions, transfers = count_live()
  if sessions > before.sessions or transfers > before.transfers then
    collect_all()
    sessions, transfers = count_live()
  end
  if sessions > before.sessions then
    found[#found + 1] = ("%d live sessions"):format(sessions - before.sessions)
  end
  if transfers > before.transfers then
    found[#found + 1] =
      ("%d live transfers"):format(transfers - before.transfers)
  end
  for name in pairs(global_names()) do
    if not before.globals[name] then
      found[#found + 1] = "the global " .. tostring(name)
    end
  end
  if #found > 0 then
    error(("the test \"%s\" leaves behind: %s"):format(test,
      table.concat(found, ", ")), 0)
  end
end)

-- The same for a whole file: its teardowns close what its setups opened.
busted.subscribe({ "file", "end" }, function(file)
  collect_all()
  local sessions, transfers = count_live()
  if sessions > 0 or transfers > 0 then
    error(("%s leaves behind: %d live sessions, %d live transfers"):format(
      file.name, sessions, transfers), 0)
  end
  return nil, true
end)

-- The thread sanitizer's library is preloaded into this program. A shell is not
-- built for it and crashes.
if os.getenv "LIPSYNC_SANITIZED" == "tsan" then
  require "process".unset "LD_PRELOAD"
end

local locale = os.getenv "LIPSYNC_LOCALE"
if locale then
  assert(os.setlocale(locale), "there is no locale " .. locale)
end

-- An aggressive collector: generational if the VM has one, and full collections
-- in the middle of everything; also in coroutines, which have their own hooks.
-- (For callbacks see spec/support/service.lua.)
if os.getenv "LIPSYNC_COLLECT" == "1" then
  local create = coroutine.create
  local function collect() collectgarbage() end
  pcall(collectgarbage, "generational")
  debug.sethook(collect, "", 20000)
  coroutine.create = function(fn)  -- luacheck: ignore
    local thread = create(fn)
    debug.sethook(thread, collect, "", 2000)
    return thread
  end
end
