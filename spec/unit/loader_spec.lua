-- SPDX-License-Identifier: MIT
-- What is loaded when. Uses processes and Lua states of its own, because this
-- one has loaded everything.

local lipsync = require "lipsync"
local proc = require "spec.support.proc"
local process = require "process"
local program = require "spec.support.program"

local it_runs = program.can_run() and it or pending
local it_maps = program.can_run() and proc.is_here and it or pending

-- Defines `has_curl`: whether libcurl is in the process's memory.
local prelude = [[
  local function has_curl()
    local file = assert(io.open "/proc/self/maps")
    local text = file:read "*a"
    file:close()
    return text:find("libcurl", 1, true) ~= nil
  end
]]

-- Runs a text in a Lua state of its own; returns its error.
local function why(text)
  local well, message = process.state(
    ("package.path, package.cpath = %q, %q "):format(package.path,
    package.cpath) .. text)
  return not well and message
end

describe("require \"lipsync\"", function()
  it_maps("loads no libcurl, and all that needs no client", function()
    local text, well = program.run_text(prelude .. [[
      local lipsync = require "lipsync"
      local before = {}
      for name in pairs(package.loaded) do before[name] = true end
      local generation = lipsync.generation [=[{"id":"x","status":"FAILED",
        "createdAt":"1970-01-01T00:00:01Z"}]=]
      assert(generation.id == "x" and generation:is_terminal())
      assert(generation:created_at() == 1 and generation:decode().id == "x")
      assert(not pcall(generation.delete, generation))
      local none, err = lipsync.generation "{"
      assert(none == nil and lipsync.is_error(err) and #tostring(err) > 20)
      assert(lipsync.time "1970-01-01T00:00:00Z" == 0)
      assert(lipsync.null ~= nil and lipsync._VERSION)
      for name in pairs(package.loaded) do assert(before[name], name) end
      print(has_curl(), lipsync.new() ~= nil, has_curl())
    ]])
    assert.is_true(well, text)
    assert.equal("false\ttrue\ttrue\n", text)
  end)
end)

describe("the first client", function()
  it_runs("loads all that generations need", function()
    local text, well = program.run_text [[
      local lipsync = require "lipsync"
      local client = lipsync.new { max_attempts = 2 }
      local before, after = {}, {}
      for name in pairs(package.loaded) do before[#before + 1] = name end
      local searchers = package.searchers or package.loaders
      for i = #searchers, 1, -1 do searchers[i] = nil end
      searchers[1] = function(name) assert(false, "loads " .. name) end

      local failed = { status = "FAILED" }
      local ids = {}
      for generation in client.generations:list(failed) do
        ids[#ids + 1] = generation.id
      end
      assert(client.generations:list { page_size = 10 }:next():delete()
        or true)
      assert(client.generations:delete(ids[1]).id == ids[1])
      assert(client.generations:get(ids[2]).status == "FAILED")
      assert(client.generations:count() > 10)
      assert(#client.generations:all { limit = 5 } == 5)
      assert(client.errors:explain "generation_pipeline_failed")
      assert(#client.errors:list() > 0)
      local n = 0
      for _ = 1, 3 do
        client:spawn(function()
          local listing = client.generations:list { limit = 20 }
          while listing:next() do n = n + 1 end
        end)
      end
      client:spawn(function() client.generations:count() end):cancel()
      client:run()
      assert(n == 60)
      local result = client.generations:delete_many(
        client.generations:list { status = "FAILED", page_size = 5 })
      assert(result.deleted > 0)
      local none, err = client.generations:get "gone"
      assert(none == nil and #tostring(err) > 20)
      local other = lipsync.new { base_url = "http://127.0.0.1:1",
        max_attempts = 2 }
      none, err = other.generations:count()
      assert(none == nil and err.kind == "connection")
      assert(not pcall(other.generations.list, other.generations, 5))
      other:close()
      client:close()

      for name in pairs(package.loaded) do after[#after + 1] = name end
      print(#after - #before)
    ]]
    assert.is_true(well, text)
    assert.equal("0\n", text)
  end)

  it_runs("loads other resources when they are used, or warmed", function()
    local text, well = program.run_text [[
      local lipsync = require "lipsync"
      local first, second = lipsync.new(), lipsync.new()
      local function is_there(name)
        return package.loaded["lipsync.resources." .. name] ~= nil
      end
      assert(not is_there "models" and not is_there "projects"
        and not is_there "assets")
      local models = first.models
      assert(not is_there "models")
      assert(#models:list() > 0 and first.models == models)
      assert(is_there "models" and not is_there "projects")
      assert(not pcall(models.list, first.assets))
      assert(second:warm())
      assert(is_there "projects")
      local loaded = {}
      for name in pairs(package.loaded) do loaded[name] = true end
      require = nil
      assert(second.projects:list():next() == nil)
      local path = os.tmpname()
      assert(second.generations:create({ model = "lipsync-2", input = {
        { type = "video", url = "https://media.example/v.mp4" },
        { type = "audio", url = "https://media.example/a.wav" },
      } }, { receipt = path .. ".json" }))
      for _, ending in ipairs { "", ".json", ".json.lock" } do
        os.remove(path .. ending)
      end
      for name in pairs(package.loaded) do assert(loaded[name], name) end
    ]]
    assert.is_true(well, text)
  end)

  it_runs("loads by the `require` that loaded the library", function()
    -- As Minetest, whose mods have that function for a moment only.
    for _, taken in ipairs { "function() assert(false, 'disabled') end",
                             "nil" } do
      local text, well = program.run_text(([[
        local lipsync = require "lipsync"
        local taken = %s
        require = taken
        setmetatable(_G, { __index = function(_, name) assert(false, name) end,
          __newindex = function(_, name) assert(false, name) end })
        local client = lipsync.new()
        assert(#client.models:list() > 0)
        print(client.generations:count(), rawget(_G, "require") == taken)
      ]]):format(taken))
      assert.is_true(well, text)
      assert.equal("60\ttrue\n", text)
    end
  end)

  it("may fail to load; the next one loads", function()
    assert.is_false(why [[
      local lipsync = require "lipsync"
      for _, name in ipairs { "lipsync.http", "lipsync.client",
                              "lipsync.base.url" } do
        package.preload[name] = function() assert(false, "no " .. name) end
        for _ = 1, 2 do
          local ok, problem = pcall(lipsync.new)
          assert(not ok and tostring(problem):find("no " .. name, 1, true),
            problem)
        end
        package.preload[name] = nil
      end
      lipsync.new { api_key = "k" }:close()
    ]])
  end)
end)

describe("what is loaded when it is used", function()
  it("may fail to load, also one of its parts; the next use loads it",
    function()
      assert.is_false(why [[
        local lipsync = require "lipsync"
        local client = lipsync.new { api_key = "k", max_attempts = 1,
                                     base_url = "http://127.0.0.1:1" }
        local function fails(name, use)
          package.preload[name] = function() assert(false, "no " .. name) end
          for _ = 1, 2 do
            local ok, problem = pcall(use)
            assert(not ok and tostring(problem):find("no " .. name, 1, true),
              problem)
          end
          package.preload[name] = nil
          assert(pcall(use))
        end
        fails("lipsync.resources.projects", function()
          return client.projects.list
        end)
        fails("lipsync.compound.create_batch", function()
          return client.batches.create
        end)
        fails("lipsync.compound.receipt", function() return client:warm() end)
        fails("lipsync.hmac", function()
          return lipsync.webhook.verify("{}", { ["sync-signature"] = "t=1,v1="
            .. ("0"):rep(64) }, "whsec_a", { now = 1 })
        end)
        client:close()
      ]])
    end)

  it("leaves alone what a program loaded under a name like its own", function()
    assert.is_false(why [[
      local lipsync = require "lipsync"
      package.loaded["lipsync.mine"] = true
      lipsync.new { api_key = "k" }:close()
      assert(package.loaded["lipsync.mine"] == true)
    ]])
  end)
end)

-- Under the thread sanitizer these tests set no preloaded library.
local it_preloads = os.getenv "LIPSYNC_SANITIZED" == "tsan" and pending or it

describe("a libcurl that is too old", function()
  it_preloads("is told by the first client, each time", function()
    local pipe = assert(io.popen(
      ("LD_PRELOAD=\"$LD_PRELOAD build/old_curl.so\" %s -e '%s' 2>&1"):format(
      program.vm, [[
        local lipsync = require "lipsync"
        print(lipsync.generation "{\"id\":\"x\"}".id)
        for _ = 1, 2 do print(select(2, pcall(lipsync.new))) end
      ]])))
    local text = pipe:read "*a"
    pipe:close()
    local problem = "[^\n]*lipsync needs libcurl 7%.80 or later, this is "
      .. "libcurl/7%.64%.0\n"
    assert.matches("^x\n" .. problem .. problem .. "$", text)
  end)
end)

describe("a library", function()
  -- Loads init.lua anew and makes a client while the module `missing` cannot be
  -- found, for the reason `result`. As in OBS, the function error only writes
  -- to a log.
  local function load_without(missing, result)
    local chunk = assert(loadfile "lua/lipsync/init.lua")
    local require_, error_, assert_ = require, error, assert
    local loader = package.loaded["lipsync.loader"]
    local load = package.loaded["lipsync.host.load"]
    local fake = function(name)
      if name == missing then error_(result, 0) end
      return require_(name)
    end
    package.loaded["lipsync.loader"] = nil
    package.loaded["lipsync.host.load"] = nil
    _G.require, _G.error = fake, function() end
    function _G.assert(value, text)  -- busted's own adds a line
      if not value then error_(text, 0) end
      return value
    end
    local ok, message = pcall(function() chunk().new() end)
    _G.require, _G.error, _G.assert = require_, error_, assert_
    package.loaded["lipsync.loader"] = loader
    package.loaded["lipsync.host.load"] = load
    assert.is_false(ok)
    return message
  end

  for _, name in ipairs { "lipsync.core", "lipsync.http", "lipsync.file" } do
    it(name .. " that is missing: says how to get it", function()
      local message = load_without(name, ("module '%s' not found:\n\tno file")
        :format(name))
      assert.match("^" .. name .. " was not found for Lua.* "
        .. '%(package.cpath .*%): run "make install LUA=%S+"%.$', message)
    end)

    it(name .. " that does not load: passes on why", function()
      assert.equal("libcurl 7.80 or later is needed",
        load_without(name, "libcurl 7.80 or later is needed"))
    end)
  end

  it("that is missing: says where it was looked for, if anywhere", function()
    local load, loader = require "lipsync.host.load", require "lipsync.loader"
    local module, path = load.module, package.cpath
    finally(function() load.module, package.cpath = module, path end)
    function load.module() error("module 'x' not found:\n\tno file", 0) end
    local messages = {}
    for i, given in ipairs { "./x.so", false } do
      package.cpath = given or nil
      messages[i] = select(2, pcall(loader.binary, "x",
        i == 2 and "TLS" or nil))
    end
    package.cpath = path
    assert.match('%(package.cpath %./x.so%): run "make install LUA=%S+"%.$',
      messages[1])
    assert.match("(package.cpath unknown): run", messages[2], 1, true)
    assert.match(", where there is TLS.", messages[2], 1, true)
  end)

  it("that is missing: says for which Lua", function()
    local load, loader = require "lipsync.host.load", require "lipsync.loader"
    local module, jit, path = load.module, rawget(_G, "jit"), package.cpath
    finally(function()
      load.module, package.cpath = module, path
      rawset(_G, "jit", jit)
    end)
    package.cpath = "./x.so"
    function load.module() error("module 'x' not found:\n\tno file", 0) end
    local names = { ["LuaJIT"] = "luajit", [_VERSION] = "lua"
                    .. _VERSION:match "%d.*" }
    for shown, name in pairs(names) do
      rawset(_G, "jit", shown == "LuaJIT" and {} or nil)
      local problem = tostring(select(2, pcall(loader.binary, "x")))
      assert.equal(('x was not found for %s (package.cpath ./x.so): run "make '
        .. 'install LUA=%s".'):format(shown, name), problem:match "x was.*")
    end
  end)

  it("lipsync.http loads the core when it is required alone", function()
    assert.is_false(why [[
      local http = require "lipsync.http"
      assert(http.curl_version:find "^libcurl/")
      assert(package.loaded["lipsync.core"]._VERSION)
    ]])
  end)

  it("lipsync.http names libcurl and what it is built with", function()
    assert.matches("^libcurl/[%d.]+%S* .*%f[%a]zlib/%d",
      require "lipsync.http".curl_version)
  end)

  it("of another build is refused", function()
    local function ask(version)
      return why(([[
        require "lipsync.core"
        require "process".lend "%s"
        require "lipsync.http"
      ]]):format(version))
    end
    assert.matches("lipsync.http is of version %S+, lipsync.core of 9.9.9: "
      .. "install both from one build", ask "9.9.9")
    assert.matches("are of different builds: install both from one",
      ask(lipsync._VERSION))
  end)
end)

describe("a program that keeps its Lua to itself", function()
  local libraries = { luajit = "libluajit-5.1.so.2" }
  local library = libraries[program.vm] or "lib" .. program.vm .. ".so.0"

  -- What is printed if that program runs `text`.
  local function run(text, cpath)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    local pipe = assert(io.popen(("LUA_CPATH=%q build/private_lua %s %s 2>&1")
      :format(cpath or os.getenv "LUA_CPATH", library, path)))
    local printed = pipe:read "*a"
    pipe:close()
    os.remove(path)
    return printed
  end

  if run "print(_VERSION)" ~= _VERSION .. "\n" then
    return pending("there is no " .. library)
  end

  it("is helped, or told so", function()
    local printed = run [[
      print(require "lipsync".generation '{"id":"x"}'.id)
    ]]
    if program.vm == "lua5.1" then
      assert.matches("this program keeps its Lua from modules in C, which "
        .. "lipsync.core is %(%S*core.so: undefined symbol: lua_gettop%)",
        printed)
    else
      assert.equal("x\n", printed)
    end
  end)

  it("gets no other library of Lua", function()
    local printed = run [[
      local maps = io.open "/proc/self/maps"
      local own = maps:read "*a":match "/[^\n]*liblua[^\n]*"
      maps:close()
      io.open = function()
        return { read = function()
          return (own:gsub("luajit.5%.1", "lua5.1"):gsub("5%.%d", "5.0"))
        end, close = function() end }
      end
      local loaded = false
      package.loadlib = function() loaded = true end
      print(pcall(require, "lipsync"))
      print(loaded)
    ]]
    assert.matches("keeps its Lua from modules in C.*\nfalse\n$", printed)
  end)
end)

describe("a library of C", function()
  local function refuse(problem)
    local text, well = program.run_text(([[
      local require_ = require
      function require(name)
        if name == "lipsync.core" then error(%q, 0) end
        return require_(name)
      end
      print(select(2, pcall(require, "lipsync")))
    ]]):format(problem))
    assert.is_true(well, text)
    return text
  end

  it("of another Lua is told from the program's own", function()
    if not program.can_run() then return pending "no emulator was built" end
    assert.matches('lipsync.core was built for another Lua than .*: run '
      .. '"make install LUA=%S+" %(x.so: undefined symbol: lua_setfenv%)\n$',
      refuse "error loading module\n\tx.so: undefined symbol: lua_setfenv")
    assert.matches("lipsync.core was built for another Lua than ",
      refuse "version mismatch: app. needs Lua 5.2, library Lua 5.3")
  end)

  it("cannot be loaded where dynamic libraries are not enabled", function()
    if not program.can_run() then return pending "no emulator was built" end
    assert.matches("this program cannot load modules in C, which lipsync.core "
      .. "is %(dynamic libraries not enabled; check your Lua installation%)",
      refuse "dynamic libraries not enabled; check your Lua installation")
  end)
end)

describe("the loader", function()
  it("shows a text in the host's log", function()
    local loader, shown = require "lipsync.loader", {}
    rawset(_G, "mp", { add_timeout = print, msg = {
      error = function(text) shown[#shown + 1] = text end,
    } })
    finally(function() rawset(_G, "mp", nil) end)
    loader.client()
    loader.log "words"
    assert.same({ "words" }, shown)
  end)
end)
