-- SPDX-License-Identifier: MIT
-- What the documents show has to work: their Lua runs against the emulator and
-- prints what stands after "-->", their commands and links are good. Whether
-- they name everything is asked in reference_spec.lua.
--
-- A block "```lua" runs. In docs/ the first one of a document is what its
-- others begin with; only one that requires lipsync itself stands alone. A
-- block "```lua busted" is a spec. A block "```lua compiled" needs a host that
-- is not here: it is only compiled, and so is Lua in an nginx configuration.

local markdown = require "spec.support.markdown"
local program = require "spec.support.program"

local read = markdown.read
-- The folder of this build, and the version in the paths of an installed one.
local build = package.cpath:match "build/([^/;]+)/%?%.so"
local abi = _VERSION:match "%d%.%d"

-- The documents with code of their own, README.md first.
local function documents()
  local found = { "README.md" }
  for _, path in ipairs(markdown.files()) do
    if path:find "^docs/" or path:find "^examples/" then
      found[#found + 1] = path
    end
  end
  return found
end

local function blocks(path, language)
  local found = {}
  for _, block in ipairs((markdown.blocks(read(path)))) do
    if block.language == language then found[#found + 1] = block end
  end
  return found
end

local function compile(code, name)
  return (loadstring or load)(code, name)  -- luacheck: ignore
end

-- Whether a block's emulator in its own process can be had.
local function lacks_module(code)
  return code:find("lipsync.emulator", 1, true)
    and not pcall(require, "lipsync.emulator")
end

-- "a … b" as a pattern in which "…" is any text, and a space any space.
local function pattern_of(text)
  return (text:gsub("%p", "%%%0"):gsub("…", ".-"):gsub("%s+", "%%s+"))
end

-- What the block says it prints, each after the one before.
local function check_output(code, text)
  local at = 1
  for said in (code .. "\n"):gmatch "%-%-> ([^\n]*)\n" do
    local from, to = text:find(pattern_of(said), at)
    assert.is_truthy(from, ("%q is not in:\n%s"):format(said, text))
    at = to + 1
  end
end

local function run(code, how)
  if not program.can_run() then pending "the emulator is left out" end
  if lacks_module(code) then pending "lipsync.emulator is left out" end
  local text, well = (how or program.run_text)(code)
  assert.is_true(well, text)
  check_output(code, text)
  return text
end

-- A block as a program of its own.
local function whole(path, first, block)
  if path == "README.md" or block == first
     or block.code:find 'require "lipsync"' then
    return block.code
  end
  return first.code .. "\n" .. block.code
end

describe("the README", function()
  it("has at most 150 lines", function()
    local _, lines = read "README.md":gsub("\n", "")
    assert.is_true(lines <= 150, lines)
  end)

  -- One makes a video of two files, at an emulator that is quick.
  it("shows five common tasks, each of which prints something", function()
    local found = blocks("README.md", "lua")
    assert.equal(5, #found)
    for _, name in ipairs { "clip.mp4", "voice.wav" } do
      local file = assert(io.open(name, "wb"))
      file:write(name)
      file:close()
    end
    local texts = {}
    for i, block in ipairs(found) do
      texts[i] = program.run_text(block.code,
        "--pending-seconds 0.1 --processing-seconds 0.1")
    end
    for _, name in ipairs { "clip.mp4", "voice.wav", "clip-new.mp4" } do
      assert(os.remove(name), table.concat(texts, "\n"))
    end
    for _, text in ipairs(texts) do assert.not_equal("", text) end
  end)
end)

-- ---- Code ----

for _, path in ipairs(documents()) do
  describe(path, function()
    local lua = blocks(path, "lua")
    local first
    for _, block in ipairs(lua) do
      if block.note == "" then
        first = first or block
        if path ~= "README.md" then
          it(("line %d runs"):format(block.line), function()
            run(whole(path, first, block))
          end)
        end
      elseif block.note == "busted" then
        it(("line %d passes"):format(block.line), function()
          run(block.code, program.run_spec)
        end)
      else
        it(("line %d compiles"):format(block.line), function()
          assert.equal("compiled", block.note)
          assert(compile(block.code, path))
        end)
      end
    end

    for _, block in ipairs(blocks(path, "nginx")) do
      it(("line %d compiles"):format(block.line), function()
        local n = 0
        for code in block.code:gmatch "_by_lua_block (%b{})" do
          n = n + 1
          assert(compile(code:sub(2, -2), path))
        end
        assert.is_true(n > 0)
      end)
    end
  end)
end

-- ---- Commands ----

-- The names of make's targets.
local function targets()
  local found = {}
  local pipe = assert(io.popen "make -s help")
  for line in pipe:lines() do
    for name in line:gmatch "[%l-]+" do found[name] = true end
  end
  pipe:close()
  return found
end

describe("the documents' commands", function()
  it("name only targets that are there", function()
    local known, named = targets(), 0
    for _, path in ipairs(markdown.files()) do
      for _, block in ipairs(blocks(path, "sh")) do
        for target in ("\n" .. block.code):gmatch "[^%w-]make ([%l-]+)" do
          named = named + 1
          assert.is_true(known[target], path .. ": make " .. target)
        end
      end
      for target in read(path):gmatch "`make ([%l-]+)" do
        named = named + 1
        assert.is_true(known[target], path .. ": make " .. target)
      end
    end
    assert.is_true(named > 10)
  end)

  -- What Lua says after the lines `code`, which are meant for Lua 5.4, in a
  -- shell whose home is `home`. It looks in absolute places only.
  local function after(code, home)
    code = code:gsub("lua5%.4", build):gsub("5%.4", abi)
    local pipe = assert(io.popen(([[
      HOME=%s; unset LUA_PATH LUA_CPATH
      %s
      cd / && %s -e 'local lipsync = require "lipsync"
        lipsync.new():close() print(lipsync._VERSION)' 2>&1]]):format(home,
        code, program.vm)))
    local text = pipe:read "*a"
    pipe:close()
    return text
  end

  local function paths(what)
    for _, block in ipairs(blocks("README.md", "sh")) do
      if block.code:find("LUA_PATH", 1, true)
         and block.code:find(what, 1, true) then
        return block.code
      end
    end
    error("there are no lines for " .. what)
  end

  it("find a build in place", function()
    assert.matches("^%d+%.%d+%.%d+\n$", after(paths "$PWD", "/nowhere"))
  end)

  it("find what was installed", function()
    local folder = os.tmpname()
    os.remove(folder)
    local prefix = folder .. "/lipsync"
    local put = "LUA= scripts/install put all build/%s %s/share/lua/%s "
      .. "%s/lib/lua/%s %s/bin >/dev/null"
    os.execute(put:format(build, prefix, abi, prefix, abi, prefix))
    local text = after(paths "$HOME", folder)
    os.execute("rm -r " .. folder)
    assert.matches("^%d+%.%d+%.%d+\n$", text)
  end)
end)

-- ---- Links ----

local function exists(path)
  local file = io.open(path:gsub("/$", ""), "rb")
  if file then file:close() end
  return file ~= nil
end

-- A path as seen from the folder of another, without "..".
local function resolve(from, path)
  local full = (from:match "^(.*/)" or "") .. path
  local n
  repeat full, n = full:gsub("[^/]+/%.%./", "", 1) until n == 0
  return full
end

-- Where a name in code says that it is a file here.
local folders = { spec = true, src = true, lua = true, examples = true,
                  bench = true, scripts = true, docs = true }

describe("the documents' links", function()
  for _, path in ipairs(markdown.files()) do
    it("lead somewhere: " .. path, function()
      for _, target in ipairs(markdown.links(read(path))) do
        local file, anchor = target:match "^([^#]*)#?(.*)$"
        if not target:find "^%a+:" then
          local of = file == "" and path or resolve(path, file)
          assert.is_true(exists(of), target)
          if anchor ~= "" then
            assert.is_true(markdown.anchors(read(of))[anchor], target)
          end
        end
      end
    end)
  end

  it("are as good as the names of files", function()
    for _, path in ipairs(markdown.files()) do
      local _, rest = markdown.blocks(read(path))
      for name in rest:gmatch "`([%w_]+/[%w_./-]+)`" do
        local known = not folders[name:match "^[^/]+"] or exists(name)
        assert.is_true(known or path == "CONTRIBUTING.md", path .. ": " .. name)
      end
    end
  end)

  it("lead to every document", function()
    local linked = { ["README.md"] = true }
    for _, path in ipairs(markdown.files()) do
      for _, target in ipairs(markdown.links(read(path))) do
        linked[resolve(path, (target:gsub("#.*", "")))] = true
      end
    end
    for _, path in ipairs(markdown.files()) do
      assert.is_true(linked[path], path)
    end
  end)
end)
