-- SPDX-License-Identifier: MIT
-- Types of userdata, whatever a program does to their metatables, to the
-- registry or to package.loaded. In Lua states of their own.

local process = require "process"

-- Runs a text in a state with `http` and `file`, and `things`: one object of
-- each type, by its name.
local function run(text)
  return { process.state(([[
    package.path, package.cpath = %q, %q
    local http, file = require "lipsync.http", require "lipsync.file"
    local name = os.tmpname()
    local function make(http, file)
      local session = assert(http.session { base_url = "http://127.0.0.1:9" })
      return {
        Session = session, Body = assert(http.body { bytes = "a" }),
        Transfer = assert(session:start(nil, "GET", "/")),
        File = assert(file.open(name, "edit")),
        Job = file.job { remove = name .. ".none", here = true },
      }
    end
    local things = make(http, file)
    local function collect()
      collectgarbage()
      collectgarbage()
    end
    local function check_none(http)
      local sessions, transfers = http.live()
      assert(sessions == 0 and transfers == 0, sessions .. " " .. transfers)
    end
  ]]):format(package.path, package.cpath) .. text .. " os.remove(name)") }
end

local well = { true, "" }

describe("a type of userdata", function()
  it("finalizes nothing but its own", function()
    assert.same(well, run [[
      for name, thing in pairs(things) do
        local class = getmetatable(thing)
        for _, other in ipairs { setmetatable({}, class), io.stdout, "", 1 } do
          class.__gc(other)
          local ok, why = pcall(class.close, other)
          assert(not ok and why:find(name .. ".* expected, got"), why)
        end
        class.__gc()
      end
      collect()
      assert(io.type(io.stdout) == "file")
    ]])
  end)

  it("is closed as the variables of a scope are", function()
    assert.same(well, run [[
      assert(tostring(things.Session) == "Session (http://127.0.0.1:9)")
      assert(tostring(things.Transfer) == "Transfer")
      for _, each in ipairs { "Transfer", "Session", "Body", "File", "Job" } do
        local thing = things[each]
        for _ = 1, 2 do
          assert(select("#", getmetatable(thing).__close(thing, nil)) == 0)
          assert(select("#", thing:close()) == 0)
        end
      end
      assert(tostring(things.Session) == "Session (closed)")
      assert(tostring(things.Transfer) == "Transfer (closed)")
      assert(tostring(things.File) == "File (closed)")
      for name, method in pairs { Body = "length", Job = "done" } do
        local ok, why = pcall(things[name][method], things[name])
        assert(not ok and why:find(" is closed", 1, true), why)
      end
      check_none(http)
    ]])
  end)

  it("works without the registry", function()
    assert.same(well, run [[
      local registry = debug.getregistry()
      for key, value in pairs(registry) do
        local ours = type(value) == "table" and rawget(value, "__name") or key
        if tostring(ours):find "^lipsync" then registry[key] = nil end
      end
      things.File:write "abc"
      assert(things.Body:length() == 1 and things.Session:is_open())
      assert(things.Job:done() and type(things.Transfer:ready()) == "boolean")
      things = nil
      collect()
      check_none(http)
    ]])
  end)

  it("is the same after the module was loaded anew", function()
    assert.same(well, run [[
      for name in pairs(package.loaded) do
        if name:find "^lipsync" then package.loaded[name] = nil end
      end
      local more = make(require "lipsync.http", require "lipsync.file")
      for name, thing in pairs(things) do
        assert(getmetatable(thing) == getmetatable(more[name]), name)
      end
      assert(things.Session:start(nil, "POST", "/", nil, false, nil, nil,
                                  more.Body)):close()
      things, more = nil, nil
      collect()
      check_none(http)
    ]])
  end)

  it("is another one in another copy of the library", function()
    assert.same(well, run [[
      local copies = {}
      local function copy(module)
        local from, to
        for each in package.cpath:gmatch "[^;]+" do
          from = from or io.open(each:gsub("?", "lipsync/" .. module), "rb")
        end
        copies[#copies + 1] = name .. module .. ".so"
        to = assert(io.open(copies[#copies], "wb"))
        to:write(from:read "*a")
        from:close()
        to:close()
        return assert(package.loadlib(copies[#copies],
          "luaopen_lipsync_" .. module))()
      end
      copy "core"
      local other_http, other_file = copy "http", copy "file"
      for _, each in ipairs(copies) do os.remove(each) end
      local more = make(other_http, other_file)
      assert(getmetatable(more.Session) ~= getmetatable(things.Session))
      assert(not pcall(things.Session.start, things.Session,
        { method = "POST", path = "/", body = more.Body }))
      assert(http.live() == 1 and other_http.live() == 1)
      things = nil
      collect()
      check_none(http)
      assert(other_http.live() == 1)
      more = nil
      collect()
      check_none(other_http)
    ]])
  end)
end)
