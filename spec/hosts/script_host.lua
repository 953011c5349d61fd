-- SPDX-License-Identifier: MIT
--
-- In a process of its own, on each VM. Rules of hosts: 1 (an abandoned lookup
-- is not waited for), 2 (the module stays when its state closes), 9 (no liblua;
-- one binary for Lua 5.1 and LuaJIT), 10 (close-on-exec, no signals), 15
-- (numbers beside lua-cjson), 17 (raised errors on Lua 5.1); also the program's
-- own libcurl and cjson, which stay unchanged.

local emulator = require "spec.support.emulator"
local launch = require "spec.support.launch"
local scripted = require "spec.support.scripted"

local vms = {}
for _, vm in ipairs { "lua5.4", "lua5.3", "lua5.2", "lua5.1", "luajit" } do
  if launch.find(vm)
     and launch.read("build/" .. vm .. "/lipsync/core.so") ~= "" then
    vms[#vms + 1] = vm
  end
end

for _, vm in ipairs(vms) do
  describe("a script on " .. vm, function()
    local service, folder

    local function run(text, options)
      options = options or {}
      options.folder = folder
      options.env = options.env or { SYNC_API_KEY = service.key,
                                     SYNC_BASE_URL = service.base_url }
      return launch.script(vm, text, options)
    end

    before_each(function()
      folder = launch.folder()
      service = emulator.start { generations = 500 }
    end)

    after_each(function()
      service:stop()
      launch.remove(folder)
    end)

    it("reaches the timeout at a slow name, and ends cleanly", function()
      local from = scripted.now()
      local status, log = run([[
        local lipsync = require "lipsync"
        local core = require "lipsync.core"
        local client = lipsync.new { base_url = "https://slow.example",
          api_key = "k", timeout = 0.2, max_attempts = 1, proxy = "" }
        local from = core.now()
        local _, err = client.generations:count()
        print(err.kind, core.now() - from < 1.5)
        from = core.now()
        client:close()
        print(core.now() - from < 1.5)
      ]], { before = "LD_PRELOAD=build/slow_dns.so" })
      assert.equal("timeout\ttrue\ntrue\n", log)
      assert.equal(0, status)
      assert.is_true(scripted.now() - from < 15)
    end)

    it("stays in memory for a lookup that outlasts its state", function()
      local status, log = run([[
        local process = require "process"
        print(process.state [==[
          local client = require "lipsync".new { api_key = "k", proxy = "",
            base_url = "https://slow.example", timeout = 0.2,
            max_attempts = 1 }
          assert(select(2, client.generations:count()).kind == "timeout")
          client:close()
        ]==])
        os.execute "sleep 2.5"
        print "alive"
      ]], { before = "LD_PRELOAD=build/slow_dns.so" })
      assert.equal("true\t\nalive\n", log)
      assert.equal(0, status)
    end)

    it("has sockets that child programs do not inherit", function()
      local _, log = run [[
        local function inherited()
          local pipe = io.popen "ls -l /proc/self/fd"
          local text = pipe:read "*a"
          pipe:close()
          assert(not text:find "eventpoll")
          return select(2, text:gsub("socket:", ""))
        end
        local client = require "lipsync".new()
        client:step()
        -- The files this process was given, and libcurl's own pair for waking
        -- it.
        local before = inherited()
        local listing = client.generations:list()
        listing:next()
        print(inherited() - before)
      ]]
      assert.equal("0\n", log)
    end)

    it("does not change signal handlers while it runs", function()
      local status, log = run([[
        local client = require "lipsync".new()
        assert(client.generations:count() == 500)
        for _ in client.generations:list() do end
        -- While it closes, libcurl sets a SIGPIPE handler and restores the old
        -- one.
        require "lipsync.core".log "closes"
      ]], { before = "LD_PRELOAD=build/signals.so" })
      assert.equal(0, status, log)
      assert.matches("^closes\n", log)
    end)

    it("ends at Ctrl-C in the midst of a call", function()
      local server = scripted.start { { { read = true }, { hold = true } } }
      launch.write(folder .. "/script.lua",
        'print(require "lipsync".new().generations:count())')
      local program = launch.start { folder = folder, vm = vm,
        env = { SYNC_API_KEY = "k", SYNC_BASE_URL = server.base_url },
        command = ("%s %s/script.lua"):format(vm, folder) }
      program:await(function() return #server:requests() > 0 end)
      program:signal "INT"
      local ok, problem = pcall(program.finish, program, 20)
      program:signal "KILL"
      server:stop()
      assert.is_true(ok, problem)
      assert.matches("interrupted!", program:log())
    end)

    it("links no liblua, and libcurl only to what a client needs", function()
      local function linked(name)
        local _, log = launch.run { folder = folder, vm = vm,
          command = ("ldd build/%s/lipsync/%s.so"):format(vm, name) }
        assert.truthy(log:find "libc%.so")
        assert.is_nil(log:find "liblua")
        return log
      end
      assert.is_nil(linked "core":find "libcurl")
      assert.truthy(linked "http":find "libcurl")
    end)

    it("leaves the program's own cjson unchanged", function()
      local _, log = run [[
        local cjson = require "cjson"
        cjson.encode_sparse_array(true)
        cjson.encode_number_precision(3)
        cjson.decode_max_depth(5)
        local client = require "lipsync".new()
        local generation = client.generations:list({ limit = 1 }):next()
        cjson.encode { null = require "lipsync".null }
        print(cjson.encode_sparse_array(), cjson.encode_number_precision(),
          cjson.decode_max_depth(), require "lipsync".null == cjson.null,
          type(generation:decode().input))
      ]]
      assert.equal("true\t3\t5\ttrue\ttable\n", log)
    end)

    it("shares libcurl with the program, both unharmed", function()
      local _, log = run [[
        local own = require "own_curl"
        local url = os.getenv "SYNC_BASE_URL" .. "/v2/errors"
        local function get()
          local body, problem = own.get(url)
          return problem or body:sub(1, 1)
        end
        print(own.begin(), get())
        local client = require "lipsync".new()
        print(client.generations:count(), get())
        local listing = client.generations:list()
        listing:next()
        print(get())
        -- It cleans up libcurl in the middle of one of our transfers.
        own.finish()
        while listing:next() do end
        print(listing.delivered, client.generations:count())
        client:close()
        print(own.begin(), get())
        own.finish()
        collectgarbage()
        print(require "lipsync".new().generations:count())
      ]]
      assert.equal("true\t[\n500\t[\n[\n500\t500\ntrue\t[\n500\n", log)
    end)

    it("shows the sentence of a raised error that nothing catches", function()
      local status, log = run [[
        local client = require "lipsync".new()
        for _ in client.generations:list { status = "NOPE" } do end
      ]]
      assert.equal(1, status)
      assert.matches("list generations: 400 generation_input_validation",
        log)
    end)

    it("prints nothing about a caught one", function()
      local _, log = run [[
        local client = require "lipsync".new()
        print(pcall(function()
          for _ in client.generations:list { status = "NOPE" } do end
        end))
      ]]
      assert.matches("^false\tlist generations: 400 [^\n]*\n$", log)
    end)

    it("does nothing while idle", function()
      local _, log = run [[
        local client = require "lipsync".new()
        client.generations:count()
        client:step()
        local core = require "lipsync.core"
        local session, wakes = client:runtime().session, 0
        local from, cpu = core.now(), os.clock()
        while core.now() - from < 0.5 do
          session:poll(0.5 - (core.now() - from))
          wakes = wakes + 1
        end
        print(wakes <= 3, os.clock() - cpu < 0.1, client:pending())
      ]]
      assert.equal("true\ttrue\t0\n", log)
    end)
  end)
end

describe("the binary for Lua 5.1", function()
  it("serves LuaJIT as well, and the reverse", function()
    local folder = launch.folder()
    local text = 'io.write(require "lipsync"._VERSION)'
    for _, pair in ipairs { { "lua5.1", "luajit" }, { "luajit", "lua5.1" } } do
      if launch.find(pair[1]) and launch.find(pair[2]) then
        launch.write(folder .. "/script.lua", text)
        local _, log = launch.run { folder = folder, vm = pair[2],
          command = pair[1] .. " " .. folder .. "/script.lua" }
        assert.equal(require "lipsync"._VERSION, log)
      end
    end
    launch.remove(folder)
  end)
end)
