-- SPDX-License-Identifier: MIT
-- Every example runs, as a user would run it, against the emulator.

local markdown = require "spec.support.markdown"
local program = require "spec.support.program"

local function examples()
  local found = {}
  local pipe = assert(io.popen "ls examples/*.lua 2>/dev/null")
  for path in pipe:lines() do
    -- Which need files, and have tests of their own.
    if path ~= "examples/studio.lua" and path ~= "examples/dub.lua" then
      found[#found + 1] = path
    end
  end
  pipe:close()
  return found
end

describe("examples", function()
  for _, path in ipairs(examples()) do
    it(path .. " runs", function()
      if not program.can_run() then pending "the emulator is left out" end
      local text, well = program.run(path)
      assert.is_true(well, text)
    end)
  end

  -- Prints how many creates there were, by their keys, and what is left.
  local count = [[
    local client = require "lipsync".new()
    local keys, n = {}, 0
    local log = assert(client:request("GET", "/_emulator/requests")).body
    for _, sent in ipairs(log) do
      local key = sent.headers["idempotency-key"]
      if key and not keys[key] then keys[key], n = true, n + 1 end
    end
    print(n .. " creates, " .. client.generations:count() .. " left")]]

  it("studio renders each clip once, although it is killed", function()
    if not program.can_run() then pending "the emulator is left out" end
    local folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir -p " .. folder .. "/out")
    for name, content in pairs { ["a.mp4"] = "a", ["b.mov"] = "b",
        ["voice.wav"] = "v", ["count.lua"] = count } do
      local file = assert(io.open(folder .. "/" .. name, "wb"))
      file:write(content)
      file:close()
    end
    local studio = ("%s examples/studio.lua %s/voice.wav %s/out %s/a.mp4 "
      .. "%s/b.mov"):format(program.vm, folder, folder, folder, folder)
    local text, well = program.run_command(
      ("sh -c '%s >/dev/null & sleep 0.3; kill -9 $!; wait; %s && %s && %s "
        .. "%s/count.lua'"):format(studio, studio, studio, program.vm, folder),
      "--generations 0 --pending-seconds 0.2 --processing-seconds 0.2")
    local first = io.open(folder .. "/out/a.mp4", "rb")
    local second = io.open(folder .. "/out/b.mp4", "rb")
    os.execute("rm -r " .. folder)
    assert.is_true(well, text)
    assert.matches("2 of 2 done%.\n.*2 of 2 done%.\n2 creates, 0 left\n$",
      text)
    assert.is_truthy(first and second)
    first:close()
    second:close()
  end)

  it("studio pays for nothing where two clips have one name", function()
    if not program.can_run() then pending "the emulator is left out" end
    local text, well = program.run_command(program.vm
      .. " examples/studio.lua v.wav out a/1.mp4 2.mp4 b/1.mov")
    assert.is_false(well)
    assert.equal("a/1.mp4 and b/1.mov would both become out/1.mp4.\n", text)
  end)

  it("studio says how a clip that failed is tried again", function()
    if not program.can_run() then pending "the emulator is left out" end
    local folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir -p " .. folder .. "/out")
    for _, name in ipairs { "a.mp4", "voice.wav" } do
      local file = assert(io.open(folder .. "/" .. name, "wb"))
      file:write "x"
      file:close()
    end
    local studio = ("%s examples/studio.lua %s/voice.wav %s/out %s/a.mp4")
      :format(program.vm, folder, folder, folder)
    local text, well = program.run_command(
      ([[sh -c 'curl -sd "{\"route\":\"create\",\"outcome\":\"FAILED\"}" ]]
        .. [[$SYNC_BASE_URL/_emulator/fault; %s; %s; rm %s/out/a.receipt; %s']])
        :format(studio, studio, folder, studio),
      "--generations 0 --pending-seconds 0.1 --processing-seconds 0.1")
    os.execute("rm -r " .. folder)
    assert.is_true(well, text)
    local advice = ("To try again, remove %s/out/a.receipt.\n0 of 1 done.\n")
      :format(folder)
    assert.equal(2, select(2, text:gsub(advice:gsub("%p", "%%%0"), "")))
    assert.matches("1 of 1 done.\n$", text)
  end)

  it("costs adds up a week's amounts by project", function()
    if not program.can_run() then pending "the emulator is left out" end
    local project = "91d7e4b2-0c3a-4f58-8b6d-1a2f3c4b5d60"
    local all = {}
    for i, of in ipairs {
      { 1, "lipsync-2", "4.5", project }, { 2, "lipsync-2", "0.1", project },
      { 6, "sync-3", "1000" }, { 8, "sync-3", "1", project },
    } do
      all[i] = ('{"model":"%s","status":"COMPLETED","outputDuration":%s,'
        .. '"createdAt":"%s"%s}'):format(of[2], of[3],
        os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() - of[1] * 24 * 3600),
        of[4] and ',"projectId":"' .. of[4] .. '"' or "")
    end
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write("[" .. table.concat(all, ",") .. "]")
    file:close()
    local text, well = program.run_command(program.vm .. " examples/costs.lua",
      "--import " .. path)
    os.remove(path)
    assert.is_true(well, text)
    assert.equal("project,generations,usd\n" .. project .. ",2,0.230000\n"
      .. "none,1,120.000000\n", text)
  end)

  -- Prints how much there is of everything.
  local count_batches = [[
    local client = require "lipsync".new()
    local n = { 0, 0 }
    for _ in client.batches:list() do n[1] = n[1] + 1 end
    for _ in client.assets:list() do n[2] = n[2] + 1 end
    print(n[1] .. " batch, " .. n[2] .. " assets, "
      .. client.generations:count() .. " generations")]]

  it("dub makes one batch, although it is killed", function()
    if not program.can_run() then pending "the emulator is left out" end
    local folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir -p " .. folder .. "/out")
    local dub = ("%s examples/dub.lua %s/out"):format(program.vm, folder)
    for i = 1, 4 do
      local path = ("%s/%d.mp4"):format(folder, i)
      local file = assert(io.open(path, "wb"))
      file:write(i)
      file:close()
      dub = dub .. " " .. path
    end
    local file = assert(io.open(folder .. "/count.lua", "wb"))
    file:write(count_batches)
    file:close()
    local text, well = program.run_command(
      ("sh -c '%s >/dev/null & sleep 0.3; kill -9 $!; wait; %s && %s && %s "
        .. "%s/count.lua; ls %s/out'"):format(dub, dub, dub, program.vm,
          folder, folder),
      "--generations 0 --pending-seconds 0.2 --processing-seconds 0.2")
    os.execute("rm -r " .. folder)
    assert.is_true(well, text)
    -- What was uploaded and not noted yet is uploaded again.
    assert.matches("20 of 20 done%.\n.*20 of 20 done%.\n1 batch, [45] assets, "
      .. "20 generations\n", text)
    local names = {}
    for name in text:gmatch "(%d%-%l%l)%-%x+%.mp4\n" do
      names[name], names[#names + 1] = true, name
    end
    assert.equal(20, #names)
    assert.is_true(names["1-de"] and names["4-pt"])
  end)

  it("have a line each in their README", function()
    local linked, n = {}, 0
    for _, target in ipairs(markdown.links(
                              markdown.read "examples/README.md")) do
      linked[target:match "^[^/]*"] = true
    end
    local pipe = assert(io.popen "ls examples")
    for name in pipe:lines() do
      n = n + 1
      assert.is_true(linked[name] or name == "README.md", name)
    end
    pipe:close()
    assert.is_true(n > 10)
  end)

  it("quickstart refuses to delete anywhere but here", function()
    local pipe = assert(io.popen("SYNC_BASE_URL=https://example.invalid "
      .. program.vm .. " examples/quickstart.lua 2>&1"))
    local text = pipe:read "*a"
    pipe:close()
    assert.matches("run it by: make demo", text)
  end)
end)
